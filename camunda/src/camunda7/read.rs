//! Records read from the answers of Camunda 7.

use bpmn::program::Variables;
use serde_json::{Map, Value};

use super::value;
use crate::remote::{RemoteIncident, RemoteInstance, RemoteJob, RemoteState, RemoteStep, RemoteTask};
use crate::rest::{optional, text, time_ms};

/// The mark of the body of a multi-instance in the ids of Camunda 7.
const BODY: &str = "#multiInstanceBody";

/// A typed map of variables as plain JSON.
pub(super) fn variables(typed: Option<&Value>) -> Variables {
    let empty = Map::new();
    value::plain(typed.and_then(Value::as_object).unwrap_or(&empty))
}

pub(super) fn instance(found: &Value) -> RemoteInstance {
    let ended_ms = time_ms(found, "endTime");
    let state = match text(found, "state") {
        "SUSPENDED" => RemoteState::Suspended,
        "ACTIVE" => RemoteState::Active,
        "EXTERNALLY_TERMINATED" | "INTERNALLY_TERMINATED" => RemoteState::Terminated,
        _ if ended_ms.is_none() => RemoteState::Active,
        _ => RemoteState::Completed,
    };
    RemoteInstance {
        id: text(found, "id").to_owned(),
        definition: text(found, "processDefinitionId").to_owned(),
        state,
        started_ms: time_ms(found, "startTime").unwrap_or_default(),
        ended_ms,
        business_key: optional(found, "businessKey"),
        parent: optional(found, "superProcessInstanceId"),
        started_by: optional(found, "startUserId"),
        reason: optional(found, "deleteReason"),
        has_incident: true,
    }
}

pub(super) fn step(found: &Value) -> RemoteStep {
    let activity = text(found, "activityId");
    RemoteStep {
        id: text(found, "id").to_owned(),
        instance: text(found, "processInstanceId").to_owned(),
        element: plain_id(activity).to_owned(),
        kind: text(found, "activityType").to_owned(),
        body: activity.ends_with(BODY),
        parent: text(found, "parentActivityInstanceId").to_owned(),
        user_task: optional(found, "taskId"),
        started_ms: time_ms(found, "startTime").unwrap_or_default(),
        ended_ms: time_ms(found, "endTime"),
        cancelled: found.get("canceled").and_then(Value::as_bool) == Some(true),
    }
}

/// The id of an element, also of the body of a multi-instance.
pub(super) fn plain_id(activity: &str) -> &str {
    activity.strip_suffix(BODY).unwrap_or(activity)
}

pub(super) fn job(task: &Value) -> RemoteJob {
    let id = text(task, "id").to_owned();
    RemoteJob {
        // The history tells of jobs by their steps.
        step: optional(task, "activityInstanceId")
            .filter(|step| !step.is_empty())
            .unwrap_or_else(|| id.clone()),
        id,
        topic: text(task, "topicName").to_owned(),
        instance: text(task, "processInstanceId").to_owned(),
        definition: text(task, "processDefinitionId").to_owned(),
        element: text(task, "activityId").to_owned(),
        variables: variables(task.get("variables")),
        retries: task.get("retries").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()),
        priority: Some(task.get("priority").and_then(Value::as_i64).unwrap_or(0)),
        created_ms: time_ms(task, "createTime"),
        business_key: optional(task, "businessKey"),
    }
}

/// A user task; `None` for one that belongs to no process.
pub(super) fn task(found: &Value) -> Option<RemoteTask> {
    let id = text(found, "id").to_owned();
    Some(RemoteTask {
        handle: id.clone(),
        id,
        step: String::new(),
        definition: optional(found, "processDefinitionId")?,
        instance: text(found, "processInstanceId").to_owned(),
        element: text(found, "taskDefinitionKey").to_owned(),
        name: optional(found, "name"),
        assignee: optional(found, "assignee"),
        priority: found.get("priority").and_then(Value::as_i64).unwrap_or(0),
        created_ms: time_ms(found, "created").unwrap_or_default(),
    })
}

pub(super) fn incident(found: &Value) -> RemoteIncident {
    RemoteIncident {
        id: text(found, "id").to_owned(),
        instance: text(found, "processInstanceId").to_owned(),
        element: plain_id(text(found, "activityId")).to_owned(),
        kind: text(found, "incidentType").to_owned(),
        message: text(found, "incidentMessage").to_owned(),
        raised_ms: time_ms(found, "incidentTimestamp").unwrap_or_default(),
        job: optional(found, "configuration"),
    }
}
