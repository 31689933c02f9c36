//! Jobs for outside workers: leasing them, and answering.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use bpmn::program::{JobKind, Variables};
use engine::port::{ActivateJobs, BpmnError, Job, JobFailure, JobFilter, Record};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::search::{ITEMS_MAX, Search};
use super::{Cluster, Key, Problem, TENANT, check_tenant, date, key};

const FIELDS: [&str; 17] = [
    "jobKey",
    "type",
    "worker",
    "state",
    "kind",
    "retries",
    "deadline",
    "elementId",
    "elementInstanceKey",
    "processDefinitionId",
    "processDefinitionKey",
    "processInstanceKey",
    "tenantId",
    "priority",
    "creationTime",
    "hasFailedWithRetriesLeft",
    "listenerEventType",
];
/// How long a request without a time of its own waits for jobs.
const WAIT_DEFAULT: Duration = Duration::from_secs(10);
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Most jobs in one activation.
const ACTIVATED_MAX: usize = 1_000;
/// Longest lease: a day.
const LEASE_MS_MAX: i64 = 86_400_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Activation {
    #[serde(rename = "type")]
    job_type: String,
    timeout: i64,
    max_jobs_to_activate: i64,
    #[serde(default)]
    worker: Option<String>,
    #[serde(default)]
    fetch_variable: Option<Vec<String>>,
    #[serde(default)]
    request_timeout: i64,
    #[serde(default)]
    tenant_ids: Option<Vec<String>>,
    #[serde(default)]
    with_lease: Option<bool>,
}

/// Leases jobs of a type; waits until there is one.
pub(super) async fn activate(
    State(cluster): State<Cluster>,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    let asked: Activation = cluster.json(request).await?;
    for tenant in asked.tenant_ids.iter().flatten() {
        check_tenant(Some(tenant))?;
    }
    let max = usize::try_from(asked.max_jobs_to_activate).ok().filter(|max| *max > 0);
    let max = max.ok_or_else(|| Problem::invalid("maxJobsToActivate is less than 1"))?;
    if asked.job_type.trim().is_empty() || asked.timeout < 1 {
        return Err(Problem::invalid("type is empty, or timeout is less than 1 millisecond"));
    }
    let wait = match asked.request_timeout {
        ..0 => Duration::ZERO,
        0 => WAIT_DEFAULT,
        ms => Duration::from_millis(ms.unsigned_abs()).min(WAIT_MAX),
    };
    let busy = |_| Problem::busy("too many requests wait for jobs");
    let _room = cluster.waiting.clone().try_acquire_owned().map_err(busy)?;
    let wanted = ActivateJobs {
        worker: asked.worker.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "default".to_owned()),
        instance: None,
        job_types: Some(vec![asked.job_type]),
        max: max.min(ACTIVATED_MAX),
        lease_ms: asked.timeout.min(LEASE_MS_MAX),
        wait_ms: u64::try_from(wait.as_millis()).unwrap_or(0),
    };
    let jobs = tokio::select! {
        jobs = cluster.engine.activate_jobs(wanted) => jobs?,
        () = cluster.stop.cancelled() => Vec::new(),
    };
    let fetched = asked.fetch_variable.filter(|names| !names.is_empty());
    let with_lease = asked.with_lease == Some(true);
    let mut shown = Vec::with_capacity(jobs.len());
    for mut job in jobs {
        if let Some(names) = &fetched {
            job.variables.retain(|name, _| names.contains(name));
        }
        let element = cluster.element_of(&job).await;
        let job_lease_token = with_lease.then(|| job.attempt.to_string());
        shown.push((job, element, job_lease_token));
    }
    let jobs = shown.iter().map(|(job, element, token)| Activated {
        job_lease_token: token.as_deref(),
        ..Activated::of(job, *element)
    });
    // Written while the jobs are there: it is the largest answer, and the most frequent one.
    let body = serde_json::to_vec(&Jobs { jobs: jobs.collect() })
        .map_err(|error| Problem::invalid(format!("the jobs cannot be written: {error}")))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body))
}

#[derive(Serialize)]
struct Jobs<'a> {
    jobs: Vec<Activated<'a>>,
}

