//! What commands print: text for people or JSON for programs on stdout, failures on stderr.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::failure::Failure;

/// Prints; a closed pipe is not an error worth reporting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON is asked for.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// A line on stdout.
    pub(crate) fn line(self, text: &str) {
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    /// A compact JSON value on a line of stdout.
    pub(crate) fn value(self, value: &Value) {
        self.line(&value.to_string());
    }

    /// Progress and remarks, on stderr.
    pub(crate) fn remark(self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Reports a failure and gives its exit code.
    pub(crate) fn failure(self, failure: &Failure) -> ExitCode {
        if self.json {
            let error =
                json!({"error": {"code": failure.code, "message": failure.message, "hint": failure.hint}});
            self.remark(&error.to_string());
        } else {
            self.remark(&failure.to_string());
        }
        failure.exit_code()
    }
}
