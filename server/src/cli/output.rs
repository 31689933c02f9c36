//! What commands print: text for people or JSON for programs on stdout, failures on stderr.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::failure::Failure;

/// Rows below a heading, each column as wide as its widest cell.
pub(crate) fn table(heading: &[&str], rows: Vec<Vec<String>>) -> String {
    let heading: Vec<String> = heading.iter().map(|cell| (*cell).to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A point in time for people: `2026-01-31 23:59:59Z`.
pub(crate) fn point_in_time(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => ms.to_string(),
    }
}

/// How long ago something was, in its largest unit.
pub(crate) fn age(now_ms: i64, at_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(at_ms).max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// The start of a text on one line.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    let line: String =
        text.chars().map(|it| if it.is_control() { ' ' } else { it }).take(width + 1).collect();
    if line.chars().count() <= width {
        return line;
    }
    line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows =
            vec![vec!["1".to_owned(), "long name".to_owned()], vec!["12345".to_owned(), "b".to_owned()]];
        assert_eq!(table(&["KEY", "NAME"], rows), "KEY    NAME\n1      long name\n12345  b");
    }

    #[test]
    fn a_long_text_is_cut_and_stays_on_one_line() {
        assert_eq!(shortened("ab\ncd", 5), "ab cd");
        assert_eq!(shortened("abcdef", 5), "abcd…");
    }

    #[test]
    fn ages_are_given_in_their_largest_unit() {
        assert_eq!(age(90_000, 0), "1 min ago");
        assert_eq!(age(0, 5_000), "0 s ago");
    }

    #[test]
    fn points_in_time_are_utc() {
        assert_eq!(point_in_time(0), "1970-01-01 00:00:00Z");
    }
}
