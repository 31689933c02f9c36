//! Systems and the shapes they are held to.
//!
//! Shapes are part of a system's history: a change set sets them, and from then on no change set may add a violation. What
//! was there before is reported, and stands in nobody's way. Only nodes near a change are looked at, as far as the paths
//! of the shapes go.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use oxigraph::model::{NamedNode, NamedOrBlankNode};
use oxigraph::store::Store;

use super::{Report, SHAPES, Severity, ShapeResult, Shapes};
use crate::graph::Edit;
use crate::index::SystemIndex;
use crate::iri::system_iri;
use crate::model::{ChangeSet, Node};
use crate::vocabulary::{OF_SYSTEM, foreign};
use crate::{Error, Ontology, triples};

/// Violations that an error names.
const MAX_NAMED: usize = 10;

/// The shapes a system is held to.
#[derive(Debug)]
pub struct KeptShapes {
    turtle: String,
    compiled: OnceLock<Option<Shapes>>,
}

impl KeptShapes {
    pub(crate) fn of(turtle: &str) -> Option<Arc<Self>> {
        let kept = Self { turtle: turtle.to_owned(), compiled: OnceLock::new() };
        (!turtle.trim().is_empty()).then(|| Arc::new(kept))
    }

    /// As they were given.
    #[must_use]
    pub fn turtle(&self) -> &str {
        &self.turtle
    }

    /// They were compiled before they were written.
    fn compiled(&self) -> Option<&Shapes> {
        self.compiled.get_or_init(|| Shapes::read(&self.turtle).ok()).as_ref()
    }
}

impl Ontology {
    /// Checks a whole system: by the shapes given, or by our own and those it is held to.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a system that is not there; [`Error::Invalid`] for shapes that cannot be checked.
    pub fn check_shapes(&self, system: &str, shapes: Option<&str>) -> Result<Report, Error> {
        let state = self.snapshot(system)?;
        let texts = match shapes {
            Some(given) => vec![given],
            None => std::iter::once(SHAPES).chain(state.shapes.as_deref().map(KeptShapes::turtle)).collect(),
        };
        let compiled = texts.into_iter().map(Shapes::read).collect::<Result<Vec<_>, _>>()?;
        let store = self.store()?;
        let reports = compiled.iter().map(|shapes| shapes.check(&store, &system_iri(system), None));
        Ok(Report::joined(reports.collect::<Result<_, _>>()?))
    }

    /// Holds a system to shapes from now on; an empty text holds it to none but our own.
    ///
    /// # Errors
    /// [`Error::Invalid`] for shapes that cannot be checked; as [`Ontology::edit`].
    pub async fn hold_to(&self, edit: &Edit, turtle: &str) -> Result<i64, Error> {
        if !turtle.trim().is_empty() {
            Shapes::read(turtle)?;
        }
        self.edit(edit, |state, change| {
            if state.shapes.as_deref().map_or("", KeptShapes::turtle) != turtle {
                change.shapes = Some(turtle.to_owned());
            }
            Ok(())
        })
        .await
    }
}

/// Refuses a change set that adds violations of the shapes its system is held to.
pub(crate) fn check_change(change: &ChangeSet, before: &SystemIndex) -> Result<(), Error> {
    let Some(shapes) = before.shapes.as_deref().and_then(KeptShapes::compiled) else { return Ok(()) };
    let mut after = before.clone();
    after.apply(change);
    let added = added(shapes, before, &after, change)?;
    let violations: Vec<&ShapeResult> =
        added.iter().filter(|result| result.severity == Severity::Violation).collect();
    if violations.is_empty() {
        return Ok(());
    }
    let mut named: Vec<String> =
        violations.iter().take(MAX_NAMED).map(|result| result.message.clone()).collect();
    if violations.len() > MAX_NAMED {
        named.push(format!("and {} more", violations.len() - MAX_NAMED));
    }
    Err(Error::Shapes { system: change.system.clone(), violations: named })
}

/// Results that a change set adds.
pub(super) fn added(
    shapes: &Shapes,
    before: &SystemIndex,
    after: &SystemIndex,
    change: &ChangeSet,
) -> Result<Vec<ShapeResult>, Error> {
    let changed: BTreeSet<&str> =
        change.put.iter().map(Node::id).chain(change.remove.iter().map(String::as_str)).collect();
    let reach = shapes.reach().filter(|_| shapes.is_local()).map(|reach| reach + 1);
    let (focus, ground) = match reach {
        Some(reach) => {
            let focus = near(&changed, [before, after], reach);
            let ground = near(&focus.iter().map(String::as_str).collect(), [before, after], reach);
            (Some(focus), ground)
        }
        None => {
            (None, [before, after].iter().flat_map(|s| s.nodes()).map(|node| node.id().to_owned()).collect())
        }
    };
    let check = |state: &SystemIndex| {
        let graph = system_iri(&change.system);
        let (store, subjects) = graph_of(state, &change.system, &ground, focus.as_ref())?;
        shapes.check(&store, &graph, focus.is_some().then_some(&subjects))
    };
    let known: BTreeSet<ShapeResult> = check(before)?.results.into_iter().collect();
    Ok(check(after)?.results.into_iter().filter(|result| !known.contains(result)).collect())
}

/// Ids of nodes at most so many edges away in either state.
fn near(from: &BTreeSet<&str>, states: [&SystemIndex; 2], reach: usize) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = from.iter().map(|id| (*id).to_owned()).collect();
    let mut edge: Vec<String> = found.iter().cloned().collect();
    for _ in 0..reach {
        let mut next = Vec::new();
        for id in &edge {
            for state in states {
                let edges = state.outgoing(id).chain(state.incoming(id));
                let beside = edges.flat_map(|edge| edge.link.iter().chain([&edge.other]));
                let ends = state.node(id).into_iter().flat_map(|node| match node.as_ref() {
                    Node::Link(link) => vec![&link.source, &link.target],
                    _ => Vec::new(),
                });
                next.extend(beside.chain(ends).filter(|id| found.insert((*id).clone())).cloned());
            }
        }
        edge = next;
    }
    found
}

/// A graph of the nodes named, and the IRIs of those in focus with all that hangs on them.
fn graph_of(
    state: &SystemIndex,
    system: &str,
    ids: &BTreeSet<String>,
    focus: Option<&BTreeSet<String>>,
) -> Result<(Store, BTreeSet<String>), Error> {
    let failed = |error: oxigraph::store::StorageError| Error::Store(error.to_string());
    let store = Store::new().map_err(failed)?;
    let mut transaction = store.start_transaction().map_err(failed)?;
    let kind_of = |id: &str| state.node(id).map(|node| node.kind());
    let mut subjects = BTreeSet::new();
    for node in ids.iter().filter_map(|id| state.node(id)) {
        let is_in_focus = focus.is_some_and(|focus| focus.contains(node.id()));
        for quad in triples::of_node(system, node, &kind_of) {
            if let (true, NamedOrBlankNode::NamedNode(subject)) = (is_in_focus, &quad.subject) {
                subjects.insert(NamedNode::as_str(subject).to_owned());
            }
            transaction.insert(&quad);
        }
    }
    transaction.commit().map_err(failed)?;
    Ok((store, subjects))
}

impl Shapes {
    /// Whether every path goes along edges between nodes: the way from a system to its nodes, and from a requirement to
    /// what was derived from it, is no edge.
    fn is_local(&self) -> bool {
        let predicates = self.predicates();
        ![OF_SYSTEM, foreign::WAS_DERIVED_FROM].iter().any(|far| predicates.contains(far))
    }
}
