//! Share precision: stop when every share is known to ± a half-width.
//!
//! Rule: the largest half-width of the 1 − δ posterior intervals of Beta(v + 1, n − v + K − 1) ≤ ε; with `joint`
//! each interval has 1 − δ/K, so that all hold together.
//! Guarantee: about 1 − δ for each share by itself (three marginal 95 % intervals hold together only about 90 % of
//! the time), measured by simulation; small shares are covered a little less. Needs n ≈ 3.84·p(1 − p)/ε².
//! Source: the Dirichlet posterior under a uniform prior.

use serde::{Deserialize, Serialize};

use crate::{Decision, Tally, credible};

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharePrecision {
    /// Half-width ε, in (0, 0.5).
    pub half_width: f64,
    /// Error probability of each interval.
    pub delta: f64,
    /// All intervals together instead of each by itself.
    pub joint: bool,
}

impl SharePrecision {
    /// What the rule says now.
    #[must_use]
    pub fn decide(&self, tally: &Tally) -> Decision {
        let (n, k) = (tally.effective(), tally.labels().len().max(2) as f64);
        let delta = if self.joint { self.delta / k } else { self.delta };
        let counts = tally.pseudo_counts();
        if n <= 0.0 {
            return Decision::Continue;
        }
        let wide = counts.iter().any(|count| {
            let (a, b) = (count + 1.0, n - count + k - 1.0);
            // The half-width at 95 % is at least 1.5 standard deviations for every Beta with a, b ≥ 1: a cheap
            // test before the two quantiles.
            let deviation = (a * b / ((a + b).powi(2) * (a + b + 1.0))).sqrt();
            (delta <= 0.05 && 1.5 * deviation > self.half_width)
                || credible(a, b, delta).half_width() > self.half_width
        });
        if wide { Decision::Continue } else { Decision::Enough }
    }
}
