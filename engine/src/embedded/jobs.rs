//! Jobs: leased by workers, answered under the fencing token of their attempt.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bpmn::exec::Input;
use bpmn::program::Variables;
use futures::future::select_all;
use tokio::time::Instant;
use trail::NewEvent;

use super::Core;
use super::command::{self, Command, Fence};
use super::live::split_key;
use crate::Error;
use crate::limits::{self, LEASE_LIMIT_MS, WAIT_LIMIT_MS};
use crate::port::{ActivateJobs, BpmnError, Escalation, Job, JobFailure, JobFilter, Record};
use crate::store::{Commit, JobLease, JobOutline, StoredJob};

/// Leases jobs; waits for one if the request says so.
pub(crate) async fn activate(core: &Arc<Core>, request: ActivateJobs) -> Result<Vec<Job>, Error> {
    core.check_running()?;
    limits::check_text("the worker's name", &request.worker)?;
    if request.lease_ms <= 0 || request.lease_ms > LEASE_LIMIT_MS {
        return Err(Error::Invalid(format!(
            "a lease of {} ms is not in 1..={LEASE_LIMIT_MS}",
            request.lease_ms
        )));
    }
    let deadline = Instant::now() + Duration::from_millis(request.wait_ms.min(WAIT_LIMIT_MS));
    loop {
        let (leases, ended) = pick(core, &request);
        if !leases.is_empty() {
            return lease(core, leases).await;
        }
        if ended || request.wait_ms == 0 || Instant::now() >= deadline {
            return Ok(Vec::new());
        }
        let called = core.index.lock().waiters.enter(&request);
        // One that came just before is found by looking again.
        let (leases, ended) = pick(core, &request);
        if !leases.is_empty() {
            return lease(core, leases).await;
        }
        if ended {
            return Ok(Vec::new());
        }
        core.check_running()?;
        tokio::select! {
            _ = select_all(called) => {}
            () = tokio::time::sleep_until(deadline) => {}
        }
    }
}

/// Leases to be written, and whether the instance asked for is over.
fn pick(core: &Core, request: &ActivateJobs) -> (Vec<JobLease>, bool) {
    let mut index = core.index.lock();
    let leases = index.jobs.pick(request, core.now_ms());
    if !leases.is_empty() && request.instance.is_none() {
        index.pass_on(request);
    }
    let ended =
        request.instance.is_some_and(|key| !index.open.contains_key(&key) && !index.starting.contains(&key));
    (leases, ended)
}

/// Writes leases; also when the caller goes away, because the jobs are already out of their queues.
async fn lease(core: &Arc<Core>, leases: Vec<JobLease>) -> Result<Vec<Job>, Error> {
    let core = Arc::clone(core);
    let task = tokio::spawn(async move {
        let keys: Vec<i64> = leases.iter().map(|lease| lease.key).collect();
        let unkept = core.index.lock().jobs.unkept(keys.iter().copied());
        // Read first: a lease whose variables cannot be read would be an attempt lost.
        let written = match read_variables(&core, &unkept).await {
            Ok(variables) => {
                core.commit(Commit { leases: leases.clone(), ..Commit::default() }).await.map(|()| variables)
            }
            Err(error) => Err(error),
        };
        let now_ms = core.now_ms();
        let mut index = core.index.lock();
        let variables = match written {
            Ok(variables) => variables,
            Err(error) => {
                index.jobs.put_back(&keys, now_ms);
                index.tell_waiters();
                return Err(error);
            }
        };
        for lease in leases {
            index.jobs.apply(lease, now_ms);
        }
        let mut jobs: Vec<Job> = keys.into_iter().filter_map(|key| index.jobs.view(key)).collect();
        let next_due = index.next_due();
        drop(index);
        core.wake_timers(next_due);
        fill(&mut jobs, &unkept, variables);
        Ok(jobs)
    });
    task.await.map_err(|error| Error::Store(format!("a lease was lost: {error}")))?
}

