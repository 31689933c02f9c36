//! One node of a system from what a graph says of it.

use super::graph::{Facts, Graph};
use super::{Ends, Known, terms};
use crate::index::natural_key;
use crate::model::{
    Component, Constraint, Finding, Function, Interface, Node, Origin, Process, Quantity, Requirement,
    TraceLink,
};
use crate::vocabulary::{self as term, foreign};

/// `None` where it lacks what such a node needs.
pub(super) fn read(
    graph: &Graph,
    node: &Known<'_>,
    facts: &mut Facts<'_>,
    ends: &Ends<'_, '_>,
) -> Option<Node> {
    let id = node.id.clone();
    // These are read, whatever becomes of them.
    facts.nodes(foreign::TYPE);
    facts.nodes(term::OF_SYSTEM);
    facts.text(foreign::IDENTIFIER);
    let title = facts.text(foreign::LABEL);
    Some(match node.kind {
        "requirement" => Node::Requirement(requirement(graph, node, title, facts, ends)),
        "component" => Node::Component(Component {
            name: title.or_else(|| facts.text(terms::TITLE)).unwrap_or_else(|| id.clone()),
            parent: end(facts, term::PART_OF, "component", ends),
            description: facts.text(foreign::DESCRIPTION),
            origin: origin(facts, ends),
            id,
        }),
        "function" => Node::Function(Function {
            name: title.unwrap_or_else(|| id.clone()),
            component: ends.owner(node.iri, term::PERFORMS)?,
            process: end(facts, term::REALISED_BY, "process", ends),
            elements: facts.texts(term::ELEMENT),
            origin: origin(facts, ends),
            id,
        }),
        "process" => Node::Process(Process {
            name: title.unwrap_or_else(|| id.clone()),
            component: ends.owner(node.iri, term::EXECUTES),
            process_id: facts.text(term::PROCESS_ID).unwrap_or_else(|| id.clone()),
            definition: facts.count(term::DEFINITION),
            origin: origin(facts, ends),
            id,
        }),
        "interface" => Node::Interface(Interface {
            name: title.unwrap_or_else(|| id.clone()),
            source: end(facts, term::INTERFACE_SOURCE, "component", ends)?,
            target: end(facts, term::INTERFACE_TARGET, "component", ends)?,
            item: facts.text(term::ITEM).unwrap_or_default(),
            direction: facts.text(term::DIRECTION).unwrap_or_else(|| "out".to_owned()),
            unit: facts.text(term::UNIT),
            origin: origin(facts, ends),
            id,
        }),
        "constraint" => Node::Constraint(Constraint {
            name: title.unwrap_or_else(|| id.clone()),
            kind: facts.text(term::KIND).unwrap_or_else(|| "bound".to_owned()),
            subject: facts.nodes(term::CONSTRAINS).into_iter().find_map(|iri| ends.find(iri))?.1,
            property: facts.text(term::PROPERTY)?,
            comparator: facts.text(term::COMPARATOR)?,
            si_value: facts.number(term::SI_VALUE)?,
            si_unit: facts.text(term::SI_UNIT).unwrap_or_default(),
            parts: budget(graph, facts, ends),
            origin: origin(facts, ends),
            id,
        }),
        _ => Node::Link(TraceLink {
            kind: facts.text(term::LINK_KIND)?,
            source: facts.nodes(term::LINK_SOURCE).into_iter().find_map(|iri| ends.find(iri))?.1,
            target: facts.nodes(term::LINK_TARGET).into_iter().find_map(|iri| ends.find(iri))?.1,
            rationale: facts.text(term::RATIONALE),
            origin: origin(facts, ends),
            id,
        }),
    })
}

