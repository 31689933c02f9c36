//! The knowledge graph itself: change sets behind it, a typed read model and an RDF index over them, one writer.

mod editing;
mod past;

pub use editing::{Edit, MergeChoice, branch_line};

use std::collections::BTreeMap;
use std::sync::Arc;

use oxigraph::model::{GraphName, NamedNode, Quad};
use oxigraph::store::Store;
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::coverage::{Coverage, coverage};
use crate::index::SystemIndex;
use crate::iri::system_iri;
use crate::model::{ChangeSet, Node, Requirement, TraceLink};
use crate::rdf_index::RdfIndex;
use crate::runs::RunRecord;
use crate::trace::{Trace, impact, trace};
use crate::{ChangeSets, Error, validate};

/// How many change sets are read at once when the index is built.
const READ_BATCH: usize = 256;
/// Most runs the index keeps; the oldest keys go first.
const MAX_RUNS: usize = 100_000;

/// The knowledge graph.
pub struct Ontology {
    port: Arc<dyn ChangeSets>,
    writer: tokio::sync::Mutex<()>,
    systems: RwLock<BTreeMap<String, Arc<SystemIndex>>>,
    seen: Mutex<i64>,
    runs: RwLock<BTreeMap<String, RunRecord>>,
    last_runs: RwLock<BTreeMap<String, RunRecord>>,
    rdf: Mutex<RdfIndex>,
    states: past::States,
    pub(crate) slots: Arc<tokio::sync::Semaphore>,
}

/// How big a system is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemSummary {
    /// Its name.
    pub name: String,
    /// Number of its newest change set.
    pub head: i64,
    /// Hash of the source it came from.
    pub source_hash: Option<String>,
    /// When it was first written, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it was last written, milliseconds since the Unix epoch.
    pub changed_ms: i64,
    /// How many requirements.
    pub requirements: usize,
    /// How many components.
    pub components: usize,
    /// How many functions.
    pub functions: usize,
    /// How many processes.
    pub processes: usize,
    /// How many interfaces.
    pub interfaces: usize,
    /// How many constraints.
    pub constraints: usize,
    /// How many links.
    pub links: usize,
}

impl Ontology {
    /// Opens the graph over its change sets.
    ///
    /// # Errors
    /// [`Error::Store`] when they cannot be read.
    pub async fn open(port: Arc<dyn ChangeSets>) -> Result<Self, Error> {
        let ontology = Self {
            port,
            writer: tokio::sync::Mutex::new(()),
            systems: RwLock::default(),
            seen: Mutex::new(0),
            runs: RwLock::default(),
            last_runs: RwLock::default(),
            rdf: Mutex::new(RdfIndex::new()?),
            states: past::States::default(),
            slots: Arc::new(tokio::sync::Semaphore::new(crate::sparql::MAX_CONCURRENT_QUERIES)),
        };
        ontology.catch_up().await?;
        Ok(ontology)
    }

    /// Applies change sets that somebody else wrote (another process on the same database).
    ///
    /// # Errors
    /// [`Error::Store`] when they cannot be read.
    pub async fn catch_up(&self) -> Result<(), Error> {
        let _one = self.writer.lock().await;
        self.read_on().await
    }

    async fn read_on(&self) -> Result<(), Error> {
        loop {
            let after = *self.seen.lock();
            let batch = self.port.read(after, READ_BATCH).await?;
            let full = batch.len() == READ_BATCH;
            for change in &batch {
                self.apply(change).await?;
            }
            if !full {
                return Ok(());
            }
        }
    }

    async fn apply(&self, change: &ChangeSet) -> Result<(), Error> {
        let is_known = self.systems.read().contains_key(&change.system);
        let begun = match &change.fork {
            Some(fork) if !is_known => {
                let left = self.state(fork.system.clone(), fork.version, 0).await?;
                Some(left.as_ref().clone().forked(fork))
            }
            _ => None,
        };
        let mut systems = self.systems.write();
        let line =
            systems.entry(change.system.clone()).or_insert_with(|| Arc::new(begun.unwrap_or_default()));
        Arc::make_mut(line).apply(change);
        let mut seen = self.seen.lock();
        *seen = (*seen).max(change.number);
        Ok(())
    }

