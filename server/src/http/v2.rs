//! `/v2`: the part of Camunda 8's REST API that job workers use, so that an outside worker serves ProcOS as it serves
//! Camunda: start, lease jobs, answer them, publish messages, broadcast signals.
//!
//! Keys are decimal texts, field names camelCase, as there. A job may be answered with the `leaseToken` it was leased
//! with (`withLease`): then a late answer is refused even if somebody else holds the job by now.

mod instances;
mod jobs;
mod messages;
mod problem;

use axum::Router;
use axum::extract::FromRequest;
use axum::extract::rejection::JsonRejection;
use axum::routing::{get, patch, post};
use serde_json::{Value, json};

use super::Shared;
use problem::Problem;

/// A JSON body; what cannot be read is answered as a problem.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
struct Body<T>(T);

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "HTTP-0010", rejection.body_text())
    }
}

/// The routes.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v2/topology", get(topology))
        .route("/v2/process-instances", post(instances::start))
        .route("/v2/process-instances/{key}/cancellation", post(instances::cancel))
        .route("/v2/jobs/activation", post(jobs::activate))
        .route("/v2/jobs/{key}", patch(jobs::update))
        .route("/v2/jobs/{key}/completion", post(jobs::complete))
        .route("/v2/jobs/{key}/failure", post(jobs::fail))
        .route("/v2/jobs/{key}/error", post(jobs::throw))
        .route("/v2/messages/publication", post(messages::publish))
        .route("/v2/signals/broadcast", post(messages::broadcast))
        .route("/v2/incidents/{key}/resolution", post(instances::resolve))
}

/// One broker with one partition: what clients look at before they work.
async fn topology() -> axum::Json<Value> {
    let version = env!("CARGO_PKG_VERSION");
    axum::Json(json!({
        "brokers": [{
            "nodeId": 0, "host": "localhost", "port": 0, "version": version,
            "partitions": [{"partitionId": 1, "role": "leader", "health": "healthy"}],
        }],
        "clusterSize": 1, "partitionsCount": 1, "replicationFactor": 1,
        "gatewayVersion": version, "lastCompletedChangeId": "",
    }))
}
