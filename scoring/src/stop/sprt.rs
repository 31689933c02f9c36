//! Wald's sequential test for gates: does this pass at least as often as it must?
//!
//! Rule: Λ grows by ln(p₁/p₀) on a pass and by ln((1 − p₁)/(1 − p₀)) on a failure; accept at ln((1 − β)/α),
//! reject at ln(β/(1 − α)). Guarantee: wrong acceptance at p₀ at most about α, wrong rejection at p₁ at most about
//! β. Source: Wald, "Sequential Tests of Statistical Hypotheses", Ann. Math. Stat. 16 (1945).

use serde::{Deserialize, Serialize};

use crate::Error;

/// The test, with what it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sprt {
    pass: f64,
    fail: f64,
    accept: f64,
    reject: f64,
    evidence: f64,
}

/// What the test says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SprtDecision {
    /// Not enough evidence.
    Continue,
    /// Good enough.
    Accept,
    /// Not good enough.
    Reject,
}

impl Sprt {
    /// A test of pass rate `good` against `bad`, with wrong acceptance `alpha` and wrong rejection `beta`.
    ///
    /// # Errors
    /// `SCORING-0002` unless 0 < bad < good < 1 and both errors lie between 0 and 0.5.
    pub fn new(bad: f64, good: f64, alpha: f64, beta: f64) -> Result<Self, Error> {
        let error = |value: f64| value > 0.0 && value < 0.5;
        if !(0.0 < bad && bad < good && good < 1.0 && error(alpha) && error(beta)) {
            return Err(Error::Stop(format!(
                "a gate needs 0 < bad < good < 1 and errors below 0.5, not {bad}, {good}, {alpha}, {beta}"
            )));
        }
        Ok(Self {
            pass: (good / bad).ln(),
            fail: ((1.0 - good) / (1.0 - bad)).ln(),
            accept: ((1.0 - beta) / alpha).ln(),
            reject: (beta / (1.0 - alpha)).ln(),
            evidence: 0.0,
        })
    }

    /// Takes the next result and says where the test stands.
    pub fn push(&mut self, passed: bool) -> SprtDecision {
        self.evidence += if passed { self.pass } else { self.fail };
        if self.evidence >= self.accept {
            SprtDecision::Accept
        } else if self.evidence <= self.reject {
            SprtDecision::Reject
        } else {
            SprtDecision::Continue
        }
    }
}
