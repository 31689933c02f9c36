//! Draws a model that has no diagram: layered from left to right, as few crossings as a few sweeps find, straight
//! main paths, orthogonal lines.
//!
//! The method is Sugiyama's (Sugiyama, Tagawa, Toda 1981): break cycles, put nodes into layers by the longest path,
//! order each layer by barycentres, place by least squares under minimum distances, route through the channels
//! between layers. Sub-processes are laid out first and stand as boxes in their parents. No recursion.

mod arrange;
mod assemble;
mod complete;
mod corner;
mod graph;
mod label;
mod order;
mod place;
mod route;
mod scope;
mod size;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use complete::complete_diagram;

use crate::model::{ArtifactKind, Definitions, Edge, Point, Shape};

/// Draws what has no diagram yet.
///
/// A file without any shape gets a diagram. Where only some nodes of a plain process are not drawn, they are added
/// below the drawing; where pools or drawn sub-processes would have to grow, the whole file is drawn anew. Lines that
/// are missing between drawn shapes are added.
pub fn ensure_diagram(definitions: &mut Definitions) {
    let drawn = drawn_elements(definitions);
    let missing = missing_nodes(definitions, &drawn);
    if drawn.is_empty() {
        let diagram = assemble::diagram(definitions);
        definitions.diagrams = vec![diagram];
    } else if !missing.is_empty() {
        if is_plain(definitions, &missing) {
            add_below(definitions, &missing);
        } else {
            let diagram = assemble::diagram(definitions);
            definitions.diagrams = vec![diagram];
        }
    }
    add_missing_lines(definitions);
}

fn drawn_elements(definitions: &Definitions) -> HashSet<String> {
    let shapes = definitions.diagrams.iter().flat_map(|diagram| &diagram.shapes);
    shapes.map(|shape| shape.element.clone()).collect()
}

/// Ids of flow nodes without a shape, except those inside collapsed sub-processes.
fn missing_nodes(definitions: &Definitions, drawn: &HashSet<String>) -> HashSet<String> {
    let shapes = definitions.diagrams.iter().flat_map(|diagram| &diagram.shapes);
    let mut hidden: HashSet<&str> =
        shapes.filter(|shape| shape.is_expanded == Some(false)).map(|shape| shape.element.as_str()).collect();
    let mut missing = HashSet::new();
    for process in &definitions.processes {
        for node in &process.nodes {
            if node.parent.as_deref().is_some_and(|parent| hidden.contains(parent)) {
                hidden.insert(&node.element.id);
            } else if !drawn.contains(&node.element.id) {
                missing.insert(node.element.id.clone());
            }
        }
    }
    missing
}

/// Whether the missing nodes can stand below the drawing: no pools, and no drawn sub-process that would have to grow.
fn is_plain(definitions: &Definitions, missing: &HashSet<String>) -> bool {
    let has_pools =
        definitions.collaborations.iter().any(|collaboration| !collaboration.participants.is_empty());
    !has_pools
        && definitions.processes.iter().flat_map(|process| &process.nodes).all(|node| {
            let is_missing = missing.contains(&node.element.id);
            let anchor = node.parent.as_deref().or(node.attached_to());
            !is_missing || anchor.is_none_or(|anchor| missing.contains(anchor))
        })
}

fn add_below(definitions: &mut Definitions, missing: &HashSet<String>) {
    let fresh = assemble::diagram(definitions);
    let added: Vec<Shape> =
        fresh.shapes.into_iter().filter(|shape| missing.contains(&shape.element)).collect();
    let Some(diagram) = definitions.diagrams.first_mut() else { return };
    let bottom = diagram.shapes.iter().map(|shape| shape.bounds.bottom()).fold(0.0, f64::max);
    let top = added.iter().map(|shape| shape.bounds.y).fold(f64::INFINITY, f64::min);
    let down = bottom + size::ROW_GAP - top;
    for mut shape in added {
        shape.bounds.y += down;
        if let Some(label) = shape.label.as_mut().and_then(|label| label.bounds.as_mut()) {
            label.y += down;
        }
        diagram.shapes.push(shape);
    }
}

/// Adds lines for flows and associations whose ends are both drawn.
fn add_missing_lines(definitions: &mut Definitions) {
    let mut wanted: Vec<(String, String, String)> = Vec::new();
    for process in &definitions.processes {
        for flow in &process.flows {
            wanted.push((flow.element.id.clone(), flow.source.clone(), flow.target.clone()));
        }
        for artifact in &process.artifacts {
            if let ArtifactKind::Association { source, target } = &artifact.kind {
                wanted.push((artifact.element.id.clone(), source.clone(), target.clone()));
            }
        }
        for node in &process.nodes {
            let own = &node.element.id;
            for line in &node.data_associations {
                match (line.is_input, line.sources.first(), &line.target) {
                    (true, Some(data), _) => {
                        wanted.push((line.element.id.clone(), data.clone(), own.clone()))
                    }
                    (false, _, Some(data)) => {
                        wanted.push((line.element.id.clone(), own.clone(), data.clone()))
                    }
                    _ => {}
                }
            }
        }
    }
    for collaboration in &definitions.collaborations {
        for flow in &collaboration.message_flows {
            wanted.push((flow.element.id.clone(), flow.source.clone(), flow.target.clone()));
        }
    }
    let edges = definitions.diagrams.iter().flat_map(|diagram| &diagram.edges);
    let drawn: HashSet<String> = edges.map(|edge| edge.element.clone()).collect();
    for diagram in &mut definitions.diagrams {
        let shapes: std::collections::HashMap<&str, crate::model::Bounds> =
            diagram.shapes.iter().map(|shape| (shape.element.as_str(), shape.bounds)).collect();
        let mut added = Vec::new();
        for (id, source, target) in wanted.iter().filter(|(id, ..)| !id.is_empty() && !drawn.contains(id)) {
            if let (Some(from), Some(to)) = (shapes.get(source.as_str()), shapes.get(target.as_str())) {
                added.push(Edge {
                    id: format!("{id}_di"),
                    element: id.clone(),
                    waypoints: route::direct(from, to),
                    ..Edge::default()
                });
            }
        }
        diagram.edges.extend(added);
    }
}

fn point(x: f64, y: f64) -> Point {
    Point { x, y }
}