/// Jobs that match, with their variables.
pub(crate) async fn list(core: &Core, filter: &JobFilter) -> Result<Vec<Job>, Error> {
    let (mut jobs, unkept) = {
        let index = core.index.lock();
        let jobs = index.jobs.list(filter);
        let unkept = index.jobs.unkept(jobs.iter().map(|job| job.key));
        (jobs, unkept)
    };
    let variables = read_variables(core, &unkept).await?;
    fill(&mut jobs, &unkept, variables);
    Ok(jobs)
}

/// A job with its variables.
pub(crate) async fn whole(core: &Core, job: JobOutline) -> Result<StoredJob, Error> {
    let kept = core.index.lock().jobs.variables(job.key);
    let variables = match kept {
        Some(variables) => variables,
        None => read_variables(core, &[job.key]).await?.remove(&job.key).unwrap_or_default(),
    };
    Ok(job.with(variables))
}

/// Variables that are not kept in memory.
async fn read_variables(core: &Core, keys: &[i64]) -> Result<HashMap<i64, Variables>, Error> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(core.store.job_variables(keys).await?.into_iter().collect())
}

/// Gives jobs the variables that were read for those of `unkept`; what has ended meanwhile is left out.
fn fill(jobs: &mut Vec<Job>, unkept: &[i64], mut variables: HashMap<i64, Variables>) {
    if unkept.is_empty() {
        return;
    }
    jobs.retain_mut(|job| match variables.remove(&job.key) {
        Some(read) => {
            job.variables = read;
            true
        }
        None => !unkept.contains(&job.key),
    });
}

/// Completes a job.
pub(crate) async fn complete(
    core: &Arc<Core>,
    key: i64,
    attempt: u32,
    variables: Variables,
    record: Record,
) -> Result<(), Error> {
    limits::check_variables(&variables)?;
    answer(core, key, attempt, |job| Input::CompleteJob { job, variables }, record, 0).await
}

/// Reports a failed attempt.
pub(crate) async fn fail(
    core: &Arc<Core>,
    key: i64,
    attempt: u32,
    failure: JobFailure,
    record: Record,
) -> Result<(), Error> {
    limits::check_text("the failure's message", &failure.message)?;
    let JobFailure { code, message, retries_left, backoff_ms } = failure;
    let input = |job| Input::FailJob { job, code, message, retries_left };
    answer(core, key, attempt, input, record, backoff_ms.clamp(0, LEASE_LIMIT_MS)).await
}

/// Throws a BPMN error from a job.
pub(crate) async fn throw(
    core: &Arc<Core>,
    key: i64,
    attempt: u32,
    error: BpmnError,
    record: Record,
) -> Result<(), Error> {
    limits::check_variables(&error.variables)?;
    limits::check_text("the error's message", &error.message)?;
    let BpmnError { code, message, variables } = error;
    answer(core, key, attempt, |job| Input::ThrowError { job, code, message, variables }, record, 0).await
}

/// Throws an escalation from a job under its attempt, or from a user task by a person.
pub(crate) async fn escalate(
    core: &Arc<Core>,
    key: i64,
    attempt: Option<u32>,
    escalation: Escalation,
    actor: &str,
) -> Result<(), Error> {
    core.check_running()?;
    limits::check_variables(&escalation.variables)?;
    limits::check_text("the escalation code", &escalation.code)?;
    limits::check_text("the actor", actor)?;
    let (instance, job) = split_key(key);
    let Escalation { code, variables } = escalation;
    let event = NewEvent {
        instance: Some(instance),
        actor: actor.to_owned(),
        data: serde_json::json!({"job": key, "code": code}),
        ..NewEvent::new("job.escalated", core.now_ms())
    };
    let command = Command {
        fence: attempt.map_or(Fence::UserTask { job: key }, |attempt| Fence::Lease { job: key, attempt }),
        record: Record { events: vec![event], ..Record::default() },
        actor: actor.to_owned(),
        ..Command::new(Input::ThrowEscalation { job, code, variables })
    };
    command::run(core, instance, command).await
}

