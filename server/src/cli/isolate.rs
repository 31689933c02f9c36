//! The hidden launcher of isolated tools.

use std::process::ExitCode;

use clap::Args;

/// One stage of the launcher.
#[derive(Debug, Args)]
pub(crate) struct Isolate {
    /// `supervise`, `enter` or `confine`.
    stage: String,
    /// What to run, as JSON.
    plan: String,
}

impl Isolate {
    pub(crate) fn execute(&self) -> ExitCode {
        kernel::isolation::launch(&self.stage, &self.plan)
    }
}
