//! Cuts a text into list items and sentences, keeping where each one stands.

use crate::tree::Span;

/// A sentence, or a list item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    /// Where it stands.
    pub(super) span: Span,
    /// Whether it is an item of a list.
    pub(super) item: bool,
    /// Whether it is the first sentence of its paragraph or item.
    pub(super) first: bool,
}

/// Abbreviations whose full stop does not end a sentence.
const ABBREVIATIONS: [&str; 18] = [
    "e.g", "i.e", "etc", "no", "dr", "mr", "mrs", "ms", "st", "vs", "approx", "fig", "dept", "inc", "ltd",
    "co", "cf", "resp",
];

/// The sentences of a text in order; headings and empty lines only separate.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut paragraph: Option<Span> = None;
    let mut is_item = false;
    let mut start = 0;
    let title = title_line(text).unwrap_or_default();
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let content = line.trim();
        let indent = line.len() - line.trim_start().len();
        let marker = marker_length(content);
        let is_heading =
            content.starts_with('#') || (found.is_empty() && !title.is_empty() && content == title);
        if content.is_empty() || is_heading || marker > 0 {
            if let Some(span) = paragraph.take() {
                cut(text, span, is_item, &mut found);
            }
            is_item = false;
        }
        if marker > 0 {
            let mut begin = start + indent + marker;
            // "1) Import tracks 2) clean outliers": further items in the same line.
            for next in inline_markers(text.get(begin..end).unwrap_or_default(), line.trim_start()) {
                let place = begin + next.start;
                cut(text, Span { start: begin, end: place }, true, &mut found);
                begin += next.end;
            }
            paragraph = Some(Span { start: begin, end });
            is_item = true;
        } else if !content.is_empty() && !is_heading {
            match &mut paragraph {
                Some(span) => span.end = end,
                None => paragraph = Some(Span { start, end }),
            }
        }
        start = end;
    }
    if let Some(span) = paragraph {
        cut(text, span, is_item, &mut found);
    }
    found
}

/// "Supplier onboarding" above a list: a first line of a few words without an end, right before the first item.
pub(super) fn title_line(text: &str) -> Option<&str> {
    const MAX_WORDS: usize = 7;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (first, second) = (lines.next()?, lines.next()?);
    let plain = marker_length(first) == 0
        && !first.starts_with('#')
        && !first.ends_with(['.', ':', '!', '?', ',', ';']);
    let listed = marker_length(second) > 0;
    (plain && listed && first.split_whitespace().count() <= MAX_WORDS).then_some(first)
}

/// Markers of the items 2, 3, … in the rest of a line that begins with item 1, as places behind the end of the item before.
fn inline_markers(rest: &str, line: &str) -> Vec<Span> {
    let Some(close) =
        line.strip_prefix('1').and_then(|rest| rest.chars().next()).filter(|c| matches!(c, ')' | '.'))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut from = 0;
    for number in 2..100_u32 {
        let marker = format!(" {number}{close} ");
        let Some(place) = rest.get(from..).and_then(|rest| rest.find(&marker)) else { break };
        found.push(Span { start: place, end: place + marker.len() });
        from += place + marker.len();
    }
    found
}

/// Length in bytes of a list marker (`1.`, `2)`, `a)`, `-`, `*`, `•`, `Step 3:`) with the space after it, 0 for none.
fn marker_length(line: &str) -> usize {
    let rest = line
        .strip_prefix("Step ")
        .or_else(|| line.strip_prefix("step "))
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or(line);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = rest.get(digits..).unwrap_or_default();
    let mut length = line.len() - after.len();
    if digits > 0 && digits <= 3 {
        if !after.starts_with(['.', ')', ':']) || after.get(1..2).is_some_and(|next| !next.starts_with(' ')) {
            return 0;
        }
        length += 1;
    } else if line.starts_with(['-', '*', '•', '–']) && line.chars().nth(1) == Some(' ') {
        length = line.chars().next().map_or(0, char::len_utf8);
    } else if line.len() > 3 && line.as_bytes().get(1) == Some(&b')') && line.starts_with(char::is_alphabetic)
    {
        length = 2;
    } else {
        return 0;
    }
    let space = line.get(length..).map_or(0, |rest| rest.len() - rest.trim_start().len());
    length + space
}

fn cut(text: &str, span: Span, item: bool, found: &mut Vec<Sentence>) {
    let Some(part) = text.get(span.start..span.end) else { return };
    let mut begin = 0;
    let mut first = true;
    let mut depth = 0_usize;
    let mut push = |from: usize, to: usize, found: &mut Vec<Sentence>| {
        let Some(sentence) = part.get(from..to) else { return };
        let trimmed = sentence.trim();
        if trimmed.chars().any(char::is_alphanumeric) {
            let lead = sentence.len() - sentence.trim_start().len();
            let start = span.start + from + lead;
            found.push(Sentence { span: Span { start, end: start + trimmed.len() }, item, first });
            first = false;
        }
    };
    for (place, c) in part.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '.' | '!' | '?' if depth == 0 && ends_sentence(part, place) => {
                push(begin, place + c.len_utf8(), found);
                begin = place + c.len_utf8();
            }
            _ => {}
        }
    }
    push(begin, part.len(), found);
}

fn ends_sentence(part: &str, place: usize) -> bool {
    let after = part.get(place + 1..).unwrap_or_default();
    let next = after.trim_start();
    if next.is_empty() {
        return true;
    }
    // Inside a number or name.
    if after.starts_with(|c: char| !c.is_whitespace() && c != '"' && c != '\'' && c != ')') {
        return false;
    }
    let before = part.get(..place).unwrap_or_default();
    let word =
        before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default().to_lowercase();
    if ABBREVIATIONS.contains(&word.as_str()) {
        return false;
    }
    !next.starts_with(|c: char| c.is_lowercase()) || word.len() > 3
}
