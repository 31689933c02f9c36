//! From the tree to a BPMN model with lanes and a diagram.

use bpmn::model::{
    Builder, Collaboration, Definitions, Element as ModelElement, EventDefinitionKind, EventPosition,
    FlowNodeKind, Gateway, Participant, RawElement, TimerExpression,
};
use bpmn::xml::namespace;

use super::graph::{Element, Graph, Vertex, build};
use super::{Activity, Event, EventKind, Fault, TaskKind, Tree, exchange};
use crate::error::Error;

/// Compiles a tree to a BPMN file with one executable process, lanes where there are several actors, and a diagram.
///
/// # Errors
/// `DAS-0001` where the tree breaks a rule; [`Tree::type_check`] lists them all.
pub fn compile(tree: &Tree, id: &str, name: &str) -> Result<Definitions, Error> {
    tree.type_check().map_err(Error::Tree)?;
    if let Some(node) = tree.nodes().into_iter().find(|node| node.id() == id) {
        let why = "the process has the same id; use another one".to_owned();
        return Err(Error::Tree(vec![Fault { node: node.id().to_owned(), why }]));
    }
    let graph = build(tree);
    let mut builder = Builder::process(id);
    builder.name(name);
    if let Some(text) = &tree.documentation {
        builder.document(id, text);
    }
    for vertex in &graph.vertices {
        write_vertex(&mut builder, vertex);
    }
    write_flows(&mut builder, &graph);
    let actors = write_lanes(&mut builder, &graph, tree);
    let exchanges = exchange::exchanges(tree);
    let mut definitions = builder.finish();
    write_properties(&mut definitions, tree);
    exchange::write_data(&mut definitions, tree, &exchanges);
    if actors > 1 || !exchanges.is_empty() {
        let pool = Participant {
            element: ModelElement {
                name: Some(name.to_owned()),
                ..ModelElement::with_id(format!("{id}-pool"))
            },
            process: Some(id.to_owned()),
        };
        let element = ModelElement::with_id(format!("{id}-collaboration"));
        let mut collaboration =
            Collaboration { element, participants: vec![pool], ..Collaboration::default() };
        exchange::write_messages(&mut collaboration, tree, &exchanges);
        definitions.collaborations.push(collaboration);
    }
    bpmn::layout::ensure_diagram(&mut definitions);
    Ok(definitions)
}

fn write_vertex(builder: &mut Builder, vertex: &Vertex<'_>) {
    let id = vertex.id.as_str();
    let name = vertex.name.as_deref().unwrap_or_default();
    match vertex.element {
        Element::Start => {
            builder.start(id);
        }
        Element::End { terminate: false } => {
            builder.end(id);
        }
        Element::End { terminate: true } => {
            builder.terminate(id);
        }
        Element::Exclusive => {
            builder.exclusive(id, name);
        }
        Element::EventBased => {
            builder.node(id, name, FlowNodeKind::Gateway(Gateway::EventBased { instantiate: false }));
        }
        Element::Parallel => {
            builder.parallel(id, name);
        }
        Element::Event(event) => write_event(builder, id, event),
        Element::Activity(activity) => write_activity(builder, activity),
    }
    if !name.is_empty() {
        builder.change(id, |node| node.element.name = Some(name.to_owned()));
    }
}

fn write_event(builder: &mut Builder, id: &str, event: &Event) {
    match &event.kind {
        EventKind::Timer(duration) => {
            let timer = TimerExpression::Duration(bpmn::model::FormalExpression::of(duration));
            builder.event(id, EventPosition::Catch, Some(EventDefinitionKind::Timer(Some(timer))));
        }
        EventKind::Message(message) => {
            let reference = builder.message(message, None);
            builder.event(id, EventPosition::Catch, Some(EventDefinitionKind::Message(Some(reference))));
        }
        EventKind::Error(code) => {
            builder.error_end(id, code);
        }
        EventKind::End => {
            builder.terminate(id);
        }
    }
    write_origin(builder, id, event.assumed, event.confidence, event.span);
}

