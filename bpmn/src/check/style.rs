//! Habits that make a model easier to read, and a few that are likely mistakes.

use std::collections::HashMap;

use super::finding::{Finding, Severity};
use crate::model::{
    Definitions, Element, Event, EventPosition, FlowNode, FlowNodeKind, Gateway, Process, SequenceFlow,
    SubProcess,
};

/// Hints about names, gateways and starts.
#[must_use]
pub fn style(definitions: &Definitions) -> Vec<Finding> {
    let mut findings = Vec::new();
    for process in &definitions.processes {
        of_process(process, &mut findings);
    }
    findings
}

fn finding(
    code: &'static str,
    severity: Severity,
    element: &Element,
    message: String,
    hint: &'static str,
) -> Finding {
    Finding {
        code,
        severity,
        element: Some(element.id.clone()).filter(|id| !id.is_empty()),
        line: element.line.0,
        message,
        hint,
        path: Vec::new(),
    }
}

fn of_process(process: &Process, findings: &mut Vec<Finding>) {
    let mut incoming: HashMap<&str, usize> = HashMap::new();
    let mut outgoing: HashMap<&str, Vec<&SequenceFlow>> = HashMap::new();
    for flow in &process.flows {
        *incoming.entry(&flow.target).or_default() += 1;
        outgoing.entry(&flow.source).or_default().push(flow);
    }
    let mut none_starts: HashMap<Option<&str>, usize> = HashMap::new();
    for node in &process.nodes {
        let id = node.element.id.as_str();
        let enters = incoming.get(id).copied().unwrap_or(0);
        let leaves = outgoing.get(id).map_or(&[][..], Vec::as_slice);
        names(node, leaves, findings);
        match &node.kind {
            FlowNodeKind::Gateway(gateway) => of_gateway(node, gateway, enters, leaves, findings),
            FlowNodeKind::Event(Event { position: EventPosition::Start { .. }, definitions })
                if definitions.is_empty() =>
            {
                *none_starts.entry(node.parent.as_deref()).or_default() += 1;
            }
            FlowNodeKind::SubProcess(SubProcess::Event) => {}
            _ if enters > 1 && node.is_activity() => findings.push(finding(
                "BPMN-0303",
                Severity::Hint,
                &node.element,
                format!("{id} has {enters} incoming flows: each token starts it once"),
                "show the merge with a gateway",
            )),
            _ => {}
        }
        if node.is_activity() && leaves.len() > 1 && leaves.iter().all(|flow| flow.condition.is_none()) {
            findings.push(finding(
                "BPMN-0304",
                Severity::Hint,
                &node.element,
                format!("{id} has {} outgoing flows: all are taken at once", leaves.len()),
                "show the split with a parallel gateway",
            ));
        }
    }
    for (scope, count) in none_starts.into_iter().filter(|(_, count)| *count > 1) {
        let element =
            scope.and_then(|scope| process.node(scope)).map_or(&process.element, |node| &node.element);
        findings.push(finding(
            "BPMN-0306",
            Severity::Warning,
            element,
            format!(
                "{} has {count} start events without trigger: which one starts it is left to the caller",
                element.id
            ),
            "keep one, or give the others a trigger",
        ));
    }
}

fn names(node: &FlowNode, leaves: &[&SequenceFlow], findings: &mut Vec<Finding>) {
    let has_name = node.element.name.as_deref().is_some_and(|name| !name.trim().is_empty());
    let is_split = matches!(node.kind, FlowNodeKind::Gateway(Gateway::Exclusive | Gateway::Inclusive))
        && leaves.len() > 1;
    if !has_name && (node.is_activity() || is_split) {
        let hint = if is_split { "name it with a question" } else { "name it with a verb and an object" };
        let message = format!("{} has no name", node.element.id);
        findings.push(finding("BPMN-0301", Severity::Hint, &node.element, message, hint));
    }
    if is_split {
        for flow in
            leaves.iter().filter(|flow| flow.element.name.as_deref().is_none_or(|it| it.trim().is_empty()))
        {
            let message = format!("{} has no name", flow.element.id);
            let hint = "name it with the answer it stands for";
            findings.push(finding("BPMN-0302", Severity::Hint, &flow.element, message, hint));
        }
    }
}

fn of_gateway(
    node: &FlowNode,
    gateway: &Gateway,
    enters: usize,
    leaves: &[&SequenceFlow],
    findings: &mut Vec<Finding>,
) {
    let id = &node.element.id;
    let mut report = |code, severity, element: &Element, message: String, hint| {
        findings.push(finding(code, severity, element, message, hint));
    };
    if enters <= 1 && leaves.len() == 1 {
        report(
            "BPMN-0305",
            Severity::Hint,
            &node.element,
            format!("{id} neither splits nor joins"),
            "remove it",
        );
    }
    if enters > 1 && leaves.len() > 1 && !matches!(gateway, Gateway::Complex { .. }) {
        report(
            "BPMN-0307",
            Severity::Hint,
            &node.element,
            format!("{id} joins and splits at once"),
            "use one gateway to join and another to split",
        );
    }
    let decides = matches!(gateway, Gateway::Exclusive | Gateway::Inclusive);
    if decides && leaves.len() > 1 {
        for flow in leaves {
            let is_default = node.default_flow.as_deref() == Some(flow.element.id.as_str());
            if flow.condition.is_none() && !is_default {
                report(
                    "BPMN-0308",
                    Severity::Warning,
                    &flow.element,
                    format!(
                        "{} has neither a condition nor is it the default flow: it always holds",
                        flow.element.id
                    ),
                    "give it a condition, or make it the default flow",
                );
            }
        }
        if node.default_flow.is_none() && leaves.iter().all(|flow| flow.condition.is_some()) {
            report(
                "BPMN-0309",
                Severity::Hint,
                &node.element,
                format!("{id} has no default flow: where no condition holds, an incident is raised"),
                "make one flow the default",
            );
        }
    }
    if !decides && !matches!(gateway, Gateway::Complex { .. }) {
        for flow in leaves.iter().filter(|flow| flow.condition.is_some()) {
            report(
                "BPMN-0310",
                Severity::Warning,
                &flow.element,
                format!("the condition of {} does not count: {id} takes all its flows", flow.element.id),
                "use an inclusive gateway, or remove the condition",
            );
        }
    }
}
