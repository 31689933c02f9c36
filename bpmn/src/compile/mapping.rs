//! Input and output mappings: `zeebe:ioMapping`, `camunda:inputOutput`, and `camunda:in`/`camunda:out` of call
//! activities.

use serde_json::{Map, Value};

use crate::compile::Compiler;
use crate::compile::extension::camunda;
use crate::expression::{Expression, ParseMode};
use crate::model::{FlowNode, FlowNodeKind, RawElement, RawNode};
use crate::program::Mapping;
use crate::xml::namespace::ZEEBE;

impl Compiler<'_> {
    /// The input and output mappings of a node.
    pub(super) fn mappings(&mut self, node: &FlowNode) -> (Vec<Mapping>, Vec<Mapping>) {
        let element = &node.element;
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        for list in element.extensions_named(ZEEBE, "ioMapping") {
            for entry in list.elements() {
                let (Some(source), Some(target)) = (entry.get("source"), entry.get("target")) else {
                    continue;
                };
                let source = self.expression(element, "zeebe:ioMapping", source, ParseMode::Value);
                let mapping = Mapping { source, target: target.trim().to_owned() };
                match entry.local_name.as_str() {
                    "input" => inputs.push(mapping),
                    _ => outputs.push(mapping),
                }
            }
        }
        for list in camunda(element, "inputOutput") {
            for entry in list.elements() {
                let Some(name) = entry.get("name") else { continue };
                let Some(source) = self.parameter(node, entry) else { continue };
                let mapping = Mapping { source, target: name.trim().to_owned() };
                match entry.local_name.as_str() {
                    "inputParameter" => inputs.push(mapping),
                    _ => outputs.push(mapping),
                }
            }
        }
        if matches!(node.kind, FlowNodeKind::CallActivity { .. }) {
            inputs.extend(self.call_mappings(node, "in"));
            outputs.extend(self.call_mappings(node, "out"));
        }
        (inputs, outputs)
    }

    fn call_mappings(&mut self, node: &FlowNode, direction: &'static str) -> Vec<Mapping> {
        let mut mappings = Vec::new();
        for entry in camunda(&node.element, direction) {
            let Some(target) = entry.get("target") else { continue };
            let source = match (entry.get("source"), entry.get("sourceExpression")) {
                (Some(name), _) => {
                    self.expression(&node.element, "camunda:in", &format!("={name}"), ParseMode::Value)
                }
                (None, Some(text)) => self.expression(&node.element, "camunda:in", text, ParseMode::Value),
                (None, None) => continue,
            };
            mappings.push(Mapping { source, target: target.trim().to_owned() });
        }
        mappings
    }

    /// The value of a Camunda 7 parameter: text, expression, list, map or FEEL/JUEL script.
    fn parameter(&mut self, node: &FlowNode, entry: &RawElement) -> Option<Expression> {
        let element = &node.element;
        let Some(inner) = entry.elements().next() else {
            return Some(self.expression(element, "camunda:inputOutput", &entry.text(), ParseMode::Value));
        };
        match inner.local_name.as_str() {
            "script" => {
                let format = inner.get("scriptFormat").unwrap_or("").to_ascii_lowercase();
                if format == "feel" || format == "juel" {
                    return Some(self.expression(
                        element,
                        "camunda:script",
                        &inner.text(),
                        ParseMode::Condition,
                    ));
                }
                self.refuse(
                    element,
                    format!("a mapping script in {format:?}"),
                    "write the mapping in FEEL or JUEL",
                );
                None
            }
            "list" | "map" => match literal(inner) {
                Some(value) => Some(Expression::literal(value)),
                None => {
                    self.refuse(
                        element,
                        format!("a camunda:{} with expressions inside", inner.local_name),
                        "write the value as one FEEL expression",
                    );
                    None
                }
            },
            name => {
                self.refuse(
                    element,
                    format!("camunda:{name} in a mapping"),
                    "write the value as one FEEL expression",
                );
                None
            }
        }
    }
}

/// A list or map of plain texts as a value.
fn literal(element: &RawElement) -> Option<Value> {
    let plain = |entry: &RawElement| {
        let is_text = entry.children.iter().all(|child| matches!(child, RawNode::Text(_)));
        let text = entry.text();
        (is_text && !text.contains("${") && !text.contains("#{")).then_some(Value::String(text))
    };
    if element.local_name == "list" {
        return element.elements().map(plain).collect::<Option<Vec<_>>>().map(Value::Array);
    }
    let mut map = Map::new();
    for entry in element.elements() {
        map.insert(entry.get("key")?.to_owned(), plain(entry)?);
    }
    Some(Value::Object(map))
}
