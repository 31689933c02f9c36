//! ReqIF 1.2 in: objects become requirements, relations become links, headings become groups. Tools write the
//! format in several dialects, so nothing is demanded that a reader can do without: types without names, attributes
//! without definitions, relations without types, a hierarchy or none.

mod write;

use std::collections::BTreeMap;

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::{Imported, Relation, Remark};
use crate::Error;
use crate::model::Requirement;

pub use write::{Written, write};

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 512 * 1024 * 1024;
/// Deepest nesting of elements.
pub const MAX_DEPTH: usize = 256;
/// Most objects and relations together.
pub const MAX_OBJECTS: usize = 250_000;
/// Longest value of an attribute, in bytes.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;

/// Names under which tools keep the text of a requirement, the surest first.
const TEXT_NAMES: &[&str] =
    &["reqif.text", "object text", "text", "primary text", "description", "reqif.description", "statement"];
/// Names under which they keep a heading.
const HEADING_NAMES: &[&str] = &["reqif.chaptername", "object heading", "heading"];
/// Names under which they keep a short name.
const NAME_NAMES: &[&str] = &["reqif.name", "name", "title", "object short text"];

#[derive(Default)]
struct Object {
    id: String,
    long_name: Option<String>,
    description: Option<String>,
    type_ref: Option<String>,
    values: Vec<Value>,
    line: u32,
}

/// A value of an attribute: the definition it belongs to, its plain text, and its markup where it has some.
#[derive(Default)]
struct Value {
    definition: String,
    text: String,
    markup: Option<String>,
    enums: Vec<String>,
}

#[derive(Default)]
struct Arrow {
    id: String,
    source: Option<String>,
    target: Option<String>,
    type_ref: Option<String>,
    line: u32,
}

/// A place in the outline: the object it shows, and the place above it.
struct Place {
    object: Option<String>,
    above: Option<usize>,
}

/// What was read before it is put together.
#[derive(Default)]
struct Content {
    title: Option<String>,
    names: BTreeMap<String, String>,
    objects: Vec<Object>,
    arrows: Vec<Arrow>,
    places: Vec<Place>,
}

/// Reads a ReqIF file.
///
/// # Errors
/// [`Error::Malformed`] with the line, for what is no XML, no ReqIF, or names one object twice; [`Error::Limit`].
pub fn read(text: &str) -> Result<Imported, Error> {
    if text.len() > MAX_FILE_BYTES {
        return Err(Error::Limit { limit: "MAX_FILE_BYTES", detail: format!("{} bytes", text.len()) });
    }
    let content = Parser::over(text).run()?;
    put_together(content)
}

struct Parser<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    open: Vec<String>,
    is_begun: bool,
    /// Text of the element that is open.
    said: String,
    content: Content,
    object: Option<Object>,
    arrow: Option<Arrow>,
    value: Option<Value>,
    /// Where the markup of a value begins, and how deep it lies.
    markup: Option<(usize, usize)>,
    outline: Vec<usize>,
    counted_to: usize,
    line: u32,
}

impl<'a> Parser<'a> {
    fn over(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        Self {
            text,
            reader,
            open: Vec::new(),
            is_begun: false,
            said: String::new(),
            content: Content::default(),
            object: None,
            arrow: None,
            value: None,
            markup: None,
            outline: Vec::new(),
            counted_to: 0,
            line: 1,
        }
    }