/// A job as workers read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Activated<'a> {
    #[serde(rename = "type")]
    job_type: Option<&'a str>,
    process_definition_id: &'a str,
    process_definition_version: i32,
    element_id: &'a str,
    custom_headers: &'a BTreeMap<String, String>,
    worker: Option<&'a str>,
    retries: u32,
    deadline: i64,
    variables: &'a Variables,
    tenant_id: &'static str,
    job_key: Key,
    process_instance_key: Key,
    process_definition_key: Key,
    element_instance_key: Key,
    kind: &'static str,
    listener_event_type: &'static str,
    user_task: Option<&'static str>,
    tags: [&'static str; 0],
    root_process_instance_key: Option<Key>,
    business_id: Option<&'a str>,
    priority: i64,
    job_lease_token: Option<&'a str>,
}

impl<'a> Activated<'a> {
    fn of(job: &'a Job, element: i64) -> Self {
        Self {
            job_type: job.spec.job_type.as_deref(),
            process_definition_id: &job.process_id,
            process_definition_version: job.version,
            element_id: &job.element,
            custom_headers: &job.spec.headers,
            worker: job.worker.as_deref(),
            retries: job.retries,
            deadline: job.lease_until_ms.unwrap_or(0),
            variables: &job.variables,
            tenant_id: TENANT,
            job_key: Key(job.key),
            process_instance_key: Key(job.instance),
            process_definition_key: Key(job.definition),
            element_instance_key: Key(element),
            kind: "BPMN_ELEMENT",
            listener_event_type: "UNSPECIFIED",
            user_task: None,
            tags: [],
            root_process_instance_key: None,
            business_id: job.business_key.as_deref(),
            priority: job.priority,
            job_lease_token: None,
        }
    }
}

/// How a worker answers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Answer {
    variables: Option<Variables>,
    retries: u32,
    retry_back_off: i64,
    error_message: Option<String>,
    error_code: Option<String>,
    result: Option<Value>,
    lease_token: Option<String>,
    job_lease_token: Option<String>,
}

impl Answer {
    /// The attempt that the answer is for: that of its lease where it names one, else the one that holds the job.
    fn attempt(&self, holds: u32) -> Result<u32, Problem> {
        let Some(token) = self.lease_token.as_ref().or(self.job_lease_token.as_ref()) else {
            return Ok(holds);
        };
        token.parse().map_err(|_| Problem::invalid(format!("{token:?} is not a lease of this server")))
    }
}

