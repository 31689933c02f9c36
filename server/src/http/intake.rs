//! `/api/systems/{name}/import` and `/api/jobs/{id}`: a file of another tool is taken in as a job, and how far that is.
//!
//! The body is the file as it is, up to [`UPLOAD_BYTES_MAX`]. The answer is the job, which goes on by itself; its steps
//! are read one at a time or as server-sent events, from any position on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use graphql::{Import, Jobs};
use ontology::Ontology;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Limits, Refusal};

/// Largest file.
pub(super) const UPLOAD_BYTES_MAX: usize = 100 * 1024 * 1024;
/// Files that arrive at once; each is held in memory.
const UPLOADS_MAX: usize = 2;
/// Jobs that are followed at once.
const FOLLOWERS_MAX: usize = 256;
/// Longest idempotency key.
const KEY_BYTES_MAX: usize = 200;
/// How often a comment shows that a stream is alive.
const ALIVE: Duration = Duration::from_secs(15);

/// What the handlers need.
#[derive(Clone)]
pub(super) struct Intake {
    ontology: Arc<Ontology>,
    jobs: Jobs,
    limits: Limits,
    stop: CancellationToken,
    uploads: Arc<Semaphore>,
    followers: Arc<Semaphore>,
}

impl Intake {
    pub(super) fn new(ontology: Arc<Ontology>, jobs: Jobs, limits: Limits, stop: CancellationToken) -> Self {
        let (uploads, followers) = (Semaphore::new(UPLOADS_MAX), Semaphore::new(FOLLOWERS_MAX));
        Self { ontology, jobs, limits, stop, uploads: Arc::new(uploads), followers: Arc::new(followers) }
    }
}

/// What the file is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// One of [`graphql::import_endings`], or the name that an export has for it; told by the media type where it is not given.
    format: Option<String>,
    /// Name of the file, for the history.
    file_name: Option<String>,
    /// Version of the system as the caller read it, 0 where there was none.
    if_match: Option<i64>,
}

/// Takes in the file that is the body; answers with the job.
pub(super) async fn import(
    State(intake): State<Intake>,
    Path(system): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let Query(asked) = asked.map_err(|error| wrong(error.body_text()))?;
    let file_name = file_name(&asked, request.headers())?;
    let mutation = key(request.headers())?;
    if system.contains('@') && intake.ontology.snapshot(&system).is_err() {
        let error = ontology::Error::NotFound { what: "branch", id: system };
        return Err(Refusal::new(StatusCode::NOT_FOUND, error.code(), &error, error.hint()));
    }
    let Ok(_slot) = intake.uploads.try_acquire() else { return Err(Refusal::busy("uploads")) };
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced = announced.and_then(|length| length.parse().ok()).unwrap_or_default();
    let arrived = tokio::time::timeout(intake.limits.upload_time, file(request.into_body(), announced)).await;
    let content = arrived.map_err(|_| Refusal::slow(StatusCode::REQUEST_TIMEOUT, "the file"))??;
    let import = Import {
        system,
        file_name,
        content,
        author: "local".to_owned(),
        at_ms: jiff::Timestamp::now().as_millisecond(),
        mutation,
        if_match: asked.if_match,
    };
    let id = hex::encode(rand::random::<u64>().to_be_bytes());
    intake.jobs.start_import(&id, Arc::clone(&intake.ontology), import).map_err(|error| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.code(), &error, "wait for a job to end")
    })?;
    let place = [(header::LOCATION, format!("/api/jobs/{id}"))];
    Ok((StatusCode::ACCEPTED, place, Json(intake.jobs.told(&id))).into_response())
}

