//! Time: timers that are due, leases that end, back-offs, messages whose time is over.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bpmn::exec::Input;
use bpmn::exec::schedule::{Repetition, first_due};
use bpmn::expression::Limits;
use bpmn::program::{NodeKind, Trigger};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::command::{self, Command};
use super::start::{self, Start};
use super::{Core, jobs, recover};
use crate::Error;
use crate::limits::RETRY_DELAY_MS;
use crate::port::Notice;
use crate::store::{Commit, StoredTimer};

/// Things that are due, worked on at the same time.
const WIDTH: usize = 256;
/// Longest sleep of the timer task, so that a clock that jumps is noticed.
const LONGEST_SLEEP_MS: i64 = 1_000;
/// Repetitions left of a start timer without end.
const ENDLESS: i64 = -1;

/// Does what is due; gives when something is due next.
pub(crate) async fn tick(core: &Arc<Core>, now_ms: i64) -> Result<Option<i64>, Error> {
    recover::check_suspects(core).await?;
    let (timers, leases, messages) = {
        let mut index = core.index.lock();
        let woken = index.jobs.wake(now_ms);
        index.tell_waiters();
        for instance in woken {
            core.notice(Notice::Changed { instance });
        }
        (index.timers.take_due(now_ms), index.jobs.expired(now_ms), index.messages.expire(now_ms))
    };
    let fired: Vec<Result<(), Error>> =
        futures::stream::iter(timers).map(|timer| fire(core, timer)).buffer_unordered(WIDTH).collect().await;
    let ended: Vec<Result<(), Error>> = futures::stream::iter(leases)
        .map(|(key, attempt)| jobs::expire(core, key, attempt, "its lease ended"))
        .buffer_unordered(WIDTH)
        .collect()
        .await;
    if !messages.is_empty() {
        core.commit(Commit { ended_messages: messages, ..Commit::default() }).await?;
    }
    fired.into_iter().chain(ended).collect::<Result<(), Error>>()?;
    Ok(core.index.lock().next_due())
}

async fn fire(core: &Arc<Core>, timer: StoredTimer) -> Result<(), Error> {
    // It is out of the queue until its instance is resumed.
    if core.index.lock().is_suspended(timer.instance) {
        return Ok(());
    }
    let is_start = core.catalogue.read().get(timer.instance).is_ok();
    let outcome = if is_start {
        fire_start(core, timer).await
    } else {
        let command = Command::new(Input::TimerDue { timer: timer.number });
        command::run(core, timer.instance, command).await
    };
    match outcome {
        Ok(()) => Ok(()),
        // The timer belongs to something that is over: the row goes too.
        Err(Error::Conflict(_) | Error::NotFound { .. }) => {
            let id = (timer.instance, timer.number);
            core.commit(Commit { ended_timers: vec![id], ..Commit::default() }).await?;
            core.index.lock().timers.remove(id);
            Ok(())
        }
        Err(error) => {
            let due_ms = core.now_ms().saturating_add(RETRY_DELAY_MS);
            core.index.lock().timers.insert(StoredTimer { due_ms, ..timer });
            Err(error)
        }
    }
}

async fn fire_start(core: &Arc<Core>, timer: StoredTimer) -> Result<(), Error> {
    let deployed = core.catalogue.read().get(timer.instance)?;
    let node = deployed.program.nodes.get(timer.number as usize);
    let Some(event) = node.map(|node| node.id.clone()) else {
        return Err(Error::Conflict(format!("definition {} has no such start event", timer.instance)));
    };
    let next = next_start(core, timer, node.map(|node| &node.kind));
    let ended = (timer.instance, timer.number);
    let start = Start { event: Some(event), timer: Some((ended, next)), ..Start::default() };
    start::begin(core, Arc::clone(&deployed), start).await.map(|_| ())
}

/// When a start timer fires again. Times that were missed while nothing ran are made up for once, not one by one.
fn next_start(core: &Core, timer: StoredTimer, kind: Option<&NodeKind>) -> Option<StoredTimer> {
    let Some(NodeKind::Start { trigger: Some(Trigger::Timer(spec)), .. }) = kind else { return None };
    let now_ms = core.now_ms();
    let due = first_due(spec, &(), Limits::at(timer.due_ms)).ok()?;
    let repetition = match due.repetition? {
        Repetition::Interval { interval, left } => {
            let left = if timer.repetitions_left == ENDLESS {
                left.and(None)
            } else {
                Some(u32::try_from(timer.repetitions_left).unwrap_or(0))
            };
            Repetition::Interval { interval, left }
        }
        cron @ Repetition::Cron { .. } => cron,
    };
    let next = repetition.next(timer.due_ms, now_ms)?;
    let next = if next.due_ms > now_ms { next } else { repetition.next(now_ms, now_ms)? };
    Some(start_timer(timer.instance, timer.number, next.due_ms, next.repetition.as_ref()))
}

/// A start timer as it is stored.
pub(crate) fn start_timer(
    definition: i64,
    number: u32,
    due_ms: i64,
    repetition: Option<&Repetition>,
) -> StoredTimer {
    let repetitions_left = match repetition {
        Some(Repetition::Interval { left: Some(left), .. }) => i64::from(*left),
        Some(_) => ENDLESS,
        None => 0,
    };
    StoredTimer { instance: definition, number, due_ms, repetitions_left }
}

/// Ticks when something is due, until told to stop.
pub(crate) async fn run(core: &Arc<Core>, stop: CancellationToken) {
    loop {
        let now_ms = core.now_ms();
        // Whatever is added from here on wakes us.
        core.next_wake.store(i64::MAX, Ordering::SeqCst);
        let next = match tick(core, now_ms).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "something that was due could not be done and is tried again");
                Some(now_ms + RETRY_DELAY_MS)
            }
        };
        let now_ms = core.now_ms();
        let sleep_ms = next.map_or(LONGEST_SLEEP_MS, |next| (next - now_ms).clamp(1, LONGEST_SLEEP_MS));
        core.next_wake.store(now_ms + sleep_ms, Ordering::SeqCst);
        tokio::select! {
            () = stop.cancelled() => return,
            () = core.wake.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(sleep_ms.unsigned_abs())) => {}
        }
    }
}
