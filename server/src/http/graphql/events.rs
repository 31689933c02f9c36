//! Subscriptions as server-sent events, one operation a connection ("distinct connections mode").

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::body::Body;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Interval, interval_at};

use super::Endpoint;
use super::reply::{Fault, Written};
use crate::http::Refusal;

/// How often a comment shows that the stream is alive.
const ALIVE: Duration = Duration::from_secs(15);
/// A comment: clients skip it.
const COMMENT: &str = ":\n\n";
/// Clients drop an event without a line of data, even an empty one.
const COMPLETE: &str = "event: complete\ndata:\n\n";

const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "text/event-stream"),
    (header::CACHE_CONTROL, "no-store"),
    // Proxies that collect answers would hold events back.
    (HeaderName::from_static("x-accel-buffering"), "no"),
];

/// An open stream; it holds its slot for as long as there may be another result.
struct Open {
    results: BoxStream<'static, String>,
    alive: Interval,
    _slot: OwnedSemaphorePermit,
}

/// `next` for each result, `complete` at the end; a refused operation is a single `next` with its errors.
pub(super) fn stream<E: Executor>(
    endpoint: &Endpoint<E>,
    operation: async_graphql::Request,
) -> Result<Response, Fault> {
    let slot =
        Arc::clone(&endpoint.streams).try_acquire_owned().map_err(|_| Refusal::busy("subscriptions"))?;
    let stop = endpoint.stop.clone().cancelled_owned();
    let results = endpoint
        .executor
        .execute_stream(operation, None)
        // JSON as it is written here is a single line.
        .map(|outcome| format!("event: next\ndata: {}\n\n", Written::new(outcome).json()))
        .take_until(stop)
        .boxed();
    let open = Open { results, alive: interval_at(Instant::now() + ALIVE, ALIVE), _slot: slot };
    let events = futures::stream::unfold(open, |mut open| async move {
        let event = tokio::select! {
            event = open.results.next() => event?,
            _ = open.alive.tick() => COMMENT.to_owned(),
        };
        Some((event, open))
    });
    let events = events.chain(futures::stream::once(async { COMPLETE.to_owned() })).map(Ok::<_, Infallible>);
    Ok((HEADERS, Body::from_stream(events)).into_response())
}
