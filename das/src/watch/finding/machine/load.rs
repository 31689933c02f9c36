//! A machine that has nothing left.
//!
//! Rule: in each of the newest [`WINDOW`] samples (ten minutes) the processors were busier than [`BUSY`], or less than
//! [`LEFT`] of the memory was available.

use super::{bytes, newest};
use crate::watch::finding::{Finding, FindingKind, count};
use crate::watch::machine::Sample;

/// Samples that are looked at.
const WINDOW: usize = 20;
/// Busier is as good as always.
const BUSY: f64 = 0.95;
/// Less memory is soon none.
const LEFT: f64 = 0.05;

pub(super) fn find(recent: &[Sample]) -> Vec<Finding> {
    let Some(window) = newest(recent, WINDOW) else { return Vec::new() };
    let mut found = Vec::new();
    if window.iter().all(|sample| sample.processor.is_some_and(|busy| busy > BUSY)) {
        let least = window.iter().filter_map(|sample| sample.processor).fold(1.0, f64::min);
        found.push(overloaded(
            "processor",
            "Give the processors less to do: they have been busy for ten minutes",
            format!("at least {:.0} % busy in each of the newest {WINDOW} samples", least * 100.0),
            recent.len(),
        ));
    }
    let available = |sample: &Sample| Some((sample.memory_available?, sample.memory_total?));
    let short =
        |sample: &Sample| available(sample).is_some_and(|(free, all)| count(free) < LEFT * count(all));
    if window.iter().all(short) {
        let own = window.last().and_then(|sample| sample.own_memory).unwrap_or_default();
        let (free, all) = window.last().and_then(available).unwrap_or_default();
        found.push(overloaded(
            "machine memory",
            "Free memory of the machine: less than 5 % has been left for ten minutes",
            format!(
                "{} of {} available; this program holds {}",
                bytes(count(free)),
                bytes(count(all)),
                bytes(count(own))
            ),
            recent.len(),
        ));
    }
    found
}

fn overloaded(subject: &str, title: &str, evidence: String, samples: usize) -> Finding {
    Finding {
        kind: FindingKind::Overloaded,
        subject: subject.to_owned(),
        title: title.to_owned(),
        evidence: vec![evidence],
        weight: samples as u64,
        importance: 0.6,
        gain: None,
        definition: None,
        remedy: None,
    }
}
