//! GraphQL over HTTP: which requests are answered how.

use std::path::Path;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use super::{JSON, house, house_with, request};
use crate::http::Limits;

const MODERN: &str = "application/graphql-response+json; charset=utf-8";
const OLDER: &str = "application/json; charset=utf-8";

#[tokio::test]
async fn the_media_type_of_an_answer_follows_accept() {
    let house = house().await;
    let body = json!({"query": "{ hello }"}).to_string();
    for (accept, expected) in [
        (None, OLDER),
        (Some("*/*"), OLDER),
        (Some("application/json"), OLDER),
        (Some("application/graphql-response+json"), MODERN),
        (Some("application/json, application/graphql-response+json"), MODERN),
        (Some("application/graphql-response+json;q=0.5, application/json"), OLDER),
        (Some("text/html, application/*;q=0.1"), OLDER),
    ] {
        let mut headers = vec![JSON];
        headers.extend(accept.map(|accept| ("accept", accept)));
        let answer = house.send(request("POST", "/graphql", &headers, &body)).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, expected), "{accept:?}");
        assert_eq!(answer.json(), json!({"data": {"hello": "hello "}}));
    }
    let headers = [JSON, ("accept", "text/html")];
    assert_eq!(house.send(request("POST", "/graphql", &headers, &body)).await.status, 406);
}

#[tokio::test]
async fn only_json_bodies_are_read() {
    let house = house().await;
    let body = json!({"query": "mutation { touch }"}).to_string();
    for media in ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""] {
        let answer = house.send(request("POST", "/graphql", &[("content-type", media)], &body)).await;
        assert_eq!(answer.status, 415, "{media}");
        assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "HTTP-0007");
    }
    assert_eq!(house.send(request("POST", "/graphql", &[], &body)).await.status, 415);
    let utf16 = [("content-type", "application/json; charset=utf-16")];
    assert_eq!(house.send(request("POST", "/graphql", &utf16, &body)).await.status, 415);
    let utf8 = [("content-type", "application/json; charset=UTF-8")];
    assert_eq!(house.send(request("POST", "/graphql", &utf8, &body)).await.status, 200);
}

#[tokio::test]
async fn malformed_requests_are_400_without_data_in_both_media_types() {
    let house = house().await;
    let bodies = [
        "",
        "{",
        "[]",
        "3",
        "null",
        "{}",
        r#"{"query": 3}"#,
        r#"{"query": null}"#,
        r#"{"query": "{ hello }", "variables": "x"}"#,
        r#"{"query": "{ hello }", "operationName": 3}"#,
        r#"{"query": "{ hello }", "extensions": []}"#,
    ];
    for accept in ["application/json", "application/graphql-response+json"] {
        for body in bodies {
            let answer = house.send(request("POST", "/graphql", &[JSON, ("accept", accept)], body)).await;
            assert_eq!(answer.status, 400, "{body}");
            assert!(answer.json()["errors"][0]["message"].is_string(), "{}", answer.text());
            assert!(answer.json().get("data").is_none());
        }
    }
}

#[tokio::test]
async fn what_does_not_parse_or_fit_is_refused_without_data_and_failing_fields_are_not() {
    let house = house().await;
    for query in ["{", "{ nothing }", "query Q($x: Int!) { hello }", "query A { hello } query B { hello }"] {
        let answer = house.ask(&json!({"query": query})).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.json().get("data").is_none() && answer.json()["errors"].is_array(), "{query}");
    }
    let answer = house.ask(&json!({"query": "{ hello fails }"})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["data"]["hello"], "hello ");
    assert_eq!(answer.json()["errors"][0]["path"], json!(["fails"]));
    let headers = [JSON, ("accept", "application/json")];
    let body = json!({"query": "{ nothing }"}).to_string();
    assert_eq!(house.send(request("POST", "/graphql", &headers, &body)).await.status, 200);
}

#[tokio::test]
async fn get_asks_and_never_changes() {
    let house = house().await;
    let answer = house
        .get("/graphql?query=query(%24n:String)%7Bhello(name:%24n)%7D&variables=%7B%22n%22:%22you%22%7D")
        .await;
    assert_eq!(answer.json(), json!({"data": {"hello": "hello you"}}));
    let answer = house.get("/graphql?query=mutation%7Btouch%7D").await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    let two = "/graphql?query=query%20Q%7Bhello%7Dmutation%20M%7Btouch%7D&operationName=M";
    assert_eq!(house.get(two).await.status, 405);
    assert_eq!(house.get("/graphql").await.status, 400);
    assert_eq!(house.send(request("PUT", "/graphql", &[JSON], "{}")).await.header("allow"), "GET, POST");
}

