//! Draws what is missing in a drawing that people made: nothing that is drawn already is moved, as long as there is
//! room for what comes.
//!
//! A node goes between its neighbours where the gap is wide enough, otherwise to the nearest free place within its
//! lane, pool or sub-process. Where none is free, the drawing is opened there: what lies to the right moves to the
//! right as a whole, so that it keeps its look.

use std::collections::{HashMap, HashSet};

use super::size::{self, CHANNEL, EVENT};
use super::{add_missing_lines, drawn_elements, missing_nodes, point, route};
use crate::model::{Bounds, DataElement, Definitions, Edge, FlowNode, Lane, Point, Process, Shape};

/// Least distance of a placed node from everything else.
const MARGIN: f64 = 15.0;
/// Least distance of a placed node from the border of what it stands in.
const INSIDE: f64 = 8.0;
/// How far to the side a free place is looked for.
const REACH_X: f64 = 160.0;
/// How far up or down a free place is looked for.
const REACH_Y: f64 = 400.0;
/// Distance of the places that are tried.
const STEP: f64 = 10.0;

/// Draws nodes and lines that are not drawn; without any drawing, the whole file is drawn.
pub fn complete_diagram(definitions: &mut Definitions) {
    let drawn = drawn_elements(definitions);
    if drawn.is_empty() {
        super::ensure_diagram(definitions);
        return;
    }
    let missing = missing_nodes(definitions, &drawn);
    let mut open: Vec<(usize, FlowNode)> = Vec::new();
    for (at, process) in definitions.processes.iter().enumerate() {
        let nodes = process.nodes.iter().filter(|node| missing.contains(&node.element.id));
        open.extend(nodes.map(|node| (at, node.clone())));
    }
    while !open.is_empty() {
        // What has a drawn neighbour comes first, so that places follow the flow.
        let next = open
            .iter()
            .position(|(at, node)| {
                let near = Neighbours::of(definitions, *at, node);
                near.before.is_some() || near.after.is_some() || near.host.is_some()
            })
            .unwrap_or(0);
        let (at, node) = open.remove(next);
        place(definitions, at, &node);
    }
    place_data(definitions);
    add_lines(definitions);
    add_missing_lines(definitions);
}

/// Puts data that is not drawn below the node that uses it, or to the nearest free place.
fn place_data(definitions: &mut Definitions) {
    let wishes = data_wishes(definitions);
    let containers: HashSet<&str> = containers(definitions);
    let shapes = definitions.diagrams.iter().flat_map(|diagram| &diagram.shapes);
    let outside = shapes.filter(|shape| !containers.contains(shape.element.as_str()));
    let mut obstacles: Vec<Bounds> = outside.map(|shape| shape.bounds).collect();
    let mut placed = Vec::new();
    for (element, ideal) in wishes {
        let reach = grown(&ideal, REACH_X.max(REACH_Y) + MARGIN);
        let near: Vec<Bounds> = obstacles.iter().filter(|other| other.overlaps(&reach)).copied().collect();
        let bounds = free_place(&ideal, None, &near).unwrap_or(ideal);
        obstacles.push(bounds);
        placed.push(Shape { id: format!("{element}_di"), element, bounds, ..Shape::default() });
    }
    if let Some(diagram) = definitions.diagrams.first_mut() {
        diagram.shapes.extend(placed);
    }
}

/// Data that is not drawn, each with the best place for it: below the first node that uses it.
fn data_wishes(definitions: &Definitions) -> Vec<(String, Bounds)> {
    let mut drawn: HashMap<&str, Bounds> = HashMap::new();
    for shape in definitions.diagrams.iter().flat_map(|diagram| &diagram.shapes) {
        drawn.entry(&shape.element).or_insert(shape.bounds);
    }
    let mut wishes: Vec<(String, Bounds)> = Vec::new();
    for process in &definitions.processes {
        let mut open: HashMap<&str, &DataElement> =
            process.data.iter().map(|data| (data.element.id.as_str(), data)).collect();
        open.retain(|id, _| !drawn.contains_key(id));
        for node in &process.nodes {
            let Some(user) = drawn.get(node.element.id.as_str()) else { continue };
            let used = node.data_associations.iter().flat_map(|line| line.sources.iter().chain(&line.target));
            for id in used {
                // Taken out, so that a second user finds nothing.
                let Some(data) = open.remove(id.as_str()) else { continue };
                let (width, height) = size::of_data(&data.kind);
                let x = (user.center().x - width / 2.0).round();
                wishes.push((id.clone(), Bounds { x, y: user.bottom() + size::LINE_GAP, width, height }));
            }
        }
    }
    wishes
}