/// Completes a job.
pub(super) async fn complete(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let mut answer: Answer = cluster.json(request).await?;
    if answer.result.as_ref().is_some_and(|result| !result.is_null()) {
        return Err(Problem::invalid("result is not supported: there are no listeners and no agents here"));
    }
    let (job, attempt) = leased(&cluster, &asked).await?;
    let variables = answer.variables.take().unwrap_or_default();
    cluster.engine.complete_job(job, answer.attempt(attempt)?, variables, Record::default()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reports that an attempt failed; without retries it becomes an incident.
pub(super) async fn fail(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let answer: Answer = cluster.json(request).await?;
    let (job, attempt) = leased(&cluster, &asked).await?;
    if answer.variables.as_ref().is_some_and(|variables| !variables.is_empty()) {
        return Err(Problem::invalid("a failure cannot set variables; put them into the error message"));
    }
    let failure = JobFailure {
        code: "JOB-FAILED".to_owned(),
        message: answer.error_message.clone().unwrap_or_else(|| "the worker gave no reason".to_owned()),
        retries_left: answer.retries,
        backoff_ms: answer.retry_back_off.clamp(0, LEASE_MS_MAX),
    };
    cluster.engine.fail_job(job, answer.attempt(attempt)?, failure, Record::default()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Throws a BPMN error from a job.
pub(super) async fn throw_error(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let mut answer: Answer = cluster.json(request).await?;
    let code = answer.error_code.take().filter(|code| !code.is_empty());
    let error = BpmnError {
        code: code.ok_or_else(|| Problem::invalid("errorCode is missing"))?,
        message: answer.error_message.take().unwrap_or_default(),
        variables: answer.variables.take().unwrap_or_default(),
    };
    let (job, attempt) = leased(&cluster, &asked).await?;
    cluster.engine.throw_error(job, answer.attempt(attempt)?, error, Record::default()).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(super) struct Update {
    changeset: Changes,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Changes {
    timeout: Option<i64>,
    retries: Option<i64>,
    priority: Option<i64>,
}

/// Extends a lease.
pub(super) async fn update(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let Update { changeset } = cluster.json(request).await?;
    if changeset.priority.is_some() {
        return Err(Problem::invalid("the priority of a job is that of its task"));
    }
    if let Some(retries) = changeset.retries {
        check_retries(&cluster, &asked, retries).await?;
        if changeset.timeout.is_none() {
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    let Some(timeout) = changeset.timeout.filter(|ms| (1..=LEASE_MS_MAX).contains(ms)) else {
        return Err(Problem::invalid(format!("timeout is not between 1 and {LEASE_MS_MAX} milliseconds")));
    };
    let (job, attempt) = leased(&cluster, &asked).await?;
    cluster.engine.extend_lease(job, attempt, timeout).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The resolution of its incident gives a job as many retries as its task declares: clients that say the same number
/// before are served, another number is refused.
async fn check_retries(cluster: &Cluster, asked: &str, retries: i64) -> Result<(), Problem> {
    let wanted = key(asked)?;
    let filter = JobFilter { key: Some(wanted), kind: Some(JobKind::Service), ..JobFilter::default() };
    let job = cluster.engine.jobs(&filter).await?.into_iter().next();
    let job = job.ok_or_else(|| Problem::missing(format!("there is no job {wanted}")))?;
    let declared = i64::from(job.spec.retries.unwrap_or(engine::limits::DEFAULT_RETRIES));
    if retries == declared || retries == i64::from(job.retries) {
        return Ok(());
    }
    Err(Problem::invalid(format!(
        "job {wanted} has {declared} retries again when its incident is resolved; leave the update out"
    )))
}

/// A job that somebody holds, and the attempt. Only jobs for outside workers can be answered here: the kernel's own
/// are its own.
async fn leased(cluster: &Cluster, asked: &str) -> Result<(i64, u32), Problem> {
    let wanted = key(asked)?;
    let missing = || Problem::missing(format!("there is no job {wanted} that a worker could answer"));
    let held = cluster.engine.held_by(wanted).await?.ok_or_else(missing)?;
    if held.worker.is_none() {
        let detail = format!("job {wanted} is not activated: its lease may have ended");
        return Err(Problem::new(StatusCode::CONFLICT, "INVALID_STATE", detail));
    }
    Ok((wanted, held.attempt))
}

/// Jobs for outside workers that match.
pub(super) async fn find(State(cluster): State<Cluster>, request: Request) -> Result<Json<Value>, Problem> {
    let search: Search = cluster.json(request).await?;
    let filter = JobFilter {
        instance: search.wanted("processInstanceKey").map(key).transpose()?,
        kind: Some(JobKind::Service),
        job_type: search.wanted("type").map(str::to_owned),
        limit: ITEMS_MAX,
        ..JobFilter::default()
    };
    let jobs = cluster.engine.jobs(&filter).await?;
    let cut = jobs.len() >= ITEMS_MAX;
    let mut found = Vec::with_capacity(jobs.len());
    for job in jobs.iter().filter(|job| job.spec.job_type.is_some()) {
        found.push(shown(job, cluster.element_of(job).await));
    }
    search.answer(&FIELDS, found, cut)
}

fn shown(job: &Job, element: i64) -> Value {
    let mut view = json!(Activated::of(job, element));
    view["worker"] = json!(job.worker.as_deref().unwrap_or_default());
    view["deadline"] = json!(job.lease_until_ms.map(date));
    view["state"] = json!("CREATED");
    view["creationTime"] = json!(date(job.created_ms));
    view["hasFailedWithRetriesLeft"] = json!(job.attempt > 1);
    for absent in ["deniedReason", "endTime", "errorCode", "errorMessage", "isDenied", "lastUpdateTime"] {
        view[absent] = Value::Null;
    }
    view
}