/// The name of the file, with an ending that says what it is.
fn file_name(asked: &Asked, headers: &HeaderMap) -> Result<String, Refusal> {
    let named = asked.file_name.as_deref().unwrap_or_default();
    if named.len() > KEY_BYTES_MAX || named.contains(char::is_control) {
        return Err(wrong(format!(
            "a file name has at most {KEY_BYTES_MAX} bytes and no control characters"
        )));
    }
    let endings = graphql::import_endings();
    let known = |ending: &str| endings.contains(&ending);
    let by_name = named.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let media = headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let by_media = match media.as_str() {
        "application/xml" | "text/xml" | "application/reqif+xml" => Some("reqif"),
        "application/zip" | "application/reqif+zip" => Some("reqifz"),
        "text/csv" => Some("csv"),
        "text/turtle" => Some("ttl"),
        "application/trig" => Some("trig"),
        "application/n-triples" => Some("nt"),
        "application/n-quads" => Some("nq"),
        "application/ld+json" => Some("jsonld"),
        "text/markdown" => Some("md"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Some("xlsx"),
        _ => None,
    };
    let ending = match (&asked.format, by_name, by_media) {
        (Some(format), ..) => match format.as_str() {
            "turtle" | "oslc" => "ttl".to_owned(),
            "ntriples" => "nt".to_owned(),
            "nquads" => "nq".to_owned(),
            "markdown" => "md".to_owned(),
            format => format.to_owned(),
        },
        (None, Some(ending), _) if known(&ending) => ending,
        (None, _, Some(ending)) => ending.to_owned(),
        _ => {
            let message = format!("cannot tell what the file is from {media:?}");
            let hint = "say what it is, for example ?format=reqif, or send its media type";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "HTTP-0008", message, hint));
        }
    };
    if !known(&ending) {
        return Err(wrong(format!("there is no format {ending}")));
    }
    let stem = named.strip_suffix(&format!(".{ending}")).unwrap_or(named);
    Ok(format!("{}.{ending}", if stem.is_empty() { "upload" } else { stem }))
}

/// The id by which the caller knows the change.
fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let text = key.to_str().ok().filter(|text| !text.is_empty() && text.len() <= KEY_BYTES_MAX);
    let text =
        text.ok_or_else(|| wrong(format!("an idempotency key has 1 to {KEY_BYTES_MAX} characters")))?;
    Ok(Some(text.to_owned()))
}

/// The body, as long as it is no larger than a file may be.
async fn file(body: Body, announced: usize) -> Result<Vec<u8>, Refusal> {
    if announced > UPLOAD_BYTES_MAX {
        return Err(Refusal::large(UPLOAD_BYTES_MAX));
    }
    let mut parts = body.into_data_stream();
    // What is announced may never come: memory follows what does.
    let mut content = Vec::new();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| wrong(format!("the file broke off: {error}")))?;
        if content.len() + part.len() > UPLOAD_BYTES_MAX {
            return Err(Refusal::large(UPLOAD_BYTES_MAX));
        }
        content.extend_from_slice(&part);
    }
    Ok(content)
}

fn wrong(message: impl std::fmt::Display) -> Refusal {
    let hint = "POST the file as the body; ?format= says what it is: reqif, reqifz, csv, xlsx, turtle, trig, ntriples, nquads, jsonld or markdown";
    Refusal::new(StatusCode::BAD_REQUEST, "HTTP-0008", message, hint)
}

/// From where on a job is followed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    after: Option<i64>,
}

/// A job as it is now, or its steps as they happen.
pub(super) async fn job(
    State(intake): State<Intake>,
    Path(id): Path<String>,
    from: Result<Query<Since>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Query(from) = from.map_err(|error| wrong(error.body_text()))?;
    let missing = || {
        let hint = "jobs are kept while the server runs, the newest 200 of them";
        Refusal::new(StatusCode::NOT_FOUND, "API-0001", format!("job {id} does not exist"), hint)
    };
    let wants_events = super::graphql::ranges(&headers)
        .iter()
        .any(|(media, quality)| media == "text/event-stream" && *quality > 0.0);
    if !wants_events {
        return Ok(Json(intake.jobs.told(&id).ok_or_else(missing)?).into_response());
    }
    let slot = Arc::clone(&intake.followers).try_acquire_owned().map_err(|_| Refusal::busy("streams"))?;
    let seen = headers.get("last-event-id").and_then(|seen| seen.to_str().ok()?.parse().ok());
    let steps = intake.jobs.steps(&id, seen.or(from.after).unwrap_or_default()).ok_or_else(missing)?;
    let events = steps.map(move |step| {
        let _held = &slot;
        Ok::<_, Infallible>(event(&step))
    });
    let events = events.take_until(intake.stop.clone().cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response())
}

/// `progress` with the step; at the end `done` or `failed` with the job.
fn event((position, finished, said): &(i64, bool, Value)) -> Event {
    let name = if *finished { said["state"].as_str().unwrap_or_default() } else { "progress" };
    Event::default().id(position.to_string()).event(name).data(said.to_string())
}
