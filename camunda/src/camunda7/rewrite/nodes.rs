//! Flow nodes on their way to Camunda 7.

use bpmn::expression::ParseMode;
use bpmn::model::{
    Element, EventDefinitionKind, FlowNode, FlowNodeKind, FormalExpression, Gateway, RawElement, RootElement,
    SubProcess, Task, TimerExpression,
};
use bpmn::program::{JobKind, Node, NodeKind, Throw, Trigger};
use bpmn::xml::namespace::{CAMUNDA, ZEEBE};

use super::{Problems, expression, has, remove, remove_extensions, repeat, set, set_default};
use crate::topic::{self, outside_type};

/// Rewrites a node; messages that only a message flow names are added to `messages`.
pub(crate) fn node(
    problems: &mut Problems<'_>,
    node: &mut FlowNode,
    compiled: &Node,
    messages: &mut Vec<RootElement>,
) {
    repeat::repeat(problems, node);
    match &compiled.kind {
        NodeKind::Job(JobKind::Service) => service(problems, node, compiled),
        NodeKind::Job(JobKind::User) => user(problems, node, compiled),
        NodeKind::Script { .. } => external(node, topic::SCRIPT, compiled),
        NodeKind::End(Throw::Message { .. }) | NodeKind::Throw(Throw::Message { .. }) => {
            thrown(node, topic::MESSAGE, compiled, messages);
        }
        NodeKind::End(Throw::Job) | NodeKind::Throw(Throw::Job) => {
            let topic = outside_type(&compiled.task).unwrap_or(topic::TASK).to_owned();
            thrown(node, &topic, compiled, messages);
        }
        NodeKind::Call { propagate_all_in, propagate_all_out, .. } => {
            call(problems, node, compiled, *propagate_all_in, *propagate_all_out);
        }
        NodeKind::SubProcess(_) | NodeKind::PassThrough => mappings(problems, node, compiled),
        NodeKind::Receive(trigger) => {
            mappings(problems, node, compiled);
            if let FlowNodeKind::Task(Task::Receive { message, .. }) = &mut node.kind {
                name_message(message, Some(trigger), messages);
            }
        }
        _ => {}
    }
    match &mut node.kind {
        FlowNodeKind::Gateway(Gateway::Complex { .. }) => {
            problems.refuse(
                &node.element,
                "the complex gateway",
                "use exclusive, parallel and inclusive gateways",
            );
        }
        FlowNodeKind::SubProcess(SubProcess::AdHoc { .. }) => problems.refuse(
            &node.element,
            "the ad-hoc sub-process",
            "use an embedded sub-process with an inclusive gateway",
        ),
        FlowNodeKind::Event(_) => event(problems, node, compiled, messages),
        _ => {}
    }
}

fn service(problems: &mut Problems<'_>, node: &mut FlowNode, compiled: &Node) {
    // A decision table that the model refers to is Camunda's own business.
    if has(&node.element, "decisionRef") && outside_type(&compiled.task).is_none() {
        return;
    }
    match outside_type(&compiled.task).map(str::to_owned) {
        Some(topic) => {
            external(node, &topic, compiled);
            mappings(problems, node, compiled);
        }
        None => {
            external(node, topic::TASK, compiled);
            remove_extensions(node, "inputOutput");
        }
    }
}

/// Makes a task an external task.
fn external(node: &mut FlowNode, topic: &str, compiled: &Node) {
    let can_be_external =
        matches!(node.kind, FlowNodeKind::Task(Task::Service | Task::BusinessRule | Task::Send { .. }));
    if !can_be_external {
        node.kind = FlowNodeKind::Task(Task::Service);
    }
    for name in ["expression", "resultVariable", "decisionRef", "mapDecisionResult", "resource"] {
        remove(&mut node.element, name);
    }
    if topic == topic::SCRIPT {
        remove_extensions(node, "inputOutput");
    }
    set(&mut node.element, "type", "external");
    set(&mut node.element, "topic", topic);
    prioritise(&mut node.element, compiled);
}

fn prioritise(element: &mut Element, compiled: &Node) {
    if let Some(priority) = compiled.task.priority {
        set_default(element, "taskPriority", &priority.to_string());
    }
}

/// Makes a thrown message an external task; Camunda reads that at the event definition.
fn thrown(node: &mut FlowNode, topic: &str, compiled: &Node, messages: &mut Vec<RootElement>) {
    match &mut node.kind {
        FlowNodeKind::Event(event) => {
            for definition in &mut event.definitions {
                set(&mut definition.element, "type", "external");
                set(&mut definition.element, "topic", topic);
                prioritise(&mut definition.element, compiled);
                if let EventDefinitionKind::Message(message) = &mut definition.kind {
                    name_message(message, None, messages);
                }
            }
        }
        _ => external(node, topic, compiled),
    }
}

