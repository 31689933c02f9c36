//! The shape of a query: how deep its brackets go as text, and how big it is with its fragments written out.

use std::collections::HashMap;

use async_graphql::Positioned;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// How big a selection is with its fragments written out; sums stop at the largest number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Fields.
    pub(crate) selections: usize,
    /// Fields under another name.
    pub(crate) aliases: usize,
    /// Fields within fields.
    pub(crate) depth: usize,
}

impl Shape {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.depth = self.depth.max(other.depth);
    }
}

/// How many brackets are open at once in a text, outside of strings and comments.
pub(crate) fn brackets(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = text;
    while let Some(at) = rest.find(['{', '[', '(', '}', ']', ')', '"', '#']) {
        let (_, from) = rest.split_at(at);
        let skip = match from.as_bytes().first() {
            Some(b'{' | b'[' | b'(') => {
                depth += 1;
                deepest = deepest.max(depth);
                1
            }
            Some(b'#') => from.find(['\n', '\r']).unwrap_or(from.len()),
            Some(b'"') if from.starts_with("\"\"\"") => block_string(from),
            Some(b'"') => string(from),
            _ => {
                depth = depth.saturating_sub(1);
                1
            }
        };
        rest = from.get(skip..).unwrap_or_default();
    }
    deepest
}

/// Length of the block string a text starts with.
fn block_string(text: &str) -> usize {
    let mut at = 3;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("\"\"\"")) {
        let end = at + found;
        if !text.get(..end).is_some_and(|before| before.ends_with('\\')) {
            return end + 3;
        }
        at = end + 3;
    }
    text.len()
}

/// Length of the string a text starts with; a string ends with its line at the latest.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' | '\n' | '\r' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The shape of a document's operations; `None` where a fragment contains itself. Each fragment is looked at once,
/// so that this is linear in the text, however often fragments name each other. The text's nesting is bounded
/// before ([`brackets`]), and so is the recursion here.
pub(crate) fn shape(document: &ExecutableDocument) -> Option<Shape> {
    let mut walk = Walk { document, known: HashMap::new(), open: Vec::new() };
    let mut whole = Shape::default();
    for (_, operation) in document.operations.iter() {
        whole.add(walk.set(&operation.node.selection_set)?);
    }
    Some(whole)
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    known: HashMap<&'a str, Shape>,
    open: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a Positioned<SelectionSet>) -> Option<Shape> {
        let mut whole = Shape::default();
        for item in &set.node.items {
            let part = match &item.node {
                Selection::Field(field) => {
                    let mut part = self.set(&field.node.selection_set)?;
                    part.depth += 1;
                    part.selections = part.selections.saturating_add(1);
                    part.aliases = part.aliases.saturating_add(usize::from(field.node.alias.is_some()));
                    part
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set)?,
                Selection::FragmentSpread(spread) => {
                    self.fragment(spread.node.fragment_name.node.as_str())?
                }
            };
            whole.add(part);
        }
        Some(whole)
    }

    fn fragment(&mut self, name: &'a str) -> Option<Shape> {
        if let Some(known) = self.known.get(name) {
            return Some(*known);
        }
        // A chain of fragments is as deep as the recursion here.
        if self.open.contains(&name) || self.open.len() > super::BRACKETS_LIMIT {
            return None;
        }
        // A fragment that is not there is found by validation.
        let Some(fragment) = self.document.fragments.get(name) else { return Some(Shape::default()) };
        self.open.push(name);
        let found = self.set(&fragment.node.selection_set);
        self.open.pop();
        let found = found?;
        self.known.insert(name, found);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        assert_eq!(brackets("{ a(x: \"{{{\\\"{\") # {{{{\n { b } }"), 2);
        assert_eq!(brackets("{ a(x: \"\"\"{{ \\\"\"\" {{\"\"\") }"), 2);
        assert_eq!(brackets(&"{".repeat(1000)), 1000);
        assert_eq!(brackets("\"never closed {{{"), 0);
    }

    #[test]
    fn fragments_count_as_often_as_they_are_named() {
        let text = "{ ...A ...A } fragment A on Q { x: a { ...B ...B } } fragment B on Q { b c: b }";
        let document = async_graphql::parser::parse_query(text).unwrap();
        assert_eq!(shape(&document), Some(Shape { selections: 10, aliases: 6, depth: 2 }));
    }

    #[test]
    fn a_chain_of_doubling_fragments_is_measured_without_being_written_out() {
        let mut text = "{ ...F0 }".to_owned();
        for n in 0..60 {
            text.push_str(&format!(" fragment F{n} on Q {{ ...F{} ...F{} }}", n + 1, n + 1));
        }
        text.push_str(" fragment F60 on Q { a b c d e f g h i j k l m n o p q }");
        let document = async_graphql::parser::parse_query(text).unwrap();
        assert_eq!(shape(&document).map(|shape| shape.selections), Some(usize::MAX));
    }

    #[test]
    fn a_fragment_that_contains_itself_has_no_shape() {
        let text = "{ ...A } fragment A on Q { a { ...B } } fragment B on Q { b { ...A } }";
        assert_eq!(shape(&async_graphql::parser::parse_query(text).unwrap()), None);
    }
}
