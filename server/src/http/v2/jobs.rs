//! Jobs of outside types: leased, answered, leased longer.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use engine::port::{ActivateJobs, BpmnError, Job, JobFailure, JobFilter, Record};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::instances::{TENANT, key};
use super::{Body, Problem};
use crate::http::Shared;

/// How long a call waits for a job where it does not say.
const WAIT_DEFAULT: Duration = Duration::from_secs(10);
/// The longest wait: below the time that any plain request may take.
const WAIT_MAX: Duration = Duration::from_secs(25);

/// What `POST /v2/jobs/activation` takes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Activate {
    #[serde(rename = "type")]
    job_type: String,
    /// Length of the lease, milliseconds.
    timeout: i64,
    max_jobs_to_activate: usize,
    #[serde(default)]
    worker: Option<String>,
    /// Names of the variables that are wanted; none: all declared ones.
    #[serde(default)]
    fetch_variable: Option<Vec<String>>,
    /// How long to wait for a job, milliseconds; 0: the default, below 0: not at all.
    #[serde(default)]
    request_timeout: Option<i64>,
    #[serde(default)]
    tenant_ids: Option<Vec<String>>,
    #[serde(default)]
    tenant_filter: Option<String>,
    #[serde(default)]
    with_lease: bool,
    /// Only of this instance; Camunda has no such filter.
    #[serde(default)]
    process_instance_key: Option<String>,
}

/// Leases jobs, waiting for one if need be.
pub(super) async fn activate(
    State(shared): State<Shared>,
    Body(asked): Body<Activate>,
) -> Result<Json<Value>, Problem> {
    let other = |tenants: &Vec<String>| tenants.iter().all(|tenant| tenant != TENANT);
    if asked.tenant_filter.as_deref() == Some("PROVIDED") && asked.tenant_ids.as_ref().is_some_and(other) {
        return Err(Problem::wrong("there is one tenant, <default>"));
    }
    let wait = match asked.request_timeout.unwrap_or(0) {
        0 => WAIT_DEFAULT,
        wait => Duration::from_millis(u64::try_from(wait).unwrap_or(0)).min(WAIT_MAX),
    };
    let request = ActivateJobs {
        worker: asked.worker.unwrap_or_default(),
        instance: asked.process_instance_key.as_deref().map(key).transpose()?,
        job_types: Some(vec![asked.job_type]),
        max: asked.max_jobs_to_activate,
        lease_ms: asked.timeout,
        wait_ms: u64::try_from(wait.as_millis()).unwrap_or(0),
    };
    let jobs = tokio::select! {
        jobs = shared.ports.engine.activate_jobs(request) => jobs?,
        () = shared.stop.cancelled() => Vec::new(),
    };
    let wanted = asked.fetch_variable.filter(|names| !names.is_empty());
    let jobs: Vec<Value> = jobs.iter().map(|job| view(job, wanted.as_deref(), asked.with_lease)).collect();
    Ok(Json(json!({"jobs": jobs})))
}

