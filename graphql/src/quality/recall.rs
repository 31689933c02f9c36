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

/// A memory that fits.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct MemoryHit {
    /// Its id.
    id: String,
    /// What it is.
    kind: MemoryKind,
    /// Its title.
    title: String,
    /// The text that was searched.
    text: String,
    /// How well it fits; comparable within one answer only.
    score: f64,
    /// Where it comes from.
    source: String,
    /// When it happened.
    stored_at: Timestamp,
    /// The thing itself, or what leads to it.
    payload: Json,
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
        let shown = |hit: memory::Hit| MemoryHit {
            id: hit.entry.id,
            kind: hit.entry.kind.into(),
            title: hit.entry.title,
            text: hit.entry.text,
            score: hit.score,
            source: hit.entry.source,
            stored_at: Timestamp(hit.entry.at_ms),
            payload: Json(hit.entry.payload),
        };
        Self { hits: recalled.hits.into_iter().map(shown).collect(), degraded: recalled.degraded }
    }
}
