//! Files that are taken in over plain HTTP: a job at once, its steps, and what is refused.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Answer, House, house, house_with, request, soon};
use crate::http::Limits;
use crate::http::intake::UPLOAD_BYTES_MAX;

const TABLE: &str = "id,text\nR-1,The brake shall stop the vehicle.\nR-2,The brake shall hold the vehicle.\n";
const CSV: (&str, &str) = ("content-type", "text/csv");

/// Waits until a job is over.
async fn over(house: &House, started: &Answer) -> Value {
    assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.text());
    let place = started.header("location").to_owned();
    assert_eq!(place, format!("/api/jobs/{}", started.json()["id"].as_str().unwrap()));
    let look = async {
        loop {
            let job = house.get(&place).await.json();
            if job["state"] != "running" {
                return job;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(soon(), look).await.expect("the job ends")
}

#[tokio::test]
async fn a_file_is_taken_in_as_a_job_whose_steps_are_told_from_any_position_on() {
    let house = house().await;
    let started = house.send(request("POST", "/api/systems/Brake/import", &[CSV], TABLE)).await;
    let job = over(&house, &started).await;
    assert_eq!((&job["state"], &job["result"]["added"]), (&json!("done"), &json!(2)), "{job}");
    assert_eq!(job["result"]["version"], 1);
    assert_eq!(house.ontology.snapshot("Brake").unwrap().count("requirement"), 2);
    let change = house.ontology.change("Brake", 1).await.unwrap();
    assert_eq!(change.message, "upload.csv imported");
    // Its steps, from the first and from a later one on.
    let place = started.header("location").to_owned();
    let events = |path: String, headers: Vec<(&'static str, &'static str)>| {
        let router = house.router.clone();
        async move {
            let mut with = vec![("accept", "text/event-stream")];
            with.extend(headers);
            let response =
                tower::ServiceExt::oneshot(router, request("GET", &path, &with, "")).await.unwrap();
            let mut text = String::new();
            let mut parts = response.into_body().into_data_stream();
            while let Some(part) = timeout(soon(), parts.next()).await.expect("the stream ends") {
                text.push_str(&String::from_utf8_lossy(&part.unwrap()));
            }
            text
        }
    };
    let all = events(place.clone(), Vec::new()).await;
    for stage in ["received", "read", "understood", "written"] {
        assert!(all.contains(&format!("\"stage\":\"{stage}\"")), "{stage}: {all}");
    }
    assert!(all.contains("event: done") && all.contains("\"added\":2"), "{all}");
    for rest in [
        events(format!("{place}?after=2"), Vec::new()).await,
        events(place.clone(), vec![("last-event-id", "2")]).await,
    ] {
        assert!(!rest.contains("\"stage\":\"read\"") && rest.contains("id: 3"), "{rest}");
        assert!(rest.contains("event: done"), "{rest}");
    }
}

#[tokio::test]
async fn graphs_and_text_are_taken_in_by_their_media_type_or_the_name_of_their_format() {
    const SHALL: &str = "<http://open-services.net/ns/rm#Requirement>";
    const TITLE: &str = "<http://purl.org/dc/terms/title>";
    let turtle = format!("<urn:r:1> a {SHALL} ; {TITLE} \"The brake shall stop.\" .");
    let triples = format!(
        "<urn:r:2> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> {SHALL} .\n<urn:r:2> {TITLE} \"The brake shall hold.\" .\n"
    );
    let text = "# Brakes\n\nThe brake shall be light.\n";
    let house = house().await;
    let plain = ("content-type", "application/octet-stream");
    let files = [
        ("", ("content-type", "text/turtle; charset=utf-8"), turtle.as_str()),
        ("?format=ntriples", plain, triples.as_str()),
        ("?file_name=brakes.md", plain, text),
        ("", ("content-type", "text/markdown"), "# Noise\n\n- R-9: The brake shall be quiet.\n"),
    ];
    for (number, (query, media, content)) in files.iter().enumerate() {
        let path = format!("/api/systems/Brake/import{query}");
        let started = house.send(request("POST", &path, &[*media], content)).await;
        let job = over(&house, &started).await;
        assert_eq!((&job["state"], &job["result"]["added"]), (&json!("done"), &json!(1)), "{query}: {job}");
        assert_eq!(house.ontology.snapshot("Brake").unwrap().count("requirement"), number + 1);
    }
    // What is no graph is told with its line, and changes nothing.
    let broken = "<urn:r:3> a <http://open-services.net/ns/rm#Requirement> ;\n  nothing .";
    let turtle = ("content-type", "text/turtle");
    let started = house.send(request("POST", "/api/systems/Brake/import", &[turtle], broken)).await;
    let job = over(&house, &started).await;
    assert_eq!((&job["state"], &job["error"]["line"]), (&json!("failed"), &json!(2)), "{job}");
    assert_eq!(house.ontology.snapshot("Brake").unwrap().head, 4);
}

#[tokio::test]
async fn a_file_that_is_wrong_fails_its_job_with_code_and_line_and_stores_nothing() {
    let house = house().await;
    let path = "/api/systems/Brake/import?format=reqif&file_name=brake.reqif";
    let started = house.send(request("POST", path, &[], "<REQ-IF>\n<CORE-CONTENT>\n</REQ-IF>")).await;
    let job = over(&house, &started).await;
    assert_eq!((&job["state"], &job["error"]["code"]), (&json!("failed"), &json!("ONTO-0009")), "{job}");
    assert_eq!(job["error"]["line"], 3, "{job}");
    assert!(job["error"]["hint"].is_string());
    assert!(house.ontology.snapshot("Brake").is_err());
}

#[tokio::test]
async fn the_same_key_is_one_change_and_an_old_version_is_told() {
    let house = house().await;
    let keyed = [CSV, ("idempotency-key", "first")];
    let first = house.send(request("POST", "/api/systems/Brake/import?if_match=0", &keyed, TABLE)).await;
    over(&house, &first).await;
    let more = "id,text\nR-3,The brake shall be cheap.\n";
    let again = house.send(request("POST", "/api/systems/Brake/import?if_match=0", &keyed, more)).await;
    assert_eq!(over(&house, &again).await["result"]["version"], 1);
    assert_eq!(house.ontology.snapshot("Brake").unwrap().count("requirement"), 2);
    let late = house.send(request("POST", "/api/systems/Brake/import?if_match=0", &[CSV], more)).await;
    assert_eq!(over(&house, &late).await["error"]["code"], "ONTO-0002");
    assert_eq!(house.ontology.snapshot("Brake").unwrap().head, 1);
}

#[tokio::test]
async fn what_is_no_file_is_refused_before_a_job_begins() {
    let house = house().await;
    for (path, media, status) in [
        ("/api/systems/Brake/import", "", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("/api/systems/Brake/import", "text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("/api/systems/Brake/import?format=docx", "text/csv", StatusCode::BAD_REQUEST),
        ("/api/systems/Brake/import?colour=red", "text/csv", StatusCode::BAD_REQUEST),
        ("/api/systems/Brake/import?if_match=x", "text/csv", StatusCode::BAD_REQUEST),
        ("/api/systems/Brake@study/import", "text/csv", StatusCode::NOT_FOUND),
    ] {
        let answer = house.send(request("POST", path, &[("content-type", media)], TABLE)).await;
        assert_eq!(answer.status, status, "{path} {media}: {}", answer.text());
        assert!(answer.json()["error"]["hint"].is_string());
    }
    let long = "k".repeat(201);
    let answer =
        house.send(request("POST", "/api/systems/B/import", &[CSV, ("idempotency-key", &long)], TABLE)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(house.get("/api/systems/Brake/import").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(house.get("/api/jobs/unknown").await.status, StatusCode::NOT_FOUND);
    let foreign = [CSV, ("origin", "http://elsewhere.example")];
    assert_eq!(
        house.send(request("POST", "/api/systems/B/import", &foreign, TABLE)).await.status,
        StatusCode::FORBIDDEN
    );
    assert!(house.ontology.systems().is_empty());
}

/// A body of parts that are made as they are sent.
fn flood(parts: usize, announced: Option<usize>) -> Request<Body> {
    let part = vec![b'x'; 1024 * 1024];
    let parts = futures::stream::iter(0..parts).map(move |_| Ok::<_, std::io::Error>(part.clone()));
    let mut request = Request::builder().method("POST").uri("/api/systems/Brake/import");
    request = request.header("host", "127.0.0.1:8080").header("content-type", "text/csv");
    if let Some(announced) = announced {
        request = request.header("content-length", announced);
    }
    request.body(Body::from_stream(parts)).unwrap()
}

#[tokio::test]
async fn a_file_that_is_too_large_or_too_slow_is_refused() {
    let house =
        house_with(Limits { upload_time: std::time::Duration::from_millis(50), ..Limits::default() }, false)
            .await;
    let announced = house.send(flood(1, Some(UPLOAD_BYTES_MAX + 1))).await;
    assert_eq!(announced.json()["error"]["code"], "HTTP-0005", "{}", announced.text());
    let never = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let slow = Request::builder().method("POST").uri("/api/systems/Brake/import");
    let slow = slow.header("host", "127.0.0.1:8080").header("content-type", "text/csv").body(never).unwrap();
    assert_eq!(house.send(slow).await.status, StatusCode::REQUEST_TIMEOUT);
    // What says nothing about its length is counted as it comes.
    let house = super::house().await;
    let silent = house.send(flood(UPLOAD_BYTES_MAX / (1024 * 1024) + 1, None)).await;
    assert_eq!(silent.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(house.get("/readyz").await.status, StatusCode::OK);
}