fn view(job: &Job, wanted: Option<&[String]>, with_lease: bool) -> Value {
    let variables: Map<String, Value> = job
        .variables
        .iter()
        .filter(|(name, _)| wanted.is_none_or(|wanted| wanted.contains(name)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut view = json!({
        "jobKey": job.key.to_string(),
        "type": job.spec.job_type,
        "processInstanceKey": job.instance.to_string(),
        "processDefinitionId": job.process_id,
        "processDefinitionVersion": job.version,
        "processDefinitionKey": job.definition.to_string(),
        "elementId": job.element,
        // Element instances have no key of their own here; the job stands for its element.
        "elementInstanceKey": job.key.to_string(),
        "customHeaders": job.spec.headers,
        "variables": variables,
        "retries": job.retries,
        "deadline": job.lease_until_ms,
        "worker": job.worker,
        "kind": "BPMN_ELEMENT",
        "listenerEventType": "UNSPECIFIED",
        "tenantId": TENANT,
        "tags": [],
    });
    if with_lease {
        view["leaseToken"] = json!(job.attempt.to_string());
    }
    view
}

/// The attempt that an answer is for: the one named by the lease token, else the one that holds the job now.
async fn attempt(shared: &Shared, key: i64, token: Option<&str>) -> Result<u32, Problem> {
    if let Some(token) = token {
        return token.parse().map_err(|_| Problem::wrong(format!("{token:?} is no lease token of ours")));
    }
    let filter = JobFilter { key: Some(key), ..JobFilter::default() };
    let job = shared.ports.engine.jobs(&filter).await?.pop();
    let job = job.ok_or(engine::Error::NotFound { what: "job", id: key.to_string() })?;
    if job.worker.is_none() {
        return Err(engine::Error::Stale { key, attempt: job.attempt }.into());
    }
    Ok(job.attempt)
}

/// What an answer that a job is done takes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Complete {
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default)]
    lease_token: Option<String>,
}

/// Completes a job.
pub(super) async fn complete(
    State(shared): State<Shared>,
    Path(text): Path<String>,
    Body(asked): Body<Complete>,
) -> Result<StatusCode, Problem> {
    let key = key(&text)?;
    let attempt = attempt(&shared, key, asked.lease_token.as_deref()).await?;
    let variables = asked.variables.unwrap_or_default().into_iter().collect();
    shared.ports.engine.complete_job(key, attempt, variables, Record::default()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an answer that an attempt failed takes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Fail {
    /// Retries left; 0, the default as in Camunda, raises an incident.
    #[serde(default)]
    retries: u32,
    #[serde(default)]
    error_message: Option<String>,
    /// Milliseconds before the next attempt.
    #[serde(default)]
    retry_back_off: i64,
    #[serde(default)]
    lease_token: Option<String>,
}

/// Reports a failed attempt.
pub(super) async fn fail(
    State(shared): State<Shared>,
    Path(text): Path<String>,
    Body(asked): Body<Fail>,
) -> Result<StatusCode, Problem> {
    let key = key(&text)?;
    let attempt = attempt(&shared, key, asked.lease_token.as_deref()).await?;
    let failure = JobFailure {
        code: "WORKER".to_owned(),
        message: asked.error_message.unwrap_or_else(|| "the worker gave no reason".to_owned()),
        retries_left: asked.retries,
        backoff_ms: asked.retry_back_off,
    };
    shared.ports.engine.fail_job(key, attempt, failure, Record::default()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an answer that throws a BPMN error takes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Throw {
    error_code: String,
    #[serde(default)]
    error_message: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default)]
    lease_token: Option<String>,
}

/// Throws a BPMN error from a job.
pub(super) async fn throw(
    State(shared): State<Shared>,
    Path(text): Path<String>,
    Body(asked): Body<Throw>,
) -> Result<StatusCode, Problem> {
    let key = key(&text)?;
    let attempt = attempt(&shared, key, asked.lease_token.as_deref()).await?;
    let error = BpmnError {
        code: asked.error_code,
        message: asked.error_message.unwrap_or_default(),
        variables: asked.variables.unwrap_or_default().into_iter().collect(),
    };
    shared.ports.engine.throw_error(key, attempt, error, Record::default()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What changes of a job that is leased.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    changeset: Changeset,
}

/// The change; retries and priority cannot be changed while a job is leased.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Changeset {
    /// Length of the lease from now, milliseconds.
    timeout: i64,
}

/// Extends a lease.
pub(super) async fn update(
    State(shared): State<Shared>,
    Path(text): Path<String>,
    Body(asked): Body<Update>,
) -> Result<StatusCode, Problem> {
    let key = key(&text)?;
    let attempt = attempt(&shared, key, None).await?;
    shared.ports.engine.extend_lease(key, attempt, asked.changeset.timeout).await?;
    Ok(StatusCode::NO_CONTENT)
}