async fn answer(
    core: &Arc<Core>,
    key: i64,
    attempt: u32,
    input: impl FnOnce(u32) -> Input,
    record: Record,
    backoff_ms: i64,
) -> Result<(), Error> {
    let (instance, number) = split_key(key);
    let fence = Fence::Lease { job: key, attempt };
    let command = Command { fence, record, backoff_ms, ..Command::new(input(number)) };
    command::run(core, instance, command).await
}

/// Completes a user task by a person, who holds no lease.
pub(crate) async fn complete_user_task(
    core: &Arc<Core>,
    key: i64,
    actor: &str,
    variables: Variables,
) -> Result<(), Error> {
    core.check_running()?;
    limits::check_variables(&variables)?;
    limits::check_text("the actor", actor)?;
    let (instance, number) = split_key(key);
    let now_ms = core.now_ms();
    let element = core.index.lock().jobs.get(key).map(|job| job.element);
    let event = NewEvent {
        instance: Some(instance),
        element,
        actor: actor.to_owned(),
        data: serde_json::json!({"job": key}),
        ..NewEvent::new("user_task.completed", now_ms)
    };
    let command = Command {
        fence: Fence::UserTask { job: key },
        record: Record { events: vec![event], ..Record::default() },
        actor: actor.to_owned(),
        ..Command::new(Input::CompleteJob { job: number, variables })
    };
    command::run(core, instance, command).await
}

/// Extends a lease.
pub(crate) async fn extend(core: &Arc<Core>, key: i64, attempt: u32, lease_ms: i64) -> Result<(), Error> {
    if lease_ms <= 0 || lease_ms > LEASE_LIMIT_MS {
        return Err(Error::Invalid(format!("a lease of {lease_ms} ms is not in 1..={LEASE_LIMIT_MS}")));
    }
    let core = Arc::clone(core);
    let task = tokio::spawn(async move {
        let (instance, _) = split_key(key);
        // The instance's lock keeps an answer or the lease's end from coming in between.
        let slot = core.slot(instance);
        let _turn = slot.live.lock().await;
        let now_ms = core.now_ms();
        let lease = {
            let index = core.index.lock();
            let job = index.jobs.leased(key, attempt)?;
            JobLease {
                key,
                attempt,
                retries: job.retries,
                worker: job.worker,
                lease_until_ms: Some(now_ms.saturating_add(lease_ms)),
                not_before_ms: job.not_before_ms,
            }
        };
        core.commit(Commit { leases: vec![lease.clone()], ..Commit::default() }).await?;
        core.index.lock().jobs.apply(lease, now_ms);
        Ok(())
    });
    task.await.map_err(|error| Error::Store(format!("a command was lost: {error}")))?
}

/// A lease that is over is a failed attempt; at the last one an incident says so.
pub(crate) async fn expire(core: &Arc<Core>, key: i64, attempt: u32, why: &str) -> Result<(), Error> {
    let now_ms = core.now_ms();
    let (instance, number) = split_key(key);
    let Some((retries, worker, element)) = ({
        let index = core.index.lock();
        let job = index.jobs.leased(key, attempt).ok();
        job.map(|job| (job.retries, job.worker, job.element))
    }) else {
        return Ok(());
    };
    let event = NewEvent {
        instance: Some(instance),
        element: Some(element),
        actor: "engine".to_owned(),
        data: serde_json::json!({"job": key, "attempt": attempt, "worker": worker, "why": why}),
        ..NewEvent::new("job.lease_ended", now_ms)
    };
    let input = Input::FailJob {
        job: number,
        code: "ENGINE-0011".to_owned(),
        message: format!("attempt {attempt} gave no answer: {why}"),
        retries_left: retries.saturating_sub(1),
    };
    let command = Command {
        fence: Fence::Lease { job: key, attempt },
        record: Record { events: vec![event], ..Record::default() },
        ..Command::new(input)
    };
    match command::run(core, instance, command).await {
        // The answer came just in time.
        Err(Error::Stale { .. }) => Ok(()),
        other => other,
    }
}
