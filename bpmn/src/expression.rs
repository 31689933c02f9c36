//! Expressions behind one wall: FEEL (`=…`), the JUEL subset of Camunda 7 (`${…}`) and literals.
//!
//! Nothing here opens a socket, reads a clock or runs without bound: `now()` and `today()` are the step's time,
//! external functions are refused when parsed, and evaluation counts its steps.

use std::sync::Arc;

use serde_json::Value;

/// A parsed expression; cheap to clone.
#[derive(Clone, Debug)]
pub struct Expression {
    source: Arc<str>,
}

/// Where an expression finds variables.
pub trait Lookup {
    /// The value of a variable, or `None` where there is none (FEEL `null`).
    fn lookup(&self, name: &str) -> Option<Value>;
}

/// What an evaluation may use besides variables.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The step's time: what `now()` gives, milliseconds since the Unix epoch (UTC).
    pub now_ms: i64,
    /// Evaluation steps allowed; reaching it is an error, not a hang.
    pub steps: u64,
}

impl Expression {
    /// The text it was parsed from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}
