//! What all nodes have in common: the interface `Node`, why a derived thing exists, and how links are followed.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{Interface, OutputType, SimpleObject};
use ontology::SystemIndex;
use ontology::index::natural_key;
use ontology::iri::node_iri;
use ontology::model;

use super::{Component, Constraint, Function, Process, Requirement};
use crate::connection::{Connection, Edge, Page};
use crate::scalar::Iri;

/// Anything with an IRI in a system.
#[expect(clippy::duplicated_attributes, reason = "fields of one interface share their type")]
#[derive(Clone, Interface)]
#[graphql(
    field(name = "id", ty = "Iri", desc = "Its IRI."),
    field(name = "local_id", ty = "String", desc = "Its id within the system."),
    field(name = "label", ty = "String", desc = "The name or text a person knows it by.")
)]
pub(crate) enum Node {
    /// A requirement.
    Requirement(Requirement),
    /// A component.
    Component(Component),
    /// A function.
    Function(Function),
    /// A process.
    Process(Process),
    /// An interface.
    Interface(super::Interface),
    /// A constraint.
    Constraint(Constraint),
}

/// Sources of a derived thing that are named; a process may come from all requirements of its system.
const SOURCES_LIMIT: usize = 200;

/// Why a derived thing exists.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Origin {
    /// The rule or template that made it.
    rule: String,
    /// Ids of what it was derived from, at most 200 of them.
    sources: Vec<String>,
    /// How many it was derived from.
    source_count: usize,
    /// Start of the part of the first source's text, in bytes.
    span_start: Option<usize>,
    /// End of that part.
    span_end: Option<usize>,
    /// Confidence in 0..=1.
    confidence: f64,
    /// True where nobody said it and a template assumed it.
    assumed: bool,
}

impl From<&model::Origin> for Origin {
    fn from(origin: &model::Origin) -> Self {
        Self {
            rule: origin.rule.clone(),
            sources: origin.sources.iter().take(SOURCES_LIMIT).cloned().collect(),
            source_count: origin.sources.len(),
            span_start: origin.span.map(|(start, _)| start),
            span_end: origin.span.map(|(_, end)| end),
            confidence: origin.confidence,
            assumed: origin.assumed,
        }
    }
}

/// A type of the API that shows one kind of node.
pub(crate) trait FromNode: Sized {
    /// The word for the kind.
    const KIND: &'static str;
    /// The node as it is shown, where it is of that kind.
    fn from_node(system: &Arc<SystemIndex>, node: &model::Node) -> Option<Self>;
}

/// Implements [`FromNode`] and the constructor fields for a type that holds `system` and `node`.
macro_rules! shown_node {
    ($shown:ident, $kind:literal) => {
        impl $crate::nodes::FromNode for $shown {
            const KIND: &'static str = $kind;

            fn from_node(
                system: &std::sync::Arc<ontology::SystemIndex>,
                node: &ontology::model::Node,
            ) -> Option<Self> {
                match node {
                    ontology::model::Node::$shown(node) => {
                        Some(Self { system: std::sync::Arc::clone(system), node: node.clone() })
                    }
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use shown_node;

impl Node {
    /// The node as it is shown; links are none.
    pub(crate) fn from_node(system: &Arc<SystemIndex>, node: &model::Node) -> Option<Self> {
        match node {
            model::Node::Requirement(_) => Requirement::from_node(system, node).map(Self::Requirement),
            model::Node::Component(_) => Component::from_node(system, node).map(Self::Component),
            model::Node::Function(_) => Function::from_node(system, node).map(Self::Function),
            model::Node::Process(_) => Process::from_node(system, node).map(Self::Process),
            model::Node::Interface(_) => super::Interface::from_node(system, node).map(Self::Interface),
            model::Node::Constraint(_) => Constraint::from_node(system, node).map(Self::Constraint),
            model::Node::Link(_) => None,
        }
    }
}

/// The IRI of a node.
pub(crate) fn iri(system: &SystemIndex, kind: &str, id: &str) -> Iri {
    Iri(node_iri(&system.name, kind, id))
}

/// The change set that put a node as it is.
pub(crate) fn version(system: &SystemIndex, id: &str) -> i64 {
    system.version(id).map_or(0, |version| version.put)
}

/// The nodes with these ids that are of the kind `T` shows, in natural order, each once.
pub(crate) fn of_ids<'a, T: FromNode>(
    system: &Arc<SystemIndex>,
    ids: impl IntoIterator<Item = &'a str>,
) -> Vec<T> {
    let mut found = BTreeMap::new();
    for id in ids {
        if let Some(shown) = system.node(id).and_then(|node| T::from_node(system, node)) {
            found.insert(natural_key(id), shown);
        }
    }
    found.into_values().collect()
}

/// Ids at the ends of edges of these kinds that start at `id`.
pub(crate) fn at_end<'a>(
    system: &'a SystemIndex,
    id: &str,
    kinds: &'a [&'a str],
) -> impl Iterator<Item = &'a str> {
    let edges: Vec<&ontology::index::Edge> = system.outgoing(id).collect();
    edges.into_iter().filter(|edge| kinds.contains(&edge.kind.as_str())).map(|edge| edge.other.as_str())
}

/// Ids at the starts of edges of these kinds that end at `id`.
pub(crate) fn at_start<'a>(
    system: &'a SystemIndex,
    id: &str,
    kinds: &'a [&'a str],
) -> impl Iterator<Item = &'a str> {
    let edges: Vec<&ontology::index::Edge> = system.incoming(id).collect();
    edges.into_iter().filter(|edge| kinds.contains(&edge.kind.as_str())).map(|edge| edge.other.as_str())
}

/// A page of the nodes of a kind, with ids as cursors.
pub(crate) fn page_of<T: FromNode + OutputType + Clone>(
    system: &Arc<SystemIndex>,
    page: &Page,
) -> Connection<T>
where
    Edge<T>: OutputType,
{
    let items = system
        .page(T::KIND, page.after.as_deref(), page.first.saturating_add(1))
        .filter_map(|node| Some((node.id().to_owned(), T::from_node(system, node)?)))
        .collect();
    page.of_page(items, system.count(T::KIND))
}
