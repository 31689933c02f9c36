//! Lays out one process or sub-process: its nodes, and around them its annotations, data and event sub-processes.

use std::collections::HashMap;

use super::arrange::{Wish, row};
use super::graph::{Graph, Item, Link};
use super::label::FROM_END;
use super::size::{self, EVENT, LANE_HEIGHT, PADDING, ROW_GAP, TEXT, TRACK, count};
use super::{order, place, route};
use crate::model::{
    ArtifactKind, Bounds, DataElement, DataElementKind, EventPosition, FlowNode, FlowNodeKind, Point,
    Process, SubProcess,
};

/// Where everything in a scope is, from its upper left corner.
#[derive(Debug, Default)]
pub(super) struct ScopeLayout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Nodes, boundary events, data and artifacts by id.
    pub(super) boxes: Vec<(String, Bounds)>,
    /// Lines by the id of the flow.
    pub(super) lines: Vec<(String, Vec<Point>)>,
    /// Upper and lower border of each lane.
    pub(super) lanes: Vec<(f64, f64)>,
}

/// What a scope is laid out with.
pub(super) struct Input<'a> {
    pub(super) process: &'a Process,
    pub(super) scope: Option<&'a str>,
    /// Sizes of expanded sub-processes by id.
    pub(super) sizes: &'a HashMap<String, (f64, f64)>,
    /// Lane of each node, by id; empty where there are none.
    pub(super) lane_of: &'a HashMap<&'a str, usize>,
    /// Number of lanes; 0 where there are none.
    pub(super) lane_count: usize,
}

/// Lays out a scope.
pub(super) fn lay_out(input: &Input<'_>) -> ScopeLayout {
    let own = own_data(input);
    let mut graph = graph(input, &own);
    let starts: Vec<usize> = (0..graph.items.len())
        .filter(|&item| {
            let node = graph.items[item].node.and_then(|node| input.process.nodes.get(node));
            node.and_then(FlowNode::event)
                .is_some_and(|event| matches!(event.position, EventPosition::Start { .. }))
        })
        .collect();
    graph.break_cycles(&starts);
    graph.assign_layers();
    graph.add_passes();
    order::reduce_crossings(&mut graph);
    place::set_heights(&mut graph);
    let mut layout =
        ScopeLayout { lanes: stack_lanes(&mut graph, input.lane_count), ..ScopeLayout::default() };
    let top = graph.items.iter().map(|item| item.y - item.height / 2.0).fold(f64::INFINITY, f64::min);
    let routes = route::route(&mut graph, if top.is_finite() { top } else { 0.0 });
    layout.width = routes.width;
    layout.lines = routes.lines;
    place_boxes(&graph, input, &own, &mut layout);
    add_surroundings(input, &mut layout);
    move_to_origin(&mut layout);
    layout
}

fn is_event_sub_process(node: &FlowNode) -> bool {
    matches!(node.kind, FlowNodeKind::SubProcess(SubProcess::Event))
}

/// Boundary events of each activity in a scope, in document order.
fn boundary_events<'a>(input: &Input<'a>) -> HashMap<&'a str, Vec<&'a FlowNode>> {
    let mut events: HashMap<&str, Vec<&FlowNode>> = HashMap::new();
    for node in input.process.children(input.scope) {
        if let Some(host) = node.attached_to() {
            events.entry(host).or_default().push(node);
        }
    }
    events
}

/// Data by the node below which it stands.
type OwnData<'a> = HashMap<&'a str, &'a DataElement>;

fn graph(input: &Input<'_>, own: &OwnData<'_>) -> Graph {
    let boundary = boundary_events(input);
    let mut graph = Graph::default();
    let mut item_of: HashMap<&str, usize> = HashMap::new();
    let mut boundary_of: HashMap<&str, (usize, (usize, usize))> = HashMap::new();
    for (index, node) in input.process.nodes.iter().enumerate() {
        if node.parent.as_deref() != input.scope || node.attached_to().is_some() || is_event_sub_process(node)
        {
            continue;
        }
        let id = node.element.id.as_str();
        let events = boundary.get(id).map_or(0, Vec::len);
        let (width, height) = input.sizes.get(id).copied().unwrap_or_else(|| size::of_node(node, events));
        let label = match (&node.kind, &node.element.name) {
            (FlowNodeKind::Event(_) | FlowNodeKind::Gateway(_), Some(name)) => {
                size::lines(name, 14) * TEXT + 8.0
            }
            _ => 0.0,
        };
        let below = match own.get(id) {
            Some(data) => DATA_GAP + size::of_data(&data.kind).1 + data_name(data),
            None if events == 0 => label,
            None => EVENT / 2.0 + TRACK * count(events + 1),
        };
        let lane = input.lane_of.get(id).copied().unwrap_or(0);
        for (place, event) in boundary.get(id).into_iter().flatten().enumerate() {
            boundary_of.insert(&event.element.id, (graph.items.len(), (place, events)));
        }
        item_of.insert(id, graph.items.len());
        let is_gateway = matches!(node.kind, FlowNodeKind::Gateway(_));
        graph.items.push(Item {
            node: Some(index),
            width,
            height,
            below,
            is_gateway,
            lane,
            ..Item::default()
        });
    }
    let associations = input.process.artifacts.iter().filter_map(|artifact| match &artifact.kind {
        ArtifactKind::Association { source, target } if boundary_of.contains_key(source.as_str()) => {
            Some((&artifact.element, source, target))
        }
        _ => None,
    });
    let flows = input.process.flows.iter().map(|flow| (&flow.element, &flow.source, &flow.target));
    for (element, source, target) in flows.chain(associations) {
        let Some(&to) = item_of.get(target.as_str()) else { continue };
        let (from, boundary) = match (item_of.get(source.as_str()), boundary_of.get(source.as_str())) {
            (Some(&from), _) => (from, None),
            (None, Some(&(from, place))) => (from, Some(place)),
            (None, None) => continue,
        };
        let is_back = from == to;
        let name = element.name.as_deref().filter(|name| !name.trim().is_empty());
        let name = name.map_or(0.0, |name| size::of_flow_name(name).0 + 2.0 * FROM_END);
        let id = element.id.clone();
        graph.links.push(Link { id, from, to, boundary, name, is_back, passes: Vec::new() });
    }
    graph
}