#[tokio::test]
async fn a_document_that_was_sent_once_is_named_by_its_hash() {
    let house = house().await;
    let document = "query($n: String) { hello(name: $n) }";
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(document));
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    let by_hash = json!({"extensions": extensions, "variables": {"n": "you"}});
    let unknown = house.ask(&by_hash).await;
    assert_eq!(unknown.status, 200);
    assert_eq!(unknown.json()["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(unknown.json()["errors"][0]["extensions"]["code"], "HTTP-0010");
    let wrong = house.ask(&json!({"query": "{ hello }", "extensions": extensions})).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(house.ask(&by_hash).await.json()["errors"][0]["message"], "PersistedQueryNotFound");
    let sent =
        house.ask(&json!({"query": document, "extensions": extensions, "variables": {"n": "me"}})).await;
    assert_eq!(sent.json(), json!({"data": {"hello": "hello me"}}));
    assert_eq!(house.ask(&by_hash).await.json(), json!({"data": {"hello": "hello you"}}));
    let address = format!(
        "/graphql?variables=%7B%22n%22:%22it%22%7D&extensions=%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22{hash}%22%7D%7D"
    );
    assert_eq!(house.get(&address).await.json(), json!({"data": {"hello": "hello it"}}));
    let newer = json!({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": hash}}});
    assert_eq!(house.ask(&newer).await.status, 400);
}

#[tokio::test]
async fn ten_thousand_operations_in_one_request_are_refused() {
    let house = house().await;
    let batch: Vec<_> = (0..10_000).map(|_| json!({"query": "{ hello }"})).collect();
    let answer = house.ask(&json!(batch)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.len() < 1_000);
}

#[tokio::test]
async fn a_body_of_thirty_megabytes_is_refused_announced_or_not() {
    let house = house().await;
    let body = json!({"query": "{ hello }", "variables": {"x": "x".repeat(30 * 1024 * 1024)}}).to_string();
    let length = body.len().to_string();
    let announced = [JSON, ("content-length", length.as_str())];
    assert_eq!(house.send(request("POST", "/graphql", &announced, &body)).await.status, 413);
    let answer = house.send(request("POST", "/graphql", &[JSON], &body)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "HTTP-0005");
}

#[tokio::test]
async fn bombs_of_aliases_and_depth_and_variables_are_refused_briefly() {
    let house = house().await;
    let aliases: String = (0..2_000).map(|number| format!("a{number}: hello ")).collect();
    let deep =
        format!("{}hello{}", "{ inner ".repeat(400), "}".repeat(400)).replacen("hello", "{ hello }", 1);
    let very_deep = "{ inner ".repeat(30_000);
    let unknown: String = (0..2_000).map(|number| format!("u{number} ")).collect();
    for query in
        [format!("{{ {aliases} }}"), deep, very_deep, format!("{{ {unknown} }}"), "x".repeat(300_000)]
    {
        let answer = house.ask(&json!({"query": query})).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.len() < 70_000, "{} bytes", answer.body.len());
    }
    let deep = format!(
        "{{\"query\": \"{{ hello }}\", \"variables\": {}{}}}",
        "{\"a\":".repeat(9_000),
        "}".repeat(9_000)
    );
    assert_eq!(house.send(request("POST", "/graphql", &[JSON], &deep)).await.status, 400);
}

#[tokio::test]
async fn an_operation_that_takes_too_long_is_given_up() {
    let limits = Limits { operation_time: Duration::from_millis(20), ..Limits::default() };
    let answer = house_with(limits, false).await.ask(&json!({"query": "{ slow }"})).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "HTTP-0004");
}

#[tokio::test]
async fn requests_above_the_limit_are_turned_away_and_livez_is_not() {
    let limits = Limits { requests: 1, ..Limits::default() };
    let house = std::sync::Arc::new(house_with(limits, false).await);
    let slow = tokio::spawn({
        let house = house.clone();
        async move { house.ask(&json!({"query": "{ slow }"})).await }
    });
    let turned_away = async {
        loop {
            let answer = house.get("/api/scores").await;
            if answer.status == 503 {
                break answer;
            }
            tokio::task::yield_now().await;
        }
    };
    let answer = tokio::time::timeout(super::soon(), turned_away).await.unwrap();
    assert_eq!((answer.header("retry-after"), &answer.json()["error"]["code"]), ("1", &json!("HTTP-0003")));
    assert_eq!(house.get("/livez").await.status, 200);
    slow.abort();
}

/// The public audits, where Node and their package are at hand; `make test` installs them.
#[tokio::test(flavor = "multi_thread")]
async fn the_public_audits_of_graphql_over_http_pass() {
    let admin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web-admin");
    if !admin.join("node_modules/graphql-http").exists() {
        return;
    }
    let address = house().await.open().await;
    let script = admin.join("scripts/graphql-audit.mjs");
    let run =
        tokio::process::Command::new("node").arg(script).arg(format!("http://{address}/graphql")).output();
    let output = run.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
