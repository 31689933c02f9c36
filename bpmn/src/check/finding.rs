//! What a check found.

use std::fmt;

use crate::error::Error;

/// How bad a finding is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It will not run, or will hang.
    Error,
    /// It may not do what is meant.
    Warning,
    /// It could be easier to read.
    Hint,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Finding {
    /// Stable code; its page is `docs/errors/<code>.md`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Id of the element.
    pub element: Option<String>,
    /// Line in the file, 0 where unknown.
    pub line: u32,
    /// What it is.
    pub message: String,
    /// The way out.
    pub hint: &'static str,
    /// Ids of the nodes that were passed until it happened, for what only happens on some path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
}

impl Finding {
    /// The finding that an error is.
    #[must_use]
    pub fn of_error(error: &Error) -> Self {
        let place = error.place();
        Self {
            code: error.code(),
            severity: Severity::Error,
            element: place.element,
            line: place.line,
            message: error.to_string(),
            hint: error.hint(),
            path: Vec::new(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.message)?;
        if !self.path.is_empty() {
            write!(f, " (by way of {})", self.path.join(" → "))?;
        }
        write!(f, "; {}", self.hint)
    }
}
