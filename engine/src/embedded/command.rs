//! One command on one instance: lock, load, check, advance, commit, and only then change memory and answer.

use std::sync::Arc;

use bpmn::exec::{Input, StepError};
use trail::NewEvent;

use super::batch::Batch;
use super::index::Changes;
use super::live::{Live, split_key};
use super::{Core, Slot, follow_ups, messages, recover};
use crate::Error;
use crate::port::{Notice, Record};
use crate::store::{Commit, StoredFollowUp};

/// What must hold when the command's turn has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Fence {
    /// Nothing.
    #[default]
    Open,
    /// This attempt holds the job's lease.
    Lease {
        /// The job.
        job: i64,
        /// The attempt.
        attempt: u32,
    },
    /// The job is an open user task.
    UserTask {
        /// The job.
        job: i64,
    },
}

/// A command on an instance.
pub(crate) struct Command {
    /// What the token rules are told.
    pub(crate) input: Input,
    /// What must hold.
    pub(crate) fence: Fence,
    /// What is recorded with it.
    pub(crate) record: Record,
    /// Back-off of a job that fails, milliseconds.
    pub(crate) backoff_ms: i64,
    /// Who does it; empty: the engine.
    pub(crate) actor: String,
    /// The follow-up that this command is.
    pub(crate) follow_up: Option<i64>,
    /// The buffered message that it delivers.
    pub(crate) message: Option<i64>,
}

impl Command {
    /// A command with nothing but its input.
    pub(crate) fn new(input: Input) -> Self {
        Self {
            input,
            fence: Fence::Open,
            record: Record::default(),
            backoff_ms: 0,
            actor: String::new(),
            follow_up: None,
            message: None,
        }
    }
}

/// Runs a command to its end, also when the caller goes away: half a command must not be left in memory.
pub(crate) async fn run(core: &Arc<Core>, instance: i64, command: Command) -> Result<(), Error> {
    let core = Arc::clone(core);
    let task = tokio::spawn(async move { locked(&core, instance, command).await });
    task.await.map_err(|error| Error::Store(format!("a command was lost: {error}")))?
}

async fn locked(core: &Arc<Core>, instance: i64, command: Command) -> Result<(), Error> {
    let slot = core.slot(instance);
    let mut place = slot.live.lock().await;
    recover::check_suspect(core, instance, &mut place).await?;
    let live = match place.take() {
        Some(live) => live,
        None => load(core, instance).await?,
    };
    let now_ms = core.now_ms();
    if let Err(error) = check_fence(core, command.fence) {
        *place = Some(live);
        drop(place);
        if matches!(error, Error::Stale { .. }) {
            record_refusal(core, instance, &error, now_ms).await?;
        }
        return Err(error);
    }
    let mut batch = Batch::new(core, now_ms);
    batch.backoff_ms = command.backoff_ms;
    batch.commit.actor = command.actor;
    batch.commit.events = command.record.events;
    batch.commit.task_runs.extend(command.record.task_run);
    batch.commit.attempts = command.record.attempts;
    batch.commit.outbox = command.record.outbox;
    batch.commit.ended_follow_ups.extend(command.follow_up);
    batch.commit.ended_messages.extend(command.message);
    batch.lives.push(live);
    let done = batch.run(0, command.input).await;
    match done {
        Ok(Ok(())) => {}
        Ok(Err(refusal)) => {
            batch.give_up();
            *place = batch.lives.pop();
            return Err(refused(instance, &refusal));
        }
        Err(error) => {
            batch.give_up();
            return Err(error);
        }
    }
    batch.notices.insert(0, Notice::Changed { instance });
    *place = finish(core, batch).await?;
    Ok(())
}

