//! What building from a changed source would change: a proposal with a diff by node and by process. Nothing is stored.

use std::collections::BTreeSet;

use ontology::SystemIndex;
use ontology::model::{Node, Process};
use serde::{Deserialize, Serialize};

use super::{Deps, Draft, Request, store};
use crate::Error;

/// What happens to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It is new.
    Added,
    /// It is there and becomes different.
    Changed,
    /// It goes.
    Removed,
    /// A person wrote it; it stays as it is although the source says otherwise.
    Kept,
}

/// What happens to a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEffect {
    /// Id of the node.
    pub id: String,
    /// `requirement`, `component`, …
    pub kind: String,
    /// What a person reads.
    pub label: String,
    /// What happens.
    pub effect: Effect,
}

/// What happens to a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessEffect {
    /// Id of the BPMN process.
    pub process: String,
    /// What happens.
    pub effect: Effect,
    /// Steps that are new.
    pub added: Vec<String>,
    /// Steps that go.
    pub removed: Vec<String>,
}

/// A proposal to build a system from a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Name of the system.
    pub system: String,
    /// True where it does not exist yet.
    pub first: bool,
    /// Nodes that are touched; links are counted in `links`.
    pub nodes: Vec<NodeEffect>,
    /// How many links come or go.
    pub links: usize,
    /// Processes that are touched.
    pub processes: Vec<ProcessEffect>,
    /// How many nodes stay as they are.
    pub untouched: usize,
}

/// Says what [`super::bootstrap`] would change with the same request.
///
/// # Errors
/// Those of [`super::derive`], [`Error::Ontology`] and [`Error::Engine`] where the known state cannot be read.
pub async fn preview(request: Request, deps: &Deps) -> Result<Preview, Error> {
    preview_told(request, deps, &|_| {}).await
}

/// The same; `progress` is told how far it is.
///
/// # Errors
/// As [`preview`].
pub async fn preview_told(
    request: Request,
    deps: &Deps,
    progress: &(dyn Fn(super::Progress) + Send + Sync),
) -> Result<Preview, Error> {
    let plan = super::plan(&request, deps, false, progress).await?;
    let unchanged = plan.changes_nothing();
    let (draft, known) = (plan.draft, plan.known);
    let mut found = Preview {
        system: draft.system.clone(),
        first: known.is_none(),
        nodes: Vec::new(),
        links: 0,
        processes: Vec::new(),
        untouched: 0,
    };
    if let Some(system) = known.as_ref().filter(|_| unchanged) {
        found.untouched = system.nodes().count();
        return Ok(found);
    }
    nodes(&draft, known.as_deref(), deps, &mut found).await?;
    processes(&draft, known.as_deref(), deps, &mut found).await?;
    Ok(found)
}

async fn nodes(
    draft: &Draft,
    known: Option<&SystemIndex>,
    deps: &Deps,
    found: &mut Preview,
) -> Result<(), Error> {
    let (put, remove, kept) = store::difference(draft, known, deps).await?;
    for node in &put {
        let before = known.and_then(|system| system.node(node.id()));
        let effect = match before {
            None => Effect::Added,
            Some(before) if same(before, node) => {
                found.untouched += 1;
                continue;
            }
            Some(_) => Effect::Changed,
        };
        found.note(node, effect);
    }
    for id in &remove {
        if let Some(node) = known.and_then(|system| system.node(id)) {
            found.note(node, Effect::Removed);
        }
    }
    let fresh = draft.model.nodes();
    for id in &kept {
        let Some(before) = known.and_then(|system| system.node(id)) else { continue };
        if fresh.iter().any(|node| node.id() == id && !same(before, node)) {
            found.note(before, Effect::Kept);
        } else {
            found.untouched += 1;
        }
    }
    found.nodes.sort_by(|a, b| a.kind.cmp(&b.kind).then_with(|| a.id.cmp(&b.id)));
    Ok(())
}

impl Preview {
    fn note(&mut self, node: &Node, effect: Effect) {
        if matches!(node, Node::Link(_)) {
            self.links += 1;
            return;
        }
        self.nodes.push(NodeEffect {
            id: node.id().to_owned(),
            kind: node.kind().to_owned(),
            label: label(node),
            effect,
        });
    }
}

/// Whether two nodes say the same; which version of a process is deployed is no difference.
fn same(one: &Node, other: &Node) -> bool {
    match (one, other) {
        (Node::Process(one), Node::Process(other)) => {
            Process { definition: None, ..one.clone() } == Process { definition: None, ..other.clone() }
        }
        _ => one == other,
    }
}

fn label(node: &Node) -> String {
    match node {
        Node::Requirement(node) => node.text.clone(),
        Node::Component(node) => node.name.clone(),
        Node::Function(node) => node.name.clone(),
        Node::Process(node) => node.name.clone(),
        Node::Interface(node) => node.name.clone(),
        Node::Constraint(node) => node.name.clone(),
        Node::Link(link) => format!("{} {} {}", link.source, link.kind, link.target),
    }
}

async fn processes(
    draft: &Draft,
    known: Option<&SystemIndex>,
    deps: &Deps,
    found: &mut Preview,
) -> Result<(), Error> {
    let mut before: Vec<&Process> = Vec::new();
    for node in known.into_iter().flat_map(|system| system.of_kind("process")) {
        if let Node::Process(process) = node.as_ref() {
            before.push(process);
        }
    }
    for (process, file) in draft.written.processes.iter().zip(&draft.written.files) {
        let after = steps(&file.content)?;
        let deployed = before.iter().find(|other| other.process_id == process.process_id);
        let (effect, old) = match deployed.and_then(|other| other.definition) {
            Some(key) => {
                let xml = deps.engine.definition_xml(key).await?;
                if xml.as_bytes() == file.content.as_slice() {
                    continue;
                }
                (Effect::Changed, steps(xml.as_bytes())?)
            }
            None => (Effect::Added, BTreeSet::new()),
        };
        found.processes.push(ProcessEffect {
            process: process.process_id.clone(),
            effect,
            added: after.difference(&old).cloned().collect(),
            removed: old.difference(&after).cloned().collect(),
        });
    }
    let written = |process: &Process| {
        draft.written.processes.iter().any(|other| other.process_id == process.process_id)
    };
    let gone: BTreeSet<&str> = found
        .nodes
        .iter()
        .filter(|node| node.effect == Effect::Removed)
        .map(|node| node.id.as_str())
        .collect();
    let removed = before.iter().filter(|process| !written(process) && gone.contains(process.id.as_str()));
    found.processes.extend(removed.map(|process| ProcessEffect {
        process: process.process_id.clone(),
        effect: Effect::Removed,
        added: Vec::new(),
        removed: Vec::new(),
    }));
    Ok(())
}

/// What a person reads on the steps of a process.
fn steps(xml: &[u8]) -> Result<BTreeSet<String>, Error> {
    let definitions = bpmn::xml::read(xml).map_err(|error| Error::Model(error.to_string()))?;
    let nodes = definitions.processes.into_iter().flat_map(|process| process.nodes);
    Ok(nodes.filter_map(|node| node.element.name).collect())
}
