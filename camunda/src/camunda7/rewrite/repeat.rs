//! Loops on their way to Camunda 7.

use bpmn::expression::ParseMode;
use bpmn::model::{Element, FlowNode, FormalExpression, Loop};
use bpmn::xml::namespace::ZEEBE;
use serde_json::Value;

use super::{Problems, expression, has, set};

/// Rewrites the repetition of an activity.
pub(crate) fn repeat(problems: &mut Problems<'_>, node: &mut FlowNode) {
    let place = Element { line: node.element.line, ..Element::with_id(node.element.id.clone()) };
    match &mut node.repeat {
        None => {}
        Some(Loop::Standard { .. }) => {
            problems.refuse(&place, "the standard loop", "draw the loop with an exclusive gateway");
        }
        Some(Loop::Multi { element, cardinality, completion, .. }) => {
            for formal in [cardinality, completion].into_iter().flatten() {
                *formal = FormalExpression::of(expression::value(
                    problems,
                    &place,
                    "the loop's expression",
                    &formal.text,
                    ParseMode::Condition,
                ));
            }
            if has(element, "collection") {
                return;
            }
            let Some(zeebe) = element.extension(ZEEBE, "loopCharacteristics").cloned() else { return };
            if zeebe.get("outputCollection").is_some_and(|name| !name.trim().is_empty()) {
                problems.refuse(
                    &place,
                    "the output collection",
                    "let each run write a variable of its own, or collect the results in a task after",
                );
            }
            let source = zeebe.get("inputCollection").unwrap_or("");
            let collection = collection(problems, &place, source);
            set(element, "collection", &collection);
            if let Some(variable) = zeebe.get("inputElement").filter(|name| !name.trim().is_empty()) {
                set(element, "elementVariable", variable.trim());
            }
        }
    }
}

/// A list: `S(…)` makes one of JSON text, and a Json variable has elements.
fn collection(problems: &mut Problems<'_>, place: &Element, source: &str) -> String {
    if expression::is_juel(source) {
        return source.to_owned();
    }
    if let Some(value @ Value::Array(_)) = expression::constant(source, ParseMode::Condition) {
        let quoted = value.to_string().replace('\\', "\\\\").replace('\'', "\\'");
        return format!("${{S('{quoted}').elements()}}");
    }
    let name = source.trim().trim_start_matches('=').trim();
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| !c.is_numeric());
    if !is_name {
        problems.refuse(
            place,
            &format!("the input collection `{source}`"),
            "let a task before compute the list into a variable, and name that variable here",
        );
    }
    format!("${{execution.getVariable('{name}').elements()}}")
}