/// Puts the lanes one below the other; returns the borders of each.
fn stack_lanes(graph: &mut Graph, lane_count: usize) -> Vec<(f64, f64)> {
    let mut borders = Vec::with_capacity(lane_count);
    let mut top = 0.0;
    for lane in 0..lane_count {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for item in graph.items.iter().filter(|item| item.lane == lane) {
            low = low.min(item.y - item.height / 2.0);
            high = high.max(item.y + item.height / 2.0 + item.below);
        }
        let above = if lane == 0 { PADDING + route::room_above(graph) } else { PADDING };
        let height = if low.is_finite() { high - low } else { 0.0 };
        let full = (height + above + PADDING).max(LANE_HEIGHT);
        let slack = (full - height - above - PADDING) / 2.0;
        if low.is_finite() {
            let shift = (top + above + slack - low).round();
            for item in graph.items.iter_mut().filter(|item| item.lane == lane) {
                item.y += shift;
            }
        }
        borders.push((top, (top + full).round()));
        top = (top + full).round();
    }
    borders
}

/// Distance of data from the node above it.
const DATA_GAP: f64 = 24.0;

/// Height of the name below a data element.
fn data_name(data: &DataElement) -> f64 {
    data.element.name.as_deref().map_or(0.0, |name| size::lines(name, 14) * TEXT + 8.0)
}

fn place_boxes(graph: &Graph, input: &Input<'_>, own: &OwnData<'_>, layout: &mut ScopeLayout) {
    let boundary = boundary_events(input);
    for item in &graph.items {
        let Some(node) = item.node.and_then(|node| input.process.nodes.get(node)) else { continue };
        let bounds =
            Bounds { x: item.x, y: item.y - item.height / 2.0, width: item.width, height: item.height };
        layout.boxes.push((node.element.id.clone(), bounds));
        if let Some(data) = own.get(node.element.id.as_str()) {
            let (width, height) = size::of_data(&data.kind);
            let x = bounds.x + (bounds.width - width) / 2.0;
            layout
                .boxes
                .push((data.element.id.clone(), Bounds { x, y: bounds.bottom() + DATA_GAP, width, height }));
        }
        let events = boundary.get(node.element.id.as_str()).map_or(&[][..], Vec::as_slice);
        for (place, event) in events.iter().enumerate() {
            let x = bounds.x + route::boundary_x(bounds.width, place, events.len()) - EVENT / 2.0;
            let area = Bounds { x, y: bounds.bottom() - EVENT / 2.0, width: EVENT, height: EVENT };
            layout.boxes.push((event.element.id.clone(), area));
        }
    }
}

/// Data that only one node uses, by that node: it stands below it. One for each node without boundary events; what more
/// there is goes into the row below all nodes.
fn own_data<'a>(input: &Input<'a>) -> OwnData<'a> {
    let mut users: HashMap<&str, Vec<&str>> = HashMap::new();
    for node in &input.process.nodes {
        for association in &node.data_associations {
            for id in association.sources.iter().chain(&association.target) {
                let of = users.entry(id).or_default();
                if !of.contains(&node.element.id.as_str()) {
                    of.push(&node.element.id);
                }
            }
        }
    }
    let boundary = boundary_events(input);
    let mut own: HashMap<&str, &DataElement> = HashMap::new();
    for data in input.process.data.iter().filter(|data| data.parent.as_deref() == input.scope) {
        let user = users.get(data.element.id.as_str()).filter(|users| users.len() == 1);
        let Some(&user) = user.and_then(|users| users.first()) else { continue };
        let node = input.process.node(user);
        let fits = node.is_some_and(|node| {
            node.parent.as_deref() == input.scope
                && node.is_activity()
                && !node.is_sub_process()
                && !boundary.contains_key(user)
        });
        if fits && !matches!(data.kind, DataElementKind::Object) {
            own.entry(user).or_insert(data);
        }
    }
    own
}

