//! Nothing overlaps, everything lies in its parent, lines begin and end at borders, and flows read from left to right.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::model::{Bounds, Builder, EventDefinitionKind, FlowNodeKind, Label, SubProcess};
use crate::samples::{self, Block};

fn bounds(definitions: &Definitions) -> HashMap<&str, Bounds> {
    let shapes = definitions.diagrams.iter().flat_map(|diagram| &diagram.shapes);
    shapes.map(|shape| (shape.element.as_str(), shape.bounds)).collect()
}

fn is_on_border(bounds: &Bounds, point: Point) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() < 0.6;
    let inside_x = point.x > bounds.x - 0.6 && point.x < bounds.right() + 0.6;
    let inside_y = point.y > bounds.y - 0.6 && point.y < bounds.bottom() + 0.6;
    (inside_y && (near(point.x, bounds.x) || near(point.x, bounds.right())))
        || (inside_x && (near(point.y, bounds.y) || near(point.y, bounds.bottom())))
}

/// Checks a drawing; returns what is wrong with it.
fn faults(definitions: &Definitions) -> Vec<String> {
    let places = bounds(definitions);
    let mut faults = Vec::new();
    for process in &definitions.processes {
        let mut scopes: HashMap<Option<&str>, Vec<&str>> = HashMap::new();
        for node in &process.nodes {
            let id = node.element.id.as_str();
            if !places.contains_key(id) {
                faults.push(format!("{id} is not drawn"));
                continue;
            }
            if let Some(parent) = node.parent.as_deref()
                && node.attached_to().is_none()
                && !places[parent].contains(&places[id])
            {
                faults.push(format!("{id} {:?} leaves {parent} {:?}", places[id], places[parent]));
            }
            if node.attached_to().is_none() {
                scopes.entry(node.parent.as_deref()).or_default().push(id);
            }
        }
        for artifact in process.artifacts.iter().filter(|it| places.contains_key(it.element.id.as_str())) {
            scopes.entry(artifact.parent.as_deref()).or_default().push(&artifact.element.id);
        }
        for data in process.data.iter().filter(|it| places.contains_key(it.element.id.as_str())) {
            scopes.entry(data.parent.as_deref()).or_default().push(&data.element.id);
        }
        for siblings in scopes.values() {
            for (index, a) in siblings.iter().enumerate() {
                for b in &siblings[index + 1..] {
                    if places[a].overlaps(&places[b]) {
                        faults.push(format!("{a} {:?} overlaps {b} {:?}", places[a], places[b]));
                    }
                }
            }
        }
        for flow in &process.flows {
            let edge =
                definitions.diagrams.iter().flat_map(|it| &it.edges).find(|it| it.element == flow.element.id);
            let Some(edge) = edge else {
                faults.push(format!("{} is not drawn", flow.element.id));
                continue;
            };
            let (first, last) = (edge.waypoints[0], edge.waypoints[edge.waypoints.len() - 1]);
            if !is_on_border(&places[flow.source.as_str()], first)
                || !is_on_border(&places[flow.target.as_str()], last)
            {
                faults.push(format!("{} does not dock", flow.element.id));
            }
            if edge
                .waypoints
                .windows(2)
                .any(|it| (it[0].x - it[1].x).abs() > 0.5 && (it[0].y - it[1].y).abs() > 0.5)
            {
                faults.push(format!("{} is slanted: {:?}", flow.element.id, edge.waypoints));
            }
            crossed_nodes(process, flow, edge, &places, &mut faults);
        }
    }
    faults
}

/// No line may run through a node that it does not join.
fn crossed_nodes(
    process: &crate::model::Process,
    flow: &crate::model::SequenceFlow,
    edge: &Edge,
    places: &HashMap<&str, Bounds>,
    faults: &mut Vec<String>,
) {
    let host = process.node(&flow.source).and_then(|node| node.attached_to());
    for node in process.nodes.iter().filter(|node| node.parent == flow.parent && node.attached_to().is_none())
    {
        let id = node.element.id.as_str();
        if id == flow.source || id == flow.target || host == Some(id) {
            continue;
        }
        for pair in edge.waypoints.windows(2) {
            let line = Bounds {
                x: pair[0].x.min(pair[1].x),
                y: pair[0].y.min(pair[1].y),
                width: (pair[0].x - pair[1].x).abs().max(0.1),
                height: (pair[0].y - pair[1].y).abs().max(0.1),
            };
            if line.overlaps(&places[id]) {
                faults.push(format!("{} runs through {id}", flow.element.id));
            }
        }
    }
}

