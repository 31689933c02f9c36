//! A run for real: on an engine of its own in memory that is gone afterwards, or in a data directory that keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bpmn::exec::Event;
use bpmn::program::{JobKind, Variables};
use engine::clock::SystemClock;
use engine::port::{DeployFile, Instance, InstanceFilter, JobFilter, Message, StartInstance, Status};
use engine::{Embedded, MemoryStore, ProcessEngine, Store};
use kernel::{DryRun, DryRunState, Launcher, Microkernel, Outside, Parts, Tools, TraceEntry};
use tokio_util::sync::CancellationToken;
use trail::{Filter, Trail};

use crate::failure::Failure;
use crate::wiring::{Assembly, open_workspace};

/// How long the instance must stand still before it counts as waiting, in rounds of [`PAUSE`].
const STILL_ROUNDS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(20);
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

/// Takes each line of the trace as it happens.
pub(crate) type OnLine<'a> = &'a mut dyn FnMut(&TraceEntry);

/// Runs on an engine in memory until the instance ends, or nothing but something outside can move it on.
pub(crate) async fn in_memory(
    run: LiveRun,
    workspace: PathBuf,
    outside: Outside,
    on_line: OnLine<'_>,
) -> Result<DryRun, Failure> {
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(SystemClock);
    let engine = Embedded::open(store.clone(), clock.clone()).await?;
    let mut parts = Parts::new(Arc::new(engine.clone()), clock)?;
    parts.trail = Some(store.clone());
    parts.workspace = Some(open_workspace(&workspace, parts.limits.file_bytes)?);
    parts.outside = outside;
    let scratch = std::env::temp_dir().join(format!("procos-scratch-{}", std::process::id()));
    parts.tools = Some(Tools::load(Launcher::own(), scratch.clone(), None));
    let stop = CancellationToken::new();
    let kernel = tokio::spawn(Microkernel::new(Arc::new(parts), stop.clone()).run());
    let timers = tokio::spawn({
        let (engine, stop) = (engine.clone(), stop.clone());
        async move { engine.run_timers(stop).await }
    });
    let stage = Stage { engine: &engine, trail: store.as_ref(), store: store.as_ref(), alone: true };
    let ended = follow(&stage, run, on_line).await;
    stop.cancel();
    let _ = tokio::join!(kernel, timers);
    // It is only there where a tool ran.
    let _none = std::fs::remove_dir_all(scratch);
    ended
}

/// The same in a data directory, beside whatever else runs there.
pub(crate) async fn in_directory(
    run: LiveRun,
    assembly: &Assembly,
    on_line: OnLine<'_>,
) -> Result<DryRun, Failure> {
    let Some(engine) = &assembly.embedded else {
        let hint = "start it through the server, or set engine.kind to embedded";
        return Err(Failure::wrong_call("CLI-0008", "`run` follows instances of the embedded engine", hint));
    };
    let stage = Stage { engine, trail: &assembly.database, store: &assembly.database, alone: false };
    follow(&stage, run, on_line).await
}

/// Where a run takes place.
struct Stage<'a> {
    engine: &'a Embedded,
    trail: &'a dyn Trail,
    store: &'a dyn Store,
    /// Nothing else runs here: whatever happens belongs to this run.
    alone: bool,
}

async fn follow(stage: &Stage<'_>, run: LiveRun, on_line: OnLine<'_>) -> Result<DryRun, Failure> {
    let engine = stage.engine;
    let definitions = engine.deploy(run.files).await?;
    let newest = InstanceFilter { limit: 1, ..InstanceFilter::default() };
    let before = engine.instances(&newest).await?.first().map_or(0, |instance| instance.key);
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
    engine.settle().await;
    let recent = engine.instances(&InstanceFilter::default()).await?;
    let is_ours = |instance: &&Instance| {
        instance.key > before && definitions.iter().any(|definition| definition.key == instance.definition)
    };
    // A message may have started it; the oldest of them is the one to follow.
    let instance = match recent.iter().rev().find(is_ours) {
        Some(started) => started.key,
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
        let parent = stage.engine.instance(instance).await?.parent;
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
        tokio::time::sleep(PAUSE).await;
        stage.engine.settle().await;
        let seen = watch.after;
        watch.read(stage, on_line).await?;
        if stage.engine.instance(instance).await?.status != Status::Active {
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
        let jobs = stage.engine.jobs(&filter).await?;
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
    let waiting = stage.store.load_waiting().await?;
    Ok(waiting.timers.iter().any(|timer| stage.alone || watch.own.contains(&timer.instance)))
}

async fn report(stage: &Stage<'_>, instance: i64, watch: Watch) -> Result<DryRun, Failure> {
    let found = stage.engine.instance(instance).await?;
    let mut incidents = BTreeMap::new();
    let all: Vec<i64> = if stage.alone { vec![instance] } else { watch.own.iter().copied().collect() };
    for key in all {
        incidents.extend(stage.engine.incidents(Some(key)).await?.into_iter().map(|it| (it.key, it)));
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
