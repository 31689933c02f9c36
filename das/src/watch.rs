//! DAS watches: follows the trail, keeps running summaries, finds what could be better, tries a change in the sandbox
//! and offers it. It never changes anything itself: what it offers waits for a person.
//!
//! A look: sample the machine → read what is new in the trail → learn from decisions → find → withdraw what is no longer
//! true → offer the most pressing, few at a time; what a person's policy allows is accepted at once.

mod capture;
mod finding;
pub mod machine;
mod offer;
mod offering;
pub mod people;
mod priority;
mod propose;
mod remedy;
mod rewrite;
mod sight;
mod summary;
#[cfg(test)]
mod tests;
mod waits;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use context::ContextManager;
use engine::clock::Clock;
use engine::{ProcessEngine, Store};
use kernel::Assistant;
use memory::Memory;
use ontology::Ontology;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trail::Trail;

use crate::error::Error;
use crate::forecast::rest_after;
use crate::policies::Policies;
use crate::proposals::{Deciding, Proposals};
use crate::records::{self, Records};

pub use capture::Correction;
pub use finding::{FINDINGS_LIMIT, Finding, FindingKind, Gain};
pub use machine::{HOURS_LIMIT, Health, Machine, RECENT_LIMIT, SAMPLE_EVERY_MS, Sample, Vitals};
pub use offer::{OFFERS_LIMIT, Offer, OfferState, Offers, VolatileOffers};
pub use offering::decide;
pub use people::{Act, ActKind, Consent, People, Told};
pub use priority::{Acceptance, OPEN_LIMIT, PRIORITY_FLOOR, RETURNS_AT, choose, may_return};
pub use remedy::{Edit, Remedy};
pub use summary::{AnswerBrief, Change, DefinitionCounts, Summary, TaskCounts, VerdictBrief};

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
/// What people did too long ago is forgotten so often, milliseconds: once a day.
const FORGET_EVERY_MS: i64 = 86_400_000;
/// Where the machine's hours are kept: collection and key.
const HOURS: (&str, &str) = ("watch", "hours");
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
    /// Says how the machine is, where it can be asked.
    pub machine: Option<Arc<dyn Machine>>,
    /// What was sampled of it.
    pub vitals: Vitals,
    /// Where the hours of the machine are kept.
    pub records: Arc<dyn Records>,
    /// What people did, where they agreed.
    pub people: Option<People>,
    /// By which policies proposals are accepted without a person.
    pub policies: Option<Policies>,
    /// How a policy's decision is brought about.
    pub deciding: Option<Deciding>,
    /// Prompts, where there are any.
    pub contexts: Option<ContextManager>,
    /// The model that writes better texts of weak prompts, where one is configured; rules alone otherwise.
    pub model: Option<Arc<dyn llm::Model>>,
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
    sampled_ms: Option<i64>,
    /// Ids of what is wrong with the machine, so that a change is told soon.
    alarms: BTreeSet<String>,
    forgot_ms: Option<i64>,
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
        let began = Instant::now();
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
        // What is watched goes before catching up with a long trail.
        let pause = if more { rest_after(began.elapsed()) } else { PAUSE };
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
            if let Some(hours) = self.deps.records.get(HOURS.0, HOURS.1).await? {
                self.deps.vitals.restore(records::read(hours).unwrap_or_default());
            }
        }
        self.sample(&mut progress).await?;
        self.forget(&mut progress).await;
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

    /// Samples the machine, where it is time.
    async fn sample(&self, progress: &mut Progress) -> Result<(), Error> {
        let now_ms = self.deps.clock.now_ms();
        let Some(machine) = &self.deps.machine else { return Ok(()) };
        if progress.sampled_ms.is_some_and(|at| now_ms.saturating_sub(at) < SAMPLE_EVERY_MS) {
            return Ok(());
        }
        progress.sampled_ms = Some(now_ms);
        let vitals = &self.deps.vitals;
        if vitals.take(machine.sample(now_ms).await) {
            let hours = records::write(&vitals.hours())?;
            self.deps.records.put(HOURS.0, HOURS.1, &hours, now_ms, Vec::new()).await?;
        }
        let found = finding::machine::find(&vitals.recent(), &vitals.hours());
        let alarms: BTreeSet<String> = found.iter().map(Finding::id).collect();
        if alarms != progress.alarms {
            (progress.alarms, progress.changed) = (alarms, true);
        }
        Ok(())
    }

    /// Forgets, once a day, what people did too long ago.
    async fn forget(&self, progress: &mut Progress) {
        let now_ms = self.deps.clock.now_ms();
        let Some(people) = &self.deps.people else { return };
        if progress.forgot_ms.is_some_and(|at| now_ms.saturating_sub(at) < FORGET_EVERY_MS) {
            return;
        }
        progress.forgot_ms = Some(now_ms);
        if let Err(error) = people.forget_old().await {
            tracing::debug!(%error, "what people did long ago is forgotten later");
        }
    }

    /// Reads what is new in the trail.
    async fn read(&self, progress: &mut Progress) -> Result<Looked, Error> {
        let mut looked = Looked::default();
        let Progress { summary, kept, unsaved, changed, decided, deployed, .. } = progress;
        let summary = summary.get_or_insert_default();
        // Most of the trail are steps that it does not count: they are not even read.
        let filter = Summary::reads();
        for _ in 0..BATCHES {
            let head = self.deps.trail.head().await;
            let head = head.map_err(|error| Error::Stopped(error.to_string()))?;
            let read = self.deps.trail.read(&filter, summary.position, BATCH).await;
            let events = read.map_err(|error| Error::Stopped(error.to_string()))?;
            for event in &events {
                match summary.fold(event) {
                    Change::Nothing => {}
                    Change::Counts => *changed = true,
                    Change::Deployed => (*changed, *deployed) = (true, true),
                    Change::Proposal => (*changed, *decided) = (true, true),
                    Change::Prompt => {
                        *changed = true;
                        kept.forget_prompts();
                    }
                }
            }
            *unsaved |= !events.is_empty();
            looked.events += events.len();
            looked.more = events.len() == BATCH;
            if !looked.more {
                summary.position = summary.position.max(head);
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
