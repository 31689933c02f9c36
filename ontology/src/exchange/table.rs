//! Requirements as a table, out and in: a column for each thing ProcOS knows of them, then one for each attribute that
//! came from elsewhere. And the trace matrix as a table. Here as CSV; `workbook` puts the same tables into XLSX.

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

/// The requirements of a system: a header, then a row for each.
pub(super) fn requirements(system: &SystemIndex) -> Vec<Vec<String>> {
    let requirements: Vec<&Requirement> = system
        .of_kind("requirement")
        .filter_map(|node| match node.as_ref() {
            Node::Requirement(requirement) => Some(requirement),
            _ => None,
        })
        .collect();
    let extra: BTreeSet<&str> =
        requirements.iter().flat_map(|it| it.attributes.keys().map(String::as_str)).collect();
    let header = COLUMNS.iter().chain(&extra).map(|name| (*name).to_owned()).collect();
    let row = |requirement: &&Requirement| {
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
        row
    };
    std::iter::once(header).chain(requirements.iter().map(row)).collect()
}

/// The trace matrix: a row for each requirement, a column for each component, function or process that answers one, a
/// cross where it does.
pub(super) fn crosses(system: &SystemIndex, columns: matrix::Columns) -> Vec<Vec<String>> {
    let rows = matrix::rows(system, columns, None, usize::MAX);
    let mut heads: Vec<&str> = rows.iter().flat_map(|row| row.answers.iter().map(String::as_str)).collect();
    heads.sort_by_cached_key(|id| crate::index::natural_key(id));
    heads.dedup();
    let header = std::iter::once("requirement").chain(heads.iter().copied()).map(str::to_owned).collect();
    let row = |row: &matrix::Row| {
        let answers: BTreeSet<&str> = row.answers.iter().map(String::as_str).collect();
        let crosses = heads.iter().map(|head| if answers.contains(head) { "x" } else { "" });
        std::iter::once(row.requirement.as_str()).chain(crosses).map(str::to_owned).collect()
    };
    std::iter::once(header).chain(rows.iter().map(row)).collect()
}

/// The requirements of a system as CSV with a header.
///
/// # Errors
/// [`Error::Store`] where a row cannot be written.
pub fn write(system: &SystemIndex) -> Result<String, Error> {
    as_csv(&requirements(system))
}

/// The trace matrix as CSV.
///
/// # Errors
/// [`Error::Store`] where a row cannot be written.
pub fn write_matrix(system: &SystemIndex, columns: matrix::Columns) -> Result<String, Error> {
    as_csv(&crosses(system, columns))
}

pub(super) fn as_csv(rows: &[Vec<String>]) -> Result<String, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(failed)?;
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
    let line_of = |position: Option<&csv::Position>| {
        position.map_or(0, |at| u32::try_from(at.line()).unwrap_or(u32::MAX))
    };
    let header = reader.headers().map_err(|error| malformed("CSV", 1, error.to_string()))?.clone();
    let mut table = Table::new("CSV", 1, header.iter())?;
    for record in reader.records() {
        let record =
            record.map_err(|error| malformed("CSV", line_of(error.position()), error.to_string()))?;
        table.row(line_of(record.position()), record.iter())?;
    }
    Ok(table.imported)
}

/// A table that is being read, row by row.
pub(super) struct Table {
    format: &'static str,
    names: Vec<String>,
    seen: BTreeSet<String>,
    pub(super) imported: Imported,
}

impl Table {
    pub(super) fn new<'a>(
        format: &'static str,
        line: u32,
        header: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let names: Vec<String> = header.map(|name| name.trim().to_owned()).collect();
        for needed in ["id", "text"] {
            if !names.iter().any(|name| name.eq_ignore_ascii_case(needed)) {
                return Err(malformed(format, line, format!("it has no column {needed}")));
            }
        }
        Ok(Self { format, names, seen: BTreeSet::new(), imported: Imported::default() })
    }

    pub(super) fn row<'a>(&mut self, line: u32, values: impl Iterator<Item = &'a str>) -> Result<(), Error> {
        let mut requirement = Requirement { line: Some(line), ..Requirement::default() };
        let mut is_empty = true;
        for (name, value) in self.names.iter().zip(values) {
            is_empty = is_empty && value.trim().is_empty();
            take(&mut requirement, name, value);
        }
        if is_empty {
            return Ok(());
        }
        if requirement.id.is_empty() {
            let what = "a row without an id was left out".to_owned();
            self.imported.remarks.push(Remark { what, line: Some(line) });
            return Ok(());
        }
        if !self.seen.insert(requirement.id.clone()) {
            let reason = format!("the requirement {} is there twice", requirement.id);
            return Err(malformed(self.format, line, reason));
        }
        self.imported.requirements.push(requirement);
        if self.imported.requirements.len() > MAX_ROWS {
            return Err(Error::Limit { limit: "MAX_ROWS", detail: format!("line {line}") });
        }
        Ok(())
    }
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

fn malformed(format: &'static str, line: u32, reason: String) -> Error {
    Error::Malformed { format, line, reason }
}
