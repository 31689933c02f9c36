//! Plain lines: one requirement each; bullets and numbers in front are taken off.

use super::{Source, SourceItem, identifier};

pub(super) fn read(text: &str) -> Source {
    let mut source = Source::default();
    let mut group = None;
    for (number, line) in text.lines().enumerate() {
        let line_number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let line = without_bullet(line.trim());
        if line.is_empty() || line.chars().all(|c| !c.is_alphanumeric()) {
            continue;
        }
        if is_heading(line) {
            group = Some(line.trim_start_matches('#').trim_end_matches(':').trim().to_owned());
            continue;
        }
        let (id, text) = identifier::split(line);
        source.items.push(SourceItem {
            id: id.unwrap_or_default(),
            text,
            group: group.clone(),
            line: line_number,
            ..SourceItem::default()
        });
    }
    source
}

/// A line that groups those below it: `# Heading`, or a few words and a colon.
fn is_heading(line: &str) -> bool {
    line.starts_with('#') || (line.ends_with(':') && line.split_whitespace().count() <= 6)
}

fn without_bullet(line: &str) -> &str {
    let line = line.trim_start_matches(['-', '*', '•', '·', '–', '+']).trim_start();
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = line.get(digits..).unwrap_or_default();
    match rest.strip_prefix(['.', ')']) {
        Some(after) if (1..=5).contains(&digits) && after.starts_with(' ') => after.trim_start(),
        _ => line,
    }
}
