//! Whether a model runs on another engine as it is.
//!
//! Facts about Camunda 7.24 and Camunda 8 (8.8 and later) are those of their own documentation and parsers.

use super::finding::{Finding, Severity};
use crate::model::{
    Definitions, Element, EventDefinitionKind, EventPosition, FlowNode, FlowNodeKind, FormalExpression,
    Gateway, Loop, Process, SubProcess, Task,
};
use crate::xml::namespace::{CAMUNDA_FAMILY, PROCOS, ZEEBE};

/// An engine to run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The engine inside ProcOS.
    #[default]
    Embedded,
    /// Camunda 7.24, Operaton, CIB seven.
    Camunda7,
    /// Camunda 8.8 and later.
    Camunda8,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "embedded" => Ok(Self::Embedded),
            "camunda7" => Ok(Self::Camunda7),
            "camunda8" => Ok(Self::Camunda8),
            _ => Err(format!("unknown target {text:?}; known are embedded, camunda7 and camunda8")),
        }
    }
}

/// What does not run, or runs differently, on the target. What no engine of ours runs, compiling says.
#[must_use]
pub fn portability(definitions: &Definitions, target: Target) -> Vec<Finding> {
    let mut findings = Vec::new();
    let engine = match target {
        Target::Embedded => "the embedded engine",
        Target::Camunda7 => "Camunda 7",
        Target::Camunda8 => "Camunda 8",
    };
    for process in &definitions.processes {
        let mut report = |element: &Element, what: &str, hint: &'static str| {
            findings.push(Finding {
                code: "BPMN-0201",
                severity: Severity::Error,
                element: Some(element.id.clone()).filter(|id| !id.is_empty()),
                line: element.line.0,
                message: format!("{what} does not run on {engine}"),
                hint,
                path: Vec::new(),
            });
        };
        for node in &process.nodes {
            match target {
                Target::Embedded => embedded(node, &mut report),
                Target::Camunda7 => camunda_7(node, &mut report),
                Target::Camunda8 => camunda_8(definitions, process, node, &mut report),
            }
        }
        for flow in &process.flows {
            let Some(condition) = &flow.condition else { continue };
            match target {
                Target::Camunda8 if is_juel(condition) => {
                    report(&flow.element, "a condition in JUEL", "write it in FEEL: =…");
                }
                Target::Camunda8 if is_from_activity(process, &flow.source) => report(
                    &flow.element,
                    "a conditional flow out of an activity",
                    "put an exclusive or inclusive gateway behind the activity",
                ),
                _ => {}
            }
        }
    }
    findings
}

fn is_juel(expression: &FormalExpression) -> bool {
    expression.text.contains("${") || expression.text.contains("#{")
}

fn is_from_activity(process: &Process, id: &str) -> bool {
    process.node(id).is_some_and(|node| !matches!(node.kind, FlowNodeKind::Gateway(_)))
}

type Report<'r> = dyn FnMut(&Element, &str, &'static str) + 'r;

fn has_zeebe(element: &Element, name: &str) -> bool {
    element.extension(ZEEBE, name).is_some()
}

fn has_camunda(element: &Element, name: &str) -> bool {
    CAMUNDA_FAMILY.iter().any(|namespace| {
        element.attribute(namespace, name).is_some() || element.extension(namespace, name).is_some()
    })
}

fn embedded(node: &FlowNode, report: &mut Report<'_>) {
    let element = &node.element;
    if let FlowNodeKind::Event(event) = &node.kind
        && node.parent.is_none()
        && matches!(event.position, EventPosition::Start { .. })
        && event.definitions.iter().any(|one| matches!(one.kind, EventDefinitionKind::Conditional(_)))
    {
        report(
            element,
            "a conditional event that starts a process",
            "start the process by message or signal, or wait for the condition inside it",
        );
    }
}

/// An event of several kinds at once: both engines of Camunda read one.
fn several_definitions(node: &FlowNode, report: &mut Report<'_>) {
    if let FlowNodeKind::Event(event) = &node.kind
        && event.definitions.len() > 1
    {
        report(&node.element, "an event of several kinds", "use one event for each kind");
    }
    if matches!(node.kind, FlowNodeKind::Gateway(Gateway::EventBased { instantiate: true })) {
        report(
            &node.element,
            "an event-based gateway that starts instances",
            "use one message start event for each event",
        );
    }
}

