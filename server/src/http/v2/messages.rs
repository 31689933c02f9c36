//! Messages and signals.

use axum::Json;
use axum::extract::State;
use engine::port::Message;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::instances::TENANT;
use super::{Body, Problem};
use crate::http::Shared;

/// What `POST /v2/messages/publication` takes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Publish {
    name: String,
    #[serde(default)]
    correlation_key: Option<String>,
    /// How long it waits for its receiver, milliseconds; 0 is not buffered.
    #[serde(default)]
    time_to_live: i64,
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
}

/// Publishes a message.
pub(super) async fn publish(
    State(shared): State<Shared>,
    Body(asked): Body<Publish>,
) -> Result<Json<Value>, Problem> {
    let message = Message {
        name: asked.name,
        correlation_key: asked.correlation_key.filter(|key| !key.is_empty()),
        variables: asked.variables.unwrap_or_default().into_iter().collect(),
        time_to_live_ms: asked.time_to_live,
        message_id: asked.message_id.filter(|id| !id.is_empty()),
    };
    shared.ports.engine.publish_message(message).await?;
    Ok(Json(json!({"tenantId": TENANT})))
}

/// What `POST /v2/signals/broadcast` takes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Broadcast {
    signal_name: String,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
}

/// Broadcasts a signal.
pub(super) async fn broadcast(
    State(shared): State<Shared>,
    Body(asked): Body<Broadcast>,
) -> Result<Json<Value>, Problem> {
    let variables = asked.variables.unwrap_or_default().into_iter().collect();
    shared.ports.engine.broadcast_signal(&asked.signal_name, variables).await?;
    Ok(Json(json!({"tenantId": TENANT})))
}
