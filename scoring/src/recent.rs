//! What the newest attempts of a subject show: trend, quantiles of duration and cost, by whom, by version, drift.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{DriftAlarm, FALSE_ALARM_EVERY, Tried, credible};

/// What an attempt weighs compared with the next newer one in the trend: half of the weight is on the newest seven.
const FORGETTING: f64 = 0.9;
/// Attempts from which the older half says what is usual.
const USUAL: usize = 40;
/// Error probability of the line that the older half gives: the rate lies above it with 95 %.
const LINE_DELTA: f64 = 0.1;

/// One finished attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempted {
    /// Whether it succeeded.
    pub success: bool,
    /// How long it took, milliseconds.
    pub duration_ms: f64,
    /// What it cost, in the endpoint's currency.
    pub cost: f64,
    /// Version, where there is one.
    pub version: Option<i32>,
    /// Who used it.
    pub actor: String,
}

/// Quantiles of something.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// One in ten is at most this.
    pub p10: f64,
    /// Half are at most this.
    pub p50: f64,
    /// Nine in ten are at most this.
    pub p90: f64,
    /// Ninety-nine in a hundred are at most this.
    pub p99: f64,
}

/// Whether attempts have become worse than they were.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DriftState {
    /// The success rate that the older half of the attempts lies above with 95 % probability.
    pub line: f64,
    /// Attempts of the newer half that were watched.
    pub watched: u64,
    /// The evidence that their rate lies below the line; an alarm from 1,000 on.
    pub evidence: f64,
    /// How many attempts ago the alarm was raised; `None` without one.
    pub raised_ago: Option<u64>,
}

/// What the newest attempts show.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recent {
    /// Attempts looked at.
    pub attempts: u64,
    /// Those that succeeded.
    pub successes: u64,
    /// Success rate with forgetting; `None` without attempts.
    pub trend: Option<f64>,
    /// Durations in milliseconds; `None` without attempts.
    pub durations: Option<Quantiles>,
    /// Costs; `None` without attempts.
    pub costs: Option<Quantiles>,
    /// Attempts by whom.
    pub by: BTreeMap<String, u64>,
    /// Attempts by version, where versions are known.
    pub versions: BTreeMap<i32, Tried>,
    /// Whether they have become worse; `None` with fewer than 40 attempts.
    pub drift: Option<DriftState>,
}

impl Recent {
    /// Of these attempts, newest first.
    #[must_use]
    pub fn of(newest_first: &[Attempted]) -> Self {
        let mut by: BTreeMap<String, u64> = BTreeMap::new();
        let mut versions: BTreeMap<i32, Tried> = BTreeMap::new();
        for attempt in newest_first {
            *by.entry(attempt.actor.clone()).or_default() += 1;
            if let Some(version) = attempt.version {
                let tried = versions.entry(version).or_default();
                tried.attempts += 1;
                tried.successes += u64::from(attempt.success);
            }
        }
        Self {
            attempts: newest_first.len() as u64,
            successes: newest_first.iter().filter(|attempt| attempt.success).count() as u64,
            trend: trend(newest_first.iter().map(|attempt| attempt.success)),
            durations: quantiles(newest_first.iter().map(|attempt| attempt.duration_ms)),
            costs: quantiles(newest_first.iter().map(|attempt| attempt.cost)),
            by,
            versions,
            drift: drift_state(newest_first),
        }
    }
}

/// Mean of attempts, newest first, each weighing 0.9 of the one after it; `None` without attempts.
#[must_use]
pub fn trend(newest_first: impl Iterator<Item = bool>) -> Option<f64> {
    let (mut weight, mut sum, mut all) = (1.0, 0.0, 0.0);
    for success in newest_first {
        sum += if success { weight } else { 0.0 };
        all += weight;
        weight *= FORGETTING;
    }
    (all > 0.0).then(|| sum / all)
}

fn quantiles(values: impl Iterator<Item = f64>) -> Option<Quantiles> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    // The smallest value with at least this share of the values at or below it.
    let at = |share: f64| {
        let place = (share * values.len() as f64).ceil() as usize;
        values.get(place.saturating_sub(1)).copied()
    };
    Some(Quantiles { p10: at(0.1)?, p50: at(0.5)?, p90: at(0.9)?, p99: at(0.99)? })
}

fn drift_state(newest_first: &[Attempted]) -> Option<DriftState> {
    if newest_first.len() < USUAL {
        return None;
    }
    let (newer, older) = newest_first.split_at(newest_first.len() / 2);
    let successes = older.iter().filter(|attempt| attempt.success).count() as f64;
    let line = credible(successes + 1.0, older.len() as f64 - successes + 1.0, LINE_DELTA).low;
    let mut alarm = DriftAlarm::below(line, FALSE_ALARM_EVERY);
    for attempt in newer.iter().rev() {
        alarm.observe(attempt.success);
    }
    let raised_ago = alarm.raised_at().map(|at| alarm.seen() - at);
    Some(DriftState { line, watched: alarm.seen(), evidence: alarm.evidence(), raised_ago })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(count: usize, success: impl Fn(usize) -> bool) -> Vec<Attempted> {
        let attempt = |age: usize| Attempted {
            success: success(age),
            duration_ms: age as f64 + 1.0,
            cost: 0.5,
            version: Some(if age < 10 { 2 } else { 1 }),
            actor: if age.is_multiple_of(4) { "ann" } else { "bob" }.to_owned(),
        };
        (0..count).map(attempt).collect()
    }

    #[test]
    fn the_trend_follows_what_happened_lately() {
        assert_eq!(trend([].into_iter()), None);
        assert_eq!(trend([true; 9].into_iter()), Some(1.0));
        let better = trend((0..40).map(|age| age < 20)).unwrap();
        assert!(better > 0.85, "{better}");
    }

    #[test]
    fn usage_is_told_by_whom_by_version_and_by_quantiles() {
        let found = Recent::of(&attempts(100, |age| age != 3));
        assert_eq!((found.attempts, found.successes, found.by["ann"], found.by["bob"]), (100, 99, 25, 75));
        assert_eq!(found.versions[&2], Tried { attempts: 10, successes: 9 });
        let durations = found.durations.unwrap();
        assert_eq!((durations.p10, durations.p50, durations.p90, durations.p99), (10.0, 50.0, 90.0, 99.0));
        assert_eq!(Recent::of(&[]).durations, None);
    }

    #[test]
    fn a_rate_that_fell_raises_the_alarm_and_one_that_stayed_does_not() {
        let fell = Recent::of(&attempts(200, |age| age >= 60 || age % 2 == 0)).drift.unwrap();
        assert!(fell.raised_ago.is_some_and(|ago| ago < 60), "{fell:?}");
        let steady = Recent::of(&attempts(200, |age| age % 10 != 0)).drift.unwrap();
        assert_eq!(steady.raised_ago, None, "{steady:?}");
        assert_eq!(Recent::of(&attempts(39, |_| true)).drift, None);
    }
}
