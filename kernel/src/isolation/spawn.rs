//! The server's side: starts a supervisor, holds its lifeline, reads how it went.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::{Ended, Plan};

/// The hidden subcommand of the binary that leads to [`super::launch`].
pub const SUBCOMMAND: &str = "__isolate";
/// What a supervisor may take beyond the wall deadline of its tool, to end everything and to report.
const SLACK: Duration = Duration::from_secs(5);
/// Largest report: both outputs, escaped.
const REPORT_BYTES: u64 = 64 * 1024 * 1024;

/// How the launcher is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launcher {
    program: PathBuf,
}

impl Launcher {
    /// A launcher that is the binary which runs already, wherever it has been moved to meanwhile.
    #[must_use]
    pub fn own() -> Self {
        Self::new(super::SELF.into())
    }

    /// A launcher that is this binary; its hidden subcommand must call [`super::launch`].
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// Runs a plan to its end, or until it is cancelled; in both cases nothing it started is left.
    ///
    /// # Errors
    /// Where the supervisor cannot be started or does not report.
    pub async fn run(&self, plan: &Plan, cancel: &CancellationToken) -> Result<Ended, String> {
        let text = serde_json::to_string(plan).map_err(|error| error.to_string())?;
        let mut supervisor = Command::new(&self.program)
            .args([SUBCOMMAND, "supervise", &text])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", self.program.display()))?;
        let mut lifeline = supervisor.stdin.take();
        let Some(stdout) = supervisor.stdout.take() else { return Err("the supervisor is mute".to_owned()) };
        let mut report = String::new();
        let mut limited = stdout.take(REPORT_BYTES);
        let reading = limited.read_to_string(&mut report);
        tokio::pin!(reading);
        let read = tokio::select! {
            read = &mut reading => read,
            () = cancel.cancelled() => {
                drop(lifeline.take());
                tokio::time::timeout(SLACK, &mut reading).await.unwrap_or(Ok(0))
            }
            () = tokio::time::sleep(Duration::from_millis(plan.limits.wall_ms) + SLACK) => Ok(0),
        };
        drop(lifeline);
        read.map_err(|error| format!("the supervisor broke off: {error}"))?;
        let _status = tokio::time::timeout(SLACK, supervisor.wait()).await;
        serde_json::from_str(&report).map_err(|error| format!("the supervisor did not report: {error}"))
    }
}