/// Expressions and mappings are left to the adapter: it says each in JUEL, or names it when it deploys.
fn camunda_7(node: &FlowNode, report: &mut Report<'_>) {
    let element = &node.element;
    several_definitions(node, report);
    match &node.kind {
        FlowNodeKind::Gateway(Gateway::Complex { .. }) => {
            report(element, "a complex gateway", "use exclusive, parallel and inclusive gateways");
        }
        FlowNodeKind::SubProcess(SubProcess::AdHoc { .. }) => {
            report(element, "an ad-hoc sub-process", "use an embedded sub-process with an inclusive gateway");
        }
        _ => {}
    }
    match &node.repeat {
        Some(Loop::Standard { .. }) => {
            report(element, "a standard loop", "draw the loop with an exclusive gateway");
        }
        Some(Loop::Multi { element: own, cardinality: None, .. })
            if !has_camunda(own, "collection") && !has_zeebe(own, "loopCharacteristics") =>
        {
            report(
                element,
                "a multi-instance without camunda:collection",
                "add camunda:collection and elementVariable",
            );
        }
        _ => {}
    }
    if has_zeebe(element, "calledElement")
        && matches!(&node.kind, FlowNodeKind::CallActivity { called_element: None })
    {
        report(element, "zeebe:calledElement", "set calledElement as well");
    }
}

fn camunda_8(definitions: &Definitions, process: &Process, node: &FlowNode, report: &mut Report<'_>) {
    let element = &node.element;
    several_definitions(node, report);
    match &node.kind {
        FlowNodeKind::Gateway(Gateway::Complex { .. }) => {
            report(element, "a complex gateway", "use exclusive, parallel and inclusive gateways");
        }
        FlowNodeKind::SubProcess(SubProcess::Transaction) => {
            report(
                element,
                "a transaction",
                "use an embedded sub-process with error events and compensation",
            );
        }
        FlowNodeKind::CallActivity { .. } if !has_zeebe(element, "calledElement") => {
            report(
                element,
                "a call activity without zeebe:calledElement",
                "add zeebe:calledElement processId",
            );
        }
        FlowNodeKind::Task(task) => camunda_8_task(task, element, report),
        FlowNodeKind::Event(event) => {
            for definition in &event.definitions {
                match &definition.kind {
                    EventDefinitionKind::Cancel => {
                        report(element, "a cancel event", "use an error event");
                    }
                    EventDefinitionKind::Conditional(_) => {
                        report(
                            element,
                            "a conditional event",
                            "use Camunda 8.9 or later, or a message event",
                        );
                    }
                    EventDefinitionKind::Compensate(_)
                        if matches!(event.position, EventPosition::Start { .. }) =>
                    {
                        report(element, "a compensation start event", "use a compensation boundary event");
                    }
                    EventDefinitionKind::Message(reference) => {
                        let waits = !matches!(event.position, EventPosition::Throw | EventPosition::End);
                        let is_root_start =
                            matches!(event.position, EventPosition::Start { .. }) && node.parent.is_none();
                        if waits && !is_root_start {
                            correlation_key(definitions, reference.as_deref(), element, report);
                        } else if !waits && !has_zeebe(element, "taskDefinition") {
                            report(
                                element,
                                "a message thrown without zeebe:taskDefinition",
                                "add zeebe:taskDefinition",
                            );
                        }
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
    match &node.repeat {
        Some(Loop::Standard { .. }) => {
            report(element, "a standard loop", "draw the loop with an exclusive gateway");
        }
        Some(Loop::Multi { element: own, .. }) if !has_zeebe(own, "loopCharacteristics") => report(
            element,
            "a multi-instance without zeebe:loopCharacteristics",
            "add zeebe:loopCharacteristics inputCollection",
        ),
        _ => {}
    }
    if has_camunda(element, "inputOutput") {
        report(element, "camunda:inputOutput", "write the mappings as zeebe:ioMapping");
    }
    if let FlowNodeKind::Task(Task::Receive { message, .. }) = &node.kind {
        correlation_key(definitions, message.as_deref(), element, report);
    }
    debug_assert!(process.node(&element.id).is_some());
}

fn camunda_8_task(task: &Task, element: &Element, report: &mut Report<'_>) {
    let needs_worker =
        matches!(task, Task::Service | Task::Send { .. } | Task::BusinessRule | Task::Script { .. });
    let has_worker =
        ["taskDefinition", "script", "calledDecision"].iter().any(|name| has_zeebe(element, name));
    // Tasks of ProcOS get their job type when they are deployed.
    if needs_worker && !has_worker && element.extension(PROCOS, "task").is_none() {
        report(
            element,
            "a task without zeebe:taskDefinition",
            "add zeebe:taskDefinition type, or procos:task",
        );
    }
}

fn correlation_key(
    definitions: &Definitions,
    message: Option<&str>,
    element: &Element,
    report: &mut Report<'_>,
) {
    let message = definitions.messages.iter().find(|it| Some(it.element.id.as_str()) == message);
    if message.is_some_and(|message| !has_zeebe(&message.element, "subscription")) {
        report(
            element,
            "a message without correlation key",
            "add zeebe:subscription correlationKey to the message",
        );
    }
}
