//! Health, metrics, scores, SPARQL, the web admin.

use axum::http::StatusCode;
use bpmn::program::Variables;
use das::watch::{Health, Sample};
use engine::ProcessEngine;
use engine::port::{DeployFile, StartInstance};
use ontology::model;
use serde_json::{Value, json};

use super::{House, JSON, house, house_with, request, soon};
use crate::http::Limits;

#[tokio::test]
async fn readiness_names_each_check_and_a_lost_memory_is_no_reason_to_turn_people_away() {
    let ready = house().await.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["status"]), (StatusCode::OK, &json!("ready")));
    let answer = house_with(Limits::default(), true).await.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::OK);
    let checks = answer.json()["checks"].clone();
    let memory = checks.as_array().unwrap().iter().find(|check| check["name"] == "memory").unwrap();
    assert_eq!((&memory["ok"], &memory["needed"]), (&json!(false), &json!(false)));
    assert!(memory["detail"].as_str().unwrap().contains("it is down"));
}

#[tokio::test]
async fn a_server_that_stops_is_alive_but_not_ready() {
    let house = house().await;
    house.site.stop.cancel();
    let answer = house.get("/readyz").await;
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("stopping"))
    );
    assert_eq!(house.get("/livez").await.status, StatusCode::OK);
}

const PROCESS: &str = r#"<?xml version="1.0"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="urn:t">
  <bpmn:process id="p" isExecutable="true">
    <bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>
    <bpmn:sequenceFlow id="f" sourceRef="s" targetRef="e"/>
  </bpmn:process>
</bpmn:definitions>"#;

#[tokio::test]
async fn metrics_count_instances_requests_and_the_trail() {
    let house = house().await;
    let file = DeployFile { name: "p.bpmn".to_owned(), content: PROCESS.as_bytes().to_vec() };
    house.engine.deploy(vec![file]).await.unwrap();
    let start = StartInstance {
        process_id: Some("p".to_owned()),
        variables: Variables::new(),
        ..StartInstance::default()
    };
    house.engine.start(start).await.unwrap();
    house.engine.settle().await;
    let counted = async {
        loop {
            let text = house.get("/metrics").await.text();
            if text.contains("procos_instances_total{state=\"completed\"} 1") {
                break text;
            }
            tokio::task::yield_now().await;
        }
    };
    let text = tokio::time::timeout(soon(), counted).await.unwrap();
    for line in
        ["procos_instances_total{state=\"started\"} 1", "procos_live_pdos 0", "procos_incidents_open 0"]
    {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let again = house.get("/metrics").await.text();
    assert!(
        again.contains("procos_http_requests_total{method=\"GET\",route=\"/metrics\",status=\"200\"}"),
        "{again}"
    );
    assert!(!again.contains("procos_trail_head 0\n"), "{again}");
    assert!(!again.contains("procos_disk_free_bytes"), "nothing was sampled: {again}");
    let memory = Health { ok: false, ..Health::default() };
    let engine = Health { ok: true, ..Health::default() };
    let sample = Sample { disk_free: Some(5), outbox: Some(7), engine, memory, ..Sample::default() };
    house.vitals.take(sample);
    let sampled = house.get("/metrics").await.text();
    for line in [
        "procos_disk_free_bytes 5\n",
        "procos_outbox_items 7\n",
        "procos_part_up{part=\"engine\"} 1\n",
        "procos_part_up{part=\"memory\"} 0\n",
    ] {
        assert!(sampled.contains(line), "{line} in\n{sampled}");
    }
    assert!(!sampled.contains("procos_processor_busy_ratio"), "what is not known is left out: {sampled}");
}

#[tokio::test]
async fn scores_come_with_their_interval_and_wrong_parameters_are_named() {
    let house = house().await;
    let answer = house.get("/api/scores?kind=process").await;
    let score = &answer.json()["scores"][0];
    assert_eq!(
        (&score["subject"], &score["attempts"], &score["successes"]),
        (&json!("order"), &json!(4), &json!(3))
    );
    let number = |name: &str| score[name].as_f64().unwrap();
    assert!(number("low") < number("average") && number("average") < number("high"), "{score}");
    let nothing = json!({"scores": [], "total": 0, "after": null});
    assert_eq!(house.get("/api/scores?kind=tool").await.json(), nothing);
    assert_eq!(house.get("/api/scores?min_attempts=1000").await.json(), nothing);
    let (mut seen, mut after) = (0, json!(0));
    while !after.is_null() {
        let page = house.get(&format!("/api/scores?limit=1&after={after}")).await.json();
        seen += page["scores"].as_array().unwrap().len() as u64;
        assert!(seen <= page["total"].as_u64().unwrap());
        after = page["after"].clone();
    }
    assert_eq!(json!(seen), house.get("/api/scores").await.json()["total"]);
    let metrics = house.get("/metrics").await.text();
    assert!(
        metrics.contains("procos_score_attempts_total{kind=\"process\",subject=\"order\"} 4"),
        "{metrics}"
    );
    assert!(metrics.contains("procos_scores_left_out 0"), "{metrics}");
    for query in ["limit=0", "limit=1001", "limit=x", "colour=red"] {
        let answer = house.get(&format!("/api/scores?{query}")).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["code"]),
            (400, &json!("HTTP-0008")),
            "{query}"
        );
    }
}

