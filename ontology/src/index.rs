//! The typed read model of one system: nodes by id, by kind in natural order, and edges in both directions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use crate::constraints::Standing;
use crate::model::{Baseline, ChangeSet, Fork, Node, Origin, Review};
use crate::reading::Reading;
use crate::shacl::KeptShapes;
use crate::sorted::SortedMap;
use crate::suspicion::{self, Suspect};

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

/// The change sets in which a node got what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The newest change set that put it.
    pub put: i64,
    /// The newest one that changed what it says. A definition's key or a line in a source may change without that.
    pub said: i64,
}

/// A change set as a system remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who made it.
    pub author: Arc<str>,
}

/// A node that is not the same in two states: its id, the one, the other.
pub(crate) type DifferingNode<'a> = (&'a str, Option<&'a Arc<Node>>, Option<&'a Arc<Node>>);

#[derive(Clone, Debug)]
struct Held {
    node: Arc<Node>,
    version: Version,
}

/// How many ids of mutations a system remembers; the oldest go first.
const MAX_MUTATIONS: usize = 10_000;

/// One system. A copy is cheap: it shares with the original what both hold.
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
    /// Where it branches off another system, where it does.
    pub fork: Option<Fork>,
    /// The shapes it is held to, beside our own.
    pub shapes: Option<Arc<KeptShapes>>,
    nodes: SortedMap<String, Held>,
    kinds: BTreeMap<&'static str, SortedMap<String, Arc<Node>>>,
    outgoing: SortedMap<String, Arc<BTreeSet<Edge>>>,
    incoming: SortedMap<String, Arc<BTreeSet<Edge>>>,
    points: SortedMap<i64, Point>,
    baselines: BTreeMap<String, Baseline>,
    reviews: SortedMap<String, (i64, Review)>,
    mutations: SortedMap<String, i64>,
    mutation_order: SortedMap<i64, String>,
    suspects: SortedMap<String, Suspect>,
    reading: OnceLock<Arc<Reading>>,
    standings: OnceLock<Arc<BTreeMap<String, Standing>>>,
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
        self.nodes.get(id).map(|held| &held.node)
    }

    /// The change sets in which a node got what it holds.
    #[must_use]
    pub fn version(&self, id: &str) -> Option<Version> {
        self.nodes.get(id).map(|held| held.version)
    }

    /// All nodes, by id.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes.values().map(|held| &held.node)
    }

    /// Nodes that are not the same here and there, by id: (id, here, there).
    pub(crate) fn differing<'a>(&'a self, other: &'a Self) -> Vec<DifferingNode<'a>> {
        let node = |held: Option<&'a Held>| held.map(|held| &held.node);
        let differ = |one: Option<&Arc<Node>>, two: Option<&Arc<Node>>| match (one, two) {
            (Some(one), Some(two)) => !Arc::ptr_eq(one, two) && one != two,
            (one, two) => one.is_some() != two.is_some(),
        };
        let unshared = self.nodes.unshared(&other.nodes).into_iter();
        unshared
            .map(|(id, one, two)| (id.as_str(), node(one), node(two)))
            .filter(|(_, one, two)| differ(*one, *two))
            .collect()
    }

    /// Nodes of a kind in natural order of their ids.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Arc<Node>> {
        self.kinds.get(kind).into_iter().flat_map(SortedMap::values)
    }

    /// A page of the nodes of a kind: those after the id `after`, at most `limit`.
    pub fn page<'a>(
        &'a self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> impl Iterator<Item = &'a Arc<Node>> + use<'a> {
        self.after(kind, after).take(limit)
    }

    /// The nodes of a kind after the id `after`, in natural order.
    pub fn after<'a>(
        &'a self,
        kind: &str,
        after: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<Node>> + use<'a> {
        let key = after.map(natural_key);
        let nodes = self.kinds.get(kind);
        let start = key.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        nodes.map(|nodes| nodes.from(start)).into_iter().flatten().map(|(_, node)| node)
    }

    /// The nodes of a kind after a place in natural order, or before it with the last one first; the place is a
    /// [`natural_key`].
    pub(crate) fn placed<'a>(
        &'a self,
        kind: &str,
        descending: bool,
        place: Option<&str>,
    ) -> Box<dyn Iterator<Item = &'a Arc<Node>> + 'a> {
        let Some(nodes) = self.kinds.get(kind) else { return Box::new(std::iter::empty()) };
        let bound = place.map_or(Bound::Unbounded, Bound::Excluded);
        if descending {
            Box::new(nodes.before::<str>(bound).map(|(_, node)| node))
        } else {
            Box::new(nodes.from::<str>(bound).map(|(_, node)| node))
        }
    }

    /// All nodes with their versions, by id.
    pub(crate) fn held(&self) -> impl Iterator<Item = (&Arc<Node>, Version)> {
        self.nodes.values().map(|held| (&held.node, held.version))
    }

    /// Whether an edge of this kind starts at a node.
    pub(crate) fn leads(&self, id: &str, kind: &str) -> bool {
        has_kind(&self.outgoing, id, kind)
    }

    /// Whether an edge of this kind ends at a node.
    pub(crate) fn is_led_to(&self, id: &str, kind: &str) -> bool {
        has_kind(&self.incoming, id, kind)
    }

    pub(crate) fn kept_reading(&self) -> &OnceLock<Arc<Reading>> {
        &self.reading
    }

    /// How its constraints stand, by id; computed once for each state.
    pub(crate) fn kept_standings(&self) -> &OnceLock<Arc<BTreeMap<String, Standing>>> {
        &self.standings
    }

    /// How many nodes and links it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many nodes of a kind there are.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.kinds.get(kind).map_or(0, SortedMap::len)
    }

    /// Edges that start at a node.
    pub fn outgoing(&self, id: &str) -> impl Iterator<Item = &Edge> {
        self.outgoing.get(id).into_iter().flat_map(|edges| edges.iter())
    }

    /// Edges that end at a node.
    pub fn incoming(&self, id: &str) -> impl Iterator<Item = &Edge> {
        self.incoming.get(id).into_iter().flat_map(|edges| edges.iter())
    }

    /// Its change sets in order of their numbers.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = (i64, &Point)> {
        self.points.iter().map(|(number, point)| (*number, point))
    }

    /// The change set with this number.
    #[must_use]
    pub fn point(&self, number: i64) -> Option<&Point> {
        self.points.get(&number)
    }

    /// Its baselines by name.
    pub fn baselines(&self) -> impl Iterator<Item = &Baseline> {
        self.baselines.values()
    }

    /// The baseline of this name.
    #[must_use]
    pub fn baseline(&self, name: &str) -> Option<&Baseline> {
        self.baselines.get(name)
    }

    /// The newest review of a link, and the change set it came with.
    #[must_use]
    pub fn review(&self, link: &str) -> Option<(i64, &Review)> {
        self.reviews.get(link).map(|(number, review)| (*number, review))
    }

    /// The links that are suspect by themselves, in natural order of their ids; kept up to date by every change.
    pub fn suspects(&self) -> impl Iterator<Item = &Suspect> {
        self.suspects.values()
    }

    /// How many links are suspect by themselves.
    #[must_use]
    pub fn suspect_count(&self) -> usize {
        self.suspects.len()
    }

    /// The change set a mutation made, where its id is remembered.
    #[must_use]
    pub fn made_by(&self, mutation: &str) -> Option<i64> {
        self.mutations.get(mutation).copied()
    }

    /// This state as the beginning of a branch, which gets a name and a line of its own.
    pub(crate) fn forked(mut self, fork: &Fork) -> Self {
        self.fork = Some(fork.clone());
        self.points = SortedMap::default();
        self.baselines = BTreeMap::new();
        self
    }

    /// Applies a change set that was committed.
    pub fn apply(&mut self, change: &ChangeSet) {
        self.standings.take();
        let kept = self.reading.take().filter(|_| !Reading::is_overtaken(self, change));
        let Some(mut reading) = kept else { return self.write(change) };
        let follows = Arc::make_mut(&mut reading);
        let touched = follows.strike(self, change);
        self.write(change);
        follows.enter(self, &touched);
        self.reading = OnceLock::from(reading);
    }

    fn write(&mut self, change: &ChangeSet) {
        self.name.clone_from(&change.system);
        if self.points.len() == 0 {
            self.created_ms = change.at_ms;
        }
        self.head = change.number;
        self.changed_ms = change.at_ms;
        if change.source_hash.is_some() {
            self.source_hash.clone_from(&change.source_hash);
        }
        if change.fork.is_some() {
            self.fork.clone_from(&change.fork);
        }
        if let Some(shapes) = &change.shapes {
            self.shapes = KeptShapes::of(shapes);
        }
        let point = Point { at_ms: change.at_ms, author: Arc::from(change.author.as_str()) };
        self.points.insert(change.number, point);
        if let Some(baseline) = &change.baseline {
            self.baselines.insert(baseline.name.clone(), baseline.clone());
        }
        if let Some(mutation) = &change.mutation {
            self.remember(mutation, change.number);
        }
        let mut doubted: BTreeSet<String> = BTreeSet::new();
        for id in &change.remove {
            doubted.extend(self.links_at(id));
            self.take(id);
            self.reviews.remove(id);
            self.suspects.remove(&natural_key(id));
        }
        for node in &change.put {
            let replaced = self.take(node.id());
            let is_new = replaced.is_none();
            let said = replaced.filter(|held| says_the_same(&held.node, node));
            let said = said.map_or(change.number, |held| held.version.said);
            self.insert(Arc::new(node.clone()), Version { put: change.number, said });
            // A link that was put itself is beyond doubt, and at a node that is new there are no others.
            if matches!(node, Node::Link(_)) {
                self.suspects.remove(&natural_key(node.id()));
            } else if said == change.number && !is_new {
                doubted.extend(self.links_at(node.id()));
            }
        }
        for review in &change.review {
            self.reviews.insert(review.link.clone(), (change.number, review.clone()));
            doubted.insert(review.link.clone());
        }
        doubted.into_iter().for_each(|link| self.doubt(&link));
    }

    /// Ids of the links at a node.
    fn links_at(&self, id: &str) -> Vec<String> {
        self.outgoing(id).chain(self.incoming(id)).filter_map(|edge| edge.link.clone()).collect()
    }

    /// Looks whether a link is suspect now.
    fn doubt(&mut self, link: &str) {
        let found = match self.node(link).map(AsRef::as_ref) {
            Some(Node::Link(link)) => suspicion::direct(self, link),
            _ => None,
        };
        match found {
            Some(suspect) => self.suspects.insert(natural_key(link), suspect),
            None => self.suspects.remove(&natural_key(link)),
        };
    }

    fn remember(&mut self, mutation: &str, number: i64) {
        self.mutations.insert(mutation.to_owned(), number);
        self.mutation_order.insert(number, mutation.to_owned());
        if self.mutation_order.len() > MAX_MUTATIONS {
            let oldest = self.mutation_order.iter().next().map(|(number, id)| (*number, id.clone()));
            if let Some((number, id)) = oldest {
                self.mutation_order.remove(&number);
                self.mutations.remove(&id);
            }
        }
    }

    fn take(&mut self, id: &str) -> Option<Held> {
        let held = self.nodes.remove(id)?;
        if let Some(kind) = self.kinds.get_mut(held.node.kind()) {
            kind.remove(&natural_key(id));
        }
        for (source, kind, target, link) in edges_of(&held.node) {
            remove_edge(&mut self.outgoing, source, kind, target, link);
            remove_edge(&mut self.incoming, target, kind, source, link);
        }
        Some(held)
    }

    fn insert(&mut self, node: Arc<Node>, version: Version) {
        for (source, kind, target, link) in edges_of(&node) {
            insert_edge(&mut self.outgoing, source, kind, target, link);
            insert_edge(&mut self.incoming, target, kind, source, link);
        }
        self.kinds.entry(node.kind()).or_default().insert(natural_key(node.id()), Arc::clone(&node));
        self.nodes.insert(node.id().to_owned(), Held { node, version });
    }
}

