//! Queues that grow: effects that wait for delivery, jobs that nobody takes, incidents that nobody resolves.
//!
//! Rule: over the newest [`WINDOW`] samples (ten minutes) the medians of its four quarters rise one after the other,
//! the last one is at least twice the first, and at least [`FEWEST`] things of the queue wait.

use super::newest;
use crate::watch::finding::{Finding, FindingKind};
use crate::watch::machine::Sample;

/// Samples that are looked at.
const WINDOW: usize = 20;
/// Fewer waiting things are no queue.
const FEWEST: u64 = 50;

type Length = fn(&Sample) -> Option<u64>;

/// Name, length, what to do about it.
const QUEUES: [(&str, Length, &str); 3] = [
    (
        "outbox",
        |sample| sample.outbox,
        "effects on memory and graph wait for delivery: look whether memory answers, and into the log",
    ),
    (
        "jobs",
        |sample| sample.jobs,
        "jobs wait: look whether workers for their types run, and whether the machine is busy",
    ),
    (
        "incidents",
        |sample| sample.incidents,
        "incidents wait for a person: `procos ps` shows which instances",
    ),
];

pub(super) fn find(recent: &[Sample]) -> Vec<Finding> {
    let Some(window) = newest(recent, WINDOW) else { return Vec::new() };
    QUEUES.iter().filter_map(|(name, length, advice)| grows(name, *length, advice, window)).collect()
}

fn grows(name: &str, length: Length, advice: &str, window: &[Sample]) -> Option<Finding> {
    let lengths: Vec<u64> = window.iter().filter_map(length).collect();
    if lengths.len() < WINDOW {
        return None;
    }
    let medians: Vec<u64> = lengths.chunks(WINDOW / 4).map(median).collect();
    let (first, last, now) = (*medians.first()?, *medians.last()?, *lengths.last()?);
    let rises = medians.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    if !rises || last < 2 * first || now < FEWEST {
        return None;
    }
    Some(Finding {
        kind: FindingKind::GrowingQueue,
        subject: name.to_owned(),
        title: format!("Look at the queue '{name}': it grows, {now} wait"),
        evidence: vec![
            format!("waiting over the last ten minutes, medians of four quarters: {}", words(&medians)),
            advice.to_owned(),
        ],
        weight: now,
        importance: 0.8,
        gain: None,
        definition: None,
        remedy: None,
    })
}

fn median(lengths: &[u64]) -> u64 {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn words(numbers: &[u64]) -> String {
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}
