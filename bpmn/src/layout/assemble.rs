//! Puts the layouts of all scopes together: sub-processes in their parents, processes in pools, pools one below the
//! other, message flows between them.

use std::collections::HashMap;

use super::label::{name_flows, name_gateways};
use super::route::direct;
use super::scope::{Input, ScopeLayout, lay_out};
use super::size::{self, LABEL_WIDTH, LANE_HEIGHT, LINE_GAP, PADDING, POOL_GAP, STRIP, TEXT, TITLE};
use crate::model::{
    ArtifactKind, Bounds, Collaboration, Definitions, Diagram, Edge, FlowNode, FlowNodeKind, Label, Lane,
    LaneSet, Point, Process, Shape,
};

/// Draws a whole file.
pub(super) fn diagram(definitions: &Definitions) -> Diagram {
    let mut drawing = Drawing::default();
    let collaboration = definitions.collaborations.iter().find(|it| !it.participants.is_empty());
    match collaboration {
        Some(collaboration) => drawing.pools(definitions, collaboration),
        None => {
            let mut y = 80.0;
            for process in &definitions.processes {
                let (_, height) = drawing.process(process, 160.0, y);
                y += height + POOL_GAP;
            }
        }
    }
    let gateways = definitions.processes.iter().flat_map(|process| &process.nodes);
    let gateways = gateways.filter(|node| matches!(node.kind, FlowNodeKind::Gateway(_)));
    let gateways = gateways.map(|node| node.element.id.clone()).collect();
    name_gateways(&mut drawing.shapes, &drawing.edges, &gateways);
    name_flows(&drawing.shapes, &mut drawing.edges, &drawing.names);
    let plane = collaboration.map(|it| it.element.id.clone()).filter(|id| !id.is_empty());
    let plane = plane.or_else(|| definitions.processes.first().map(|process| process.element.id.clone()));
    Diagram {
        id: "diagram".to_owned(),
        plane_id: "plane".to_owned(),
        plane_element: plane,
        shapes: drawing.shapes,
        edges: drawing.edges,
        ..Diagram::default()
    }
}

#[derive(Default)]
struct Drawing {
    shapes: Vec<Shape>,
    edges: Vec<Edge>,
    places: HashMap<String, Bounds>,
    /// Names of edges, by their places.
    names: Vec<(usize, String)>,
}

/// Leaf lanes of a process in drawing order, with their depth, and which parent lanes they stand in.
struct Lanes<'a> {
    leaves: Vec<&'a Lane>,
    /// Each lane with its depth and the range of leaves it spans.
    spans: Vec<(&'a Lane, usize, usize, usize)>,
}

impl<'a> Lanes<'a> {
    fn of(process: &'a Process) -> Self {
        enum Step<'s> {
            Enter(&'s Lane, usize),
            Leave(&'s Lane, usize, usize),
        }
        let mut lanes = Self { leaves: Vec::new(), spans: Vec::new() };
        let sets = process.lane_sets.iter().filter(|set| set.parent.is_none());
        let mut steps: Vec<Step<'a>> =
            sets.flat_map(|set: &LaneSet| &set.lanes).map(|it| Step::Enter(it, 0)).collect();
        steps.reverse();
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(lane, depth) => {
                    let inner = lane.lane_set.as_ref().map_or(&[][..], |set| set.lanes.as_slice());
                    let first = lanes.leaves.len();
                    if inner.is_empty() {
                        lanes.leaves.push(lane);
                        lanes.spans.push((lane, depth, first, first + 1));
                    } else {
                        steps.push(Step::Leave(lane, depth, first));
                        steps.extend(inner.iter().rev().map(|lane| Step::Enter(lane, depth + 1)));
                    }
                }
                Step::Leave(lane, depth, first) => lanes.spans.push((lane, depth, first, lanes.leaves.len())),
            }
        }
        lanes
    }
}

impl Drawing {
    fn shape(&mut self, id: &str, bounds: Bounds) -> &mut Shape {
        self.places.insert(id.to_owned(), bounds);
        self.shapes.push(Shape {
            id: format!("{id}_di"),
            element: id.to_owned(),
            bounds,
            ..Shape::default()
        });
        let last = self.shapes.len() - 1;
        &mut self.shapes[last]
    }

