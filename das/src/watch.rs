//! DAS watches: follows the trail, keeps running summaries, finds what could be better, tries a change in the sandbox
//! and offers it. It never changes anything itself: what it offers waits for a person.
//!
//! A look: read what is new in the trail → learn from decisions → find → withdraw what is no longer true → offer the
//! most pressing, few at a time.

mod capture;
mod finding;
mod offer;
mod offering;
mod priority;
mod propose;
mod remedy;
mod sight;
mod summary;
#[cfg(test)]
mod tests;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::clock::Clock;
use engine::{ProcessEngine, Store};
use kernel::Assistant;
use memory::Memory;
use ontology::Ontology;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trail::{Filter, Trail};

use crate::error::Error;
use crate::proposals::Proposals;

pub use capture::Correction;
pub use finding::{FINDINGS_LIMIT, Finding, FindingKind, Gain};
pub use offer::{OFFERS_LIMIT, Offer, OfferState, Offers, VolatileOffers};
pub use offering::decide;
pub use priority::{Acceptance, OPEN_LIMIT, PRIORITY_FLOOR, RETURNS_AT, choose, may_return};
pub use remedy::{Edit, Remedy};
pub use summary::{Change, DefinitionCounts, Summary, TaskCounts, VerdictBrief};

/// The actor of what DAS does.
pub const ACTOR: &str = "das";
/// Pause between two looks at the trail.
const PAUSE: Duration = Duration::from_secs(2);
/// Events read at once.
const BATCH: usize = 1_000;
/// Batches of one look; the next one goes on from there.
const BATCHES: usize = 20;
/// Findings are sought again after new counts, but not more often than this, milliseconds.
const FIND_EVERY_MS: i64 = 10_000;
/// Without anything new they are sought after this time, because some depend on time alone, milliseconds.
const FIND_AFTER_MS: i64 = 3_600_000;
/// The running summary is kept so often at most, milliseconds; what came since is read again after a restart.
const KEEP_EVERY_MS: i64 = 30_000;

/// What DAS watches with.
#[derive(Clone)]
pub struct WatchDeps {
    /// The process engine.
    pub engine: Arc<dyn ProcessEngine>,
    /// Where task runs and attempts are read.
    pub store: Arc<dyn Store>,
    /// The trail.
    pub trail: Arc<dyn Trail>,
    /// The knowledge graph, where there is one.
    pub ontology: Option<Arc<Ontology>>,
    /// Memory, where there is one.
    pub memory: Option<Arc<dyn Memory>>,
    /// Where proposals wait for a decision.
    pub proposals: Arc<dyn Proposals>,
    /// Where offers and the running summary are kept.
    pub offers: Arc<dyn Offers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What a look did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Trail events that were read.
    pub events: usize,
    /// Whether there is more to read.
    pub more: bool,
    /// Findings, where they were sought.
    pub findings: Option<usize>,
    /// Ids of what was offered.
    pub offered: Vec<String>,
}

#[derive(Default)]
struct Progress {
    summary: Option<Summary>,
    kept: sight::Kept,
    found_ms: Option<i64>,
    saved_ms: Option<i64>,
    unsaved: bool,
    changed: bool,
    decided: bool,
    deployed: bool,
}

struct Inner {
    deps: WatchDeps,
    progress: tokio::sync::Mutex<Progress>,
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Watches; started and stopped by the microkernel.
pub struct Watcher {
    inner: Arc<Inner>,
    running: Mutex<Option<Running>>,
}

impl Watcher {
    /// A watcher that does not watch yet.
    #[must_use]
    pub fn new(deps: WatchDeps) -> Self {
        let inner = Arc::new(Inner { deps, progress: tokio::sync::Mutex::default() });
        Self { inner, running: Mutex::new(None) }
    }

    /// Looks once: what the running watcher does again and again.
    ///
    /// # Errors
    /// Where a port fails; what was read before is kept, the next look goes on from there.
    pub async fn look(&self) -> Result<Looked, Error> {
        self.inner.look().await
    }
}

#[async_trait]
impl Assistant for Watcher {
    async fn start(&self) {
        let mut running = self.running.lock();
        if running.is_some() {
            return;
        }
        let stop = CancellationToken::new();
        let task = tokio::spawn(watch(Arc::clone(&self.inner), stop.clone()));
        *running = Some(Running { stop, task });
    }

