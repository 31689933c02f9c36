//! The end of an instance: its attempt, its trail, what other parts are told; once, whoever notices it.

use std::sync::Arc;

use engine::Error as EngineError;
use engine::port::{Attempt, Notice, Status};
use engine::store::{Commit, LOCAL};
use serde_json::json;
use trail::{NewEvent, OutboxItem};

use crate::catalogue::{self, Deployed};
use crate::core::Core;
use crate::remote::{RemoteInstance, RemoteStep};
use crate::{course, instances};

/// Records the end of an instance; false where that was done before.
pub(crate) async fn finish(
    core: &Arc<Core>,
    instance: &RemoteInstance,
    reason: Option<&str>,
) -> Result<bool, EngineError> {
    let id = &instance.id;
    let key = core.keys.see(id);
    let name = format!("{}/ended/{id}", core.name());
    let is_known = core.store.find_idempotent(&name).await?.is_some();
    if is_known && !core.open.lock().contains_key(&key) {
        return Ok(false);
    }
    let deployed = catalogue::known(core, &instance.definition).await?;
    let course = core.course(key);
    let mut course = course.lock().await;
    let steps = course::history(core, key, id, None, &deployed).await?;
    let status = instances::status_of(instance, &deployed, &steps);
    if !is_known {
        let mut commit = commit(core, key, instance, &deployed, &steps, status, reason);
        let news = course::news(core, key, &deployed, &mut course, &steps).await?;
        commit.events.splice(0..0, news);
        let commit = Commit { idempotent: Some((name, key)), ..commit };
        match core.store.commit(commit).await {
            Ok(position) => core.notify(Notice::TrailAppended { position }),
            Err(EngineError::Conflict(_)) => {}
            Err(error) => {
                *course = None;
                return Err(error);
            }
        }
    }
    core.courses.lock().remove(&key);
    core.heard.lock().remove(&key);
    core.jobs.lock().remove_instance(key);
    if core.open.lock().remove(&key).is_some() || !is_known {
        core.notify(Notice::Ended { instance: key, status });
    }
    Ok(!is_known)
}

fn commit(
    core: &Core,
    key: i64,
    instance: &RemoteInstance,
    deployed: &Deployed,
    steps: &[RemoteStep],
    status: Status,
    reason: Option<&str>,
) -> Commit {
    let definition = &deployed.definition;
    let started_ms = instance.started_ms;
    let ended_ms = instance.ended_ms.unwrap_or_else(|| core.clock.now_ms());
    let success = status == Status::Completed && !has_failed_end(deployed, steps);
    let kind = match status {
        Status::Failed => "instance.failed",
        Status::Terminated => "instance.cancelled",
        Status::Active | Status::Suspended | Status::Completed => "instance.completed",
    };
    let end = NewEvent {
        actor: "engine".to_owned(),
        instance: Some(key),
        definition: Some(definition.key),
        data: json!({"reason": reason.or(instance.reason.as_deref())}),
        ..NewEvent::new(kind, ended_ms)
    };
    let attempt = Attempt {
        subject_kind: "process".to_owned(),
        subject: definition.process_id.clone(),
        version: Some(definition.version),
        success,
        instance: Some(key),
        duration_ms: ended_ms - started_ms,
        cost: 0.0,
        at_ms: ended_ms,
        actor: instance.started_by.as_deref().unwrap_or(LOCAL).to_owned(),
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
    Commit { events: vec![end], attempts: vec![attempt], outbox: vec![item], ..Commit::default() }
}

/// Whether it ended at an end event with an outcome that is no success.
fn has_failed_end(deployed: &Deployed, steps: &[RemoteStep]) -> bool {
    let Some(program) = &deployed.program else { return false };
    steps.iter().any(|step| {
        let node = program.find(&step.element).and_then(|index| program.nodes.get(index));
        node.is_some_and(|node| {
            node.local_name == "endEvent" && node.task.outcomes.iter().any(|outcome| !outcome.success)
        })
    })
}
