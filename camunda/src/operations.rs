//! What a person does to running instances and user tasks.
//!
//! | operation | what Camunda is asked |
//! | --- | --- |
//! | suspend, resume | to suspend or activate the instance; jobs that are here already wait with it |
//! | modify | to start before elements and to cancel steps, in one modification |
//! | migrate | 7: to make a plan between the two versions, with our new names in it, and to carry it out; 8: to carry out a plan for the elements that hold a token |
//! | assign | to claim, to give back, or to set the assignee |
//! | escalate | to throw the escalation from the user task |
//!
//! Camunda is told first, then the trail: what Camunda refuses did not happen.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use engine::port::{Assignment, Escalation, Migration, Modification, Notice};
use engine::store::Commit;
use engine::{Error as EngineError, limits};
use serde_json::{Value, json};
use tokio::time::Instant;
use trail::NewEvent;

use crate::core::{Core, VISIBLE_PAUSE};
use crate::keys::key_of;
use crate::remote::{MigrationPlan, RemoteInstance, RemoteState, RemoteTask};
use crate::steps::Steps;
use crate::{catalogue, instances, state, user_tasks, watch};

fn event(kind: &str, instance: i64, actor: &str, data: Value, now_ms: i64) -> NewEvent {
    NewEvent { instance: Some(instance), actor: actor.to_owned(), data, ..NewEvent::new(kind, now_ms) }
}

async fn record(core: &Arc<Core>, instance: i64, actor: &str, event: NewEvent) -> Result<(), EngineError> {
    let commit = Commit { events: vec![event], actor: actor.to_owned(), ..Commit::default() };
    let position = core.store.commit(commit).await?;
    core.notify(Notice::TrailAppended { position });
    core.notify(Notice::Changed { instance });
    Ok(())
}

/// What Camunda does not do with an instance as it stands.
fn refused(error: crate::Error) -> EngineError {
    match error {
        crate::Error::Refused { status: 400 | 403 | 409 | 500, detail, .. } => {
            EngineError::Conflict(format!("Camunda refused: {detail}"))
        }
        other => other.into(),
    }
}

