//! Requirements as a table (CSV), out and in: a column for each thing ProcOS knows of them, then one for each
//! attribute that came from elsewhere. And the trace matrix as a table.

use std::collections::BTreeSet;

use super::{Imported, Remark};
use crate::model::{Node, Requirement};
use crate::trace::trace;
use crate::{Error, SystemIndex, matrix};

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
/// Most rows that are read.
pub const MAX_ROWS: usize = 250_000;

/// Columns that are written first; those after `criterion` are computed and not read again.
const COLUMNS: &[&str] = &[
    "id",
    "text",
    "group",
    "parent",
    "kind",
    "verification",
    "criterion",
    "components",
    "functions",
    "processes",
];

/// The requirements of a system as CSV with a header.
///
/// # Errors
/// [`Error::Store`] where a row cannot be written.
pub fn write(system: &SystemIndex) -> Result<String, Error> {
    let requirements: Vec<&Requirement> = system
        .of_kind("requirement")
        .filter_map(|node| match node.as_ref() {
            Node::Requirement(requirement) => Some(requirement),
            _ => None,
        })
        .collect();
    let extra: BTreeSet<&str> =
        requirements.iter().flat_map(|it| it.attributes.keys().map(String::as_str)).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = COLUMNS.iter().copied().chain(extra.iter().copied());
    writer.write_record(header).map_err(failed)?;
    for requirement in requirements {
        let line = trace(system, &requirement.id).unwrap_or_default();
        let optional = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut row = vec![
            requirement.id.clone(),
            requirement.text.clone(),
            optional(&requirement.group),
            optional(&requirement.parent),
            optional(&requirement.kind),
            optional(&requirement.verification),
            optional(&requirement.criterion),
            line.components.join("; "),
            line.functions.join("; "),
            line.processes.join("; "),
        ];
        row.extend(extra.iter().map(|name| requirement.attributes.get(*name).cloned().unwrap_or_default()));
        writer.write_record(row).map_err(failed)?;
    }
    finish(writer)
}

/// The trace matrix as CSV: a row for each requirement, a column for each component, function or process that
/// answers one, a cross where it does.
///
/// # Errors
/// [`Error::Store`] where a row cannot be written.
pub fn write_matrix(system: &SystemIndex, columns: matrix::Columns) -> Result<String, Error> {
    let rows = matrix::rows(system, columns, None, usize::MAX);
    let mut heads: Vec<&str> = rows.iter().flat_map(|row| row.answers.iter().map(String::as_str)).collect();
    heads.sort_by_cached_key(|id| crate::index::natural_key(id));
    heads.dedup();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(std::iter::once("requirement").chain(heads.iter().copied())).map_err(failed)?;
    for row in &rows {
        let answers: BTreeSet<&str> = row.answers.iter().map(String::as_str).collect();
        let crosses = heads.iter().map(|head| if answers.contains(head) { "x" } else { "" });
        writer.write_record(std::iter::once(row.requirement.as_str()).chain(crosses)).map_err(failed)?;
    }
    finish(writer)
}

fn failed(error: csv::Error) -> Error {
    Error::Store(format!("the table cannot be written: {error}"))
}

fn finish(writer: csv::Writer<Vec<u8>>) -> Result<String, Error> {
    let bytes = writer.into_inner().map_err(|error| Error::Store(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Error::Store(error.to_string()))
}

/// Reads requirements from CSV with a header that names at least `id` and `text`; columns it does not know become
/// attributes.
///
/// # Errors
/// [`Error::Malformed`] with the line; [`Error::Limit`].
pub fn read(text: &str) -> Result<Imported, Error> {
    if text.len() > MAX_FILE_BYTES {
        return Err(Error::Limit { limit: "MAX_FILE_BYTES", detail: format!("{} bytes", text.len()) });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| malformed(1, error.to_string()))?.clone();
    let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    for needed in ["id", "text"] {
        if !names.iter().any(|name| name.eq_ignore_ascii_case(needed)) {
            return Err(malformed(1, format!("it has no column {needed}")));
        }
    }
    let mut out = Imported::default();
    let mut seen = BTreeSet::new();
    for record in reader.records() {
        let line_of = |position: Option<&csv::Position>| {
            position.map_or(0, |at| u32::try_from(at.line()).unwrap_or(u32::MAX))
        };
        let record = record.map_err(|error| malformed(line_of(error.position()), error.to_string()))?;
        let line = line_of(record.position());
        let mut requirement = Requirement { line: Some(line), ..Requirement::default() };
        for (name, value) in names.iter().zip(record.iter()) {
            take(&mut requirement, name, value);
        }
        if requirement.id.is_empty() {
            out.remarks
                .push(Remark { what: "a row without an id was left out".to_owned(), line: Some(line) });
            continue;
        }
        if !seen.insert(requirement.id.clone()) {
            return Err(malformed(line, format!("the requirement {} is there twice", requirement.id)));
        }
        out.requirements.push(requirement);
        if out.requirements.len() > MAX_ROWS {
            return Err(Error::Limit { limit: "MAX_ROWS", detail: format!("line {line}") });
        }
    }
    Ok(out)
}

fn take(requirement: &mut Requirement, name: &str, value: &str) {
    let given = (!value.trim().is_empty()).then(|| value.to_owned());
    match name.to_ascii_lowercase().as_str() {
        "id" => value.trim().clone_into(&mut requirement.id),
        "text" => value.clone_into(&mut requirement.text),
        "group" => requirement.group = given,
        "parent" => requirement.parent = given,
        "kind" => requirement.kind = given,
        "verification" => requirement.verification = given,
        "criterion" => requirement.criterion = given,
        "components" | "functions" | "processes" | "" => {}
        _ => {
            if let Some(value) = given {
                requirement.attributes.insert(name.to_owned(), value);
            }
        }
    }
}

fn malformed(line: u32, reason: String) -> Error {
    Error::Malformed { format: "CSV", line, reason }
}
