//! Systems out as graphs and in again; graphs of other tools.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::{Form, read};
use crate::model::{
    ChangeSet, Component, Constraint, Finding, Function, Interface, Node, Origin, Process, Quantity,
    Requirement, TraceLink,
};
use crate::{Ontology, SystemIndex, VolatileChangeSets};

const FORMS: &[(&str, &str)] =
    &[("turtle", "ttl"), ("trig", "trig"), ("ntriples", "nt"), ("nquads", "nq"), ("jsonld", "jsonld")];

async fn with(name: &str, put: Vec<Node>) -> Ontology {
    let ontology = Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap();
    ontology.commit(ChangeSet { system: name.into(), put, ..ChangeSet::default() }, 0).await.unwrap();
    ontology
}

/// The nodes of a system by id.
fn nodes(system: &SystemIndex) -> Vec<Node> {
    let mut all: Vec<Node> = system.nodes().map(|node| node.as_ref().clone()).collect();
    all.sort_by(|one, two| one.id().cmp(two.id()));
    all
}

/// Out in this form, and in again into a system of another name.
async fn there_and_back(ontology: &Ontology, form: &str, ending: &str) -> (Vec<Node>, Vec<String>) {
    let written = ontology.write("A b/ö", Form::named(form).unwrap(), "2026-01-01T00:00:00Z").unwrap();
    let read = read(&format!("a.{ending}"), &written.bytes).unwrap();
    assert_eq!(read.title.as_deref(), Some("A b/ö"));
    let (change, report) = read.change(None, &|_| panic!("it is understood already"));
    let change = ChangeSet { system: "Other".into(), ..change };
    let other = Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap();
    other.commit(change, 0).await.unwrap();
    (nodes(&other.snapshot("Other").unwrap()), report.remarks.into_iter().map(|it| it.what).collect())
}

fn origin(sources: &[&str]) -> Origin {
    Origin {
        rule: "rule:x".into(),
        sources: sources.iter().map(|it| (*it).to_owned()).collect(),
        span: (!sources.is_empty()).then_some((3, 7)),
        confidence: 0.25,
        assumed: true,
    }
}

fn link(id: &str, kind: &str, source: &str, target: &str) -> Node {
    Node::Link(TraceLink {
        id: id.into(),
        kind: kind.into(),
        source: source.into(),
        target: target.into(),
        rationale: Some("because \"it\" says so\n\\".into()),
        origin: origin(&["R-2"]),
    })
}

/// Every kind of node with every field.
fn everything() -> Vec<Node> {
    [requirements(), structure(), links()].concat()
}

fn requirements() -> Vec<Node> {
    let quantity = |value: f64| Quantity {
        property: Some("mass".into()),
        comparator: "between".into(),
        value,
        upper: Some(value + 0.1),
        unit: "lb".into(),
        unit_iri: Some("http://qudt.org/vocab/unit/LB".into()),
        si_value: Some(value * 0.453_592_37),
        si_upper: Some(1e-300),
        si_unit: Some("kg".into()),
        span: (4, 9),
    };
    let attributes = [
        ("ReqIF.Text", "<div>x</div>"),
        ("Owner", "Ann"),
        ("http://example.org/priority", "high"),
        (
            "http://example.org/of",
            "\"3\"^^<http://www.w3.org/2001/XMLSchema#integer>\n\"drei\"@de\n<http://example.org/spec>",
        ),
        ("http://example.org/odd", "<not a term"),
    ];
    let finding = |kind: &str| Finding { kind: kind.into(), text: "\"fast\" says little".into() };
    vec![
        Node::Requirement(Requirement {
            id: "R-1".into(),
            text: "The pump shall\n\"hold\" <5 l>.".into(),
            group: Some("Flow & more".into()),
            parent: Some("R-2".into()),
            kind: Some("functional".into()),
            pattern: "event".into(),
            subject: Some("pump".into()),
            condition: Some("it is on".into()),
            response: Some("hold".into()),
            // More than nine, so that their order is one of numbers.
            quantities: (0..12).map(|n| quantity(f64::from(n) / 3.0)).collect(),
            findings: vec![finding("vague"), finding("double")],
            verification: Some("test".into()),
            criterion: Some("5 l".into()),
            unallocated_reason: None,
            line: Some(12),
            attributes: attributes.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect(),
        }),
        Node::Requirement(Requirement {
            id: "R-2".into(),
            text: "It shall be cheap.".into(),
            pattern: "ubiquitous".into(),
            unallocated_reason: Some("nobody knows".into()),
            ..Requirement::default()
        }),
    ]
}

