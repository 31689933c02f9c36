//! Trail events: what is appended, what is read back, and how to ask for a part.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Hash;

/// An event about to be appended; position and hashes are given by the store at commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// Past-tense name with its area, e.g. `element.completed`, `task.decided`, `prompt.approved`.
    pub kind: String,
    /// When it happened, milliseconds since the Unix epoch (UTC), by the clock of the part that reports it.
    pub at_ms: i64,
    /// Organisation; `local` where nobody configured one.
    pub organisation: String,
    /// Who did it: a user, `pdo`, `tde`, `das`, `engine`; `local` by default.
    pub actor: String,
    /// Process instance key it belongs to.
    pub instance: Option<i64>,
    /// Process definition key it belongs to.
    pub definition: Option<i64>,
    /// BPMN element id it belongs to.
    pub element: Option<String>,
    /// What it is about where that is not an instance: an IRI, a prompt name, a system name.
    pub subject: Option<String>,
    /// The rest, by kind. Never holds a secret.
    pub data: Value,
}

impl NewEvent {
    /// An event of `kind` at `at_ms`, by the default organisation and actor, with nothing else filled in.
    #[must_use]
    pub fn new(kind: &str, at_ms: i64) -> Self {
        Self {
            kind: kind.to_owned(),
            at_ms,
            organisation: "local".to_owned(),
            actor: "local".to_owned(),
            data: Value::Null,
            ..Self::default()
        }
    }
}

/// An event as it stands in the trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the trail: 1, 2, 3, … without gaps.
    pub position: i64,
    /// Hash of the entry before, [`crate::GENESIS`] for the first.
    pub previous_hash: Hash,
    /// Hash of this entry, [`crate::link`] of the one before and the content.
    pub hash: Hash,
    /// What was appended.
    #[serde(flatten)]
    pub content: NewEvent,
}

/// Which events to read; every field that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// Only of this process instance.
    pub instance: Option<i64>,
    /// Only of this process definition.
    pub definition: Option<i64>,
    /// Only of this element.
    pub element: Option<String>,
    /// Only about this subject.
    pub subject: Option<String>,
    /// Only kinds that start with this text, e.g. `task.`.
    pub kind_prefix: Option<String>,
    /// Only these kinds; one that ends with a full stop stands for all that start with it. Empty: all.
    pub kinds: Vec<String>,
}

impl Filter {
    /// Whether it lets an event through.
    #[must_use]
    pub fn matches(&self, content: &NewEvent) -> bool {
        let kind = content.kind.as_str();
        let is_meant =
            |one: &String| if one.ends_with('.') { kind.starts_with(one.as_str()) } else { kind == one };
        self.instance.is_none_or(|key| content.instance == Some(key))
            && self.definition.is_none_or(|key| content.definition == Some(key))
            && self.element.as_ref().is_none_or(|id| content.element.as_ref() == Some(id))
            && self.subject.as_ref().is_none_or(|subject| content.subject.as_ref() == Some(subject))
            && self.kind_prefix.as_ref().is_none_or(|prefix| kind.starts_with(prefix.as_str()))
            && (self.kinds.is_empty() || self.kinds.iter().any(is_meant))
    }
}
