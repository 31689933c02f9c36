//! Parts that do not answer.
//!
//! Rule: the process engine, or memory, did not answer (or memory said that it answers less well than it could) in
//! each of the newest [`TIMES`] samples.

use super::newest;
use crate::watch::finding::{Finding, FindingKind};
use crate::watch::machine::{Health, Sample};

/// One miss is a hiccup.
const TIMES: usize = 3;

pub(super) fn find(recent: &[Sample]) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(down(recent, |sample| &sample.engine).map(|(times, why)| Finding {
        kind: FindingKind::EngineUnreachable,
        subject: "engine".to_owned(),
        title: "Bring the process engine back: it does not answer".to_owned(),
        evidence: vec![
            format!("no answer in the newest {times} samples: {why}"),
            "instances stand still meanwhile; nothing is lost, they go on when it is back".to_owned(),
        ],
        weight: times,
        importance: 1.0,
        gain: None,
        definition: None,
        remedy: None,
    }));
    found.extend(down(recent, |sample| &sample.memory).map(|(times, why)| Finding {
        kind: FindingKind::MemoryDegraded,
        subject: "memory".to_owned(),
        title: "Look at memory: it is degraded".to_owned(),
        evidence: vec![
            format!("degraded in the newest {times} samples: {why}"),
            "recall is worse and what is to be remembered waits in the outbox; runs go on".to_owned(),
        ],
        weight: times,
        importance: 0.75,
        gain: None,
        definition: None,
        remedy: None,
    }));
    found
}

/// For how many samples it has been down, and what it said last.
fn down(recent: &[Sample], part: fn(&Sample) -> &Health) -> Option<(u64, String)> {
    newest(recent, TIMES)?;
    let times = recent.iter().rev().take_while(|sample| !part(sample).ok).count();
    let why = recent.last().and_then(|sample| part(sample).detail.clone());
    (times >= TIMES).then(|| (times as u64, why.unwrap_or_else(|| "it gave no reason".to_owned())))
}