/// Names of flows that meet a shape, the name of one, or each other.
fn met_by_names(definitions: &Definitions) -> Vec<String> {
    let diagram = &definitions.diagrams[0];
    let is_frame = |shape: &&Shape| shape.is_horizontal.is_some() || shape.is_expanded == Some(true);
    let name = |label: &Option<Label>| label.as_ref().and_then(|label| label.bounds);
    let solid = diagram.shapes.iter().filter(|shape| !is_frame(shape));
    let solid = solid.map(|shape| (shape.element.as_str(), shape.bounds));
    let named = diagram.shapes.iter().filter_map(|it| Some((it.element.as_str(), name(&it.label)?)));
    let others: Vec<(&str, Bounds)> = solid.chain(named).collect();
    let flows: Vec<(&str, Bounds)> =
        diagram.edges.iter().filter_map(|edge| Some((edge.element.as_str(), name(&edge.label)?))).collect();
    let mut met = Vec::new();
    for (place, (flow, area)) in flows.iter().enumerate() {
        let rest = others.iter().chain(&flows[place + 1..]);
        met.extend(
            rest.filter(|(_, other)| area.overlaps(other)).map(|(other, _)| format!("{flow} meets {other}")),
        );
    }
    met
}

/// How far the name of each flow is from its line.
fn far_names(definitions: &Definitions) -> Vec<f64> {
    let apart = |area: &Bounds, from: Point, to: Point| {
        let beyond = |low: f64, high: f64, a: f64, b: f64| (a.min(b) - high).max(low - a.max(b)).max(0.0);
        beyond(area.x, area.right(), from.x, to.x).hypot(beyond(area.y, area.bottom(), from.y, to.y))
    };
    let edges = definitions.diagrams.iter().flat_map(|diagram| &diagram.edges);
    edges
        .filter_map(|edge| {
            let area = edge.label.as_ref()?.bounds?;
            let pieces = edge.waypoints.windows(2);
            Some(pieces.map(|ends| apart(&area, ends[0], ends[1])).fold(f64::INFINITY, f64::min))
        })
        .collect()
}

fn has_loop(block: &Block) -> bool {
    match block {
        Block::Loop(_) => true,
        Block::Sequence(blocks) | Block::Choice(blocks) | Block::Parallel(blocks) => {
            blocks.iter().any(has_loop)
        }
        Block::Inside(block) | Block::Timeout(block) => has_loop(block),
        Block::Task | Block::User | Block::Script => false,
    }
}

/// A process whose gateways have this name on each way out; says how many those are. Drawn.
fn with_answers(block: &Block, name: &str) -> (usize, Definitions) {
    let mut definitions = samples::process_of(block);
    let process = &mut definitions.processes[0];
    let ways = |id: &str| process.flows.iter().filter(|flow| flow.source == id).count();
    let gateways: HashSet<String> = process
        .nodes
        .iter()
        .filter(|node| matches!(node.kind, FlowNodeKind::Gateway(_)))
        .map(|node| node.element.id.clone())
        .filter(|id| ways(id) > 1)
        .collect();
    let mut named = 0;
    for flow in process.flows.iter_mut().filter(|flow| gateways.contains(&flow.source)) {
        flow.element.name = Some(name.to_owned());
        named += 1;
    }
    ensure_diagram(&mut definitions);
    (named, definitions)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_processes_are_drawn_without_faults(block in samples::blocks()) {
        let mut definitions = samples::process_of(&block);
        ensure_diagram(&mut definitions);
        let faults = faults(&definitions);
        prop_assert!(faults.is_empty(), "{faults:?}");
        if !has_loop(&block) {
            let places = bounds(&definitions);
            for flow in &definitions.processes[0].flows {
                let (from, to) = (places[flow.source.as_str()], places[flow.target.as_str()]);
                prop_assert!(from.x < to.x, "{} runs backwards", flow.element.id);
            }
        }
    }

    #[test]
    fn answers_of_gateways_stand_where_nothing_else_is(block in samples::blocks(), name in "[a-z ]{1,12}[a-z]") {
        let (named, definitions) = with_answers(&block, &name);
        let drawn = definitions.diagrams[0].edges.iter().filter(|edge| edge.label.is_some()).count();
        prop_assert_eq!(drawn, named);
        let met = met_by_names(&definitions);
        prop_assert!(met.is_empty(), "{met:?}");
    }

    #[test]
    fn any_graph_is_drawn_without_faults(
        nodes in 1_usize..14, links in prop::collection::vec((0_usize..14, 0_usize..14), 0..30),
        gateways in prop::collection::hash_set(0_usize..14, 0..14),
    ) {
        let mut builder = Builder::process("p");
        for node in 0..nodes {
            match gateways.contains(&node) {
                true => builder.exclusive(&format!("t{node}"), ""),
                false => builder.task(&format!("t{node}"), ""),
            };
        }
        for (from, to) in links {
            builder.flow(&format!("t{}", from % nodes), &format!("t{}", to % nodes));
        }
        let mut definitions = builder.finish();
        ensure_diagram(&mut definitions);
        let faults = faults(&definitions);
        prop_assert!(faults.is_empty(), "{faults:?}");
    }
}

