//! Keeps the drawing of what a change did not touch; only what is added or joined otherwise is drawn.

use std::collections::{BTreeMap, BTreeSet};

use bpmn::model::{Definitions, FlowNode, Lane};

/// Brings the drawing of a changed model up to date with what was drawn before.
///
/// The whole file is drawn anew only where its lanes or pools are others.
pub(super) fn keep(before: &Definitions, after: &mut Definitions) {
    if before.diagrams.is_empty() || containers(before) != containers(after) {
        after.diagrams.clear();
        bpmn::layout::ensure_diagram(after);
        return;
    }
    let mut diagrams = before.diagrams.clone();
    let (old, own) = (Parts::of(before), Parts::of(after));
    for diagram in &mut diagrams {
        diagram.shapes.retain(|shape| {
            let id = shape.element.as_str();
            own.nodes.contains(id) || !old.nodes.contains(id)
        });
        diagram.edges.retain(|edge| {
            let id = edge.element.as_str();
            own.lines.get(id) == old.lines.get(id)
        });
    }
    after.diagrams = diagrams;
    bpmn::layout::complete_diagram(after);
}

/// Data that only these nodes use, and the lines to it and to other pools: what moves with a node.
pub(super) fn beside(definitions: &Definitions, nodes: &[&String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for process in &definitions.processes {
        let (own, others): (Vec<_>, Vec<_>) =
            process.nodes.iter().partition(|node| nodes.contains(&&node.element.id));
        let used: BTreeSet<&String> = others.into_iter().flat_map(data_of).collect();
        for node in own {
            found.extend(node.data_associations.iter().map(|line| line.element.id.clone()));
            found.extend(data_of(node).filter(|data| !used.contains(data)).cloned());
        }
    }
    for flow in definitions.collaborations.iter().flat_map(|collaboration| &collaboration.message_flows) {
        if nodes.contains(&&flow.source) || nodes.contains(&&flow.target) {
            found.insert(flow.element.id.clone());
        }
    }
    found
}

/// Data elements that a node reads or writes.
fn data_of(node: &FlowNode) -> impl Iterator<Item = &String> {
    node.data_associations.iter().flat_map(|line| line.sources.iter().chain(&line.target))
}

/// Takes out what belonged to a step that is gone: messages without an end, pools without messages, data beside nothing.
pub(super) fn drop_loose(definitions: &mut Definitions) {
    let nodes: BTreeSet<String> = definitions
        .processes
        .iter()
        .flat_map(|process| process.nodes.iter().map(|node| node.element.id.clone()))
        .collect();
    for collaboration in &mut definitions.collaborations {
        let pools: BTreeSet<String> =
            collaboration.participants.iter().map(|pool| pool.element.id.clone()).collect();
        let there = |id: &String| nodes.contains(id) || pools.contains(id);
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut collaboration.message_flows)
            .into_iter()
            .partition(|flow| there(&flow.source) && there(&flow.target));
        let spoke = |id: &String| gone.iter().any(|flow| flow.source == *id || flow.target == *id);
        let speaks = |id: &String| kept.iter().any(|flow| flow.source == *id || flow.target == *id);
        collaboration
            .participants
            .retain(|pool| pool.process.is_some() || !spoke(&pool.element.id) || speaks(&pool.element.id));
        collaboration.message_flows = kept;
    }
    for process in &mut definitions.processes {
        let used: BTreeSet<String> = process.nodes.iter().flat_map(data_of).cloned().collect();
        // Only what was drawn beside a step that is gone: its name says which.
        process.data.retain(|data| {
            let step = data.element.id.strip_suffix(DATA);
            used.contains(&data.element.id) || step.is_none_or(|step| nodes.contains(step))
        });
    }
}

/// How the id of data beside a step ends.
const DATA: &str = "-data";

/// What is drawn of a model.
struct Parts<'a> {
    nodes: BTreeSet<&'a str>,
    /// Flows and associations with their ends.
    lines: BTreeMap<&'a str, (&'a str, &'a str)>,
}

impl<'a> Parts<'a> {
    fn of(definitions: &'a Definitions) -> Self {
        let mut parts = Self { nodes: BTreeSet::new(), lines: BTreeMap::new() };
        for process in &definitions.processes {
            parts.nodes.extend(process.nodes.iter().map(|node| node.element.id.as_str()));
            parts.nodes.extend(process.data.iter().map(|data| data.element.id.as_str()));
            for flow in &process.flows {
                parts.lines.insert(&flow.element.id, (&flow.source, &flow.target));
            }
            for node in &process.nodes {
                for line in node.data_associations.iter().filter(|line| !line.element.id.is_empty()) {
                    let data = line.sources.first().or(line.target.as_ref()).map_or("", String::as_str);
                    parts.lines.insert(&line.element.id, (&node.element.id, data));
                }
            }
            for artifact in &process.artifacts {
                match &artifact.kind {
                    bpmn::model::ArtifactKind::Association { source, target } => {
                        parts.lines.insert(&artifact.element.id, (source, target));
                    }
                    _ => {
                        parts.nodes.insert(&artifact.element.id);
                    }
                }
            }
        }
        for flow in definitions.collaborations.iter().flat_map(|collaboration| &collaboration.message_flows) {
            parts.lines.insert(&flow.element.id, (&flow.source, &flow.target));
        }
        parts
    }
}

/// Ids of pools and lanes.
fn containers(definitions: &Definitions) -> BTreeSet<&str> {
    let pools = definitions.collaborations.iter().flat_map(|collaboration| &collaboration.participants);
    let mut found: BTreeSet<&str> = pools.map(|pool| pool.element.id.as_str()).collect();
    let sets = definitions.processes.iter().flat_map(|process| &process.lane_sets);
    let mut open: Vec<&Lane> = sets.flat_map(|set| &set.lanes).collect();
    while let Some(lane) = open.pop() {
        found.insert(&lane.element.id);
        open.extend(lane.lane_set.iter().flat_map(|set| &set.lanes));
    }
    found
}
