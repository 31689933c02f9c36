//! Reads a process: flow nodes, flows, lanes, data, artifacts. Nested sub-processes are read from a work list.

use std::vec::IntoIter;

use crate::error::Error;
use crate::model::{
    DataAssociation, DataElement, DataElementKind, Element, Event, EventDefinition, EventDefinitionKind,
    EventPosition, FlowNode, FlowNodeKind, FormalExpression, Gateway, Lane, LaneSet, Loop, Process,
    RawElement, SequenceFlow, SubProcess, Task, TimerExpression,
};
use crate::xml::namespace::{BPMN, XSI};
use crate::xml::read::{
    artifact, element, place, take, take_bool, take_child, take_children, take_from, take_required, text_of,
};

const NODE_NAMES: [&str; 22] = [
    "task",
    "manualTask",
    "serviceTask",
    "userTask",
    "businessRuleTask",
    "scriptTask",
    "sendTask",
    "receiveTask",
    "startEvent",
    "endEvent",
    "intermediateCatchEvent",
    "intermediateThrowEvent",
    "boundaryEvent",
    "exclusiveGateway",
    "parallelGateway",
    "inclusiveGateway",
    "eventBasedGateway",
    "complexGateway",
    "subProcess",
    "transaction",
    "adHocSubProcess",
    "callActivity",
];

/// Reads a process.
pub(super) fn process(raw: RawElement) -> Result<Process, Error> {
    let mut process = Process { element: element(raw), ..Process::default() };
    if process.element.id.is_empty() {
        return Err(missing_id("process", &process.element));
    }
    process.is_executable = take_bool(&mut process.element, "isExecutable")?;
    let (content, rest) = split_content(std::mem::take(&mut process.element.children));
    process.element.children = rest;
    let mut open: Vec<(Option<String>, IntoIter<RawElement>)> = vec![(None, content.into_iter())];
    while let Some((parent, content)) = open.last_mut() {
        let parent = parent.clone();
        let Some(child) = content.next() else {
            open.pop();
            continue;
        };
        match child.local_name.as_str() {
            "sequenceFlow" => process.flows.push(sequence_flow(child, parent)?),
            "laneSet" => process.lane_sets.push(lane_set(child, parent)),
            "dataObject" | "dataObjectReference" | "dataStoreReference" => {
                process.data.push(data(child, parent))
            }
            "textAnnotation" | "group" | "association" => process.artifacts.push(artifact(child, parent)?),
            _ => {
                let (node, inside) = node(child, parent)?;
                let id = node.element.id.clone();
                process.nodes.push(node);
                if !inside.is_empty() {
                    open.push((Some(id), inside.into_iter()));
                }
            }
        }
    }
    process.put_in_order();
    Ok(process)
}

/// Separates what a process or sub-process contains from what it says about itself.
fn split_content(children: Vec<RawElement>) -> (Vec<RawElement>, Vec<RawElement>) {
    children.into_iter().partition(|child| {
        let name = child.local_name.as_str();
        &*child.namespace == BPMN
            && (NODE_NAMES.contains(&name)
                || matches!(
                    name,
                    "sequenceFlow"
                        | "laneSet"
                        | "dataObject"
                        | "dataObjectReference"
                        | "dataStoreReference"
                        | "textAnnotation"
                        | "group"
                        | "association"
                ))
    })
}

fn missing_id(local_name: &str, element: &Element) -> Error {
    Error::Missing { local_name: local_name.to_owned(), what: "id", place: place(element) }
}

fn sequence_flow(raw: RawElement, parent: Option<String>) -> Result<SequenceFlow, Error> {
    let mut element = element(raw);
    if element.id.is_empty() {
        return Err(missing_id("sequenceFlow", &element));
    }
    let source = take_required(&mut element, "sequenceFlow", "sourceRef")?;
    let target = take_required(&mut element, "sequenceFlow", "targetRef")?;
    let condition = take_child(&mut element, "conditionExpression").map(expression);
    Ok(SequenceFlow { element, parent, source, target, condition })
}

/// Reads an expression element.
fn expression(raw: RawElement) -> FormalExpression {
    let text = raw.text();
    let mut attributes = raw.attributes;
    attributes.retain(|each| !(&*each.namespace == XSI && each.local_name == "type"));
    let language = take_from(&mut attributes, "language");
    let children = raw
        .children
        .into_iter()
        .filter_map(|node| match node {
            crate::model::RawNode::Element(child) => Some(child),
            crate::model::RawNode::Text(_) => None,
        })
        .collect();
    FormalExpression { text, language, attributes, children }
}

