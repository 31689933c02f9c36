//! The seven kinds of things that are remembered.

use serde::{Deserialize, Serialize};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A process: its BPMN, with a description.
    Bpmn,
    /// A prompt.
    Prompt,
    /// What happened in a task.
    TaskLog,
    /// An error, with what led to it.
    Error,
    /// The outcome of a task or process.
    Outcome,
    /// A node or fragment of an ontology, a reference architecture.
    Ontology,
    /// An iteration of building: what was asked, made, accepted or refused.
    Build,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Bpmn, Self::Prompt, Self::TaskLog, Self::Error, Self::Outcome, Self::Ontology, Self::Build];

    /// The kind as a word, as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bpmn => "bpmn",
            Self::Prompt => "prompt",
            Self::TaskLog => "task_log",
            Self::Error => "error",
            Self::Outcome => "outcome",
            Self::Ontology => "ontology",
            Self::Build => "build",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
