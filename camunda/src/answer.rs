//! Answers to jobs: first recorded here with everything that belongs to them, then told to Camunda, again and again
//! until it has heard.
//!
//! | Camunda says | then |
//! | --- | --- |
//! | done | the answer is told |
//! | no such task | told before a crash, or cancelled in between: nothing left to do |
//! | transactions met | told again at once |
//! | the lock is somebody else's or nobody's | locked again; where another worker holds it, dropped |
//! | nothing, or an overload | told again later; no retry is used up |
//! | the instance is suspended | told again later |
//! | refused (an expression failed behind the task) | an incident at the task says why |

use std::sync::Arc;
use std::time::Duration;

use bpmn::exec::Event;
use bpmn::program::{NodeKind, Program, Trigger, Variables};
use engine::port::{BpmnError, Notice, Record};
use engine::store::{Commit, FollowUp, StoredFollowUp};
use engine::{Error as EngineError, limits};
use serde::{Deserialize, Serialize};
use serde_json::json;
use trail::NewEvent;

use crate::core::Core;
use crate::job::{Held, Place};
use crate::remote::RemoteTask;
use crate::{catalogue, fetch, own_work, topic, watch};

/// How often a call is made again where two transactions of Camunda met.
const COLLISION_LIMIT: u32 = 20;
/// Pause between those.
const COLLISION_PAUSE: Duration = Duration::from_millis(25);

/// An answer that Camunda may not know yet; kept in the store as a follow-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Owed {
    /// Camunda's id of the job or user task.
    pub(crate) task: String,
    /// Its step in the history, where that is known.
    #[serde(default)]
    pub(crate) step: String,
    pub(crate) instance: i64,
    pub(crate) answer: Answer,
    /// Somebody is telling it right now.
    #[serde(skip)]
    pub(crate) busy: bool,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum Answer {
    Complete { variables: Variables },
    Fail { code: String, message: String, retries: u32, backoff_ms: i64 },
    Throw { code: String, message: String, variables: Variables },
    UserTask { variables: Variables },
}

/// Completes a job.
pub(crate) async fn complete(
    core: &Arc<Core>,
    key: i64,
    attempt: u32,
    variables: Variables,
    record: Record,
) -> Result<(), EngineError> {
    limits::check_variables(&variables)?;
    let held = leased(core, key, attempt)?;
    let deployed = catalogue::deployed(core, &held.definition_id).await?;
    let node = deployed.program.as_ref().and_then(|program| fetch::node_of(program, &held.element));
    let results = match node {
        // Mappings of outside workers' jobs are Camunda's.
        Some(node) if !core.remote.evaluates() && topic::outside_type(&node.task).is_none() => {
            own_work::results(node, &held.variables, variables, core.clock.now_ms())
        }
        _ => Ok(variables),
    };
    let answer = match results {
        Ok(variables) => Answer::Complete { variables },
        Err(error) => failure(error.code(), &error.to_string(), 0, 0),
    };
    give(core, key, attempt, answer, record).await
}

/// Throws a BPMN error; where nobody catches it, the task has an incident, as on the embedded engine.
pub(crate) async fn throw(
    core: &Arc<Core>,
    key: i64,
    attempt: u32,
    error: BpmnError,
    record: Record,
) -> Result<(), EngineError> {
    limits::check_variables(&error.variables)?;
    let held = leased(core, key, attempt)?;
    let deployed = catalogue::deployed(core, &held.definition_id).await?;
    let is_caught =
        deployed.program.as_ref().is_none_or(|program| catches(program, &held.element, &error.code));
    let BpmnError { code, message, variables } = error;
    let answer = if is_caught {
        Answer::Throw { code, message, variables }
    } else {
        let message = format!("nobody catches the error {code}: {message}");
        failure("EXEC-0103", &message, 0, 0)
    };
    give(core, key, attempt, answer, record).await
}

pub(crate) fn failure(code: &str, message: &str, retries: u32, backoff_ms: i64) -> Answer {
    Answer::Fail { code: code.to_owned(), message: message.to_owned(), retries, backoff_ms }
}

fn leased(core: &Core, key: i64, attempt: u32) -> Result<Held, EngineError> {
    core.jobs.lock().leased(key, attempt).cloned().ok_or(EngineError::Stale { key, attempt })
}

