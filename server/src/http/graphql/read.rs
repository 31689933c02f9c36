//! The operation of a request: query, variables, operation name, extensions.

use async_graphql::Variables;
use async_graphql::parser::types::{DocumentOperations, OperationType};
use axum::body::to_bytes;
use axum::extract::{Query, Request};
use axum::http::{StatusCode, Uri, header};
use serde_json::{Map, Value};

use super::Endpoint;
use super::documents::Documents;
use super::reply::Fault;
use crate::http::{LARGE_BODY_BYTES, Refusal};

/// Longest document, bytes; what is long belongs into variables.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// From the address (GET).
pub(super) fn from_address(address: &Uri, documents: &Documents) -> Result<async_graphql::Request, Fault> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(address)
        .map_err(|error| Fault::malformed(error.body_text()))?;
    let mut parameters = Map::new();
    for (name, text) in pairs {
        let value = match name.as_str() {
            "variables" | "extensions" if text.is_empty() => Value::Null,
            "variables" | "extensions" => serde_json::from_str(&text)
                .map_err(|error| Fault::malformed(format!("{name} is not JSON: {error}")))?,
            "operationName" if text.is_empty() => Value::Null,
            _ => Value::String(text),
        };
        if parameters.insert(name.clone(), value).is_some() {
            return Err(Fault::malformed(format!("{name} is given twice")));
        }
    }
    operation(parameters, documents)
}

/// From the body (POST).
pub(super) async fn from_body<E>(
    request: Request,
    endpoint: &Endpoint<E>,
) -> Result<async_graphql::Request, Fault> {
    let Endpoint { limits, large_bodies, documents, .. } = endpoint;
    let headers = request.headers();
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(is_json) {
        let message = format!("a body of {:?} is not read", content_type.unwrap_or_default());
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Fault::new(status, message, "send the body as application/json in UTF-8"));
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    if length.is_some_and(|length| length > limits.body_bytes) {
        return Err(Refusal::large(limits.body_bytes).into());
    }
    // Bodies of unknown length count as large.
    let is_large = length.is_none_or(|length| length > LARGE_BODY_BYTES);
    let _room = match is_large {
        true => Some(large_bodies.try_acquire().map_err(|_| Refusal::busy("large bodies"))?),
        false => None,
    };
    let body = to_bytes(request.into_body(), limits.body_bytes);
    let body = tokio::time::timeout(limits.body_time, body)
        .await
        .map_err(|_| Refusal::slow(StatusCode::REQUEST_TIMEOUT, "the body"))?
        .map_err(|_| Refusal::large(limits.body_bytes))?;
    match serde_json::from_slice(&body) {
        Ok(Value::Object(parameters)) => operation(parameters, documents),
        Ok(Value::Array(_)) => {
            Err(Fault::malformed("one operation a request: there are no batches".to_owned()))
        }
        Ok(_) => Err(Fault::malformed("the body is not an object".to_owned())),
        Err(error) => Err(Fault::malformed(format!("the body is not JSON: {error}"))),
    }
}

/// `application/json`, in UTF-8 where it names a charset.
pub(in crate::http) fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    media.eq_ignore_ascii_case("application/json")
        && parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
            let value = value.trim().trim_matches('"');
            !name.trim().eq_ignore_ascii_case("charset")
                || value.eq_ignore_ascii_case("utf-8")
                || value.eq_ignore_ascii_case("utf8")
        })
}

fn operation(
    mut parameters: Map<String, Value>,
    documents: &Documents,
) -> Result<async_graphql::Request, Fault> {
    let sent = match parameters.remove("query") {
        Some(Value::String(query)) => Some(query),
        Some(Value::Null) | None => None,
        Some(_) => return Err(Fault::malformed("query is not a text".to_owned())),
    };
    if sent.as_ref().is_some_and(|query| query.len() > DOCUMENT_BYTES_MAX) {
        let message =
            format!("the query is longer than {DOCUMENT_BYTES_MAX} bytes; put values into variables");
        return Err(Fault::malformed(message));
    }
    let query = documents.meant(sent, parameters.get("extensions"))?;
    let mut request = async_graphql::Request::new(query);
    request.operation_name = match parameters.remove("operationName") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Null) | None => None,
        Some(_) => return Err(Fault::malformed("operationName is not a text".to_owned())),
    };
    for name in ["variables", "extensions"] {
        match parameters.remove(name) {
            Some(value @ Value::Object(_)) if name == "variables" => {
                request.variables = Variables::from_json(value);
            }
            // Only a document is named by extensions; the rest of them is checked and left alone.
            Some(Value::Object(_) | Value::Null) | None => {}
            Some(_) => return Err(Fault::malformed(format!("{name} is not an object"))),
        }
    }
    Ok(request)
}

/// Whether it asks, changes or subscribes; `None` where that cannot be said, which executing it will explain.
pub(super) fn kind(request: &mut async_graphql::Request) -> Option<OperationType> {
    let name = request.operation_name.clone();
    match &request.parsed_query().ok()?.operations {
        DocumentOperations::Single(operation) => Some(operation.node.ty),
        DocumentOperations::Multiple(operations) => match name {
            Some(name) => operations.get(name.as_str()).map(|operation| operation.node.ty),
            None if operations.len() == 1 => operations.values().next().map(|operation| operation.node.ty),
            None => None,
        },
    }
}
