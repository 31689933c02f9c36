//! A run for real: on an engine of its own in memory that is gone afterwards, on a Camunda, or in a data directory
//! that keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bpmn::exec::Event;
use bpmn::program::{JobKind, Variables};
use camunda::{Camunda, Generation, Settings};
use engine::clock::SystemClock;
use engine::port::{
    Definition, DeployFile, Instance, InstanceFilter, JobFilter, Message, StartInstance, Status,
};
use engine::{Embedded, MemoryStore, ProcessEngine, Store};
use kernel::{DryRun, DryRunState, Launcher, Microkernel, Outside, Parts, Tools, TraceEntry};
use tokio_util::sync::CancellationToken;
use trail::{Filter, Trail};

use crate::failure::Failure;
use crate::wiring::{Assembly, open_workspace};

/// How long the instance must stand still before it counts as waiting, in rounds of [`PAUSE`].
const STILL_ROUNDS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(20);
/// How often a Camunda is looked at for what it did by itself, milliseconds.
const CAMUNDA_POLL_MS: u64 = 100;
const MESSAGE_TIME_TO_LIVE_MS: i64 = 86_400_000;
const ENTRIES: usize = 1_000;

/// What to run.
pub(crate) struct LiveRun {
    pub(crate) files: Vec<DeployFile>,
    pub(crate) variables: Variables,
    pub(crate) seed: u64,
    pub(crate) messages: Vec<(String, Variables)>,
    pub(crate) signals: Vec<String>,
}

/// What a run without a data directory may reach.
pub(crate) struct Place {
    /// The folder in which files are written.
    pub(crate) workspace: PathBuf,
    /// The hosts that may be called.
    pub(crate) outside: Outside,
}

/// Takes each line of the trace as it happens.
pub(crate) type OnLine<'a> = &'a mut dyn FnMut(&TraceEntry);

/// Runs on an engine in memory until the instance ends, or nothing but something outside can move it on.
pub(crate) async fn in_memory(run: LiveRun, place: Place, on_line: OnLine<'_>) -> Result<DryRun, Failure> {
    let store = Arc::new(MemoryStore::new());
    let engine = Embedded::open(store.clone(), Arc::new(SystemClock)).await?;
    let crew = Crew::gather(Arc::new(engine.clone()), &store, place)?;
    let timers = tokio::spawn({
        let (engine, stop) = (engine.clone(), crew.stop.clone());
        async move { engine.run_timers(stop).await }
    });
    let stage = Stage {
        driver: Driver::Embedded(&engine),
        trail: store.as_ref(),
        store: store.as_ref(),
        alone: true,
    };
    let ended = follow(&stage, run, on_line).await;
    crew.dismiss().await;
    let _ = timers.await;
    ended
}

/// The same on a Camunda; its records are here in memory, the instance is Camunda's and stays there.
pub(crate) async fn on_camunda(
    run: LiveRun,
    settings: Settings,
    place: Place,
    on_line: OnLine<'_>,
) -> Result<DryRun, Failure> {
    let store = Arc::new(MemoryStore::new());
    let settings = Settings { poll_ms: CAMUNDA_POLL_MS, only_own: true, ..settings };
    settings.version().await?;
    let engine = Camunda::open(settings, store.clone(), store.clone(), Arc::new(SystemClock)).await?;
    let crew = Crew::gather(Arc::new(engine.clone()), &store, place)?;
    let loops = tokio::spawn({
        let (engine, stop) = (engine.clone(), crew.stop.clone());
        async move { engine.run(stop).await }
    });
    let stage = Stage {
        driver: Driver::Camunda(&engine),
        trail: store.as_ref(),
        store: store.as_ref(),
        alone: false,
    };
    let ended = follow(&stage, run, on_line).await;
    crew.dismiss().await;
    let _ = loops.await;
    ended
}

/// The same in a data directory, beside whatever else runs there.
pub(crate) async fn in_directory(
    run: LiveRun,
    assembly: &Assembly,
    on_line: OnLine<'_>,
) -> Result<DryRun, Failure> {
    let driver = match (&assembly.embedded, &assembly.camunda) {
        (Some(engine), _) => Driver::Embedded(engine),
        (None, Some(engine)) => Driver::Camunda(engine),
        (None, None) => {
            let message = format!("instances of the engine {} cannot be followed", assembly.engine.name());
            return Err(Failure::wrong_call("CLI-0008", message, "start it through the server"));
        }
    };
    let stage = Stage { driver, trail: &assembly.database, store: &assembly.database, alone: false };
    follow(&stage, run, on_line).await
}

