//! Writes flow nodes and what stands in sub-processes, from a work list.

use crate::model::{
    Event, EventDefinition, EventDefinitionKind, EventPosition, FlowNode, FlowNodeKind, Gateway, Loop,
    SubProcess, Task,
};
use crate::xml::write::{Contents, Scope, Writer};

enum Step<'a> {
    Node(&'a FlowNode),
    Scope(&'a Scope<'a>),
    Close(&'a FlowNode, String),
}

/// Writes everything in a process.
pub(super) fn contents(out: &mut Writer<'_>, contents: &Contents<'_>) {
    let mut steps = Vec::new();
    if let Some(scope) = contents.scopes.get(&None) {
        open_scope(out, scope, &mut steps);
    }
    while let Some(step) = steps.pop() {
        match step {
            Step::Scope(scope) => close_scope(out, scope),
            Step::Close(node, name) => {
                out.split_rest(&node.element, false);
                out.close(&name);
            }
            Step::Node(node) => {
                let name = open_node(out, node, contents);
                steps.push(Step::Close(node, name));
                if let Some(scope) =
                    contents.scopes.get(&Some(node.element.id.as_str())).filter(|_| node.is_sub_process())
                {
                    open_scope(out, scope, &mut steps);
                }
            }
        }
    }
}

fn open_scope<'a>(out: &mut Writer<'_>, scope: &'a Scope<'a>, steps: &mut Vec<Step<'a>>) {
    for set in &scope.lane_sets {
        out.lane_set("laneSet", set);
    }
    steps.push(Step::Scope(scope));
    steps.extend(scope.nodes.iter().rev().map(|node| Step::Node(node)));
}

fn close_scope(out: &mut Writer<'_>, scope: &Scope<'_>) {
    for flow in &scope.flows {
        out.flow(flow);
    }
    for data in &scope.data {
        out.data(data);
    }
    for artifact in &scope.artifacts {
        out.artifact(artifact);
    }
}

fn bool_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn open_node(out: &mut Writer<'_>, node: &FlowNode, contents: &Contents<'_>) -> String {
    let mut typed: Vec<(&str, Option<&str>)> = vec![("default", node.default_flow.as_deref())];
    typed.push(("isForCompensation", node.is_for_compensation.then_some("true")));
    match &node.kind {
        FlowNodeKind::Event(event) => match &event.position {
            EventPosition::Start { interrupting } => {
                typed.push(("isInterrupting", (!interrupting).then_some("false")))
            }
            EventPosition::Boundary { attached_to, interrupting } => {
                typed.push(("attachedToRef", Some(attached_to)));
                typed.push(("cancelActivity", (!interrupting).then_some("false")));
            }
            _ => {}
        },
        FlowNodeKind::Gateway(Gateway::EventBased { instantiate: true })
        | FlowNodeKind::Task(Task::Receive { instantiate: true, message: None }) => {
            typed.push(("instantiate", Some("true")));
        }
        FlowNodeKind::Task(Task::Receive { instantiate, message }) => {
            typed.push(("messageRef", message.as_deref()));
            typed.push(("instantiate", instantiate.then_some("true")));
        }
        FlowNodeKind::Task(Task::Send { message }) => typed.push(("messageRef", message.as_deref())),
        FlowNodeKind::Task(Task::Script { format, .. }) => typed.push(("scriptFormat", format.as_deref())),
        FlowNodeKind::SubProcess(SubProcess::Event) => typed.push(("triggeredByEvent", Some("true"))),
        FlowNodeKind::SubProcess(SubProcess::AdHoc { sequential, cancel_remaining, .. }) => {
            typed.push(("ordering", sequential.then_some("Sequential")));
            typed.push(("cancelRemainingInstances", (!cancel_remaining).then(|| bool_text(false))));
        }
        FlowNodeKind::CallActivity { called_element } => {
            typed.push(("calledElement", called_element.as_deref()))
        }
        _ => {}
    }
    let name = out.open(node.local_name(), &node.element, &typed);
    let id = node.element.id.as_str();
    for flow in contents.incoming.get(id).into_iter().flatten() {
        out.text_element("incoming", flow);
    }
    for flow in contents.outgoing.get(id).into_iter().flatten() {
        out.text_element("outgoing", flow);
    }
    out.split_rest(&node.element, true);
    data_associations(out, node);
    repeat(out, node.repeat.as_ref());
    match &node.kind {
        FlowNodeKind::Event(event) => event_definitions(out, event),
        FlowNodeKind::Gateway(Gateway::Complex { activation }) => {
            out.expression("activationCondition", activation.as_ref());
        }
        FlowNodeKind::Task(Task::Script { script: Some(script), .. }) => out.text_element("script", script),
        FlowNodeKind::SubProcess(SubProcess::AdHoc { completion, .. }) => {
            out.expression("completionCondition", completion.as_ref());
        }
        _ => {}
    }
    name
}

fn data_associations(out: &mut Writer<'_>, node: &FlowNode) {
    for association in &node.data_associations {
        let name = if association.is_input { "dataInputAssociation" } else { "dataOutputAssociation" };
        out.typed(name, &association.element, &[], |out| {
            for source in &association.sources {
                out.text_element("sourceRef", source);
            }
            if let Some(target) = &association.target {
                out.text_element("targetRef", target);
            }
        });
    }
}

fn repeat(out: &mut Writer<'_>, repeat: Option<&Loop>) {
    match repeat {
        None => {}
        Some(Loop::Standard { element, condition, test_before, maximum }) => {
            let maximum = maximum.map(|maximum| maximum.to_string());
            let typed = [("testBefore", test_before.then_some("true")), ("loopMaximum", maximum.as_deref())];
            out.typed("standardLoopCharacteristics", element, &typed, |out| {
                out.expression("loopCondition", condition.as_ref());
            });
        }
        Some(Loop::Multi { element, sequential, cardinality, completion }) => {
            let typed = [("isSequential", sequential.then_some("true"))];
            let name = out.open("multiInstanceLoopCharacteristics", element, &typed);
            out.expression("loopCardinality", cardinality.as_ref());
            out.rest(element);
            out.expression("completionCondition", completion.as_ref());
            out.close(&name);
        }
    }
}

fn event_definitions(out: &mut Writer<'_>, event: &Event) {
    for EventDefinition { element, kind } in &event.definitions {
        let reference = match kind {
            EventDefinitionKind::Message(reference) => ("messageRef", reference.as_deref()),
            EventDefinitionKind::Signal(reference) => ("signalRef", reference.as_deref()),
            EventDefinitionKind::Error(reference) => ("errorRef", reference.as_deref()),
            EventDefinitionKind::Escalation(reference) => ("escalationRef", reference.as_deref()),
            EventDefinitionKind::Compensate(reference) => ("activityRef", reference.as_deref()),
            _ => ("", None),
        };
        out.typed(kind.local_name(), element, &[reference], |out| match kind {
            EventDefinitionKind::Timer(Some(timer)) => {
                let (name, expression) = timer.parts();
                out.expression(name, Some(expression));
            }
            EventDefinitionKind::Conditional(condition) => out.expression("condition", condition.as_ref()),
            _ => {}
        });
    }
}