#[test]
fn names_of_ways_out_of_a_gateway_stand_at_their_lines() {
    let mut builder = Builder::process("p");
    builder.start("s").exclusive("g", "How much?").task("a", "A").task("b", "B").task("c", "C");
    builder.flow("s", "g").flow("g", "a").flow("g", "b").flow("g", "c");
    let mut definitions = builder.finish();
    for flow in definitions.processes[0].flows.iter_mut().filter(|flow| flow.source == "g") {
        flow.element.name = Some(format!("more than {}", flow.target));
    }
    ensure_diagram(&mut definitions);
    assert_eq!(met_by_names(&definitions), Vec::<String>::new());
    let far = far_names(&definitions);
    assert!(far.len() == 3 && far.iter().all(|far| *far <= label::FROM_END), "{far:?}");
}

/// Above and below the middle of its line the name would reach into a step, wherever it is put.
#[test]
fn a_name_finds_room_beside_steps_that_stand_close() {
    use Block::{Choice, Parallel, Task, Timeout, User};
    let inner = Choice(vec![Task, Task, User]);
    let block = Choice(vec![Task, Timeout(Box::new(Task)), Parallel(vec![inner, Task, Task])]);
    let (named, definitions) = with_answers(&block, "a   a aaaaaa");
    assert!(named > 5);
    assert_eq!(met_by_names(&definitions), Vec::<String>::new());
}

#[test]
fn pools_lanes_boundary_events_data_and_notes_are_drawn() {
    let mut definitions = crate::xml::read(samples::EVERYTHING.as_bytes()).unwrap();
    definitions.diagrams.clear();
    ensure_diagram(&mut definitions);
    assert_eq!(faults(&definitions), Vec::<String>::new());
    let places = bounds(&definitions);
    for id in
        ["shop", "buyer", "front", "back", "b1", "b2", "late", "failed", "paper_ref", "note", "esp", "es"]
    {
        assert!(places.contains_key(id), "{id} is not drawn");
    }
    assert!(places["shop"].contains(&places["front"]) && places["shop"].contains(&places["note"]));
    assert!(places["front"].contains(&places["pick"]) && places["b2"].contains(&places["bill"]));
    assert!(!places["shop"].overlaps(&places["buyer"]));
    let lines: HashSet<&str> =
        definitions.diagrams[0].edges.iter().map(|edge| edge.element.as_str()).collect();
    for id in ["mf", "mf2", "as", "dia", "f3", "sf1"] {
        assert!(lines.contains(id), "{id} is not drawn");
    }
}

/// Four steps in two lanes, each with data of its own, each with a message to a pool above or below.
fn with_data_and_messages() -> Definitions {
    use crate::model::{
        Collaboration, DataAssociation, DataElement, DataElementKind, Element, MessageFlow, Participant,
    };
    let mut builder = Builder::process("p");
    builder.start("s").task("a", "A").task("b", "B").task("c", "C").task("d", "D").end("e");
    builder.flow("s", "a").flow("a", "b").flow("b", "c").flow("c", "d").flow("d", "e");
    builder.lane("l1", "One", &["s", "a", "c"]).lane("l2", "Two", &["b", "d", "e"]);
    let mut definitions = builder.finish();
    let process = &mut definitions.processes[0];
    let pool = |id: &str, process: Option<&str>| Participant {
        element: Element { name: Some(id.to_owned()), ..Element::with_id(id) },
        process: process.map(str::to_owned),
    };
    let mut collaboration = Collaboration { element: Element::with_id("k"), ..Collaboration::default() };
    collaboration.participants = vec![pool("above", None), pool("own", Some("p")), pool("below", None)];
    for id in ["a", "b", "c", "d"] {
        let data = format!("{id}-data");
        let element =
            Element { name: Some("A thing with a long name".to_owned()), ..Element::with_id(&data) };
        process.data.push(DataElement {
            element,
            parent: None,
            kind: DataElementKind::ObjectReference(None),
        });
        let node = process.nodes.iter_mut().find(|node| node.element.id == id).unwrap();
        let element = Element::with_id(format!("{id}-line"));
        node.data_associations.push(DataAssociation {
            element,
            target: Some(data),
            ..DataAssociation::default()
        });
        for pool in ["above", "below"] {
            let element = Element::with_id(format!("{id}-{pool}"));
            let (source, target) = (id.to_owned(), pool.to_owned());
            collaboration.message_flows.push(MessageFlow { element, source, target, message: None });
        }
    }
    definitions.collaborations.push(collaboration);
    definitions
}