#[tokio::test]
async fn the_description_of_the_plain_routes_names_what_there_is() {
    let house = house().await;
    let document = house.get("/openapi.json").await.json();
    let all = document["paths"].as_object().unwrap();
    // What stands in braces is named by the caller; those routes have tests of their own.
    for (path, methods) in all.iter().filter(|(path, _)| !path.contains('{')) {
        let answer = house
            .get(&format!("{path}?query=ASK%7B%7D").replace("/api/scores?query=ASK%7B%7D", "/api/scores"))
            .await;
        // What is there for other methods says so; what is not there at all would be 404.
        let expected =
            if methods.get("get").is_some() { StatusCode::OK } else { StatusCode::METHOD_NOT_ALLOWED };
        assert_eq!(answer.status, expected, "{path}");
    }
    let properties = document["components"]["schemas"]["Score"]["properties"].as_object().unwrap().clone();
    let score = house.get("/api/scores").await.json()["scores"][0].clone();
    let names =
        |value: &Value| value.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(names(&score), names(&Value::Object(properties)));
}

const ONE: &str = "SELECT (1 AS ?one) {}";

#[tokio::test]
async fn sparql_is_asked_in_all_three_ways_and_answered_in_the_format_asked_for() {
    let house = house().await;
    let by_get = house.get("/sparql?query=SELECT%20(1%20AS%20%3Fone)%20%7B%7D").await;
    assert_eq!(by_get.header("content-type"), "application/sparql-results+json");
    assert_eq!(by_get.json()["results"]["bindings"][0]["one"]["value"], "1");
    let media = ("content-type", "application/sparql-query");
    let direct = house.send(request("POST", "/sparql", &[media, ("accept", "text/csv")], ONE)).await;
    assert_eq!(
        (direct.header("content-type"), direct.text().trim()),
        ("text/csv; charset=utf-8", "one\r\n1")
    );
    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let by_form = house.send(request("POST", "/sparql", &[form], "query=ASK+%7B%7D")).await;
    assert_eq!(by_form.json()["boolean"], true);
    let triples = "CONSTRUCT { <urn:a> <urn:b> <urn:c> } {}";
    for (accept, expected) in [
        ("application/n-triples", "application/n-triples"),
        ("text/turtle;q=0.3, application/ld+json", "application/ld+json"),
        ("*/*", "text/turtle"),
    ] {
        let answer = house.send(request("POST", "/sparql", &[media, ("accept", accept)], triples)).await;
        assert!(
            answer.header("content-type").starts_with(expected),
            "{accept}: {}",
            answer.header("content-type")
        );
    }
}

async fn refused(house: &House, headers: &[(&str, &str)], body: &str) -> u16 {
    let answer = house.send(request("POST", "/sparql", headers, body)).await;
    assert!(answer.json()["error"]["code"].is_string(), "{}", answer.text());
    answer.status.as_u16()
}

