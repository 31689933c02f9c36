//! Requirements in the terms of OSLC Requirements Management 2.1 and Architecture Management 3.0, as Turtle: what an OSLC
//! client knows without knowing our terms. The full graph is what [`crate::Ontology::export`] writes.

use std::collections::BTreeMap;

use oxigraph::io::{RdfFormat, RdfSerializer};
use oxigraph::model::{Literal, NamedNode, Term, Triple};

use crate::Error;
use crate::index::SystemIndex;
use crate::iri::{node_iri, system_iri};
use crate::model::Node;
use crate::vocabulary::foreign;

const RM: &str = "http://open-services.net/ns/rm#";
const AM: &str = "http://open-services.net/ns/am#";
const CORE: &str = "http://open-services.net/ns/core#";
const DCTERMS: &str = "http://purl.org/dc/terms/";
/// Characters of a title; the whole text is the description.
const TITLE_CHARS: usize = 100;

/// Writes a system: the file, and what it has no place for.
pub(super) fn write(system: &SystemIndex) -> Result<(Vec<u8>, Vec<String>), Error> {
    let mut serializer = RdfSerializer::from_format(RdfFormat::Turtle);
    for (prefix, iri) in [("oslc_rm", RM), ("oslc_am", AM), ("oslc", CORE), ("dcterms", DCTERMS)] {
        serializer = serializer
            .with_prefix(prefix, iri)
            .map_err(|error| Error::Invalid(format!("prefix {prefix}: {error}")))?;
    }
    let mut writer = serializer.for_writer(Vec::new());
    let failed = |error: std::io::Error| Error::Store(error.to_string());
    let mut left_out: BTreeMap<&'static str, usize> = BTreeMap::new();
    for node in system.nodes() {
        for triple in of_node(system, node, &mut left_out) {
            writer.serialize_triple(&triple).map_err(failed)?;
        }
    }
    for triple in collections(system) {
        writer.serialize_triple(&triple).map_err(failed)?;
    }
    let remarks = left_out.into_iter().map(|(what, count)| format!("{count} {what}")).collect();
    Ok((writer.finish().map_err(failed)?, remarks))
}

fn triple(subject: &str, predicate: String, object: impl Into<Term>) -> Triple {
    Triple::new(NamedNode::new_unchecked(subject), NamedNode::new_unchecked(predicate), object)
}

fn named(iri: &str) -> Term {
    NamedNode::new_unchecked(iri).into()
}

fn text(value: &str) -> Term {
    Literal::from(value).into()
}

fn shortened(label: &str) -> String {
    match label.char_indices().nth(TITLE_CHARS) {
        Some((end, _)) => format!("{}…", label.get(..end).unwrap_or_default()),
        None => label.to_owned(),
    }
}

/// The property that stands for edges of this kind.
fn property(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "allocated_to" => "implementedBy",
        "satisfied_by" => "satisfiedBy",
        "refines" => "elaborates",
        "verified_by" => "validatedBy",
        "constrained_by" => "constrainedBy",
        _ => return None,
    })
}

fn of_node(system: &SystemIndex, node: &Node, left_out: &mut BTreeMap<&'static str, usize>) -> Vec<Triple> {
    let kind = match node {
        Node::Requirement(_) => format!("{RM}Requirement"),
        Node::Link(_) => return Vec::new(),
        _ => format!("{AM}Resource"),
    };
    let iri = node_iri(&system.name, node.kind(), node.id());
    let mut out = vec![
        triple(&iri, foreign::TYPE.to_owned(), named(&kind)),
        triple(&iri, format!("{DCTERMS}identifier"), text(node.id())),
        triple(&iri, format!("{CORE}shortTitle"), text(node.id())),
        triple(&iri, format!("{DCTERMS}title"), text(&shortened(node.label()))),
    ];
    if let Node::Requirement(requirement) = node {
        out.push(triple(&iri, format!("{DCTERMS}description"), text(&requirement.text)));
        if !requirement.quantities.is_empty() {
            *left_out.entry("requirements have quantities, which are in their texts only").or_default() += 1;
        }
        if !requirement.attributes.is_empty() {
            *left_out.entry("requirements have attributes of other tools, which stay out").or_default() += 1;
        }
    } else {
        out.push(triple(&iri, format!("{DCTERMS}type"), text(node.kind())));
    }
    if node.kind() != "requirement" {
        return out;
    }
    for edge in system.outgoing(node.id()) {
        let Some(other) = system.node(&edge.other) else { continue };
        match property(&edge.kind) {
            Some(property) => {
                let end = node_iri(&system.name, other.kind(), other.id());
                out.push(triple(&iri, format!("{RM}{property}"), named(&end)));
            }
            None => *left_out.entry("links are of kinds that OSLC has no word for").or_default() += 1,
        }
    }
    out
}

