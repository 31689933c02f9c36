//! `/graphql`: GraphQL over HTTP, by an own handler: one operation a request, JSON only, and an answer's status and
//! media type as the GraphQL-over-HTTP audits want them.

mod accept;
mod documents;
mod events;
mod read;
mod reply;
mod websocket;

use std::sync::Arc;

use async_graphql::Executor;
use async_graphql::parser::types::OperationType;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Limits, Refusal};
use accept::{Accepted, Media};
use reply::Fault;

pub(super) use accept::ranges;
pub(super) use read::is_json;

/// What the handler needs.
#[derive(Clone)]
pub(super) struct Endpoint<E> {
    executor: E,
    limits: Limits,
    large_bodies: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    documents: Arc<documents::Documents>,
    stop: CancellationToken,
}

impl<E> Endpoint<E> {
    pub(super) fn new(executor: E, limits: Limits, stop: CancellationToken) -> Self {
        Self {
            executor,
            limits,
            large_bodies: Arc::new(Semaphore::new(limits.large_bodies)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            documents: Arc::default(),
            stop,
        }
    }
}

/// Answers a request: an operation, a stream of events, or the upgrade to a WebSocket.
pub(super) async fn answer<E: Executor>(State(endpoint): State<Endpoint<E>>, request: Request) -> Response {
    if request.headers().contains_key(header::UPGRADE) {
        return websocket::upgrade(endpoint, request).await;
    }
    let accepted = match Accepted::of(request.headers()) {
        Ok(accepted) => accepted,
        Err(refusal) => return refusal.into_response(),
    };
    let mut response = match operate(&endpoint, request, accepted).await {
        Ok(response) => response,
        Err(fault) => reply::fault(&fault, accepted.media),
    };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    response
}

async fn operate<E: Executor>(
    endpoint: &Endpoint<E>,
    request: Request,
    accepted: Accepted,
) -> Result<Response, Fault> {
    let method = request.method().clone();
    let mut operation = match method {
        Method::GET => read::from_address(request.uri(), &endpoint.documents)?,
        Method::POST => read::from_body(request, endpoint).await?,
        _ => return Err(Fault::method(format!("{method} is not possible here"), "GET, POST")),
    };
    let kind = read::kind(&mut operation);
    if method == Method::GET && kind == Some(OperationType::Mutation) {
        return Err(Fault::method("a mutation is not possible by GET".to_owned(), "POST"));
    }
    let wants_events = accepted.media == Media::EventStream
        || (kind == Some(OperationType::Subscription) && accepted.events);
    if wants_events {
        return events::stream(endpoint, operation);
    }
    let executed = endpoint.executor.execute(operation);
    match tokio::time::timeout(endpoint.limits.operation_time, executed).await {
        Ok(response) => Ok(reply::response(response, accepted.media)),
        Err(_) => Err(Fault::from(Refusal::slow(StatusCode::SERVICE_UNAVAILABLE, "the operation"))),
    }
}