fn user(problems: &mut Problems<'_>, node: &mut FlowNode, compiled: &Node) {
    node.kind = FlowNodeKind::Task(Task::User);
    for (zeebe, camunda) in [
        ("assignee", "assignee"),
        ("candidateGroups", "candidateGroups"),
        ("candidateUsers", "candidateUsers"),
        ("dueDate", "dueDate"),
        ("followUpDate", "followUpDate"),
    ] {
        if let Some(text) = compiled.task.assignment.get(zeebe)
            && !has(&node.element, camunda)
        {
            let text = expression::text(problems, &node.element, "the assignment", text);
            set(&mut node.element, camunda, &text);
        }
    }
    mappings(problems, node, compiled);
}

/// `zeebe:ioMapping` as `camunda:inputOutput`.
fn mappings(problems: &mut Problems<'_>, node: &mut FlowNode, compiled: &Node) {
    if node.element.extension(ZEEBE, "ioMapping").is_none() {
        return;
    }
    let mut list = RawElement::named(CAMUNDA, "inputOutput");
    for (kind, mappings) in [("inputParameter", &compiled.inputs), ("outputParameter", &compiled.outputs)] {
        for mapping in mappings {
            if mapping.target.contains('.') {
                problems.refuse(
                    &node.element,
                    &format!("the mapping to `{}`", mapping.target),
                    "map to a whole variable",
                );
            }
            let source = mapping_source(problems, &node.element, mapping);
            let parameter =
                RawElement::named(CAMUNDA, kind).with("name", mapping.target.as_str()).with_text(source);
            list = list.with_child(parameter);
        }
    }
    remove_extensions(node, "inputOutput");
    node.element.extensions.push(list);
}

fn mapping_source(
    problems: &mut Problems<'_>,
    element: &Element,
    mapping: &bpmn::program::Mapping,
) -> String {
    expression::value(problems, element, "the mapping", mapping.source.source(), ParseMode::Value)
}

fn call(problems: &mut Problems<'_>, node: &mut FlowNode, compiled: &Node, all_in: bool, all_out: bool) {
    let NodeKind::Call { process, .. } = &compiled.kind else { return };
    let called = expression::text(problems, &node.element, "the called process", process.source());
    node.kind = FlowNodeKind::CallActivity { called_element: Some(called) };
    let is_camundas =
        ["in", "out"].iter().any(|name| node.element.extensions.iter().any(|each| each.local_name == *name));
    if is_camundas {
        return;
    }
    let mut added = Vec::new();
    for (direction, all, mappings) in [("in", all_in, &compiled.inputs), ("out", all_out, &compiled.outputs)]
    {
        // Mappings upward say exactly what goes up.
        if all && (direction == "in" || mappings.is_empty()) {
            added.push(RawElement::named(CAMUNDA, direction).with("variables", "all"));
        }
        for mapping in mappings {
            let source = mapping_source(problems, &node.element, mapping);
            added.push(
                RawElement::named(CAMUNDA, direction)
                    .with("sourceExpression", source)
                    .with("target", mapping.target.as_str()),
            );
        }
    }
    added.push(RawElement::named(CAMUNDA, "in").with("businessKey", "#{execution.processBusinessKey}"));
    node.element.extensions.append(&mut added);
}

fn event(problems: &mut Problems<'_>, node: &mut FlowNode, compiled: &Node, messages: &mut Vec<RootElement>) {
    let trigger = match &compiled.kind {
        NodeKind::Start { trigger: Some(trigger), .. }
        | NodeKind::Catch(trigger)
        | NodeKind::Boundary { trigger, .. } => Some(trigger),
        _ => None,
    };
    let place = Element { line: node.element.line, ..Element::with_id(node.element.id.clone()) };
    let FlowNodeKind::Event(event) = &mut node.kind else { return };
    for definition in &mut event.definitions {
        match &mut definition.kind {
            EventDefinitionKind::Timer(Some(timer)) => {
                let (TimerExpression::Date(formal)
                | TimerExpression::Duration(formal)
                | TimerExpression::Cycle(formal)) = timer;
                if formal.text.trim_start().starts_with('=') {
                    formal.text =
                        expression::value(problems, &place, "the timer", &formal.text, ParseMode::Timer);
                }
            }
            EventDefinitionKind::Message(message) => name_message(message, trigger, messages),
            EventDefinitionKind::Conditional(condition) => {
                if condition.as_ref().is_none_or(|condition| condition.text.is_empty())
                    && let Some(filter) = definition.element.extension(ZEEBE, "conditionalFilter")
                {
                    *condition = filter.get("condition").map(FormalExpression::of);
                }
                if let Some(condition) = condition {
                    expression::condition(problems, &place, "the condition", condition);
                }
            }
            _ => {}
        }
    }
}

/// Gives a message event a message, where only a message flow says its name.
fn name_message(reference: &mut Option<String>, trigger: Option<&Trigger>, messages: &mut Vec<RootElement>) {
    if reference.is_some() {
        return;
    }
    let Some(Trigger::Message { name, .. }) = trigger else { return };
    let id = format!("procos_message_{}", messages.len() + 1);
    let mut root = RootElement { element: Element::with_id(id.clone()), code: None };
    root.element.name = Some(name.source().to_owned());
    messages.push(root);
    *reference = Some(id);
}
