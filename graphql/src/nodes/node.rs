//! What all nodes have in common: the interface `Node`, why a derived thing exists, and how links are followed.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{Context, Interface, OutputType, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ontology::index::natural_key;
use ontology::iri::node_iri;
use ontology::model;
use ontology::{Order, OrderBy, SystemIndex};

use super::{Component, Constraint, Function, Process, Requirement};
use crate::Error;
use crate::connection::{Connection, Edge, Page, wants_total};
use crate::error::Result;
use crate::filters::Filter;
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

/// A page of the nodes of a kind that a filter lets pass, in an order. Cursors of the natural order are ids; those of
/// others say where the node stands in it.
pub(crate) fn listed<T: FromNode + OutputType + Clone>(
    ctx: &Context<'_>,
    system: &Arc<SystemIndex>,
    page: &Page,
    filter: Option<impl Filter>,
    order: Option<impl Into<Order>>,
) -> Result<Connection<T>>
where
    Edge<T>: OutputType,
{
    let (found, total) = nodes_of(ctx, system, T::KIND, page, filter, order)?;
    let items = found.into_iter().filter_map(|(cursor, node)| Some((cursor, T::from_node(system, &node)?)));
    Ok(page.of_page(items.collect(), total))
}

/// Nodes, each with its cursor.
type WithCursors = Vec<(String, Arc<model::Node>)>;

/// The nodes of a page with their cursors, and how many there are on all pages where that is asked for.
pub(crate) fn nodes_of(
    ctx: &Context<'_>,
    system: &SystemIndex,
    kind: &str,
    page: &Page,
    filter: Option<impl Filter>,
    order: Option<impl Into<Order>>,
) -> Result<(WithCursors, usize)> {
    let order: Order = order.map(Into::into).unwrap_or_default();
    let conditions = filter.map(Filter::conditions).unwrap_or_default();
    let is_plain = order.by == OrderBy::Id;
    let after = page.after.as_deref().map(|cursor| match is_plain {
        true => Ok(cursor.to_owned()),
        false => decoded(cursor),
    });
    let limit = page.first.saturating_add(1);
    let found = system.list(kind, &conditions, order, after.transpose()?.as_deref(), limit)?;
    let total = if wants_total(ctx) { system.count_meeting(kind, &conditions)? } else { 0 };
    let cursor = |cursor: String| if is_plain { cursor } else { URL_SAFE_NO_PAD.encode(cursor) };
    Ok((found.into_iter().map(|(at, node)| (cursor(at), node)).collect(), total))
}

fn decoded(cursor: &str) -> Result<String, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| Error::Argument {
        argument: "after",
        problem: format!("{cursor:?} is not a cursor of a list in this order"),
    })
}