/// Commits a batch, then changes memory; gives back the first instance. One that has ended is given back as well: who
/// hears of its end looks at it once more, and must not have to read it from the store.
pub(crate) async fn finish(core: &Arc<Core>, mut batch: Batch<'_>) -> Result<Option<Live>, Error> {
    let commit = match batch.seal() {
        Ok(commit) => commit,
        Err(error) => {
            batch.give_up();
            return Err(error);
        }
    };
    let owed = commit.follow_ups.clone();
    if let Err(error) = core.commit(commit).await {
        core.suspects.lock().extend(batch.lives.iter().map(|live| live.instance.key));
        batch.give_up();
        return Err(error);
    }
    let Batch { lives, changes, notices, now_ms, .. } = batch;
    publish(core, changes, owed, notices, now_ms);
    let mut lives = lives.into_iter();
    let first = lives.next();
    for live in lives {
        let slot: Arc<Slot> = core.slot(live.instance.key);
        // Nobody can hold it: its key was not known before this commit, except to who was just told.
        if let Ok(mut place) = slot.live.try_lock() {
            *place = Some(live);
        }
    }
    Ok(first)
}

/// Changes memory after a commit and sees to what follows from it.
pub(crate) fn publish(
    core: &Arc<Core>,
    changes: Changes,
    owed: Vec<StoredFollowUp>,
    notices: Vec<Notice>,
    now_ms: i64,
) {
    let thrown: Vec<i64> = changes.messages.iter().map(|message| message.key).collect();
    let process_of = |definition: i64| {
        core.catalogue.read().get(definition).ok().map(|deployed| deployed.definition.process_id.clone())
    };
    let (found, next_due) = {
        let mut index = core.index.lock();
        let found = index.apply(changes, process_of, now_ms);
        (found, index.next_due())
    };
    core.wake_timers(next_due);
    for (message, subscription) in found {
        messages::deliver_later(core, message, subscription);
    }
    for key in thrown {
        messages::match_later(core, key);
    }
    for follow_up in owed {
        follow_ups::spawn(core, follow_up);
    }
    for notice in notices {
        core.notice(notice);
    }
}

/// Reads an instance from the store.
pub(crate) async fn load(core: &Core, instance: i64) -> Result<Live, Error> {
    let stored = core.store.load_instance(instance).await?;
    let stored = stored.ok_or(Error::NotFound { what: "process instance", id: instance.to_string() })?;
    let deployed = core.catalogue.read().get(stored.instance.definition)?;
    Live::load(stored, deployed)
}

/// Looks at an instance between two commands.
pub(crate) async fn look<T>(core: &Core, instance: i64, see: impl FnOnce(&Live) -> T) -> Result<T, Error> {
    let slot = core.slot(instance);
    let mut place = slot.live.lock().await;
    if let Some(live) = place.as_ref() {
        return Ok(see(live));
    }
    let live = load(core, instance).await?;
    let seen = see(&live);
    if live.instance.status.is_open() {
        *place = Some(live);
    }
    Ok(seen)
}

fn check_fence(core: &Core, fence: Fence) -> Result<(), Error> {
    match fence {
        Fence::Open => Ok(()),
        Fence::Lease { job, attempt } => core.index.lock().jobs.check_lease(job, attempt),
        Fence::UserTask { job } => {
            let index = core.index.lock();
            let instance = index.jobs.user_task(job)?.instance;
            if index.is_suspended(instance) {
                return Err(Error::Conflict(format!("instance {instance} is suspended; resume it first")));
            }
            Ok(())
        }
    }
}

/// A late or second answer is refused, and the trail says so.
async fn record_refusal(core: &Arc<Core>, instance: i64, error: &Error, now_ms: i64) -> Result<(), Error> {
    let Error::Stale { key, attempt } = error else { return Ok(()) };
    let event = NewEvent {
        instance: Some(instance),
        actor: "engine".to_owned(),
        data: serde_json::json!({"job": key, "attempt": attempt, "number": split_key(*key).1}),
        ..NewEvent::new("job.result_refused", now_ms)
    };
    core.commit(Commit { events: vec![event], ..Commit::default() }).await
}

/// A refusal of the token rules.
pub(crate) fn refused(instance: i64, refusal: &StepError) -> Error {
    Error::Conflict(format!("instance {instance}: {refusal} ({}); {}", refusal.code(), refusal.hint()))
}
