//! Tasks that wait for a person.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use bpmn::program::{JobKind, Variables};
use engine::port::{Job, JobFilter};
use serde::Deserialize;
use serde_json::{Value, json};

use super::search::{ITEMS_MAX, Search};
use super::{Cluster, Problem, TENANT, date, key};

const FIELDS: [&str; 13] = [
    "userTaskKey",
    "name",
    "state",
    "assignee",
    "elementId",
    "candidateGroups",
    "candidateUsers",
    "processDefinitionId",
    "processDefinitionKey",
    "processInstanceKey",
    "creationDate",
    "priority",
    "tenantId",
];
/// Priority of a task that does not say one, as the API defines it.
const PRIORITY_DEFAULT: i64 = 50;

/// User tasks that match.
pub(super) async fn find(State(cluster): State<Cluster>, request: Request) -> Result<Json<Value>, Problem> {
    let search: Search = cluster.json(request).await?;
    let instance = search.wanted("processInstanceKey").map(key).transpose()?;
    let tasks = waiting(&cluster, instance).await?;
    let cut = tasks.len() >= ITEMS_MAX;
    search.answer(&FIELDS, tasks.iter().map(shown).collect(), cut)
}

/// One user task.
pub(super) async fn one(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<Json<Value>, Problem> {
    let wanted = key(&asked)?;
    let filter = JobFilter { key: Some(wanted), kind: Some(JobKind::User), ..JobFilter::default() };
    let found = cluster.engine.jobs(&filter).await?;
    found
        .first()
        .map(|task| Json(shown(task)))
        .ok_or_else(|| Problem::missing(format!("there is no open user task {wanted}")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Completion {
    variables: Option<Variables>,
}

/// Completes a user task.
pub(super) async fn complete(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let completion: Completion = cluster.json(request).await?;
    let variables = completion.variables.unwrap_or_default();
    cluster.engine.complete_user_task(key(&asked)?, "local", variables).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn waiting(cluster: &Cluster, instance: Option<i64>) -> Result<Vec<Job>, Problem> {
    let filter = JobFilter { instance, kind: Some(JobKind::User), limit: ITEMS_MAX, ..JobFilter::default() };
    Ok(cluster.engine.jobs(&filter).await?)
}

fn shown(task: &Job) -> Value {
    let list = |name: &str| -> Vec<String> {
        let written = task.spec.assignment.get(name).map(String::as_str).unwrap_or_default();
        written.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
    };
    json!({
        "userTaskKey": task.key.to_string(), "name": task.element_name, "state": "CREATED",
        "assignee": task.assignee, "elementId": task.element, "elementInstanceKey": task.instance.to_string(),
        "candidateGroups": list("candidateGroups"), "candidateUsers": list("candidateUsers"),
        "processName": null, "processDefinitionId": task.process_id,
        "processDefinitionVersion": task.version, "processDefinitionKey": task.definition.to_string(),
        "processInstanceKey": task.instance.to_string(), "rootProcessInstanceKey": null,
        "creationDate": date(task.created_ms), "completionDate": null, "followUpDate": null, "dueDate": null,
        "externalFormReference": null, "formKey": null, "customHeaders": task.spec.headers, "tags": [],
        "priority": task.spec.priority.unwrap_or(PRIORITY_DEFAULT), "businessId": task.business_key,
        "tenantId": TENANT,
    })
}
