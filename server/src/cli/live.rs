//! A run for real: an engine in memory (or the data directory's), the microkernel with its PDOs and TDEs, until the
//! instance ends or waits for something outside.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bpmn::exec::Event;
use bpmn::program::{JobKind, Variables};
use engine::clock::SystemClock;
use engine::port::{DeployFile, JobFilter, Message, StartInstance, Status};
use engine::{Embedded, MemoryStore, ProcessEngine, Store};
use kernel::{DryRun, DryRunState, Microkernel, Parts, TraceEntry};
use tokio_util::sync::CancellationToken;
use trail::{Filter, Trail};

use crate::failure::Failure;
use crate::wiring::open_workspace;

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
    pub(crate) engine: String,
}

/// Runs until the instance ends, or nothing but something outside can move it on.
pub(crate) async fn live(run: LiveRun, workspace: PathBuf) -> Result<DryRun, Failure> {
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(SystemClock);
    let engine = Embedded::open(store.clone(), clock.clone()).await?;
    let mut parts = Parts::new(Arc::new(engine.clone()), clock)?;
    parts.trail = Some(store.clone());
    parts.workspace = Some(open_workspace(&workspace, parts.limits.file_bytes)?);
    let parts = Arc::new(parts);
    let stop = CancellationToken::new();
    let kernel = tokio::spawn(Microkernel::new(Arc::clone(&parts), stop.clone()).run());
    let timers = tokio::spawn({
        let (engine, stop) = (engine.clone(), stop.clone());
        async move { engine.run_timers(stop).await }
    });
    let ended = follow(&engine, &parts, &store, run).await;
    stop.cancel();
    let _ = tokio::join!(kernel, timers);
    ended
}

async fn follow(
    engine: &Embedded,
    parts: &Parts,
    store: &MemoryStore,
    run: LiveRun,
) -> Result<DryRun, Failure> {
    let definitions = engine.deploy(run.files).await?;
    for (name, variables) in run.messages {
        let time_to_live_ms = MESSAGE_TIME_TO_LIVE_MS;
        engine.publish_message(Message { name, variables, time_to_live_ms, ..Message::default() }).await?;
    }
    engine.settle().await;
    let instance = match engine.instances(&engine::port::InstanceFilter::default()).await?.first() {
        Some(started) => started.key,
        None => {
            let process_id = definitions.first().map(|definition| definition.process_id.clone());
            let (variables, seed) = (run.variables, run.seed);
            engine.start(StartInstance { process_id, variables, seed, ..StartInstance::default() }).await?
        }
    };
    let mut signals = run.signals.into_iter();
    loop {
        wait_until_still(engine, parts, instance).await?;
        let Some(signal) = signals.next() else { break };
        engine.broadcast_signal(&signal, Variables::new()).await?;
    }
    report(engine, store, instance).await
}

/// Returns when the instance has ended, or no worker is alive, no job is ready and no timer is set.
async fn wait_until_still(engine: &Embedded, parts: &Parts, instance: i64) -> Result<(), Failure> {
    let mut still = 0;
    while still < STILL_ROUNDS {
        tokio::time::sleep(PAUSE).await;
        engine.settle().await;
        if engine.instance(instance).await?.status != Status::Active {
            return Ok(());
        }
        let jobs = engine.jobs(&JobFilter::default()).await?;
        let ready = jobs
            .iter()
            .any(|job| job.kind == JobKind::Service && job.spec.job_type.is_none() && job.retries > 0);
        let due = engine.tick(parts.clock.now_ms()).await?.is_some();
        still = if parts.census.tdes() > 0 || ready || due { 0 } else { still + 1 };
    }
    Ok(())
}

async fn report(engine: &Embedded, store: &MemoryStore, instance: i64) -> Result<DryRun, Failure> {
    let found = engine.instance(instance).await?;
    let incidents = engine.incidents(Some(instance)).await?;
    let state = match found.status {
        Status::Completed => DryRunState::Completed,
        Status::Terminated => DryRunState::Terminated,
        Status::Failed => DryRunState::Failed,
        Status::Active if !incidents.is_empty() => DryRunState::Failed,
        Status::Active => DryRunState::Waiting,
    };
    let task_runs = store.task_runs(instance).await?;
    Ok(DryRun { state, variables: found.variables, trace: trace(store).await?, incidents, task_runs })
}

/// The trail of the token rules as trace lines.
pub(crate) async fn trace(trail: &dyn Trail) -> Result<Vec<TraceEntry>, Failure> {
    let mut lines: Vec<TraceEntry> = Vec::new();
    let mut after = 0;
    loop {
        let events = trail.read(&Filter::default(), after, ENTRIES).await;
        let events = events.map_err(|error| Failure::work(error.code(), &error, ""))?;
        let Some(last) = events.last() else { return Ok(lines) };
        after = last.position;
        for event in events {
            let line = serde_json::from_value::<Event>(event.content.data).ok();
            if let Some(line) = line.as_ref().and_then(Event::trace_line) {
                let seq = lines.len() as u64 + 1;
                lines.push(TraceEntry {
                    seq,
                    element: line.element,
                    kind: line.kind,
                    event: line.event.to_owned(),
                });
            }
        }
    }
}
