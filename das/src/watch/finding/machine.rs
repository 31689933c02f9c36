//! The state of the machine itself: room on the disk, queues, parts that do not answer, load. Pure over the samples,
//! one rule per file.

pub(in crate::watch) mod disk;
mod load;
mod part;
mod queue;
#[cfg(test)]
mod tests;

use super::Finding;
use crate::watch::machine::{Hour, Sample};

/// All of them, from the samples of the last hour and the room on the disk by the hour.
pub(in crate::watch) fn find(recent: &[Sample], hours: &[Hour]) -> Vec<Finding> {
    let mut found: Vec<Finding> = disk::find(recent, hours).into_iter().collect();
    found.extend(queue::find(recent));
    found.extend(part::find(recent));
    found.extend(load::find(recent));
    found
}

/// The newest `n` samples; none where there are fewer.
fn newest(recent: &[Sample], n: usize) -> Option<&[Sample]> {
    recent.len().checked_sub(n).and_then(|from| recent.get(from..))
}

/// Bytes for people.
fn bytes(n: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let unit = UNITS.iter().find(|(size, _)| n.abs() >= *size);
    unit.map_or_else(|| format!("{n:.0} bytes"), |(size, name)| format!("{:.1} {name}", n / size))
}
