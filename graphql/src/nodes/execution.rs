//! Verification by execution: what runs say about requirements.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use ontology::verification::{self, Shown};
use ontology::{Ontology, SystemIndex};

use super::{Process, of_ids};
use crate::State;
use crate::error::Result;
use crate::runs::ProcessInstance;
use crate::scalar::{Key, Timestamp};

/// What runs say about a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Shown")]
pub(crate) enum ExecutionState {
    /// The last run of a process that stands for it completed, and the requirement still says the same.
    Holds,
    /// The last run completed, but the requirement was changed since.
    Outdated,
    /// The last run did not complete.
    Failed,
    /// No process that stands for it has ended a run.
    Never,
}

/// The last run of a process that stands for a requirement: one that verifies it, or that realises a function which
/// satisfies it.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Execution {
    /// What it says.
    state: ExecutionState,
    /// Key of the instance.
    key: Key,
    /// The process.
    process: Option<Process>,
    /// When it ended.
    ended_at: Option<Timestamp>,
}

impl Execution {
    pub(crate) fn of(ontology: &Ontology, system: &Arc<SystemIndex>, requirement: &str) -> Option<Self> {
        let found: verification::Execution = ontology.execution(system, requirement)?;
        Some(Self {
            state: found.shown.into(),
            key: Key(found.run.instance),
            process: of_ids(system, [found.process.as_str()]).pop(),
            ended_at: found.run.ended_ms.map(Timestamp),
        })
    }
}

#[ComplexObject]
impl Execution {
    /// The instance, where the engine still keeps it.
    async fn instance(&self, ctx: &Context<'_>) -> Result<Option<ProcessInstance>> {
        match ctx.data::<State>()?.engine.instance(self.key.0).await {
            Ok(found) => Ok(Some(ProcessInstance(found))),
            Err(engine::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// How many requirements runs have shown.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct ExecutionTally {
    /// Requirements whose last run showed them.
    holds: usize,
    /// Those changed since their last run.
    outdated: usize,
    /// Those whose last run failed.
    failed: usize,
    /// Those that no run has shown.
    never: usize,
}

impl From<verification::Tally> for ExecutionTally {
    fn from(tally: verification::Tally) -> Self {
        Self { holds: tally.holds, outdated: tally.outdated, failed: tally.failed, never: tally.never }
    }
}
