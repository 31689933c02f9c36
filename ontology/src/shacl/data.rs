//! The graph that is checked: one named graph of a store.

use std::collections::BTreeSet;

use oxigraph::model::vocab::rdf;
use oxigraph::model::{GraphName, NamedNode, NamedNodeRef, NamedOrBlankNodeRef, Quad, Term, TermRef};
use oxigraph::store::{StorageError, Store};

use super::shape::Path;
use crate::Error;

/// The node as the subject of triples; a literal has none.
fn subject(term: &Term) -> Option<NamedOrBlankNodeRef<'_>> {
    match term.as_ref() {
        TermRef::NamedNode(node) => Some(node.into()),
        TermRef::BlankNode(node) => Some(node.into()),
        TermRef::Literal(_) => None,
    }
}

/// One graph of a store.
#[derive(Clone)]
pub(super) struct Data {
    store: Store,
    graph: GraphName,
}

impl Data {
    pub(super) fn new(store: Store, graph: GraphName) -> Self {
        Self { store, graph }
    }

    fn quads(
        &self,
        subject: Option<NamedOrBlankNodeRef<'_>>,
        predicate: Option<NamedNodeRef<'_>>,
        object: Option<TermRef<'_>>,
    ) -> Result<Vec<Quad>, Error> {
        self.store
            .quads_for_pattern(subject, predicate, object, Some(self.graph.as_ref()))
            .collect::<Result<_, StorageError>>()
            .map_err(|error| Error::Store(error.to_string()))
    }

    /// What the node says, by predicate.
    pub(super) fn of(&self, node: &Term) -> Result<Vec<(NamedNode, Term)>, Error> {
        let Some(at) = subject(node) else { return Ok(Vec::new()) };
        Ok(self.quads(Some(at), None, None)?.into_iter().map(|quad| (quad.predicate, quad.object)).collect())
    }

    pub(super) fn objects(&self, node: &Term, predicate: &NamedNode) -> Result<BTreeSet<TermKey>, Error> {
        let Some(at) = subject(node) else { return Ok(BTreeSet::new()) };
        Ok(self
            .quads(Some(at), Some(predicate.as_ref()), None)?
            .into_iter()
            .map(|q| TermKey(q.object))
            .collect())
    }

    pub(super) fn subjects(
        &self,
        predicate: &NamedNode,
        object: Option<&Term>,
    ) -> Result<BTreeSet<TermKey>, Error> {
        let found = self.quads(None, Some(predicate.as_ref()), object.map(Term::as_ref))?;
        Ok(found.into_iter().map(|quad| TermKey(quad.subject.into())).collect())
    }

    pub(super) fn objects_of(&self, predicate: &NamedNode) -> Result<BTreeSet<TermKey>, Error> {
        Ok(self
            .quads(None, Some(predicate.as_ref()), None)?
            .into_iter()
            .map(|quad| TermKey(quad.object))
            .collect())
    }

    pub(super) fn types(&self, node: &Term) -> Result<BTreeSet<TermKey>, Error> {
        self.objects(node, &rdf::TYPE.into_owned())
    }

    /// The values a path leads to, each once (SHACL § 2.3.1).
    pub(super) fn follow(&self, from: &Term, path: &Path) -> Result<BTreeSet<TermKey>, Error> {
        self.walk(from, path, false)
    }

    fn walk(&self, from: &Term, path: &Path, backwards: bool) -> Result<BTreeSet<TermKey>, Error> {
        match path {
            Path::Predicate(predicate) if backwards => self.subjects(predicate, Some(from)),
            Path::Predicate(predicate) => self.objects(from, predicate),
            Path::Inverse(inner) => self.walk(from, inner, !backwards),
            Path::Sequence(parts) => {
                let mut at = BTreeSet::from([TermKey(from.clone())]);
                let in_order: Vec<&Path> =
                    if backwards { parts.iter().rev().collect() } else { parts.iter().collect() };
                for part in in_order {
                    at = self.walk_all(&at, part, backwards)?;
                }
                Ok(at)
            }
            Path::Alternative(ways) => {
                let mut found = BTreeSet::new();
                for way in ways {
                    found.extend(self.walk(from, way, backwards)?);
                }
                Ok(found)
            }
            Path::Repeated { path, least, many } => {
                let start = BTreeSet::from([TermKey(from.clone())]);
                let mut found = if *least == 0 { start.clone() } else { BTreeSet::new() };
                let mut edge = start;
                // Ends: what is found grows, and there are only so many nodes.
                while !edge.is_empty() {
                    let next = self.walk_all(&edge, path, backwards)?;
                    edge = next.into_iter().filter(|node| found.insert(node.clone())).collect();
                    if !many {
                        break;
                    }
                }
                Ok(found)
            }
        }
    }

    fn walk_all(
        &self,
        from: &BTreeSet<TermKey>,
        path: &Path,
        backwards: bool,
    ) -> Result<BTreeSet<TermKey>, Error> {
        let mut found = BTreeSet::new();
        for node in from {
            found.extend(self.walk(&node.0, path, backwards)?);
        }
        Ok(found)
    }
}

/// A term that can be sorted, so that the same graph gives the same report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TermKey(pub(super) Term);

impl TermKey {
    fn key(&self) -> (u8, &str, &str, &str) {
        match &self.0 {
            Term::NamedNode(node) => (0, node.as_str(), "", ""),
            Term::BlankNode(node) => (1, node.as_str(), "", ""),
            Term::Literal(literal) => {
                (2, literal.value(), literal.datatype().as_str(), literal.language().unwrap_or_default())
            }
        }
    }
}

impl PartialOrd for TermKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TermKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
