//! From bytes to a tree of raw elements, within limits: the parser never expands or fetches anything, and its depth
//! is bounded, so that everything after it may recurse.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{QName, ResolveResult};
use quick_xml::reader::NsReader;

use crate::error::{Error, Place};
use crate::model::{Line, Prefixes, RawAttribute, RawElement, RawNode};
use crate::xml::namespace::{PREFERRED, XSI};

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 20 * 1024 * 1024;
/// Most elements in a file, diagram included.
pub const MAX_ELEMENTS: usize = 50_000;
/// Deepest nesting of elements.
pub const MAX_DEPTH: usize = 64;
/// Most attributes of one element.
pub const MAX_ATTRIBUTES: usize = 256;
/// Longest id, in bytes.
pub const MAX_ID_BYTES: usize = 1024;

/// A parsed file.
pub(crate) struct Tree {
    pub(crate) root: RawElement,
    /// Prefix → namespace, first declaration wins; the default namespace is not among them.
    pub(super) prefixes: Prefixes,
}

/// Parses a file.
pub(crate) fn parse(bytes: &[u8]) -> Result<Tree, Error> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Error::Limit { what: "bytes", limit: MAX_FILE_BYTES, place: Place::default() });
    }
    let text = decode(bytes)?;
    if let Some(at) = text.find(is_forbidden) {
        let line = text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count() + 1;
        let place = Place::at("", u32::try_from(line).unwrap_or(u32::MAX));
        return Err(Error::Malformed { reason: "it holds a control character".to_owned(), place });
    }
    Parser::over(&text).run()
}

/// Characters that XML 1.0 cannot hold, not even escaped.
pub(super) fn is_forbidden(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Decodes UTF-8, UTF-16 (by byte order mark or by its first characters) and ISO 8859-1 where declared.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, Error> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        if !bytes.len().is_multiple_of(2) {
            return Err(Error::Encoding { reason: "UTF-16 with an odd number of bytes".to_owned() });
        }
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .map_err(|_| Error::Encoding { reason: "invalid UTF-16".to_owned() })
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [b'<', 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, b'<', ..] => utf16(bytes, u16::from_be_bytes),
        _ => {
            let rest = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
            match std::str::from_utf8(rest) {
                Ok(text) => Ok(text.to_owned()),
                Err(_) if declares_latin1(rest) => Ok(rest.iter().map(|&byte| char::from(byte)).collect()),
                Err(error) => {
                    Err(Error::Encoding { reason: format!("invalid UTF-8 at byte {}", error.valid_up_to()) })
                }
            }
        }
    }
}

fn declares_latin1(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).to_ascii_lowercase();
    head.split("?>")
        .next()
        .is_some_and(|declaration| declaration.contains("iso-8859-1") || declaration.contains("windows-1252"))
}

struct Parser<'a> {
    text: &'a str,
    reader: NsReader<&'a [u8]>,
    open: Vec<RawElement>,
    root: Option<RawElement>,
    prefixes: IndexMap<String, String>,
    namespaces: HashMap<String, Arc<str>>,
    elements: usize,
    counted_to: usize,
    line: u32,
}

impl<'a> Parser<'a> {
    fn over(text: &'a str) -> Self {
        let mut reader = NsReader::from_str(text);
        reader.config_mut().check_end_names = true;
        Self {
            text,
            reader,
            open: Vec::new(),
            root: None,
            prefixes: IndexMap::new(),
            namespaces: HashMap::new(),
            elements: 0,
            counted_to: 0,
            line: 1,
        }
    }

