//! What a search found.

use std::sync::Arc;

use async_graphql::{Enum, SimpleObject};
use ontology::SystemIndex;

use super::Node;

/// A kind of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum NodeKind {
    /// Requirements.
    Requirement,
    /// Components.
    Component,
    /// Functions.
    Function,
    /// Processes.
    Process,
    /// Interfaces.
    Interface,
    /// Constraints.
    Constraint,
}

impl NodeKind {
    /// The word for it in the graph.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Requirement => "requirement",
            Self::Component => "component",
            Self::Function => "function",
            Self::Process => "process",
            Self::Interface => "interface",
            Self::Constraint => "constraint",
        }
    }
}

/// A part of a text.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct HighlightPart {
    /// The text.
    text: String,
    /// Whether it is what was asked for.
    is_match: bool,
}

/// A text in which words were found.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Highlight {
    /// The field: `id`, `label`, `group`, `description`, `subject`, `item` or `property`.
    field: &'static str,
    /// The text around the first place; the parts one after another are the text.
    parts: Vec<HighlightPart>,
}

/// A node that was found.
#[derive(Clone, SimpleObject)]
pub(crate) struct SearchHit {
    /// Name of its system.
    system: String,
    /// The word for its kind: `requirement`, `component`, …
    kind: &'static str,
    /// The node.
    node: Node,
    /// How well it fits, above 0; to be compared within one answer only.
    score: f64,
    /// Where the words stand.
    highlights: Vec<Highlight>,
}

impl SearchHit {
    pub(crate) fn new(system: &Arc<SystemIndex>, hit: ontology::Hit) -> Option<Self> {
        let part = |part: ontology::Part| HighlightPart { text: part.text, is_match: part.is_match };
        let shown = |found: ontology::Highlight| Highlight {
            field: found.field,
            parts: found.parts.into_iter().map(part).collect(),
        };
        Some(Self {
            system: system.name.clone(),
            kind: hit.node.kind(),
            node: Node::from_node(system, &hit.node)?,
            score: f64::from(hit.score),
            highlights: hit.highlights.into_iter().map(shown).collect(),
        })
    }

    pub(crate) fn weight(&self) -> f64 {
        self.score
    }
}
