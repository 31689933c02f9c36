//! XML kept as it is: extension elements, unknown elements and attributes.

use std::sync::Arc;

use indexmap::IndexMap;

/// A line number in the source file, 0 where unknown. All lines are equal, so that two models that differ only in
/// where they stand in a file are equal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line(pub u32);

impl PartialEq for Line {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Line {}

/// Prefix → namespace as a file declares them. All are equal: which prefixes a file uses says nothing.
#[derive(Clone, Debug, Default)]
pub struct Prefixes(pub IndexMap<String, String>);

impl PartialEq for Prefixes {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// An element with everything in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawElement {
    /// Namespace, empty where it has none.
    pub namespace: Arc<str>,
    /// Name without prefix.
    pub local_name: String,
    /// Attributes in document order, without namespace declarations.
    pub attributes: Vec<RawAttribute>,
    /// Contents. White space between elements is not kept.
    pub children: Vec<RawNode>,
    /// Where it stood.
    pub line: Line,
}

/// What stands inside an element.
#[derive(Clone, Debug, PartialEq)]
pub enum RawNode {
    /// An element.
    Element(RawElement),
    /// Text, unescaped.
    Text(String),
}

/// An attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawAttribute {
    /// Namespace, empty for an attribute without prefix.
    pub namespace: Arc<str>,
    /// Name without prefix.
    pub local_name: String,
    /// Value, unescaped.
    pub value: String,
}

pub(crate) fn find_attribute<'a>(
    attributes: &'a [RawAttribute],
    namespace: &str,
    local_name: &str,
) -> Option<&'a str> {
    attributes
        .iter()
        .find(|each| each.local_name == local_name && &*each.namespace == namespace)
        .map(|each| each.value.as_str())
}

impl RawAttribute {
    /// An attribute.
    #[must_use]
    pub fn named(namespace: &str, local_name: &str, value: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), local_name: local_name.to_owned(), value: value.into() }
    }
}

impl RawElement {
    /// An empty element.
    #[must_use]
    pub fn named(namespace: &str, local_name: &str) -> Self {
        Self { namespace: namespace.into(), local_name: local_name.to_owned(), ..Self::default() }
    }

    /// The same with one more attribute without namespace.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: impl Into<String>) -> Self {
        self.attributes.push(RawAttribute::named("", attribute, value));
        self
    }

    /// The same with one more child element.
    #[must_use]
    pub fn with_child(mut self, child: Self) -> Self {
        self.children.push(RawNode::Element(child));
        self
    }

    /// The same with text inside.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.children.push(RawNode::Text(text.into()));
        self
    }

    /// Whether it has this name.
    #[must_use]
    pub fn is(&self, namespace: &str, local_name: &str) -> bool {
        self.local_name == local_name && &*self.namespace == namespace
    }

    /// The value of an attribute without namespace.
    #[must_use]
    pub fn get(&self, local_name: &str) -> Option<&str> {
        find_attribute(&self.attributes, "", local_name)
    }

    /// Its child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            RawNode::Element(element) => Some(element),
            RawNode::Text(_) => None,
        })
    }

    /// Its child elements with this name, in its own namespace.
    pub fn elements_named<'a>(&'a self, local_name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.elements().filter(move |each| each.is(&self.namespace, local_name))
    }

    /// The text directly inside, trimmed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for node in &self.children {
            if let RawNode::Text(part) = node {
                text.push_str(part);
            }
        }
        text.trim().to_owned()
    }
}
