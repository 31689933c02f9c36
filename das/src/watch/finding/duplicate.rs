//! Processes that say the same.
//!
//! Rule: two newest versions have the same activity labels, at least [`FEWEST`], equally often, and the same
//! behavioural footprint: for each pair of activities, which can follow which.

use std::collections::BTreeMap;

use super::{Finding, FindingKind};
use crate::generate::score_pair;
use crate::watch::sight::{Sight, Watched};

/// Processes with fewer activities may well be alike.
const FEWEST: usize = 3;
/// Processes of one group that are compared with its first.
const GROUP_LIMIT: usize = 20;

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut groups: BTreeMap<&[String], Vec<&Watched>> = BTreeMap::new();
    for process in sight.processes.iter().filter(|process| process.profile.labels.len() >= FEWEST) {
        groups.entry(&process.profile.labels).or_default().push(process);
    }
    let mut found = Vec::new();
    for (labels, mut group) in groups {
        group.sort_by(|a, b| a.definition.process_id.cmp(&b.definition.process_id));
        let Some((first, others)) = group.split_first() else { continue };
        let same: Vec<&&Watched> =
            others.iter().take(GROUP_LIMIT).filter(|other| alike(first, other)).collect();
        if same.is_empty() {
            continue;
        }
        let names: Vec<String> = std::iter::once(first)
            .chain(same.iter().copied())
            .map(|process| format!("'{}' ({} starts)", process.definition.process_id, process.started_in_all))
            .collect();
        found.push(Finding {
            kind: FindingKind::Duplicate,
            subject: first.definition.process_id.clone(),
            title: format!(
                "Keep one of {} processes that say the same as '{}'",
                names.len(),
                first.definition.name
            ),
            evidence: vec![
                format!("the same {} activities in the same order: {}", labels.len(), labels.join(", ")),
                format!("these are alike: {}", names.join(", ")),
            ],
            weight: names.len() as u64,
            importance: 0.25,
            gain: None,
            definition: Some(first.definition.key),
            remedy: None,
        });
    }
    found
}

fn alike(one: &Watched, other: &Watched) -> bool {
    let score = score_pair("", &one.profile.definitions, &other.profile.definitions);
    score.activities.f1 >= 1.0
        && score.gateways.as_ref().is_none_or(|both| both.f1 >= 1.0)
        && score.footprint.is_none_or(|same| same >= 1.0)
}