fn lane_set(raw: RawElement, parent: Option<String>) -> LaneSet {
    let mut element = element(raw);
    let lanes = take_children(&mut element, "lane")
        .into_iter()
        .map(|raw| {
            let mut element = self::element(raw);
            let nodes = take_children(&mut element, "flowNodeRef").iter().filter_map(text_of).collect();
            // Depth is bounded by the parser.
            let lane_set = take_child(&mut element, "childLaneSet").map(|set| Box::new(lane_set(set, None)));
            Lane { element, nodes, lane_set }
        })
        .collect();
    LaneSet { element, parent, lanes }
}

fn data(raw: RawElement, parent: Option<String>) -> DataElement {
    let local_name = raw.local_name.clone();
    let mut element = element(raw);
    let kind = match local_name.as_str() {
        "dataObject" => DataElementKind::Object,
        "dataObjectReference" => DataElementKind::ObjectReference(take(&mut element, "dataObjectRef")),
        _ => DataElementKind::StoreReference(take(&mut element, "dataStoreRef")),
    };
    DataElement { element, parent, kind }
}

/// Reads a flow node; the second part is what stands inside a sub-process.
fn node(raw: RawElement, parent: Option<String>) -> Result<(FlowNode, Vec<RawElement>), Error> {
    let local_name = raw.local_name.clone();
    let mut element = element(raw);
    if element.id.is_empty() {
        return Err(missing_id(&local_name, &element));
    }
    for derived in ["incoming", "outgoing"] {
        take_children(&mut element, derived);
    }
    let mut inside = Vec::new();
    let kind = match local_name.as_str() {
        "startEvent" | "endEvent" | "intermediateCatchEvent" | "intermediateThrowEvent" | "boundaryEvent" => {
            FlowNodeKind::Event(event(&local_name, &mut element)?)
        }
        "exclusiveGateway" | "parallelGateway" | "inclusiveGateway" | "eventBasedGateway"
        | "complexGateway" => FlowNodeKind::Gateway(gateway(&local_name, &mut element)?),
        "subProcess" | "transaction" | "adHocSubProcess" => {
            let (content, rest) = split_content(std::mem::take(&mut element.children));
            inside = content;
            element.children = rest;
            FlowNodeKind::SubProcess(sub_process(&local_name, &mut element)?)
        }
        "callActivity" => FlowNodeKind::CallActivity { called_element: take(&mut element, "calledElement") },
        _ => FlowNodeKind::Task(task(&local_name, &mut element)?),
    };
    let default_flow = take(&mut element, "default");
    let is_for_compensation = take_bool(&mut element, "isForCompensation")?.unwrap_or(false);
    let repeat = repeat(&mut element)?;
    let data_associations = data_associations(&mut element);
    Ok((
        FlowNode { element, parent, kind, default_flow, repeat, is_for_compensation, data_associations },
        inside,
    ))
}

fn task(local_name: &str, element: &mut Element) -> Result<Task, Error> {
    Ok(match local_name {
        "manualTask" => Task::Manual,
        "serviceTask" => Task::Service,
        "userTask" => Task::User,
        "businessRuleTask" => Task::BusinessRule,
        "scriptTask" => Task::Script {
            format: take(element, "scriptFormat"),
            script: take_child(element, "script").as_ref().and_then(text_of),
        },
        "sendTask" => Task::Send { message: take(element, "messageRef") },
        "receiveTask" => Task::Receive {
            message: take(element, "messageRef"),
            instantiate: take_bool(element, "instantiate")?.unwrap_or(false),
        },
        _ => Task::Undefined,
    })
}

fn gateway(local_name: &str, element: &mut Element) -> Result<Gateway, Error> {
    Ok(match local_name {
        "exclusiveGateway" => Gateway::Exclusive,
        "parallelGateway" => Gateway::Parallel,
        "inclusiveGateway" => Gateway::Inclusive,
        "eventBasedGateway" => {
            Gateway::EventBased { instantiate: take_bool(element, "instantiate")?.unwrap_or(false) }
        }
        _ => Gateway::Complex { activation: take_child(element, "activationCondition").map(expression) },
    })
}

fn sub_process(local_name: &str, element: &mut Element) -> Result<SubProcess, Error> {
    let by_event = take_bool(element, "triggeredByEvent")?.unwrap_or(false);
    Ok(match local_name {
        "transaction" => SubProcess::Transaction,
        "adHocSubProcess" => SubProcess::AdHoc {
            sequential: take(element, "ordering").is_some_and(|ordering| ordering == "Sequential"),
            cancel_remaining: take_bool(element, "cancelRemainingInstances")?.unwrap_or(true),
            completion: take_child(element, "completionCondition").map(expression),
        },
        _ if by_event => SubProcess::Event,
        _ => SubProcess::Embedded,
    })
}

