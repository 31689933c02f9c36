//! Keeps the drawing of what a change did not touch; only what is added or joined otherwise is drawn.

use std::collections::{BTreeMap, BTreeSet};

use bpmn::model::{Definitions, Lane};

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