fn requirement(
    graph: &Graph,
    node: &Known<'_>,
    title: Option<String>,
    facts: &mut Facts<'_>,
    ends: &Ends<'_, '_>,
) -> Requirement {
    let described = facts.text(foreign::DESCRIPTION).map(|text| plain(&text));
    let text = described.or(title).or_else(|| facts.text(terms::TITLE)).unwrap_or_default();
    // A title that says the same as the text, or begins so, says nothing more.
    let begins = |said: &str| text.starts_with(said.trim_end_matches('…'));
    facts.texts_where(terms::TITLE, begins);
    facts.texts_where(terms::SHORT_TITLE, |said| said == node.id);
    Requirement {
        id: node.id.clone(),
        group: facts.text(term::GROUP),
        parent: end(facts, term::PARENT, "requirement", ends),
        kind: facts.text(term::KIND),
        pattern: facts.text(term::PATTERN).unwrap_or_default(),
        subject: facts.text(term::SUBJECT),
        condition: facts.text(term::CONDITION),
        response: facts.text(term::RESPONSE),
        quantities: numbered(facts.nodes(term::QUANTITY))
            .into_iter()
            .filter_map(|iri| quantity(&mut graph.facts(iri)))
            .collect(),
        findings: numbered(facts.nodes(term::HAS_FINDING))
            .into_iter()
            .filter_map(|iri| finding(&mut graph.facts(iri)))
            .collect(),
        verification: facts.text(term::VERIFICATION),
        criterion: facts.text(term::CRITERION),
        unallocated_reason: facts.text(term::UNALLOCATED_REASON),
        line: facts.count(term::LINE),
        attributes: numbered(facts.nodes(term::ATTRIBUTE))
            .into_iter()
            .filter_map(|iri| {
                let mut facts = graph.facts(iri);
                Some((facts.text(foreign::LABEL)?, facts.text(foreign::RDF_VALUE)?))
            })
            .collect(),
        text,
    }
}

/// A text without markup; it stays in the file's attribute.
fn plain(text: &str) -> String {
    if text.contains('<') && text.trim_end().ends_with('>') {
        let read = super::super::reqif::plain(text);
        if !read.is_empty() {
            return read;
        }
    }
    text.to_owned()
}

fn quantity(facts: &mut Facts<'_>) -> Option<Quantity> {
    Some(Quantity {
        property: facts.text(term::PROPERTY),
        comparator: facts.text(term::COMPARATOR).unwrap_or_else(|| "=".to_owned()),
        value: facts.number(foreign::NUMERIC_VALUE)?,
        upper: facts.number(term::UPPER_VALUE),
        unit: facts.text(term::UNIT_TEXT).unwrap_or_default(),
        unit_iri: facts.nodes(foreign::HAS_UNIT).first().map(|iri| (*iri).to_owned()),
        si_value: facts.number(term::SI_VALUE),
        si_upper: facts.number(term::SI_UPPER_VALUE),
        si_unit: facts.text(term::SI_UNIT),
        span: span(facts).unwrap_or_default(),
    })
}

fn finding(facts: &mut Facts<'_>) -> Option<Finding> {
    Some(Finding { kind: facts.text(term::KIND)?, text: facts.text(foreign::COMMENT)? })
}

/// What each component takes of a budget.
fn budget(graph: &Graph, facts: &mut Facts<'_>, ends: &Ends<'_, '_>) -> Vec<(String, f64, bool)> {
    let part = |iri: &str| {
        let mut facts = graph.facts(iri);
        let component = end(&mut facts, term::TAKEN_BY, "component", ends)?;
        Some((component, facts.number(term::SI_VALUE)?, facts.is_true(term::ASSUMED)))
    };
    numbered(facts.nodes(term::BUDGET_PART)).into_iter().filter_map(part).collect()
}

fn origin(facts: &mut Facts<'_>, ends: &Ends<'_, '_>) -> Origin {
    let mut sources: Vec<String> = facts
        .nodes(foreign::WAS_DERIVED_FROM)
        .into_iter()
        .filter_map(|iri| Some(ends.find(iri)?.1))
        .collect();
    let first = facts.nodes(term::FIRST_SOURCE).into_iter().find_map(|iri| Some(ends.find(iri)?.1));
    sources.sort_by_cached_key(|id| (Some(id) != first.as_ref(), natural_key(id)));
    Origin {
        rule: facts.text(term::RULE).unwrap_or_else(|| "import".to_owned()),
        sources,
        span: span(facts),
        confidence: facts.number(term::CONFIDENCE).filter(|it| (0.0..=1.0).contains(it)).unwrap_or(1.0),
        assumed: facts.is_true(term::ASSUMED),
    }
}

fn span(facts: &mut Facts<'_>) -> Option<(usize, usize)> {
    let (from, to) = (facts.count(term::SPAN_START)?, facts.count(term::SPAN_END)?);
    (from <= to).then_some((from, to))
}

fn end(facts: &mut Facts<'_>, predicate: &str, kind: &str, ends: &Ends<'_, '_>) -> Option<String> {
    let found = facts.nodes_where(predicate, |iri| ends.id(iri, kind).is_some());
    found.into_iter().find_map(|iri| ends.id(iri, kind))
}

/// Nodes below a node, in the order of the numbers at the ends of their IRIs.
fn numbered(mut iris: Vec<&str>) -> Vec<&str> {
    let number = |iri: &str| iri.rsplit('/').next().and_then(|end| end.parse::<u32>().ok());
    iris.sort_by_key(|iri| number(iri).unwrap_or(u32::MAX));
    iris
}