fn write_activity(builder: &mut Builder, activity: &Activity) {
    let id = activity.id.as_str();
    let label = activity.label.as_str();
    match activity.kind {
        TaskKind::Service => {
            builder.service_task(id, label);
        }
        TaskKind::Manual => {
            builder.manual_task(id, label);
        }
        TaskKind::User => {
            builder.user_task(id, label);
        }
        TaskKind::Script => {
            let (expression, result) = activity.script.as_ref().map_or(("null", "result"), |(e, r)| (e, r));
            builder.feel_task(id, label, plain(expression), result);
        }
        TaskKind::Call => {
            let called =
                activity.spec.as_ref().and_then(|spec| spec.reference.as_deref()).unwrap_or_default();
            builder.call(id, label, called);
        }
    }
    if let Some(spec) = activity.spec.as_ref().filter(|_| activity.kind != TaskKind::Call) {
        builder.specify(id, spec);
    }
    for (target, source) in &activity.inputs {
        builder.input(id, plain(source), target);
    }
    for (target, source) in &activity.outputs {
        builder.output(id, plain(source), target);
    }
    if let Some(text) = &activity.documentation {
        builder.document(id, text);
    }
    write_origin(builder, id, activity.assumed, activity.confidence, activity.span);
}

/// Where an element came from, kept in the file so that an editor can show it.
fn write_origin(builder: &mut Builder, id: &str, assumed: bool, confidence: f64, span: Option<super::Span>) {
    if !assumed && span.is_none() {
        return;
    }
    let mut origin = RawElement::named(namespace::PROCOS, "origin")
        .with("assumed", assumed.to_string())
        .with("confidence", format!("{confidence:.2}"));
    if let Some(span) = span {
        origin = origin.with("start", span.start.to_string()).with("end", span.end.to_string());
    }
    builder.extend(id, origin);
}

fn write_flows(builder: &mut Builder, graph: &Graph<'_>) {
    for edge in &graph.edges {
        let (Some(source), Some(target)) = (graph.vertices.get(edge.source), graph.vertices.get(edge.target))
        else {
            continue;
        };
        let label = edge.name.as_deref().unwrap_or_default();
        match &edge.condition {
            Some(condition) => builder.flow_if(&source.id, &target.id, label, plain(condition)),
            None if edge.default => builder.flow_default(&source.id, &target.id, label),
            None => builder.flow(&source.id, &target.id),
        };
    }
}

/// Writes a lane per actor where there are at least two; gives how many actors there are.
fn write_lanes(builder: &mut Builder, graph: &Graph<'_>, tree: &Tree) -> usize {
    let actors = tree.actors();
    if actors.len() < 2 {
        return actors.len();
    }
    for (place, actor) in actors.iter().enumerate() {
        let members: Vec<&str> = graph
            .vertices
            .iter()
            .filter(|vertex| vertex.actor == Some(actor.as_str()))
            .map(|vertex| vertex.id.as_str())
            .collect();
        builder.lane(&format!("lane-{}", place + 1), actor, &members);
    }
    actors.len()
}

fn write_properties(definitions: &mut Definitions, tree: &Tree) {
    let Some(process) = definitions.processes.first_mut().filter(|_| !tree.properties.is_empty()) else {
        return;
    };
    let mut list = RawElement::named(namespace::ZEEBE, "properties");
    for (name, value) in &tree.properties {
        let entry = RawElement::named(namespace::ZEEBE, "property").with("name", name).with("value", value);
        list = list.with_child(entry);
    }
    process.element.extensions.push(list);
}

/// FEEL without its prefix, as the builder takes it.
fn plain(expression: &str) -> &str {
    let text = expression.trim();
    text.strip_prefix('=').map_or(text, str::trim_start)
}
