//! One replication: a number of cases under one set of random numbers, and what they had in common.

use super::by_engine;
use super::independent;
use super::model::Model;
use super::queueing;
use super::witness::{Nobody, Witness};

/// What an activity did in a replication.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ActivityTotals {
    /// Executions.
    pub visits: u64,
    /// Seconds waited for its resource, together.
    pub waited: f64,
}

/// What the cases of a replication had in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replication {
    /// Cases that ended.
    pub cases: u64,
    /// Cases that can never end: a token waits at a join for one that does not come.
    pub stuck: u64,
    /// Cases by end, in the order of [`Model::ends`].
    pub ends: Vec<u64>,
    /// Duration of each case in seconds, in order of their ends.
    pub durations: Vec<f64>,
    /// Cost of all cases.
    pub cost: f64,
    /// Seconds that cases waited for resources, all together.
    pub waited: f64,
    /// By activity, in the order of [`Model::activities`].
    pub activities: Vec<ActivityTotals>,
    /// Seconds of work by resource within `window`, in the order of [`Model::resources`].
    pub busy: Vec<f64>,
    /// Seconds over which `busy` was measured; 0 where cases do not meet.
    pub window: f64,
}

impl Replication {
    pub(super) fn over(model: &Model, cases: usize) -> Self {
        Self {
            ends: vec![0; model.ends.len()],
            durations: Vec::with_capacity(cases),
            activities: vec![ActivityTotals::default(); model.activities.len()],
            busy: vec![0.0; model.resources.len()],
            ..Self::default()
        }
    }
}

/// Simulates `cases` cases after `warm_up` cases that are not counted. The same model, seed and replication give the
/// same result on every machine.
#[must_use]
pub fn replicate(model: &Model, seed: u64, replication: u64, cases: u32, warm_up: u32) -> Replication {
    replicate_before(model, seed, replication, (cases, warm_up), &mut Nobody)
}

/// As [`replicate`], with a witness that hears of every execution of the counted cases.
pub fn replicate_before<W: Witness>(
    model: &Model,
    seed: u64,
    replication: u64,
    (cases, warm_up): (u32, u32),
    witness: &mut W,
) -> Replication {
    if let Some(engine) = &model.engine {
        witness.begins();
        return by_engine::run((model, engine), seed, replication, (cases, warm_up), witness);
    }
    if !model.is_contended() {
        witness.begins();
        if let Some(found) = independent::run(model, seed, replication, cases, witness) {
            return found;
        }
    }
    witness.begins();
    queueing::run(model, seed, replication, (cases, warm_up), witness)
}