#[test]
fn data_of_one_step_stands_below_it_and_messages_meet_no_step() {
    let mut definitions = with_data_and_messages();
    ensure_diagram(&mut definitions);
    assert_eq!(faults(&definitions), Vec::<String>::new());
    let places = bounds(&definitions);
    for (id, lane) in [("a", "l1"), ("b", "l2"), ("c", "l1"), ("d", "l2")] {
        let (step, data) = (places[id], places[format!("{id}-data").as_str()]);
        assert!((step.center().x - data.center().x).abs() < 1.0 && step.bottom() < data.y);
        assert!(places[lane].contains(&data), "{id}");
        for pool in ["above", "below"] {
            let flow = format!("{id}-{pool}");
            let points = line(&definitions, &flow);
            for (other, bounds) in &places {
                let node = definitions.processes[0].node(other).is_some() || other.ends_with("-data");
                let passes = points.windows(2).any(|ends| {
                    let (low, high) = (ends[0].y.min(ends[1].y), ends[0].y.max(ends[1].y));
                    let (left, right) = (ends[0].x.min(ends[1].x), ends[0].x.max(ends[1].x));
                    low < bounds.bottom() && high > bounds.y && left < bounds.right() && right > bounds.x
                });
                assert!(!node || *other == id || !passes, "{flow} meets {other}");
            }
        }
    }
}

#[test]
fn data_that_is_new_in_a_drawing_is_put_below_its_step() {
    let mut definitions = with_data_and_messages();
    ensure_diagram(&mut definitions);
    for diagram in &mut definitions.diagrams {
        diagram.shapes.retain(|shape| shape.element != "b-data");
        diagram.edges.retain(|edge| edge.element != "b-line");
    }
    let before: Vec<_> = definitions.diagrams[0].shapes.clone();
    complete_diagram(&mut definitions);
    assert_eq!(definitions.diagrams[0].shapes[..before.len()], before[..], "nothing else is moved");
    assert_eq!(faults(&definitions), Vec::<String>::new());
    let places = bounds(&definitions);
    assert!(places["b-data"].y > places["b"].bottom());
    assert!(!line(&definitions, "b-line").is_empty());
}

fn line<'a>(definitions: &'a Definitions, flow: &str) -> &'a [Point] {
    let edge = definitions.diagrams[0].edges.iter().find(|edge| edge.element == flow);
    edge.map_or(&[], |edge| edge.waypoints.as_slice())
}

#[test]
fn lines_leave_and_enter_gateways_by_their_corners_and_a_name_stands_where_its_line_begins() {
    let mut builder = Builder::process("p");
    builder.start("s").exclusive("again", "").task("a", "A").exclusive("good", "Good?").end("e");
    builder.task("b", "B").task("c", "C").exclusive("join", "");
    builder.flow("s", "again").flow("again", "a").flow("a", "good").flow("good", "again");
    builder.flow("good", "b").flow("good", "c").flow("b", "join").flow("c", "join").flow("join", "e");
    let mut definitions = builder.finish();
    for flow in definitions.processes[0].flows.iter_mut().filter(|flow| flow.source == "good") {
        flow.element.name = Some(flow.target.clone());
    }
    ensure_diagram(&mut definitions);
    assert_eq!(faults(&definitions), Vec::<String>::new());
    assert_eq!(met_by_names(&definitions), Vec::<String>::new());
    let places = bounds(&definitions);
    let (good, again) = (places["good"], places["again"]);
    let back = line(&definitions, "good-again");
    assert_eq!(back.first(), Some(&point(good.center().x, good.y)), "the loop leaves upward");
    assert_eq!(back.last(), Some(&point(again.center().x, again.y)), "and comes in from above");
    assert_eq!(line(&definitions, "good-c").first(), Some(&point(good.center().x, good.bottom())));
    assert_eq!(
        line(&definitions, "c-join").last(),
        Some(&point(places["join"].center().x, places["join"].bottom()))
    );
    for edge in definitions.diagrams[0].edges.iter().filter(|edge| edge.element.starts_with("good-")) {
        let name = edge.label.as_ref().and_then(|label| label.bounds).unwrap();
        assert!((name.center().x - good.center().x).abs() < 100.0, "{} {name:?} {good:?}", edge.element);
    }
}

