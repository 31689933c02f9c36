//! Long work as the API shows it.

use async_graphql::{Enum, ID, SimpleObject};

use crate::scalar::Json;

/// Where long work stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(crate) enum JobState {
    /// It is being done.
    #[default]
    Running,
    /// It was done.
    Done,
    /// It failed.
    Failed,
}

/// A step of long work.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub(crate) struct Progress {
    /// 1, 2, 3, …: the `after` of a later subscription.
    pub(crate) position: i64,
    /// What is being done; at the end `done` or `failed`.
    pub(crate) stage: String,
    /// How much of the stage is done.
    pub(crate) done: usize,
    /// Of how much.
    pub(crate) total: usize,
    /// True for the last step.
    pub(crate) finished: bool,
}

/// Why long work failed.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub(crate) struct JobError {
    /// Stable code.
    pub(crate) code: String,
    /// In words.
    pub(crate) message: String,
    /// The way out.
    pub(crate) hint: Option<String>,
    /// Line of the file, where it is about one.
    pub(crate) line: Option<u32>,
}

/// Long work started by a mutation.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Job {
    /// Its id.
    pub(crate) id: ID,
    /// Where it stands.
    pub(crate) state: JobState,
    /// Its steps so far.
    pub(crate) progress: Vec<Progress>,
    /// What it gave, once it is done.
    pub(crate) result: Option<Json>,
    /// Why it failed, where it did.
    pub(crate) error: Option<JobError>,
}
