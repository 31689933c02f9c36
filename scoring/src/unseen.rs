//! How much probability the outcomes hold that nobody has seen yet.

use crate::Tally;

/// The Good–Turing estimate of the unseen mass: labels seen exactly once, divided by the samples (1 before the
/// first). Unbiased up to 1/n. Source: Good, Biometrika 40 (1953).
#[must_use]
pub fn unseen_mass(tally: &Tally) -> f64 {
    if tally.samples() == 0 {
        return 1.0;
    }
    let once = tally.counts().iter().filter(|count| **count == 1).count();
    once as f64 / tally.samples() as f64
}
