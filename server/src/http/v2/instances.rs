//! Instances and incidents.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use engine::port::{Instance, StartInstance};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Body, Problem};
use crate::http::Shared;

/// What `POST /v2/process-instances` takes; other fields of Camunda's are refused by name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Start {
    process_definition_id: Option<String>,
    process_definition_key: Option<String>,
    /// -1 is the newest.
    #[serde(default = "newest")]
    process_definition_version: i32,
    #[serde(default)]
    variables: Map<String, Value>,
    business_id: Option<String>,
    tenant_id: Option<String>,
}

fn newest() -> i32 {
    -1
}

/// The one tenant there is.
pub(super) const TENANT: &str = "<default>";

/// Starts an instance.
pub(super) async fn start(
    State(shared): State<Shared>,
    Body(asked): Body<Start>,
) -> Result<Json<Value>, Problem> {
    if asked.tenant_id.is_some_and(|tenant| tenant != TENANT) {
        return Err(Problem::wrong("there is one tenant, <default>"));
    }
    let definition = asked.process_definition_key.as_deref().map(key).transpose()?;
    let request = StartInstance {
        process_id: asked.process_definition_id,
        version: Some(asked.process_definition_version).filter(|version| *version != newest()),
        definition,
        variables: asked.variables.into_iter().collect(),
        business_key: asked.business_id,
        seed: rand::random(),
        ..StartInstance::default()
    };
    let key = shared.ports.engine.start(request).await?;
    Ok(Json(instance(&shared.ports.engine.instance(key).await?)))
}

fn instance(instance: &Instance) -> Value {
    json!({
        "processInstanceKey": instance.key.to_string(),
        "processDefinitionKey": instance.definition.to_string(),
        "processDefinitionId": instance.process_id,
        "processDefinitionVersion": instance.version,
        "tenantId": TENANT,
        "variables": instance.variables,
        "tags": [],
    })
}

/// Cancels an instance.
pub(super) async fn cancel(
    State(shared): State<Shared>,
    Path(text): Path<String>,
) -> Result<StatusCode, Problem> {
    shared.ports.engine.cancel(key(&text)?, "cancelled over /v2").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries again what raised an incident.
pub(super) async fn resolve(
    State(shared): State<Shared>,
    Path(text): Path<String>,
) -> Result<StatusCode, Problem> {
    shared.ports.engine.resolve_incident(key(&text)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A key from a path or body.
pub(super) fn key(text: &str) -> Result<i64, Problem> {
    match text.parse() {
        Ok(key) if key > 0 => Ok(key),
        _ => Err(Problem::wrong(format!("{text:?} is no key: keys are whole numbers above 0"))),
    }
}