#[test]
fn a_corner_is_for_lines_that_leave_or_for_lines_that_enter() {
    let mut builder = Builder::process("p");
    builder.start("s").exclusive("x", "").task("a", "A").task("b", "B").end("e");
    builder.flow("s", "x").flow("x", "a").flow("x", "b").flow("a", "x").flow("b", "x").flow("x", "e");
    let mut definitions = builder.finish();
    ensure_diagram(&mut definitions);
    let x = bounds(&definitions)["x"];
    let flows = &definitions.processes[0].flows;
    let at = |corner: Point, leaves: bool| {
        let touches = |flow: &&crate::model::SequenceFlow| {
            let points = line(&definitions, &flow.element.id);
            (if leaves { points.first() } else { points.last() }) == Some(&corner)
        };
        flows.iter().filter(touches).count()
    };
    for corner in [point(x.center().x, x.y), point(x.center().x, x.bottom())] {
        assert!(at(corner, true) == 0 || at(corner, false) == 0);
    }
}

#[test]
fn a_straight_process_is_drawn_on_one_line() {
    let mut builder = Builder::process("p");
    builder.start("s").task("a", "A").task("b", "B").end("e").flow("s", "a").flow("a", "b").flow("b", "e");
    let mut definitions = builder.finish();
    ensure_diagram(&mut definitions);
    let edges = &definitions.diagrams[0].edges;
    assert!(edges.iter().all(|edge| edge.waypoints.len() == 2), "{edges:?}");
}

#[test]
fn a_diagram_that_is_complete_stays_as_it_is() {
    let mut builder = Builder::process("p");
    builder.start("s").end("e").flow("s", "e");
    let mut definitions = builder.finish();
    ensure_diagram(&mut definitions);
    definitions.diagrams[0].shapes[0].bounds.x = 7.0;
    let before = definitions.clone();
    ensure_diagram(&mut definitions);
    assert_eq!(definitions, before);
}

#[test]
fn nodes_without_a_shape_are_added_below_and_joined() {
    let mut builder = Builder::process("p");
    builder.start("s").task("a", "A").flow("s", "a");
    let mut definitions = builder.clone().finish();
    ensure_diagram(&mut definitions);
    builder.task("b", "B").flow("a", "b");
    let mut grown = builder.finish();
    grown.diagrams.clone_from(&definitions.diagrams);
    ensure_diagram(&mut grown);
    assert_eq!(bounds(&grown)["a"], bounds(&definitions)["a"]);
    assert_eq!(faults(&grown), Vec::<String>::new());
}

#[test]
fn a_flow_from_a_boundary_event_leaves_downward() {
    let mut builder = Builder::process("p");
    builder.start("s").enter("sub", "Sub", SubProcess::Embedded).start("i").end("o").flow("i", "o").leave();
    let error = builder.error("BAD");
    builder
        .boundary("b", "sub", true, EventDefinitionKind::Error(Some(error)))
        .end("e")
        .task("fix", "Fix")
        .flow("s", "sub")
        .flow("sub", "e")
        .flow("b", "fix");
    let mut definitions = builder.finish();
    ensure_diagram(&mut definitions);
    assert_eq!(faults(&definitions), Vec::<String>::new());
    let edge = definitions.diagrams[0].edges.iter().find(|edge| edge.element == "b-fix").unwrap();
    assert!(edge.waypoints[0].x == edge.waypoints[1].x && edge.waypoints[0].y < edge.waypoints[1].y);
}

#[test]
fn two_thousand_tasks_in_a_row_are_drawn() {
    let mut builder = Builder::process("p");
    for node in 0..2_000 {
        builder.task(&format!("t{node}"), "");
    }
    for node in 1..2_000 {
        builder.flow(&format!("t{}", node - 1), &format!("t{node}"));
    }
    let mut definitions = builder.finish();
    ensure_diagram(&mut definitions);
    assert_eq!(definitions.diagrams[0].shapes.len(), 2_000);
}
