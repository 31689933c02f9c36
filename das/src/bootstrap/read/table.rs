//! CSV: a header row names the columns; without one, id and text or text alone.

use super::{Source, SourceItem, identifier};
use crate::Error;

const ID: &[&str] =
    &["id", "key", "req", "req id", "reqid", "requirement id", "identifier", "number", "no", "nr", "#"];
const TEXT: &[&str] = &[
    "text",
    "requirement",
    "requirements",
    "description",
    "statement",
    "requirement text",
    "shall",
    "summary",
    "primary text",
];
const PARENT: &[&str] = &["parent", "parent id", "derived from", "parent requirement"];
const KIND: &[&str] = &["kind", "type", "category", "class"];
const GROUP: &[&str] = &["group", "section", "heading", "chapter", "area"];

#[derive(Clone, Copy, Default)]
struct Columns {
    id: Option<usize>,
    text: Option<usize>,
    parent: Option<usize>,
    kind: Option<usize>,
    group: Option<usize>,
}

/// Whether a first line names columns that hold requirements.
pub(super) fn is_header(line: &str, delimiter: u8) -> bool {
    let fields: Vec<String> = line.split(char::from(delimiter)).map(normal).collect();
    fields.len() >= 2 && columns(fields.iter().map(String::as_str)).text.is_some()
}

fn normal(field: &str) -> String {
    field.trim().trim_matches('"').trim().to_ascii_lowercase().replace(['_', '-'], " ")
}

fn columns<'a>(fields: impl Iterator<Item = &'a str>) -> Columns {
    let mut found = Columns::default();
    for (i, field) in fields.enumerate() {
        for (names, place) in [
            (ID, &mut found.id),
            (TEXT, &mut found.text),
            (PARENT, &mut found.parent),
            (KIND, &mut found.kind),
            (GROUP, &mut found.group),
        ] {
            if place.is_none() && names.contains(&field) {
                *place = Some(i);
                break;
            }
        }
    }
    found
}

pub(super) fn read(name: &str, text: &str, delimiter: u8) -> Result<Source, Error> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut source = Source::default();
    let mut map: Option<Columns> = None;
    for record in reader.records() {
        let record = record.map_err(|error| Error::Source {
            place: format!("{name}:{}", error.position().map_or(0, csv::Position::line)),
            why: format!("it is not a table: {error}"),
            hint: "separate columns by commas and put texts with commas into double quotes",
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let fields: Vec<String> = record.iter().map(normal).collect();
        let Some(columns) = map else {
            let header = columns(fields.iter().map(String::as_str));
            if header.text.is_some() {
                let known = [header.id, header.text, header.parent, header.kind, header.group];
                source.ignored_columns = record
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| !known.contains(&Some(*i)))
                    .map(|(_, field)| field.to_owned())
                    .collect();
                map = Some(header);
            } else {
                let found = by_look(&record);
                source.items.push(item(&record, found, line));
                map = Some(found);
            }
            continue;
        };
        source.items.push(item(&record, columns, line));
    }
    Ok(source)
}

/// Without a header: an id in the first column and text in the second, or the longest column alone.
fn by_look(record: &csv::StringRecord) -> Columns {
    let first = record.get(0).unwrap_or_default().trim();
    let id_like = !first.is_empty() && first.len() <= 24 && !first.contains(' ') && record.len() > 1;
    if id_like {
        return Columns { id: Some(0), text: Some(1), parent: None, kind: None, group: None };
    }
    let longest = record.iter().enumerate().max_by_key(|(_, field)| field.len()).map(|(i, _)| i);
    Columns { text: longest, ..Columns::default() }
}

fn item(record: &csv::StringRecord, columns: Columns, line: u64) -> SourceItem {
    let field = |column: Option<usize>| {
        column.and_then(|i| record.get(i)).map(str::trim).filter(|field| !field.is_empty()).map(str::to_owned)
    };
    let text = field(columns.text).unwrap_or_default();
    let (id, text) = match field(columns.id) {
        Some(id) => (Some(id), text),
        None => identifier::split(&text),
    };
    SourceItem {
        id: id.unwrap_or_default(),
        text,
        group: field(columns.group),
        parent: field(columns.parent),
        kind: field(columns.kind),
        line: u32::try_from(line).unwrap_or(u32::MAX),
    }
}
