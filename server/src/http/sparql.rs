//! `/sparql`: the SPARQL 1.1 Protocol, queries only.

use std::time::Instant;

use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use ontology::{GraphFormat, QueryOptions, SolutionFormat};

use super::{Refusal, Shared};

type Parameters = Vec<(String, String)>;

/// Largest body: the longest query that is admitted, percent-encoded, fits.
const BODY_BYTES_MAX: usize = 512 * 1024;

/// Query by GET.
pub(super) async fn by_get(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let parameters = Query::<Parameters>::try_from_uri(&uri).map_err(|error| wrong(error.body_text()));
    let query = parameters.and_then(|Query(parameters)| only_query(parameters));
    respond(&shared, query, &headers).await
}

/// Query by POST, as the body itself or in a form.
pub(super) async fn by_post(State(shared): State<Shared>, request: Request) -> Response {
    let headers = request.headers().clone();
    let query = read(request).await;
    respond(&shared, query, &headers).await
}

async fn read(request: Request) -> Result<String, Refusal> {
    let content_type =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let parameters = Query::<Parameters>::try_from_uri(request.uri()).map(|Query(parameters)| parameters);
    let parameters = parameters.map_err(|error| wrong(error.body_text()))?;
    let (parts, body) = request.into_parts();
    let unsupported = |message: String| {
        let hint = "send application/sparql-query or application/x-www-form-urlencoded; \
                    changes go through GraphQL, where each is kept as a change set";
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "HTTP-0008", message, hint)
    };
    if media == "application/sparql-update" {
        return Err(unsupported("updates are not possible here".to_owned()));
    }
    let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| Refusal::large(BODY_BYTES_MAX))?;
    match media.as_str() {
        "application/sparql-query" if parameters.is_empty() => {
            String::from_utf8(body.into()).map_err(|_| wrong("the query is not UTF-8"))
        }
        "application/sparql-query" => {
            Err(wrong("the query is the body; there can be no parameters beside it"))
        }
        "application/x-www-form-urlencoded" => {
            let request = Request::from_parts(parts, Body::from(body));
            let form = Form::<Parameters>::from_request(request, &()).await;
            let Form(form) = form.map_err(|error| wrong(error.body_text()))?;
            only_query(parameters.into_iter().chain(form).collect())
        }
        other => Err(unsupported(format!("a query is not read from {other:?}"))),
    }
}

/// The one query among the parameters; what would change its meaning is refused, not ignored.
fn only_query(parameters: Parameters) -> Result<String, Refusal> {
    let mut query = None;
    for (name, value) in parameters {
        match name.as_str() {
            "query" if query.is_none() => query = Some(value),
            "query" => return Err(wrong("there is more than one query")),
            "update" => return Err(wrong("updates are not possible here")),
            "default-graph-uri" | "named-graph-uri" => {
                return Err(wrong(format!("{name} is not supported: name graphs in the query (GRAPH)")));
            }
            // Format wishes of various tools: Accept decides.
            _ => {}
        }
    }
    query.ok_or_else(|| wrong("there is no query"))
}

fn wrong(message: impl std::fmt::Display) -> Refusal {
    let hint = "send one SPARQL query as the parameter query, or as a body of application/sparql-query";
    Refusal::new(StatusCode::BAD_REQUEST, "HTTP-0008", message, hint)
}

async fn respond(shared: &Shared, query: Result<String, Refusal>, headers: &HeaderMap) -> Response {
    match tried(shared, query, headers).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn tried(
    shared: &Shared,
    query: Result<String, Refusal>,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let options = QueryOptions { deadline: shared.limits.query_time, ..formats(headers)? }.streamed();
    let query = query?;
    let began = Instant::now();
    let answering = shared.ports.ontology.sparql_stream(&query, options).await.map_err(|error| {
        let (status, hint) = match &error {
            ontology::Error::Limit { .. } => (StatusCode::SERVICE_UNAVAILABLE, "try again shortly"),
            ontology::Error::Query(_) if began.elapsed() >= options.deadline => {
                (StatusCode::SERVICE_UNAVAILABLE, "ask for less")
            }
            ontology::Error::Query(_) | ontology::Error::Invalid(_) => {
                (StatusCode::BAD_REQUEST, "the message says what does not fit; docs/errors has a page on it")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "the log of the server says why"),
        };
        Refusal::new(status, error.code(), &error, hint)
    })?;
    let media_type = answering.media_type();
    // What goes wrong from here on breaks the transfer off, so that a part is never taken for the whole.
    let parts = stream::unfold(answering, |mut answering| async {
        let part = answering.next().await?;
        if let Err(error) = &part {
            tracing::info!(code = error.code(), %error, "an answer to SPARQL was broken off");
        }
        Some((part, answering))
    });
    let mut response = ([(header::CONTENT_TYPE, media_type)], Body::from_stream(parts)).into_response();
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// Formats by Accept. Whether a query gives solutions or triples is known only later, so each list is searched by
/// itself, and a caller who accepts only one kind gets the default for the other.
pub(super) fn formats(headers: &HeaderMap) -> Result<QueryOptions, Refusal> {
    let mut options = QueryOptions::default();
    let ranges = super::graphql::ranges(headers);
    let mut known = ranges.is_empty();
    let (mut solutions, mut graph) = (0.0, 0.0);
    for (media, quality) in ranges {
        let solution = match media.as_str() {
            "application/sparql-results+json" | "application/json" => Some(SolutionFormat::Json),
            "application/sparql-results+xml" | "application/xml" => Some(SolutionFormat::Xml),
            "text/csv" => Some(SolutionFormat::Csv),
            "text/tab-separated-values" => Some(SolutionFormat::Tsv),
            _ => None,
        };
        let triples = match media.as_str() {
            "text/turtle" => Some(GraphFormat::Turtle),
            "application/n-triples" | "text/plain" => Some(GraphFormat::NTriples),
            "application/ld+json" => Some(GraphFormat::JsonLd),
            _ => None,
        };
        known |= quality > 0.0 && matches!(media.as_str(), "*/*" | "application/*" | "text/*");
        if let Some(format) = solution.filter(|_| quality > solutions) {
            (options.solutions, solutions, known) = (format, quality, true);
        }
        if let Some(format) = triples.filter(|_| quality > graph) {
            (options.graph, graph, known) = (format, quality, true);
        }
    }
    if known {
        return Ok(options);
    }
    let hint = "accept JSON, XML, CSV or TSV for solutions; Turtle, N-Triples or JSON-LD for triples";
    Err(Refusal::new(
        StatusCode::NOT_ACCEPTABLE,
        "HTTP-0009",
        "no format that is accepted can be written",
        hint,
    ))
}