/// Rows above (annotations) and below (data, event sub-processes) the nodes.
fn add_surroundings(input: &Input<'_>, layout: &mut ScopeLayout) {
    let process = input.process;
    let place_of: HashMap<String, Bounds> = layout.boxes.iter().cloned().collect();
    let (top, bottom) = extent(layout);
    let mut annotated: HashMap<&str, &str> = HashMap::new();
    for artifact in &process.artifacts {
        if let ArtifactKind::Association { source, target } = &artifact.kind {
            annotated.entry(source).or_insert(target);
            annotated.entry(target).or_insert(source);
        }
    }
    let beside = |id: &str| annotated.get(id).and_then(|other| place_of.get(*other));
    let mut above = Vec::new();
    for artifact in process.artifacts.iter().filter(|artifact| artifact.parent.as_deref() == input.scope) {
        if matches!(artifact.kind, ArtifactKind::Association { .. }) {
            continue;
        }
        let (width, height) = size::of_artifact(artifact);
        let id = artifact.element.id.clone();
        let x = beside(&id).map_or(0.0, |bounds| bounds.x + bounds.width / 2.0);
        above.push(Wish { id, x, width, height });
    }
    let mut users: HashMap<&str, &str> = HashMap::new();
    for node in process.children(input.scope) {
        for association in &node.data_associations {
            for id in association.sources.iter().chain(&association.target) {
                users.entry(id).or_insert(&node.element.id);
            }
        }
    }
    let mut data = Vec::new();
    for element in process.data.iter().filter(|data| data.parent.as_deref() == input.scope) {
        if matches!(element.kind, DataElementKind::Object) || place_of.contains_key(&element.element.id) {
            continue;
        }
        let (width, height) = size::of_data(&element.kind);
        let id = element.element.id.clone();
        let user = users.get(id.as_str()).and_then(|user| place_of.get(*user)).or_else(|| beside(&id));
        let x = user.map_or(0.0, |bounds| bounds.x + (bounds.width - width) / 2.0);
        data.push(Wish { id, x, width: width + 54.0, height: height + TEXT + 6.0 });
    }
    let mut sub_processes = Vec::new();
    for node in process.children(input.scope).filter(|node| is_event_sub_process(node)) {
        let id = node.element.id.clone();
        let (width, height) = input.sizes.get(&id).copied().unwrap_or((size::TASK_WIDTH, size::TASK_HEIGHT));
        sub_processes.push(Wish { id, x: 0.0, width, height });
    }
    let (boxes, height) = row(above);
    add_row(layout, boxes, top - ROW_GAP - height);
    let mut below = bottom + ROW_GAP;
    let (mut boxes, height) = row(data);
    for (_, bounds) in &mut boxes {
        bounds.width -= 54.0;
        bounds.height -= TEXT + 6.0;
    }
    below += if boxes.is_empty() { 0.0 } else { height + ROW_GAP };
    add_row(layout, boxes, bottom + ROW_GAP);
    let (boxes, _) = row(sub_processes);
    add_row(layout, boxes, below);
}

fn add_row(layout: &mut ScopeLayout, boxes: Vec<(String, Bounds)>, y: f64) {
    for (id, mut bounds) in boxes {
        bounds.y += y;
        layout.boxes.push((id, bounds));
    }
}

/// Upper and lower border of everything placed so far.
fn extent(layout: &ScopeLayout) -> (f64, f64) {
    let (mut top, mut bottom) = (f64::INFINITY, f64::NEG_INFINITY);
    let lanes = layout.lanes.iter().map(|&(top, bottom)| (top, bottom));
    // Labels stand below events and gateways; nothing touches the border of a lane.
    let above = if layout.lanes.is_empty() { 0.0 } else { TEXT };
    let boxes = layout.boxes.iter().map(|(_, bounds)| (bounds.y - above, bounds.bottom() + TEXT));
    let lines = layout.lines.iter().flat_map(|(_, points)| points).map(|point| (point.y, point.y));
    for (low, high) in lanes.chain(boxes).chain(lines) {
        top = top.min(low);
        bottom = bottom.max(high);
    }
    if top.is_finite() { (top, bottom) } else { (0.0, 0.0) }
}

fn move_to_origin(layout: &mut ScopeLayout) {
    let (top, bottom) = extent(layout);
    let left = layout.boxes.iter().map(|(_, bounds)| bounds.x).fold(0.0, f64::min);
    for (_, bounds) in &mut layout.boxes {
        bounds.x -= left;
        bounds.y -= top;
    }
    for point in layout.lines.iter_mut().flat_map(|(_, points)| points) {
        point.x -= left;
        point.y -= top;
    }
    // Rows above or below the lanes belong to the first and the last lane.
    let last = layout.lanes.len().saturating_sub(1);
    for (index, (upper, lower)) in layout.lanes.iter_mut().enumerate() {
        *upper = if index == 0 { 0.0 } else { *upper - top };
        *lower = if index == last { bottom - top } else { *lower - top };
    }
    let right = layout.boxes.iter().map(|(_, bounds)| bounds.right()).fold(0.0, f64::max);
    layout.width = layout.width.max(right) - left.min(0.0);
    layout.height = bottom - top;
}
