//! The embedded durable engine: the token rules of `bpmn::exec` over a [`Store`].
//!
//! One command works on one instance at a time, commands on different instances run side by side. Each command:
//! load the state (or take it from the cache), let the token rules advance it, commit everything in one
//! transaction, and only then change what is in memory and answer. If the commit fails the loaded state is dropped
//! and the next command reads it again.

mod batch;
mod command;
mod decisions;
mod deploy;
mod deploy_decisions;
mod deployed;
mod follow_ups;
mod index;
mod job_index;
mod jobs;
mod live;
mod message_index;
mod messages;
mod migration;
mod operations;
mod process_engine;
mod recover;
mod start;
mod timers;
mod waiters;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::limits::{CACHE_LIMIT, FOLLOW_UP_WORKERS, KEY_BLOCK, NOTICE_LIMIT};
use crate::port::{Inspector, Notice};
use crate::store::Commit;
use crate::{Error, Store};
use decisions::DecisionCatalogue;
use deployed::Catalogue;
use index::Index;
use live::Live;

/// The embedded engine; cheap to clone.
#[derive(Clone)]
pub struct Embedded {
    core: Arc<Core>,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("loaded", &self.core.slots.lock().len()).finish_non_exhaustive()
    }
}

/// An instance's place in the cache; its lock is what serialises commands on the instance.
#[derive(Default)]
struct Slot {
    live: tokio::sync::Mutex<Option<Live>>,
}

/// Reserved keys that were not given out yet.
#[derive(Default)]
struct KeyBlock {
    next: i64,
    end: i64,
}

struct Core {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    catalogue: RwLock<Catalogue>,
    decisions: RwLock<DecisionCatalogue>,
    index: Mutex<Index>,
    slots: Mutex<HashMap<i64, Arc<Slot>>>,
    /// Instances whose last commit failed: it may have been written all the same, so memory is filled again.
    suspects: Mutex<BTreeSet<i64>>,
    keys: tokio::sync::Mutex<KeyBlock>,
    deploying: tokio::sync::Mutex<()>,
    inspector: std::sync::OnceLock<Arc<dyn Inspector>>,
    notices: broadcast::Sender<Notice>,
    /// The newest position of the trail, and whether listeners are about to be told.
    trail_end: AtomicI64,
    trail_news: AtomicBool,
    workers: Semaphore,
    outstanding: AtomicUsize,
    settled: Notify,
    next_wake: AtomicI64,
    wake: Notify,
    stopping: AtomicBool,
}

impl Embedded {
    /// Opens the engine over a store and goes on with what waits in it: timers, subscriptions, jobs, work that was
    /// owed when the former process ended. Leases of the former process are over: each counts as a failed attempt.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub async fn open(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let (notices, _) = broadcast::channel(NOTICE_LIMIT);
        let core = Arc::new(Core {
            store,
            clock,
            catalogue: RwLock::default(),
            decisions: RwLock::default(),
            index: Mutex::default(),
            slots: Mutex::default(),
            suspects: Mutex::default(),
            keys: tokio::sync::Mutex::default(),
            deploying: tokio::sync::Mutex::default(),
            inspector: std::sync::OnceLock::new(),
            notices,
            trail_end: AtomicI64::new(0),
            trail_news: AtomicBool::new(false),
            workers: Semaphore::new(FOLLOW_UP_WORKERS),
            outstanding: AtomicUsize::new(0),
            settled: Notify::new(),
            next_wake: AtomicI64::new(i64::MAX),
            wake: Notify::new(),
            stopping: AtomicBool::new(false),
        });
        recover::recover(&core).await?;
        Ok(Self { core })
    }

    /// Does what is due at `now_ms`: timers, leases that ended, back-offs, messages whose time is over. Gives when
    /// something is due next, as far as is known.
    ///
    /// # Errors
    /// [`Error::Store`]: what could not be done is tried again later.
    pub async fn tick(&self, now_ms: i64) -> Result<Option<i64>, Error> {
        timers::tick(&self.core, now_ms).await
    }

    /// Calls [`Embedded::tick`] when something is due by the engine's clock, until `stop` is cancelled.
    pub async fn run_timers(&self, stop: CancellationToken) {
        timers::run(&self.core, stop).await;
    }

    /// Waits until the engine owes nothing: no yielded step, call result or thrown signal is still to be handled.
    pub async fn settle(&self) {
        loop {
            let settled = self.core.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.core.outstanding.load(Ordering::SeqCst) == 0 {
                return;
            }
            settled.await;
        }
    }

    /// Refuses further commands with [`Error::Stopping`] and waits for background work that has begun.
    pub async fn stop(&self) {
        self.core.stopping.store(true, Ordering::SeqCst);
        self.settle().await;
    }
}

