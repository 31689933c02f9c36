//! What the engine owes after a commit, done in the background, fairly, until it is done.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bpmn::exec::Input;

use super::command::{self, Command};
use super::{Core, messages};
use crate::Error;
use crate::limits::RETRY_DELAY_MS;
use crate::store::{Commit, FollowUp, StoredFollowUp};

/// Runs work in the background, counted so that `settle` can wait for it; who comes first is served first.
pub(crate) fn background(core: &Arc<Core>, work: impl Future<Output = ()> + Send + 'static) {
    let core = Arc::clone(core);
    core.outstanding.fetch_add(1, Ordering::SeqCst);
    tokio::spawn(async move {
        // The semaphore is never closed; its queue is first in, first out, which is what makes turns fair.
        let turn = core.workers.acquire().await;
        work.await;
        drop(turn);
        if core.outstanding.fetch_sub(1, Ordering::SeqCst) == 1 {
            core.settled.notify_waiters();
        }
    });
}

/// Sees to a follow-up until it is done or cannot be done any more.
pub(crate) fn spawn(core: &Arc<Core>, follow_up: StoredFollowUp) {
    // It waits for the engine it is meant for.
    if matches!(follow_up.action, FollowUp::Remote { .. }) {
        return;
    }
    let own = Arc::clone(core);
    background(core, async move {
        loop {
            match perform(&own, &follow_up).await {
                Ok(()) => return,
                Err(Error::Conflict(reason)) => {
                    tracing::debug!(key = follow_up.key, %reason, "a follow-up has nothing left to do");
                    forget(&own, follow_up.key).await;
                    return;
                }
                Err(error @ (Error::NotFound { .. } | Error::Limit { .. } | Error::Invalid(_))) => {
                    tracing::warn!(key = follow_up.key, %error, "a follow-up cannot be done");
                    forget(&own, follow_up.key).await;
                    return;
                }
                Err(error) if own.check_running().is_ok() => {
                    tracing::warn!(key = follow_up.key, %error, "a follow-up failed and is tried again");
                    tokio::time::sleep(Duration::from_millis(RETRY_DELAY_MS.unsigned_abs())).await;
                }
                // The next start finds it in the store.
                Err(_) => return,
            }
        }
    });
}

async fn perform(core: &Arc<Core>, follow_up: &StoredFollowUp) -> Result<(), Error> {
    let (instance, input) = match follow_up.action.clone() {
        FollowUp::Continue { instance } => {
            // While stopping, long work waits for the next start.
            core.check_running()?;
            (instance, Input::Continue)
        }
        FollowUp::CallCompleted { instance, call, variables } => {
            (instance, Input::CallCompleted { call, variables })
        }
        FollowUp::CallFailed { instance, call, code, message, thrown } => {
            (instance, Input::CallFailed { call, code, message, thrown })
        }
        FollowUp::CancelCalled { instance, reason } => (instance, Input::Cancel { reason }),
        FollowUp::Signal { name, variables } => {
            messages::broadcast(core, &name, &variables).await?;
            forget(core, follow_up.key).await;
            return Ok(());
        }
        FollowUp::Remote { .. } => return Ok(()),
    };
    let command = Command { follow_up: Some(follow_up.key), ..Command::new(input) };
    command::run(core, instance, command).await
}

async fn forget(core: &Arc<Core>, key: i64) {
    let commit = Commit { ended_follow_ups: vec![key], ..Commit::default() };
    if let Err(error) = core.commit(commit).await {
        // It is found again at the next start and has nothing left to do then.
        tracing::warn!(key, %error, "a finished follow-up could not be removed");
    }
}
