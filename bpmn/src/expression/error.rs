//! Why an expression was refused or could not be evaluated.

use serde_json::Value;

/// How much of a value or text is quoted in a message, in characters.
const QUOTED: usize = 60;

/// An expression that was refused when parsed, or whose evaluation was stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", .position.map_or(String::new(), |at| format!(" (at {at})")))]
pub struct ExpressionError {
    /// Stable code, e.g. `FEEL-0001`; `docs/errors/` has a page for each.
    pub code: &'static str,
    /// What is wrong, in lower case.
    pub message: String,
    /// Byte offset in the expression's source, where the place is known.
    pub position: Option<usize>,
}

impl ExpressionError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.code {
            "FEEL-0001" => {
                "check the expression near the position given; a FEEL text is written in double quotes"
            }
            "FEEL-0002" => "split the expression into several tasks or context entries",
            "FEEL-0003" => "check the spelling against the list of built-in functions",
            "FEEL-0004" => "use a task (a draw for randomness, a tool for code) instead of a function",
            "FEEL-0005" => "move the data into a variable",
            "FEEL-0006" => "evaluate over fewer list elements, or raise the step budget",
            "FEEL-0007" => "build a smaller value, or write it to a file",
            "FEEL-0008" => "compare with something, e.g. `x > 0` or `x = true`",
            "FEEL-0009" => "the model's own assertion does not hold; look at the variables",
            "FEEL-0010" => "call the function, or return its result",
            _ => "check that the variable is set before this element is reached",
        }
    }

    fn with(code: &'static str, message: String, position: Option<usize>) -> Self {
        Self { code, message, position }
    }

    pub(super) fn syntax(message: impl Into<String>, position: usize) -> Self {
        Self::with("FEEL-0001", message.into(), Some(position))
    }

    pub(super) fn too_deep(limit: usize, position: Option<usize>) -> Self {
        Self::with("FEEL-0002", format!("expression is nested deeper than {limit} levels"), position)
    }

    pub(super) fn unknown_function(name: &str, position: usize) -> Self {
        Self::with("FEEL-0003", format!("unknown function '{}'", shorten(name)), Some(position))
    }

    pub(super) fn arguments(name: &str, why: &str, position: usize) -> Self {
        Self::with("FEEL-0003", format!("function '{}' {why}", shorten(name)), Some(position))
    }

    pub(super) fn not_allowed(what: &str, position: usize) -> Self {
        Self::with("FEEL-0004", what.to_owned(), Some(position))
    }

    pub(super) fn too_long(bytes: usize) -> Self {
        let limit = super::MAX_SOURCE_BYTES;
        Self::with("FEEL-0005", format!("expression of {bytes} bytes is longer than {limit}"), None)
    }

    pub(super) fn out_of_steps(limit: u64) -> Self {
        Self::with("FEEL-0006", format!("evaluation took more than {limit} steps"), None)
    }

    pub(super) fn too_large(what: &str) -> Self {
        Self::with("FEEL-0007", format!("evaluation made a value that is too large: {what}"), None)
    }

    pub(super) fn not_boolean(source: &str, value: &Value) -> Self {
        let (source, value) = (shorten(source), shorten(&value.to_string()));
        Self::with("FEEL-0008", format!("condition '{source}' is {value}, not true or false"), None)
    }

    pub(super) fn assertion(message: &str) -> Self {
        Self::with("FEEL-0009", format!("assertion failed: {}", shorten(message)), None)
    }

    pub(super) fn not_a_value(what: &str) -> Self {
        Self::with("FEEL-0010", format!("the result is {what}, which cannot be a variable"), None)
    }

    pub(super) fn unresolved(message: String, position: usize) -> Self {
        Self::with("FEEL-0011", message, Some(position))
    }

    /// The same error with its position counted from an earlier start.
    pub(super) fn moved(mut self, offset: usize) -> Self {
        self.position = self.position.map(|at| at + offset);
        self
    }
}

/// At most [`QUOTED`] characters of a text.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
