//! The fields of nodes by which lists are filtered and ordered: what each says of a node.

use std::fmt::Write;

use crate::index::{SystemIndex, Version, natural_key};
use crate::model::Node;

/// A field of a node. A kind that has no such field says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Its id.
    Id,
    /// The text of a requirement, the name of anything else, the rationale of a link.
    Label,
    /// The heading a requirement stands under.
    Group,
    /// The kind of a requirement, a constraint or a link.
    Kind,
    /// EARS pattern of a requirement.
    Pattern,
    /// Who shall do it, of a requirement; what is bounded, of a constraint.
    Subject,
    /// The requirement it refines, the component it is a part of.
    Parent,
    /// How a requirement will be shown to hold.
    Verification,
    /// Kinds of findings of a requirement.
    Finding,
    /// Components a requirement is allocated to; the one that performs a function or owns a process.
    Component,
    /// The process that realises a function; the BPMN process of a process.
    Process,
    /// Where an interface or a link starts.
    Source,
    /// Where it ends.
    Target,
    /// What flows over an interface.
    Item,
    /// What a constraint bounds.
    Property,
    /// The comparator of a constraint.
    Comparator,
    /// What a component is for.
    Description,
    /// The bound of a constraint, in SI units.
    Value,
    /// The change set that put the node as it is.
    Changed,
    /// Whether a component answers for a requirement.
    IsAllocated,
    /// Whether a function satisfies a requirement, or a function satisfies one.
    IsSatisfied,
    /// Whether a requirement has a verification method and a criterion.
    IsVerifiable,
    /// Whether a process realises a function, or a process realises one.
    IsRealised,
}

/// Fields with a word or a few, of which it is known for each value which nodes have it.
pub(crate) const WORDED: &[Field] = &[
    Field::Group,
    Field::Kind,
    Field::Pattern,
    Field::Subject,
    Field::Parent,
    Field::Verification,
    Field::Finding,
    Field::Component,
    Field::Source,
    Field::Target,
    Field::Item,
    Field::Property,
    Field::Comparator,
];
/// Fields that follow from links and are true or false.
pub(crate) const FLAGS: &[Field] =
    &[Field::IsAllocated, Field::IsSatisfied, Field::IsVerifiable, Field::IsRealised];

/// What a field says of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Texts<'a> {
    /// The kind has no such field.
    Nothing,
    /// One text, where it is given.
    One(Option<&'a str>),
    /// Any number of texts.
    Many(Vec<&'a str>),
}

impl<'a> Texts<'a> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a str> {
        let (one, many) = match self {
            Self::Nothing => (None, &[] as &[&str]),
            Self::One(text) => (*text, &[] as &[&str]),
            Self::Many(texts) => (None, texts.as_slice()),
        };
        one.into_iter().chain(many.iter().copied())
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.iter().next().is_none()
    }
}

/// The texts of a field of a node. Of [`Field::Component`] of a requirement the links say it: see [`components`].
pub(crate) fn texts<'a>(node: &'a Node, field: Field) -> Texts<'a> {
    let one = |text: &'a str| Texts::One(Some(text));
    let maybe = |text: &'a Option<String>| Texts::One(text.as_deref());
    match (field, node) {
        (Field::Id, node) => one(node.id()),
        (Field::Label, Node::Requirement(node)) => one(&node.text),
        (Field::Label, Node::Component(node)) => one(&node.name),
        (Field::Label, Node::Function(node)) => one(&node.name),
        (Field::Label, Node::Process(node)) => one(&node.name),
        (Field::Label, Node::Interface(node)) => one(&node.name),
        (Field::Label, Node::Constraint(node)) => one(&node.name),
        (Field::Label, Node::Link(node)) => maybe(&node.rationale),
        (Field::Group, Node::Requirement(node)) => maybe(&node.group),
        (Field::Kind, Node::Requirement(node)) => maybe(&node.kind),
        (Field::Kind, Node::Constraint(node)) => one(&node.kind),
        (Field::Kind, Node::Link(node)) => one(&node.kind),
        (Field::Pattern, Node::Requirement(node)) => one(&node.pattern),
        (Field::Subject, Node::Requirement(node)) => maybe(&node.subject),
        (Field::Subject, Node::Constraint(node)) => one(&node.subject),
        (Field::Parent, Node::Requirement(node)) => maybe(&node.parent),
        (Field::Parent, Node::Component(node)) => maybe(&node.parent),
        (Field::Verification, Node::Requirement(node)) => maybe(&node.verification),
        (Field::Finding, Node::Requirement(node)) => {
            Texts::Many(node.findings.iter().map(|finding| finding.kind.as_str()).collect())
        }
        (Field::Component, Node::Function(node)) => one(&node.component),
        (Field::Component, Node::Process(node)) => maybe(&node.component),
        (Field::Process, Node::Function(node)) => maybe(&node.process),
        (Field::Process, Node::Process(node)) => one(&node.process_id),
        (Field::Source, Node::Interface(node)) => one(&node.source),
        (Field::Source, Node::Link(node)) => one(&node.source),
        (Field::Target, Node::Interface(node)) => one(&node.target),
        (Field::Target, Node::Link(node)) => one(&node.target),
        (Field::Item, Node::Interface(node)) => one(&node.item),
        (Field::Property, Node::Constraint(node)) => one(&node.property),
        (Field::Comparator, Node::Constraint(node)) => one(&node.comparator),
        (Field::Description, Node::Component(node)) => maybe(&node.description),
        _ => Texts::Nothing,
    }
}

