//! A dry run: a process on an engine of its own in memory, with a clock that jumps to the next timer when nothing
//! else is ready. FEEL and seeded draws execute; whatever has effects completes with a given result, or with nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpmn::exec::Event;
use bpmn::program::{JobKind, Variables};
use engine::clock::{Clock, ManualClock};
use engine::port::{
    ActivateJobs, DeployFile, Incident, Instance, Job, JobFilter, Message, StartInstance, Status, TaskRun,
};
use engine::{Embedded, MemoryStore, ProcessEngine, Store};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use trail::{Filter, Trail};

use crate::tde::{self, Report};
use crate::{Error, Parts};

/// Rounds of a dry run: jobs done at once, or a jump of the clock.
const MAX_ROUNDS: usize = 100_000;
/// Jumps of the clock.
const MAX_JUMPS: usize = 10_000;
/// The clock does not jump further than this from its start: fifty years, in milliseconds.
const HORIZON_MS: i64 = 50 * 365 * 86_400_000;
/// Jobs leased at once, and instances looked at.
const PAGE: usize = 200;
/// Trail entries read at once.
const ENTRIES: usize = 1_000;

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct DryRunOptions {
    /// Process id; the first process of the files where none is given.
    pub process_id: Option<String>,
    /// Variables of the process.
    pub variables: Variables,
    /// Seed of the draws.
    pub seed: u64,
    /// The time at which it starts, milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Results of tasks that are not executed, by element id.
    pub results: BTreeMap<String, Variables>,
    /// Messages published at the start, with what they carry; they wait for a receiver.
    pub messages: Vec<(String, Variables)>,
    /// Signals broadcast in order, each once the instance waits.
    pub signals: Vec<String>,
}

/// One line of the trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceEntry {
    /// 1, 2, 3, …
    pub seq: u64,
    /// Element id.
    pub element: String,
    /// BPMN local name.
    pub kind: String,
    /// `activated`, `completed`, `terminated`, `taken`, `incident`.
    pub event: String,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DryRunState {
    /// The instance completed.
    Completed,
    /// The instance was cancelled.
    Terminated,
    /// An incident is open and nothing is ready, or an error was not caught.
    Failed,
    /// It waits for something that was not given.
    Waiting,
}

/// What a dry run gave.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// How it ended.
    pub state: DryRunState,
    /// Variables of the process at the end.
    pub variables: Variables,
    /// What happened, in order.
    pub trace: Vec<TraceEntry>,
    /// Open incidents.
    pub incidents: Vec<Incident>,
    /// How each task was executed.
    pub task_runs: Vec<TaskRun>,
}

/// Runs a process of these files.
///
/// # Errors
/// Where the files cannot be deployed or the process cannot be started.
pub async fn dry_run(files: Vec<DeployFile>, options: DryRunOptions) -> Result<DryRun, Error> {
    let store = Arc::new(MemoryStore::new());
    let clock = ManualClock::at(options.now_ms);
    let engine = Embedded::open(store.clone(), Arc::new(clock.clone())).await?;
    let mut parts = Parts::new(Arc::new(engine.clone()), Arc::new(clock.clone()))?;
    parts.dry_results.clone_from(&options.results);
    let instance = begin(&engine, files, &options).await?;
    let mut run = Run {
        engine,
        parts: Arc::new(parts),
        clock,
        instance,
        signals: options.signals.into_iter().collect(),
    };
    run.drive(options.now_ms).await?;
    run.report(&store).await
}

/// Deploys, publishes the messages, starts; a message may itself start the process.
async fn begin(engine: &Embedded, files: Vec<DeployFile>, options: &DryRunOptions) -> Result<i64, Error> {
    let definitions = engine.deploy(files).await?;
    for (name, variables) in &options.messages {
        let message = Message {
            name: name.clone(),
            variables: variables.clone(),
            time_to_live_ms: 2 * HORIZON_MS,
            ..Message::default()
        };
        engine.publish_message(message).await?;
    }
    engine.settle().await;
    if let Some(started) = engine.open_instances(0, 1).await?.first() {
        return Ok(*started);
    }
    let first = definitions.first().map(|definition| definition.process_id.clone());
    let request = StartInstance {
        process_id: options.process_id.clone().or(first),
        variables: options.variables.clone(),
        seed: options.seed,
        dry_run: true,
        ..StartInstance::default()
    };
    Ok(engine.start(request).await?)
}