/// The open instance as Camunda shows it.
async fn running(core: &Arc<Core>, key: i64) -> Result<RemoteInstance, EngineError> {
    let id = instances::id_of(core, key).await?;
    match instances::remote(core, key, &id).await {
        Ok(found) if found.ended_ms.is_none() => Ok(found),
        Ok(_) | Err(crate::Error::Missing { .. }) => {
            Err(EngineError::Conflict(format!("instance {key} has ended already")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Suspends an active instance, or resumes a suspended one.
pub(crate) async fn suspend(
    core: &Arc<Core>,
    key: i64,
    suspended: bool,
    actor: &str,
) -> Result<(), EngineError> {
    limits::check_text("the actor", actor)?;
    let found = running(core, key).await?;
    let is_suspended = |found: &RemoteInstance| found.state == RemoteState::Suspended;
    if is_suspended(&found) == suspended {
        let wanted = if suspended { "active" } else { "suspended" };
        return Err(EngineError::Conflict(format!("instance {key} is not {wanted}")));
    }
    core.jobs.lock().suspend(key, suspended);
    if let Err(error) = core.remote.suspend(&found.id, suspended).await {
        core.jobs.lock().suspend(key, !suspended);
        return Err(match error {
            // It is there, so what is missing is the call.
            crate::Error::Missing { .. } => {
                let what = "suspend an instance; Camunda 8 does from 8.10 on".to_owned();
                EngineError::Unsupported { engine: core.name(), what }
            }
            error => refused(error),
        });
    }
    let is_seen = |found: &Result<RemoteInstance, crate::Error>| {
        found.as_ref().map_or(true, |found| is_suspended(found) == suspended)
    };
    let _seen = core.until(|| core.remote.instance(&found.id), is_seen).await;
    let kind = if suspended { "instance.suspended" } else { "instance.resumed" };
    record(core, key, actor, event(kind, key, actor, Value::Null, core.clock.now_ms())).await?;
    if !suspended {
        core.job_added.notify_waiters();
        core.owed_added.notify_one();
    }
    Ok(())
}

/// Moves tokens.
pub(crate) async fn modify(
    core: &Arc<Core>,
    key: i64,
    modification: Modification,
    actor: &str,
) -> Result<(), EngineError> {
    limits::check_text("the actor", actor)?;
    let found = running(core, key).await?;
    let deployed = catalogue::known(core, &found.definition).await?;
    let steps = state::steps(core, key, &found.id, &deployed).await?;
    let Modification { terminate, activate } = modification;
    let mut ended = Vec::with_capacity(terminate.len());
    for number in &terminate {
        let step = steps.all.iter().find(|step| step.number == *number && step.ended_ms.is_none());
        let Some(step) = step else {
            return Err(EngineError::Conflict(format!("element instance {number} is not active")));
        };
        ended.push(step.id.clone());
    }
    core.remote.modify(&found.id, &activate, &ended).await.map_err(refused)?;
    let data = json!({"terminate": terminate, "activate": activate});
    record(core, key, actor, event("instance.modified", key, actor, data, core.clock.now_ms())).await?;
    let shows = |after: &Steps| {
        let is_there = |element: &String| {
            let count = |steps: &Steps| steps.all.iter().filter(|step| step.element == *element).count();
            count(after) > count(&steps)
        };
        let is_over = |id: &String| after.all.iter().any(|step| step.id == *id && step.ended_ms.is_some());
        activate.iter().all(is_there) && ended.iter().all(is_over)
    };
    let deadline = Instant::now() + Duration::from_millis(core.remote.lag_ms());
    let after = loop {
        let after = state::steps(core, key, &found.id, &deployed).await?;
        if shows(&after) || Instant::now() >= deadline {
            break after;
        }
        tokio::time::sleep(VISIBLE_PAUSE).await;
    };
    for step in after.all.iter().filter(|step| step.ended_ms.is_some()) {
        core.jobs.lock().remove(key_of(&step.id));
    }
    watch::look_at(core, &found.id, None).await?;
    core.notify(Notice::Changed { instance: key });
    Ok(())
}

/// Lets an instance go on by another version of its process.
pub(crate) async fn migrate(
    core: &Arc<Core>,
    key: i64,
    migration: Migration,
    actor: &str,
) -> Result<(), EngineError> {
    limits::check_text("the actor", actor)?;
    let found = running(core, key).await?;
    let source = found.definition.clone();
    let target = catalogue::id_of(core, migration.definition).await?;
    let (old, new) = (catalogue::known(core, &source).await?, catalogue::known(core, &target).await?);
    let (from, to) = (&old.definition, &new.definition);
    if from.process_id != to.process_id {
        return Err(EngineError::Conflict(format!(
            "instance {key} runs process {}, and definition {} is of process {}: only versions of one process are \
             migrated between",
            from.process_id, to.key, to.process_id
        )));
    }
    let steps = state::steps(core, key, &found.id, &old).await?;
    let active: BTreeSet<String> =
        steps.all.iter().filter(|step| step.ended_ms.is_none()).map(|step| step.element.clone()).collect();
    let plan = MigrationPlan {
        source,
        target: target.clone(),
        elements: migration.elements.clone(),
        active: active.into_iter().collect(),
    };
    // Whoever tells the trail meanwhile would read steps of the new version by the old one.
    let course = core.course(key);
    let mut course = course.lock().await;
    core.remote.migrate(&found.id, &plan).await.map_err(refused)?;
    let is_seen = |found: &Result<RemoteInstance, crate::Error>| {
        found.as_ref().map_or(true, |found| found.definition == target)
    };
    let _seen = core.until(|| core.remote.instance(&found.id), is_seen).await;
    *course = None;
    core.jobs.lock().migrate(key, &target, &migration.elements);
    if let Some(open) = core.open.lock().get_mut(&key) {
        open.definition_id.clone_from(&target);
    }
    drop(course);
    let data = json!({"definition": to.key, "elements": migration.elements});
    let asked = NewEvent {
        definition: Some(to.key),
        ..event("instance.migrated", key, actor, data, core.clock.now_ms())
    };
    record(core, key, actor, asked).await
}

/// Says who a user task belongs to.
pub(crate) async fn assign(
    core: &Arc<Core>,
    key: i64,
    assignment: Assignment,
    actor: &str,
) -> Result<(), EngineError> {
    limits::check_text("the actor", actor)?;
    limits::check_text("the assignee", assignment.assignee.as_deref().unwrap_or_default())?;
    let task = user_tasks::find(core, key).await?;
    let instance = core.keys.see(&task.instance);
    let held = task.assignee.clone();
    let belongs = |other: &str| {
        EngineError::Conflict(format!(
            "user task {key} belongs to {other}; take it over, or let {other} give it back"
        ))
    };
    let other = held.as_ref().filter(|held| Some(*held) != assignment.assignee.as_ref());
    if let (Some(other), false) = (other, assignment.take_over) {
        return Err(belongs(other));
    }
    match core.remote.assign(&task, &assignment).await {
        Ok(()) => {}
        // Two claims met.
        Err(crate::Error::Refused { detail, .. }) if detail.contains("already claimed") => {
            return Err(belongs("somebody else"));
        }
        Err(error) => return Err(refused(error)),
    }
    let is_seen = |found: &Result<RemoteTask, crate::Error>| {
        found.as_ref().map_or(true, |found| found.assignee == assignment.assignee)
    };
    let _seen = core.until(|| core.remote.user_task(&task.id), is_seen).await;
    let data = json!({"job": key, "from": held, "to": assignment.assignee});
    let mut assigned = event("user_task.assigned", instance, actor, data, core.clock.now_ms());
    assigned.element = Some(task.element);
    record(core, instance, actor, assigned).await
}

/// Throws an escalation from a user task.
pub(crate) async fn escalate(
    core: &Arc<Core>,
    key: i64,
    attempt: Option<u32>,
    escalation: Escalation,
    actor: &str,
) -> Result<(), EngineError> {
    limits::check_text("the actor", actor)?;
    limits::check_text("the escalation code", &escalation.code)?;
    limits::check_variables(&escalation.variables)?;
    if attempt.is_some() {
        let what = "throw an escalation from a service task".to_owned();
        return Err(EngineError::Unsupported { engine: core.name(), what });
    }
    let task = user_tasks::find(core, key).await?;
    let instance = core.keys.see(&task.instance);
    if core.remote.escalate(&task, &escalation).await.map_err(refused)?.is_none() {
        let what = "throw an escalation from a user task; draw an escalation event".to_owned();
        return Err(EngineError::Unsupported { engine: core.name(), what });
    }
    watch::follow(core, instance).await;
    let data = json!({"job": key, "escalation": escalation.code});
    let mut escalated = event("job.escalated", instance, actor, data, core.clock.now_ms());
    escalated.element = Some(task.element);
    record(core, instance, actor, escalated).await
}
