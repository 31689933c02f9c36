//! Records read from the answers of Camunda 8.

use serde_json::Value;

use crate::remote::{RemoteIncident, RemoteInstance, RemoteJob, RemoteState, RemoteStep, RemoteTask};
use crate::rest::{optional, text, time_ms};

/// A key: written as text, by early versions as a number.
pub(super) fn key(found: &Value, name: &str) -> String {
    match found.get(name) {
        Some(Value::String(key)) => key.clone(),
        Some(Value::Number(key)) => key.to_string(),
        _ => String::new(),
    }
}

fn optional_key(found: &Value, name: &str) -> Option<String> {
    Some(key(found, name)).filter(|key| !key.is_empty())
}

pub(super) fn instance(found: &Value) -> RemoteInstance {
    let state = match text(found, "state") {
        "COMPLETED" => RemoteState::Completed,
        "TERMINATED" | "CANCELED" => RemoteState::Terminated,
        "SUSPENDED" => RemoteState::Suspended,
        _ => RemoteState::Active,
    };
    RemoteInstance {
        id: key(found, "processInstanceKey"),
        definition: key(found, "processDefinitionKey"),
        state,
        started_ms: time_ms(found, "startDate").unwrap_or_default(),
        ended_ms: time_ms(found, "endDate"),
        business_key: optional(found, "businessId").filter(|id| !id.is_empty()),
        parent: optional_key(found, "parentProcessInstanceKey"),
        started_by: None,
        reason: None,
        has_incident: found.get("hasIncident").and_then(Value::as_bool).unwrap_or(false),
    }
}

/// An element instance; `None` for the process itself and for flows.
pub(super) fn step(found: &Value) -> Option<RemoteStep> {
    let kind = text(found, "type");
    if matches!(kind, "PROCESS" | "SEQUENCE_FLOW") {
        return None;
    }
    let (id, instance) = (key(found, "elementInstanceKey"), key(found, "processInstanceKey"));
    Some(RemoteStep {
        user_task: (kind == "USER_TASK").then(|| id.clone()),
        element: text(found, "elementId").to_owned(),
        kind: local_name(kind),
        body: kind == "MULTI_INSTANCE_BODY",
        // Unless something around it says that it stands inside.
        parent: instance.clone(),
        started_ms: time_ms(found, "startDate").unwrap_or_default(),
        ended_ms: time_ms(found, "endDate"),
        cancelled: text(found, "state") == "TERMINATED",
        id,
        instance,
    })
}

/// Whether other steps stand inside a step of this kind.
pub(super) fn is_scope(found: &Value) -> bool {
    let kind = text(found, "type");
    kind == "MULTI_INSTANCE_BODY" || kind.contains("SUB_PROCESS")
}

/// `USER_TASK` as BPMN writes it: `userTask`.
fn local_name(kind: &str) -> String {
    let mut name = String::with_capacity(kind.len());
    let mut is_first = false;
    for character in kind.chars() {
        match character {
            '_' => is_first = true,
            other if is_first => {
                name.push(other);
                is_first = false;
            }
            other => name.push(other.to_ascii_lowercase()),
        }
    }
    name
}

/// A job, activated or found.
pub(super) fn job(found: &Value) -> RemoteJob {
    let retries = found.get("retries").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    RemoteJob {
        id: key(found, "jobKey"),
        step: key(found, "elementInstanceKey"),
        topic: text(found, "type").to_owned(),
        instance: key(found, "processInstanceKey"),
        definition: key(found, "processDefinitionKey"),
        element: text(found, "elementId").to_owned(),
        variables: found.get("variables").and_then(Value::as_object).cloned().unwrap_or_default(),
        retries,
        // 0 is what a job has of which nothing is said.
        priority: found.get("priority").and_then(Value::as_i64).filter(|priority| *priority != 0),
        created_ms: time_ms(found, "creationTime"),
        business_key: optional(found, "businessId").filter(|id| !id.is_empty()),
    }
}

pub(super) fn task(found: &Value) -> RemoteTask {
    let step = key(found, "elementInstanceKey");
    RemoteTask {
        id: step.clone(),
        handle: key(found, "userTaskKey"),
        step,
        instance: key(found, "processInstanceKey"),
        definition: key(found, "processDefinitionKey"),
        element: text(found, "elementId").to_owned(),
        name: optional(found, "name").filter(|name| !name.is_empty()),
        assignee: optional(found, "assignee").filter(|assignee| !assignee.is_empty()),
        priority: found.get("priority").and_then(Value::as_i64).unwrap_or(0),
        created_ms: time_ms(found, "creationDate").unwrap_or_default(),
    }
}

pub(super) fn incident(found: &Value) -> RemoteIncident {
    RemoteIncident {
        id: key(found, "incidentKey"),
        instance: key(found, "processInstanceKey"),
        element: text(found, "elementId").to_owned(),
        kind: text(found, "errorType").to_owned(),
        message: text(found, "errorMessage").to_owned(),
        raised_ms: time_ms(found, "creationTime").unwrap_or_default(),
        job: optional_key(found, "jobKey"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_bpmn_writes_them() {
        for (kind, name) in [
            ("USER_TASK", "userTask"),
            ("TASK", "task"),
            ("INTERMEDIATE_CATCH_EVENT", "intermediateCatchEvent"),
        ] {
            assert_eq!(local_name(kind), name);
        }
    }
}
