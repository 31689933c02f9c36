//! Subscriptions as server-sent events, one operation a connection ("distinct connections mode").

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::http::{HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::Endpoint;
use super::reply::{Fault, Written};
use crate::http::Refusal;

/// How often a comment shows that the stream is alive.
const ALIVE: Duration = Duration::from_secs(15);

/// `next` for each result, `complete` at the end; a refused operation is a single `next` with its errors.
pub(super) fn stream<E: Executor>(
    endpoint: &Endpoint<E>,
    operation: async_graphql::Request,
) -> Result<Response, Fault> {
    let slot =
        Arc::clone(&endpoint.streams).try_acquire_owned().map_err(|_| Refusal::busy("subscriptions"))?;
    let stop = endpoint.stop.clone().cancelled_owned();
    let results = endpoint.executor.execute_stream(operation, None).map(move |outcome| {
        // The slot is held for as long as there may be another result.
        let _ = &slot;
        Event::default().event("next").data(Written::new(outcome).json())
    });
    let complete = futures::stream::once(async { Event::default().event("complete").data("") });
    let events = results.take_until(stop).chain(complete).map(Ok::<_, Infallible>);
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that collect answers would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}
