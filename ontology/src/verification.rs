//! Verification by execution: from a requirement down to the last run that showed it holds, and from a step of a
//! running process up to the requirements it serves.

use std::collections::BTreeSet;

use crate::index::{SystemIndex, natural_key};
use crate::model::Node;
use crate::runs::RunRecord;
use crate::{Error, Ontology};

/// What runs say about a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The last run of a process that stands for it completed, and the requirement still says the same.
    Holds,
    /// The last run completed, but the requirement was changed since.
    Outdated,
    /// The last run did not complete.
    Failed,
    /// No process that stands for it has ended a run.
    Never,
}

/// The last run of a process that stands for a requirement.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// The run.
    pub run: RunRecord,
    /// Id of the process node.
    pub process: String,
    /// What it says.
    pub shown: Shown,
}

/// How many requirements runs have shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requirements whose last run showed them.
    pub holds: usize,
    /// Those changed since their last run.
    pub outdated: usize,
    /// Those whose last run failed.
    pub failed: usize,
    /// Those that no run has shown.
    pub never: usize,
}

impl Ontology {
    /// The last run that says something about a requirement: of the processes that verify it or realise a function
    /// that satisfies it, the one that ended last.
    #[must_use]
    pub fn execution(&self, system: &SystemIndex, requirement: &str) -> Option<Execution> {
        let runs = standing_for(system, requirement).into_iter().filter_map(|id| {
            let Node::Process(process) = system.node(id)?.as_ref() else { return None };
            let run = self.last_run(&process.process_id)?;
            Some((run.ended_ms?, run, id.to_owned()))
        });
        let (ended, run, process) = runs.max_by_key(|(ended, run, _)| (*ended, run.instance))?;
        let said = system.version(requirement).and_then(|version| system.point(version.said));
        let shown = match run.state.as_str() {
            "completed" if said.is_none_or(|said| said.at_ms <= ended) => Shown::Holds,
            "completed" => Shown::Outdated,
            _ => Shown::Failed,
        };
        Some(Execution { run, process, shown })
    }

    /// How many requirements of a system runs have shown.
    #[must_use]
    pub fn executions(&self, system: &SystemIndex) -> Tally {
        let mut tally = Tally::default();
        for node in system.of_kind("requirement") {
            let shown = self.execution(system, node.id()).map_or(Shown::Never, |execution| execution.shown);
            *match shown {
                Shown::Holds => &mut tally.holds,
                Shown::Outdated => &mut tally.outdated,
                Shown::Failed => &mut tally.failed,
                Shown::Never => &mut tally.never,
            } += 1;
        }
        tally
    }

    /// The requirements of all systems that a process serves, or one element of it: (system, requirement id).
    ///
    /// # Errors
    /// [`Error::NotFound`] where a system goes while it is read.
    pub fn served_by(&self, process_id: &str, element: Option<&str>) -> Result<Vec<(String, String)>, Error> {
        let mut found = Vec::new();
        for summary in self.systems() {
            let system = self.snapshot(&summary.name)?;
            let ids = serving(&system, process_id, element);
            found.extend(ids.into_iter().map(|id| (summary.name.clone(), id)));
        }
        Ok(found)
    }
}

/// Ids of the processes that verify a requirement or realise a function that satisfies it.
fn standing_for<'a>(system: &'a SystemIndex, requirement: &str) -> BTreeSet<&'a str> {
    let mut processes = BTreeSet::new();
    for edge in system.outgoing(requirement) {
        match edge.kind.as_str() {
            "verified_by" => {
                processes.insert(edge.other.as_str());
            }
            "satisfied_by" => {
                let realised = system.outgoing(&edge.other).filter(|edge| edge.kind == "realised_by");
                processes.extend(realised.map(|edge| edge.other.as_str()));
            }
            _ => {}
        }
    }
    processes
}

/// Ids of the requirements that a process serves: those its functions satisfy and those it verifies. With an
/// element only those of the functions that this element does; the verified ones where it does none of its own.
fn serving(system: &SystemIndex, process_id: &str, element: Option<&str>) -> Vec<String> {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let sources = |id: &str, kind: &'static str| {
        let edges = system.incoming(id).filter(move |edge| edge.kind == kind);
        edges.map(|edge| edge.other.as_str()).collect::<Vec<_>>()
    };
    for node in system.of_kind("process") {
        let Node::Process(process) = node.as_ref() else { continue };
        if process.process_id != process_id {
            continue;
        }
        for function in sources(&process.id, "realised_by") {
            let Some(Node::Function(does)) = system.node(function).map(AsRef::as_ref) else { continue };
            if element.is_none_or(|element| does.elements.iter().any(|own| own == element)) {
                found.extend(sources(function, "satisfied_by"));
            }
        }
        if element.is_none() || found.is_empty() {
            found.extend(sources(&process.id, "verified_by"));
        }
    }
    let mut list: Vec<String> = found.into_iter().map(str::to_owned).collect();
    list.sort_by_cached_key(|id| natural_key(id));
    list
}