/// Ids of pools, lanes and sub-processes.
fn containers(definitions: &Definitions) -> HashSet<&str> {
    let mut found: HashSet<&str> = HashSet::new();
    for process in &definitions.processes {
        let inner = process.nodes.iter().filter(|node| node.is_sub_process());
        found.extend(inner.map(|node| node.element.id.as_str()));
        let mut sets: Vec<_> = process.lane_sets.iter().collect();
        while let Some(set) = sets.pop() {
            found.extend(set.lanes.iter().map(|lane| lane.element.id.as_str()));
            sets.extend(set.lanes.iter().filter_map(|lane| lane.lane_set.as_deref()));
        }
    }
    let pools = definitions.collaborations.iter().flat_map(|collaboration| &collaboration.participants);
    found.extend(pools.map(|pool| pool.element.id.as_str()));
    found
}

fn bounds_of(definitions: &Definitions, element: &str) -> Option<Bounds> {
    let shapes = definitions.diagrams.iter().flat_map(|diagram| &diagram.shapes);
    shapes.into_iter().find(|shape| shape.element == element).map(|shape| shape.bounds)
}

/// What is drawn around a node.
struct Neighbours {
    before: Option<Bounds>,
    after: Option<Bounds>,
    /// The activity that a boundary event is attached to.
    host: Option<Bounds>,
}

impl Neighbours {
    fn of(definitions: &Definitions, process: usize, node: &FlowNode) -> Self {
        let id = &node.element.id;
        let flows = definitions.processes.get(process).map_or(&[][..], |process| process.flows.as_slice());
        Self {
            before: flows
                .iter()
                .filter(|flow| flow.target == *id)
                .find_map(|flow| bounds_of(definitions, &flow.source)),
            after: flows
                .iter()
                .filter(|flow| flow.source == *id)
                .find_map(|flow| bounds_of(definitions, &flow.target)),
            host: node.attached_to().and_then(|host| bounds_of(definitions, host)),
        }
    }

    /// Where the node would stand best.
    fn ideal(&self, width: f64, height: f64, fallback: Point) -> Bounds {
        let at = |x: f64, y: f64| Bounds { x: x.round(), y: (y - height / 2.0).round(), width, height };
        match (self.before, self.after) {
            (Some(before), Some(after)) if before.right() < after.x => {
                at(f64::midpoint(before.right(), after.x) - width / 2.0, before.center().y)
            }
            (Some(before), _) => at(before.right() + CHANNEL, before.center().y),
            (None, Some(after)) => at(after.x - CHANNEL - width, after.center().y),
            (None, None) => at(fallback.x, fallback.y + height / 2.0),
        }
    }
}

fn place(definitions: &mut Definitions, process: usize, node: &FlowNode) {
    let (width, height) = size::of_node(node, 0);
    let near = Neighbours::of(definitions, process, node);
    let bounds = if let Some(host) = near.host {
        let taken = definitions.diagrams.iter().flat_map(|diagram| &diagram.shapes).filter(|shape| {
            shape.bounds.width <= EVENT
                && (shape.bounds.center().y - host.bottom()).abs() < 1.0
                && shape.bounds.overlaps(&host)
        });
        let x = host.x + 12.0 + 44.0 * size::count(taken.count());
        Bounds { x, y: host.bottom() - EVENT / 2.0, width, height }
    } else {
        let shapes = || definitions.diagrams.iter().flat_map(|diagram| &diagram.shapes);
        let around = surrounding(definitions, process, node);
        let container = around.iter().rev().find_map(|element| bounds_of(definitions, element));
        let bottom = shapes().map(|shape| shape.bounds.bottom()).fold(0.0, f64::max);
        let fallback = match container {
            Some(container) => point(container.x + size::PADDING, container.y + size::PADDING),
            None => point(160.0, bottom + size::ROW_GAP),
        };
        let ideal = near.ideal(width, height, fallback);
        let obstacles: Vec<Bounds> =
            shapes().filter(|shape| !around.contains(&shape.element)).map(|shape| shape.bounds).collect();
        match free_place(&ideal, container.as_ref(), &obstacles) {
            Some(bounds) => bounds,
            None => {
                let left = near.before.map_or(ideal.x, |before| before.right() + CHANNEL);
                make_room(definitions, left - CHANNEL / 2.0, width + CHANNEL);
                Bounds { x: left, ..ideal }
            }
        }
    };
    let shape = Shape {
        id: format!("{}_di", node.element.id),
        element: node.element.id.clone(),
        bounds,
        ..Shape::default()
    };
    if let Some(diagram) = definitions.diagrams.first_mut() {
        diagram.shapes.push(shape);
    }
}

