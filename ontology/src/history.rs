//! What changed between two states of a system, node by node, and the hash that says which state it is.

use std::fmt::Write;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::index::{SystemIndex, natural_key};
use crate::model::Node;

/// A point in the life of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After the change set of this number.
    Version(i64),
    /// At this time, milliseconds since the Unix epoch.
    Time(i64),
    /// A baseline, by name.
    Baseline(String),
}

/// What happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alteration {
    /// It is new.
    Added,
    /// It says something else.
    Changed,
    /// It is gone.
    Removed,
}

/// A field of a node with its value on both sides; a text as it is, anything else as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Name of the field.
    pub field: String,
    /// Its value before.
    pub before: Option<String>,
    /// Its value after.
    pub after: Option<String>,
}

/// A node or link that differs between two states.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeChange {
    /// What happened.
    pub alteration: Alteration,
    /// Its state before.
    pub before: Option<Arc<Node>>,
    /// Its state after.
    pub after: Option<Arc<Node>>,
    /// The fields that differ; none for a node that is new or gone.
    pub fields: Vec<FieldChange>,
}

impl NodeChange {
    /// The node, as it is after the change where it is still there.
    #[must_use]
    pub fn node(&self) -> Option<&Arc<Node>> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// What differs between two states: nodes and links, each in natural order of their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Requirements, components, functions, processes, interfaces and constraints.
    pub nodes: Vec<NodeChange>,
    /// Trace links.
    pub links: Vec<NodeChange>,
}

impl Difference {
    /// How many nodes and links differ.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len() + self.links.len()
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What differs between two states of a system.
///
/// # Errors
/// [`Error::Store`] for a node that cannot be written down.
pub fn difference(before: &SystemIndex, after: &SystemIndex) -> Result<Difference, Error> {
    let mut out = Difference::default();
    for (_, one, two) in before.differing(after) {
        let alteration = match (one, two) {
            (None, _) => Alteration::Added,
            (_, None) => Alteration::Removed,
            _ => Alteration::Changed,
        };
        let fields = match (one, two) {
            (Some(one), Some(two)) => fields(one, two)?,
            _ => Vec::new(),
        };
        let change = NodeChange { alteration, before: one.cloned(), after: two.cloned(), fields };
        let is_link = change.node().is_some_and(|node| node.kind() == "link");
        if is_link { &mut out.links } else { &mut out.nodes }.push(change);
    }
    for list in [&mut out.nodes, &mut out.links] {
        list.sort_by_cached_key(|change| change.node().map(|node| natural_key(node.id())));
    }
    Ok(out)
}

fn fields(before: &Node, after: &Node) -> Result<Vec<FieldChange>, Error> {
    let (before, after) = (value(before)?, value(after)?);
    let (Value::Object(before), Value::Object(after)) = (before, after) else { return Ok(Vec::new()) };
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    Ok(differing
        .map(|name| FieldChange {
            field: name.clone(),
            before: before.get(name).and_then(shown),
            after: after.get(name).and_then(shown),
        })
        .collect())
}

fn value(node: &Node) -> Result<Value, Error> {
    serde_json::to_value(node).map_err(|error| Error::Store(format!("{}: {error}", node.id())))
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// SHA-256 in hex over the nodes of a system in order of their ids, each as one line of JSON: two states with the
/// same hash hold the same, whatever line of change sets led to them.
///
/// # Errors
/// [`Error::Store`] for a node that cannot be written down.
pub fn content_hash(system: &SystemIndex) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    for node in system.nodes() {
        let line = serde_json::to_string(node.as_ref())
            .map_err(|error| Error::Store(format!("{}: {error}", node.id())))?;
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    Ok(hasher.finalize().iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    }))
}
