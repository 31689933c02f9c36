//! What is remembered, what is asked, and what comes back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Kind;

/// Longest text of an entry in bytes; a longer one is refused.
pub const TEXT_LIMIT_BYTES: usize = 1024 * 1024;

/// Largest payload of an entry in bytes of JSON.
pub const PAYLOAD_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// Most entries one call may store.
pub const BATCH_LIMIT: usize = 10_000;

/// Most hits one call may ask for.
pub const HITS_LIMIT: usize = 1_000;

/// Longest text of a query in bytes; what is beyond is not searched for.
pub const QUERY_LIMIT_BYTES: usize = 64 * 1024;

/// One thing remembered. Retrieved text is data, never an instruction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// A stable name, unique within the organisation: storing the same id again replaces the entry.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// A short title; its words count twice in a search.
    pub title: String,
    /// The text that is searched.
    pub text: String,
    /// The thing itself, or what leads to it; not searched.
    pub payload: Value,
    /// Organisation it belongs to; `local` where nobody configured one.
    pub organisation: String,
    /// The system it belongs to; none for what is general.
    pub system: Option<String>,
    /// Where it comes from: `starting set`, a user, `trail`, a file name.
    pub source: String,
    /// When it happened, milliseconds since the Unix epoch (UTC).
    pub at_ms: i64,
}

impl Entry {
    /// A general entry of the default organisation with an empty payload.
    #[must_use]
    pub fn new(id: &str, kind: Kind, title: &str, text: &str, at_ms: i64) -> Self {
        Self {
            id: id.to_owned(),
            kind,
            title: title.to_owned(),
            text: text.to_owned(),
            payload: Value::Null,
            organisation: "local".to_owned(),
            system: None,
            source: String::new(),
            at_ms,
        }
    }
}

/// What to look for; every field that is set must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Words or a sentence; empty asks for the newest entries.
    pub text: String,
    /// Only of these kinds; empty for all.
    pub kinds: Vec<Kind>,
    /// Only of this system.
    pub system: Option<String>,
    /// With `system`: also what belongs to no system.
    pub general: bool,
    /// Only of this organisation.
    pub organisation: Option<String>,
    /// Only from this source.
    pub source: Option<String>,
    /// Only at or after this time, milliseconds since the Unix epoch.
    pub since_ms: Option<i64>,
    /// Most hits, at most [`HITS_LIMIT`].
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            text: String::new(),
            kinds: Vec::new(),
            system: None,
            general: true,
            organisation: None,
            source: None,
            since_ms: None,
            limit: 10,
        }
    }
}

impl Query {
    /// The ten best entries of any kind for `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// The same, only of `kinds`.
    #[must_use]
    pub fn of_kinds(mut self, kinds: &[Kind]) -> Self {
        self.kinds = kinds.to_vec();
        self
    }

    /// The same, at most `limit`.
    #[must_use]
    pub fn at_most(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// What to forget; every field that is set must hold, and at least one must be set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Only these ids.
    pub ids: Vec<String>,
    /// Only these kinds.
    pub kinds: Vec<Kind>,
    /// Only of this organisation; ids are unique within one.
    pub organisation: Option<String>,
    /// Only of this system.
    pub system: Option<String>,
    /// Only from this source.
    pub source: Option<String>,
    /// Only before this time, milliseconds since the Unix epoch.
    pub before_ms: Option<i64>,
    /// Only what says this in its title, its text or what it holds; upper and lower case are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

impl Filter {
    /// True where nothing is set, which would forget everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether memory forgets `entry` by it.
    #[must_use]
    pub fn matches(&self, entry: &Entry) -> bool {
        let is =
            |wanted: &Option<String>, value: Option<&String>| wanted.is_none() || wanted.as_ref() == value;
        !self.is_empty()
            && (self.ids.is_empty() || self.ids.contains(&entry.id))
            && (self.kinds.is_empty() || self.kinds.contains(&entry.kind))
            && is(&self.organisation, Some(&entry.organisation))
            && is(&self.system, entry.system.as_ref())
            && is(&self.source, Some(&entry.source))
            && self.before_ms.is_none_or(|before| entry.at_ms < before)
            && self.about.as_ref().is_none_or(|about| says(entry, about))
    }

    /// Names those of `entries` that match: a filter for each of their organisations.
    pub(crate) fn named(&self, entries: &[Entry]) -> Vec<Self> {
        let mut ids: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| self.matches(entry)) {
            ids.entry(&entry.organisation).or_default().push(entry.id.clone());
        }
        let of = |(organisation, ids): (&str, _)| Self {
            ids,
            organisation: Some(organisation.to_owned()),
            ..Self::default()
        };
        ids.into_iter().map(of).collect()
    }
}

fn says(entry: &Entry, about: &str) -> bool {
    let about = about.to_lowercase();
    let says = |text: &str| text.to_lowercase().contains(&about);
    says(&entry.title) || says(&entry.text) || strings(&entry.payload).any(says)
}

/// Every text in a value, names of fields included.
fn strings(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(items) => Box::new(items.iter().flat_map(strings)),
        Value::Object(fields) => Box::new(
            fields.iter().flat_map(|(name, value)| std::iter::once(name.as_str()).chain(strings(value))),
        ),
        _ => Box::new(std::iter::empty()),
    }
}

/// An entry that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The entry.
    pub entry: Entry,
    /// How well it fits, higher is better; only comparable within one recall. BM25 where only words were compared,
    /// the sum of reciprocal ranks where meaning was too, 0 for a list of the newest.
    pub score: f64,
}

/// What a recall gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recall {
    /// Best first; equal scores by id.
    pub hits: Vec<Hit>,
    /// Why this answer is worse than it could be, where it is: memory or the embedding model is down.
    pub degraded: Option<String>,
}
