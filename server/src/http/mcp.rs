//! `/mcp`: the Model Context Protocol by HTTP ("streamable HTTP", without a stream: nothing is told unasked).

use std::sync::Arc;

use async_graphql::Executor;
use axum::Json;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::graphql::is_json;
use super::{Limits, Refusal};
use crate::mcp::{Ask, MESSAGE_BYTES_MAX, REVISIONS, Schema, answer};

/// What the handler needs.
#[derive(Clone)]
pub(super) struct Endpoint {
    ask: Arc<dyn Ask>,
    limits: Limits,
}

impl Endpoint {
    pub(super) fn new<E: Executor>(executor: E, limits: Limits) -> Self {
        Self { ask: Arc::new(Schema(executor)), limits }
    }
}

/// Answers a message; a notification is only taken.
pub(super) async fn talk(State(endpoint): State<Endpoint>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let text =
        |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = text(header::CONTENT_TYPE);
    if !is_json(media) {
        let hint = "send a JSON-RPC message as application/json in UTF-8";
        let message = format!("a body of {media:?} is not read");
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "HTTP-0008", message, hint));
    }
    let revision = text(HeaderName::from_static("mcp-protocol-version"));
    if !revision.is_empty() && !REVISIONS.contains(&revision) {
        let hint = "leave MCP-Protocol-Version out, or send the one that initialize answered";
        let message = format!("revision {revision:?} of the protocol is not spoken here");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "HTTP-0008", message, hint));
    }
    let limit = endpoint.limits.body_bytes.min(MESSAGE_BYTES_MAX);
    let body = tokio::time::timeout(endpoint.limits.body_time, to_bytes(body, limit)).await;
    let slow_body = |_| Refusal::slow(StatusCode::REQUEST_TIMEOUT, "the body");
    let body = body.map_err(slow_body)?.map_err(|_| Refusal::large(limit))?;
    let answered = tokio::time::timeout(endpoint.limits.operation_time, answer(endpoint.ask.as_ref(), &body));
    let slow = |_| Refusal::slow(StatusCode::SERVICE_UNAVAILABLE, "the tool");
    Ok(match answered.await.map_err(slow)? {
        Some(answer) => Json(answer).into_response(),
        None => StatusCode::ACCEPTED.into_response(),
    })
}
