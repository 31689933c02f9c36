//! From experience: event logs of what really happened become processes, and are compared with processes.
//!
//! A log comes from XES, from a table (CSV) or from the trail. [`discover`] makes a sound process of it by inductive
//! mining; [`conformance`] replays it on a process and names every deviation; [`play_out`] makes a log of a process.
//! [`read_evidence`] reads from the trail what a simulation needs to know.

mod conform;
mod discover;
mod evidence;
pub mod log;
mod mine;
mod net;
mod play_out;
#[cfg(test)]
mod tests;

pub use conform::{Conformance, Deviation, DeviationKind, MAX_LISTED, TraceFit, conformance, conformance_as};
pub use discover::{discover, draw};
pub use evidence::{CASES_LIMIT, read_evidence};
pub use log::{EventLog, Variant};
pub use play_out::play_out;

/// A part of a whole; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of events stay far below 2^52")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
