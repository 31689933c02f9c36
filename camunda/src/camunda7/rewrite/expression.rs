//! Expressions on their way to Camunda 7.

use bpmn::expression::{Expression, Limits, ParseMode};
use bpmn::model::{Element, FormalExpression};
use serde_json::Value;

use super::Problems;
use super::juel;

/// Whether a text is JUEL already.
pub(crate) fn is_juel(text: &str) -> bool {
    text.contains("${") || text.contains("#{")
}

/// The value of an expression that reads nothing: no variables, no clock.
pub(crate) fn constant(text: &str, mode: ParseMode) -> Option<Value> {
    let expression = Expression::parse(text, mode).ok()?;
    if let Some(value) = expression.as_literal() {
        return Some(value.clone());
    }
    let reads = !expression.variables().is_empty()
        || !expression.possible_variables().is_empty()
        || ["now", "today", "fromAi"].iter().any(|name| text.contains(name));
    if reads || is_juel(text) {
        return None;
    }
    expression.evaluate(&(), Limits::at(0)).ok()
}

/// A condition: JUEL stays, FEEL is said in JUEL or handed over as a script.
pub(crate) fn condition(
    problems: &mut Problems<'_>,
    element: &Element,
    what: &str,
    condition: &mut FormalExpression,
) {
    if is_juel(&condition.text) {
        condition.language = None;
        return;
    }
    let feel = condition.text.trim().trim_start_matches('=').trim().to_owned();
    if let Some(juel) = juel::from_feel(&feel) {
        // In FEEL null is not true; in JUEL `null == true` is false.
        condition.text = format!("${{({juel}) == true}}");
        condition.language = None;
    } else if reads_plain_values(&feel) {
        condition.text = format!("({feel}) = true");
        condition.language = Some("feel".to_owned());
    } else {
        problems.refuse(
            element,
            &format!("{what} `{feel}`"),
            "let a task before compute it into a variable, and compare that",
        );
    }
}

/// Camunda's FEEL sees numbers, texts and booleans as ProcOS does, but not what is inside lists and objects.
fn reads_plain_values(feel: &str) -> bool {
    let mut quoted = false;
    for (at, char) in feel.char_indices() {
        let before = feel[..at].trim_end();
        let follows_value = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ')' | ']'));
        match char {
            '"' => quoted = !quoted,
            _ if quoted => {}
            // A dot inside a number and the dots of a range are no path.
            '.' if follows_value && !before.ends_with(|c: char| c.is_ascii_digit()) => return false,
            '[' if follows_value && !before.ends_with(" in") => return false,
            '{' | '@' => return false,
            _ => {}
        }
    }
    let calls_for_lists = [
        "for ",
        "some ",
        "every ",
        "count(",
        "sum(",
        "max(",
        "min(",
        "mean(",
        "list contains(",
        "append(",
        "concatenate(",
        "flatten(",
        "sort(",
        "get value(",
        "get entries(",
        "index of(",
        "is defined(",
        "assert(",
        "all(",
        "any(",
        "now(",
        "today(",
    ];
    !calls_for_lists.iter().any(|call| feel.contains(call))
}

/// An expression in an attribute or text: JUEL stays, a constant is written out, FEEL is said in JUEL.
pub(crate) fn value(
    problems: &mut Problems<'_>,
    element: &Element,
    what: &str,
    text: &str,
    mode: ParseMode,
) -> String {
    if is_juel(text) {
        return text.to_owned();
    }
    match constant(text, mode) {
        Some(Value::String(text)) => return text,
        Some(Value::Bool(holds)) => return format!("${{{holds}}}"),
        Some(Value::Number(number)) => return format!("${{{number}}}"),
        Some(Value::Null) => return "${null}".to_owned(),
        Some(list_or_object) => {
            let quoted = list_or_object.to_string();
            if !quoted.contains(['\'', '\\', '{', '}']) {
                return format!("${{S('{quoted}')}}");
            }
        }
        None => {}
    }
    match juel::from_feel(text) {
        Some(juel) => format!("${{{juel}}}"),
        None => {
            problems.refuse(
                element,
                &format!("{what} `{}`", text.trim()),
                "let a task before compute it into a variable, and name that variable here",
            );
            String::new()
        }
    }
}

/// A text that is an expression only where it says so.
pub(crate) fn text(problems: &mut Problems<'_>, element: &Element, what: &str, text: &str) -> String {
    if text.trim_start().starts_with('=') {
        value(problems, element, what, text.trim_start(), ParseMode::Name)
    } else {
        text.to_owned()
    }
}
