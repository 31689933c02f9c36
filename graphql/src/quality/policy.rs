//! Policies: by which a person lets proposals of DAS be accepted without being asked.

use async_graphql::{Enum, SimpleObject};
use das::{policies, watch};

use crate::scalar::Timestamp;

/// Kinds of what DAS finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "watch::FindingKind")]
pub(crate) enum FindingKind {
    /// A score is falling.
    FallingScore,
    /// A task often ends undecided.
    Undecided,
    /// A task fails, or incidents recur at it.
    FailingTask,
    /// A task needs nearly its whole budget of samples.
    SlowConvergence,
    /// Steps pass through: nothing is done in them.
    PassingThrough,
    /// A definition is not used.
    UnusedDefinition,
    /// Two definitions say the same.
    Duplicate,
    /// No completed run has shown that a requirement holds.
    UnshownRequirement,
    /// Most work waits for one resource.
    Bottleneck,
    /// A prompt converges slowly, gives answers that cannot be used, or fails its tests.
    WeakPrompt,
    /// People change the same place again and again.
    EditedAgain,
    /// What people begin stays undone.
    LeftLying,
    /// The disk is full or becomes so.
    DiskFilling,
    /// More and more waits in a queue.
    GrowingQueue,
    /// The process engine does not answer.
    EngineUnreachable,
    /// Memory does not answer, or worse than it could.
    MemoryDegraded,
    /// Processors or memory of the machine are used up.
    Overloaded,
}

/// Sorts of changes that DAS proposes by itself, from the least to the most far-reaching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "policies::ChangeKind")]
pub(crate) enum ChangeKind {
    /// Another number of samples.
    Budget,
    /// Another number of attempts.
    Attempts,
    /// A person decides where a task stays undecided.
    AskPerson,
    /// Back to a former version.
    WayBack,
    /// Another word in the process, by an instruction.
    Instruction,
    /// A new version of a prompt.
    Prompt,
}

/// A policy: by which proposals of DAS are accepted without a person.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Policy {
    /// Its name.
    name: String,
    /// Its version, from 1.
    version: u32,
    /// Whether it is in force.
    enabled: bool,
    /// Kinds of findings; none means all.
    kinds: Vec<FindingKind>,
    /// Sorts of changes.
    changes: Vec<ChangeKind>,
    /// The share of runs that may become worse, at most: upper end of the 95 % credible interval over the sandbox's
    /// paired runs. 40 pairs without a worse one give 0.086.
    worse_at_most: f64,
    /// Proposals that it may accept in 24 hours.
    per_day: u32,
    /// Why it is there.
    why: String,
    /// Who wrote this version.
    author: String,
    /// When.
    at: Timestamp,
}

impl From<policies::Policy> for Policy {
    fn from(policy: policies::Policy) -> Self {
        let rules = policy.rules;
        Self {
            name: policy.name,
            version: policy.version,
            enabled: policy.enabled,
            kinds: rules.kinds.into_iter().map(Into::into).collect(),
            changes: rules.changes.into_iter().map(Into::into).collect(),
            worse_at_most: rules.worse_at_most,
            per_day: rules.per_day,
            why: rules.why,
            author: policy.author,
            at: Timestamp(policy.at_ms),
        }
    }
}