/// Whether an instance is loaded and goes on.
fn is_open(live: Option<&Live>) -> bool {
    live.is_some_and(|live| live.instance.status.is_open())
}

impl Core {
    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn check_running(&self) -> Result<(), Error> {
        if self.stopping.load(Ordering::SeqCst) { Err(Error::Stopping) } else { Ok(()) }
    }

    /// Fresh keys, in ascending order.
    async fn keys(&self, count: usize) -> Result<Vec<i64>, Error> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut block = self.keys.lock().await;
        self.take_keys(&mut block, count).await
    }

    /// A fresh key for an instance, which counts as starting until it is committed or given up.
    async fn instance_key(&self) -> Result<i64, Error> {
        let mut block = self.keys.lock().await;
        let key = self.take_keys(&mut block, 1).await?.first().copied().unwrap_or_default();
        self.index.lock().starting.insert(key);
        Ok(key)
    }

    async fn take_keys(&self, block: &mut KeyBlock, count: usize) -> Result<Vec<i64>, Error> {
        let mut keys = Vec::with_capacity(count);
        while keys.len() < count {
            if block.next == block.end {
                block.next = self.store.reserve_keys(KEY_BLOCK).await?;
                block.end = block.next + i64::from(KEY_BLOCK);
            }
            keys.push(block.next);
            block.next += 1;
        }
        Ok(keys)
    }

    /// The cache slot of an instance.
    fn slot(&self, key: i64) -> Arc<Slot> {
        let mut slots = self.slots.lock();
        if slots.len() > CACHE_LIMIT {
            // What has ended goes first, then whatever is idle. A slot that is in use has another owner besides the map.
            let mut spare = slots.len() - CACHE_LIMIT / 2;
            for ended_only in [true, false] {
                slots.retain(|_, slot| {
                    let keep = spare == 0
                        || Arc::strong_count(slot) > 1
                        || (ended_only && slot.live.try_lock().is_ok_and(|live| is_open(live.as_ref())));
                    spare -= usize::from(!keep);
                    keep
                });
            }
        }
        Arc::clone(slots.entry(key).or_default())
    }

    /// Commits, and sees to it that listeners are told how far the trail has grown.
    async fn commit(self: &Arc<Self>, commit: Commit) -> Result<(), Error> {
        let position = self.store.commit(commit).await?;
        self.trail_end.fetch_max(position, Ordering::SeqCst);
        // Once for all commits that became durable together: those whose turn is before ours.
        if !self.trail_news.swap(true, Ordering::SeqCst) {
            let core = Arc::clone(self);
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                core.trail_news.store(false, Ordering::SeqCst);
                let position = core.trail_end.load(Ordering::SeqCst);
                core.notice(Notice::TrailAppended { position });
            });
        }
        Ok(())
    }

    fn notice(&self, notice: Notice) {
        // Without listeners nobody misses anything.
        let _listeners = self.notices.send(notice);
    }

    /// Sees to it that the timer task wakes in time for what was added.
    fn wake_timers(&self, next_due: Option<i64>) {
        if next_due.is_some_and(|due| due < self.next_wake.load(Ordering::SeqCst)) {
            self.wake.notify_one();
        }
    }
}