    fn run(mut self) -> Result<Tree, Error> {
        loop {
            let before = self.position();
            let event = self.reader.read_event();
            self.count_lines(before);
            match event.map_err(|error| self.malformed(error.to_string()))? {
                Event::Start(start) => {
                    let element = self.element(&start)?;
                    self.open.push(element);
                }
                Event::Empty(start) => {
                    let element = self.element(&start)?;
                    self.close(element)?;
                }
                Event::End(_) => {
                    if let Some(element) = self.open.pop() {
                        self.close(element)?;
                    }
                }
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(data) => self.text(&data.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let resolved = if reference.is_char_ref() {
                        reference.resolve_char_ref().ok().flatten().map(String::from)
                    } else {
                        quick_xml::escape::resolve_predefined_entity(&reference).map(str::to_owned)
                    };
                    let Some(resolved) = resolved.filter(|text| !text.contains(is_forbidden)) else {
                        return Err(self.malformed(format!("the entity &{}; is not defined", &*reference)));
                    };
                    self.text(&resolved)?;
                }
                Event::DocType(_) => return Err(Error::DocumentType { place: self.place() }),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        if let Some(open) = self.open.last() {
            let reason = format!("the file ends inside <{}>", open.local_name);
            return Err(Error::Malformed {
                reason,
                place: Place::at(open.get("id").unwrap_or(""), open.line.0),
            });
        }
        match self.root {
            Some(root) => Ok(Tree { root, prefixes: Prefixes(self.prefixes) }),
            None => Err(Error::NotBpmn { reason: "it holds no element".to_owned(), place: Place::default() }),
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).min(self.text.len())
    }

    /// Brings `line` to where the event that was just read begins.
    fn count_lines(&mut self, to: usize) {
        if let Some(passed) = self.text.as_bytes().get(self.counted_to..to) {
            let newlines = passed.iter().filter(|&&byte| byte == b'\n').count();
            self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
            self.counted_to = to;
        }
    }

    fn place(&self) -> Place {
        Place::at(self.open.last().and_then(|element| element.get("id")).unwrap_or(""), self.line)
    }

    fn malformed(&self, reason: String) -> Error {
        Error::Malformed { reason, place: self.place() }
    }

    fn limit(&self, what: &'static str, limit: usize) -> Error {
        Error::Limit { what, limit, place: self.place() }
    }

    fn element(&mut self, start: &BytesStart<'_>) -> Result<RawElement, Error> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(self.limit("elements", MAX_ELEMENTS));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(self.limit("levels of nesting", MAX_DEPTH));
        }
        let namespace = self.namespace_of(start.name(), true)?;
        let mut element = RawElement {
            namespace,
            local_name: start.local_name().as_ref().to_owned(),
            attributes: Vec::new(),
            children: Vec::new(),
            line: Line(self.line),
        };
        for (index, attribute) in start.attributes().enumerate() {
            if index >= MAX_ATTRIBUTES {
                return Err(self.limit("attributes of one element", MAX_ATTRIBUTES));
            }
            let attribute = attribute.map_err(|error| self.malformed(error.to_string()))?;
            if attribute.value.contains('<') {
                return Err(
                    self.malformed("an attribute holds `<`, which is written `&lt;` there".to_owned())
                );
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| self.malformed(error.to_string()))?;
            if value.contains(is_forbidden) {
                return Err(self.malformed("an attribute holds a control character".to_owned()));
            }
            if attribute.key.as_namespace_binding().is_some() {
                if attribute.key.prefix().is_some() {
                    let prefix = attribute.key.local_name().as_ref().to_owned();
                    self.prefixes.entry(prefix).or_insert_with(|| value.into_owned());
                }
                continue;
            }
            let namespace = self.namespace_of(attribute.key, false)?;
            let local_name = attribute.key.local_name().as_ref().to_owned();
            if local_name == "id" && value.len() > MAX_ID_BYTES {
                return Err(self.limit("bytes in an id", MAX_ID_BYTES));
            }
            let is_type = &*namespace == XSI && local_name == "type";
            let value = if is_type { self.type_name(&value) } else { value.into_owned() };
            element.attributes.push(RawAttribute { namespace, local_name, value });
        }
        Ok(element)
    }

    /// A type name with the prefix that its namespace has when written.
    fn type_name(&self, value: &str) -> String {
        let (resolved, local_name) = self.reader.resolver().resolve(QName(value), true);
        let ResolveResult::Bound(namespace) = resolved else { return value.to_owned() };
        match PREFERRED.iter().find(|(_, uri)| *uri == namespace.as_ref()) {
            Some((prefix, _)) => format!("{prefix}:{}", local_name.as_ref()),
            None => value.to_owned(),
        }
    }

    fn namespace_of(&mut self, name: QName<'_>, is_element: bool) -> Result<Arc<str>, Error> {
        let (resolved, _) = self.reader.resolver().resolve(name, is_element);
        let uri = match resolved {
            // The reader hands a namespace out as it is written; it is a value like that of any attribute.
            ResolveResult::Bound(namespace) => Attribute { key: name, value: namespace.as_ref().into() }
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| self.malformed(error.to_string()))?
                .into_owned(),
            ResolveResult::Unbound => String::new(),
            ResolveResult::Unknown(prefix) => {
                return Err(self.malformed(format!("the prefix {prefix} is not declared")));
            }
        };
        if let Some(known) = self.namespaces.get(&uri) {
            return Ok(Arc::clone(known));
        }
        let shared: Arc<str> = uri.as_str().into();
        self.namespaces.insert(uri, Arc::clone(&shared));
        Ok(shared)
    }

    fn close(&mut self, mut element: RawElement) -> Result<(), Error> {
        if element.children.iter().any(|child| matches!(child, RawNode::Element(_))) {
            let is_blank = |child: &RawNode| matches!(child, RawNode::Text(text) if text.trim().is_empty());
            element.children.retain(|child| !is_blank(child));
        }
        if let Some(parent) = self.open.last_mut() {
            parent.children.push(RawNode::Element(element));
        } else if self.root.is_none() {
            self.root = Some(element);
        } else {
            return Err(self.malformed("there is a second root element".to_owned()));
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        let Some(parent) = self.open.last_mut() else {
            if text.trim().is_empty() {
                return Ok(());
            }
            return Err(self.malformed("there is text outside of the root element".to_owned()));
        };
        if let Some(RawNode::Text(before)) = parent.children.last_mut() {
            before.push_str(text);
        } else {
            parent.children.push(RawNode::Text(text.to_owned()));
        }
        Ok(())
    }
}
