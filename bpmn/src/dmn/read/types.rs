//! Types that a file defines itself (`itemDefinition`, DMN 1.5 § 7.3.3): another name for a built-in type, with allowed
//! values or not. Of structured types and lists only that they are contexts and lists is kept.

use std::collections::HashMap;

use super::{Reader, child, said, text_of};
use crate::expression::{Expression, ValueType};
use crate::model::RawElement;

/// How many names may stand for one another in a row.
const MAX_ALIASES: usize = 16;

/// What a type name says.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedType {
    /// The built-in type; `None`: any.
    pub(super) value_type: Option<ValueType>,
    /// Allowed values.
    pub(super) allowed: Option<Expression>,
}

/// The types of a file.
#[derive(Debug, Default)]
pub(super) struct Types<'a> {
    by_name: HashMap<&'a str, Definition<'a>>,
}

#[derive(Debug)]
struct Definition<'a> {
    kind: Kind<'a>,
    allowed: Option<Expression>,
}

#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    Alias(&'a str),
    List,
    Context,
}

impl Types<'_> {
    /// What a name stands for; any value where it is unknown.
    pub(super) fn of(&self, name: &str) -> NamedType {
        let mut name = name;
        let mut allowed = None;
        for _ in 0..MAX_ALIASES {
            let Some(definition) = self.by_name.get(name) else { break };
            allowed = allowed.or_else(|| definition.allowed.clone());
            match definition.kind {
                Kind::Alias(other) => name = other,
                // Allowed values of a list are those of its items.
                Kind::List => return NamedType { value_type: Some(ValueType::List), allowed: None },
                Kind::Context => return NamedType { value_type: Some(ValueType::Context), allowed },
            }
        }
        NamedType { value_type: ValueType::named(name), allowed }
    }
}

impl<'a> Reader<'a> {
    /// Takes in the types that the file defines.
    pub(super) fn item_definitions(&mut self, root: &'a RawElement) {
        for element in root.elements_named("itemDefinition") {
            let Some(name) = said(element, "name") else { continue };
            let is_list = element.get("isCollection") == Some("true");
            let base = child(element, "typeRef");
            let kind = match base {
                _ if is_list => Kind::List,
                Some(base) => Kind::Alias(alias(base)),
                None => Kind::Context,
            };
            let allowed = child(element, "allowedValues").and_then(|values| {
                let text = text_of(values);
                (!text.is_empty()).then(|| self.tests(element, values, "allowed values", &text)).flatten()
            });
            self.types.by_name.insert(name, Definition { kind, allowed });
        }
    }
}

/// The name inside a `typeRef` element.
fn alias(element: &RawElement) -> &str {
    element
        .children
        .iter()
        .find_map(|node| match node {
            crate::model::RawNode::Text(text) => Some(text.trim()),
            crate::model::RawNode::Element(_) => None,
        })
        .unwrap_or_default()
}