/// Whether two versions of a node say the same to who relies on it: where they stand in a source, what a rule
/// remarked and which definition runs may differ.
fn says_the_same(before: &Node, after: &Node) -> bool {
    let (mut before, mut after) = (before.clone(), after.clone());
    for node in [&mut before, &mut after] {
        match node {
            Node::Requirement(requirement) => {
                requirement.line = None;
                requirement.findings.clear();
                requirement.unallocated_reason = None;
            }
            Node::Component(component) => component.origin = Origin::default(),
            Node::Function(function) => function.origin = Origin::default(),
            Node::Process(process) => {
                process.definition = None;
                process.origin = Origin::default();
            }
            Node::Interface(interface) => interface.origin = Origin::default(),
            Node::Constraint(constraint) => constraint.origin = Origin::default(),
            Node::Link(_) => {}
        }
    }
    before == after
}

type Edges = SortedMap<String, Arc<BTreeSet<Edge>>>;

fn has_kind(edges: &Edges, at: &str, kind: &str) -> bool {
    let Some(edges) = edges.get(at) else { return false };
    // Edges are in order of their kinds.
    edges.range(edge(kind, "", None)..).next().is_some_and(|edge| edge.kind == kind)
}

fn edge(kind: &str, other: &str, link: Option<&str>) -> Edge {
    Edge { kind: kind.to_owned(), other: other.to_owned(), link: link.map(str::to_owned) }
}

fn insert_edge(edges: &mut Edges, at: &str, kind: &str, other: &str, link: Option<&str>) {
    let edge = edge(kind, other, link);
    if let Some(found) = edges.get_mut(at) {
        Arc::make_mut(found).insert(edge);
    } else {
        edges.insert(at.to_owned(), Arc::new(BTreeSet::from([edge])));
    }
}

fn remove_edge(edges: &mut Edges, at: &str, kind: &str, other: &str, link: Option<&str>) {
    if let Some(found) = edges.get_mut(at) {
        let found = Arc::make_mut(found);
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
