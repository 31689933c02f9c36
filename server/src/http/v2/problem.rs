//! An answer that says what is wrong, as RFC 9457 problem details: what Camunda's clients read.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::Error;
use serde_json::json;

use crate::http::refusal::shortened;

/// Why a call was refused.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl std::fmt::Display) -> Self {
        Self { status, code, detail: shortened(&detail.to_string()) }
    }

    /// A parameter that does not fit.
    pub(super) fn wrong(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "HTTP-0010", detail)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::NotFound { .. } => StatusCode::NOT_FOUND,
            Error::Stale { .. } | Error::Conflict(_) => StatusCode::CONFLICT,
            Error::Refused { .. } | Error::Limit { .. } | Error::Invalid(_) => StatusCode::BAD_REQUEST,
            Error::Unsupported { .. } => StatusCode::NOT_IMPLEMENTED,
            Error::Stopping | Error::Remote { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Error::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(%error, "a call of /v2 failed");
        }
        let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        Self::new(status, error.code(), format!("{error}{hint}"))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.code,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (self.status, Json(body)).into_response();
        let media = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, media);
        response
    }
}
