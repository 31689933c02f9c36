//! Subscriptions over a WebSocket, by the protocol `graphql-transport-ws`.
//!
//! | state | message | what follows |
//! | --- | --- | --- |
//! | new | `connection_init` | `connection_ack`, greeted |
//! | new | `subscribe` | close 4401 |
//! | new | nothing in time | close 4408 |
//! | greeted | `connection_init` | close 4429 |
//! | greeted | `subscribe` | `next`…, then `complete`; `error` where it is refused |
//! | greeted | `subscribe` with an id in use | close 4409 |
//! | greeted | `complete` | that subscription ends |
//! | any | `ping` | `pong` |
//! | any | anything else | close 4400 |

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Executor, Response as Outcome};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream::{AbortHandle, BoxStream, SelectAll, abortable};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::Endpoint;
use super::reply::Written;
use crate::http::Refusal;

const PROTOCOL: &str = "graphql-transport-ws";
/// Buffers of a connection, bytes: ten thousand connections must fit.
const BUFFER_BYTES: usize = 4 * 1024;
/// Largest message from a caller, bytes.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Subscriptions at once on one connection.
const SUBSCRIPTIONS_MAX: usize = 50;
/// How long a caller may take for `connection_init`.
const GREETING_TIME: Duration = Duration::from_secs(10);
/// How long one message to the caller may take; who does not read is let go.
const SEND_TIME: Duration = Duration::from_secs(10);
const PING: Duration = Duration::from_secs(20);
/// Longest reason in a close frame, bytes (RFC 6455 § 5.5 allows 123).
const REASON_BYTES_MAX: usize = 120;

/// Upgrades; the door has looked at Host and Origin before.
pub(super) async fn upgrade<E: Executor>(endpoint: Endpoint<E>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.protocols([PROTOCOL]),
        Err(rejection) => {
            let hint = "open a WebSocket with the protocol graphql-transport-ws";
            let message = rejection.body_text();
            return Refusal::new(rejection.status(), "HTTP-0007", message, hint).into_response();
        }
    };
    if upgrade.selected_protocol().is_none() {
        let hint = "ask for the protocol graphql-transport-ws";
        let message = "the WebSocket asks for no protocol that is spoken here";
        return Refusal::new(StatusCode::BAD_REQUEST, "HTTP-0007", message, hint).into_response();
    }
    let Ok(slot) = Arc::clone(&endpoint.streams).try_acquire_owned() else {
        return Refusal::busy("subscriptions").into_response();
    };
    upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| async move { Conversation::new(endpoint, slot).hold(socket).await })
}

/// A message from the caller.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    ConnectionInit {},
    Subscribe { id: String, payload: Asked },
    Complete { id: String },
    Ping { payload: Option<Value> },
    Pong {},
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    query: String,
    operation_name: Option<String>,
    variables: Option<serde_json::Map<String, Value>>,
}

/// Why a conversation ends: the close code and its reason.
struct End(u16, String);

/// A result of a subscription, or its end.
type Told = (String, u64, Option<Outcome>);

struct Conversation<E> {
    executor: E,
    stop: CancellationToken,
    greeted: bool,
    /// Subscriptions at work: their number (ids may be used again) and the handle that ends them.
    open: HashMap<String, (u64, AbortHandle)>,
    results: SelectAll<BoxStream<'static, Told>>,
    count: u64,
    _slot: OwnedSemaphorePermit,
}

impl<E: Executor> Conversation<E> {
    fn new(endpoint: Endpoint<E>, slot: OwnedSemaphorePermit) -> Self {
        Self {
            executor: endpoint.executor,
            stop: endpoint.stop,
            greeted: false,
            open: HashMap::new(),
            results: SelectAll::new(),
            count: 0,
            _slot: slot,
        }
    }

    async fn hold(mut self, mut socket: WebSocket) {
        let Err(End(code, mut reason)) = self.talk(&mut socket).await else { return };
        while reason.len() > REASON_BYTES_MAX {
            reason.pop();
        }
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        let _ = tokio::time::timeout(SEND_TIME, socket.send(close)).await;
    }

