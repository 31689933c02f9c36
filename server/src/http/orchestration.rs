//! `/v2`: the part of the Camunda 8 Orchestration Cluster REST API that job workers and clients use, over the port
//! `ProcessEngine`, so that those written for Camunda 8 run against ProcOS unchanged.
//!
//! Field names, states and problem details are those that Camunda's official clients read. There is one tenant,
//! `<default>`. Searches read what the engine holds at that moment: nothing is eventually consistent. What is not
//! here answers 404, and an option that would change the meaning of a call is refused, not ignored.

mod body;
mod definitions;
mod deployments;
mod elements;
mod history;
mod incidents;
mod instances;
mod jobs;
mod messages;
mod operations;
mod problem;
mod search;
#[cfg(test)]
mod tests;
mod topology;
mod user_tasks;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::{any, delete, get, patch, post, put};
use engine::ProcessEngine;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use trail::Trail;

use super::Limits;
use problem::Problem;

/// The one tenant.
const TENANT: &str = "<default>";
/// Version of the API that is served, as clients ask for it.
const API_VERSION: &str = "8.8.0";
/// Requests that may wait for jobs or for the end of an instance at once.
const WAITING_MAX: usize = 128;
/// Bits of a key that number things inside an instance, as the embedded engine builds its job keys.
const LOCAL_BITS: u32 = 20;
/// Set in the keys of element instances, so that they are never taken for those of process instances.
const ELEMENT_BIT: i64 = 1 << 62;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Cluster {
    engine: Arc<dyn ProcessEngine>,
    trail: Arc<dyn Trail>,
    limits: Limits,
    listen: SocketAddr,
    waiting: Arc<Semaphore>,
    stop: CancellationToken,
    names: Arc<Mutex<HashMap<i64, Arc<history::Names>>>>,
}

/// The routes under `/v2`.
pub(super) fn routes(
    engine: Arc<dyn ProcessEngine>,
    trail: Arc<dyn Trail>,
    limits: Limits,
    listen: SocketAddr,
    stop: CancellationToken,
) -> Router {
    let waiting = Arc::new(Semaphore::new(WAITING_MAX));
    let cluster = Cluster { engine, trail, limits, listen, waiting, stop, names: Arc::default() };
    let at_once = Router::new()
        .route("/v2/topology", get(topology::show))
        .route("/v2/status", get(topology::status))
        .route("/v2/deployments", post(deployments::deploy))
        .route("/v2/process-definitions/search", post(definitions::find))
        .route("/v2/process-definitions/{key}", get(definitions::one))
        .route("/v2/process-definitions/{key}/xml", get(definitions::xml))
        .route("/v2/process-instances/search", post(instances::find))
        .route("/v2/process-instances/{key}", get(instances::one))
        .route("/v2/process-instances/{key}/cancellation", post(instances::cancel))
        .route("/v2/process-instances/{key}/modification", post(operations::modify))
        .route("/v2/process-instances/{key}/migration", post(operations::migrate))
        .route("/v2/process-instances/{key}/suspension", post(operations::suspend))
        .route("/v2/process-instances/{key}/resumption", post(operations::resume))
        .route("/v2/process-instances/{key}/sequence-flows", get(elements::flows))
        .route("/v2/element-instances/search", post(elements::find))
        .route("/v2/element-instances/{key}", get(elements::one))
        .route("/v2/element-instances/{key}/variables", put(elements::set_variables))
        .route("/v2/variables/search", post(elements::find_variables))
        .route("/v2/variables/{key}", get(elements::variable))
        .route("/v2/jobs/search", post(jobs::find))
        .route("/v2/jobs/{key}", patch(jobs::update))
        .route("/v2/jobs/{key}/completion", post(jobs::complete))
        .route("/v2/jobs/{key}/failure", post(jobs::fail))
        .route("/v2/jobs/{key}/error", post(jobs::throw_error))
        .route("/v2/messages/publication", post(messages::publish))
        .route("/v2/signals/broadcast", post(messages::broadcast))
        .route("/v2/incidents/search", post(incidents::find))
        .route("/v2/incidents/{key}", get(incidents::one))
        .route("/v2/incidents/{key}/resolution", post(incidents::resolve))
        .route("/v2/user-tasks/search", post(user_tasks::find))
        .route("/v2/user-tasks/{key}", get(user_tasks::one))
        .route("/v2/user-tasks/{key}/assignment", post(user_tasks::assign))
        .route("/v2/user-tasks/{key}/assignee", delete(user_tasks::unassign))
        .route("/v2/user-tasks/{key}/variables/search", post(user_tasks::find_variables))
        .route("/v2/user-tasks/{key}/completion", post(user_tasks::complete))
        .layer(axum::middleware::from_fn_with_state(limits, super::watch::in_time));
    let missing = any(async |request: Request| {
        let path = request.uri().path();
        Problem::missing(format!("{path} is not served here: docs/camunda-clients.md lists what is"))
    });
    // These two wait on purpose, each with a limit of its own.
    let waiting = Router::new()
        .route("/v2/process-instances", post(instances::create))
        .route("/v2/jobs/activation", post(jobs::activate));
    at_once
        .merge(waiting)
        .route("/v2/{*rest}", missing)
        .layer(axum::middleware::from_fn(problem::name_the_place))
        .with_state(cluster)
}

/// A key as clients write it: a text of digits.
fn key(text: &str) -> Result<i64, Problem> {
    let refused = || Problem::invalid(format!("{text:?} is not a key: keys are positive numbers"));
    text.parse().ok().filter(|key| *key > 0).ok_or_else(refused)
}

/// A key as it is written: a text of digits.
struct Key(i64);

impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The key of an element instance.
fn element_key(instance: i64, element: u32) -> i64 {
    ELEMENT_BIT | (instance << LOCAL_BITS) | i64::from(element)
}

/// A point in time as the API writes it.
fn date(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// Refuses a tenant that is not the one there is.
fn check_tenant(tenant: Option<&str>) -> Result<(), Problem> {
    match tenant {
        None | Some("" | TENANT) => Ok(()),
        Some(other) => {
            Err(Problem::invalid(format!("there is no tenant {other:?}: the only one is {TENANT}")))
        }
    }
}
