//! SPARQL as an attacker and as an honest user would send it.

use std::time::Instant;

use super::stream::{PART_BYTES, QUEUE_PARTS};
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

/// How long after its deadline a query may still hold its thread here, on a busy machine.
const MARGIN: Duration = Duration::from_secs(6);

/// Waits until no query holds a thread.
async fn all_threads_end(ontology: &Ontology) {
    let slots = u32::try_from(MAX_CONCURRENT_QUERIES).unwrap();
    let all = tokio::time::timeout(MARGIN, ontology.slots.acquire_many(slots)).await;
    assert!(all.is_ok(), "a thread works on after its query was stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_runs_away_is_stopped_where_it_is() {
    let ontology = graph(400).await;
    ontology.store().unwrap();
    let values = |name: &str, count: usize| {
        format!("VALUES ?{name} {{ {} }}", (0..count).map(|n| format!("\"{n}\" ")).collect::<String>())
    };
    let all = "{ SELECT ?NAME { ?NAME ?pNAME ?oNAME } }";
    let sub = |name: &str| all.replace("NAME", name);
    let doubling: String =
        (1..40).map(|n| format!("BIND(CONCAT(?a{}, ?a{}) AS ?a{n}) ", n - 1, n - 1)).collect();
    let replacing: String =
        (1..12).map(|n| format!("BIND(REPLACE(?a{}, \".\", ?a{}) AS ?a{n}) ", n - 1, n - 1)).collect();
    let long = "x".repeat(20_000);
    for (what, query) in [
        // Joined without touching the data.
        (
            "values",
            format!(
                "SELECT (COUNT(*) AS ?n) {{ {} {} {} }}",
                values("a", 1_000),
                values("b", 1_000),
                sub("c")
            ),
        ),
        ("sub-selects", format!("SELECT (COUNT(*) AS ?n) {{ {} {} {} }}", sub("a"), sub("b"), sub("c"))),
        (
            "nothing comes out",
            format!(
                "SELECT * {{ {} {} {} FILTER(CONCAT(STR(?a), STR(?b), STR(?c)) = \"x\") }}",
                sub("a"),
                sub("b"),
                sub("c")
            ),
        ),
        (
            "optional",
            format!("SELECT (COUNT(*) AS ?n) {{ {} OPTIONAL {{ {} {} }} }}", sub("a"), sub("b"), sub("c")),
        ),
        (
            "minus",
            format!(
                "SELECT (COUNT(*) AS ?n) {{ {} {} MINUS {{ {} ?a ?x ?y }} }}",
                sub("a"),
                sub("d"),
                sub("b")
            ),
        ),
        ("sorted", format!("SELECT * {{ {} {} {} }} ORDER BY ?a ?b ?c", sub("a"), sub("b"), sub("c"))),
        (
            "distinct",
            format!(
                "SELECT (COUNT(*) AS ?n) {{ SELECT DISTINCT * {{ {} {} {} }} }}",
                sub("a"),
                sub("b"),
                sub("c")
            ),
        ),
        ("doubled text", format!("SELECT * {{ BIND(\"xxxxxxxxxx\" AS ?a0) {doubling} }}")),
        ("replaced text", format!("SELECT * {{ BIND(\"xxxxxxxxxx\" AS ?a0) {replacing} }}")),
        (
            "text of groups",
            format!(
                "SELECT (GROUP_CONCAT(CONCAT(?x, \"{long}\")) AS ?n) {{ ?a ?p ?o . ?b ?q ?r BIND(STR(?a) AS ?x) }}"
            ),
        ),
        (
            "exists",
            format!(
                "SELECT * {{ ?s ?p ?o FILTER NOT EXISTS {{ {} {} {} FILTER(CONCAT(STR(?a), STR(?b), STR(?c)) = \"x\") }} }}",
                sub("a"),
                sub("b"),
                sub("c")
            ),
        ),
    ] {
        let before = Instant::now();
        let error = ask(&ontology, &query).await.expect_err(what);
        assert_eq!(error.code(), "ONTO-0005", "{what}: {error}");
        assert!(before.elapsed() < MARGIN, "{what} took {:?}", before.elapsed());
        all_threads_end(&ontology).await;
        assert!(ask(&ontology, COUNT).await.unwrap().contains("\"400\""), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_that_explode_elsewhere_are_matched_in_time() {
    let ontology = graph(50).await;
    for pattern in ["(a+)+$", "(a|aa)+$", "([a-z]+)*!", "(.*a){20}"] {
        let query = format!(
            "SELECT (COUNT(*) AS ?n) {{ ?s ?p ?o FILTER(REGEX(\"{}!\", \"{pattern}\")) }}",
            "a".repeat(5_000)
        );
        let before = Instant::now();
        let _ = ask(&ontology, &query).await;
        assert!(before.elapsed() < MARGIN, "{pattern} took {:?}", before.elapsed());
        all_threads_end(&ontology).await;
    }
}

#[tokio::test]
async fn a_watched_query_says_what_it_says_unwatched() {
    let ontology = graph(30).await;
    let store = ontology.store().unwrap();
    let p = "PREFIX p: <https://w3id.org/procos/ontology#> PREFIX d: <http://purl.org/dc/terms/>";
    for query in [
        "SELECT ?s ?o { ?s a p:Requirement ; d:description ?o OPTIONAL { ?s p:kind ?k } } ORDER BY ?o",
        "SELECT DISTINCT ?t { { ?s a ?t } UNION { ?t p:nothing ?x } } ORDER BY ?t",
        "SELECT ?t (COUNT(?s) AS ?n) { ?s a ?t } GROUP BY ?t ORDER BY ?t",
        "SELECT ?s { ?s a p:Requirement MINUS { ?s d:identifier \"R-3\" } } ORDER BY ?s",
        "SELECT ?x ?s { VALUES ?x { \"R-3\" \"R-4\" } ?s d:identifier ?x } ORDER BY ?s",
        "SELECT (CONCAT(\"a\", ?i, 1/0) AS ?bad) (REPLACE(?i, \"R\", \"Q\") AS ?good) { ?s d:identifier ?i } ORDER BY ?i",
        "SELECT (GROUP_CONCAT(?i; SEPARATOR=\"\") AS ?all) { SELECT ?i { ?s d:identifier ?i } ORDER BY ?i LIMIT 2 }",
        "SELECT ?s { ?s a p:Requirement FILTER EXISTS { ?s d:identifier ?i . { SELECT ?i { ?q d:identifier ?i } } } } ORDER BY ?s",
        "SELECT ?a ?b { { SELECT ?a { ?a a p:Component } } { SELECT ?b { ?b a p:Component } } }",
    ] {
        let query = format!("{p} {query}");
        let found = ask(&ontology, &query).await.unwrap();
        let mut plain = SparqlEvaluator::new().parse_query(&query).unwrap();
        plain.dataset_mut().set_default_graph_as_union();
        let QueryResults::Solutions(solutions) = plain.on_store(&store).execute().unwrap() else { panic!() };
        let mut out = Vec::new();
        let format = QueryResultsSerializer::from_format(QueryResultsFormat::Json);
        let mut writer =
            format.serialize_solutions_to_writer(&mut out, solutions.variables().to_vec()).unwrap();
        solutions.for_each(|row| writer.serialize(&row.unwrap()).unwrap());
        writer.finish().unwrap();
        assert_eq!(found, String::from_utf8(out).unwrap(), "{query}");
    }
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

/// Rows without end, found at once.
const ENDLESS: &str = "SELECT ?a ?d ?g { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }";

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_begins_before_its_query_ends_and_ends_with_an_error_at_the_deadline() {
    let ontology = graph(400).await;
    ontology.store().unwrap();
    for (query, begins) in [
        (ENDLESS, "{\"head\""),
        ("CONSTRUCT { ?a ?e ?i } { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }", "@prefix"),
    ] {
        let options = QueryOptions { deadline: Duration::from_millis(1500), ..QueryOptions::default() };
        let mut answering = ontology.sparql_stream(query, options.streamed()).await.unwrap();
        assert!(ontology.slots.available_permits() < MAX_CONCURRENT_QUERIES, "it is over already");
        let first = answering.next().await.unwrap().unwrap();
        assert!(first.starts_with(begins.as_bytes()), "{}", String::from_utf8_lossy(&first));
        let error = loop {
            match answering.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("a cut answer looks whole"),
            }
        };
        assert_eq!(error.code(), "ONTO-0005", "{error}");
        assert!(answering.next().await.is_none());
        all_threads_end(&ontology).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_makes_the_query_wait_and_who_goes_ends_it() {
    let ontology = graph(400).await;
    let options = QueryOptions::default().streamed();
    let answering = ontology.sparql_stream(ENDLESS, options).await.unwrap();
    let full = async {
        while answering.queued() < QUEUE_PARTS {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(MARGIN, full).await.expect("rows are found meanwhile");
    assert!(ask(&ontology, COUNT).await.unwrap().contains("\"400\""), "others are answered meanwhile");
    let written = answering.course().written();
    assert!(
        written <= (QUEUE_PARTS + 3) * PART_BYTES,
        "{written} bytes are held for somebody who takes none"
    );
    drop(answering);
    all_threads_end(&ontology).await;
}

#[tokio::test]
async fn an_answer_larger_than_allowed_is_an_error_and_not_a_shorter_one() {
    let ontology = graph(120).await;
    let options = QueryOptions { bytes: 100_000, ..QueryOptions::default().streamed() };
    let mut answering = ontology.sparql_stream("SELECT * { ?s ?p ?o . ?a ?b ?c }", options).await.unwrap();
    let mut bytes = 0;
    let error = loop {
        match answering.next().await.expect("no end without an error") {
            Ok(part) => bytes += part.len(),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("larger than 100000 bytes"), "{error}");
    assert!((50_000..=100_000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn an_answer_in_parts_says_what_one_in_one_piece_says() {
    let ontology = graph(2_000).await;
    let query = "SELECT ?s ?o { ?s <http://purl.org/dc/terms/description> ?o } ORDER BY ?o";
    for solutions in [SolutionFormat::Json, SolutionFormat::Xml, SolutionFormat::Csv, SolutionFormat::Tsv] {
        let options = QueryOptions { solutions, ..QueryOptions::default() };
        let whole = ontology.sparql(query, options).await.unwrap();
        let mut answering = ontology.sparql_stream(query, options.streamed()).await.unwrap();
        let (mut parts, mut body) = (0, Vec::new());
        while let Some(part) = answering.next().await {
            body.append(&mut part.unwrap());
            parts += 1;
        }
        assert!(parts > 2, "{solutions:?} came in {parts} parts");
        assert_eq!((body, answering.media_type()), (whole.body, whole.media_type), "{solutions:?}");
        assert!(!answering.is_truncated());
    }
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
