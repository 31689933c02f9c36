//! An alarm that a success rate has fallen below a line, attempt by attempt, with its guarantee.
//!
//! With x = 1 for a success, e = 1 + λ (line − x) is non-negative for 0 ≤ λ ≤ 1/(1 − line) and its mean is at most 1 as
//! long as the chance of success is at least the line, whatever else the attempts depend on. The Shiryaev–Roberts sum
//! M ← (M + 1) e then has mean at most n after n attempts, so an alarm at M ≥ A comes on average after at least A
//! attempts where nothing is wrong, however long one looks. The mean over several λ keeps that and catches small and
//! large falls. Source: Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection"
//! (2022), which generalises Shiryaev (1963) and Roberts (1966).

use serde::{Deserialize, Serialize};

/// Attempts between two false alarms on average, at least, where nobody says otherwise.
pub const FALSE_ALARM_EVERY: f64 = 1_000.0;
/// λ as parts of its largest value.
const BETS: [f64; 6] = [0.05, 0.1, 0.2, 0.4, 0.6, 0.9];

/// Watches attempts of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftAlarm {
    line: f64,
    every: f64,
    sums: [f64; 6],
    seen: u64,
    raised_at: Option<u64>,
}

impl DriftAlarm {
    /// An alarm for a success rate below `line` (0 to 1); where the rate is at least the line, false alarms are at least
    /// `every` attempts apart on average.
    #[must_use]
    pub fn below(line: f64, every: f64) -> Self {
        Self { line: line.clamp(0.0, 0.999), every: every.max(1.0), sums: [0.0; 6], seen: 0, raised_at: None }
    }

    /// Takes an attempt; true where the alarm is raised by it for the first time.
    pub fn observe(&mut self, success: bool) -> bool {
        self.seen += 1;
        let x = f64::from(u8::from(success));
        for (sum, bet) in self.sums.iter_mut().zip(BETS) {
            let lambda = bet / (1.0 - self.line);
            *sum = (*sum + 1.0) * (1.0 + lambda * (self.line - x));
            // Larger than any line that could be asked for, and still finite.
            *sum = sum.min(1e300);
        }
        let raised = self.raised_at.is_none() && self.evidence() >= self.every;
        if raised {
            self.raised_at = Some(self.seen);
        }
        raised
    }

    /// The evidence for a fall so far; the alarm is raised where it reaches `every`.
    #[must_use]
    pub fn evidence(&self) -> f64 {
        self.sums.iter().sum::<f64>() / self.sums.len() as f64
    }

    /// The line.
    #[must_use]
    pub fn line(&self) -> f64 {
        self.line
    }

    /// Attempts seen.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The attempt by which it was raised, from 1.
    #[must_use]
    pub fn raised_at(&self) -> Option<u64> {
        self.raised_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    /// Attempts until the alarm, at most `most`.
    fn until_alarm(line: f64, every: f64, rate: impl Fn(u64) -> f64, seed: u64, most: u64) -> u64 {
        let (mut alarm, mut stream) = (DriftAlarm::below(line, every), Stream::seeded(seed));
        (1..=most).find(|attempt| alarm.observe(stream.uniform() < rate(*attempt))).unwrap_or(most)
    }

    #[test]
    fn false_alarms_are_as_far_apart_as_promised() {
        for (line, rate) in [(0.9, 0.9), (0.5, 0.5), (0.8, 0.95)] {
            let lengths: Vec<u64> =
                (0..200).map(|seed| until_alarm(line, 200.0, |_| rate, seed, 4_000)).collect();
            let mean = lengths.iter().sum::<u64>() as f64 / 200.0;
            assert!(mean >= 200.0, "line {line}, rate {rate}: {mean}");
        }
    }

    #[test]
    fn a_fall_is_noticed_soon() {
        // After 100 attempts at 95 % the rate falls to 60 %; the line is 90 %.
        let rate = |attempt: u64| if attempt <= 100 { 0.95 } else { 0.6 };
        let mut delays: Vec<i64> =
            (0..200).map(|seed| until_alarm(0.9, 1_000.0, rate, seed, 2_000) as i64 - 100).collect();
        delays.sort_unstable();
        assert!((5..=30).contains(&delays[100]) && delays[190] < 60, "{delays:?}");
    }

    #[test]
    fn an_alarm_is_raised_once_and_says_when() {
        let mut alarm = DriftAlarm::below(0.9, 100.0);
        let raised: Vec<bool> = (0..20).map(|_| alarm.observe(false)).collect();
        assert_eq!(raised.iter().filter(|raised| **raised).count(), 1);
        let first = raised.iter().position(|raised| *raised).unwrap() as u64 + 1;
        assert_eq!((alarm.raised_at(), alarm.seen(), alarm.line()), (Some(first), 20, 0.9));
    }
}
