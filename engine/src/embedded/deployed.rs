//! Definitions in memory: compiled, found by key, by process id and version.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bpmn::program::{Node, Program};

use crate::Error;
use crate::port::Definition;

/// A definition ready to run.
#[derive(Debug)]
pub(crate) struct Deployed {
    /// What everybody sees.
    pub(crate) definition: Definition,
    /// What is run.
    pub(crate) program: Program,
    /// Its BPMN.
    pub(crate) xml: Arc<str>,
    /// Why it cannot run any more, for one that an earlier release accepted and this one does not.
    broken: Option<String>,
    places: HashMap<String, usize>,
}

impl Deployed {
    /// A definition with its program.
    pub(crate) fn new(definition: Definition, program: Program, xml: Arc<str>) -> Self {
        let places = program.nodes.iter().enumerate().map(|(place, node)| (node.id.clone(), place)).collect();
        Self { definition, program, xml, broken: None, places }
    }

    /// A definition that does not compile any more.
    pub(crate) fn broken(definition: Definition, xml: Arc<str>, reason: String) -> Self {
        Self { broken: Some(reason), ..Self::new(definition, Program::default(), xml) }
    }

    /// Refuses one that cannot run any more.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.broken {
            Some(reason) => Err(Error::Conflict(format!(
                "definition {} ({} version {}) cannot run in this release: {reason}",
                self.definition.key, self.definition.process_id, self.definition.version
            ))),
            None => Ok(()),
        }
    }

    /// A node by its id.
    pub(crate) fn node(&self, id: &str) -> Option<&Node> {
        self.places.get(id).and_then(|place| self.program.nodes.get(*place))
    }

    /// The name of an element, its id where it has none.
    pub(crate) fn name_of(&self, id: &str) -> String {
        self.node(id).and_then(|node| node.name.clone()).unwrap_or_else(|| id.to_owned())
    }
}

/// All definitions.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    by_key: BTreeMap<i64, Arc<Deployed>>,
    by_process: HashMap<String, BTreeMap<i32, Arc<Deployed>>>,
}

impl Catalogue {
    /// Adds one.
    pub(crate) fn insert(&mut self, deployed: Arc<Deployed>) {
        let definition = &deployed.definition;
        self.by_process
            .entry(definition.process_id.clone())
            .or_default()
            .insert(definition.version, Arc::clone(&deployed));
        self.by_key.insert(definition.key, deployed);
    }

    /// By key.
    pub(crate) fn get(&self, key: i64) -> Result<Arc<Deployed>, Error> {
        self.by_key
            .get(&key)
            .cloned()
            .ok_or(Error::NotFound { what: "process definition", id: key.to_string() })
    }

    /// The newest version of a process.
    pub(crate) fn newest(&self, process_id: &str) -> Option<Arc<Deployed>> {
        self.by_process.get(process_id)?.last_key_value().map(|(_, deployed)| Arc::clone(deployed))
    }

    /// A version of a process; `None` is the newest.
    pub(crate) fn find(&self, process_id: &str, version: Option<i32>) -> Result<Arc<Deployed>, Error> {
        let found = match version {
            Some(version) => self.by_process.get(process_id).and_then(|all| all.get(&version)).cloned(),
            None => self.newest(process_id),
        };
        found.ok_or_else(|| {
            let version = version.map(|version| format!(" version {version}")).unwrap_or_default();
            Error::NotFound { what: "process", id: format!("{process_id}{version}") }
        })
    }

    /// All, the newest version of each process first.
    pub(crate) fn list(&self) -> Vec<Definition> {
        let mut all: Vec<Definition> =
            self.by_key.values().map(|deployed| deployed.definition.clone()).collect();
        all.sort_by(|a, b| a.process_id.cmp(&b.process_id).then(b.version.cmp(&a.version)));
        all
    }
}
