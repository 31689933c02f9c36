//! Answers of the GraphQL handler: status, media type and body. All decisions on the status are in [`status`]: the
//! audits want 400 where the newer draft of the specification says 422 or 294.

use async_graphql::{Response as Outcome, ServerError, Value};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::accept::Media;
use crate::http::Refusal;
use crate::http::refusal::shortened;

/// Most errors in an answer.
const ERRORS_MAX: usize = 50;

/// A request that is no GraphQL-over-HTTP request.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    refusal: Refusal,
    /// Methods that are possible, where this one is not.
    allow: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(status: StatusCode, message: String, hint: &'static str) -> Self {
        Self { refusal: Refusal::new(status, "HTTP-0007", message, hint), allow: None }
    }

    pub(super) fn malformed(message: String) -> Self {
        let hint = "send {\"query\": \"…\", \"variables\": {…}}";
        Self::new(StatusCode::BAD_REQUEST, message, hint)
    }

    pub(super) fn method(message: String, allow: &'static str) -> Self {
        let fault = Self::new(StatusCode::METHOD_NOT_ALLOWED, message, "use POST");
        Self { allow: Some(allow), ..fault }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, allow: None }
    }
}

/// What became of a well-formed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It was never executed: it does not parse, does not fit the schema, or passes a limit.
    Refused,
    /// It was executed, perhaps with errors in fields.
    Executed,
}

fn status(stage: Stage, media: Media) -> StatusCode {
    match (stage, media) {
        (Stage::Refused, Media::GraphqlResponse) => StatusCode::BAD_REQUEST,
        (Stage::Refused | Stage::Executed, _) => StatusCode::OK,
    }
}

/// An answer as it is written; the answer to a refused request has no `data`.
#[derive(Serialize)]
pub(super) struct Written {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    extensions: std::collections::BTreeMap<String, Value>,
}

impl Written {
    pub(super) fn new(outcome: Outcome) -> Self {
        let is_refused = is_refused(&outcome);
        let mut errors = outcome.errors;
        errors.truncate(ERRORS_MAX);
        for error in &mut errors {
            // What is said about an input may repeat all of it.
            error.message = shortened(&error.message);
        }
        let data = (!is_refused).then_some(outcome.data);
        Self { errors, data, extensions: outcome.extensions }
    }

    /// Errors of a request that was not executed.
    pub(super) fn refused(self) -> Result<Self, Vec<ServerError>> {
        if self.data.is_none() { Err(self.errors) } else { Ok(self) }
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| {
            tracing::error!(%error, "an answer could not be written");
            json!({"errors": [{"message": "the answer could not be written"}]}).to_string()
        })
    }
}

/// Only an error of a field has a path.
fn is_refused(outcome: &Outcome) -> bool {
    let no_path = outcome.errors.iter().all(|error| error.path.is_empty());
    !outcome.errors.is_empty() && outcome.data == Value::Null && no_path
}

/// The answer to a well-formed request.
pub(super) fn response(outcome: Outcome, media: Media) -> Response {
    let stage = if is_refused(&outcome) { Stage::Refused } else { Stage::Executed };
    written(status(stage, media), Written::new(outcome).json(), media)
}

/// The answer to a malformed one.
pub(super) fn fault(fault: &Fault, media: Media) -> Response {
    let Refusal { status, code, message, hint } = &fault.refusal;
    let body = json!({"errors": [{"message": message, "extensions": {"code": code, "hint": hint}}]});
    let mut response = written(*status, body.to_string(), media);
    if let Some(allow) = fault.allow {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    response
}

fn written(status: StatusCode, body: String, media: Media) -> Response {
    let content_type = match media {
        Media::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        Media::Json | Media::EventStream => "application/json; charset=utf-8",
    };
    (status, [(header::CONTENT_TYPE, content_type)], Body::from(body)).into_response()
}
