//! Two things tried on the same cases: which is better, by the pairs in which only one of them passed.
//!
//! Pairs that agree say nothing about which is better (McNemar, "Note on the sampling error of the difference between
//! correlated proportions or percentages", Psychometrika 12, 1947). Of the others, the first wins each with
//! probability ½ where neither is better: the sequential sign test is the confidence sequence of that share, decided
//! once it leaves ½ out, however often one looks.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::{Interval, confidence_sequence};

/// Pairs of trials, counted by who passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paired {
    /// Both passed.
    pub both: u32,
    /// Only the first passed.
    pub only_first: u32,
    /// Only the second passed.
    pub only_second: u32,
    /// Neither passed.
    pub neither: u32,
}

/// Which of the two is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The first.
    First,
    /// The second.
    Second,
    /// It cannot be told.
    Undecided,
}

impl Paired {
    /// Counts one pair.
    pub fn push(&mut self, first: bool, second: bool) {
        match (first, second) {
            (true, true) => self.both += 1,
            (true, false) => self.only_first += 1,
            (false, true) => self.only_second += 1,
            (false, false) => self.neither += 1,
        }
    }

    /// Pairs in all.
    #[must_use]
    pub fn pairs(&self) -> u32 {
        self.both + self.only_first + self.only_second + self.neither
    }

    /// Two-sided p-value of the exact McNemar test: the probability of a split at least as uneven, were neither
    /// better. For one look at a number of pairs that was fixed before; 1 where every pair agreed.
    #[must_use]
    pub fn exact_p(&self) -> f64 {
        let differing = self.only_first + self.only_second;
        let Ok(even) = Binomial::new(0.5, u64::from(differing)) else { return 1.0 };
        (2.0 * even.cdf(u64::from(self.only_first.min(self.only_second)))).min(1.0)
    }

    /// Which is better, wrong with probability at most `delta` however often one looks: the share of the first among
    /// the differing pairs, by the sequence that [`Paired::difference`] uses too, so that the two never contradict.
    #[must_use]
    pub fn better(&self, delta: f64) -> Better {
        let share = self.share(delta);
        if share.low > 0.5 {
            Better::First
        } else if share.high < 0.5 {
            Better::Second
        } else {
            Better::Undecided
        }
    }

    /// Pass rate of the first less that of the second, and an interval that holds it at all times at once with
    /// probability at least 1 − `delta`. It is D·(2q − 1), D the share of differing pairs and q the first's share of
    /// these; each has its sequence at half of `delta` (union bound).
    #[must_use]
    pub fn difference(&self, delta: f64) -> (f64, Interval) {
        let n = f64::from(self.pairs());
        if n == 0.0 {
            return (0.0, Interval { low: -1.0, high: 1.0 });
        }
        let differing = confidence_sequence(f64::from(self.only_first + self.only_second), n, delta / 2.0);
        let share = self.share(delta);
        let end = |q: f64, far: f64, near: f64| (2.0 * q - 1.0) * if q < 0.5 { far } else { near };
        let low = end(share.low, differing.high, differing.low);
        let high = end(share.high, differing.low, differing.high);
        ((f64::from(self.only_first) - f64::from(self.only_second)) / n, Interval { low, high })
    }

    fn share(&self, delta: f64) -> Interval {
        let differing = f64::from(self.only_first + self.only_second);
        confidence_sequence(f64::from(self.only_first), differing, delta / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    #[test]
    fn the_exact_test_gives_the_values_of_the_binomial() {
        let of = |only_first, only_second| Paired { only_first, only_second, ..Paired::default() }.exact_p();
        assert_eq!(of(0, 0), 1.0);
        assert_eq!(of(3, 3), 1.0);
        // 2 (1 + 10) / 2^10 and 2 / 2^6.
        assert!((of(1, 9) - 22.0 / 1024.0).abs() < 1e-12);
        assert!((of(6, 0) - 2.0 / 64.0).abs() < 1e-12);
    }

    #[test]
    fn agreeing_pairs_decide_nothing_and_differing_ones_do() {
        let mut paired = Paired { both: 500, neither: 20, ..Paired::default() };
        assert_eq!(paired.better(0.05), Better::Undecided);
        let mut needed = 0;
        while paired.better(0.05) == Better::Undecided {
            paired.push(false, true);
            needed += 1;
        }
        assert_eq!((paired.better(0.05), needed), (Better::Second, 9));
        let (difference, interval) = paired.difference(0.05);
        assert!(
            interval.low < difference && difference < interval.high && interval.high < 0.0,
            "{interval:?}"
        );
    }

    #[test]
    fn looked_at_after_every_pair_equals_are_told_apart_no_more_often_than_delta() {
        let mut stream = Stream::seeded(4);
        let (runs, mut wrong, mut left_out) = (600, 0, 0);
        for _ in 0..runs {
            let (mut paired, mut decided, mut outside) = (Paired::default(), false, false);
            for pair in 0..150 {
                paired.push(stream.uniform() < 0.7, stream.uniform() < 0.7);
                decided |= paired.better(0.05) != Better::Undecided;
                if pair % 10 == 9 {
                    let (_, interval) = paired.difference(0.05);
                    outside |= interval.low > 0.0 || interval.high < 0.0;
                }
            }
            wrong += u32::from(decided);
            left_out += u32::from(outside);
        }
        assert!(f64::from(wrong) / f64::from(runs) <= 0.05, "{wrong} of {runs}");
        assert!(f64::from(left_out) / f64::from(runs) <= 0.05, "{left_out} of {runs}");
    }
}
