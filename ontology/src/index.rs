//! The typed read model of one system: nodes by id, by kind in natural order, and edges in both directions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{ChangeSet, Node};

/// An edge of the graph as seen from one of its ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// `allocated_to`, `part_of`, … as in [`crate::model::TraceLink::kind`], and the edges that fields say:
    /// `part_of`, `performs`, `realised_by`, `executes`, `interface`, `constrained_by`, `refines`.
    pub kind: String,
    /// Id of the node at the other end.
    pub other: String,
    /// Id of the link node, where a link says it.
    pub link: Option<String>,
}

/// One system.
#[derive(Clone, Debug, Default)]
pub struct SystemIndex {
    /// Its name.
    pub name: String,
    /// Number of its newest change set.
    pub head: i64,
    /// Hash of the source its newest bootstrap came from.
    pub source_hash: Option<String>,
    /// When it was first written, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it was last written, milliseconds since the Unix epoch.
    pub changed_ms: i64,
    nodes: BTreeMap<String, Arc<Node>>,
    kinds: BTreeMap<&'static str, BTreeMap<String, Arc<Node>>>,
    outgoing: BTreeMap<String, BTreeSet<Edge>>,
    incoming: BTreeMap<String, BTreeSet<Edge>>,
}

/// A key by which ids sort as people expect: `R-2` before `R-10`.
#[must_use]
pub fn natural_key(id: &str) -> String {
    let mut out = String::with_capacity(id.len() + 12);
    let mut digits = String::new();
    let flush = |digits: &mut String, out: &mut String| {
        if !digits.is_empty() {
            out.push_str(&format!("{digits:0>12}"));
            digits.clear();
        }
    };
    for c in id.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
        } else {
            flush(&mut digits, &mut out);
            out.push(c);
        }
    }
    flush(&mut digits, &mut out);
    out.push('\0');
    out.push_str(id);
    out
}

impl SystemIndex {
    /// The node with this id.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&Arc<Node>> {
        self.nodes.get(id)
    }

    /// All nodes, by id.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes.values()
    }

    /// Nodes of a kind in natural order of their ids.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Arc<Node>> {
        self.kinds.get(kind).into_iter().flat_map(BTreeMap::values)
    }

    /// A page of the nodes of a kind: those after the id `after`, at most `limit`.
    pub fn page<'a>(
        &'a self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> impl Iterator<Item = &'a Arc<Node>> + use<'a> {
        use std::ops::Bound;
        let from = after.map_or(Bound::Unbounded, |id| Bound::Excluded(natural_key(id)));
        self.kinds
            .get(kind)
            .into_iter()
            .flat_map(move |nodes| nodes.range((from.clone(), Bound::Unbounded)).map(|(_, node)| node))
            .take(limit)
    }

    /// How many nodes of a kind there are.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.kinds.get(kind).map_or(0, BTreeMap::len)
    }

    /// Edges that start at a node.
    pub fn outgoing(&self, id: &str) -> impl Iterator<Item = &Edge> {
        self.outgoing.get(id).into_iter().flatten()
    }

    /// Edges that end at a node.
    pub fn incoming(&self, id: &str) -> impl Iterator<Item = &Edge> {
        self.incoming.get(id).into_iter().flatten()
    }

    /// Applies a change set that was committed.
    pub fn apply(&mut self, change: &ChangeSet) {
        if self.head == 0 {
            self.name.clone_from(&change.system);
            self.created_ms = change.at_ms;
        }
        self.head = change.number;
        self.changed_ms = change.at_ms;
        if change.source_hash.is_some() {
            self.source_hash.clone_from(&change.source_hash);
        }
        for id in &change.remove {
            self.take(id);
        }
        for node in &change.put {
            self.take(node.id());
            self.insert(Arc::new(node.clone()));
        }
    }

    fn take(&mut self, id: &str) {
        let Some(node) = self.nodes.remove(id) else { return };
        if let Some(kind) = self.kinds.get_mut(node.kind()) {
            kind.remove(&natural_key(id));
        }
        for (source, kind, target, link) in edges_of(&node) {
            remove_edge(&mut self.outgoing, source, kind, target, link);
            remove_edge(&mut self.incoming, target, kind, source, link);
        }
    }

    fn insert(&mut self, node: Arc<Node>) {
        for (source, kind, target, link) in edges_of(&node) {
            insert_edge(&mut self.outgoing, source, kind, target, link);
            insert_edge(&mut self.incoming, target, kind, source, link);
        }
        self.kinds.entry(node.kind()).or_default().insert(natural_key(node.id()), Arc::clone(&node));
        self.nodes.insert(node.id().to_owned(), node);
    }
}

type Edges = BTreeMap<String, BTreeSet<Edge>>;

fn edge(kind: &str, other: &str, link: Option<&str>) -> Edge {
    Edge { kind: kind.to_owned(), other: other.to_owned(), link: link.map(str::to_owned) }
}

fn insert_edge(edges: &mut Edges, at: &str, kind: &str, other: &str, link: Option<&str>) {
    edges.entry(at.to_owned()).or_default().insert(edge(kind, other, link));
}

fn remove_edge(edges: &mut Edges, at: &str, kind: &str, other: &str, link: Option<&str>) {
    if let Some(found) = edges.get_mut(at) {
        found.remove(&edge(kind, other, link));
        if found.is_empty() {
            edges.remove(at);
        }
    }
}

/// The edges a node says: (source, kind, target, link id).
pub(crate) fn edges_of(node: &Node) -> Vec<(&str, &str, &str, Option<&str>)> {
    match node {
        Node::Requirement(node) => {
            node.parent.iter().map(|parent| (node.id.as_str(), "refines", parent.as_str(), None)).collect()
        }
        Node::Component(node) => {
            node.parent.iter().map(|parent| (node.id.as_str(), "part_of", parent.as_str(), None)).collect()
        }
        Node::Function(node) => {
            let mut edges = vec![(node.component.as_str(), "performs", node.id.as_str(), None)];
            if let Some(process) = &node.process {
                edges.push((node.id.as_str(), "realised_by", process.as_str(), None));
            }
            edges
        }
        Node::Process(node) => {
            node.component.iter().map(|owner| (owner.as_str(), "executes", node.id.as_str(), None)).collect()
        }
        Node::Interface(node) => vec![
            (node.source.as_str(), "interface", node.id.as_str(), None),
            (node.id.as_str(), "interface", node.target.as_str(), None),
        ],
        Node::Constraint(node) => {
            let mut edges = vec![(node.subject.as_str(), "constrained_by", node.id.as_str(), None)];
            let others = node.parts.iter().map(|(part, _, _)| part.as_str()).filter(|p| *p != node.subject);
            edges.extend(others.map(|part| (part, "constrained_by", node.id.as_str(), None)));
            edges
        }
        Node::Link(node) => {
            vec![(node.source.as_str(), node.kind.as_str(), node.target.as_str(), Some(node.id.as_str()))]
        }
    }
}