fn structure() -> Vec<Node> {
    vec![
        Node::Component(Component {
            id: "C".into(),
            name: "system".into(),
            origin: origin(&[]),
            ..Component::default()
        }),
        Node::Component(Component {
            id: "C/1 ö".into(),
            name: "pump".into(),
            parent: Some("C".into()),
            description: Some("moves water".into()),
            origin: origin(&["R-2", "R-1"]),
        }),
        Node::Function(Function {
            id: "F".into(),
            name: "move water".into(),
            component: "C/1 ö".into(),
            process: Some("P".into()),
            elements: vec!["a".into(), "b".into()],
            origin: origin(&["R-1"]),
        }),
        Node::Process(Process {
            id: "P".into(),
            name: "moving".into(),
            component: Some("C".into()),
            process_id: "moving-water".into(),
            definition: None,
            origin: origin(&["R-1"]),
        }),
        Node::Interface(Interface {
            id: "I".into(),
            name: "water".into(),
            source: "C".into(),
            target: "C/1 ö".into(),
            item: "water".into(),
            direction: "both".into(),
            unit: Some("l".into()),
            origin: origin(&["R-1"]),
        }),
        Node::Constraint(Constraint {
            id: "K".into(),
            name: "mass".into(),
            kind: "budget".into(),
            subject: "C".into(),
            property: "mass".into(),
            comparator: "<=".into(),
            si_value: 0.1 + 0.2,
            si_unit: "kg".into(),
            parts: vec![("C/1 ö".into(), 0.1, true), ("C".into(), 1e-7, false)],
            origin: origin(&["R-1"]),
        }),
    ]
}

fn links() -> Vec<Node> {
    vec![
        link("L1", "allocated_to", "R-1", "C/1 ö"),
        link("L2", "refines", "R-1", "R-2"),
        link("L3", "performs", "C", "F"),
        link("L4", "relates_to", "R-2", "R-1"),
        link("L5", "constrained_by", "R-1", "K"),
        link("L6", "verified_by", "R-1", "P"),
    ]
}

#[tokio::test]
async fn a_round_trip_through_every_form_of_graph_changes_nothing() {
    let ontology = with("A b/ö", everything()).await;
    let before = nodes(&ontology.snapshot("A b/ö").unwrap());
    for (form, ending) in FORMS {
        let (after, remarks) = there_and_back(&ontology, form, ending).await;
        assert_eq!(after, before, "{form}");
        assert_eq!(remarks, ["1 processes are named, but not deployed here"], "{form}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn texts_of_any_characters_survive(
        texts in prop::collection::vec("\\PC{0,30}|[\\\\\"<>{}\n\t' .]{0,20}", 6),
        (form, ending) in prop::sample::select(FORMS),
    ) {
        let [id, text, group, name, value, rationale] = texts.as_slice() else { unreachable!() };
        let id = if id.trim().is_empty() || id.contains(char::is_control) { "R" } else { id.trim() };
        let requirement = |id: &str| Node::Requirement(Requirement {
            id: id.to_owned(),
            text: text.clone(),
            group: Some(group.clone()),
            pattern: "ubiquitous".into(),
            unallocated_reason: Some(value.clone()),
            attributes: [(name.clone(), value.clone())].into_iter().collect(),
            ..Requirement::default()
        });
        let other = format!("{id}'");
        let link = TraceLink {
            id: "L".repeat(3),
            kind: "relates_to".into(),
            source: id.to_owned(),
            target: other.clone(),
            rationale: Some(rationale.clone()),
            origin: Origin { rule: "r".into(), confidence: 1.0, ..Origin::default() },
        };
        prop_assume!(id != "LLL" && other != "LLL");
        let put = vec![requirement(id), requirement(&other), Node::Link(link)];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let ontology = with("A b/ö", put).await;
            let before = nodes(&ontology.snapshot("A b/ö").unwrap());
            let (after, _) = there_and_back(&ontology, form, ending).await;
            assert_eq!(after, before, "{form}");
        });
    }
}

