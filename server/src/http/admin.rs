//! The web admin and GraphiQL, from the binary itself.

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::Refusal;

/// What the web admin's build wrote; nothing where it was not built.
#[derive(RustEmbed)]
#[folder = "../web-admin/dist"]
#[allow_missing = true]
struct Files;

const INDEX: &str = "index.html";
/// Files whose names hold a hash of their content never change.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const FRESH: &str = "no-cache";

/// Shown where the web admin was not built into this binary.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>ProcOS</title>\
    <body style=\"font-family: sans-serif; max-width: 40em; margin: 3em auto\"><h1>ProcOS runs</h1>\
    <p>This binary was built without the web admin. Build it with <code>make web</code>, then build the server \
    again, or use <code>make run</code>, which does both.</p>\
    <p>The API is at <code>/graphql</code>; <a href=\"/api/scores\">scores</a>, \
    <a href=\"/readyz\">health</a>, <a href=\"/metrics\">metrics</a>.</p></body></html>";

/// A file of the web admin; any other page address is the admin's own, which reads it in the browser.
pub(super) async fn page(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let message = format!("there is nothing to {} at {}", request.method(), request.uri().path());
        return Refusal::missing(StatusCode::NOT_FOUND, message).into_response();
    }
    let path = match request.uri().path().trim_start_matches('/') {
        "" => INDEX,
        "graphiql" | "graphiql/" => "graphiql.html",
        path => path,
    };
    if let Some(file) = Files::get(path) {
        return send(path, &file, request.headers());
    }
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.') && !path.starts_with("api/");
    if !is_page && path != "graphiql.html" {
        let message = format!("there is nothing at {}", request.uri().path());
        return Refusal::missing(StatusCode::NOT_FOUND, message).into_response();
    }
    match Files::get(INDEX) {
        Some(file) => send(INDEX, &file, request.headers()),
        None => ([(header::CACHE_CONTROL, FRESH)], Html(NOT_BUILT)).into_response(),
    }
}

fn send(path: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        // A proxy that compresses makes the tag a weak one.
        .any(|one| matches!(one.trim().trim_start_matches("W/"), one if one == tag || one == "*"));
    let cache = if path.starts_with("assets/") { IMMUTABLE } else { FRESH };
    let about = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, cache)];
    if known {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let body = match &file.data {
        Cow::Borrowed(bytes) => Body::from(*bytes),
        Cow::Owned(bytes) => Body::from(bytes.clone()),
    };
    let media = match file.metadata.mimetype() {
        text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        other => other.to_owned(),
    };
    (about, [(header::CONTENT_TYPE, media)], body).into_response()
}