    fn run(mut self) -> Result<Content, Error> {
        loop {
            let before = self.position();
            let event = self.reader.read_event();
            self.count_lines(before);
            match event.map_err(|error| self.malformed(error.to_string()))? {
                Event::Start(start) => self.start(&start)?,
                Event::Empty(start) => {
                    self.start(&start)?;
                    self.end(before)?;
                }
                Event::End(_) => self.end(before)?,
                Event::Text(text) => self.characters(&text.xml10_content())?,
                Event::CData(data) => self.characters(&data.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let resolved = if reference.is_char_ref() {
                        reference.resolve_char_ref().ok().flatten().map(String::from)
                    } else {
                        resolve_predefined_entity(&reference).map(str::to_owned)
                    };
                    let unknown = || self.malformed(format!("the entity &{}; is not defined", &*reference));
                    let resolved = resolved.ok_or_else(unknown)?;
                    self.characters(&resolved)?;
                }
                Event::DocType(_) => {
                    return Err(
                        self.malformed("a document type is not read: it could define entities".into())
                    );
                }
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        match self.open.last() {
            Some(open) => Err(self.malformed(format!("the file ends inside <{open}>"))),
            None if !self.is_begun => Err(self.malformed("the file holds no element".to_owned())),
            None => Ok(self.content),
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).min(self.text.len())
    }

    fn count_lines(&mut self, to: usize) {
        if let Some(passed) = self.text.as_bytes().get(self.counted_to..to) {
            let newlines = passed.iter().filter(|&&byte| byte == b'\n').count();
            self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
            self.counted_to = to;
        }
    }

    fn malformed(&self, reason: String) -> Error {
        Error::Malformed { format: "ReqIF", line: self.line, reason }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Error> {
        let name = start.local_name().as_ref().to_owned();
        if self.open.is_empty() && name != "REQ-IF" {
            return Err(self.malformed(format!("its first element is <{name}>, not <REQ-IF>")));
        }
        if self.open.len() >= MAX_DEPTH {
            let detail = format!("line {}: elements nest deeper than {MAX_DEPTH}", self.line);
            return Err(Error::Limit { limit: "MAX_DEPTH", detail });
        }
        self.is_begun = true;
        self.said.clear();
        self.open.push(name.clone());
        if self.markup.is_some() {
            return Ok(());
        }
        let mut attributes = self.attributes(start)?;
        let mut attribute = |name: &str| attributes.remove(name).filter(|value| !value.trim().is_empty());
        let id = attribute("IDENTIFIER");
        let long_name = attribute("LONG-NAME");
        match name.as_str() {
            "SPEC-OBJECT" => {
                let id = id.ok_or_else(|| self.malformed("a SPEC-OBJECT has no IDENTIFIER".into()))?;
                let description = attribute("DESC");
                let line = self.line;
                self.object = Some(Object { id, long_name, description, line, ..Object::default() });
            }
            "SPEC-RELATION" => {
                let id = id.unwrap_or_default();
                self.arrow = Some(Arrow { id, line: self.line, ..Arrow::default() });
            }
            "SPEC-HIERARCHY" => {
                let above = self.outline.last().copied();
                self.outline.push(self.content.places.len());
                self.content.places.push(Place { object: None, above });
            }
            "THE-VALUE" => self.markup = Some((self.position(), self.open.len())),
            // A specification's heading is its title where the header has none.
            "SPECIFICATION" => {
                if self.content.title.is_none() {
                    self.content.title = long_name;
                }
            }
            _ if name.starts_with("ATTRIBUTE-VALUE-") => {
                let text = attribute("THE-VALUE").unwrap_or_default();
                self.value = Some(Value { text, ..Value::default() });
            }
            _ => {
                if let (Some(id), Some(name)) = (id, long_name) {
                    self.content.names.insert(id, name);
                }
            }
        }
        Ok(())
    }

    fn attributes(&self, start: &BytesStart<'_>) -> Result<BTreeMap<String, String>, Error> {
        let mut found = BTreeMap::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| self.malformed(error.to_string()))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| self.malformed(error.to_string()))?;
            self.check_length(value.len())?;
            found.insert(attribute.key.local_name().as_ref().to_owned(), value.into_owned());
        }
        Ok(found)
    }

    fn check_length(&self, bytes: usize) -> Result<(), Error> {
        if bytes > MAX_VALUE_BYTES {
            let detail = format!("line {}: a value of {bytes} bytes", self.line);
            return Err(Error::Limit { limit: "MAX_VALUE_BYTES", detail });
        }
        Ok(())
    }

    fn characters(&mut self, text: &str) -> Result<(), Error> {
        if self.markup.is_some() {
            if let Some(value) = &mut self.value {
                value.text.push_str(text);
                let bytes = value.text.len();
                self.check_length(bytes)?;
            }
            return Ok(());
        }
        self.said.push_str(text);
        self.check_length(self.said.len())
    }