#[tokio::test]
async fn sparql_attacks_and_updates_are_refused_and_the_server_lives() {
    let house = house().await;
    let media = [("content-type", "application/sparql-query")];
    let nested = format!("SELECT * {}{}", "{".repeat(1_000), "}".repeat(1_000));
    let parentheses = format!("SELECT * {{ FILTER({}1{}) }}", "(".repeat(1_000), ")".repeat(1_000));
    let unions = format!("SELECT * {{ {{}} {} }}", "UNION {} ".repeat(20_000));
    let long = format!("{ONE} # {}", "x".repeat(200_000));
    for query in
        [nested.as_str(), &parentheses, &unions, &long, "SELECT", "INSERT DATA { <urn:a> <urn:b> 1 }", ""]
    {
        assert_eq!(refused(&house, &media, query).await, 400);
    }
    let service = "SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }";
    assert_eq!(refused(&house, &media, service).await, 400);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(refused(&house, &form, "update=CLEAR%20ALL").await, 400);
    assert_eq!(refused(&house, &form, "query=ASK%7B%7D&query=ASK%7B%7D").await, 400);
    assert_eq!(refused(&house, &form, "query=ASK%7B%7D&default-graph-uri=urn%3Ax").await, 400);
    assert_eq!(refused(&house, &[("content-type", "application/sparql-update")], "CLEAR ALL").await, 415);
    assert_eq!(refused(&house, &[JSON], "{}").await, 415);
    assert_eq!(refused(&house, &media, &"x".repeat(1_000_000)).await, 413);
    let picky = [media[0], ("accept", "image/png")];
    assert_eq!(refused(&house, &picky, ONE).await, 406);
    assert_eq!(house.get("/sparql").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(house.get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_page_address_shows_the_admin_and_the_rest_is_missing() {
    let house = house().await;
    for path in ["/", "/systems/light-aircraft", "/graphiql"] {
        let answer = house.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'self'"));
        assert_eq!(
            (answer.header("x-content-type-options"), answer.header("x-frame-options")),
            ("nosniff", "DENY")
        );
        assert_eq!(answer.header("cache-control"), "no-cache");
    }
    for path in ["/missing.js", "/api/nothing", "/..%2f..%2fCargo.toml", "/assets/../../Cargo.toml"] {
        let answer = house.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["code"]),
            (404, &json!("HTTP-0006")),
            "{path}"
        );
    }
    assert_eq!(house.send(request("POST", "/livez", &[], "")).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_file_that_is_known_is_not_sent_again() {
    let house = house().await;
    let first = house.get("/").await;
    let tag = first.header("etag").to_owned();
    if tag.is_empty() {
        assert!(first.text().contains("make web"), "without the web admin the page says how to build it");
        return;
    }
    let again = house.send(request("GET", "/", &[("if-none-match", tag.as_str())], "")).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let squeezed = house.send(request("GET", "/", &[("accept-encoding", "gzip")], "")).await;
    assert_eq!(squeezed.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn a_request_keeps_its_id_where_it_can_be_logged() {
    let house = house().await;
    let sent = house.send(request("GET", "/livez", &[("x-request-id", "abc-1")], "")).await;
    assert_eq!(sent.header("x-request-id"), "abc-1");
    for id in ["", "a b", &"x".repeat(65)] {
        let answer = house.send(request("GET", "/livez", &[("x-request-id", id)], "")).await;
        assert_eq!(answer.header("x-request-id").len(), 16, "{id:?}");
    }
}

#[tokio::test]
async fn a_system_is_exported_in_every_form_and_what_is_not_there_is_said() {
    let house = house().await;
    let asked =
        model::Requirement { id: "R-1".into(), text: "It shall be.".into(), ..model::Requirement::default() };
    let put = vec![model::Node::Requirement(asked)];
    let change = model::ChangeSet { system: "The pump".into(), put, ..model::ChangeSet::default() };
    house.ontology.commit(change, 0).await.unwrap();
    for (format, media, says) in [
        ("turtle", "text/turtle", "R-1"),
        ("reqif", "application/xml", "<SPEC-OBJECT IDENTIFIER=\"R-1\""),
        ("csv", "text/csv; charset=utf-8", "R-1,It shall be."),
        ("matrix", "text/csv; charset=utf-8", "requirement"),
    ] {
        let answer = house.get(&format!("/api/systems/The%20pump/export?format={format}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, media), "{format}");
        assert!(answer.text().contains(says), "{format}: {}", answer.text());
    }
    for (path, status, code) in [
        ("/api/systems/nothing/export", StatusCode::NOT_FOUND, "ONTO-0003"),
        ("/api/systems/The%20pump/export?format=doc", StatusCode::BAD_REQUEST, "HTTP-0008"),
        ("/api/systems/The%20pump/export?form=csv", StatusCode::BAD_REQUEST, "HTTP-0008"),
    ] {
        let answer = house.get(path).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(code)), "{path}");
    }
}

#[tokio::test]
async fn the_vocabulary_is_given_in_the_form_that_is_accepted() {
    let house = house().await;
    for (path, accept, media, says) in [
        ("/ontology", "", "text/turtle", "procos:Requirement a owl:Class"),
        ("/ontology", "text/html,*/*;q=0.8", "text/turtle", "procos:Requirement a owl:Class"),
        ("/ontology", "text/turtle;q=0.1, application/ld+json", "application/ld+json", "\"@id\""),
        ("/ontology/alignment", "application/n-triples", "application/n-triples", "skos/core#closeMatch"),
        ("/ontology/shapes", "text/turtle", "text/turtle", "sh:targetClass"),
    ] {
        let answer = house.send(request("GET", path, &[("accept", accept)], "")).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, media),
            "{path} {accept}"
        );
        assert!(answer.text().contains(says), "{path} {accept}");
    }
    let answer = house.send(request("GET", "/ontology", &[("accept", "image/png")], "")).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (StatusCode::NOT_ACCEPTABLE, &json!("HTTP-0009"))
    );
}