/// The microkernel at work on an engine, for one run.
struct Crew {
    stop: CancellationToken,
    /// Where tools work; only there where a tool ran.
    scratch: PathBuf,
    kernel: tokio::task::JoinHandle<Result<(), kernel::Error>>,
}

impl Crew {
    fn gather(
        engine: Arc<dyn ProcessEngine>,
        store: &Arc<MemoryStore>,
        place: Place,
    ) -> Result<Self, Failure> {
        let mut parts = Parts::new(engine, Arc::new(SystemClock))?;
        parts.trail = Some(store.clone());
        parts.workspace = Some(open_workspace(&place.workspace, parts.limits.file_bytes)?);
        parts.outside = place.outside;
        let scratch = std::env::temp_dir().join(format!("procos-scratch-{}", std::process::id()));
        parts.tools = Some(Tools::load(Launcher::own(), scratch.clone(), None));
        let stop = CancellationToken::new();
        let kernel = tokio::spawn(Microkernel::new(Arc::new(parts), stop.clone()).run());
        Ok(Self { stop, scratch, kernel })
    }

    async fn dismiss(self) {
        self.stop.cancel();
        let _ = self.kernel.await;
        let _none = std::fs::remove_dir_all(self.scratch);
    }
}

/// The engine of a run, and what is asked of it beyond the port.
#[derive(Clone, Copy)]
enum Driver<'a> {
    Embedded(&'a Embedded),
    Camunda(&'a Camunda),
}

impl<'a> Driver<'a> {
    fn engine(self) -> &'a dyn ProcessEngine {
        match self {
            Self::Embedded(engine) => engine,
            Self::Camunda(engine) => engine,
        }
    }

    /// Lets the engine do what it does at once.
    async fn settle(self) {
        match self {
            Self::Embedded(engine) => engine.settle().await,
            // It answers a call after everything that the call sets off.
            Self::Camunda(_) => {}
        }
    }

    /// How long to pause between two looks.
    fn pause(self) -> Duration {
        match self {
            Self::Embedded(_) => PAUSE,
            // Searches of a Camunda 8 may show a moment later what has happened.
            Self::Camunda(engine) if engine.generation() == Generation::Eight => PAUSE * 20,
            Self::Camunda(_) => PAUSE * 5,
        }
    }
}

/// Where a run takes place.
struct Stage<'a> {
    driver: Driver<'a>,
    trail: &'a dyn Trail,
    store: &'a dyn Store,
    /// Nothing else runs here: whatever happens belongs to this run.
    alone: bool,
}

async fn follow(stage: &Stage<'_>, run: LiveRun, on_line: OnLine<'_>) -> Result<DryRun, Failure> {
    let engine = stage.driver.engine();
    let definitions = engine.deploy(run.files).await?;
    let before = started(engine, &definitions).await?;
    let mut watch = Watch {
        after: stage.trail.head().await?,
        own: BTreeSet::new(),
        strangers: BTreeSet::new(),
        lines: Vec::new(),
    };
    for (name, variables) in run.messages {
        let time_to_live_ms = MESSAGE_TIME_TO_LIVE_MS;
        engine.publish_message(Message { name, variables, time_to_live_ms, ..Message::default() }).await?;
    }
    stage.driver.settle().await;
    // A message may have started it; the oldest of them is the one to follow.
    let now = started(engine, &definitions).await?;
    let instance = match now.into_iter().rev().find(|key| !before.contains(key)) {
        Some(started) => started,
        None => {
            let process_id = definitions.first().map(|definition| definition.process_id.clone());
            let (variables, seed) = (run.variables, run.seed);
            engine.start(StartInstance { process_id, variables, seed, ..StartInstance::default() }).await?
        }
    };
    watch.own.insert(instance);
    let mut signals = run.signals.into_iter();
    loop {
        wait_until_still(stage, instance, &mut watch, on_line).await?;
        let Some(signal) = signals.next() else { break };
        engine.broadcast_signal(&signal, Variables::new()).await?;
    }
    watch.read(stage, on_line).await?;
    report(stage, instance, watch).await
}

/// The newest instances of these definitions, newest first.
async fn started(engine: &dyn ProcessEngine, definitions: &[Definition]) -> Result<Vec<i64>, Failure> {
    let recent = engine.instances(&InstanceFilter::default()).await?.into_iter();
    let is_one = |instance: &Instance| definitions.iter().any(|one| one.key == instance.definition);
    Ok(recent.filter(is_one).map(|instance| instance.key).collect())
}

/// What a run has seen of the trail.
struct Watch {
    after: i64,
    /// The instance and those it called.
    own: BTreeSet<i64>,
    /// Instances that have nothing to do with it.
    strangers: BTreeSet<i64>,
    lines: Vec<TraceEntry>,
}

