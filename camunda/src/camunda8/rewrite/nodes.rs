//! Flow nodes on their way to Camunda 8.

use bpmn::model::{
    Element, EventDefinitionKind, FlowNode, FlowNodeKind, FormalExpression, Gateway, Loop, RawElement,
    RootElement, SubProcess, Task, TimerExpression,
};
use bpmn::program::{
    Binding, DecisionCall, JobKind, Mapping, Node, NodeKind, Over, Repeat, ResultShape, Throw, Trigger,
};
use bpmn::xml::namespace::{PROCOS, ZEEBE};
use engine::limits::DEFAULT_RETRIES;

use super::{Problems, has, remove, set};
use crate::topic::{self, outside_type};

/// Rewrites a node; messages that only a message flow names are added to `messages`.
pub(super) fn node(
    problems: &mut Problems<'_>,
    node: &mut FlowNode,
    compiled: &Node,
    messages: &mut Vec<RootElement>,
) {
    repeat(problems, node, compiled);
    match &compiled.kind {
        NodeKind::Job(JobKind::Service) => {
            let kind = outside_type(&compiled.task).unwrap_or(topic::TASK).to_owned();
            job(node, &kind, compiled);
        }
        NodeKind::Job(JobKind::User) => user(node, compiled),
        NodeKind::Script { expression, result } => {
            if !has(&node.element, "script") {
                let text = problems.feel(&node.element, "the script", expression);
                let mut script = RawElement::named(ZEEBE, "script").with("expression", text);
                script = script.with("resultVariable", result.as_deref().unwrap_or_default());
                set(&mut node.element, script);
            }
            node.kind = FlowNodeKind::Task(Task::Script { format: None, script: None });
        }
        NodeKind::End(Throw::Message { .. }) | NodeKind::Throw(Throw::Message { .. }) => {
            job(node, topic::MESSAGE, compiled);
        }
        NodeKind::End(Throw::Job) | NodeKind::Throw(Throw::Job) => {
            let kind = outside_type(&compiled.task).unwrap_or(topic::TASK).to_owned();
            job(node, &kind, compiled);
        }
        NodeKind::Decision(call) => decision(problems, node, call),
        NodeKind::Call { process, propagate_all_in, propagate_all_out } => {
            let called = problems.text(&node.element, "the called process", process);
            let element = RawElement::named(ZEEBE, "calledElement")
                .with("processId", called)
                .with("propagateAllParentVariables", propagate_all_in.to_string())
                .with("propagateAllChildVariables", propagate_all_out.to_string());
            set(&mut node.element, element);
            node.kind = FlowNodeKind::CallActivity { called_element: None };
        }
        _ => {}
    }
    mappings(problems, node, compiled);
    let place = Element { line: node.element.line, ..Element::with_id(node.element.id.clone()) };
    match &mut node.kind {
        FlowNodeKind::Gateway(Gateway::Complex { .. }) => {
            problems.refuse(&place, "the complex gateway", "use exclusive, parallel and inclusive gateways");
        }
        FlowNodeKind::SubProcess(SubProcess::Transaction) => problems.refuse(
            &place,
            "the transaction",
            "use an embedded sub-process with error events and compensation",
        ),
        FlowNodeKind::Task(Task::Receive { message, .. }) => {
            message_event(problems, &place, compiled, message, messages);
        }
        FlowNodeKind::Event(event) => {
            if event.definitions.len() > 1 {
                problems.refuse(&place, "the event of several kinds", "use one event for each kind");
            }
            for definition in &mut event.definitions {
                match &mut definition.kind {
                    EventDefinitionKind::Timer(Some(timer)) => {
                        let (TimerExpression::Date(formal)
                        | TimerExpression::Duration(formal)
                        | TimerExpression::Cycle(formal)) = timer;
                        if formal.text.contains("${") || formal.text.contains("#{") {
                            problems.feel_text(&place, "the timer", &formal.text);
                        }
                    }
                    EventDefinitionKind::Message(message) => {
                        message_event(problems, &place, compiled, message, messages);
                    }
                    EventDefinitionKind::Cancel => {
                        problems.refuse(&place, "the cancel event", "use an error event");
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// Gives a node a job type; the kernel's own keep what they are in the original alone.
fn job(node: &mut FlowNode, kind: &str, compiled: &Node) {
    let can_have_jobs = matches!(
        node.kind,
        FlowNodeKind::Task(Task::Service | Task::BusinessRule | Task::Send { .. }) | FlowNodeKind::Event(_)
    );
    if !can_have_jobs {
        node.kind = FlowNodeKind::Task(Task::Service);
    }
    for name in ["script", "calledDecision"] {
        remove(&mut node.element, name);
    }
    node.element.extensions.retain(|each| &*each.namespace != PROCOS);
    let retries = compiled.task.retries.unwrap_or(DEFAULT_RETRIES).max(1);
    let definition =
        RawElement::named(ZEEBE, "taskDefinition").with("type", kind).with("retries", retries.to_string());
    set(&mut node.element, definition);
}

fn user(node: &mut FlowNode, compiled: &Node) {
    node.kind = FlowNodeKind::Task(Task::User);
    node.element.extensions.retain(|each| &*each.namespace != PROCOS);
    for name in ["taskDefinition", "script", "calledDecision"] {
        remove(&mut node.element, name);
    }
    set(&mut node.element, RawElement::named(ZEEBE, "userTask"));
    for (extension, names) in [
        ("assignmentDefinition", &["assignee", "candidateGroups", "candidateUsers"][..]),
        ("taskSchedule", &["dueDate", "followUpDate"]),
    ] {
        let mut made = RawElement::named(ZEEBE, extension);
        for name in names {
            // What Camunda 7 would compute is left to whoever takes the task.
            if let Some(text) = compiled
                .task
                .assignment
                .get(*name)
                .filter(|text| !text.contains("${") && !text.contains("#{"))
            {
                made = made.with(name, text.as_str());
            }
        }
        if !has(&node.element, extension) && !made.attributes.is_empty() {
            set(&mut node.element, made);
        }
    }
}

fn decision(problems: &mut Problems<'_>, node: &mut FlowNode, call: &DecisionCall) {
    if has(&node.element, "calledDecision") {
        return;
    }
    if call.shape != ResultShape::Value {
        problems.refuse(
            &node.element,
            "the shape of the decision's result",
            "let the decision give one value, or a context, and leave mapDecisionResult out",
        );
    }
    let id = problems.text(&node.element, "the decision", &call.decision);
    let mut called = RawElement::named(ZEEBE, "calledDecision")
        .with("decisionId", id)
        .with("resultVariable", call.result.as_deref().unwrap_or_default());
    called = match &call.binding {
        Binding::Latest => called,
        Binding::Deployment => called.with("bindingType", "deployment"),
        Binding::VersionTag(tag) => called.with("bindingType", "versionTag").with("versionTag", tag.as_str()),
        Binding::Version(version) => {
            let hint = "name the version by a version tag";
            problems.refuse(&node.element, &format!("version {version} of the decision"), hint);
            called
        }
    };
    set(&mut node.element, called);
}

/// The mappings of other engines as `zeebe:ioMapping`.
fn mappings(problems: &mut Problems<'_>, node: &mut FlowNode, compiled: &Node) {
    if has(&node.element, "ioMapping") || (compiled.inputs.is_empty() && compiled.outputs.is_empty()) {
        return;
    }
    let mut list = RawElement::named(ZEEBE, "ioMapping");
    for (name, mappings) in [("input", &compiled.inputs), ("output", &compiled.outputs)] {
        for mapping in mappings {
            let Mapping { source, target } = mapping;
            let source = problems.feel(&node.element, "the mapping", source);
            list = list.with_child(
                RawElement::named(ZEEBE, name).with("source", source).with("target", target.as_str()),
            );
        }
    }
    set(&mut node.element, list);
}

fn repeat(problems: &mut Problems<'_>, node: &mut FlowNode, compiled: &Node) {
    let place = Element { line: node.element.line, ..Element::with_id(node.element.id.clone()) };
    match (&mut node.repeat, &compiled.repeat) {
        (Some(Loop::Standard { .. }), _) => {
            problems.refuse(&place, "the standard loop", "draw the loop with an exclusive gateway");
        }
        (
            Some(Loop::Multi { element, cardinality, completion, .. }),
            Some(Repeat::Multi { over, completion: ends, .. }),
        ) => {
            if let (Some(formal), Some(ends)) = (completion.as_mut(), ends) {
                *formal = FormalExpression::of(problems.feel(&place, "the completion condition", ends));
            }
            if has(element, "loopCharacteristics") {
                return;
            }
            let mut made = RawElement::named(ZEEBE, "loopCharacteristics");
            match over {
                Over::Collection { collection, element } => {
                    let collection = problems.feel(&place, "the collection", collection);
                    made = made.with("inputCollection", collection);
                    if let Some(variable) = element {
                        made = made.with("inputElement", variable.as_str());
                    }
                }
                Over::Cardinality(count) => {
                    let count = problems.feel(&place, "the cardinality", count);
                    let count = count.trim_start_matches('=');
                    made = made.with("inputCollection", format!("=for run in 1..({count}) return run"));
                }
            }
            *cardinality = None;
            super::strip(element);
            set(element, made);
        }
        _ => {}
    }
}

/// Gives a message event a message, where only a message flow says its name, and wants a correlation key.
fn message_event(
    problems: &mut Problems<'_>,
    place: &Element,
    compiled: &Node,
    reference: &mut Option<String>,
    messages: &mut Vec<RootElement>,
) {
    let (trigger, starts_process) = match &compiled.kind {
        NodeKind::Start { trigger: Some(trigger), .. } => (trigger, compiled.parent.is_none()),
        NodeKind::Catch(trigger) | NodeKind::Receive(trigger) | NodeKind::Boundary { trigger, .. } => {
            (trigger, false)
        }
        _ => return,
    };
    let Trigger::Message { name, correlation_key } = trigger else { return };
    if correlation_key.is_none() && !starts_process {
        problems.refuse(
            place,
            "the message without correlation key",
            "add zeebe:subscription correlationKey to the message",
        );
    }
    if reference.is_some() {
        return;
    }
    let id = format!("procos_message_{}", messages.len() + 1);
    let mut root = RootElement { element: Element::with_id(id.clone()), code: None };
    root.element.name = Some(problems.text(place, "the message", name));
    if let Some(key) = correlation_key {
        let key = problems.feel(place, "the correlation key", key);
        root.element.extensions.push(RawElement::named(ZEEBE, "subscription").with("correlationKey", key));
    }
    messages.push(root);
    *reference = Some(id);
}
