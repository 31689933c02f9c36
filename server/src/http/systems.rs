//! `/api/systems/{name}/export`: a system as a file for other tools.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ontology::exchange::Form;
use serde::Deserialize;

use super::{Refusal, Shared};

/// In which form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    format: Option<String>,
}

/// A system, by its name.
pub(super) async fn export(
    State(shared): State<Shared>,
    Path(system): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let wrong = |message: String| {
        let hint = "the formats are turtle, ntriples, jsonld, trig, nquads, oslc, reqif, csv, matrix, xlsx, markdown, sysml and sysml-json";
        Refusal::new(StatusCode::BAD_REQUEST, "HTTP-0008", message, hint)
    };
    let Query(asked) = asked.map_err(|error| wrong(error.body_text()))?;
    let name = asked.format.unwrap_or_else(|| "turtle".to_owned());
    let form = Form::named(&name).ok_or_else(|| wrong(format!("there is no format {name}")))?;
    let ontology = shared.ports.ontology.clone();
    let now = jiff::Timestamp::now().to_string();
    let written = tokio::task::spawn_blocking(move || ontology.write(&system, form, &now)).await;
    let written = written.map_err(|error| {
        tracing::error!(%error, "an export broke off");
        let hint = "the log of the server says why";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "ONTO-0001", "the export broke off", hint)
    })?;
    let document = written.map_err(|error| {
        let status = match error {
            ontology::Error::NotFound { .. } => StatusCode::NOT_FOUND,
            ontology::Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refusal::new(status, error.code(), &error, error.hint())
    })?;
    Ok(([(header::CONTENT_TYPE, form.media_type())], document.bytes).into_response())
}