/// Whether a boundary event or event sub-process from the element outward catches the error.
pub(crate) fn catches(program: &Program, element: &str, code: &str) -> bool {
    let fits = |trigger: &Trigger| matches!(trigger, Trigger::Error { code: caught, .. } if caught.as_deref().is_none_or(|it| it == code));
    let mut at = program.find(element.split('#').next().unwrap_or(element));
    // Bounded by the nesting: each round goes one scope outward.
    while let Some(index) = at {
        let Some(node) = program.nodes.get(index) else { return false };
        let by_boundary = node.boundary.iter().any(|boundary| {
            matches!(program.nodes.get(*boundary).map(|node| &node.kind),
                Some(NodeKind::Boundary { trigger, .. }) if fits(trigger))
        });
        let by_sub_process = program.children(node.parent).any(|(scope, sub_process)| {
            matches!(sub_process.kind, NodeKind::SubProcess(bpmn::program::SubProcess::Event))
                && program.children(Some(scope)).any(|(_, start)| {
                    matches!(&start.kind, NodeKind::Start { trigger: Some(trigger), .. } if fits(trigger))
                })
        });
        if by_boundary || by_sub_process {
            return true;
        }
        at = node.parent;
    }
    false
}

/// Records an answer, then tells Camunda; also when the caller goes away in between.
pub(crate) async fn give(
    core: &Arc<Core>,
    key: i64,
    attempt: u32,
    answer: Answer,
    record: Record,
) -> Result<(), EngineError> {
    let core = Arc::clone(core);
    let task = tokio::spawn(async move { give_here(&core, key, attempt, answer, record).await });
    task.await.map_err(|error| EngineError::Store(format!("an answer was lost: {error}")))?
}

async fn give_here(
    core: &Arc<Core>,
    key: i64,
    attempt: u32,
    answer: Answer,
    record: Record,
) -> Result<(), EngineError> {
    let stale = EngineError::Stale { key, attempt };
    let held = {
        let mut jobs = core.jobs.lock();
        let Some(job) = jobs.leased(key, attempt) else { return Err(stale) };
        let before = job.clone();
        job.place = Place::Answering;
        before
    };
    if !is_still_ours(core, &held).await {
        core.jobs.lock().remove(key);
        core.notify(Notice::Changed { instance: held.instance });
        return Err(stale);
    }
    let owed =
        Owed { task: held.id.clone(), step: held.step.clone(), instance: held.instance, answer, busy: true };
    let follow_up = match write(core, key, attempt, &held, &owed, record).await {
        Ok(follow_up) => follow_up,
        Err(error) => {
            if let Some(job) = core.jobs.lock().get_mut(key) {
                job.place = held.place;
            }
            // Recorded before: this is the same answer again.
            return Err(if matches!(error, EngineError::Conflict(_)) { stale } else { error });
        }
    };
    core.owed.lock().insert(follow_up, owed.clone());
    core.jobs.lock().remove(key);
    settle(core, follow_up, owed).await;
    Ok(())
}

/// A task that a boundary event ended, or that somebody else has locked, takes no answer; nothing is recorded for it.
async fn is_still_ours(core: &Core, held: &Held) -> bool {
    match core.remote.extend(&held.id, &core.worker, core.settings.lock_ms).await {
        Err(crate::Error::Missing { .. }) => false,
        Err(error) if error.is_lock_lost() => false,
        // A Camunda that is away hears of it later.
        _ => true,
    }
}

async fn write(
    core: &Core,
    key: i64,
    attempt: u32,
    held: &Held,
    owed: &Owed,
    record: Record,
) -> Result<i64, EngineError> {
    let follow_up = core.key().await?;
    let payload = serde_json::to_value(owed).map_err(|error| EngineError::Invalid(error.to_string()))?;
    let paid = std::mem::take(&mut *core.paid.lock());
    let mut events = Vec::with_capacity(record.events.len() + 2);
    events.extend(record.events);
    events.extend(engine_events(core, key, attempt, held, &owed.answer));
    let commit = Commit {
        task_runs: record.task_run.into_iter().collect(),
        attempts: record.attempts,
        events,
        outbox: record.outbox,
        follow_ups: vec![StoredFollowUp { key: follow_up, action: FollowUp::Remote { payload } }],
        ended_follow_ups: paid.clone(),
        idempotent: Some((format!("{}/job/{}/{attempt}", core.name(), held.id), key)),
        ..Commit::default()
    };
    match core.store.commit(commit).await {
        Ok(position) => {
            core.notify(Notice::TrailAppended { position });
            Ok(follow_up)
        }
        Err(error) => {
            core.paid.lock().extend(paid);
            Err(error)
        }
    }
}