    /// Takes what an element that ends here says in words.
    fn said(&mut self) {
        let said = std::mem::take(&mut self.said);
        let text = said.trim();
        let Some(name) = self.open.last().filter(|_| !text.is_empty()) else { return };
        let within = self.open.iter().rev().nth(1).map_or("", String::as_str);
        match (name.as_str(), within) {
            ("TITLE", "REQ-IF-HEADER") => self.content.title = Some(text.to_owned()),
            ("SPEC-OBJECT-REF", "OBJECT") => {
                if let Some(place) = self.outline.last().and_then(|at| self.content.places.get_mut(*at)) {
                    place.object = Some(text.to_owned());
                }
            }
            ("SPEC-OBJECT-REF", end) => {
                if let Some(arrow) = &mut self.arrow {
                    let end = if end == "SOURCE" { &mut arrow.source } else { &mut arrow.target };
                    *end = Some(text.to_owned());
                }
            }
            ("SPEC-OBJECT-TYPE-REF", _) => {
                if let Some(object) = &mut self.object {
                    object.type_ref = Some(text.to_owned());
                }
            }
            ("SPEC-RELATION-TYPE-REF", _) => {
                if let Some(arrow) = &mut self.arrow {
                    arrow.type_ref = Some(text.to_owned());
                }
            }
            ("ENUM-VALUE-REF", _) => {
                if let Some(value) = &mut self.value {
                    value.enums.push(text.to_owned());
                }
            }
            (_, "DEFINITION") => {
                if let Some(value) = &mut self.value {
                    text.clone_into(&mut value.definition);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, before: usize) -> Result<(), Error> {
        let depth = self.open.len();
        if self.markup.is_none() {
            self.said();
        }
        let Some(name) = self.open.pop() else { return Ok(()) };
        if let Some((from, at)) = self.markup {
            // A block of markup ends a line of plain text.
            if depth > at
                && matches!(name.as_str(), "div" | "p" | "br" | "li" | "tr" | "h1" | "h2" | "h3")
                && let Some(value) = &mut self.value
            {
                value.text.push('\n');
            }
            if depth == at {
                self.markup = None;
                let markup = self.text.get(from..before).map(str::trim).unwrap_or_default().to_owned();
                if let Some(value) = &mut self.value {
                    value.markup = Some(markup).filter(|markup| markup.contains('<'));
                }
            }
            return Ok(());
        }
        match name.as_str() {
            "SPEC-OBJECT" => self.content.objects.extend(self.object.take()),
            "SPEC-RELATION" => self.content.arrows.extend(self.arrow.take()),
            "SPEC-HIERARCHY" => {
                self.outline.pop();
            }
            _ if name.starts_with("ATTRIBUTE-VALUE-") => {
                // Default values of types belong to no object.
                if let (Some(value), Some(object)) = (self.value.take(), &mut self.object) {
                    object.values.push(value);
                }
            }
            _ => {}
        }
        let count = self.content.objects.len() + self.content.arrows.len();
        if count > MAX_OBJECTS {
            let detail = format!("line {}: more than {MAX_OBJECTS} objects and relations", self.line);
            return Err(Error::Limit { limit: "MAX_OBJECTS", detail });
        }
        Ok(())
    }
}

/// The plain text of markup; of what cannot be read as such, nothing.
pub(super) fn plain(markup: &str) -> String {
    let wrapped = format!(
        "<REQ-IF><SPEC-OBJECT IDENTIFIER=\"x\"><ATTRIBUTE-VALUE-XHTML><THE-VALUE>{markup}</THE-VALUE></ATTRIBUTE-VALUE-XHTML></SPEC-OBJECT></REQ-IF>"
    );
    let read = Parser::over(&wrapped).run().unwrap_or_default();
    let value = read.objects.first().and_then(|object| object.values.first());
    value.map_or_else(String::new, |value| tidy(&value.text))
}

/// Text without the blank lines and margins that markup leaves.
fn tidy(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// An object as its attributes describe it.
struct Described {
    requirement: Requirement,
    heading: Option<String>,
}

fn describe(object: Object, names: &BTreeMap<String, String>) -> Described {
    let mut attributes: BTreeMap<String, String> = BTreeMap::new();
    let mut plain: Vec<(String, String)> = Vec::new();
    for value in object.values {
        let name = names.get(&value.definition).cloned().unwrap_or(value.definition);
        if name.is_empty() {
            continue;
        }
        if !value.enums.is_empty() {
            let said = value.enums.iter().map(|id| names.get(id).unwrap_or(id).as_str());
            attributes.insert(name, said.collect::<Vec<_>>().join("; "));
            continue;
        }
        let text = tidy(&value.text);
        if text.is_empty() && value.markup.is_none() {
            continue;
        }
        if !text.is_empty() {
            plain.push((name.clone(), text.clone()));
        }
        attributes.insert(name, value.markup.unwrap_or(text));
    }
    let named = |wanted: &[&str]| {
        wanted.iter().find_map(|name| {
            let found = plain.iter().find(|(attribute, _)| attribute.eq_ignore_ascii_case(name));
            found.map(|(_, text)| text.clone())
        })
    };
    let heading = named(HEADING_NAMES);
    let by_suffix = || {
        let is_text = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.ends_with("text") || name.ends_with("txt")
        };
        plain.iter().find(|(name, _)| is_text(name)).map(|(_, text)| text.clone())
    };
    let sentence = || {
        let longest = plain.iter().filter(|(_, text)| text.contains(' ')).max_by_key(|(_, text)| text.len());
        longest.map(|(_, text)| text.clone())
    };
    let said = named(TEXT_NAMES).or_else(by_suffix);
    let is_heading = said.is_none() && heading.is_some();
    let text = said
        .or_else(|| heading.clone())
        .or_else(sentence)
        .or_else(|| named(NAME_NAMES))
        .or_else(|| object.long_name.clone())
        .or(object.description)
        .unwrap_or_default();
    if let Some(name) = object.long_name {
        attributes.insert("LONG-NAME".to_owned(), name);
    }
    let kind = object.type_ref.map(|id| names.get(&id).cloned().unwrap_or(id));
    let line = Some(object.line);
    let requirement = Requirement { id: object.id, text, kind, attributes, line, ..Requirement::default() };
    Described { requirement, heading: heading.filter(|_| is_heading) }
}

fn put_together(content: Content) -> Result<Imported, Error> {
    let Content { title, names, objects, arrows, places } = content;
    let mut out = Imported { title, ..Imported::default() };
    let mut order: Vec<String> = Vec::new();
    let mut described: BTreeMap<String, Described> = BTreeMap::new();
    for object in objects {
        let (id, line) = (object.id.clone(), object.line);
        order.push(id.clone());
        if described.insert(id.clone(), describe(object, &names)).is_some() {
            let reason = format!("the object {id} is there twice");
            return Err(Error::Malformed { format: "ReqIF", line, reason });
        }
    }
    let mut missing = 0;
    let mut placed: BTreeMap<String, (Option<String>, Option<String>)> = BTreeMap::new();
    for place in &places {
        let Some(object) = place.object.as_ref() else { continue };
        if !described.contains_key(object) {
            missing += 1;
            continue;
        }
        placed.entry(object.clone()).or_insert_with(|| above(place, &places, &described));
    }
    out.remark(missing, "places in the outline show an object that is not in the file");
    let mut headings = 0;
    for id in &order {
        let Some(Described { requirement, heading }) = described.get(id) else { continue };
        if heading.is_some() {
            headings += 1;
            continue;
        }
        let (group, parent) = placed.get(id).cloned().unwrap_or_default();
        let requirement = Requirement { group, parent, ..requirement.clone() };
        if requirement.text.is_empty() {
            out.remarks.push(Remark { what: format!("{id} has no text"), line: requirement.line });
        }
        out.requirements.push(requirement);
    }
    out.remark(headings, "headings became the groups of what stands under them");
    let is_kept = |id: &str| described.get(id).is_some_and(|found| found.heading.is_none());
    let mut dangling = 0;
    for arrow in arrows {
        let (Some(source), Some(target)) = (arrow.source, arrow.target) else {
            dangling += 1;
            continue;
        };
        if !is_kept(&source) || !is_kept(&target) {
            let what =
                format!("relation {} joins {source} and {target}, of which one is no requirement", arrow.id);
            out.remarks.push(Remark { what, line: Some(arrow.line) });
            continue;
        }
        let name = arrow.type_ref.map(|id| names.get(&id).cloned().unwrap_or(id));
        out.relations.push(Relation { id: arrow.id, source, target, name });
    }
    out.remark(dangling, "relations have no source or no target");
    Ok(out)
}

/// Heading and requirement above a place in the outline.
fn above(
    place: &Place,
    places: &[Place],
    described: &BTreeMap<String, Described>,
) -> (Option<String>, Option<String>) {
    let mut at = place.above;
    let mut parent = None;
    while let Some(found) = at.and_then(|at| places.get(at)) {
        if let Some((id, object)) = found.object.as_ref().and_then(|id| described.get_key_value(id)) {
            match &object.heading {
                Some(heading) => return (Some(heading.clone()), parent),
                None => {
                    // An object may stand under itself in a careless outline.
                    parent =
                        parent.or_else(|| Some(id.clone()).filter(|id| place.object.as_ref() != Some(id)));
                }
            }
        }
        at = found.above;
    }
    (None, parent)
}
