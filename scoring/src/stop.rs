//! Stop rules: when enough was sampled. Each rule stands in its own file with its guarantee and source.

mod beta;
mod early_window;
mod fixed;
mod ppr_winner;
mod share_precision;
mod sprt;

use bpmn::program::StopSpec;
use serde::{Deserialize, Serialize};

pub use beta::Beta;
pub use early_window::EarlyWindow;
pub use fixed::Fixed;
pub use ppr_winner::PprWinner;
pub use share_precision::SharePrecision;
pub use sprt::{Sprt, SprtDecision};

use crate::{Budget, Error, Tally, parse_duration_ms};

/// What a rule says about a tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Not enough was sampled.
    Continue,
    /// Enough: the label at this place wins.
    Winner(usize),
    /// Enough was sampled for what the rule promises, which is not a winner.
    Enough,
}

/// A stop rule with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Rule {
    /// Anytime-valid winner.
    Winner(PprWinner),
    /// Adaptive consistency.
    Beta(Beta),
    /// One unanimous window.
    Window(EarlyWindow),
    /// Shares to a half-width.
    Shares(SharePrecision),
    /// A fixed number of samples.
    Fixed(Fixed),
}

impl Rule {
    /// What the rule says now.
    #[must_use]
    pub fn decide(&self, tally: &Tally) -> Decision {
        match self {
            Self::Winner(rule) => rule.decide(tally),
            Self::Beta(rule) => rule.decide(tally),
            Self::Window(rule) => rule.decide(tally),
            Self::Shares(rule) => rule.decide(tally),
            Self::Fixed(rule) => rule.decide(tally),
        }
    }

    /// Its name as `procos:stop rule` has it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Winner(_) => "winner",
            Self::Beta(_) => "beta",
            Self::Window(_) => "window",
            Self::Shares(SharePrecision { joint: true, .. }) => "joint",
            Self::Shares(_) => "shares",
            Self::Fixed(_) => "fixed",
        }
    }

    /// Its error probability.
    #[must_use]
    pub fn delta(&self) -> f64 {
        match self {
            Self::Winner(rule) => rule.delta,
            Self::Beta(rule) => 1.0 - rule.confidence,
            Self::Shares(rule) => rule.delta,
            Self::Window(_) | Self::Fixed(_) => DEFAULT_DELTA,
        }
    }
}

/// Error probability where none is declared.
const DEFAULT_DELTA: f64 = 0.05;
/// Half-width of shares where none is declared.
const DEFAULT_HALF_WIDTH: f64 = 0.05;
/// Samples of the rule `fixed` where none are declared.
const DEFAULT_FIXED: u64 = 40;
/// Size of the window of the rule `window`.
const DEFAULT_WINDOW: usize = 5;

/// A rule with its budget, as a task declares them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// When to stop.
    pub rule: Rule,
    /// When to stop at the latest.
    pub budget: Budget,
}

impl Plan {
    /// Reads what a task declares; `default_samples` is the budget where it declares none (a model's samples cost
    /// more than draws).
    ///
    /// # Errors
    /// `SCORING-0002` for an unknown rule or a parameter out of range.
    pub fn from_spec(spec: Option<&StopSpec>, default_samples: u64) -> Result<Self, Error> {
        let none = StopSpec::default();
        let spec = spec.unwrap_or(&none);
        let delta = in_range("delta", spec.delta.unwrap_or(DEFAULT_DELTA), 0.0, 1.0)?;
        let samples = spec.samples.unwrap_or(default_samples);
        if samples == 0 || samples > crate::MAX_SAMPLES as u64 {
            return Err(Error::Stop(format!("samples must be 1 to {}, not {samples}", crate::MAX_SAMPLES)));
        }
        let rule = match spec.rule.as_deref().unwrap_or("winner") {
            "winner" | "ppr" => Rule::Winner(PprWinner { delta }),
            "beta" => Rule::Beta(Beta { confidence: 1.0 - delta }),
            "window" => Rule::Window(EarlyWindow { window: DEFAULT_WINDOW }),
            kind @ ("shares" | "joint") => {
                let half_width = in_range("share", spec.share.unwrap_or(DEFAULT_HALF_WIDTH), 0.0, 0.5)?;
                Rule::Shares(SharePrecision { half_width, delta, joint: kind == "joint" })
            }
            "fixed" => Rule::Fixed(Fixed { samples: spec.samples.unwrap_or(DEFAULT_FIXED) }),
            other => {
                let known = "winner, beta, window, shares, joint, fixed";
                return Err(Error::Stop(format!("unknown rule {other:?}; known are {known}")));
            }
        };
        let cost = spec.cost.map(|cost| in_range("cost", cost, 0.0, f64::MAX)).transpose()?;
        let time_ms = spec.time.as_deref().map(parse_duration_ms).transpose()?;
        Ok(Self { rule, budget: Budget { samples, tokens: spec.tokens, cost, time_ms } })
    }
}

fn in_range(name: &str, value: f64, above: f64, below: f64) -> Result<f64, Error> {
    if value > above && value < below {
        Ok(value)
    } else {
        Err(Error::Stop(format!("{name} must lie between {above} and {below}, not {value}")))
    }
}
