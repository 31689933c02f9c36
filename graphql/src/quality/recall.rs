//! What memory knows.

use async_graphql::{Enum, SimpleObject};

use crate::scalar::{Json, Timestamp};

/// What a memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "memory::Kind")]
pub(crate) enum MemoryKind {
    /// A process.
    Bpmn,
    /// A prompt.
    Prompt,
    /// What happened in a task.
    TaskLog,
    /// An error, with what led to it.
    Error,
    /// The outcome of a task or process.
    Outcome,
    /// A part of an ontology.
    Ontology,
    /// An iteration of building.
    Build,
}

/// A thing that memory holds.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct MemoryEntry {
    /// Its id.
    id: String,
    /// What it is.
    kind: MemoryKind,
    /// Its title.
    title: String,
    /// The text that was searched.
    text: String,
    /// The system it belongs to; none for what is general.
    system: Option<String>,
    /// Where it comes from.
    source: String,
    /// When it happened.
    stored_at: Timestamp,
    /// The thing itself, or what leads to it.
    payload: Json,
}

impl From<memory::Entry> for MemoryEntry {
    fn from(entry: memory::Entry) -> Self {
        Self {
            id: entry.id,
            kind: entry.kind.into(),
            title: entry.title,
            text: entry.text,
            system: entry.system,
            source: entry.source,
            stored_at: Timestamp(entry.at_ms),
            payload: Json(entry.payload),
        }
    }
}

/// A memory that fits.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct MemoryHit {
    #[graphql(flatten)]
    entry: MemoryEntry,
    /// How well it fits; comparable within one answer only.
    score: f64,
}

/// An answer of memory; `degraded` says why it is not complete.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Recall {
    /// Best first.
    hits: Vec<MemoryHit>,
    /// Why this answer is worse than it could be, where it is.
    degraded: Option<String>,
}

impl From<memory::Recall> for Recall {
    fn from(recalled: memory::Recall) -> Self {
        let shown = |hit: memory::Hit| MemoryHit { entry: hit.entry.into(), score: hit.score };
        Self { hits: recalled.hits.into_iter().map(shown).collect(), degraded: recalled.degraded }
    }
}

/// What of a transcript was new to memory.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Remembered {
    /// Questions.
    prompts: usize,
    /// Answers.
    answers: usize,
    /// Errors.
    errors: usize,
}

impl From<das::transcript::Remembered> for Remembered {
    fn from(das::transcript::Remembered { prompts, answers, errors }: das::transcript::Remembered) -> Self {
        Self { prompts, answers, errors }
    }
}
