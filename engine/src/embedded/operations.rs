//! What a person does to running instances: moves tokens, suspends, resumes, hands user tasks out.
//!
//! | operation | what changes |
//! | --- | --- |
//! | modify | element instances are ended, elements activated; the token rules see to scopes and joins |
//! | suspend | no job is leased, no timer fires, no message or signal is taken; what is leased may still be answered |
//! | resume | all that waited is looked at again: timers that became due meanwhile fire now |
//! | assign | who a user task belongs to |

use std::sync::Arc;

use bpmn::exec::Input;
use serde_json::{Value, json};
use trail::NewEvent;

use super::command::{self, Command};
use super::job_index::Arrival;
use super::live::split_key;
use super::{Core, jobs, messages, recover};
use crate::port::{Assignment, Modification, Notice, Record, Status};
use crate::store::Commit;
use crate::{Error, limits};

fn event(kind: &str, instance: i64, actor: &str, data: Value, now_ms: i64) -> NewEvent {
    NewEvent { instance: Some(instance), actor: actor.to_owned(), data, ..NewEvent::new(kind, now_ms) }
}

/// Moves tokens.
pub(crate) async fn modify(
    core: &Arc<Core>,
    key: i64,
    modification: Modification,
    actor: &str,
) -> Result<(), Error> {
    core.check_running()?;
    limits::check_text("the actor", actor)?;
    let Modification { terminate, activate } = modification;
    let data = json!({"terminate": terminate, "activate": activate});
    let asked = event("instance.modified", key, actor, data, core.now_ms());
    let command = Command {
        record: Record { events: vec![asked], ..Record::default() },
        actor: actor.to_owned(),
        ..Command::new(Input::Modify { terminate, activate })
    };
    command::run(core, key, command).await
}

/// Suspends an active instance.
pub(crate) async fn suspend(core: &Arc<Core>, key: i64, actor: &str) -> Result<(), Error> {
    change_status(core, key, actor, (Status::Active, Status::Suspended)).await
}

/// Resumes a suspended instance.
pub(crate) async fn resume(core: &Arc<Core>, key: i64, actor: &str) -> Result<(), Error> {
    change_status(core, key, actor, (Status::Suspended, Status::Active)).await
}

/// Runs to its end also when the caller goes away, as every command does.
async fn change_status(
    core: &Arc<Core>,
    key: i64,
    actor: &str,
    statuses: (Status, Status),
) -> Result<(), Error> {
    core.check_running()?;
    limits::check_text("the actor", actor)?;
    let (core, actor) = (Arc::clone(core), actor.to_owned());
    let task = tokio::spawn(async move { change_here(&core, key, &actor, statuses).await });
    task.await.map_err(|error| Error::Store(format!("a command was lost: {error}")))?
}

async fn change_here(
    core: &Arc<Core>,
    key: i64,
    actor: &str,
    (from, to): (Status, Status),
) -> Result<(), Error> {
    let slot = core.slot(key);
    let mut place = slot.live.lock().await;
    recover::check_suspect(core, key, &mut place).await?;
    let mut live = match place.take() {
        Some(live) => live,
        None => command::load(core, key).await?,
    };
    if live.instance.status != from {
        *place = Some(live).filter(|live| live.instance.status.is_open());
        let wanted = if from == Status::Active { "active" } else { "suspended" };
        return Err(Error::Conflict(format!("instance {key} is not {wanted}")));
    }
    let now_ms = core.now_ms();
    let kind = if to == Status::Suspended { "instance.suspended" } else { "instance.resumed" };
    live.instance.status = to;
    let stored = live.store()?;
    let commit = Commit {
        instances: vec![stored],
        events: vec![event(kind, key, actor, Value::Null, now_ms)],
        actor: actor.to_owned(),
        ..Commit::default()
    };
    // On failure the instance is read again: what was changed above is in no one's memory.
    if let Err(error) = core.commit(commit).await {
        core.suspects.lock().insert(key);
        return Err(error);
    }
    *place = Some(live);
    let (found, next_due) = {
        let mut index = core.index.lock();
        let found = if to == Status::Suspended {
            index.suspend(key, now_ms);
            Vec::new()
        } else {
            index.resume(key, now_ms)
        };
        (found, index.next_due())
    };
    core.wake_timers(next_due);
    for (message, subscription) in found {
        messages::deliver_later(core, message, subscription);
    }
    core.notice(Notice::Changed { instance: key });
    Ok(())
}

/// Says who a user task belongs to.
pub(crate) async fn assign(
    core: &Arc<Core>,
    key: i64,
    assignment: Assignment,
    actor: &str,
) -> Result<(), Error> {
    core.check_running()?;
    limits::check_text("the actor", actor)?;
    limits::check_text("the assignee", assignment.assignee.as_deref().unwrap_or_default())?;
    let (core, actor) = (Arc::clone(core), actor.to_owned());
    let task = tokio::spawn(async move { assign_here(&core, key, assignment, &actor).await });
    task.await.map_err(|error| Error::Store(format!("a command was lost: {error}")))?
}

async fn assign_here(core: &Arc<Core>, key: i64, assignment: Assignment, actor: &str) -> Result<(), Error> {
    let (instance, _) = split_key(key);
    // The instance's lock keeps a completion or another assignment from coming in between.
    let slot = core.slot(instance);
    let _turn = slot.live.lock().await;
    let now_ms = core.now_ms();
    let (job, meta) = {
        let index = core.index.lock();
        let job = index.jobs.user_task(key)?;
        let meta = index.open.get(&instance).cloned();
        (job, meta.ok_or_else(|| Error::NotFound { what: "process instance", id: instance.to_string() })?)
    };
    let mut job = jobs::whole(core, job).await?;
    let other = job.assignee.as_ref().filter(|held| Some(*held) != assignment.assignee.as_ref());
    if let (Some(other), false) = (other, assignment.take_over) {
        return Err(Error::Conflict(format!(
            "user task {key} belongs to {other}; take it over, or let {other} give it back"
        )));
    }
    let data = json!({"job": key, "from": job.assignee, "to": assignment.assignee});
    job.assignee = assignment.assignee;
    let mut assigned = event("user_task.assigned", instance, actor, data, now_ms);
    assigned.element = Some(job.element.clone());
    let commit = Commit {
        jobs: vec![job.clone()],
        events: vec![assigned],
        actor: actor.to_owned(),
        ..Commit::default()
    };
    core.commit(commit).await?;
    core.index.lock().jobs.insert(Arrival { job, element: None, meta }, now_ms);
    core.notice(Notice::Changed { instance });
    Ok(())
}
