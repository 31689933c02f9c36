//! The engine's named limits, and the check that variables keep them.

use bpmn::program::Variables;
use serde_json::Value;

use crate::Error;

/// Bytes that the variables of one command may have together.
pub const PAYLOAD_LIMIT: usize = 4 * 1024 * 1024;
/// Bytes that one variable may have.
pub const VARIABLE_LIMIT: usize = 2 * 1024 * 1024;
/// How deep values may be nested: JSON parsers stop at 128, and states nest variables themselves.
pub const NESTING_LIMIT: usize = 64;
/// How deep processes may call processes.
pub const CALL_DEPTH_LIMIT: u32 = 20;
/// Transitions of one step before other instances get their turn.
pub const STEP_BUDGET: u32 = 1_000;
/// Ended tasks that an instance's state remembers; older ones are in the trail.
pub const HISTORY_LIMIT: usize = 200;
/// Loaded instances that are kept in memory while nobody works on them.
pub const CACHE_LIMIT: usize = 1_000;
/// Bytes of waiting jobs' variables that are kept in memory (64 MiB); those of further jobs are read when they are
/// leased.
pub const VARIABLES_KEPT_LIMIT: usize = 64 * 1024 * 1024;
/// Jobs leased by one call.
pub const ACTIVATION_LIMIT: usize = 1_000;
/// Longest lease, milliseconds (24 hours).
pub const LEASE_LIMIT_MS: i64 = 24 * 3_600 * 1_000;
/// Longest wait for jobs in one call, milliseconds (one minute).
pub const WAIT_LIMIT_MS: u64 = 60_000;
/// Messages buffered at the same time.
pub const MESSAGE_LIMIT: usize = 100_000;
/// How long a message thrown by a process waits for its receiver, milliseconds (one hour).
pub const THROWN_MESSAGE_TTL_MS: i64 = 3_600 * 1_000;
/// Notices kept for a slow listener.
pub const NOTICE_LIMIT: usize = 4_096;
/// Follow-ups worked on at the same time.
pub const FOLLOW_UP_WORKERS: usize = 8;
/// Bytes of a name, key, reason or other short text from outside.
pub const TEXT_LIMIT: usize = 64 * 1024;
/// Retries of a job where its task says nothing.
pub const DEFAULT_RETRIES: u32 = 3;
/// Keys reserved from the store at once.
pub const KEY_BLOCK: u32 = 1_024;
/// Delay before something that failed in the background is tried again, milliseconds.
pub const RETRY_DELAY_MS: i64 = 5_000;

/// Page size for a `limit` where 0 means the default of 100; at most 10,000.
#[must_use]
pub fn page(limit: usize) -> usize {
    if limit == 0 { 100 } else { limit.min(10_000) }
}

/// Refuses variables that are too large or nested too deep.
///
/// # Errors
/// [`Error::Limit`] with the name of the limit and of the variable.
pub fn check_variables(variables: &Variables) -> Result<(), Error> {
    let mut total = 0;
    for (name, value) in variables {
        let size = measure(name, value)?;
        if size > VARIABLE_LIMIT {
            return Err(Error::Limit {
                limit: "VARIABLE_LIMIT",
                detail: format!("variable {name} has {size} bytes, {VARIABLE_LIMIT} are allowed"),
            });
        }
        total += size + name.len();
    }
    if total > PAYLOAD_LIMIT {
        return Err(Error::Limit {
            limit: "PAYLOAD_LIMIT",
            detail: format!("the variables have {total} bytes together, {PAYLOAD_LIMIT} are allowed"),
        });
    }
    Ok(())
}

/// Refuses a text from outside that is too long or holds a NUL character, which no SQL text can hold.
///
/// # Errors
/// [`Error::Limit`] or [`Error::Invalid`] that names `what`.
pub fn check_text(what: &str, text: &str) -> Result<(), Error> {
    if text.len() > TEXT_LIMIT {
        return Err(Error::Limit {
            limit: "TEXT_LIMIT",
            detail: format!("{what} has {} bytes, {TEXT_LIMIT} are allowed", text.len()),
        });
    }
    if text.contains('\0') {
        return Err(Error::Invalid(format!("{what} holds a NUL character")));
    }
    Ok(())
}

/// Bytes of a value, about as JSON writes it; iterative, because the value comes from outside.
fn measure(name: &str, value: &Value) -> Result<usize, Error> {
    let mut size = 0;
    let mut open = vec![(value, 1_usize)];
    while let Some((value, depth)) = open.pop() {
        if depth > NESTING_LIMIT {
            return Err(Error::Limit {
                limit: "NESTING_LIMIT",
                detail: format!("variable {name} is nested deeper than {NESTING_LIMIT} levels"),
            });
        }
        size += match value {
            Value::Null | Value::Bool(_) => 5,
            Value::Number(_) => 8,
            Value::String(text) => text.len() + 2,
            Value::Array(items) => {
                open.extend(items.iter().map(|item| (item, depth + 1)));
                items.len() + 2
            }
            Value::Object(map) => {
                open.extend(map.values().map(|item| (item, depth + 1)));
                map.keys().map(|key| key.len() + 4).sum::<usize>() + 2
            }
        };
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_over_two_megabytes_is_refused_by_name() {
        let mut variables = Variables::new();
        variables.insert("big".to_owned(), Value::String("x".repeat(VARIABLE_LIMIT + 1)));
        let error = check_variables(&variables).unwrap_err();
        assert!(error.to_string().contains("variable big"), "{error}");
    }

    #[test]
    fn many_variables_over_four_megabytes_together_are_refused() {
        let variables: Variables =
            (0..5).map(|i| (format!("v{i}"), Value::String("x".repeat(1024 * 1024)))).collect();
        assert!(matches!(check_variables(&variables), Err(Error::Limit { limit: "PAYLOAD_LIMIT", .. })));
    }

    #[test]
    fn a_value_nested_too_deep_is_refused() {
        let mut value = Value::Null;
        for _ in 0..NESTING_LIMIT {
            value = Value::Array(vec![value]);
        }
        let mut variables = Variables::new();
        variables.insert("deep".to_owned(), value);
        assert!(matches!(check_variables(&variables), Err(Error::Limit { limit: "NESTING_LIMIT", .. })));
    }
}