    /// Writes a change set: checks it, drops puts that change nothing, appends it through the port with its trail
    /// event, then applies it to the index. `expected` is the number of the system's newest change set as the
    /// author saw it (0: none). Returns the number of the newest change set, which stays `expected` where nothing
    /// was left to write. A removal of what is already gone is an error; a removal is checked like a put.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody else wrote in between; [`Error::Invalid`] naming what does not fit;
    /// [`Error::Store`].
    pub async fn commit(&self, mut change: ChangeSet, expected: i64) -> Result<i64, Error> {
        let _one = self.writer.lock().await;
        let current = self.systems.read().get(&change.system).cloned();
        let found = current.as_ref().map_or(0, |system| system.head);
        if found != expected {
            return Err(Error::Conflict { system: change.system, expected, found });
        }
        validate::check(&change, current.as_deref())?;
        if let Some(system) = &current {
            change.put.retain(|node| system.node(node.id()).is_none_or(|kept| kept.as_ref() != node));
        }
        let is_content = change.review.is_empty()
            && change.baseline.is_none()
            && change.fork.is_none()
            && change.shapes.is_none();
        let same_source = current.as_ref().map(|s| &s.source_hash) == Some(&change.source_hash)
            || change.source_hash.is_none();
        if change.put.is_empty() && change.remove.is_empty() && is_content && same_source {
            return Ok(found);
        }
        if let Some(system) = &current {
            crate::shacl::check_change(&change, system)?;
        }
        change.number = 0;
        let event = trail::NewEvent {
            actor: change.author.clone(),
            data: json!({
                "system": change.system, "message": change.message,
                "put": change.put.len(), "removed": change.remove.len(), "source": change.source_hash,
            }),
            ..trail::NewEvent::new("system.changed", change.at_ms)
        };
        match self.port.append(change.clone(), expected, event).await {
            Ok(number) => {
                change.number = number;
                self.apply(&change).await?;
                Ok(number)
            }
            Err(error) => {
                // Another process may have written: see what it wrote before the author tries again.
                if matches!(error, Error::Conflict { .. }) {
                    self.read_on().await?;
                }
                Err(error)
            }
        }
    }

