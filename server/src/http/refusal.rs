//! A request that is refused: status, code, message and the way out, as JSON.

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Longest message that is sent, in characters; what others say about an input may repeat the input.
pub(super) const MESSAGE_CHARS_MAX: usize = 1_000;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code; its page is `docs/errors/<code>.md`.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// The way out.
    pub hint: &'static str,
}

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl std::fmt::Display,
        hint: &'static str,
    ) -> Self {
        Self { status, code, message: shortened(&message.to_string()), hint }
    }

    /// `HTTP-0003`: too much at once.
    pub(super) fn busy(what: &str) -> Self {
        let hint = "try again shortly";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "HTTP-0003", format!("too many {what} at once"), hint)
    }

    /// `HTTP-0004`: it took too long.
    pub(super) fn slow(status: StatusCode, what: &str) -> Self {
        Self::new(status, "HTTP-0004", format!("{what} took too long"), "ask for less at once, or try again")
    }

    /// `HTTP-0005`: the body is too large.
    pub(super) fn large(bytes_max: usize) -> Self {
        let message = format!("the body is larger than {bytes_max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "HTTP-0005", message, "send less at once")
    }

    /// `HTTP-0006`: nothing is there, or not by that method.
    pub(super) fn missing(status: StatusCode, message: String) -> Self {
        Self::new(
            status,
            "HTTP-0006",
            message,
            "/openapi.json lists the plain routes, /graphiql shows the API",
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error": {"code": self.code, "message": self.message, "hint": self.hint}});
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// A route that knows other methods only.
pub(super) async fn wrong_method(method: Method) -> Refusal {
    Refusal::missing(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not possible here"))
}

/// A text of at most [`MESSAGE_CHARS_MAX`] characters.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}
