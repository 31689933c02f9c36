//! `/ontology`: the terms of our graph, for whoever follows one of their IRIs; `/ontology/alignment`: what comes near to
//! them elsewhere; `/ontology/shapes`: what every system is checked by.

use axum::http::header::{CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ontology::shacl::SHAPES;
use ontology::vocabulary::{ALIGNMENT, VOCABULARY, written};

use super::{Refusal, sparql};

pub(super) async fn terms(headers: HeaderMap) -> Result<Response, Refusal> {
    show(VOCABULARY, &headers)
}

pub(super) async fn alignment(headers: HeaderMap) -> Result<Response, Refusal> {
    show(ALIGNMENT, &headers)
}

pub(super) async fn shapes(headers: HeaderMap) -> Result<Response, Refusal> {
    show(SHAPES, &headers)
}

/// In the form that is accepted: Turtle, JSON-LD or N-Triples.
fn show(turtle: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    let format = sparql::formats(headers)?.graph;
    let text = written(turtle, format).map_err(|error| {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.code(), &error, error.hint())
    })?;
    Ok(([(CONTENT_TYPE, format.media_type()), (VARY, "accept")], text).into_response())
}