struct Run {
    engine: Embedded,
    parts: Arc<Parts>,
    clock: ManualClock,
    instance: i64,
    signals: std::collections::VecDeque<String>,
}

impl Run {
    /// Works until nothing is ready, no signal is left and no timer is set.
    async fn drive(&mut self, start_ms: i64) -> Result<(), Error> {
        let mut jumps = 0;
        for _ in 0..MAX_ROUNDS {
            self.engine.settle().await;
            if self.do_ready_jobs().await? {
                continue;
            }
            if self.engine.open_instances(0, 1).await?.is_empty() {
                return Ok(());
            }
            if let Some(signal) = self.signals.pop_front() {
                self.engine.broadcast_signal(&signal, Variables::new()).await?;
                continue;
            }
            let now_ms = self.clock.now_ms();
            match self.engine.tick(now_ms).await? {
                Some(due_ms) if due_ms <= start_ms.saturating_add(HORIZON_MS) && jumps < MAX_JUMPS => {
                    jumps += 1;
                    self.clock.advance((due_ms - now_ms).max(0));
                    self.engine.tick(self.clock.now_ms()).await?;
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Does all jobs that are ready; false where there was none.
    async fn do_ready_jobs(&self) -> Result<bool, Error> {
        let mut done = false;
        let waiting = self.engine.jobs(&JobFilter { limit: PAGE, ..JobFilter::default() }).await?;
        let outside: Vec<String> = waiting.iter().filter_map(|job| job.spec.job_type.clone()).collect();
        for job_types in [None, Some(outside)] {
            if job_types.as_ref().is_some_and(Vec::is_empty) {
                continue;
            }
            let request = ActivateJobs {
                worker: "dry run".to_owned(),
                job_types,
                max: PAGE,
                lease_ms: 60_000,
                ..ActivateJobs::default()
            };
            for job in self.engine.activate_jobs(request).await? {
                done = true;
                self.execute(job).await?;
            }
        }
        for job in waiting.into_iter().filter(|job| job.kind == JobKind::User) {
            done = true;
            let result = self.parts.dry_results.get(&job.element).cloned().unwrap_or_default();
            self.engine.complete_user_task(job.key, "dry run", result).await?;
        }
        Ok(done)
    }

    async fn execute(&self, mut job: Job) -> Result<(), Error> {
        // Also where an instance was started by a message, which cannot say so.
        job.dry_run = true;
        let finished = tde::run(job, Arc::clone(&self.parts), CancellationToken::new()).await;
        let (key, attempt) = (finished.job, finished.attempt);
        match finished.report {
            Report::Complete { variables, record } => {
                self.engine.complete_job(key, attempt, variables, record).await?;
            }
            Report::Fail { failure, record } => self.engine.fail_job(key, attempt, failure, record).await?,
            Report::Throw { error, record } => self.engine.throw_error(key, attempt, error, record).await?,
            Report::Cancelled => {}
        }
        Ok(())
    }

    async fn report(&self, store: &MemoryStore) -> Result<DryRun, Error> {
        let found: Instance = self.engine.instance(self.instance).await?;
        let incidents = self.engine.incidents(Some(self.instance)).await?;
        let state = match found.status {
            Status::Completed => DryRunState::Completed,
            Status::Terminated => DryRunState::Terminated,
            Status::Failed => DryRunState::Failed,
            Status::Active if found.incidents > 0 || !incidents.is_empty() => DryRunState::Failed,
            Status::Active | Status::Suspended => DryRunState::Waiting,
        };
        let task_runs = store.task_runs(self.instance).await?;
        Ok(DryRun { state, variables: found.variables, trace: trace(store).await?, incidents, task_runs })
    }
}

/// The trail of the token rules as trace lines.
async fn trace(store: &MemoryStore) -> Result<Vec<TraceEntry>, Error> {
    let mut lines = Vec::new();
    let mut after = 0;
    loop {
        let events = store.read(&Filter::default(), after, ENTRIES).await?;
        let Some(last) = events.last() else { return Ok(lines) };
        after = last.position;
        for event in &events {
            let line = serde_json::from_value::<Event>(event.content.data.clone()).ok();
            if let Some(line) = line.as_ref().and_then(Event::trace_line) {
                lines.push(TraceEntry {
                    seq: lines.len() as u64 + 1,
                    element: line.element,
                    kind: line.kind,
                    event: line.event.to_owned(),
                });
            }
        }
    }
}
