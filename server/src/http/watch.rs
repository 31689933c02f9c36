//! What every request passes: its id, the door, a slot, security headers, the log and the meters.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::metrics::Meters;
use super::origin::Door;
use super::{Limits, Refusal};

/// What [`pass`] needs.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) meters: Meters,
    pub(super) door: Arc<Door>,
    pub(super) slots: Arc<Semaphore>,
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken over from a caller.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// Everything loads from this origin; styles may be set from code, as diagrams do.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Lets a request in, and sees its answer out.
pub(super) async fn pass(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default(), %method, %route);
    let mut response = admitted(&gate, request, next).instrument(span.clone()).await;
    let status = response.status();
    let seconds = began.elapsed().as_secs_f64();
    span.in_scope(|| tracing::debug!(status = status.as_u16(), seconds, "answered"));
    gate.meters.answered(&method, &route, status, seconds);
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn admitted(gate: &Gate, request: Request, next: Next) -> Response {
    if let Err(refusal) = gate.door.admit(&request) {
        tracing::warn!(code = refusal.code, "{}", refusal.message);
        return refusal.into_response();
    }
    // A monitor must learn that the server is alive also when it is busy.
    if request.uri().path() == "/livez" {
        return next.run(request).await;
    }
    let Ok(_slot) = gate.slots.try_acquire() else { return Refusal::busy("requests").into_response() };
    next.run(request).await
}

/// Gives up on what takes longer than a plain request may.
pub(super) async fn in_time(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let slow = || Refusal::slow(StatusCode::SERVICE_UNAVAILABLE, "the request").into_response();
    tokio::time::timeout(limits.request_time, next.run(request)).await.unwrap_or_else(|_| slow())
}

/// The caller's id where it is one that can be logged, else a fresh one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let fits = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        !bytes.is_empty() && bytes.len() <= REQUEST_ID_CHARS_MAX && bytes.iter().all(allowed)
    };
    if let Some(id) = headers.get(REQUEST_ID).filter(fits) {
        return id.clone();
    }
    let fresh = hex::encode(rand::random::<u64>().to_be_bytes());
    HeaderValue::from_str(&fresh).unwrap_or(HeaderValue::from_static("0"))
}
