//! Turns nodes, systems and runs into RDF quads.

use std::collections::BTreeMap;

use oxigraph::model::{Literal, NamedNode, Quad, Term};

use crate::iri::{node_iri, system_iri};
use crate::model::{Node, Origin, Quantity, TraceLink};
use crate::vocabulary::{self as term, foreign};

/// Collects the quads of one graph.
pub(crate) struct Writer {
    graph: NamedNode,
    quads: Vec<Quad>,
}

impl Writer {
    pub(crate) fn new(graph: &str) -> Self {
        Self { graph: NamedNode::new_unchecked(graph), quads: Vec::new() }
    }

    pub(crate) fn finish(self) -> Vec<Quad> {
        self.quads
    }

    pub(crate) fn add(&mut self, subject: &str, predicate: &str, object: impl Into<Term>) {
        self.quads.push(Quad::new(
            NamedNode::new_unchecked(subject),
            NamedNode::new_unchecked(predicate),
            object,
            self.graph.clone(),
        ));
    }

    pub(crate) fn link(&mut self, subject: &str, predicate: &str, object: &str) {
        self.add(subject, predicate, NamedNode::new_unchecked(object));
    }

    pub(crate) fn text(&mut self, subject: &str, predicate: &str, value: &str) {
        self.add(subject, predicate, Literal::from(value));
    }

    /// Bytes of a text.
    fn span(&mut self, subject: &str, (from, to): (usize, usize)) {
        for (predicate, place) in [(term::SPAN_START, from), (term::SPAN_END, to)] {
            self.add(subject, predicate, Literal::from(u64::try_from(place).unwrap_or(u64::MAX)));
        }
    }

    pub(crate) fn optional(&mut self, subject: &str, predicate: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(subject, predicate, value);
        }
    }
}

/// The triple that stands for a link of this kind, where there is one.
fn predicate_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "allocated_to" => term::ALLOCATED_TO,
        "satisfied_by" => term::SATISFIED_BY,
        "refines" => term::REFINES,
        "performs" => term::PERFORMS,
        "realised_by" => term::REALISED_BY,
        "verified_by" => term::VERIFIED_BY,
        "conflicts_with" => term::CONFLICTS_WITH,
        "constrained_by" => term::CONSTRAINED_BY,
        _ => return None,
    })
}

/// The quads of one node. `kind_of` gives the kind of another node of the system by its id.
///
/// Everything a node adds hangs on its own IRI or IRIs below it, so that removing a node removes exactly these.
pub(crate) fn of_node(
    system: &str,
    node: &Node,
    kind_of: &dyn Fn(&str) -> Option<&'static str>,
) -> Vec<Quad> {
    let mut out = Writer::new(&system_iri(system));
    let iri = node_iri(system, node.kind(), node.id());
    let at = iri.as_str();
    let to = |id: &str| kind_of(id).map(|kind| node_iri(system, kind, id));
    out.text(at, foreign::IDENTIFIER, node.id());
    out.link(at, term::OF_SYSTEM, &system_iri(system));
    match node {
        Node::Requirement(requirement) => {
            out.link(at, foreign::TYPE, term::REQUIREMENT);
            of_requirement(&mut out, at, requirement, &to);
        }
        Node::Component(component) => {
            out.link(at, foreign::TYPE, term::COMPONENT);
            out.text(at, foreign::LABEL, &component.name);
            out.optional(at, foreign::DESCRIPTION, component.description.as_deref());
            if let Some(parent) = component.parent.as_deref().and_then(&to) {
                out.link(at, term::PART_OF, &parent);
            }
            of_origin(&mut out, at, &component.origin, &to);
        }
        Node::Function(function) => {
            out.link(at, foreign::TYPE, term::FUNCTION);
            out.text(at, foreign::LABEL, &function.name);
            if let Some(component) = to(&function.component) {
                out.link(&component, term::PERFORMS, at);
            }
            if let Some(process) = function.process.as_deref().and_then(&to) {
                out.link(at, term::REALISED_BY, &process);
            }
            for element in &function.elements {
                out.text(at, term::ELEMENT, element);
            }
            of_origin(&mut out, at, &function.origin, &to);
        }
        Node::Process(process) => {
            out.link(at, foreign::TYPE, term::PROCESS);
            out.text(at, foreign::LABEL, &process.name);
            out.text(at, term::PROCESS_ID, &process.process_id);
            if let Some(key) = process.definition {
                out.add(at, term::DEFINITION, Literal::from(key));
            }
            if let Some(component) = process.component.as_deref().and_then(&to) {
                out.link(&component, term::EXECUTES, at);
            }
            of_origin(&mut out, at, &process.origin, &to);
        }
        Node::Interface(interface) => {
            out.link(at, foreign::TYPE, term::INTERFACE);
            out.text(at, foreign::LABEL, &interface.name);
            for (predicate, end) in
                [(term::INTERFACE_SOURCE, &interface.source), (term::INTERFACE_TARGET, &interface.target)]
            {
                if let Some(end) = to(end) {
                    out.link(at, predicate, &end);
                }
            }
            out.text(at, term::ITEM, &interface.item);
            out.text(at, term::DIRECTION, &interface.direction);
            out.optional(at, term::UNIT, interface.unit.as_deref());
            of_origin(&mut out, at, &interface.origin, &to);
        }
        Node::Constraint(constraint) => {
            out.link(at, foreign::TYPE, term::CONSTRAINT);
            out.text(at, foreign::LABEL, &constraint.name);
            out.text(at, term::KIND, &constraint.kind);
            if let Some(subject) = to(&constraint.subject) {
                out.link(at, term::CONSTRAINS, &subject);
            }
            out.text(at, term::PROPERTY, &constraint.property);
            out.text(at, term::COMPARATOR, &constraint.comparator);
            out.add(at, term::SI_VALUE, Literal::from(constraint.si_value));
            out.text(at, term::SI_UNIT, &constraint.si_unit);
            of_origin(&mut out, at, &constraint.origin, &to);
        }
        Node::Link(link) => of_link(&mut out, at, link, &to),
    }
    out.finish()
}