    /// Draws a process with its upper left corner at (x, y); returns its width and height.
    fn process(&mut self, process: &Process, x: f64, y: f64) -> (f64, f64) {
        let lanes = Lanes::of(process);
        let depth = lanes.spans.iter().map(|span| span.1 + 1).max().unwrap_or(0);
        let strips = STRIP * size::count(depth);
        let mut lane_of: HashMap<&str, usize> = HashMap::new();
        for (lane, _, first, _) in &lanes.spans {
            for node in &lane.nodes {
                let deepest = lane_of.entry(node).or_insert(*first);
                *deepest = (*deepest).max(*first);
            }
        }
        let none = HashMap::new();
        let mut sizes: HashMap<String, (f64, f64)> = HashMap::new();
        let mut scopes: HashMap<&str, ScopeLayout> = HashMap::new();
        // Contents stand after their sub-process: from the back, every scope is laid out before its parent.
        for node in process.nodes.iter().rev().filter(|node| node.is_sub_process()) {
            let id = node.element.id.as_str();
            let has_contents = process.children(Some(id)).next().is_some();
            if has_contents {
                let input = Input { process, scope: Some(id), sizes: &sizes, lane_of: &none, lane_count: 0 };
                let layout = lay_out(&input);
                sizes.insert(
                    id.to_owned(),
                    (
                        (layout.width + 2.0 * PADDING).max(size::TASK_WIDTH),
                        (layout.height + 2.0 * PADDING + TITLE).max(size::TASK_HEIGHT),
                    ),
                );
                scopes.insert(id, layout);
            }
        }
        let lane_count = lanes.leaves.len();
        let input = Input { process, scope: None, sizes: &sizes, lane_of: &lane_of, lane_count };
        let root = lay_out(&input);
        let (width, height) = (root.width, root.height);
        let inset = if lane_count > 0 { strips + PADDING } else { 0.0 };
        let full_width = if lane_count > 0 { width + inset + PADDING } else { width };
        for (lane, depth, first, end) in &lanes.spans {
            let left = x + STRIP * size::count(*depth);
            let (top, bottom) = (root.lanes[*first].0, root.lanes[*end - 1].1);
            let bounds = Bounds { x: left, y: y + top, width: x + full_width - left, height: bottom - top };
            self.shape(&lane.element.id, bounds).is_horizontal = Some(true);
        }
        let nodes: HashMap<&str, &FlowNode> =
            process.nodes.iter().map(|it| (it.element.id.as_str(), it)).collect();
        let names: HashMap<&str, &str> = process
            .flows
            .iter()
            .filter_map(|flow| Some((flow.element.id.as_str(), flow.element.name.as_deref()?)))
            .collect();
        let mut open = vec![(root, x + inset, y)];
        while let Some((layout, left, top)) = open.pop() {
            for (id, mut bounds) in layout.boxes {
                bounds.x += left;
                bounds.y += top;
                let node = nodes.get(id.as_str()).copied();
                self.node(&id, node, bounds, scopes.contains_key(id.as_str()));
                if let Some(inner) = scopes.remove(id.as_str()) {
                    open.push((inner, bounds.x + PADDING, bounds.y + PADDING + TITLE));
                }
            }
            for (id, mut points) in layout.lines {
                for point in &mut points {
                    point.x += left;
                    point.y += top;
                }
                let name = names.get(id.as_str()).copied().filter(|name| !name.trim().is_empty());
                self.line(&id, points, name);
            }
        }
        self.associations(process);
        (full_width, height)
    }

    fn node(&mut self, id: &str, node: Option<&FlowNode>, bounds: Bounds, has_contents: bool) {
        let shape = self.shape(id, bounds);
        let Some(node) = node else { return };
        if node.is_sub_process() {
            shape.is_expanded = Some(has_contents);
        }
        if matches!(node.kind, FlowNodeKind::Event(_) | FlowNodeKind::Gateway(_))
            && let Some(name) = node.element.name.as_deref().filter(|name| !name.trim().is_empty())
        {
            let height = size::lines(name, 14) * TEXT;
            let is_boundary = node.attached_to().is_some();
            // A line leaves a boundary event downward: its name stands to the left of it.
            let x = if is_boundary {
                bounds.x - LABEL_WIDTH + 12.0
            } else {
                bounds.center().x - LABEL_WIDTH / 2.0
            };
            let area = Bounds { x, y: bounds.bottom() + 4.0, width: LABEL_WIDTH, height };
            shape.label = Some(Label { bounds: Some(area), ..Label::default() });
        }
    }

    fn line(&mut self, id: &str, waypoints: Vec<Point>, name: Option<&str>) {
        if let Some(name) = name {
            self.names.push((self.edges.len(), name.to_owned()));
        }
        self.edges.push(Edge {
            id: format!("{id}_di"),
            element: id.to_owned(),
            waypoints,
            ..Edge::default()
        });
    }

