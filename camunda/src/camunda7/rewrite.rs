//! A model as Camunda 7 wants it: the kernel's tasks become external tasks, expressions are said in JUEL or handed
//! to Camunda's own FEEL, and what cannot be said is refused with element and hint.
//!
//! | in the model | in Camunda |
//! | --- | --- |
//! | task of the kernel | external task, topic `procos`; its mappings are evaluated here, before and after |
//! | task of an outside worker | external task, topic = job type |
//! | script in FEEL | external task, topic `procos.script` |
//! | message thrown | external task, topic `procos.message` |
//! | service task for a person | user task |
//! | condition in FEEL | JUEL, else a FEEL script where only plain values are read |
//! | other expressions | JUEL, a constant, or refused |

mod expression;
mod juel;
mod nodes;
mod repeat;

use std::collections::HashMap;

use bpmn::model::{Definitions, Element, FlowNode, RawAttribute};
use bpmn::program::{Node, Program};
use bpmn::xml::namespace::{CAMUNDA, CAMUNDA_FAMILY};

/// How long Camunda keeps the history of an instance where the model does not say it.
const HISTORY_TIME_TO_LIVE: &str = "P180D";

/// Collects what cannot be said to Camunda.
pub(crate) struct Problems<'f> {
    file: &'f str,
    found: Vec<String>,
}

impl Problems<'_> {
    pub(crate) fn refuse(&mut self, element: &Element, what: &str, hint: &str) {
        let (file, id, line) = (self.file, &element.id, element.line.0);
        self.found.push(format!(
            "{file}: BPMN-0201 {what} of element {id} (line {line}) does not run on Camunda 7; {hint}"
        ));
    }
}

/// Rewrites a file; `programs` are its executable processes.
///
/// The problems are one line each: file, code, element, line, hint.
pub(crate) fn rewrite(
    file: &str,
    definitions: &Definitions,
    programs: &[Program],
) -> Result<Definitions, Vec<String>> {
    let mut rewritten = definitions.clone();
    let mut problems = Problems { file, found: Vec::new() };
    name_root_elements(&mut rewritten, &mut problems);
    let mut messages = Vec::new();
    for program in programs {
        let Some(process) =
            rewritten.processes.iter_mut().find(|process| process.element.id == program.process_id)
        else {
            continue;
        };
        process.is_executable = Some(true);
        set_default(&mut process.element, "historyTimeToLive", HISTORY_TIME_TO_LIVE);
        let nodes: HashMap<&str, &Node> = program.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        for flow in &mut process.flows {
            if let Some(condition) = &mut flow.condition {
                expression::condition(&mut problems, &flow.element, "the condition", condition);
            }
        }
        for node in &mut process.nodes {
            if let Some(compiled) = nodes.get(node.element.id.as_str()) {
                nodes::node(&mut problems, node, compiled, &mut messages);
            }
        }
    }
    rewritten.messages.append(&mut messages);
    if problems.found.is_empty() { Ok(rewritten) } else { Err(problems.found) }
}

/// Camunda wants names and codes where ProcOS falls back on the id.
fn name_root_elements(definitions: &mut Definitions, problems: &mut Problems<'_>) {
    for root in definitions.messages.iter_mut().chain(&mut definitions.signals) {
        let name = root.element.name.clone().unwrap_or_else(|| root.element.id.clone());
        let name = expression::text(problems, &root.element, "the name", &name);
        root.element.name = Some(name);
    }
    for root in definitions.errors.iter_mut().chain(&mut definitions.escalations) {
        let code = root.code.clone().or_else(|| root.element.name.clone());
        let code = code.filter(|code| !code.trim().is_empty()).unwrap_or_else(|| root.element.id.clone());
        root.code = Some(expression::text(problems, &root.element, "the code", &code));
    }
}

/// Sets an attribute of Camunda 7.
pub(crate) fn set(element: &mut Element, name: &str, value: &str) {
    remove(element, name);
    element.attributes.push(RawAttribute::named(CAMUNDA, name, value));
}

/// Sets an attribute of Camunda 7 that the model does not have.
pub(crate) fn set_default(element: &mut Element, name: &str, value: &str) {
    if !has(element, name) {
        element.attributes.push(RawAttribute::named(CAMUNDA, name, value));
    }
}

/// Whether the model has an attribute of Camunda 7.
pub(crate) fn has(element: &Element, name: &str) -> bool {
    CAMUNDA_FAMILY.iter().any(|family| element.attribute(family, name).is_some())
}

/// Removes an attribute of Camunda 7.
pub(crate) fn remove(element: &mut Element, name: &str) {
    element.attributes.retain(|each| each.local_name != name || !CAMUNDA_FAMILY.contains(&&*each.namespace));
}

/// Removes extension elements of Camunda 7.
pub(crate) fn remove_extensions(node: &mut FlowNode, name: &str) {
    node.element
        .extensions
        .retain(|each| each.local_name != name || !CAMUNDA_FAMILY.contains(&&*each.namespace));
}

#[cfg(test)]
mod tests;
