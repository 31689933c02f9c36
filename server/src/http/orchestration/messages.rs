//! Messages and signals.

use axum::Json;
use axum::extract::{Request, State};
use bpmn::program::Variables;
use engine::port::Message;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Cluster, Problem, TENANT, check_tenant};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Publication {
    name: String,
    #[serde(default)]
    correlation_key: Option<String>,
    #[serde(default)]
    time_to_live: i64,
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    variables: Option<Variables>,
    #[serde(default)]
    tenant_id: Option<String>,
}

/// Publishes a message; it waits for a receiver as long as it lives.
pub(super) async fn publish(
    State(cluster): State<Cluster>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let sent: Publication = cluster.json(request).await?;
    check_tenant(sent.tenant_id.as_deref())?;
    if sent.name.is_empty() || sent.time_to_live < 0 {
        return Err(Problem::invalid("name is empty, or timeToLive is negative"));
    }
    let message = Message {
        name: sent.name,
        correlation_key: sent.correlation_key.filter(|key| !key.is_empty()),
        variables: sent.variables.unwrap_or_default(),
        time_to_live_ms: sent.time_to_live,
        message_id: sent.message_id.filter(|id| !id.is_empty()),
    };
    cluster.engine.publish_message(message).await?;
    // A message has no key of its own here; clients only want to see one.
    Ok(Json(json!({"tenantId": TENANT, "messageKey": fresh_key()})))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Broadcast {
    signal_name: String,
    #[serde(default)]
    variables: Option<Variables>,
    #[serde(default)]
    tenant_id: Option<String>,
}

/// Broadcasts a signal.
pub(super) async fn broadcast(
    State(cluster): State<Cluster>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let sent: Broadcast = cluster.json(request).await?;
    check_tenant(sent.tenant_id.as_deref())?;
    cluster.engine.broadcast_signal(&sent.signal_name, sent.variables.unwrap_or_default()).await?;
    Ok(Json(json!({"tenantId": TENANT, "signalKey": fresh_key()})))
}

fn fresh_key() -> String {
    (rand::random::<u64>() >> 11).max(1).to_string()
}
