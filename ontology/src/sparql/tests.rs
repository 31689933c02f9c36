//! SPARQL as an attacker and as an honest user would send it.

use super::*;
use crate::model::{ChangeSet, Component, Node, Requirement};
use crate::{Ontology, VolatileChangeSets};

async fn graph(requirements: usize) -> Ontology {
    let ontology = Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap();
    let mut put = vec![Node::Component(Component {
        id: "C".into(),
        name: "Pump \"x\"".into(),
        ..Component::default()
    })];
    put.extend((0..requirements).map(|i| {
        Node::Requirement(Requirement {
            id: format!("R-{i}"),
            text: format!("The pump shall do {i}"),
            pattern: "ubiquitous".into(),
            ..Requirement::default()
        })
    }));
    let change =
        ChangeSet { system: "pump".into(), author: "a".into(), at_ms: 1, put, ..ChangeSet::default() };
    ontology.commit(change, 0).await.unwrap();
    ontology
}

async fn ask(ontology: &Ontology, query: &str) -> Result<String, Error> {
    let options = QueryOptions { deadline: Duration::from_millis(1500), ..QueryOptions::default() };
    ontology.sparql(query, options).await.map(|answer| String::from_utf8(answer.body).unwrap())
}

const COUNT: &str =
    "PREFIX p: <https://w3id.org/procos/ontology#> SELECT (COUNT(?r) AS ?n) WHERE { ?r a p:Requirement }";

#[tokio::test]
async fn a_select_counts_what_was_committed() {
    let ontology = graph(7).await;
    assert!(ask(&ontology, COUNT).await.unwrap().contains("\"7\""));
    let named = "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g";
    assert!(ask(&ontology, named).await.unwrap().contains("id/pump"));
}

#[tokio::test]
async fn every_format_is_written() {
    let ontology = graph(2).await;
    let query = "SELECT ?s WHERE { ?s a <https://w3id.org/procos/ontology#Requirement> }";
    for (solutions, start) in [
        (SolutionFormat::Json, "{\"head\""),
        (SolutionFormat::Xml, "<?xml"),
        (SolutionFormat::Csv, "s\r\n"),
        (SolutionFormat::Tsv, "?s\n"),
    ] {
        let options = QueryOptions { solutions, ..QueryOptions::default() };
        let answer = ontology.sparql(query, options).await.unwrap();
        assert!(String::from_utf8(answer.body).unwrap().starts_with(start), "{solutions:?}");
    }
    let construct = "CONSTRUCT { ?s <http://x/is> ?o } WHERE { ?s a ?o }";
    let answer = ontology.sparql(construct, QueryOptions::default()).await.unwrap();
    assert_eq!(answer.media_type, "text/turtle");
    assert!(String::from_utf8(answer.body).unwrap().contains("http://x/is"));
    assert!(ask(&ontology, "ASK { ?s ?p ?o }").await.unwrap().contains("true"));
    let options = QueryOptions { graph: GraphFormat::NTriples, ..QueryOptions::default() };
    let describe = "DESCRIBE <https://w3id.org/procos/id/pump/component/C>";
    let answer = ontology.sparql(describe, options).await.unwrap();
    assert!(String::from_utf8(answer.body).unwrap().contains("Pump \\\"x\\\""));
}

#[tokio::test]
async fn attacks_end_with_an_error_and_the_next_query_is_answered() {
    let ontology = graph(400).await;
    let nested = format!("SELECT * {}{}", "{".repeat(1_000), "}".repeat(1_000));
    let unions = format!("SELECT * {{ {{}} {} }}", "UNION{}".repeat(20_000));
    let cartesian = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }";
    let sorted = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?c ?f ?i";
    let service = "SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }";
    for attack in
        [nested.as_str(), &unions, cartesian, sorted, service, "INSERT DATA { <a:a> <a:b> 1 }", "SELECT", ""]
    {
        let before = Instant::now();
        let error = ask(&ontology, attack).await.unwrap_err();
        assert_eq!(error.code(), "ONTO-0005", "{error}");
        assert!(
            before.elapsed() < Duration::from_secs(8),
            "{} took {:?}",
            &attack[..attack.len().min(60)],
            before.elapsed()
        );
    }
    assert!(ask(&ontology, COUNT).await.unwrap().contains("\"400\""));
}

#[tokio::test]
async fn what_the_guard_lets_pass_does_not_overflow_the_stack() {
    let ontology = graph(1).await;
    // What counts here is the stack, not the time: these two are answered, the others may be given up.
    let options = QueryOptions { deadline: Duration::from_secs(120), ..QueryOptions::default() };
    let depth = MAX_NESTING - 1;
    let nested = format!("SELECT * {{ {} ?s ?p ?o {} }}", "{".repeat(depth - 1), "}".repeat(depth - 1));
    ontology.sparql(&nested, options).await.unwrap();
    let unions = format!("SELECT * {{ {{ ?s ?p ?o }} {} }}", "UNION { ?s ?p 1 }".repeat(400));
    ontology.sparql(&unions, options).await.unwrap();
    let bangs = format!("SELECT * {{ ?s ?p ?o FILTER({}true) }}", "!".repeat(1_900));
    let _ = ask(&ontology, &bangs).await;
    let path = format!("SELECT * {{ ?s <a:b>{} ?o }}", "/<a:b>".repeat(1_500));
    let _ = ask(&ontology, &path).await;
    let sum = format!("SELECT (1{} AS ?x) {{}}", "+1".repeat(1_900));
    let _ = ask(&ontology, &sum).await;
}

#[tokio::test]
async fn rows_are_cut_at_the_limit_and_said_so() {
    let ontology = graph(120).await;
    let query = "SELECT ?a ?b { ?a a <https://w3id.org/procos/ontology#Requirement> . ?b a <https://w3id.org/procos/ontology#Requirement> }";
    let answer = ontology.sparql(query, QueryOptions::default()).await.unwrap();
    assert!(answer.truncated);
}

#[tokio::test]
async fn more_queries_than_slots_are_refused() {
    let ontology = graph(1).await;
    let held = ontology.slots.clone().acquire_many_owned(4).await.unwrap();
    let error = ontology.sparql(COUNT, QueryOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "ONTO-0006");
    drop(held);
    ontology.sparql(COUNT, QueryOptions::default()).await.unwrap();
}