/// What the embedded engine's token rules would say of it. Scripts and thrown messages are no jobs there.
fn engine_events(core: &Core, key: i64, attempt: u32, held: &Held, answer: &Answer) -> Vec<NewEvent> {
    let is_job = ![topic::SCRIPT, topic::MESSAGE].contains(&held.topic.as_str());
    let one = |kind: &str, data| NewEvent {
        actor: "engine".to_owned(),
        instance: Some(held.instance),
        definition: Some(core.keys.see(&held.definition_id)),
        element: Some(held.element.clone()),
        data,
        ..NewEvent::new(kind, core.clock.now_ms())
    };
    let mut events = Vec::new();
    match answer {
        Answer::Complete { variables } | Answer::UserTask { variables } => {
            if is_job {
                events.push(one("job.ended", json!({"job": key, "attempt": attempt})));
            }
            if !variables.is_empty() {
                events.push(one("variables.set", json!({"variables": variables})));
            }
        }
        Answer::Throw { code, message, .. } => {
            let data = json!({"job": key, "attempt": attempt, "error": code, "message": message});
            events.push(one("job.ended", data));
        }
        Answer::Fail { code, message, retries, .. } => {
            let data = json!({"job": key, "attempt": attempt, "retries_left": retries, "code": code, "message": message});
            if is_job {
                events.push(one("job.failed", data));
            }
            if *retries == 0 {
                events.push(one("incident.raised", incident(core, held, code, message)));
            }
        }
    }
    events
}

fn incident(core: &Core, held: &Held, code: &str, message: &str) -> serde_json::Value {
    let deployed = core.deployed.lock().get(&held.definition_id).cloned();
    let program = deployed.as_ref().and_then(|deployed| deployed.program.as_ref());
    let node = program.and_then(|program| fetch::node_of(program, &held.element));
    let event = Event::IncidentRaised {
        incident: 0,
        element: None,
        job: None,
        node: held.element.clone(),
        kind: node.map(|node| node.local_name.clone()).unwrap_or_default(),
        code: code.to_owned(),
        message: message.to_owned(),
        retry: Vec::new(),
    };
    // An event is plain data, so it always serialises.
    serde_json::to_value(event).unwrap_or_default()
}

/// Tells Camunda an answer that is marked busy; leaves it owed where Camunda does not answer, which gives false, or
/// where the instance is suspended.
async fn settle(core: &Arc<Core>, follow_up: i64, owed: Owed) -> bool {
    let is_job = !matches!(owed.answer, Answer::UserTask { .. });
    let outcome = tell(core, &owed).await;
    match outcome {
        Err(error) if error.may_pass() || error.is_suspended() || (is_job && error.is_not_held()) => {
            if let Some(owed) = core.owed.lock().get_mut(&follow_up) {
                owed.busy = false;
            }
            if !error.may_pass() {
                return true;
            }
            core.mark(Err(&error));
            core.owed_added.notify_one();
            false
        }
        outcome => {
            core.mark(outcome.as_ref().copied());
            has_heard(core, follow_up, owed).await;
            true
        }
    }
}

/// Camunda has heard an answer, or there is nothing left to tell.
async fn has_heard(core: &Arc<Core>, follow_up: i64, owed: Owed) {
    let instance = owed.instance;
    core.owed.lock().remove(&follow_up);
    core.paid.lock().push(follow_up);
    let ends = !owed.step.is_empty() && !matches!(owed.answer, Answer::Fail { .. });
    if ends && core.remote.lag_ms() > 0 {
        core.heard.lock().entry(instance).or_default().insert(owed.step);
    }
    watch::follow(core, instance).await;
    core.notify(Notice::Changed { instance });
}

