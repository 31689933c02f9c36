//! The batting average of a process, task, prompt, tool or model, with how sure it is.

use serde::{Deserialize, Serialize};

use crate::confidence_sequence;

/// A score: a posterior mean and an interval that holds however often one looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Finished attempts.
    pub attempts: u64,
    /// Those of them that succeeded.
    pub successes: u64,
    /// Posterior mean under a uniform prior, (successes + 1)/(attempts + 2): 0.5 before the first attempt.
    pub average: f64,
    /// Lower end of the 95 % confidence sequence.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Score {
    /// Error probability of the interval.
    pub const DELTA: f64 = 0.05;

    /// The score of `successes` in `attempts`; more successes than attempts count as all.
    #[must_use]
    pub fn new(attempts: u64, successes: u64) -> Self {
        let successes = successes.min(attempts);
        let (n, s) = (attempts as f64, successes as f64);
        let interval = confidence_sequence(s, n, Self::DELTA);
        Self { attempts, successes, average: (s + 1.0) / (n + 2.0), low: interval.low, high: interval.high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untried_subject_scores_one_half_and_could_be_anything() {
        let score = Score::new(0, 0);
        assert_eq!((score.average, score.low, score.high), (0.5, 0.0, 1.0));
    }

    #[test]
    fn the_interval_surrounds_the_average_and_narrows() {
        let few = Score::new(10, 8);
        let many = Score::new(1000, 800);
        assert!(few.low < few.average && few.average < few.high);
        assert!(many.high - many.low < (few.high - few.low) / 3.0);
    }
}