impl Watch {
    /// Reads on, and hands out each line that belongs to the run.
    async fn read(&mut self, stage: &Stage<'_>, on_line: &mut dyn FnMut(&TraceEntry)) -> Result<(), Failure> {
        loop {
            let events = stage.trail.read(&Filter::default(), self.after, ENTRIES).await?;
            let Some(last) = events.last() else { return Ok(()) };
            self.after = last.position;
            for event in events {
                let Some(instance) = event.content.instance else { continue };
                if !self.belongs(stage, instance).await? {
                    continue;
                }
                let line = serde_json::from_value::<Event>(event.content.data).ok();
                if let Some(line) = line.as_ref().and_then(Event::trace_line) {
                    let seq = self.lines.len() as u64 + 1;
                    let (element, kind, event) = (line.element, line.kind, line.event.to_owned());
                    self.lines.push(TraceEntry { seq, element, kind, event });
                    self.lines.last().into_iter().for_each(&mut *on_line);
                }
            }
        }
    }

    async fn belongs(&mut self, stage: &Stage<'_>, instance: i64) -> Result<bool, Failure> {
        if stage.alone || self.own.contains(&instance) {
            return Ok(true);
        }
        if self.strangers.contains(&instance) {
            return Ok(false);
        }
        let parent = stage.driver.engine().instance(instance).await?.parent;
        let is_own = parent.is_some_and(|(caller, _)| self.own.contains(&caller));
        if is_own { &mut self.own } else { &mut self.strangers }.insert(instance);
        Ok(is_own)
    }
}

/// Returns when the instance has ended, or no job of the run is ready and none of its timers is set.
async fn wait_until_still(
    stage: &Stage<'_>,
    instance: i64,
    watch: &mut Watch,
    on_line: &mut dyn FnMut(&TraceEntry),
) -> Result<(), Failure> {
    let mut still = 0;
    while still < STILL_ROUNDS {
        tokio::time::sleep(stage.driver.pause()).await;
        stage.driver.settle().await;
        let seen = watch.after;
        watch.read(stage, on_line).await?;
        if stage.driver.engine().instance(instance).await?.status != Status::Active {
            return Ok(());
        }
        let moved = stage.alone && watch.after > seen;
        still = if moved || has_work(stage, watch).await? { 0 } else { still + 1 };
        if still == STILL_ROUNDS && has_timer(stage, watch).await? {
            still = 0;
        }
    }
    Ok(())
}

async fn has_work(stage: &Stage<'_>, watch: &Watch) -> Result<bool, Failure> {
    let mut filters: Vec<JobFilter> = Vec::new();
    if stage.alone {
        filters.push(JobFilter::default());
    } else {
        let of = |instance: &i64| JobFilter { instance: Some(*instance), ..JobFilter::default() };
        filters.extend(watch.own.iter().map(of));
    }
    for filter in filters {
        let jobs = stage.driver.engine().jobs(&filter).await?;
        let ready = |job: &engine::port::Job| {
            job.kind == JobKind::Service && job.spec.job_type.is_none() && job.retries > 0
        };
        if jobs.iter().any(ready) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn has_timer(stage: &Stage<'_>, watch: &Watch) -> Result<bool, Failure> {
    if let Driver::Camunda(engine) = stage.driver {
        for instance in &watch.own {
            if engine.goes_on(*instance).await? {
                return Ok(true);
            }
        }
        return Ok(engine.owed() > 0);
    }
    let waiting = stage.store.load_waiting().await?;
    Ok(waiting.timers.iter().any(|timer| stage.alone || watch.own.contains(&timer.instance)))
}

async fn report(stage: &Stage<'_>, instance: i64, watch: Watch) -> Result<DryRun, Failure> {
    let found = stage.driver.engine().instance(instance).await?;
    let mut incidents = BTreeMap::new();
    let all: Vec<i64> = if stage.alone { vec![instance] } else { watch.own.iter().copied().collect() };
    for key in all {
        incidents
            .extend(stage.driver.engine().incidents(Some(key)).await?.into_iter().map(|it| (it.key, it)));
    }
    let state = match found.status {
        Status::Completed => DryRunState::Completed,
        Status::Terminated => DryRunState::Terminated,
        Status::Failed => DryRunState::Failed,
        Status::Active if !incidents.is_empty() => DryRunState::Failed,
        Status::Active | Status::Suspended => DryRunState::Waiting,
    };
    let task_runs = stage.store.task_runs(instance).await?;
    let incidents = incidents.into_values().collect();
    Ok(DryRun { state, variables: found.variables, trace: watch.lines, incidents, task_runs })
}
