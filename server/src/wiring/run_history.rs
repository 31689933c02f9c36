//! Runs of before in the graph: the record of runs is derived data and kept in memory, so it is written again after
//! a data directory is opened, while the server already answers.

use std::sync::Arc;

use engine::ProcessEngine;
use engine::port::InstanceFilter;
use tokio_util::sync::CancellationToken;

use super::receivers::Runs;

/// Runs that are written again, the newest ones.
const RUNS_MAX: usize = 10_000;
/// Instances read at once.
const PAGE: usize = 200;

/// Writes the newest ended runs into the graph, until it is stopped.
pub(super) async fn restore(engine: Arc<dyn ProcessEngine>, runs: Runs, stop: CancellationToken) {
    let mut before = None;
    let mut restored = 0;
    while restored < RUNS_MAX && !stop.is_cancelled() {
        let filter = InstanceFilter { before, limit: PAGE, ..InstanceFilter::default() };
        let page = match engine.instances(&filter).await {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "runs of before could not be read");
                return;
            }
        };
        let Some(last) = page.last() else { return };
        before = Some(last.key);
        let ended = || page.iter().filter(|instance| !instance.status.is_open() && !instance.dry_run);
        runs.know(ended().map(|instance| instance.process_id.as_str())).await;
        for instance in ended() {
            if let Err(reason) = runs.record_instance(instance).await {
                tracing::warn!(instance = instance.key, reason, "a run of before could not be recorded");
            }
        }
        restored += page.len();
    }
}