/// What stands under a heading, and all of the system, as collections.
fn collections(system: &SystemIndex) -> Vec<Triple> {
    let whole = system_iri(&system.name);
    let mut out = vec![
        triple(&whole, foreign::TYPE.to_owned(), named(&format!("{RM}RequirementCollection"))),
        triple(&whole, format!("{DCTERMS}identifier"), text(&system.name)),
        triple(&whole, format!("{DCTERMS}title"), text(&system.name)),
    ];
    let mut groups: BTreeMap<&str, String> = BTreeMap::new();
    for node in system.of_kind("requirement") {
        let Node::Requirement(requirement) = node.as_ref() else { continue };
        let iri = node_iri(&system.name, "requirement", &requirement.id);
        let Some(group) = requirement.group.as_deref() else {
            out.push(triple(&whole, format!("{RM}uses"), named(&iri)));
            continue;
        };
        let collection = groups.entry(group).or_insert_with(|| node_iri(&system.name, "group", group));
        out.push(triple(collection, format!("{RM}uses"), named(&iri)));
    }
    for (group, iri) in groups {
        out.push(triple(&iri, foreign::TYPE.to_owned(), named(&format!("{RM}RequirementCollection"))));
        out.push(triple(&iri, format!("{DCTERMS}identifier"), text(group)));
        out.push(triple(&iri, format!("{DCTERMS}title"), text(group)));
        out.push(triple(&whole, format!("{RM}uses"), named(&iri)));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{ChangeSet, Component, Requirement, TraceLink};

    #[test]
    fn an_oslc_client_finds_requirements_their_headings_and_what_implements_them() {
        let mut system = SystemIndex::default();
        let link = |kind: &str, target: &str| {
            Node::Link(TraceLink {
                id: format!("{kind}:{target}"),
                kind: kind.into(),
                source: "R-1".into(),
                target: target.into(),
                ..TraceLink::default()
            })
        };
        let requirement = |id: &str, group: Option<&str>| {
            let text = format!("{id} shall \"hold\" {}", "long ".repeat(40));
            Node::Requirement(Requirement {
                id: id.into(),
                text,
                group: group.map(str::to_owned),
                ..Requirement::default()
            })
        };
        let put = vec![
            requirement("R-1", Some("Brakes & more")),
            requirement("R-2", None),
            Node::Component(Component { id: "C".into(), name: "pump".into(), ..Component::default() }),
            link("allocated_to", "C"),
            link("relates_to", "R-2"),
        ];
        system.apply(&ChangeSet { number: 1, system: "Brake".into(), put, ..ChangeSet::default() });
        let (bytes, remarks) = write(&system).unwrap();
        let triples = crate::turtle::read(std::str::from_utf8(&bytes).unwrap()).unwrap();
        let has = |subject: &str, predicate: &str, object: &str| {
            triples.iter().any(|it| it.subject == subject && it.predicate == predicate && it.object == object)
        };
        let (one, component) = (node_iri("Brake", "requirement", "R-1"), node_iri("Brake", "component", "C"));
        let group = node_iri("Brake", "group", "Brakes & more");
        assert!(has(&one, foreign::TYPE, &format!("{RM}Requirement")));
        assert!(has(&one, &format!("{RM}implementedBy"), &component));
        assert!(has(&group, &format!("{RM}uses"), &one));
        assert!(has(&system_iri("Brake"), &format!("{RM}uses"), &group));
        assert!(has(&component, foreign::TYPE, &format!("{AM}Resource")));
        assert_eq!(remarks, ["1 links are of kinds that OSLC has no word for"]);
        // OSLC asks for exactly one title and identifier.
        let titled: Vec<String> = triples
            .iter()
            .filter(|it| it.predicate == format!("{DCTERMS}title"))
            .map(|it| it.subject.clone())
            .collect();
        assert_eq!(titled.len(), titled.iter().collect::<BTreeSet<_>>().len());
    }
}