    async fn stop(&self) {
        let running = self.running.lock().take();
        let Some(running) = running else { return };
        running.stop.cancel();
        if let Err(error) = running.task.await {
            tracing::warn!(%error, "the watcher broke down");
        }
    }
}

async fn watch(inner: Arc<Inner>, stop: CancellationToken) {
    loop {
        let looked = tokio::select! {
            () = stop.cancelled() => break,
            looked = inner.look() => looked,
        };
        let more = match looked {
            Ok(looked) => looked.more,
            Err(error) => {
                tracing::warn!(%error, "DAS could not look; it tries again");
                false
            }
        };
        // A long trail is caught up with at once, but never without letting others work.
        let pause = if more { Duration::from_millis(1) } else { PAUSE };
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    let mut progress = inner.progress.lock().await;
    if let Err(error) = inner.keep(&mut progress, true).await {
        tracing::warn!(%error, "the running summary was not kept; it is rebuilt from the trail");
    }
}

impl Inner {
    async fn look(&self) -> Result<Looked, Error> {
        let mut progress = self.progress.lock().await;
        if progress.summary.is_none() {
            progress.summary = Some(self.deps.offers.summary().await?.unwrap_or_default());
            progress.changed = true;
        }
        let mut looked = self.read(&mut progress).await?;
        if progress.decided || progress.deployed {
            self.learn(&mut progress).await?;
        }
        let now_ms = self.deps.clock.now_ms();
        let since_ms = progress.found_ms.map_or(i64::MAX, |found| now_ms.saturating_sub(found));
        let due = (progress.changed && since_ms >= FIND_EVERY_MS) || since_ms >= FIND_AFTER_MS;
        if due && !looked.more {
            let Progress { summary, kept, .. } = &mut *progress;
            let summary = summary.get_or_insert_default();
            let sight = sight::Sight::read(&self.deps, summary, kept).await?;
            let findings = finding::find(&sight);
            looked.offered = offering::offer(&self.deps, &sight, &findings).await?;
            looked.findings = Some(findings.len());
            progress.found_ms = Some(now_ms);
            progress.changed = false;
        }
        self.keep(&mut progress, false).await?;
        Ok(looked)
    }

    /// Reads what is new in the trail.
    async fn read(&self, progress: &mut Progress) -> Result<Looked, Error> {
        let mut looked = Looked::default();
        let Progress { summary, unsaved, changed, decided, deployed, .. } = progress;
        let summary = summary.get_or_insert_default();
        for _ in 0..BATCHES {
            let read = self.deps.trail.read(&Filter::default(), summary.position, BATCH).await;
            let events = read.map_err(|error| Error::Stopped(error.to_string()))?;
            for event in &events {
                let dry_run = match Summary::asks_about(event) {
                    Some(instance) => self.deps.engine.instance(instance).await.is_ok_and(|one| one.dry_run),
                    None => false,
                };
                match summary.fold(event, dry_run) {
                    Change::Nothing => {}
                    Change::Counts => *changed = true,
                    Change::Deployed => (*changed, *deployed) = (true, true),
                    Change::Proposal => (*changed, *decided) = (true, true),
                }
            }
            *unsaved |= !events.is_empty();
            looked.events += events.len();
            looked.more = events.len() == BATCH;
            if !looked.more {
                break;
            }
        }
        Ok(looked)
    }

    /// Remembers decisions and corrections.
    async fn learn(&self, progress: &mut Progress) -> Result<(), Error> {
        let Progress { summary, decided, deployed, unsaved, .. } = progress;
        if let Some(memory) = &self.deps.memory {
            let summary = summary.get_or_insert_default();
            capture::capture(&self.deps, memory.as_ref(), summary).await?;
            *unsaved = true;
        }
        (*decided, *deployed) = (false, false);
        Ok(())
    }

    async fn keep(&self, progress: &mut Progress, now: bool) -> Result<(), Error> {
        let now_ms = self.deps.clock.now_ms();
        let waited = progress.saved_ms.is_none_or(|saved| now_ms.saturating_sub(saved) >= KEEP_EVERY_MS);
        if !progress.unsaved || !(now || waited) {
            return Ok(());
        }
        if let Some(summary) = &progress.summary {
            self.deps.offers.keep_summary(summary, now_ms).await?;
            (progress.unsaved, progress.saved_ms) = (false, Some(now_ms));
        }
        Ok(())
    }
}
