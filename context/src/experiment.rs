//! Experiments: several approved versions in use at once, each task given one by Thompson sampling, until the best is
//! known.

use scoring::{Arm, Stream, best_arm, thompson};
use serde::{Deserialize, Serialize};

use crate::Stamp;

/// Draws behind P(best); its standard error is at most 0.008.
const BEST_DRAWS: u32 = 4_000;

/// An experiment with versions of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// The versions, by the labels they had at the start.
    pub arms: Vec<ExperimentArm>,
    /// Part of the tasks that get a version drawn evenly, so that none is given up for lost: 0 to 0.5.
    pub floor: f64,
    /// Probability of being the best at which it stops, above 0.5 and below 1.
    pub enough: f64,
    /// Attempts each version needs before it may stop.
    pub fewest: u64,
    /// Whether the winner goes into production by itself.
    pub promote: bool,
    /// Who began it, and when.
    pub begun: Stamp,
    /// The end, once there is one.
    pub ended: Option<ExperimentEnd>,
}

/// A version in an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentArm {
    /// The label it had.
    pub label: String,
    /// The version.
    pub hash: String,
}

/// How an experiment ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentEnd {
    /// The version that was best; none where a person stopped it before one was.
    pub winner: Option<String>,
    /// P(it is the best).
    pub probability: f64,
    /// Who ended it, and when.
    pub stamp: Stamp,
}

/// Which version a task gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The version.
    pub hash: String,
    /// The label it had when the experiment began.
    pub label: String,
    /// Whether it was drawn evenly, by the floor of exploration.
    pub explored: bool,
    /// P(best) of each version, in the order of the arms.
    pub best: Vec<f64>,
    /// The place of the version that is now known to be best, where one is.
    pub decided: Option<usize>,
}

impl Experiment {
    /// P(this version is the best) for each, from what each did.
    #[must_use]
    pub fn best(&self, counts: &[Arm], stream: &mut Stream) -> Vec<f64> {
        best_arm(counts, stream, BEST_DRAWS)
    }

    /// Gives the next task a version; `counts` is what each did, in the order of the arms.
    #[must_use]
    pub fn assign(&self, counts: &[Arm], stream: &mut Stream) -> Option<Assignment> {
        let best = self.best(counts, stream);
        let tried = counts.iter().all(|arm| arm.successes + arm.failures >= self.fewest);
        let decided = best.iter().position(|probability| tried && *probability >= self.enough);
        let chosen = match decided {
            Some(place) => scoring::Chosen { place, explored: false },
            None => thompson(counts, self.floor, stream)?,
        };
        let arm = self.arms.get(chosen.place)?;
        Some(Assignment {
            hash: arm.hash.clone(),
            label: arm.label.clone(),
            explored: chosen.explored,
            best,
            decided,
        })
    }
}

/// What a version of a prompt is scored under: its name and the start of its hash.
#[must_use]
pub fn version_subject(name: &str, hash: &str) -> String {
    format!("{name}@{}", hash.get(..12).unwrap_or(hash))
}
