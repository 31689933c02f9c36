//! Adaptive consistency: stop when the leader probably beats the runner-up.
//!
//! Rule: P(p₁ > p₂ | counts) = I½(v₂ + 1, v₁ + 1) ≥ confidence. Unanimous answers stop at the fourth for 0.95.
//! Guarantee: none on the error rate. It is a posterior probability at one look, and it is looked at after every
//! sample: on close calls the wrong outcome wins more often than 1 − confidence (10 % at shares 0.5/0.4/0.1).
//! Use it where samples are dear and close calls matter little.
//! Source: Aggarwal, Madaan, Yang and Mausam, "Let's Sample Step by Step" (EMNLP 2023).

use serde::{Deserialize, Serialize};
use statrs::function::beta::checked_beta_reg;

use crate::{Decision, Tally};

/// The rule; `confidence` in (0, 1), usually 0.95.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beta {
    /// Probability that the leader really leads, at which to stop.
    pub confidence: f64,
}

impl Beta {
    /// What the rule says now.
    #[must_use]
    pub fn decide(&self, tally: &Tally) -> Decision {
        match tally.leader() {
            Some((place, first, second)) if Self::leads(first, second) >= self.confidence => {
                Decision::Winner(place)
            }
            _ => Decision::Continue,
        }
    }

    /// P(p₁ > p₂) for pseudo-counts of the leader and the runner-up.
    #[must_use]
    pub fn leads(first: f64, second: f64) -> f64 {
        checked_beta_reg(second + 1.0, first + 1.0, 0.5).unwrap_or(0.0)
    }
}