/// Components a requirement is allocated to.
pub(crate) fn components<'a>(system: &'a SystemIndex, requirement: &str) -> Vec<&'a str> {
    let edges = system.outgoing(requirement).filter(|edge| edge.kind == "allocated_to");
    edges.map(|edge| edge.other.as_str()).collect()
}

/// What a flag says of a node; `None` where its kind has no such flag.
pub(crate) fn flag(system: &SystemIndex, node: &Node, field: Field) -> Option<bool> {
    let id = node.id();
    match (field, node) {
        (Field::IsAllocated, Node::Requirement(_)) => Some(system.leads(id, "allocated_to")),
        (Field::IsSatisfied, Node::Requirement(_)) => Some(system.leads(id, "satisfied_by")),
        (Field::IsSatisfied, Node::Function(_)) => Some(system.is_led_to(id, "satisfied_by")),
        (Field::IsVerifiable, Node::Requirement(node)) => {
            Some(node.verification.is_some() && node.criterion.is_some())
        }
        (Field::IsRealised, Node::Function(_)) => Some(system.leads(id, "realised_by")),
        (Field::IsRealised, Node::Process(_)) => Some(system.is_led_to(id, "realised_by")),
        _ => None,
    }
}

/// The number of a field of a node.
pub(crate) fn number(node: &Node, version: Version, field: Field) -> Option<f64> {
    match (field, node) {
        // Change sets are far fewer than a float counts exactly.
        (Field::Changed, _) => Some(version.put as f64),
        (Field::Value, Node::Constraint(node)) => Some(node.si_value),
        _ => None,
    }
}

/// By what a list is ordered; ties by the natural order of ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderBy {
    /// The natural order of ids.
    #[default]
    Id,
    /// Text or name, by its first [`ORDERED_CHARS`] characters, without regard to case.
    Label,
    /// The heading a requirement stands under; those under none first.
    Group,
    /// The bound of a constraint.
    Value,
    /// The change set that put the node as it is.
    Changed,
}

/// Characters of a text that its place in an order depends on.
pub const ORDERED_CHARS: usize = 64;

/// The orders that are kept for a kind beside that of ids.
pub(crate) fn orders(kind: &str) -> &'static [OrderBy] {
    match kind {
        "requirement" => &[OrderBy::Label, OrderBy::Group, OrderBy::Changed],
        "constraint" => &[OrderBy::Label, OrderBy::Value, OrderBy::Changed],
        "link" => &[],
        _ => &[OrderBy::Label, OrderBy::Changed],
    }
}

/// What a node is placed by in an order: texts that compare as the values do.
pub(crate) fn place_in(node: &Node, version: Version, order: OrderBy) -> String {
    let folded = |field: Field| {
        let texts = texts(node, field);
        let text = texts.iter().next().unwrap_or_default();
        text.chars().flat_map(char::to_lowercase).take(ORDERED_CHARS).collect::<String>()
    };
    match order {
        OrderBy::Id => natural_key(node.id()),
        OrderBy::Label => folded(Field::Label),
        OrderBy::Group => folded(Field::Group),
        OrderBy::Value => sortable(number(node, version, Field::Value).unwrap_or_default()),
        OrderBy::Changed => sortable(version.put as f64),
    }
}

/// A number as text: texts compare as the numbers do.
fn sortable(value: f64) -> String {
    let bits = value.to_bits();
    // Negative numbers grow against their bits, and come before the positive ones.
    let ordered = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    let mut out = String::with_capacity(16);
    // Writing to a string cannot fail.
    let _ = write!(out, "{ordered:016x}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_text_keep_their_order() {
        let numbers = [f64::NEG_INFINITY, -1e9, -1.5, -1e-9, 0.0, 1e-9, 0.5, 1.0, 2.0, 1e300];
        assert!(numbers.map(sortable).is_sorted());
    }
}