/// Pool, lanes and sub-processes that a node stands in, from the outside in.
fn surrounding(definitions: &Definitions, process: usize, node: &FlowNode) -> Vec<String> {
    let Some(process) = definitions.processes.get(process) else { return Vec::new() };
    let mut around: Vec<String> = Vec::new();
    let pools = definitions.collaborations.iter().flat_map(|collaboration| &collaboration.participants);
    let own = pools.filter(|pool| pool.process.as_deref() == Some(process.element.id.as_str()));
    around.extend(own.map(|pool| pool.element.id.clone()));
    // Nodes of sub-processes count for the lane of the outermost one.
    let mut scopes: Vec<&str> = Vec::new();
    let mut parent = node.parent.as_deref();
    while let Some(scope) = parent.filter(|scope| !scopes.contains(scope)) {
        scopes.push(scope);
        parent = process.node(scope).and_then(|scope| scope.parent.as_deref());
    }
    let outermost = scopes.last().copied().unwrap_or(&node.element.id);
    around.extend(lanes_of(process, outermost));
    around.extend(scopes.iter().rev().map(|scope| (*scope).to_owned()));
    around
}

/// The lanes that hold a node, from the outside in.
fn lanes_of(process: &Process, node: &str) -> Vec<String> {
    let mut open: Vec<(&Lane, Vec<String>)> = Vec::new();
    for lane in process.lane_sets.iter().flat_map(|set| &set.lanes) {
        open.push((lane, Vec::new()));
    }
    let mut deepest: Vec<String> = Vec::new();
    while let Some((lane, mut path)) = open.pop() {
        path.push(lane.element.id.clone());
        if lane.nodes.iter().any(|own| own == node) && path.len() > deepest.len() {
            deepest.clone_from(&path);
        }
        let inner = lane.lane_set.as_ref().map_or(&[][..], |set| set.lanes.as_slice());
        open.extend(inner.iter().map(|lane| (lane, path.clone())));
    }
    deepest
}

fn grown(bounds: &Bounds, by: f64) -> Bounds {
    Bounds {
        x: bounds.x - by,
        y: bounds.y - by,
        width: bounds.width + 2.0 * by,
        height: bounds.height + 2.0 * by,
    }
}

/// The nearest place that is free, where one is within reach.
fn free_place(ideal: &Bounds, container: Option<&Bounds>, obstacles: &[Bounds]) -> Option<Bounds> {
    let is_free = |bounds: &Bounds| {
        let wide = grown(bounds, MARGIN);
        container.is_none_or(|container| container.contains(&grown(bounds, INSIDE)))
            && (container.is_some() || bounds.y >= 0.0 && bounds.x >= 0.0)
            && !obstacles.iter().any(|other| other.overlaps(&wide))
    };
    let offsets = |reach: f64| {
        let steps = 0_i32..;
        steps.map(f64::from).map(|step| step * STEP).take_while(move |distance| *distance <= reach)
    };
    let mut best: Option<(f64, Bounds)> = None;
    for dy in offsets(REACH_Y).flat_map(|dy| [dy, -dy]) {
        for dx in offsets(REACH_X).flat_map(|dx| [dx, -dx]) {
            // Sideways costs more: a node above or below its place is still between its neighbours.
            let cost = 2.0 * dx.abs() + dy.abs();
            if best.as_ref().is_some_and(|(least, _)| cost >= *least) {
                continue;
            }
            let bounds = Bounds { x: ideal.x + dx, y: ideal.y + dy, ..*ideal };
            if is_free(&bounds) {
                best = Some((cost, bounds));
            }
        }
    }
    best.map(|(_, bounds)| bounds)
}

