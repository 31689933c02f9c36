//! Deployed process definitions.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use engine::port::Definition;
use serde_json::{Value, json};

use super::search::{ITEMS_MAX, Search};
use super::{Cluster, Problem, TENANT, key};

const FIELDS: [&str; 8] = [
    "name",
    "resourceName",
    "version",
    "versionTag",
    "processDefinitionId",
    "processDefinitionKey",
    "tenantId",
    "hasStartForm",
];

/// Definitions that match.
pub(super) async fn find(State(cluster): State<Cluster>, request: Request) -> Result<Json<Value>, Problem> {
    let search: Search = cluster.json(request).await?;
    let definitions = cluster.engine.definitions().await?;
    let cut = definitions.len() > ITEMS_MAX;
    search.answer(&FIELDS, definitions.iter().take(ITEMS_MAX).map(shown).collect(), cut)
}

/// One definition.
pub(super) async fn one(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(shown(&cluster.engine.definition(key(&asked)?).await?)))
}

/// Its BPMN as deployed.
pub(super) async fn xml(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<Response, Problem> {
    let xml = cluster.engine.definition_xml(key(&asked)?).await?;
    Ok(([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], xml).into_response())
}

fn shown(definition: &Definition) -> Value {
    json!({
        "name": definition.name, "resourceName": definition.resource, "version": definition.version,
        "versionTag": null, "processDefinitionId": definition.process_id, "tenantId": TENANT,
        "processDefinitionKey": definition.key.to_string(), "hasStartForm": false, "state": "ACTIVE",
    })
}
