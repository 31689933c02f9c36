//! What a query may cost.

use serde_json::json;

use super::bed::Bed;
use crate::{ALIASES_LIMIT, NODES_LIMIT};

/// What GraphiQL and code generators send.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name }
    subscriptionType { name } types { ...FullType }
    directives { name description locations args { ...InputValue } } } }
  fragment FullType on __Type { kind name description
    fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef }
      isDeprecated deprecationReason }
    inputFields { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
    possibleTypes { ...TypeRef } }
  fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
  fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }";

#[tokio::test]
async fn the_stock_introspection_query_is_answered() {
    let bed = Bed::new().await;
    let found = bed.ask(INTROSPECTION, json!({})).await;
    assert!(found["__schema"]["types"].as_array().unwrap().len() > 60);
}

#[tokio::test]
async fn bombs_are_refused_before_they_run() {
    let bed = Bed::new().await;
    let aliases: String = (0..=ALIASES_LIMIT).map(|n| format!("a{n}: server {{ version }} ")).collect();
    let deep = format!(
        "{{ systems {{ nodes {{ components {{ nodes {{ {} name {} }} }} }} }} }}",
        "children { ".repeat(20),
        "}".repeat(20)
    );
    let mut doubling = "{ ...F0 }".to_owned();
    for n in 0..30 {
        doubling.push_str(&format!(" fragment F{n} on Query {{ ...F{} ...F{} }}", n + 1, n + 1));
    }
    doubling.push_str(" fragment F30 on Query { server { version } }");
    let pages =
        "{ systems(first: 1000) { nodes { requirements(first: 1000) { nodes { text } } } } }".to_owned();
    let directives = format!("{{ server {{ version {} }} }}", "@include(if: true) ".repeat(11));
    for (what, query, code) in [
        ("aliases", format!("{{ {aliases} }}"), "API-0003"),
        ("depth", deep, "API-0003"),
        ("fragments", doubling, "API-0003"),
        ("a cycle", "{ ...A } fragment A on Query { ...A }".to_owned(), "API-0003"),
        ("brackets", "{a".repeat(100_000), "API-0003"),
        ("lists", format!("{{ a(x: {}) }}", "[".repeat(100_000)), "API-0003"),
        ("text", format!("{{ server {{ version }} }} # {}", "x".repeat(300_000)), "API-0003"),
        ("pages of pages", pages, "API-0007"),
        ("directives", directives, "API-0007"),
        ("nonsense", "{ nothing }".to_owned(), "API-0007"),
        ("syntax", "{".to_owned(), "API-0007"),
    ] {
        let (found, message, hint) = bed.refusal(&query, json!({})).await;
        assert_eq!(found, code, "{what}: {message}");
        assert!(!hint.is_empty(), "{what}");
        assert!(message.len() < 2_000, "{what}: {} bytes", message.len());
    }
}

#[tokio::test]
async fn a_page_has_at_most_a_thousand_items() {
    let bed = Bed::new().await;
    for first in ["1001", "-1", "2147483647"] {
        let (code, message, _) =
            bed.refusal(&format!("{{ scores(first: {first}) {{ totalCount }} }}"), json!({})).await;
        assert!(code == "API-0002" || code == "API-0007", "{code} {message}");
    }
    assert_eq!(bed.ask("{ scores(first: 1000) { totalCount } }", json!({})).await["scores"]["totalCount"], 0);
    let (code, ..) = bed.refusal("{ scores(after: \"x\") { totalCount } }", json!({})).await;
    assert_eq!(code, "API-0002");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_at_most_so_many_nodes() {
    let bed = Bed::new().await;
    // A chain of components whose parts are asked for again and again: small on paper, big in the answer.
    let put = (0..150).map(|n| {
        ontology::model::Node::Component(ontology::model::Component {
            id: format!("c{n}"),
            name: format!("part {n}"),
            parent: (n > 0).then(|| "c0".to_owned()),
            ..ontology::model::Component::default()
        })
    });
    let change = ontology::model::ChangeSet {
        system: "wide".to_owned(),
        author: "test".to_owned(),
        put: put.collect(),
        ..ontology::model::ChangeSet::default()
    };
    bed.state.ontology.commit(change, 0).await.unwrap();
    let query = "{ components(system: \"wide\", first: 200) { nodes { parent { children { name } } } } }";
    let (code, message, hint) = bed.refusal(query, json!({})).await;
    assert_eq!(code, "API-0003");
    assert!(message.contains(&NODES_LIMIT.to_string()), "{message}");
    assert!(!hint.is_empty());
    let query = "{ components(system: \"wide\", first: 50) { nodes { parent { children { name } } } } }";
    bed.ask(query, json!({})).await;
}
