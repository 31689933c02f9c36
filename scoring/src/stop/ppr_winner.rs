//! The anytime-valid winner (PPR-1v1): stop when the leader has beaten every other outcome for certain.
//!
//! Rule: density of Beta(v₁ + 1, v₂ + 1) at ½ ≤ δ/(K − 1) for the leader against the runner-up; the others follow.
//! Guarantee: P(the winner is not the most frequent outcome) ≤ δ, whenever one stops and however often one looks.
//! K bounds the number of outcomes; where none are declared, the leader's δ is 6δ/(π²r²) for the r-th label to
//! appear, which sums to δ over all labels that could ever come.
//! Close calls need very many samples; that is the truth about close calls.
//! Source: Jain, Baharav, Tse, Kamath and Kumar, "PAC Mode Estimation using PPR Martingale Confidence Sequences"
//! (AISTATS 2022).

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::interval::ln_beta_density;
use crate::{Decision, Tally};

/// The rule; `delta` in (0, 1), usually 0.05.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PprWinner {
    /// Probability of a wrong winner.
    pub delta: f64,
}

impl PprWinner {
    /// What the rule says now.
    #[must_use]
    pub fn decide(&self, tally: &Tally) -> Decision {
        let Some((place, first, second)) = tally.leader() else {
            return Decision::Continue;
        };
        let share = if tally.is_open() {
            let appeared = tally.appearance(place) as f64;
            6.0 * self.delta / (PI * PI * appeared * appeared)
        } else {
            self.delta / (tally.bound().saturating_sub(1).max(1)) as f64
        };
        let certain = first > second && ln_beta_density(0.5, first + 1.0, second + 1.0) <= share.ln();
        if certain { Decision::Winner(place) } else { Decision::Continue }
    }
}
