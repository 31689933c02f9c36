//! The end of an instance: its attempt, its trail, what other parts are told; once, whoever notices it.

use std::sync::Arc;

use engine::Error as EngineError;
use engine::port::{Attempt, Notice, Status};
use engine::store::{Commit, LOCAL};
use serde_json::{Value, json};
use trail::{NewEvent, OutboxItem};

use crate::camunda7::Core;
use crate::catalogue::{self, Deployed};
use crate::instances;
use crate::rest::{encode, text, time_ms};

/// Steps of an instance that go into its trail; the rest is in Camunda's history.
pub(crate) const STEP_LIMIT: usize = 5_000;

/// Records the end of an instance; false where that was done before.
pub(crate) async fn finish(
    core: &Arc<Core>,
    instance: &Value,
    reason: Option<&str>,
) -> Result<bool, EngineError> {
    let id = text(instance, "id");
    let key = core.keys.see(id);
    let name = format!("camunda7/ended/{id}");
    let is_known = core.store.find_idempotent(&name).await?.is_some();
    if is_known && !core.open.lock().contains_key(&key) {
        return Ok(false);
    }
    let deployed = catalogue::deployed(core, text(instance, "processDefinitionId")).await?;
    let steps = steps(core, id).await?;
    let status = instances::status_of(instance, &deployed, &steps);
    if !is_known {
        let commit = commit(core, key, instance, &deployed, &steps, status, reason);
        let commit = Commit { idempotent: Some((name, key)), ..commit };
        match core.store.commit(commit).await {
            Ok(position) => core.notify(Notice::TrailAppended { position }),
            Err(EngineError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    core.jobs.lock().remove_instance(key);
    if core.open.lock().remove(&key).is_some() || !is_known {
        core.notify(Notice::Ended { instance: key, status });
    }
    Ok(!is_known)
}

/// What Camunda's history says of the elements of an instance, in order.
pub(crate) async fn steps(core: &Core, id: &str) -> Result<Vec<Value>, EngineError> {
    let path = format!(
        "/history/activity-instance?processInstanceId={}&sortBy=occurrence&sortOrder=asc&maxResults={STEP_LIMIT}",
        encode(id)
    );
    Ok(core.rest.list(&path).await?)
}

fn commit(
    core: &Core,
    key: i64,
    instance: &Value,
    deployed: &Deployed,
    steps: &[Value],
    status: Status,
    reason: Option<&str>,
) -> Commit {
    let definition = &deployed.definition;
    let started_ms = time_ms(instance, "startTime").unwrap_or_default();
    let ended_ms = time_ms(instance, "endTime").unwrap_or_else(|| core.clock.now_ms());
    let success = status == Status::Completed && !has_failed_end(deployed, steps);
    let mut events = trail_of(key, deployed, steps);
    let kind = match status {
        Status::Failed => "instance.failed",
        Status::Terminated => "instance.cancelled",
        Status::Active | Status::Suspended | Status::Completed => "instance.completed",
    };
    events.push(NewEvent {
        actor: "engine".to_owned(),
        instance: Some(key),
        definition: Some(definition.key),
        data: json!({"reason": reason.or_else(|| instance.get("deleteReason").and_then(Value::as_str))}),
        ..NewEvent::new(kind, ended_ms)
    });
    let attempt = Attempt {
        subject_kind: "process".to_owned(),
        subject: definition.process_id.clone(),
        version: Some(definition.version),
        success,
        instance: Some(key),
        duration_ms: ended_ms - started_ms,
        cost: 0.0,
        at_ms: ended_ms,
        actor: instance.get("startUserId").and_then(Value::as_str).unwrap_or(LOCAL).to_owned(),
    };
    let item = OutboxItem {
        topic: "ontology".to_owned(),
        key: format!("instance-{key}-ended"),
        payload: json!({
            "what": "instance_ended", "instance": key, "definition": definition.key,
            "process_id": definition.process_id, "version": definition.version, "status": status,
            "success": success, "started_ms": started_ms, "ended_ms": ended_ms,
        }),
    };
    Commit { events, attempts: vec![attempt], outbox: vec![item], ..Commit::default() }
}

/// Whether it ended at an end event with an outcome that is no success.
fn has_failed_end(deployed: &Deployed, steps: &[Value]) -> bool {
    let Some(program) = &deployed.program else { return false };
    steps.iter().any(|step| {
        let node = program.find(text(step, "activityId")).and_then(|index| program.nodes.get(index));
        node.is_some_and(|node| {
            node.local_name == "endEvent" && node.task.outcomes.iter().any(|outcome| !outcome.success)
        })
    })
}

/// Elements activated, completed and terminated, in the order of their times.
fn trail_of(key: i64, deployed: &Deployed, steps: &[Value]) -> Vec<NewEvent> {
    let mut events = Vec::with_capacity(steps.len() * 2);
    for (place, step) in steps.iter().enumerate() {
        let id = text(step, "activityId");
        if id.contains('#') {
            continue;
        }
        let node = deployed.program.as_ref().and_then(|program| program.nodes.get(program.find(id)?));
        let kind = node.map_or_else(|| text(step, "activityType").to_owned(), |node| node.local_name.clone());
        let end = if step.get("canceled").and_then(Value::as_bool) == Some(true) {
            "terminated"
        } else {
            "completed"
        };
        for (name, time) in [("activated", "startTime"), (end, "endTime")] {
            let Some(at_ms) = time_ms(step, time) else { continue };
            let event = NewEvent {
                actor: "engine".to_owned(),
                instance: Some(key),
                definition: Some(deployed.definition.key),
                element: Some(id.to_owned()),
                data: json!({"node": id, "kind": kind, "element": place + 1}),
                ..NewEvent::new(&format!("element.{name}"), at_ms)
            };
            events.push(event);
        }
    }
    events.sort_by_key(|event| event.at_ms);
    events
}