fn event(local_name: &str, element: &mut Element) -> Result<Event, Error> {
    let position = match local_name {
        "startEvent" => {
            EventPosition::Start { interrupting: take_bool(element, "isInterrupting")?.unwrap_or(true) }
        }
        "endEvent" => EventPosition::End,
        "intermediateCatchEvent" => EventPosition::Catch,
        "intermediateThrowEvent" => EventPosition::Throw,
        _ => EventPosition::Boundary {
            attached_to: take_required(element, local_name, "attachedToRef")?,
            interrupting: take_bool(element, "cancelActivity")?.unwrap_or(true),
        },
    };
    let mut definitions = Vec::new();
    for child in std::mem::take(&mut element.children) {
        if &*child.namespace == BPMN && child.local_name.ends_with("EventDefinition") {
            match event_definition(child) {
                Ok(definition) => definitions.push(definition),
                Err(unknown) => element.children.push(unknown),
            }
        } else {
            element.children.push(child);
        }
    }
    Ok(Event { position, definitions })
}

/// Reads an event definition, or gives it back when it is of no known kind.
fn event_definition(raw: RawElement) -> Result<EventDefinition, RawElement> {
    let local_name = raw.local_name.clone();
    let known = [
        "timerEventDefinition",
        "messageEventDefinition",
        "signalEventDefinition",
        "errorEventDefinition",
        "escalationEventDefinition",
        "conditionalEventDefinition",
        "linkEventDefinition",
        "compensateEventDefinition",
        "cancelEventDefinition",
        "terminateEventDefinition",
    ];
    if !known.contains(&local_name.as_str()) {
        return Err(raw);
    }
    let mut element = element(raw);
    let kind = match local_name.as_str() {
        "timerEventDefinition" => EventDefinitionKind::Timer(timer(&mut element)),
        "messageEventDefinition" => EventDefinitionKind::Message(take(&mut element, "messageRef")),
        "signalEventDefinition" => EventDefinitionKind::Signal(take(&mut element, "signalRef")),
        "errorEventDefinition" => EventDefinitionKind::Error(take(&mut element, "errorRef")),
        "escalationEventDefinition" => EventDefinitionKind::Escalation(take(&mut element, "escalationRef")),
        "conditionalEventDefinition" => {
            EventDefinitionKind::Conditional(take_child(&mut element, "condition").map(expression))
        }
        "linkEventDefinition" => EventDefinitionKind::Link,
        "compensateEventDefinition" => EventDefinitionKind::Compensate(take(&mut element, "activityRef")),
        "cancelEventDefinition" => EventDefinitionKind::Cancel,
        _ => EventDefinitionKind::Terminate,
    };
    Ok(EventDefinition { element, kind })
}

fn timer(element: &mut Element) -> Option<TimerExpression> {
    if let Some(date) = take_child(element, "timeDate") {
        return Some(TimerExpression::Date(expression(date)));
    }
    if let Some(duration) = take_child(element, "timeDuration") {
        return Some(TimerExpression::Duration(expression(duration)));
    }
    take_child(element, "timeCycle").map(|cycle| TimerExpression::Cycle(expression(cycle)))
}

fn repeat(element: &mut Element) -> Result<Option<Loop>, Error> {
    if let Some(raw) = take_child(element, "multiInstanceLoopCharacteristics") {
        let mut element = self::element(raw);
        return Ok(Some(Loop::Multi {
            sequential: take_bool(&mut element, "isSequential")?.unwrap_or(false),
            cardinality: take_child(&mut element, "loopCardinality").map(expression),
            completion: take_child(&mut element, "completionCondition").map(expression),
            element,
        }));
    }
    let Some(raw) = take_child(element, "standardLoopCharacteristics") else { return Ok(None) };
    let mut element = self::element(raw);
    let maximum = match take(&mut element, "loopMaximum") {
        None => None,
        Some(text) => Some(text.trim().parse().map_err(|_| Error::Value {
            attribute: "loopMaximum".to_owned(),
            value: text.clone(),
            expected: "a whole number",
            place: place(&element),
        })?),
    };
    Ok(Some(Loop::Standard {
        condition: take_child(&mut element, "loopCondition").map(expression),
        test_before: take_bool(&mut element, "testBefore")?.unwrap_or(false),
        maximum,
        element,
    }))
}

fn data_associations(element: &mut Element) -> Vec<DataAssociation> {
    let mut associations = Vec::new();
    for (name, is_input) in [("dataInputAssociation", true), ("dataOutputAssociation", false)] {
        for raw in take_children(element, name) {
            let mut element = self::element(raw);
            let sources = take_children(&mut element, "sourceRef").iter().filter_map(text_of).collect();
            let target = take_child(&mut element, "targetRef").as_ref().and_then(text_of);
            associations.push(DataAssociation { element, is_input, sources, target });
        }
    }
    associations
}