    /// Lines to annotations and data.
    fn associations(&mut self, process: &Process) {
        let mut lines: Vec<(String, String, String)> = Vec::new();
        for artifact in &process.artifacts {
            if let ArtifactKind::Association { source, target } = &artifact.kind {
                lines.push((artifact.element.id.clone(), source.clone(), target.clone()));
            }
        }
        for node in &process.nodes {
            let own = &node.element.id;
            for association in node.data_associations.iter().filter(|it| !it.element.id.is_empty()) {
                let id = association.element.id.clone();
                match (association.is_input, association.sources.first(), &association.target) {
                    (true, Some(source), _) => lines.push((id, source.clone(), own.clone())),
                    (false, _, Some(target)) => lines.push((id, own.clone(), target.clone())),
                    _ => {}
                }
            }
        }
        let drawn: std::collections::HashSet<String> =
            self.edges.iter().map(|edge| edge.element.clone()).collect();
        for (id, source, target) in lines {
            let is_drawn = drawn.contains(&id);
            if let (false, Some(from), Some(to)) =
                (is_drawn, self.places.get(&source), self.places.get(&target))
            {
                let points = straight(from, to);
                self.line(&id, points, None);
            }
        }
    }

    fn pools(&mut self, definitions: &Definitions, collaboration: &Collaboration) {
        let x = 160.0;
        let mut y = 80.0;
        let mut pools: Vec<(String, f64, f64, f64)> = Vec::new();
        for participant in &collaboration.participants {
            let process = participant.process.as_deref().and_then(|id| definitions.process(id));
            let process =
                process.filter(|process| !process.nodes.is_empty() || !process.lane_sets.is_empty());
            let (width, height) = match process {
                None => (600.0, 60.0),
                Some(process)
                    if process.lane_sets.iter().any(|it| it.parent.is_none() && !it.lanes.is_empty()) =>
                {
                    let (width, height) = self.process(process, x + STRIP, y);
                    (width + STRIP, height)
                }
                Some(process) => {
                    let (width, height) = self.process(process, x + STRIP + PADDING, y + PADDING);
                    (width + STRIP + 2.0 * PADDING, (height + 2.0 * PADDING).max(LANE_HEIGHT))
                }
            };
            pools.push((participant.element.id.clone(), y, width, height));
            y += height + POOL_GAP;
        }
        let widest = pools.iter().map(|pool| pool.2).fold(0.0, f64::max);
        let right = x + widest;
        for shape in &mut self.shapes {
            // Lanes are as wide as the widest pool.
            if shape.is_horizontal == Some(true) {
                shape.bounds.width = right - shape.bounds.x;
            }
        }
        // Pools stand first, so that tools draw them below their contents.
        let contents = std::mem::take(&mut self.shapes);
        for (id, y, _, height) in pools {
            self.shape(&id, Bounds { x, y, width: widest, height }).is_horizontal = Some(true);
        }
        self.shapes.extend(contents);
        let members: std::collections::HashSet<&str> = collaboration
            .participants
            .iter()
            .filter_map(|participant| participant.process.as_deref())
            .collect();
        for process in definitions.processes.iter().filter(|it| !members.contains(it.element.id.as_str())) {
            let (_, height) = self.process(process, x, y);
            y += height + POOL_GAP;
        }
        self.message_flows(collaboration);
    }

    /// A way straight down or up between a node and the border of a pool that meets no other shape: below the node itself,
    /// else beside it, as near as there is one.
    fn free_way(&self, from: &Bounds, to: &Bounds, from_pool: bool) -> Option<Vec<Point>> {
        let (node, pool) = if from_pool { (to, from) } else { (from, to) };
        let is_down = pool.y > node.y;
        let (leaves, arrives) = if is_down { (node.bottom(), pool.y) } else { (node.y, pool.bottom()) };
        let jog = if is_down { leaves + LINE_GAP / 2.0 } else { leaves - LINE_GAP / 2.0 };
        let holds = |bounds: &Bounds| bounds.contains(node);
        let blocks = |low: f64, high: f64, left: f64, right: f64| {
            // Lanes and pools are passed through.
            self.shapes.iter().filter(|shape| shape.is_horizontal.is_none()).any(|shape| {
                let bounds = &shape.bounds;
                let apart =
                    bounds.right() < left || bounds.x > right || bounds.bottom() < low || bounds.y > high;
                !apart && !holds(bounds) && bounds != pool && bounds != node
            })
        };
        let (low, high) = if is_down { (leaves + 1.0, arrives - 1.0) } else { (arrives + 1.0, leaves - 1.0) };
        let center = node.center().x;
        let half = node.width / 2.0;
        let inside = [0.0, half * 0.4, -half * 0.4, half * 0.8, -half * 0.8];
        let outside = [1.0, 2.0, 3.0].map(|step| half + LINE_GAP * 0.6 * step);
        let ways = inside.into_iter().chain(outside.into_iter().flat_map(|away| [away, -away]));
        let x = ways.map(|away| (center + away).round()).find(|&x| {
            let beside = (x - center).abs() > half;
            let side = beside && blocks(jog - 1.0, jog + 1.0, x.min(center), x.max(center));
            !side && !blocks(low, high, x - 2.0, x + 2.0)
        })?;
        let mut points = if (x - center).abs() > half {
            vec![
                Point { x: center, y: leaves },
                Point { x: center, y: jog },
                Point { x, y: jog },
                Point { x, y: arrives },
            ]
        } else {
            vec![Point { x, y: leaves }, Point { x, y: arrives }]
        };
        if from_pool {
            points.reverse();
        }
        Some(points)
    }

