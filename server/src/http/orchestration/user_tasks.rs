//! Tasks that wait for a person.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use bpmn::program::{JobKind, Variables};
use engine::port::{Assignment, Job, JobFilter};
use serde::Deserialize;
use serde_json::{Value, json};

use super::elements::inside;
use super::search::{ITEMS_MAX, Search, check_condition, fits};
use super::{Cluster, Problem, TENANT, date, key};

const FIELDS: [&str; 14] = [
    "userTaskKey",
    "name",
    "state",
    "assignee",
    "elementId",
    "elementInstanceKey",
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
    let mut search: Search = cluster.json(request).await?;
    let instance = match (search.wanted("processInstanceKey"), search.wanted("elementInstanceKey")) {
        (Some(asked), _) => Some(key(asked)?),
        (None, Some(asked)) => Some(inside(key(asked)?).0),
        (None, None) => None,
    };
    let (group, user) = (search.take("candidateGroup"), search.take("candidateUser"));
    for condition in group.iter().chain(&user) {
        check_condition(condition)?;
    }
    let is_candidate = |task: &Job, name: &str, wanted: &Option<Value>| {
        wanted.as_ref().is_none_or(|wanted| list(task, name).iter().any(|one| fits(&json!(one), wanted)))
    };
    let tasks = waiting(&cluster, instance).await?;
    let cut = tasks.len() >= ITEMS_MAX;
    let mut found = Vec::new();
    for task in &tasks {
        if is_candidate(task, "candidateGroups", &group) && is_candidate(task, "candidateUsers", &user) {
            found.push(shown(task, cluster.element_of(task).await));
        }
    }
    search.answer(&FIELDS, found, cut)
}

/// One user task.
pub(super) async fn one(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<Json<Value>, Problem> {
    let task = open(&cluster, &asked).await?;
    Ok(Json(shown(&task, cluster.element_of(&task).await)))
}

async fn open(cluster: &Cluster, asked: &str) -> Result<Job, Problem> {
    let wanted = key(asked)?;
    let filter = JobFilter { key: Some(wanted), kind: Some(JobKind::User), ..JobFilter::default() };
    let found = cluster.engine.jobs(&filter).await?.into_iter().next();
    found.ok_or_else(|| Problem::missing(format!("there is no open user task {wanted}")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Assigned {
    assignee: Option<String>,
    allow_override: Option<bool>,
}

/// Gives a user task to a person.
pub(super) async fn assign(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let assigned: Assigned = cluster.json(request).await?;
    let Some(assignee) = assigned.assignee.filter(|assignee| !assignee.trim().is_empty()) else {
        return Err(Problem::invalid("assignee is missing; DELETE …/assignee gives the task back"));
    };
    let task = open(&cluster, &asked).await?;
    // As the API defines it: an override is allowed where nothing else is said.
    let take_over = assigned.allow_override.unwrap_or(true);
    let assignment = Assignment { assignee: Some(assignee.clone()), take_over };
    cluster.engine.assign(task.key, assignment, &assignee).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a user task away from whoever has it.
pub(super) async fn unassign(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<StatusCode, Problem> {
    let task = open(&cluster, &asked).await?;
    let assignment = Assignment { assignee: None, take_over: true };
    cluster.engine.assign(task.key, assignment, "local").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a user task sees.
pub(super) async fn find_variables(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let search: Search = cluster.json(request).await?;
    let task = open(&cluster, &asked).await?;
    let own = task.instance.to_string();
    let seen = task.variables.iter().enumerate().map(|(place, (name, value))| {
        json!({
            "name": name, "value": value.to_string(), "isTruncated": false, "tenantId": TENANT,
            "variableKey": ((task.key << 8) + i64::try_from(place).unwrap_or(0)).to_string(), "scopeKey": own,
            "processInstanceKey": own, "rootProcessInstanceKey": null,
        })
    });
    search.answer(&["name", "value", "scopeKey", "processInstanceKey", "variableKey"], seen.collect(), false)
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

/// Names that are written with commas between them.
fn list(task: &Job, name: &str) -> Vec<String> {
    let written = task.spec.assignment.get(name).map(String::as_str).unwrap_or_default();
    written.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

fn shown(task: &Job, element: i64) -> Value {
    json!({
        "userTaskKey": task.key.to_string(), "name": task.element_name, "state": "CREATED",
        "assignee": task.assignee, "elementId": task.element, "elementInstanceKey": element.to_string(),
        "candidateGroups": list(task, "candidateGroups"), "candidateUsers": list(task, "candidateUsers"),
        "processName": null, "processDefinitionId": task.process_id,
        "processDefinitionVersion": task.version, "processDefinitionKey": task.definition.to_string(),
        "processInstanceKey": task.instance.to_string(), "rootProcessInstanceKey": null,
        "creationDate": date(task.created_ms), "completionDate": null, "followUpDate": null, "dueDate": null,
        "externalFormReference": null, "formKey": null, "customHeaders": task.spec.headers, "tags": [],
        "priority": task.spec.priority.unwrap_or(PRIORITY_DEFAULT), "businessId": task.business_key,
        "tenantId": TENANT,
    })
}
