//! The kernel: the microkernel that watches an engine, the PDO that manages one process instance, the TDE that
//! executes one task, and what they need: templates, tools, the outbox relay, scores, dry runs.
//!
//! PDO and TDE are themselves BPMN: `processes/pdo.bpmn` and `processes/tde.bpmn` are interpreted in memory by the
//! same token rules as every other process; their service tasks name the [`Action`]s that are written in Rust.

mod action;
mod census;
mod dry_run;
mod error;
mod interpret;
pub mod isolation;
mod metered;
mod microkernel;
mod operations;
mod outbox;
mod outside;
mod parts;
mod pdo;
mod recollection;
mod scores;
mod tde;
mod template;
mod tools;
mod workspace;

pub use action::Action;
pub use census::{Census, Worker};
pub use dry_run::{DryRun, DryRunOptions, DryRunState, TraceEntry, dry_run};
pub use error::Error;
pub use isolation::{ContainerSettings, Launcher, Level};
pub use metered::Metered;
pub use microkernel::Microkernel;
pub use operations::Holdings;
pub use outbox::{Receiver, Relay};
pub use outside::{Outside, OutsideLimits, Unreached};
pub use parts::{Assistant, Limits, Parts};
pub use recollection::TaskMemory;
pub use scores::{ScoreFilter, ScoreRow, Scores};
pub use template::{PDO_BPMN, TDE_BPMN, Template, Templates};
pub use tools::{Class, Tool, ToolResult, Tools};
pub use workspace::{FileResult, Operation, Workspace};

#[cfg(test)]
mod tests;
