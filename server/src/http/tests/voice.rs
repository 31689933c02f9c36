//! Voice: a recording goes to the configured endpoint and comes back as text; everything else is refused by name.

use axum::http::StatusCode;
use llm::scripted::{Reply, ScriptedServer};
use serde_json::json;
use trail::Trail;

use super::{house, house_that_hears, request};

const WEBM: (&str, &str) = ("content-type", "audio/webm;codecs=opus");

#[tokio::test]
async fn a_recording_comes_back_as_text_and_the_trail_says_so() {
    let server =
        ScriptedServer::replying(vec![Reply::Json(json!({"text": " ship the order "}))]).await.unwrap();
    let house = house_that_hears(&server).await;
    let answer = house.send(request("POST", "/api/voice?language=en", &[WEBM], "RIFF")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json(), json!({"text": "ship the order", "model": "scripted-ear"}));
    let sent = &server.received()[0];
    let body = String::from_utf8_lossy(&sent.body);
    assert_eq!(sent.path, "/audio/transcriptions");
    assert!(body.contains("voice.webm") && body.contains("RIFF") && body.contains("en"), "{body}");
    let events = house.trail.read(&trail::Filter::default(), 0, 100).await.unwrap();
    let event = events.iter().find(|event| event.content.kind == "voice.transcribed").unwrap();
    assert_eq!((&event.content.data["bytes"], &event.content.data["characters"]), (&json!(4), &json!(14)));
    assert!(!event.content.data.to_string().contains("order"), "what was said is not in the trail");
}

#[tokio::test]
async fn without_an_endpoint_for_speech_the_answer_says_what_to_set() {
    let answer = house().await.send(request("POST", "/api/voice", &[WEBM], "RIFF")).await;
    assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(answer.json()["error"]["code"], "LLM-0009");
    assert!(answer.json()["error"]["hint"].as_str().unwrap().contains("PROCOS_MODEL_TRANSCRIPTION"));
}

#[tokio::test]
async fn what_is_no_recording_is_refused_before_anything_is_sent() {
    let server = ScriptedServer::replying(Vec::new()).await.unwrap();
    let house = house_that_hears(&server).await;
    let large = "x".repeat(house.site.limits.body_bytes + 1);
    for (path, media, body, status) in [
        ("/api/voice", "text/plain", "RIFF", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("/api/voice", "", "RIFF", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("/api/voice?language=english", "audio/webm", "RIFF", StatusCode::BAD_REQUEST),
        ("/api/voice?speed=2", "audio/webm", "RIFF", StatusCode::BAD_REQUEST),
        ("/api/voice", "audio/webm", "", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/voice", "audio/webm", large.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let answer = house.send(request("POST", path, &[("content-type", media)], body)).await;
        assert_eq!(answer.status, status, "{path} {media}: {}", answer.text());
        assert!(answer.json()["error"]["hint"].is_string());
    }
    assert_eq!(house.get("/api/voice").await.status, StatusCode::METHOD_NOT_ALLOWED);
    let foreign = [WEBM, ("origin", "http://elsewhere.example")];
    assert_eq!(house.send(request("POST", "/api/voice", &foreign, "R")).await.status, StatusCode::FORBIDDEN);
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn an_endpoint_that_fails_is_named() {
    let refusal = Reply::Status(401, Vec::new(), json!({"error": {"message": "bad key"}}).to_string());
    let server = ScriptedServer::replying(vec![refusal]).await.unwrap();
    let answer = house_that_hears(&server).await.send(request("POST", "/api/voice", &[WEBM], "RIFF")).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(answer.json()["error"]["code"], "LLM-0003");
}
