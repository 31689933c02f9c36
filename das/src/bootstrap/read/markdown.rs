//! Markdown: headings group, list items and table rows are requirements, and so are paragraphs that begin with an
//! id or say `shall`.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{Source, SourceItem, identifier};

#[derive(Default)]
struct Reader {
    source: Source,
    group: Option<String>,
    /// Texts being collected, innermost last: list items may hold lists.
    open: Vec<Open>,
    heading: Option<(HeadingLevel, String)>,
    /// Header and current row of a table.
    header: Vec<String>,
    row: Vec<String>,
    in_cell: bool,
    in_header: bool,
}

struct Open {
    text: String,
    line: u32,
    is_item: bool,
    /// Place of the item among the results once it is known.
    place: Option<usize>,
}

pub(super) fn read(text: &str) -> Source {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1))
        .collect();
    let line_of =
        |offset: usize| u32::try_from(starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX);
    let mut reader = Reader::default();
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        reader.take(event, line_of(range.start));
    }
    reader.source
}

impl Reader {
    fn take(&mut self, event: Event<'_>, line: u32) {
        match event {
            Event::Start(tag) => self.start(&tag, line),
            Event::End(tag) => self.end(tag, line),
            Event::Text(text) => self.push(&text),
            Event::Code(text) => self.push(&text),
            Event::SoftBreak | Event::HardBreak => self.push(" "),
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        if let Some((_, heading)) = &mut self.heading {
            heading.push_str(text);
        } else if self.in_cell {
            if let Some(cell) = self.row.last_mut() {
                cell.push_str(text);
            }
        } else if let Some(open) = self.open.last_mut() {
            open.text.push_str(text);
        }
    }

    fn start(&mut self, tag: &Tag<'_>, line: u32) {
        match tag {
            Tag::Heading { level, .. } => self.heading = Some((*level, String::new())),
            Tag::Item => self.open.push(Open { text: String::new(), line, is_item: true, place: None }),
            // The text of an item ends where its inner list begins.
            Tag::List(_) => self.finish_item(),
            Tag::Paragraph => {
                if let Some(open) = self.open.last_mut() {
                    open.text.push(' ');
                } else {
                    self.open.push(Open { text: String::new(), line, is_item: false, place: None });
                }
            }
            Tag::Strong => self.push("**"),
            Tag::TableHead => {
                self.in_header = true;
                self.row.clear();
            }
            Tag::TableRow => self.row.clear(),
            Tag::TableCell => {
                self.row.push(String::new());
                self.in_cell = true;
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, line: u32) {
        match tag {
            TagEnd::Heading(_) => {
                if let Some((level, text)) = self.heading.take() {
                    let text = text.replace("**", "").trim().to_owned();
                    if level == HeadingLevel::H1 && self.source.title.is_none() {
                        self.source.title = Some(text);
                    } else {
                        self.group = (!text.is_empty()).then_some(text);
                    }
                }
            }
            TagEnd::Strong => self.push("**"),
            TagEnd::Item => {
                self.finish_item();
                self.open.pop();
            }
            TagEnd::Paragraph => {
                if self.open.last().is_some_and(|open| !open.is_item)
                    && let Some(open) = self.open.pop()
                {
                    self.paragraph(&open);
                }
            }
            TagEnd::TableCell => self.in_cell = false,
            TagEnd::TableHead => {
                self.in_header = false;
                self.header = self.row.iter().map(|cell| cell.trim().to_ascii_lowercase()).collect();
            }
            TagEnd::TableRow => self.table_row(line),
            _ => {}
        }
    }

    /// Writes down the item whose text is complete.
    fn finish_item(&mut self) {
        let parent = self
            .open
            .iter()
            .rev()
            .skip(1)
            .find_map(|open| open.place)
            .and_then(|place| self.source.items.get(place))
            .map(|item| item.id.clone())
            .filter(|id| !id.is_empty());
        let place = self.source.items.len();
        let group = self.group.clone();
        let Some(open) = self.open.last_mut() else { return };
        if !open.is_item || open.place.is_some() || open.text.trim().is_empty() {
            return;
        }
        let (id, text) = identifier::split(&open.text);
        open.place = Some(place);
        let line = open.line;
        self.source.items.push(SourceItem {
            id: id.unwrap_or_default(),
            text: plain(&text),
            group,
            parent,
            kind: None,
            line,
        });
    }

    fn paragraph(&mut self, open: &Open) {
        let (id, text) = identifier::split(&open.text);
        let says = text.to_ascii_lowercase();
        if id.is_some() || says.contains(" shall ") || says.contains(" must ") {
            let group = self.group.clone();
            self.source.items.push(SourceItem {
                id: id.unwrap_or_default(),
                text: plain(&text),
                group,
                line: open.line,
                ..SourceItem::default()
            });
        }
    }

    fn table_row(&mut self, line: u32) {
        if self.in_header {
            return;
        }
        let column = |names: &[&str]| self.header.iter().position(|name| names.contains(&name.as_str()));
        let text = column(&["text", "requirement", "description", "statement"]);
        let id = column(&["id", "key", "no", "nr", "req"]);
        let (id, text) = match (id, text) {
            (id, Some(text)) => (id, text),
            _ if self.row.len() >= 2 && self.row.iter().any(|cell| cell.contains(" shall ")) => {
                (Some(0), self.row.iter().position(|cell| cell.contains(" shall ")).unwrap_or(1))
            }
            _ => return,
        };
        let cell = |i: usize| self.row.get(i).map(|cell| plain(cell)).filter(|cell| !cell.is_empty());
        let Some(text) = cell(text) else { return };
        let kind = column(&["kind", "type", "category"]).and_then(cell);
        let parent = column(&["parent"]).and_then(cell);
        let item = SourceItem {
            id: id.and_then(cell).unwrap_or_default(),
            text,
            group: self.group.clone(),
            parent,
            kind,
            line,
        };
        self.source.items.push(item);
    }
}

fn plain(text: &str) -> String {
    text.replace("**", "").split_whitespace().collect::<Vec<_>>().join(" ")
}