/// Moves everything right of a line to the right; pools, lanes and sub-processes across it become wider.
fn make_room(definitions: &mut Definitions, from: f64, by: f64) {
    let mut ends: HashMap<String, (String, String)> = HashMap::new();
    let containers: HashSet<String> = containers(definitions).into_iter().map(str::to_owned).collect();
    let flows = definitions.processes.iter().flat_map(|process| &process.flows);
    ends.extend(flows.map(|flow| (flow.element.id.clone(), (flow.source.clone(), flow.target.clone()))));
    let messages = definitions.collaborations.iter().flat_map(|collaboration| &collaboration.message_flows);
    ends.extend(messages.map(|flow| (flow.element.id.clone(), (flow.source.clone(), flow.target.clone()))));
    for diagram in &mut definitions.diagrams {
        let mut moved: HashSet<String> = HashSet::new();
        for shape in &mut diagram.shapes {
            let is_across = shape.bounds.x < from && shape.bounds.right() > from;
            if is_across && containers.contains(&shape.element) {
                shape.bounds.width += by;
            } else if shape.bounds.center().x >= from {
                shape.bounds.x += by;
                if let Some(label) = shape.label.as_mut().and_then(|label| label.bounds.as_mut()) {
                    label.x += by;
                }
                moved.insert(shape.element.clone());
            }
        }
        for edge in &mut diagram.edges {
            let own = ends.get(&edge.element);
            let last = edge.waypoints.len().saturating_sub(1);
            for (place, waypoint) in edge.waypoints.iter_mut().enumerate() {
                // The ends of a line stay with what it joins.
                let goes_along = match (own, place) {
                    (Some((source, _)), 0) if !containers.contains(source) => moved.contains(source),
                    (Some((_, target)), place) if place == last && !containers.contains(target) => {
                        moved.contains(target)
                    }
                    _ => waypoint.x >= from,
                };
                if goes_along {
                    waypoint.x += by;
                }
            }
            if let Some(label) = edge.label.as_mut().and_then(|label| label.bounds.as_mut())
                && label.x >= from
            {
                label.x += by;
            }
        }
    }
}

/// Lines of flows whose ends are drawn and that have none.
fn add_lines(definitions: &mut Definitions) {
    let edges = definitions.diagrams.iter().flat_map(|diagram| &diagram.edges);
    let drawn: HashSet<String> = edges.map(|edge| edge.element.clone()).collect();
    let mut added = Vec::new();
    for flow in definitions.processes.iter().flat_map(|process| &process.flows) {
        if flow.element.id.is_empty() || drawn.contains(&flow.element.id) {
            continue;
        }
        let ends = (bounds_of(definitions, &flow.source), bounds_of(definitions, &flow.target));
        if let (Some(from), Some(to)) = ends {
            added.push(Edge {
                id: format!("{}_di", flow.element.id),
                element: flow.element.id.clone(),
                waypoints: line(&from, &to),
                ..Edge::default()
            });
        }
    }
    if let Some(diagram) = definitions.diagrams.first_mut() {
        diagram.edges.extend(added);
    }
}

