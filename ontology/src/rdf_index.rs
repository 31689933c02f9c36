//! The RDF index over the systems: brought up to date when a query or an export needs it, so that writing stays
//! fast, and only where something changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oxigraph::model::Quad;
use oxigraph::store::Store;

use crate::iri::system_iri;
use crate::model::Node;
use crate::runs::{self, RunRecord};
use crate::vocabulary::{SYSTEM, foreign};
use crate::{Error, SystemIndex, triples};

/// Systems by name.
pub(crate) type Systems = BTreeMap<String, Arc<SystemIndex>>;

/// The store and what it was made from.
pub(crate) struct RdfIndex {
    pub(crate) store: Store,
    indexed: Systems,
    runs: BTreeMap<String, RunRecord>,
}

impl RdfIndex {
    pub(crate) fn new() -> Result<Self, Error> {
        let store = Store::new().map_err(|error| Error::Store(error.to_string()))?;
        Ok(Self { store, indexed: BTreeMap::new(), runs: BTreeMap::new() })
    }

    /// Brings the store up to the state of a system.
    pub(crate) fn follow(&mut self, name: &str, now: &Arc<SystemIndex>) -> Result<(), Error> {
        let before = self.indexed.get(name).cloned();
        let is_first = before.is_none();
        let before = before.unwrap_or_default();
        if Arc::ptr_eq(&before, now) {
            return Ok(());
        }
        let kind_now = |id: &str| now.node(id).map(|node| node.kind());
        let kind_before = |id: &str| before.node(id).map(|node| node.kind());
        let differing = before.differing(now);
        let mut remove = Vec::new();
        let mut put = Vec::new();
        for (_, one, two) in &differing {
            remove.extend(one.iter().flat_map(|node| triples::of_node(name, node, &kind_before)));
            put.extend(two.iter().flat_map(|node| triples::of_node(name, node, &kind_now)));
        }
        if !remove.is_empty() {
            // Two nodes may say the same triple (a field and a link): what stays around the change is said again.
            let changed: BTreeSet<&str> = differing.iter().map(|(id, _, _)| *id).collect();
            for id in around(&changed, &before, now) {
                if let Some(node) = now.node(id) {
                    put.extend(triples::of_node(name, node, &kind_now));
                }
            }
        }
        if is_first {
            let mut out = triples::Writer::new(&system_iri(name));
            let at = system_iri(name);
            out.link(&at, foreign::TYPE, SYSTEM);
            out.text(&at, foreign::LABEL, name);
            put.extend(out.finish());
        }
        self.write(&remove, &put)?;
        self.indexed.insert(name.to_owned(), Arc::clone(now));
        Ok(())
    }

    /// Brings the store up to the state of the runs.
    pub(crate) fn follow_runs(
        &mut self,
        systems: &Systems,
        runs: BTreeMap<String, RunRecord>,
    ) -> Result<(), Error> {
        if runs == self.runs {
            return Ok(());
        }
        let of = |run: &RunRecord| {
            let process = systems.get(&run.system).and_then(|system| {
                system
                    .of_kind("process")
                    .find(|node| matches!(node.as_ref(), Node::Process(p) if p.process_id == run.process_id))
                    .map(|node| node.id().to_owned())
            });
            runs::quads(run, process.as_deref())
        };
        let changed = |run: &RunRecord, other: &BTreeMap<String, RunRecord>| other.get(&run.key) != Some(run);
        let stale: Vec<Quad> = self.runs.values().filter(|run| changed(run, &runs)).flat_map(of).collect();
        let fresh: Vec<Quad> = runs.values().filter(|run| changed(run, &self.runs)).flat_map(of).collect();
        self.write(&stale, &fresh)?;
        self.runs = runs;
        Ok(())
    }

    fn write(&self, remove: &[Quad], put: &[Quad]) -> Result<(), Error> {
        if remove.is_empty() && put.is_empty() {
            return Ok(());
        }
        let failed = |error: oxigraph::store::StorageError| Error::Store(error.to_string());
        let mut transaction = self.store.start_transaction().map_err(failed)?;
        for quad in remove {
            transaction.remove(quad);
        }
        for quad in put {
            transaction.insert(quad);
        }
        transaction.commit().map_err(failed)
    }
}

/// Unchanged nodes that may say a triple together with a changed one: those it is joined with, and the links that
/// join them.
fn around<'a>(
    changed: &BTreeSet<&'a str>,
    before: &'a SystemIndex,
    now: &'a SystemIndex,
) -> BTreeSet<&'a str> {
    let mut near: BTreeSet<&str> = BTreeSet::new();
    for id in changed {
        // A link hangs on its ends: the other links and fields between the two say the same triple.
        let ends = before.node(id).into_iter().flat_map(|node| match node.as_ref() {
            Node::Link(link) => vec![link.source.as_str(), link.target.as_str()],
            _ => vec![*id],
        });
        for end in ends {
            near.insert(end);
            let edges = now.outgoing(end).chain(now.incoming(end));
            near.extend(edges.flat_map(|edge| edge.link.as_deref().into_iter().chain([edge.other.as_str()])));
        }
    }
    near.retain(|id| !changed.contains(id));
    near
}
