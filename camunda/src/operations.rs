//! What a person does to running instances and user tasks.
//!
//! | operation | what Camunda is asked |
//! | --- | --- |
//! | suspend, resume | to suspend or activate the instance; jobs that are here already wait with it |
//! | modify | to start before elements and to cancel steps, in one modification |
//! | migrate | to make a plan between the two versions, with our new names in it, and to carry it out |
//! | assign | to claim, to give back, or to set the assignee |
//! | escalate | to throw the escalation from the user task |
//!
//! Camunda is told first, then the trail: what Camunda refuses did not happen.

use std::sync::Arc;

use engine::port::{Assignment, Escalation, Migration, Modification, Notice};
use engine::store::Commit;
use engine::{Error as EngineError, limits};
use serde_json::{Value, json};
use trail::NewEvent;

use crate::camunda7::Core;
use crate::keys::key_of;
use crate::rest::{encode, optional, text};
use crate::{catalogue, instances, state, user_tasks, value, watch};

/// The mark of the body of a multi-instance in the ids of Camunda.
const BODY: &str = "#multiInstanceBody";

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
        crate::Error::Refused { status: 400 | 403 | 500, detail, .. } => {
            EngineError::Conflict(format!("Camunda refused: {detail}"))
        }
        other => other.into(),
    }
}

/// The open instance as Camunda shows it.
async fn running(core: &Arc<Core>, key: i64) -> Result<Value, EngineError> {
    let id = instances::id_of(core, key).await?;
    match core.rest.get(&format!("/process-instance/{}", encode(&id))).await {
        Ok(found) => Ok(found),
        Err(crate::Error::Missing { .. }) => {
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
    if found.get("suspended").and_then(Value::as_bool) == Some(suspended) {
        let wanted = if suspended { "active" } else { "suspended" };
        return Err(EngineError::Conflict(format!("instance {key} is not {wanted}")));
    }
    let path = format!("/process-instance/{}/suspended", encode(text(&found, "id")));
    core.jobs.lock().suspend(key, suspended);
    if let Err(error) = core.rest.put(&path, &json!({"suspended": suspended})).await {
        core.jobs.lock().suspend(key, !suspended);
        return Err(refused(error));
    }
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
    let deployed = catalogue::deployed(core, text(&found, "definitionId")).await?;
    let steps = state::steps(core, key, text(&found, "id"), &deployed).await?;
    let Modification { terminate, activate } = modification;
    // First what begins: an instance in which nothing is left would end.
    let mut instructions: Vec<Value> = activate
        .iter()
        .map(|element| json!({"type": "startBeforeActivity", "activityId": element}))
        .collect();
    for number in &terminate {
        let step = steps.all.iter().find(|step| step.number == *number && step.ended_ms.is_none());
        let Some(step) = step else {
            return Err(EngineError::Conflict(format!("element instance {number} is not active")));
        };
        instructions.push(json!({"type": "cancel", "activityInstanceId": step.id}));
    }
    let path = format!("/process-instance/{}/modification", encode(text(&found, "id")));
    let body = json!({"skipCustomListeners": true, "instructions": instructions, "annotation": actor});
    core.rest.post(&path, &body).await.map_err(refused)?;
    let data = json!({"terminate": terminate, "activate": activate});
    record(core, key, actor, event("instance.modified", key, actor, data, core.clock.now_ms())).await?;
    let after = state::steps(core, key, text(&found, "id"), &deployed).await?;
    for step in after.all.iter().filter(|step| step.ended_ms.is_some()) {
        core.jobs.lock().remove(key_of(&step.id));
    }
    watch::look_at(core, text(&found, "id"), None).await?;
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
    let source = text(&found, "definitionId");
    let target = catalogue::id_of(core, migration.definition).await?;
    let (from, to) = (catalogue::deployed(core, source).await?, catalogue::deployed(core, &target).await?);
    let (from, to) = (&from.definition, &to.definition);
    if from.process_id != to.process_id {
        return Err(EngineError::Conflict(format!(
            "instance {key} runs process {}, and definition {} is of process {}: only versions of one process are \
             migrated between",
            from.process_id, to.key, to.process_id
        )));
    }
    let ends = json!({"sourceProcessDefinitionId": source, "targetProcessDefinitionId": target});
    let mut plan = core.rest.post("/migration/generate", &ends).await.map_err(refused)?;
    plan["instructions"] = renamed(&plan["instructions"], &migration);
    let body = json!({
        "migrationPlan": plan, "processInstanceIds": [text(&found, "id")], "skipCustomListeners": true,
    });
    // Whoever tells the trail meanwhile would read steps of the new version by the old one.
    let course = core.course(key);
    let mut course = course.lock().await;
    core.rest.post("/migration/execute", &body).await.map_err(refused)?;
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

/// Camunda's own plan with the elements that have other ids.
fn renamed(generated: &Value, migration: &Migration) -> Value {
    let is_free = |one: &&Value| {
        let side = |name: &str| one[name][0].as_str().unwrap_or("").trim_end_matches(BODY).to_owned();
        let elements = &migration.elements;
        !elements.contains_key(&side("sourceActivityIds"))
            && !elements.values().any(|new| *new == side("targetActivityIds"))
    };
    let mut instructions: Vec<Value> =
        generated.as_array().into_iter().flatten().filter(is_free).cloned().collect();
    instructions.extend(migration.elements.iter().map(|(old, new)| {
        json!({"sourceActivityIds": [old], "targetActivityIds": [new], "updateEventTrigger": false})
    }));
    Value::Array(instructions)
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
    let instance = core.keys.see(text(&task, "processInstanceId"));
    let held = optional(&task, "assignee");
    let belongs = |other: &str| {
        EngineError::Conflict(format!(
            "user task {key} belongs to {other}; take it over, or let {other} give it back"
        ))
    };
    let other = held.as_ref().filter(|held| Some(*held) != assignment.assignee.as_ref());
    if let (Some(other), false) = (other, assignment.take_over) {
        return Err(belongs(other));
    }
    let what = match (&assignment.assignee, assignment.take_over) {
        (Some(_), false) => "claim",
        (None, _) => "unclaim",
        (Some(_), true) => "assignee",
    };
    let path = format!("/task/{}/{what}", encode(text(&task, "id")));
    match core.rest.post(&path, &json!({"userId": assignment.assignee})).await {
        Ok(_) => {}
        // Two claims met.
        Err(crate::Error::Refused { detail, .. }) if detail.contains("already claimed") => {
            return Err(belongs("somebody else"));
        }
        Err(error) => return Err(refused(error)),
    }
    let data = json!({"job": key, "from": held, "to": assignment.assignee});
    let mut assigned = event("user_task.assigned", instance, actor, data, core.clock.now_ms());
    assigned.element = optional(&task, "taskDefinitionKey");
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
        let what = "throw an escalation from a service task; it takes them from user tasks".to_owned();
        return Err(EngineError::Unsupported { engine: "camunda7", what });
    }
    let task = user_tasks::find(core, key).await?;
    let instance = core.keys.see(text(&task, "processInstanceId"));
    let path = format!("/task/{}/bpmnEscalation", encode(text(&task, "id")));
    let body = json!({
        "escalationCode": escalation.code, "variables": value::to_camunda(&escalation.variables),
    });
    core.rest.post(&path, &body).await.map_err(refused)?;
    watch::follow(core, instance).await;
    let data = json!({"job": key, "escalation": escalation.code});
    let mut escalated = event("job.escalated", instance, actor, data, core.clock.now_ms());
    escalated.element = optional(&task, "taskDefinitionKey");
    record(core, instance, actor, escalated).await
}
