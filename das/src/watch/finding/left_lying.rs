//! What people begin and leave (only where they agreed to be watched).
//!
//! Rule: an editor was left with unsaved changes on at least [`TIMES`] occasions since the process was saved last; or
//! an open proposal was looked at on at least [`TIMES`] occasions and nobody decided.

use std::collections::BTreeMap;

use super::{Finding, FindingKind};
use crate::watch::people::{ActKind, occasions};
use crate::watch::sight::Sight;

/// Fewer are an interruption.
const TIMES: usize = 3;

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut left: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut viewed: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for act in &sight.acts {
        match act.kind {
            ActKind::Leave => left.entry(&act.subject).or_default().push(act.at_ms),
            ActKind::Save => {
                left.remove(act.subject.as_str());
            }
            ActKind::View => viewed.entry(&act.subject).or_default().push(act.at_ms),
            ActKind::Edit | ActKind::Undo | ActKind::Accept | ActKind::Reject => {}
        }
    }
    let mut found = Vec::new();
    for (process_id, mut times) in left {
        let process = sight.processes.iter().find(|process| process.definition.process_id == process_id);
        let times = occasions(&mut times);
        let Some(process) = process.filter(|_| times >= TIMES) else { continue };
        found.push(Finding {
            kind: FindingKind::LeftLying,
            subject: process_id.to_owned(),
            title: format!("Finish the change of '{}', or ask DAS for it", process.definition.name),
            evidence: vec![format!("it was begun on {times} occasions and left without saving")],
            weight: times as u64,
            importance: 0.35,
            gain: None,
            definition: Some(process.definition.key),
            remedy: None,
        });
    }
    for (id, title) in &sight.open_proposals {
        let subject = format!("proposal:{id}");
        let times = viewed.get_mut(subject.as_str()).map_or(0, |times| occasions(times));
        if times < TIMES {
            continue;
        }
        found.push(Finding {
            kind: FindingKind::LeftLying,
            subject,
            title: format!("Decide on '{title}'"),
            evidence: vec![format!("it was looked at on {times} occasions and is still open")],
            weight: times as u64,
            importance: 0.3,
            gain: None,
            definition: None,
            remedy: None,
        });
    }
    found
}