/// What an export says of a node beyond its quads in the index, so that it can be read again as it was: order, places
/// in texts, attributes of other tools, shares of budgets.
pub(crate) fn of_export(
    system: &str,
    node: &Node,
    kind_of: &dyn Fn(&str) -> Option<&'static str>,
) -> Vec<Quad> {
    let mut out = Writer::new(&system_iri(system));
    let iri = node_iri(system, node.kind(), node.id());
    let at = iri.as_str();
    let to = |id: &str| kind_of(id).map(|kind| node_iri(system, kind, id));
    let origin = match node {
        Node::Requirement(requirement) => {
            if let Some(parent) = requirement.parent.as_deref().and_then(to) {
                out.link(at, term::PARENT, &parent);
            }
            for (i, quantity) in requirement.quantities.iter().enumerate() {
                out.span(&format!("{at}/quantity/{}", i + 1), quantity.span);
            }
            of_attributes(&mut out, at, &requirement.attributes);
            return out.finish();
        }
        Node::Constraint(constraint) => {
            for (i, (component, value, assumed)) in constraint.parts.iter().enumerate() {
                let Some(component) = to(component) else { continue };
                let own = format!("{at}/part/{}", i + 1);
                out.link(at, term::BUDGET_PART, &own);
                out.link(&own, term::TAKEN_BY, &component);
                out.add(&own, term::SI_VALUE, Literal::from(*value));
                out.add(&own, term::ASSUMED, Literal::from(*assumed));
            }
            &constraint.origin
        }
        Node::Component(component) => &component.origin,
        Node::Function(function) => &function.origin,
        Node::Process(process) => &process.origin,
        Node::Interface(interface) => &interface.origin,
        Node::Link(link) => &link.origin,
    };
    if let Some(span) = origin.span {
        out.span(at, span);
    }
    if let Some(first) = origin.sources.first().and_then(|source| to(source)) {
        out.link(at, term::FIRST_SOURCE, &first);
    }
    out.finish()
}

/// The terms of N-Triples that a text holds, one on each line; `None` where it is no such text.
pub(crate) fn terms(text: &str) -> Option<Vec<Term>> {
    let is_written = text.starts_with(['<', '"']);
    is_written.then(|| text.split('\n').map(|line| line.parse().ok()).collect()).flatten()
}

/// Attributes of other tools: as the property they came from where they came from a graph, else with their name.
fn of_attributes(out: &mut Writer, at: &str, attributes: &BTreeMap<String, String>) {
    let mut number = 0;
    for (name, value) in attributes {
        let property = NamedNode::new(name).ok().filter(|_| name.contains("://") || name.starts_with("urn:"));
        if let Some(property) = property {
            for object in terms(value).unwrap_or_else(|| vec![Literal::from(value.as_str()).into()]) {
                out.add(at, property.as_str(), object);
            }
            continue;
        }
        number += 1;
        let own = format!("{at}/attribute/{number}");
        out.link(at, term::ATTRIBUTE, &own);
        out.text(&own, foreign::LABEL, name);
        out.text(&own, foreign::RDF_VALUE, value);
    }
}