const OSLC: &str = r#"
@prefix rm: <http://open-services.net/ns/rm#> . @prefix dc: <http://purl.org/dc/terms/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> . @prefix ex: <https://doors.example/resources/> .
ex:spec a rm:RequirementCollection ; dc:title "Pump" ; rm:uses ex:flow .
ex:flow a rm:RequirementCollection ; dc:title "Flow" ; rm:uses ex:1 , ex:2 .
ex:1 a rm:Requirement ; dc:identifier "101" ; dc:title "Delivery" ;
  dc:description "<div>The pump shall <b>deliver</b> 5 l/min.</div>"^^rdf:XMLLiteral ;
  dc:creator ex:ann ; dc:modified "2026-01-02"^^<http://www.w3.org/2001/XMLSchema#date> ; ex:risk "high" ;
  rm:elaboratedBy ex:2 ; rm:implementedBy <https://tasks.example/7> ; ex:shape [ ex:side 3 ] .
ex:2 a rm:Requirement ; dc:title "The pump shall be quiet." ; rm:specifies ex:1 ; rm:elaborates ex:gone .
ex:ann a <http://xmlns.com/foaf/0.1/Person> ; <http://xmlns.com/foaf/0.1/name> "Ann" .
"#;

#[tokio::test]
async fn requirements_of_an_oslc_server_keep_what_has_no_field() {
    let found = read("a.ttl", OSLC.as_bytes()).unwrap();
    assert_eq!(found.title.as_deref(), Some("Pump"));
    let [one, two] = found.requirements.as_slice() else { panic!("{:?}", found.requirements) };
    assert_eq!((one.id.as_str(), one.text.as_str()), ("101", "The pump shall deliver 5 l/min."));
    assert_eq!((two.id.as_str(), two.text.as_str()), ("2", "The pump shall be quiet."));
    assert_eq!((one.group.as_deref(), two.group.as_deref()), (Some("Flow"), Some("Flow")));
    assert_eq!(one.attributes["https://doors.example/resources/risk"], "high");
    assert_eq!(one.attributes["http://purl.org/dc/terms/title"], "Delivery");
    assert_eq!(one.attributes["http://purl.org/dc/terms/creator"], "<https://doors.example/resources/ann>");
    assert_eq!(one.attributes["http://open-services.net/ns/rm#implementedBy"], "<https://tasks.example/7>");
    assert_eq!(
        two.attributes["http://open-services.net/ns/rm#elaborates"],
        "<https://doors.example/resources/gone>"
    );
    let links: Vec<(&str, &str, &str)> = found
        .nodes
        .iter()
        .map(|node| match node {
            Node::Link(link) => (link.kind.as_str(), link.source.as_str(), link.target.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(links, [("refines", "2", "101"), ("relates_to", "2", "101")]);
    let remarks: Vec<&str> = found.remarks.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(
        remarks,
        [
            "1 resources of the type http://xmlns.com/foaf/0.1/Person stayed out",
            "1 resources without a type stayed out",
            "1 values of requirements are nodes without a name and stayed out",
        ]
    );
    // What was kept goes back out under its own property.
    let (change, _) = found.change(None, &|requirement| requirement.pattern = "ubiquitous".into());
    let ontology = with("Pump", change.put).await;
    let out = ontology.write("Pump", Form::named("ntriples").unwrap(), "").unwrap();
    let out = String::from_utf8(out.bytes).unwrap();
    let one = crate::iri::node_iri("Pump", "requirement", "101");
    for line in [
        format!("<{one}> <http://purl.org/dc/terms/creator> <https://doors.example/resources/ann> ."),
        format!(
            "<{one}> <http://purl.org/dc/terms/modified> \"2026-01-02\"^^<http://www.w3.org/2001/XMLSchema#date> ."
        ),
        format!("<{one}> <https://doors.example/resources/risk> \"high\" ."),
    ] {
        assert!(out.contains(&line), "{line}\n{out}");
    }
}

#[tokio::test]
async fn our_own_oslc_form_is_read_again() {
    let ontology = with("A b/ö", everything()).await;
    let written = ontology.write("A b/ö", Form::named("oslc").unwrap(), "").unwrap();
    let found = read("a.ttl", &written.bytes).unwrap();
    let ids: Vec<&str> = found.requirements.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["R-1", "R-2"]);
    assert_eq!(found.requirements[0].text, "The pump shall\n\"hold\" <5 l>.");
    assert_eq!(found.requirements[0].group.as_deref(), Some("Flow & more"));
    let has = |kind: &str, target: &str| {
        found
            .nodes
            .iter()
            .any(|node| matches!(node, Node::Link(it) if it.kind == kind && it.target == target))
    };
    assert!(has("allocated_to", "C/1 ö") && has("refines", "R-2"));
    assert!(found.nodes.iter().any(|node| matches!(node, Node::Component(it) if it.name == "pump")));
}

#[test]
fn what_lacks_an_end_stays_out_and_is_named() {
    let text = r#"
@prefix p: <https://w3id.org/procos/ontology#> . @prefix dc: <http://purl.org/dc/terms/> .
@prefix id: <https://w3id.org/procos/id/S/> .
<https://w3id.org/procos/id/S/requirement/R> a p:Requirement ; dc:description "It shall." ;
  p:parent <https://w3id.org/procos/id/S/requirement/Above> ;
  p:allocatedTo <https://w3id.org/procos/id/S/component/Gone> .
<https://w3id.org/procos/id/S/function/F> a p:Function .
<https://w3id.org/procos/id/S/interface/I> a p:Interface ;
  p:interfaceSource <https://w3id.org/procos/id/S/component/A> ; p:interfaceTarget <https://w3id.org/procos/id/S/component/B> .
<https://w3id.org/procos/id/S/component/A> a p:Component .
"#;
    let (change, report) = read("a.ttl", text.as_bytes()).unwrap().change(None, &|_| {});
    let ids: Vec<&str> = change.put.iter().map(Node::id).collect();
    assert_eq!(ids, ["R", "A"]);
    let mut remarks: Vec<&str> = report.remarks.iter().map(|it| it.what.as_str()).collect();
    remarks.sort_unstable();
    assert_eq!(
        remarks,
        [
            "1 function nodes that lack what they need (a component, an end) stayed out",
            "I leads to B, which is in neither file nor system, and stayed out",
            "R has the parent Above, which is no requirement of file or system: it stands without one",
            "allocated_to:R:Gone leads to Gone, which is in neither file nor system, and stayed out",
        ]
    );
}

#[test]
fn two_systems_or_two_nodes_with_one_id_are_refused_by_name() {
    let two = "<https://w3id.org/procos/id/A/requirement/R> <https://w3id.org/procos/ontology#ofSystem> <https://w3id.org/procos/id/A> .\n\
               <https://w3id.org/procos/id/B/requirement/R> <https://w3id.org/procos/ontology#ofSystem> <https://w3id.org/procos/id/B> .\n";
    let error = read("a.nt", two.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("2 systems (A, B)"), "{error}");
    let twice = "@prefix rm: <http://open-services.net/ns/rm#> . <x:a/1> a rm:Requirement . <x:b/1> a rm:Requirement .";
    let error = read("a.ttl", twice.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("1 twice: x:a/1 and x:b/1"), "{error}");
}

#[test]
fn what_is_no_graph_is_refused_with_its_line() {
    for (name, text, place) in [
        ("a.ttl", "<x:a> <x:b> <x:c> .\n<x:a> <x:b> .\n".to_owned(), "line 2"),
        ("a.nt", "<x:a> <x:b> \"c\" .\n\n<x:a> b <x:c> .\n".to_owned(), "line 3"),
        ("a.jsonld", "{\"@id\": \"x:a\",\n \"@type\": }".to_owned(), "line 2"),
        ("a.jsonld", format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000)), "MAX_JSON_DEPTH"),
        ("a.jsonld", "{\"@context\": \"https://example.org/c.jsonld\", \"a\": 1}".to_owned(), "context"),
    ] {
        let error = read(name, text.as_bytes()).unwrap_err();
        assert!(["ONTO-0004", "ONTO-0006", "ONTO-0009"].contains(&error.code()), "{} {error}", error.code());
        assert!(error.to_string().contains(place), "{name}: {error}");
    }
    // Nesting without an end is an error, not the end of the process.
    assert!(read("a.ttl", format!("<x:a> <x:b> {}", "[ <x:b> ".repeat(1_000_000)).as_bytes()).is_err());
    assert!(read("a.ttl", format!("<x:a> <x:b> {}", "( ".repeat(1_000_000)).as_bytes()).is_err());
}
