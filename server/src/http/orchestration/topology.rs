//! What clients ask first: who is there.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{API_VERSION, Cluster};

/// One broker with one partition, healthy while it answers.
pub(super) async fn show(State(cluster): State<Cluster>) -> Json<Value> {
    let partition = json!({"partitionId": 1, "role": "leader", "health": "healthy", "state": "active"});
    let broker = json!({
        "nodeId": 0, "brokerId": "0", "host": cluster.listen.ip().to_string(), "port": cluster.listen.port(),
        "partitions": [partition], "version": API_VERSION,
    });
    Json(json!({
        "brokers": [broker], "clusterId": null, "clusterSize": 1, "partitionsCount": 1, "replicationFactor": 1,
        "gatewayVersion": API_VERSION, "lastCompletedChangeId": "0",
    }))
}

/// 204 while it takes commands.
pub(super) async fn status(State(cluster): State<Cluster>) -> StatusCode {
    match cluster.stop.is_cancelled() {
        false => StatusCode::NO_CONTENT,
        true => StatusCode::SERVICE_UNAVAILABLE,
    }
}