/// A line with one corner where a node stands above or below between its neighbours; otherwise as usual.
fn line(from: &Bounds, to: &Bounds) -> Vec<Point> {
    const GAP: f64 = 5.0;
    let (start, end) = (from.center(), to.center());
    let is_beside = from.right() + 10.0 <= to.x;
    let apart = from.bottom() + GAP <= end.y || end.y <= from.y - GAP;
    if !is_beside && apart && to.x >= start.x + GAP {
        let y = if end.y > start.y { from.bottom() } else { from.y };
        return vec![point(start.x, y), point(start.x, end.y), point(to.x, end.y)];
    }
    let apart = to.bottom() + GAP <= start.y || start.y <= to.y - GAP;
    if !is_beside && apart && from.right() + GAP <= end.x {
        let y = if start.y > end.y { to.bottom() } else { to.y };
        return vec![point(from.right(), start.y), point(end.x, start.y), point(end.x, y)];
    }
    route::direct(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Builder, SequenceFlow, Task};
    use crate::model::{Element, FlowNodeKind};

    fn drawn() -> Definitions {
        let mut builder = Builder::process("p");
        builder.start("s").task("a", "A").task("b", "B").end("e");
        builder.flow("s", "a").flow("a", "b").flow("b", "e");
        let mut definitions = builder.finish();
        super::super::ensure_diagram(&mut definitions);
        // A hand-made touch: B stands lower.
        for shape in &mut definitions.diagrams[0].shapes {
            if shape.element == "b" {
                shape.bounds.y += 60.0;
            }
        }
        definitions
    }

    fn insert(definitions: &mut Definitions) {
        let process = &mut definitions.processes[0];
        process.nodes.push(FlowNode::of_kind("n", FlowNodeKind::Task(Task::Undefined)));
        for flow in process.flows.iter_mut().filter(|flow| flow.source == "a") {
            flow.target = "n".to_owned();
        }
        let flow = SequenceFlow {
            element: Element::with_id("n-b"),
            source: "n".to_owned(),
            target: "b".to_owned(),
            ..SequenceFlow::default()
        };
        process.flows.push(flow);
        definitions.diagrams[0].edges.retain(|edge| edge.element != "a-b");
    }

    #[test]
    fn a_node_that_is_missing_gets_a_free_place_and_nothing_else_moves() {
        let mut definitions = drawn();
        let before = definitions.diagrams[0].clone();
        insert(&mut definitions);
        complete_diagram(&mut definitions);
        let after = &definitions.diagrams[0];
        for shape in &before.shapes {
            assert!(after.shapes.contains(shape), "{} has moved", shape.element);
        }
        for edge in before.edges.iter().filter(|edge| edge.element != "a-b") {
            assert!(after.edges.contains(edge), "{} is another line", edge.element);
        }
        let place = after.shapes.iter().find(|shape| shape.element == "n").unwrap().bounds;
        assert!(before.shapes.iter().all(|shape| !shape.bounds.overlaps(&place)));
        let lines: Vec<&str> = after.edges.iter().map(|edge| edge.element.as_str()).collect();
        assert!(lines.contains(&"a-b") && lines.contains(&"n-b"), "{lines:?}");
    }

    /// 4,000 steps, each with data that is not drawn: more than what is looked through once for each could be.
    #[test]
    fn data_of_thousands_of_steps_is_drawn_below_each_and_nowhere_on_another() {
        let count = 4_000;
        let mut definitions = Definitions::default();
        let mut process = Process { element: Element::with_id("p"), ..Process::default() };
        let mut diagram = crate::model::Diagram::default();
        for number in 0..count {
            let (task, data) = (format!("t{number}"), format!("d{number}"));
            let mut node = FlowNode::of_kind(&task, FlowNodeKind::Task(Task::Undefined));
            node.data_associations.push(crate::model::DataAssociation {
                element: Element::default(),
                is_input: true,
                sources: vec![data.clone()],
                target: Some(task.clone()),
            });
            process.nodes.push(node);
            process.data.push(DataElement {
                element: Element::with_id(&data),
                parent: None,
                kind: crate::model::DataElementKind::ObjectReference(None),
            });
            let (row, column) = (f64::from(number / 100), f64::from(number % 100));
            let bounds =
                Bounds { x: 200.0 + 150.0 * column, y: 200.0 + 200.0 * row, width: 100.0, height: 80.0 };
            diagram.shapes.push(Shape { element: task, bounds, ..Shape::default() });
        }
        definitions.processes.push(process);
        definitions.diagrams.push(diagram);
        place_data(&mut definitions);
        let shapes = &definitions.diagrams[0].shapes;
        assert_eq!(shapes.len(), 8_000);
        for (task, data) in shapes.iter().take(4_000).zip(shapes.iter().skip(4_000)) {
            assert_eq!(data.element[1..], task.element[1..]);
            let (task, data) = (task.bounds, data.bounds);
            assert!(data.y >= task.bottom() && (data.center().x - task.center().x).abs() < 1.0, "{data:?}");
            assert!(data.bottom() < task.y + 200.0, "{data:?} on the row below");
        }
    }

    #[test]
    fn a_lane_without_room_is_opened_and_holds_the_node() {
        let mut builder = Builder::process("p");
        builder.start("s").task("a", "A").task("b", "B").end("e");
        builder.flow("s", "a").flow("a", "b").flow("b", "e");
        builder.lane("l1", "One", &["s", "a", "b", "e"]).lane("l2", "Two", &[]);
        let mut definitions = builder.finish();
        definitions.collaborations.push(crate::model::Collaboration {
            element: Element::with_id("c"),
            participants: vec![crate::model::Participant {
                element: Element::with_id("pool"),
                process: Some("p".to_owned()),
            }],
            ..crate::model::Collaboration::default()
        });
        super::super::ensure_diagram(&mut definitions);
        insert(&mut definitions);
        definitions.processes[0].lane_sets[0].lanes[0].nodes.push("n".to_owned());
        let lane_before = bounds_of(&definitions, "l1").unwrap();
        complete_diagram(&mut definitions);
        let of = |id: &str| bounds_of(&definitions, id).unwrap();
        let (lane, node) = (of("l1"), of("n"));
        assert!(lane.contains(&node), "{lane:?} {node:?}");
        assert!((lane.y - lane_before.y).abs() < 0.1 && (lane.height - lane_before.height).abs() < 0.1);
        for other in ["s", "a", "b", "e"] {
            assert!(!of(other).overlaps(&node) && lane.contains(&of(other)), "{other}");
        }
    }
}
