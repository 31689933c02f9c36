//! Definitions that nobody uses.
//!
//! Rule: the newest version is older than [`UNUSED_MS`], no instance of any version started since, and no other
//! process calls it.

use super::{Finding, FindingKind};
use crate::watch::sight::Sight;

/// Thirty days, in milliseconds.
const UNUSED_MS: i64 = 30 * DAY_MS;
const DAY_MS: i64 = 86_400_000;

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut found = Vec::new();
    for process in &sight.processes {
        let last_ms = process.last_started_ms.max(process.definition.deployed_ms);
        let idle_ms = sight.now_ms.saturating_sub(last_ms);
        let id = &process.definition.process_id;
        let called = sight.processes.iter().any(|other| other.profile.calls.contains(id));
        if idle_ms < UNUSED_MS || called {
            continue;
        }
        let days = u64::try_from(idle_ms / DAY_MS).unwrap_or_default();
        let used = if process.started_in_all == 0 {
            "it was never started".to_owned()
        } else {
            format!("it was started {} times, the last time {days} days ago", process.started_in_all)
        };
        found.push(Finding {
            kind: FindingKind::UnusedDefinition,
            subject: id.clone(),
            title: format!(
                "Use '{}' or put it away: nobody has started it for {days} days",
                process.definition.name
            ),
            evidence: vec![used, "no other process calls it".to_owned()],
            weight: days,
            importance: 0.15,
            gain: None,
            definition: Some(process.definition.key),
            remedy: None,
        });
    }
    found
}
