//! Reads requirements from Markdown, CSV or plain lines.

mod decode;
mod identifier;
mod lines;
mod markdown;
mod table;

use std::collections::BTreeMap;

use crate::Error;

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
/// Longest line, in bytes.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;
/// Most requirements in one file.
pub const MAX_REQUIREMENTS: usize = 20_000;

/// A requirement as it stands in its source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceItem {
    /// Its id: the source's, or one given in order.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Heading it stands under.
    pub group: Option<String>,
    /// Id of its parent.
    pub parent: Option<String>,
    /// Kind, where the source says one.
    pub kind: Option<String>,
    /// Line, from 1.
    pub line: u32,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Title of the document, where it has one.
    pub title: Option<String>,
    /// The requirements in order.
    pub items: Vec<SourceItem>,
    /// Columns of a table that nothing reads.
    pub ignored_columns: Vec<String>,
}

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Markdown,
    Table(u8),
    Lines,
}

/// Reads a file. The format follows from the name's ending, and where that says nothing, from the look of the text.
///
/// # Errors
/// [`Error::Source`] with the line and the way out: empty, binary or too large files, duplicate ids.
pub fn read(name: &str, bytes: &[u8]) -> Result<Source, Error> {
    let text = decode::decode(name, bytes)?;
    check_lines(name, &text)?;
    let mut source = match format_of(name, &text) {
        Format::Markdown => {
            let found = markdown::read(&text);
            if found.items.is_empty() { lines::read(&text) } else { found }
        }
        Format::Table(delimiter) => table::read(name, &text, delimiter)?,
        Format::Lines => lines::read(&text),
    };
    source.items.retain(|item| !item.text.trim().is_empty());
    if source.items.is_empty() {
        return Err(Error::Source {
            place: name.to_owned(),
            why: "it holds no requirement".to_owned(),
            hint: "write one requirement per list item, per row or per line",
        });
    }
    if source.items.len() > MAX_REQUIREMENTS {
        return Err(Error::Source {
            place: name.to_owned(),
            why: format!("it holds {} requirements, at most {MAX_REQUIREMENTS} are read", source.items.len()),
            hint: "split it into several systems",
        });
    }
    number_and_check(name, &mut source)?;
    Ok(source)
}

fn check_lines(name: &str, text: &str) -> Result<(), Error> {
    for (number, line) in text.split('\n').enumerate() {
        if line.len() > MAX_LINE_BYTES {
            return Err(Error::Source {
                place: format!("{name}:{}", number + 1),
                why: format!("the line has {} bytes, at most {MAX_LINE_BYTES} are read", line.len()),
                hint: "put each requirement on a line of its own",
            });
        }
    }
    Ok(())
}

fn format_of(name: &str, text: &str) -> Format {
    let lower = name.to_ascii_lowercase();
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let delimiter = [b';', b'\t', b',']
        .into_iter()
        .max_by_key(|d| (first.bytes().filter(|b| b == d).count(), usize::from(*d == b',')))
        .unwrap_or(b',');
    match lower.rsplit_once('.').map(|(_, ending)| ending) {
        Some("md" | "markdown") => return Format::Markdown,
        Some("csv") => return Format::Table(delimiter),
        Some("tsv") => return Format::Table(b'\t'),
        _ => {}
    }
    if table::is_header(first, delimiter) {
        return Format::Table(delimiter);
    }
    let listed = |line: &str| {
        let line = line.trim_start();
        line.starts_with("- ") || line.starts_with("* ") || line.starts_with('#') || line.starts_with("+ ")
    };
    if text.lines().take(200).any(listed) { Format::Markdown } else { Format::Lines }
}

/// Gives ids to those that have none, and refuses an id that stands twice.
fn number_and_check(name: &str, source: &mut Source) -> Result<(), Error> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for item in source.items.iter().filter(|item| !item.id.is_empty()) {
        if let Some(first) = seen.insert(item.id.clone(), item.line) {
            return Err(Error::Source {
                place: format!("{name}:{}", item.line),
                why: format!("the id {} stands twice: in line {first} and in line {}", item.id, item.line),
                hint: "give each requirement an id of its own",
            });
        }
    }
    let mut next = 1usize;
    for item in source.items.iter_mut().filter(|item| item.id.is_empty()) {
        while seen.contains_key(&format!("R-{next}")) {
            next += 1;
        }
        item.id = format!("R-{next}");
        seen.insert(item.id.clone(), item.line);
    }
    for i in 0..source.items.len() {
        let Some(item) = source.items.get_mut(i) else { continue };
        let known = item.parent.as_ref().is_none_or(|parent| seen.contains_key(parent) && *parent != item.id);
        if !known {
            item.parent = None;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
