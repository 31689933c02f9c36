//! Open incidents.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use engine::port::Incident;
use serde_json::{Value, json};

use super::search::{ITEMS_MAX, Search};
use super::{Cluster, Problem, TENANT, date, element_key, key};

const FIELDS: [&str; 12] = [
    "incidentKey",
    "processInstanceKey",
    "processDefinitionId",
    "processDefinitionKey",
    "elementId",
    "elementInstanceKey",
    "jobKey",
    "errorType",
    "errorMessage",
    "creationTime",
    "state",
    "tenantId",
];

/// Incidents that match.
pub(super) async fn find(State(cluster): State<Cluster>, request: Request) -> Result<Json<Value>, Problem> {
    let search: Search = cluster.json(request).await?;
    let instance = search.wanted("processInstanceKey").map(key).transpose()?;
    let incidents = cluster.engine.incidents(instance).await?;
    let cut = incidents.len() > ITEMS_MAX;
    let mut found = Vec::new();
    for incident in incidents.iter().take(ITEMS_MAX) {
        found.push(shown(&cluster, incident).await?);
    }
    search.answer(&FIELDS, found, cut)
}

/// One incident.
pub(super) async fn one(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<Json<Value>, Problem> {
    let wanted = key(&asked)?;
    let incidents = cluster.engine.incidents(None).await?;
    let Some(incident) = incidents.iter().find(|incident| incident.key == wanted) else {
        return Err(Problem::missing(format!("there is no open incident {wanted}")));
    };
    Ok(Json(shown(&cluster, incident).await?))
}

/// Tries again what raised it.
pub(super) async fn resolve(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<StatusCode, Problem> {
    cluster.engine.resolve_incident(key(&asked)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn shown(cluster: &Cluster, incident: &Incident) -> Result<Value, Problem> {
    let instance = cluster.engine.instance(incident.instance).await?;
    let is_workers = incident.code == "JOB-FAILED";
    let error_type = if is_workers { "JOB_NO_RETRIES" } else { "UNKNOWN" };
    // What a worker said is passed on as it was.
    let message = match is_workers {
        true => incident.message.clone(),
        false => format!("{}: {}", incident.code, incident.message),
    };
    let state = cluster.engine.state(incident.instance).await?;
    let stuck = state.current.iter().find(|one| one.node == incident.element && one.state == "incident");
    let element = stuck.map_or(incident.instance, |one| element_key(incident.instance, one.element));
    Ok(json!({
        "incidentKey": incident.key.to_string(), "processInstanceKey": incident.instance.to_string(),
        "processDefinitionId": instance.process_id, "processDefinitionKey": instance.definition.to_string(),
        "elementId": incident.element, "elementInstanceKey": element.to_string(),
        "rootProcessInstanceKey": null, "errorType": error_type,
        "errorMessage": message,
        "creationTime": date(incident.raised_ms), "state": "ACTIVE", "jobKey": null, "tenantId": TENANT,
    }))
}
