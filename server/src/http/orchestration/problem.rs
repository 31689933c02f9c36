//! A request that is refused, as RFC 9457 problem details, which is what Camunda's clients read.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::Error;
use serde_json::json;

use crate::http::refusal::shortened;

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, title: &'static str, detail: impl std::fmt::Display) -> Self {
        Self { status, title, detail: shortened(&detail.to_string()) }
    }

    /// The call itself is wrong.
    pub(super) fn invalid(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", detail)
    }

    /// There is no such thing.
    pub(super) fn missing(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
    }

    /// Too much at once: clients back off and try again.
    pub(super) fn busy(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "RESOURCE_EXHAUSTED", detail)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, title) = match &error {
            Error::NotFound { .. } => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Error::Refused { .. } | Error::Invalid(_) | Error::Limit { .. } => {
                (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT")
            }
            Error::Stale { .. } | Error::Conflict(_) => (StatusCode::CONFLICT, "INVALID_STATE"),
            Error::Unsupported { .. } => (StatusCode::NOT_IMPLEMENTED, "UNIMPLEMENTED"),
            Error::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
            Error::Remote { .. } => (StatusCode::BAD_GATEWAY, "UNAVAILABLE"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
        };
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(%error, "a call under /v2 failed");
            return Self::new(status, title, format!("{}: the log of the server says why", error.code()));
        }
        let hint = error.hint().map_or_else(String::new, |hint| format!(" ({hint})"));
        Self::new(status, title, format!("{}: {error}{hint}", error.code()))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of a problem, which names the path that was asked.
pub(super) async fn name_the_place(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let body = json!({
        "type": "about:blank", "title": problem.title, "status": problem.status.as_u16(),
        "detail": problem.detail, "instance": path,
    });
    let mut response = (problem.status, Json(body)).into_response();
    let media = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    if problem.status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
