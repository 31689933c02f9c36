//! The Model Context Protocol by HTTP.

use super::*;

const PING: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "ping"}"#;

#[tokio::test]
async fn a_message_is_answered_and_a_notification_only_taken() {
    let house = house().await;
    let answer = house.send(request("POST", "/mcp", &[JSON], PING)).await;
    assert_eq!((answer.status, answer.json()["result"].is_object()), (StatusCode::OK, true));
    let note = r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#;
    let answer = house.send(request("POST", "/mcp", &[JSON], note)).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::ACCEPTED, 0));
}

#[tokio::test]
async fn other_pages_media_types_methods_and_revisions_are_refused() {
    let house = house().await;
    let cases = [
        (vec![JSON, ("origin", "https://elsewhere.example")], StatusCode::FORBIDDEN),
        (vec![("content-type", "text/plain")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (vec![JSON, ("mcp-protocol-version", "1999-01-01")], StatusCode::BAD_REQUEST),
    ];
    for (headers, status) in cases {
        let answer = house.send(request("POST", "/mcp", &headers, PING)).await;
        assert_eq!(answer.status, status, "{headers:?} {}", answer.text());
    }
    let answer = house.send(request("GET", "/mcp", &[], "")).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}
