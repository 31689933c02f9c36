//! Pure statistics: what the weighted outcomes of a task are, when enough was sampled, and how sure one may be.
//!
//! No async, no I/O, no clock; randomness comes from [`Stream`]s that are addressed, never from a hidden state, so
//! that the same task gives the same numbers again after a crash.

mod alarm;
mod bandit;
mod budget;
mod calibration;
mod distribution;
mod drift;
mod entropy;
mod error;
mod grouping;
mod interval;
mod paired;
mod posterior;
mod propagation;
mod recent;
mod score;
pub mod simulation;
mod stop;
mod stream;
mod tally;
mod thompson;
mod unseen;
mod verdict;

pub use alarm::{DriftAlarm, FALSE_ALARM_EVERY};
pub use bandit::{Arm, Chosen, best_arm, draw_rate, thompson};
pub use budget::{Budget, Exhausted, Spent, parse_duration_ms};
pub use calibration::{Calibration, ENOUGH, Forecast, ReliabilityBin};
pub use distribution::Distribution;
pub use drift::{Drift, drift};
pub use entropy::{Entropy, entropy};
pub use error::Error;
pub use grouping::{Group, GroupedBy, Grouping};
pub use interval::{Interval, confidence_sequence, credible};
pub use paired::{Better, Paired};
pub use posterior::{BEST_DRAWS, monte_carlo_best, probability_best};
pub use propagation::{PROPAGATION_DRAWS, Part, PartInfluence, Propagated, propagate};
pub use recent::{Attempted, DriftState, Quantiles, Recent, trend};
pub use score::Score;
pub use stop::{
    Beta, Decision, EarlyWindow, Fixed, Plan, PprWinner, Rule, SharePrecision, Sprt, SprtDecision,
};
pub use stream::{Address, Stream};
pub use tally::{INVALID, MAX_LABELS, MAX_SAMPLES, REFUSED, Tally};
pub use thompson::{DECIDED, DEFAULT_FLOOR, MAX_VARIANTS, Pick, Tried, pick, probability_best_variant};
pub use unseen::unseen_mass;
pub use verdict::{ExpectedFurther, LabelProbability, Reason, Share, Verdict};

#[cfg(test)]
mod tests;