/// Tells Camunda an answer; `Ok` where there is nothing left to tell.
async fn tell(core: &Core, owed: &Owed) -> Result<(), crate::Error> {
    let mut locked_again = false;
    for _ in 0..COLLISION_LIMIT {
        match core.remote.answer(&owed.task, &core.worker, &owed.answer).await {
            Ok(()) | Err(crate::Error::Missing { .. }) => return Ok(()),
            Err(error) if error.is_collision() => tokio::time::sleep(COLLISION_PAUSE).await,
            Err(error) if error.is_lock_lost() && !error.is_suspended() && !locked_again => {
                locked_again = true;
                match core.remote.lock(&owed.task, &core.worker, core.settings.lock_ms).await {
                    Ok(()) => {}
                    Err(crate::Error::Missing { .. }) => return Ok(()),
                    Err(error) if error.may_pass() || error.is_not_held() => return Err(error),
                    Err(error) => {
                        tracing::warn!(task = owed.task, %error, "another worker holds the task; the answer is dropped");
                        return Ok(());
                    }
                }
            }
            Err(error) if error.may_pass() || error.is_suspended() => return Err(error),
            Err(error) => return refuse(core, owed, error).await,
        }
    }
    // Collisions pass.
    Err(crate::Error::Unreachable {
        url: core.remote.url().to_owned(),
        detail: "its transactions collide".to_owned(),
    })
}

/// Camunda rolled the answer back: what is behind the task cannot go on.
async fn refuse(core: &Core, owed: &Owed, error: crate::Error) -> Result<(), crate::Error> {
    if matches!(owed.answer, Answer::Fail { .. } | Answer::UserTask { .. }) {
        return Err(error);
    }
    let message = format!(
        "Camunda did not take the result: {error}; correct what follows the task, then resolve the incident"
    );
    match core.remote.answer(&owed.task, &core.worker, &failure(error.code(), &message, 0, 0)).await {
        Ok(()) | Err(crate::Error::Missing { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Records and tells that a person completed a user task.
pub(crate) async fn user_task(
    core: &Arc<Core>,
    task: &RemoteTask,
    instance: i64,
    variables: Variables,
    events: Vec<NewEvent>,
) -> Result<(), EngineError> {
    let owed = Owed {
        task: task.handle.clone(),
        step: task.step.clone(),
        instance,
        answer: Answer::UserTask { variables },
        busy: true,
    };
    let follow_up = core.key().await?;
    let payload = serde_json::to_value(&owed).map_err(|error| EngineError::Invalid(error.to_string()))?;
    let commit = Commit {
        events,
        follow_ups: vec![StoredFollowUp { key: follow_up, action: FollowUp::Remote { payload } }],
        ..Commit::default()
    };
    core.store.commit(commit).await?;
    core.owed.lock().insert(follow_up, owed.clone());
    match tell(core, &owed).await {
        Err(error) if !error.may_pass() => {
            core.owed.lock().remove(&follow_up);
            core.paid.lock().push(follow_up);
            Err(error.into())
        }
        Err(_) => {
            let core = Arc::clone(core);
            tokio::spawn(async move { settle(&core, follow_up, owed).await });
            Ok(())
        }
        Ok(()) => {
            let core = Arc::clone(core);
            // Also when the caller goes away.
            let told = tokio::spawn(async move { has_heard(&core, follow_up, owed).await });
            told.await.map_err(|error| EngineError::Store(format!("an answer was lost: {error}")))
        }
    }
}

/// Tells what an earlier run owes, before anything is fetched.
pub(crate) async fn settle_old(core: &Arc<Core>) {
    while !tell_all(core).await {
        core.pause().await;
    }
}

/// Tells what Camunda did not hear, as soon as it listens again.
pub(crate) async fn keep_telling(core: &Arc<Core>) {
    loop {
        let added = core.owed_added.notified();
        tokio::select! {
            () = added => core.pause().await,
            () = core.pause() => {}
        }
        tell_all(core).await;
        core.flush_paid().await;
    }
}

/// Tells everything owed, oldest first; false where Camunda does not answer.
async fn tell_all(core: &Arc<Core>) -> bool {
    let all: Vec<i64> = core.owed.lock().keys().copied().collect();
    for follow_up in all {
        let owed = core.owed.lock().get_mut(&follow_up).filter(|owed| !owed.busy).map(|owed| {
            owed.busy = true;
            owed.clone()
        });
        if let Some(owed) = owed
            && !settle(core, follow_up, owed).await
        {
            return false;
        }
    }
    true
}
