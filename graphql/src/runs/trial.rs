//! Versions of a process side by side.

use async_graphql::{InputObject, SimpleObject};
use das::version_trial::{Rival, VersionTrial as Found};

use crate::scalar::Timestamp;

/// Versions of a process side by side: a start that names the process alone takes one of them, the more often the better it
/// has done since the trial began (Thompson sampling), each with at least the probability of the floor.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct VersionTrial {
    /// Id of the BPMN process.
    process_id: String,
    /// Least probability with which each version is taken.
    floor: f64,
    /// When it began.
    since: Timestamp,
    /// Who set it.
    actor: String,
    /// The versions with how they do.
    versions: Vec<TriedVersion>,
}

/// A version in a trial.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct TriedVersion {
    /// The version.
    version: i32,
    /// Instances that ended since the trial began.
    attempts: u64,
    /// Those that succeeded.
    successes: u64,
    /// Posterior mean under a uniform prior, 0 to 1.
    average: f64,
    /// 95 % confidence sequence, lower end.
    low: f64,
    /// Upper end.
    high: f64,
    /// Probability that it is the best one; from 0.95 on the trial can be ended.
    probability_best: f64,
}

/// Which versions to try side by side.
#[derive(InputObject)]
pub(crate) struct TryVersionsInput {
    /// Id of the BPMN process.
    pub(crate) process_id: String,
    /// Two versions or more.
    pub(crate) versions: Vec<i32>,
    /// Least probability with which each is taken, at most 1 divided by their number.
    #[graphql(default_with = "Some(scoring::DEFAULT_FLOOR)")]
    pub(crate) floor: Option<f64>,
}

impl VersionTrial {
    pub(crate) fn new(found: Found, rivals: Vec<Rival>) -> Self {
        let versions = rivals.into_iter().map(|rival| TriedVersion {
            version: rival.version,
            attempts: rival.score.attempts,
            successes: rival.score.successes,
            average: rival.score.average,
            low: rival.score.low,
            high: rival.score.high,
            probability_best: rival.probability_best,
        });
        Self {
            process_id: found.process_id,
            floor: found.floor,
            since: Timestamp(found.since_ms),
            actor: found.actor,
            versions: versions.collect(),
        }
    }
}