    /// A snapshot of a system, for further queries; it does not change any more.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn snapshot(&self, system: &str) -> Result<Arc<SystemIndex>, Error> {
        self.systems
            .read()
            .get(system)
            .cloned()
            .ok_or_else(|| Error::NotFound { what: "system", id: system.to_owned() })
    }

    /// All systems by name, without their branches.
    #[must_use]
    pub fn systems(&self) -> Vec<SystemSummary> {
        let systems = self.systems.read();
        systems.values().filter(|system| system.fork.is_none()).map(|system| summary(system)).collect()
    }

    /// One system with its counts.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn system(&self, name: &str) -> Result<SystemSummary, Error> {
        Ok(summary(self.snapshot(name)?.as_ref()))
    }

    /// Nodes of one kind (`requirement`, `component`, …) in natural order of ids, after the id `after`, at most
    /// `limit`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn nodes(
        &self,
        system: &str,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Arc<Node>>, Error> {
        Ok(self.snapshot(system)?.page(kind, after, limit).cloned().collect())
    }

    /// All requirements of a system.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn requirements(&self, system: &str) -> Result<Vec<Requirement>, Error> {
        self.typed(system, "requirement", |node| match node {
            Node::Requirement(requirement) => Some(requirement.clone()),
            _ => None,
        })
    }

    /// All components of a system.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn components(&self, system: &str) -> Result<Vec<crate::model::Component>, Error> {
        self.typed(system, "component", |node| match node {
            Node::Component(component) => Some(component.clone()),
            _ => None,
        })
    }

    /// All functions of a system.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn functions(&self, system: &str) -> Result<Vec<crate::model::Function>, Error> {
        self.typed(system, "function", |node| match node {
            Node::Function(function) => Some(function.clone()),
            _ => None,
        })
    }

    /// All processes of a system.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn processes(&self, system: &str) -> Result<Vec<crate::model::Process>, Error> {
        self.typed(system, "process", |node| match node {
            Node::Process(process) => Some(process.clone()),
            _ => None,
        })
    }

    /// All interfaces of a system.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn interfaces(&self, system: &str) -> Result<Vec<crate::model::Interface>, Error> {
        self.typed(system, "interface", |node| match node {
            Node::Interface(interface) => Some(interface.clone()),
            _ => None,
        })
    }

    /// All constraints of a system.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn constraints(&self, system: &str) -> Result<Vec<crate::model::Constraint>, Error> {
        self.typed(system, "constraint", |node| match node {
            Node::Constraint(constraint) => Some(constraint.clone()),
            _ => None,
        })
    }

    /// All links of a system.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn links(&self, system: &str) -> Result<Vec<TraceLink>, Error> {
        self.typed(system, "link", |node| match node {
            Node::Link(link) => Some(link.clone()),
            _ => None,
        })
    }

    fn typed<T>(&self, system: &str, kind: &str, pick: fn(&Node) -> Option<T>) -> Result<Vec<T>, Error> {
        Ok(self.snapshot(system)?.of_kind(kind).filter_map(|node| pick(node)).collect())
    }

    /// One node.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn node(&self, system: &str, id: &str) -> Result<Arc<Node>, Error> {
        self.snapshot(system)?
            .node(id)
            .cloned()
            .ok_or_else(|| Error::NotFound { what: "node", id: id.to_owned() })
    }

    /// The trace line of a node, both ways.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn trace(&self, system: &str, id: &str) -> Result<Trace, Error> {
        trace(self.snapshot(system)?.as_ref(), id)
            .ok_or_else(|| Error::NotFound { what: "node", id: id.to_owned() })
    }

    /// Ids of the nodes that a change of this one may affect.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn impact(&self, system: &str, id: &str) -> Result<Vec<String>, Error> {
        impact(self.snapshot(system)?.as_ref(), id)
            .ok_or_else(|| Error::NotFound { what: "node", id: id.to_owned() })
    }

    /// The coverage of a system, computed now.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn coverage(&self, system: &str) -> Result<Coverage, Error> {
        Ok(coverage(self.snapshot(system)?.as_ref()))
    }

    /// Records a run and the score after it as triples. Derived data: the same key again replaces it, and at a
    /// start it is rebuilt from the trail by whoever reads that.
    pub fn record_run(&self, run: RunRecord) {
        let moment = |run: &RunRecord| (run.ended_ms, run.instance);
        let mut last = self.last_runs.write();
        if last.get(&run.process_id).is_none_or(|known| moment(known) <= moment(&run)) {
            last.insert(run.process_id.clone(), run.clone());
        }
        drop(last);
        let mut runs = self.runs.write();
        runs.insert(run.key.clone(), run);
        while runs.len() > MAX_RUNS {
            runs.pop_first();
        }
    }

    /// The run of a process that ended last.
    pub(crate) fn last_run(&self, process_id: &str) -> Option<RunRecord> {
        self.last_runs.read().get(process_id).cloned()
    }

    /// Brings the RDF index up to date and gives it.
    pub(crate) fn store(&self) -> Result<Store, Error> {
        let systems = self.systems.read().clone();
        let runs = self.runs.read().clone();
        let mut index = self.rdf.lock();
        for (name, system) in &systems {
            index.follow(name, system)?;
        }
        index.follow_runs(&systems, runs)?;
        Ok(index.store.clone())
    }

    /// The graph of one system, up to date.
    pub(crate) fn graph(&self, system: &str) -> Result<Vec<Quad>, Error> {
        self.snapshot(system)?;
        let name = NamedNode::new_unchecked(system_iri(system));
        self.store()?
            .quads_for_pattern(None, None, None, Some(GraphName::NamedNode(name).as_ref()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::Store(error.to_string()))
    }
}

fn summary(system: &SystemIndex) -> SystemSummary {
    SystemSummary {
        name: system.name.clone(),
        head: system.head,
        source_hash: system.source_hash.clone(),
        created_ms: system.created_ms,
        changed_ms: system.changed_ms,
        requirements: system.count("requirement"),
        components: system.count("component"),
        functions: system.count("function"),
        processes: system.count("process"),
        interfaces: system.count("interface"),
        constraints: system.count("constraint"),
        links: system.count("link"),
    }
}

#[cfg(test)]
mod tests;
