//! Places that people change again and again (only where they agreed to be watched).
//!
//! Rule: the same element of the same process was changed on at least [`OFTEN`] occasions within thirty days; changes
//! that lie less than half an hour apart are one occasion.

use std::collections::BTreeMap;

use super::{Finding, FindingKind, count};
use crate::watch::people::{ActKind, occasions};
use crate::watch::sight::Sight;

/// On fewer occasions it is still being written.
const OFTEN: usize = 4;

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut edits: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
    for act in sight.acts.iter().filter(|act| matches!(act.kind, ActKind::Edit | ActKind::Undo)) {
        if let Some(element) = &act.element {
            edits.entry((&act.subject, element)).or_default().push(act.at_ms);
        }
    }
    let mut found = Vec::new();
    for ((process_id, element), mut times) in edits {
        let times_changed = occasions(&mut times);
        let process = sight.processes.iter().find(|process| process.definition.process_id == process_id);
        let Some(process) = process.filter(|_| times_changed >= OFTEN) else { continue };
        let name = process.profile.label(element);
        let days = sight.now_ms.saturating_sub(times.last().copied().unwrap_or_default()) / 86_400_000;
        found.push(Finding {
            kind: FindingKind::EditedAgain,
            subject: process.subject(element),
            title: format!(
                "Settle '{name}' in '{}': it was changed on {times_changed} occasions in thirty days",
                process.definition.name
            ),
            evidence: vec![
                format!("changed on {times_changed} occasions, the last {days} days ago"),
                "what changes so often may be better a variable, a decision table (DMN), or a choice of its own"
                    .to_owned(),
            ],
            weight: times_changed as u64,
            importance: 0.3 + 0.3 * (1.0 - count(OFTEN as u64) / count(times_changed as u64 + 1)),
            gain: None,
            definition: Some(process.definition.key),
            remedy: None,
        });
    }
    found
}
