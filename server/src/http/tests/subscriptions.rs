//! Subscriptions over server-sent events and WebSockets.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{JSON, house, request, soon};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[tokio::test]
async fn events_are_sent_as_next_and_end_with_complete() {
    let house = house().await;
    let body = json!({"query": "subscription { count(to: 2) }"}).to_string();
    // As the web admin's client asks.
    let headers = [JSON, ("accept", "text/event-stream, multipart/mixed")];
    let answer = house.send(request("POST", "/graphql", &headers, &body)).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/event-stream"));
    let expected = "event: next\ndata: {\"data\":{\"count\":1}}\n\nevent: next\ndata: {\"data\":{\"count\":2}}\n\n\
                    event: complete\ndata:\n\n";
    assert_eq!(answer.text(), expected);
}

#[tokio::test]
async fn a_refused_subscription_is_one_event_with_errors() {
    let house = house().await;
    let body = json!({"query": "subscription { nothing }"}).to_string();
    let headers = [JSON, ("accept", "text/event-stream")];
    let answer = house.send(request("POST", "/graphql", &headers, &body)).await;
    assert!(answer.text().starts_with("event: next\ndata: {\"errors\":"), "{}", answer.text());
    assert!(answer.text().ends_with("event: complete\ndata:\n\n"));
    let answer = house.ask(&json!({"query": "subscription { count(to: 1) }"})).await;
    assert_eq!(answer.status, 400, "a subscription without a stream to carry it");
}

async fn socket(origin: Option<&str>) -> Result<Socket, Error> {
    let address = house().await.open().await;
    let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.replace("SELF", &address.to_string()).parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

async fn tell(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// The next message that is no keep-alive.
async fn hear(socket: &mut Socket) -> Value {
    loop {
        let message = tokio::time::timeout(soon(), socket.next()).await.unwrap().unwrap().unwrap();
        let value = match message {
            Message::Text(text) => serde_json::from_str::<Value>(&text).unwrap(),
            Message::Close(Some(frame)) => return json!(u16::from(frame.code)),
            other => json!(other.to_string()),
        };
        if value["type"] != "ping" {
            return value;
        }
    }
}

async fn greeted() -> Socket {
    let mut socket = socket(Some("http://SELF")).await.unwrap();
    tell(&mut socket, json!({"type": "connection_init"})).await;
    assert_eq!(hear(&mut socket).await["type"], "connection_ack");
    socket
}

fn subscribe(id: &str, query: &str) -> Value {
    json!({"type": "subscribe", "id": id, "payload": {"query": query}})
}

#[tokio::test]
async fn a_socket_carries_subscriptions_side_by_side() {
    let mut socket = greeted().await;
    tell(&mut socket, subscribe("quiet", "subscription { endless }")).await;
    tell(&mut socket, subscribe("a", "subscription { count(to: 2) }")).await;
    for expected in [
        json!({"type": "next", "id": "a", "payload": {"data": {"count": 1}}}),
        json!({"type": "next", "id": "a", "payload": {"data": {"count": 2}}}),
        json!({"type": "complete", "id": "a"}),
    ] {
        assert_eq!(hear(&mut socket).await, expected);
    }
    tell(&mut socket, json!({"type": "complete", "id": "quiet"})).await;
    // Its id is free again; queries are possible, too.
    tell(&mut socket, subscribe("quiet", "{ hello }")).await;
    assert_eq!(hear(&mut socket).await["payload"]["data"]["hello"], "hello ");
    assert_eq!(hear(&mut socket).await["type"], "complete");
    tell(&mut socket, json!({"type": "ping", "payload": {"a": 1}})).await;
    assert_eq!(hear(&mut socket).await, json!({"type": "pong", "payload": {"a": 1}}));
}

#[tokio::test]
async fn a_refused_subscription_is_an_error_and_the_socket_stays() {
    let mut socket = greeted().await;
    tell(&mut socket, subscribe("a", "subscription { nothing }")).await;
    let error = hear(&mut socket).await;
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("a")));
    assert!(error["payload"][0]["message"].is_string());
    tell(&mut socket, subscribe("a", "{ hello }")).await;
    assert_eq!(hear(&mut socket).await["type"], "next");
}

#[tokio::test]
async fn breaches_of_the_protocol_close_with_their_codes() {
    let mut early = socket(None).await.unwrap();
    tell(&mut early, subscribe("a", "{ hello }")).await;
    assert_eq!(hear(&mut early).await, 4401);
    let mut twice = greeted().await;
    tell(&mut twice, json!({"type": "connection_init"})).await;
    assert_eq!(hear(&mut twice).await, 4429);
    let mut doubled = greeted().await;
    tell(&mut doubled, subscribe("a", "subscription { endless }")).await;
    tell(&mut doubled, subscribe("a", "subscription { endless }")).await;
    assert_eq!(hear(&mut doubled).await, 4409);
    let mut nonsense = greeted().await;
    tell(&mut nonsense, json!({"type": "nonsense"})).await;
    assert_eq!(hear(&mut nonsense).await, 4400);
    let mut greedy = greeted().await;
    for number in 0..=50 {
        tell(&mut greedy, subscribe(&number.to_string(), "subscription { endless }")).await;
    }
    assert_eq!(hear(&mut greedy).await, 4400);
}

#[tokio::test]
async fn a_page_of_another_origin_gets_no_socket() {
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let error = socket(Some(origin)).await.err().unwrap();
        assert!(matches!(&error, Error::Http(response) if response.status() == 403), "{origin}: {error}");
    }
}
