//! Discrete semantic entropy: how scattered the answers are.

use serde::{Deserialize, Serialize};

use crate::Tally;

/// Entropy of the outcome frequencies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entropy {
    /// In nats, with the Miller–Madow correction (K − 1)/(2n) for the bias of the plug-in estimate.
    pub nats: f64,
    /// Divided by ln K and cut to [0, 1]: 0 is one answer only, 1 is all equally often.
    pub normalised: f64,
}

/// The entropy of a tally. Answers of the same meaning must have been grouped under one label before.
/// Source: Farquhar et al., Nature 630 (2024), discrete variant, which needs no log-probabilities.
#[must_use]
pub fn entropy(tally: &Tally) -> Entropy {
    let n = tally.samples() as f64;
    let seen: Vec<f64> = tally.counts().iter().filter(|c| **c > 0).map(|c| *c as f64).collect();
    if seen.len() < 2 {
        return Entropy { nats: 0.0, normalised: 0.0 };
    }
    let plug_in: f64 = seen.iter().map(|count| -(count / n) * (count / n).ln()).sum();
    let nats = plug_in + (seen.len() as f64 - 1.0) / (2.0 * n);
    let bound = (tally.bound().max(2) as f64).ln();
    Entropy { nats, normalised: (nats / bound).clamp(0.0, 1.0) }
}