    fn message_flows(&mut self, collaboration: &Collaboration) {
        let pools: Vec<Bounds> = collaboration
            .participants
            .iter()
            .filter_map(|it| self.places.get(&it.element.id))
            .copied()
            .collect();
        for (index, flow) in collaboration.message_flows.iter().enumerate() {
            let ends = (self.places.get(&flow.source), self.places.get(&flow.target));
            let (Some(&from), Some(&to)) = ends else { continue };
            let is_pool = |bounds: &Bounds| pools.contains(bounds);
            if is_pool(&from) != is_pool(&to)
                && let Some(points) = self.free_way(&from, &to, is_pool(&from))
            {
                self.line(&flow.element.id, points, flow.element.name.as_deref());
                continue;
            }
            // A flow to or from a whole pool goes straight up or down to its border.
            let (mut from, mut to) = (from, to);
            if is_pool(&from) && !is_pool(&to) {
                from = Bounds { x: to.x, width: to.width, ..from };
            } else if is_pool(&to) && !is_pool(&from) {
                to = Bounds { x: from.x, width: from.width, ..to };
            }
            // The horizontal part runs in the gap beside the source's pool, at one of five heights.
            let shift = (size::count(index % 5) - 2.0) * 8.0;
            let pool = pools.iter().find(|pool| pool.y <= from.y && from.bottom() <= pool.bottom());
            let gap = match pool {
                Some(pool) if from.bottom() < to.y => pool.bottom() + POOL_GAP / 2.0 + shift,
                Some(pool) => pool.y - POOL_GAP / 2.0 + shift,
                None => f64::midpoint(from.bottom(), to.y) + shift,
            };
            let points = vertical(&from, &to, gap).unwrap_or_else(|| direct(&from, &to));
            self.line(&flow.element.id, points, flow.element.name.as_deref());
        }
        for artifact in &collaboration.artifacts {
            match &artifact.kind {
                ArtifactKind::Association { source, target } => {
                    if let (Some(from), Some(to)) = (self.places.get(source), self.places.get(target)) {
                        let points = straight(from, to);
                        self.line(&artifact.element.id, points, None);
                    }
                }
                _ => {
                    let (width, height) = size::of_artifact(artifact);
                    let bottom = self.shapes.iter().map(|it| it.bounds.bottom()).fold(0.0, f64::max);
                    let bounds = Bounds { x: 160.0, y: bottom + PADDING, width, height };
                    self.shape(&artifact.element.id, bounds);
                }
            }
        }
    }
}

/// A line between pools: down (or up) from one shape, across in the gap, down to the other.
fn vertical(from: &Bounds, to: &Bounds, gap: f64) -> Option<Vec<Point>> {
    let is_down = from.bottom() < to.y;
    if !is_down && to.bottom() >= from.y {
        return None;
    }
    let (y1, y2) = if is_down { (from.bottom(), to.y) } else { (from.y, to.bottom()) };
    let (x1, x2) = (from.center().x, to.center().x);
    if (x1 - x2).abs() < 0.5 {
        return Some(vec![Point { x: x1, y: y1 }, Point { x: x2, y: y2 }]);
    }
    let middle = gap.clamp(y1.min(y2), y1.max(y2)).round();
    Some(vec![
        Point { x: x1, y: y1 },
        Point { x: x1, y: middle },
        Point { x: x2, y: middle },
        Point { x: x2, y: y2 },
    ])
}

/// A straight line between the facing borders of two shapes.
fn straight(from: &Bounds, to: &Bounds) -> Vec<Point> {
    let dock = |own: &Bounds, other: &Bounds| {
        let (center, toward) = (own.center(), other.center());
        if other.bottom() <= own.y {
            Point { x: center.x, y: own.y }
        } else if own.bottom() <= other.y {
            Point { x: center.x, y: own.bottom() }
        } else if toward.x < center.x {
            Point { x: own.x, y: center.y }
        } else {
            Point { x: own.right(), y: center.y }
        }
    };
    vec![dock(from, to), dock(to, from)]
}