    /// Ok where the caller went away.
    async fn talk(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        let stop = self.stop.clone();
        let greeting = tokio::time::Instant::now() + GREETING_TIME;
        let mut ping = tokio::time::interval(PING);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(End(1001, "the server stops".to_owned())),
                () = tokio::time::sleep_until(greeting), if !self.greeted => {
                    return Err(End(4408, "Connection initialisation timeout".to_owned()));
                }
                received = socket.recv() => match received {
                    Some(Ok(Message::Text(text))) => self.hear(socket, &text).await?,
                    Some(Ok(Message::Binary(_))) => return Err(End(4400, "messages are text".to_owned())),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                },
                Some(result) = self.results.next(), if !self.results.is_empty() => {
                    self.tell(socket, result).await?;
                }
                _ = ping.tick(), if self.greeted => say(socket, &json!({"type": "ping"})).await?,
            }
        }
    }

    async fn hear(&mut self, socket: &mut WebSocket, text: &str) -> Result<(), End> {
        let said = serde_json::from_str::<Said>(text).map_err(|error| End(4400, error.to_string()))?;
        match said {
            Said::ConnectionInit {} if self.greeted => {
                Err(End(4429, "Too many initialisation requests".to_owned()))
            }
            Said::ConnectionInit {} => {
                self.greeted = true;
                say(socket, &json!({"type": "connection_ack"})).await
            }
            Said::Ping { payload } => {
                let mut pong = json!({"type": "pong"});
                if let Some(payload) = payload {
                    pong["payload"] = payload;
                }
                say(socket, &pong).await
            }
            Said::Pong {} => Ok(()),
            Said::Complete { id } => {
                if let Some((_, handle)) = self.open.remove(&id) {
                    handle.abort();
                }
                Ok(())
            }
            Said::Subscribe { .. } if !self.greeted => Err(End(4401, "Unauthorized".to_owned())),
            Said::Subscribe { id, .. } if self.open.contains_key(&id) => {
                Err(End(4409, format!("Subscriber for {id} already exists")))
            }
            Said::Subscribe { .. } if self.open.len() >= SUBSCRIPTIONS_MAX => {
                Err(End(4400, format!("at most {SUBSCRIPTIONS_MAX} subscriptions a connection")))
            }
            Said::Subscribe { id, payload } => {
                self.subscribe(id, payload);
                Ok(())
            }
        }
    }

    fn subscribe(&mut self, id: String, asked: Asked) {
        let mut request = async_graphql::Request::new(asked.query);
        request.operation_name = asked.operation_name;
        if let Some(variables) = asked.variables {
            request.variables = async_graphql::Variables::from_json(Value::Object(variables));
        }
        self.count += 1;
        let number = self.count;
        let (stream, handle) = abortable(self.executor.execute_stream(request, None));
        self.open.insert(id.clone(), (number, handle));
        let name = id.clone();
        let results = stream.map(move |outcome| (name.clone(), number, Some(outcome)));
        let end = futures::stream::once(async move { (id, number, None) });
        self.results.push(results.chain(end).boxed());
    }

    async fn tell(&mut self, socket: &mut WebSocket, (id, number, outcome): Told) -> Result<(), End> {
        // What was ended by the caller may have had one more to say.
        if self.open.get(&id).is_none_or(|(current, _)| *current != number) {
            return Ok(());
        }
        let Some(outcome) = outcome else {
            self.open.remove(&id);
            return say(socket, &json!({"type": "complete", "id": id})).await;
        };
        match Written::new(outcome).refused() {
            Ok(result) => say(socket, &json!({"type": "next", "id": id, "payload": result})).await,
            Err(errors) => {
                if let Some((_, handle)) = self.open.remove(&id) {
                    handle.abort();
                }
                say(socket, &json!({"type": "error", "id": id, "payload": errors})).await
            }
        }
    }
}

async fn say(socket: &mut WebSocket, message: &Value) -> Result<(), End> {
    let sent = socket.send(Message::Text(message.to_string().into()));
    match tokio::time::timeout(SEND_TIME, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End(1011, "the message could not be sent".to_owned())),
    }
}
