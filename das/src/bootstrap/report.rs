//! What a bootstrap did, as it is printed and sent.

use serde::{Deserialize, Serialize};

use super::decompose::Conflict;

/// A requirement that no component answers for.
pub use ontology::Unallocated;

/// Something wrong with a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingLine {
    /// Id of the requirement.
    pub id: String,
    /// `vague`, `double`, `unparsed`, `unit`.
    pub kind: String,
    /// In words.
    pub text: String,
}

/// A process that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLine {
    /// Process id.
    pub process: String,
    /// Instance key.
    pub instance: i64,
    /// `completed`, `failed`, `terminated`, `active` where it was not over in time.
    pub state: String,
}

/// A score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreLine {
    /// Process id, or process id and element id.
    pub subject: String,
    /// Attempts.
    pub attempts: u64,
    /// Successes.
    pub successes: u64,
    /// Posterior mean of the share of successes.
    pub average: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
}

/// What a bootstrap did; the counts of requirements, allocation and coverage are read from the graph afterwards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Name of the system.
    pub system: String,
    /// How many requirements the source has.
    pub requirements: usize,
    /// How many are allocated.
    pub allocated: usize,
    /// Those that are not, with the reason.
    pub unallocated: Vec<Unallocated>,
    /// How many components.
    pub components: usize,
    /// How many functions.
    pub functions: usize,
    /// How many processes.
    pub processes: usize,
    /// How many interfaces.
    pub interfaces: usize,
    /// How many constraints.
    pub constraints: usize,
    /// Contradictions.
    pub conflicts: Vec<Conflict>,
    /// What is wrong with requirements.
    pub findings: Vec<FindingLine>,
    /// Keys of the deployed definitions.
    pub definitions: Vec<i64>,
    /// Runs.
    pub runs: Vec<RunLine>,
    /// Scores of the processes.
    pub scores: Vec<ScoreLine>,
    /// How long it took.
    pub seconds: f64,
    /// What a language model had to do with it, where it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<super::ModelReport>,
    /// True where the same source was built before: nothing was changed.
    #[serde(default, skip)]
    pub unchanged: bool,
    /// Number of the system's newest change set.
    #[serde(default, skip)]
    pub change_set: i64,
}