type To<'a> = dyn Fn(&str) -> Option<String> + 'a;

fn of_link(out: &mut Writer, at: &str, link: &TraceLink, to: &To<'_>) {
    out.link(at, foreign::TYPE, term::TRACE_LINK);
    out.text(at, term::LINK_KIND, &link.kind);
    out.optional(at, term::RATIONALE, link.rationale.as_deref());
    if let (Some(source), Some(target)) = (to(&link.source), to(&link.target)) {
        out.link(at, term::LINK_SOURCE, &source);
        out.link(at, term::LINK_TARGET, &target);
        if let Some(predicate) = predicate_of(&link.kind) {
            out.link(&source, predicate, &target);
        }
    }
    of_origin(out, at, &link.origin, to);
}

fn of_origin(out: &mut Writer, at: &str, origin: &Origin, to: &To<'_>) {
    if !origin.rule.is_empty() {
        out.text(at, term::RULE, &origin.rule);
    }
    out.add(at, term::CONFIDENCE, Literal::from(origin.confidence));
    out.add(at, term::ASSUMED, Literal::from(origin.assumed));
    for source in origin.sources.iter().filter_map(|source| to(source)) {
        out.link(at, foreign::WAS_DERIVED_FROM, &source);
    }
}

fn of_requirement(out: &mut Writer, at: &str, requirement: &crate::model::Requirement, to: &To<'_>) {
    out.text(at, foreign::DESCRIPTION, &requirement.text);
    let texts = [
        (term::GROUP, requirement.group.as_deref()),
        (term::KIND, requirement.kind.as_deref()),
        (term::PATTERN, Some(requirement.pattern.as_str())),
        (term::SUBJECT, requirement.subject.as_deref()),
        (term::CONDITION, requirement.condition.as_deref()),
        (term::RESPONSE, requirement.response.as_deref()),
        (term::VERIFICATION, requirement.verification.as_deref()),
        (term::CRITERION, requirement.criterion.as_deref()),
        (term::UNALLOCATED_REASON, requirement.unallocated_reason.as_deref()),
    ];
    for (predicate, value) in texts {
        out.optional(at, predicate, value);
    }
    if let Some(line) = requirement.line {
        out.add(at, term::LINE, Literal::from(line));
    }
    if let Some(parent) = requirement.parent.as_deref().and_then(to) {
        out.link(at, term::REFINES, &parent);
    }
    for (i, quantity) in requirement.quantities.iter().enumerate() {
        of_quantity(out, at, &format!("{at}/quantity/{}", i + 1), quantity);
    }
    for (i, finding) in requirement.findings.iter().enumerate() {
        let own = format!("{at}/finding/{}", i + 1);
        out.link(at, term::HAS_FINDING, &own);
        out.link(&own, foreign::TYPE, term::FINDING);
        out.text(&own, term::KIND, &finding.kind);
        out.text(&own, foreign::COMMENT, &finding.text);
    }
}

fn of_quantity(out: &mut Writer, at: &str, own: &str, quantity: &Quantity) {
    out.link(at, term::QUANTITY, own);
    out.link(own, foreign::TYPE, foreign::QUANTITY_VALUE);
    out.optional(own, term::PROPERTY, quantity.property.as_deref());
    out.text(own, term::COMPARATOR, &quantity.comparator);
    out.add(own, foreign::NUMERIC_VALUE, Literal::from(quantity.value));
    if let Some(upper) = quantity.upper {
        out.add(own, term::UPPER_VALUE, Literal::from(upper));
    }
    out.text(own, term::UNIT_TEXT, &quantity.unit);
    if let Some(unit) = &quantity.unit_iri {
        out.link(own, foreign::HAS_UNIT, unit);
    }
    if let Some(value) = quantity.si_value {
        out.add(own, term::SI_VALUE, Literal::from(value));
    }
    if let Some(value) = quantity.si_upper {
        out.add(own, term::SI_UPPER_VALUE, Literal::from(value));
    }
    out.optional(own, term::SI_UNIT, quantity.si_unit.as_deref());
}
