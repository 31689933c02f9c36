//! Leases of workers and locks in Camunda: a lock lives as long as the job is held here.

use std::sync::Arc;
use std::time::Duration;

use engine::Error as EngineError;
use engine::limits::LEASE_LIMIT_MS;
use engine::port::{Notice, Record};
use serde_json::json;
use trail::NewEvent;

use crate::answer;
use crate::core::Core;
use crate::job::{Held, Place};
use crate::{catalogue, fetch};

/// How often leases and locks are looked at.
const ROUND: Duration = Duration::from_millis(500);

/// Refuses a lease without length or without end.
pub(crate) fn check_length(lease_ms: i64) -> Result<(), EngineError> {
    if lease_ms <= 0 || lease_ms > LEASE_LIMIT_MS {
        return Err(EngineError::Invalid(format!("a lease of {lease_ms} ms is not in 1..={LEASE_LIMIT_MS}")));
    }
    Ok(())
}

/// Extends a lease; a job that Camunda has cancelled is found here.
pub(crate) async fn extend(
    core: &Arc<Core>,
    key: i64,
    attempt: u32,
    lease_ms: i64,
) -> Result<(), EngineError> {
    check_length(lease_ms)?;
    let stale = EngineError::Stale { key, attempt };
    let Some(held) = core.jobs.lock().leased(key, attempt).cloned() else { return Err(stale) };
    lock(core, key, &held).await;
    let now_ms = core.clock.now_ms();
    match core.jobs.lock().leased(key, attempt) {
        Some(job) => {
            if let Place::Leased { until_ms, .. } = &mut job.place {
                *until_ms = now_ms.saturating_add(lease_ms);
            }
            Ok(())
        }
        None => Err(stale),
    }
}

/// Extends the lock of a job; a job that is gone in Camunda is gone here.
async fn lock(core: &Core, key: i64, held: &Held) {
    let asked_ms = core.clock.now_ms();
    match core.remote.extend(&held.id, &core.worker, core.settings.lock_ms).await {
        Ok(()) => {
            if let Some(job) = core.jobs.lock().get_mut(key) {
                job.locked_until_ms = asked_ms + core.settings.lock_ms;
            }
        }
        Err(error) if matches!(error, crate::Error::Missing { .. }) || error.is_lock_lost() => {
            core.jobs.lock().remove(key);
            core.notify(Notice::Changed { instance: held.instance });
        }
        // Nobody else takes the kernel's tasks; the lock is renewed when Camunda is back.
        Err(error) => tracing::debug!(task = held.id, %error, "a lock could not be extended"),
    }
}

/// Ends leases that are over and extends locks that are about to end.
pub(crate) async fn keep_locks(core: &Arc<Core>) {
    loop {
        tokio::time::sleep(ROUND).await;
        let now_ms = core.clock.now_ms();
        let soon_ms = now_ms + core.settings.lock_ms / 2;
        let (mut over, mut ending) = (Vec::new(), Vec::new());
        for (key, job) in core.jobs.lock().all() {
            match &job.place {
                Place::Leased { until_ms, worker } if *until_ms <= now_ms => {
                    over.push((key, job.clone(), worker.clone()));
                }
                Place::Answering => {}
                _ if job.locked_until_ms <= soon_ms => ending.push((key, job.clone())),
                _ => {}
            }
        }
        for (key, held, worker) in over {
            expire(core, key, &held, &worker).await;
        }
        for (key, held) in ending {
            lock(core, key, &held).await;
        }
    }
}

/// A lease that is over is a failed attempt; at the last one an incident says so.
async fn expire(core: &Arc<Core>, key: i64, held: &Held, worker: &str) {
    let declared = match catalogue::deployed(core, &held.definition_id).await {
        Ok(deployed) => {
            deployed.program.as_ref().and_then(|program| fetch::node_of(program, &held.element)?.task.retries)
        }
        Err(error) => {
            // A Camunda that is away uses up no retry.
            tracing::debug!(task = held.id, %error, "a lease that is over stays for now");
            return;
        }
    };
    let retries = held.retries.or(declared).unwrap_or(engine::limits::DEFAULT_RETRIES).max(1);
    let why = "its lease was over";
    let event = NewEvent {
        instance: Some(held.instance),
        element: Some(held.element.clone()),
        actor: "engine".to_owned(),
        data: json!({"job": key, "attempt": held.attempt, "worker": worker, "why": why}),
        ..NewEvent::new("job.lease_ended", core.clock.now_ms())
    };
    let message = format!("attempt {} gave no answer: {why}", held.attempt);
    let answer = answer::failure("ENGINE-0011", &message, retries - 1, 0);
    let record = Record { events: vec![event], ..Record::default() };
    match answer::give(core, key, held.attempt, answer, record).await {
        // The answer came just in time.
        Ok(()) | Err(EngineError::Stale { .. }) => {}
        Err(error) => tracing::warn!(task = held.id, %error, "a lease that is over could not be recorded"),
    }
}
