//! FEEL by tables of expression and result, and its limits.

mod bounds;
mod builtins;
mod dates;
mod language;

use serde_json::{Value, json};

use crate::expression::{Expression, ExpressionError, Limits};

/// 2024-03-15T10:20:30.5Z.
pub(super) const NOW_MS: i64 = 1_710_498_030_500;

/// What an expression gives over these variables, or why not.
pub(super) fn try_feel(source: &str, variables: &Value) -> Result<Value, ExpressionError> {
    Expression::feel(source)?.evaluate(variables, Limits { now_ms: NOW_MS, steps: 200_000 })
}

/// Checks each row and tells all that fail at once; a result is written as JSON.
pub(super) fn check(variables: &Value, rows: &[(&str, &str)]) {
    let mut failures = Vec::new();
    for (source, expected) in rows {
        let expected: Value =
            serde_json::from_str(expected).unwrap_or_else(|_| panic!("row {source}: {expected}"));
        match try_feel(source, variables) {
            Ok(found) if found == expected => {}
            other => failures.push(format!("{source}\n    expected {expected}\n    found    {other:?}")),
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} rows failed:\n{}",
        failures.len(),
        rows.len(),
        failures.join("\n")
    );
}

/// The code and position of the error an expression gives.
pub(super) fn refused(source: &str) -> (&'static str, Option<usize>) {
    match try_feel(source, &json!({})) {
        Ok(value) => panic!("{source} gave {value}"),
        Err(error) => (error.code, error.position),
    }
}
