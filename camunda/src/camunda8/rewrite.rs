//! A model as Camunda 8 wants it: the kernel's tasks get a job type, what other engines' extensions say is said in
//! Camunda 8's, and what cannot be said is refused with element and hint. The original stands inside, packed, so that
//! it can be had back.
//!
//! | in the model | in Camunda 8 |
//! | --- | --- |
//! | task of the kernel | service task with `zeebe:taskDefinition type="procos"`, without `procos:task` |
//! | task of an outside worker | the same with its own job type |
//! | task for a person | user task with `zeebe:userTask` |
//! | message thrown | `zeebe:taskDefinition type="procos.message"`: ProcOS publishes it |
//! | mappings, scripts, loops, calls, decisions | `zeebe:ioMapping`, `zeebe:script`, `zeebe:loopCharacteristics`, `zeebe:calledElement`, `zeebe:calledDecision` |
//! | FEEL | as it is, with `=` before it; JUEL is refused |
//! | message event without correlation key (not a start event), standard loop, complex gateway, transaction | refused |

mod nodes;

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bpmn::expression::Expression;
use bpmn::model::{Definitions, Element, FlowNode, FlowNodeKind, RawElement};
use bpmn::program::{Node, Program};
use bpmn::xml::namespace::{CAMUNDA_FAMILY, ZEEBE};
use engine::port::DeployFile;

/// Namespace of the element in which the original stands: of its own, so that a reader who does not know it passes it by.
const KEPT: &str = "https://w3id.org/procos/kept/1.0";
/// Its name.
const ORIGINAL: &str = "original";
/// Prefix of that namespace, where the file does not use it for something else.
const PREFIX: &str = "kept";

/// Collects what cannot be said to Camunda 8.
pub(super) struct Problems<'f> {
    file: &'f str,
    found: Vec<String>,
}

impl Problems<'_> {
    pub(super) fn refuse(&mut self, element: &Element, what: &str, hint: &str) {
        let (file, id, line) = (self.file, &element.id, element.line.0);
        self.found.push(format!(
            "{file}: BPMN-0201 {what} of element {id} (line {line}) does not run on Camunda 8; {hint}"
        ));
    }

    /// FEEL as Camunda 8 reads it in an attribute or text.
    pub(super) fn feel(&mut self, element: &Element, what: &str, expression: &Expression) -> String {
        if let Some(value) = expression.as_literal() {
            // JSON is FEEL.
            return format!("={value}");
        }
        self.feel_text(element, what, expression.source())
    }

    /// The same of a text.
    pub(super) fn feel_text(&mut self, element: &Element, what: &str, text: &str) -> String {
        let text = text.trim();
        if text.contains("${") || text.contains("#{") {
            self.refuse(element, &format!("{what} `{text}`"), "write it in FEEL: =…");
        }
        if text.starts_with('=') { text.to_owned() } else { format!("={text}") }
    }

    /// A text that is an expression only where it says so.
    pub(super) fn text(&mut self, element: &Element, what: &str, expression: &Expression) -> String {
        match expression.as_literal().and_then(serde_json::Value::as_str) {
            Some(text) => text.to_owned(),
            None => self.feel(element, what, expression),
        }
    }
}

/// Rewrites a file; `programs` are its executable processes.
///
/// The problems are one line each: file, code, element, line, hint.
pub(super) fn rewrite(
    file: &DeployFile,
    definitions: &Definitions,
    programs: &[Program],
) -> Result<Definitions, Vec<String>> {
    let mut rewritten = definitions.clone();
    let mut problems = Problems { file: &file.name, found: Vec::new() };
    rewritten.prefixes.0.entry(PREFIX.to_owned()).or_insert_with(|| KEPT.to_owned());
    name_root_elements(&mut rewritten);
    let mut messages = Vec::new();
    for (place, program) in programs.iter().enumerate() {
        let Some(process) =
            rewritten.processes.iter_mut().find(|process| process.element.id == program.process_id)
        else {
            continue;
        };
        process.is_executable = Some(true);
        strip(&mut process.element);
        let nodes: HashMap<&str, &Node> = program.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let kinds: HashMap<&str, &FlowNode> =
            process.nodes.iter().map(|node| (node.element.id.as_str(), node)).collect();
        for flow in &mut process.flows {
            let Some(condition) = &mut flow.condition else { continue };
            let is_gateway = |node: &&FlowNode| matches!(node.kind, FlowNodeKind::Gateway(_));
            if kinds.get(flow.source.as_str()).is_none_or(|node| !is_gateway(node)) {
                problems.refuse(
                    &flow.element,
                    "the conditional flow out of an activity",
                    "put an exclusive or inclusive gateway behind the activity",
                );
            }
            condition.text = problems.feel_text(&flow.element, "the condition", &condition.text);
            condition.language = None;
        }
        drop(kinds);
        for node in &mut process.nodes {
            if let Some(compiled) = nodes.get(node.element.id.as_str()) {
                nodes::node(&mut problems, node, compiled, &mut messages);
            }
            strip(&mut node.element);
        }
        if place == 0 {
            let packed = RawElement::named(KEPT, ORIGINAL).with_text(STANDARD.encode(&file.content));
            process.element.extensions.push(packed);
        }
    }
    // A message that only a catch event of a process that is not executed names stays as it is.
    rewritten.messages.append(&mut messages);
    if problems.found.is_empty() { Ok(rewritten) } else { Err(problems.found) }
}

/// The original that stands in a model which ProcOS deployed.
pub(super) fn original(definitions: &Definitions) -> Option<Vec<u8>> {
    let processes = definitions.processes.iter();
    let packed = processes.filter_map(|process| process.element.extension(KEPT, ORIGINAL)).next()?;
    STANDARD.decode(packed.text()).ok()
}

/// Camunda wants names and codes where ProcOS falls back on the id.
fn name_root_elements(definitions: &mut Definitions) {
    for root in definitions.messages.iter_mut().chain(&mut definitions.signals) {
        let name = root.element.name.clone().unwrap_or_else(|| root.element.id.clone());
        root.element.name = Some(name);
    }
    for root in definitions.errors.iter_mut().chain(&mut definitions.escalations) {
        let code = root.code.clone().or_else(|| root.element.name.clone());
        let code = code.filter(|code| !code.trim().is_empty()).unwrap_or_else(|| root.element.id.clone());
        root.code = Some(code);
    }
}

/// Takes away what Camunda 7 reads: it is said in Camunda 8's words by now.
fn strip(element: &mut Element) {
    let is_sevens = |namespace: &str| CAMUNDA_FAMILY.contains(&namespace);
    element.attributes.retain(|each| !is_sevens(&each.namespace));
    element.extensions.retain(|each| !is_sevens(&each.namespace));
}

/// Sets an extension of Camunda 8 in the place of one with its name.
pub(super) fn set(element: &mut Element, extension: RawElement) {
    element.extensions.retain(|each| !each.is(ZEEBE, &extension.local_name));
    element.extensions.push(extension);
}

/// Whether the model has an extension of Camunda 8.
pub(super) fn has(element: &Element, name: &str) -> bool {
    element.extension(ZEEBE, name).is_some()
}

/// Removes an extension of Camunda 8.
pub(super) fn remove(element: &mut Element, name: &str) {
    element.extensions.retain(|each| !each.is(ZEEBE, name));
}

#[cfg(test)]
mod tests;
