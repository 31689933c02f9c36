//! The PDO: manages one process instance by its template; asks the engine, spawns a TDE for each ready task, applies
//! the results, and ends with the instance.
//!
//! | action | does | gives |
//! | --- | --- | --- |
//! | ask engine | reads the instance, leases its ready jobs | `ended`, `ready`, `running`, `finished`, and where nothing is ready `previous`, `current`, `next` |
//! | spawn executors | one TDE for each leased job, higher priority first | `running` |
//! | apply results | completes, fails or throws, with the attempt number | `finished` |
//! | wait | until a TDE ends, the engine says something, or the poll time is over | `finished` |

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bpmn::program::{JobKind, Variables};
use engine::Error as EngineError;
use engine::port::{ActivateJobs, ElementState, Job, JobFailure, Record};
use futures::FutureExt;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::census::Worker;
use crate::interpret::{Perform, interpret};
use crate::tde::{self, Finished, Report};
use crate::{Action, Error, Parts};

/// Times a result is offered to an engine that fails, before the lease is left to expire.
const OFFERS: u32 = 5;
/// How many times longer than the poll time an idle PDO waits where the engine tells what happens.
const LONGEST_IDLE: u32 = 16;
/// Milliseconds after the pause of a failed job until the PDO looks for it: the engine's clock ticks too.
const RETRY_SLACK_MS: u64 = 50;
/// Element ids listed in a PDO's own variables.
const LISTED: usize = 50;

/// Manages one instance to its end; returns its key, also where it breaks down, so that another PDO can take over.
pub(crate) async fn run(instance: i64, parts: Arc<Parts>, poke: Arc<Notify>, stop: CancellationToken) -> i64 {
    if AssertUnwindSafe(manage(instance, parts, poke, stop)).catch_unwind().await.is_err() {
        tracing::error!(instance, "the PDO broke down; another one takes over");
    }
    instance
}

async fn manage(instance: i64, parts: Arc<Parts>, poke: Arc<Notify>, stop: CancellationToken) {
    let _ticket = parts.census.enter(Worker::Pdo);
    let mut pdo = Pdo::new(instance, parts, poke, stop);
    pdo.await_work().await;
    while !pdo.is_done() {
        let outcome = match pdo.parts.templates.pdo() {
            Ok(template) => {
                let now_ms = pdo.parts.clock.now_ms();
                interpret(&template, now_ms, &mut pdo).await
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => break,
            // A long-lived instance: the template starts afresh, all that matters is in the engine and in here.
            Err(Error::Runaway { .. }) => {}
            Err(error) => {
                tracing::warn!(instance, %error, "the PDO's template failed; it starts again");
                pdo.pause().await;
            }
        }
    }
    pdo.tasks.shutdown().await;
    if pdo.ended {
        pdo.parts.holdings.release(instance);
    }
}

struct Pdo {
    instance: i64,
    parts: Arc<Parts>,
    poke: Arc<Notify>,
    stop: CancellationToken,
    ended: bool,
    /// Nothing has happened for long, and many others are idle too.
    resting: bool,
    /// Cancelled when the instance ends, or when the grace after a stop is over.
    cancel: CancellationToken,
    ready: Vec<Job>,
    tasks: JoinSet<Finished>,
    running: HashMap<Id, Job>,
    finished: Vec<(Finished, u32)>,
    extended: Instant,
    /// Waits in a row in which nothing happened.
    idle: u32,
    /// When a failed job may be tried again.
    retry_at: Option<Instant>,
    stopped_at: Option<Instant>,
}

impl Pdo {
    fn new(instance: i64, parts: Arc<Parts>, poke: Arc<Notify>, stop: CancellationToken) -> Self {
        Self {
            instance,
            parts,
            poke,
            stop,
            ended: false,
            resting: false,
            cancel: CancellationToken::new(),
            ready: Vec::new(),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            finished: Vec::new(),
            extended: Instant::now(),
            idle: 0,
            retry_at: None,
            stopped_at: None,
        }
    }

    fn is_done(&self) -> bool {
        (self.ended || self.resting || self.stop.is_cancelled())
            && self.running.is_empty()
            && self.finished.is_empty()
    }

    /// Whether the engine tells of every change; the others must be asked.
    fn is_told(&self) -> bool {
        self.parts.engine.name() == "embedded"
    }

    /// How long an idle PDO waits: ever longer where the engine tells what happens.
    fn idle_time(&self, is_told: bool) -> Duration {
        let longer = if is_told { (1 << self.idle.min(8)).min(LONGEST_IDLE) } else { 1 };
        Duration::from_millis(self.parts.limits.poll_ms) * longer
    }

    /// Waits for the instance's first job, or its end: most instances have tasks of others alone, and then there is
    /// nothing to manage.
    async fn await_work(&mut self) {
        while self.is_told() && !self.stop.is_cancelled() && !self.parts.engine.has_work(self.instance) {
            tokio::select! {
                () = self.poke.notified() => self.idle = 0,
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(self.idle_time(true)) => {
                    self.idle = self.idle.saturating_add(1);
                    self.resting = self.may_rest();
                }
            }
            self.ended = match self.parts.engine.instance(self.instance).await {
                Ok(found) => !found.status.is_open(),
                Err(error) => matches!(error, EngineError::NotFound { .. }),
            };
            if self.ended || self.resting {
                return;
            }
        }
        self.idle = 0;
    }

    fn counts(&self) -> Variables {
        let stopping = self.stop.is_cancelled() || self.resting;
        [
            ("ended".to_owned(), json!(self.ended || stopping)),
            ("ready".to_owned(), json!(self.ready.len())),
            ("running".to_owned(), json!(self.running.len())),
            ("finished".to_owned(), json!(self.finished.len())),
        ]
        .into_iter()
        .collect()
    }

    async fn ask_engine(&mut self) -> Result<Variables, Error> {
        let mut decided = Variables::new();
        match self.parts.engine.instance(self.instance).await {
            Ok(found) => {
                self.ended = !found.status.is_open();
                decided = found.variables;
            }
            Err(EngineError::NotFound { .. }) => self.ended = true,
            Err(error) => {
                tracing::warn!(instance = self.instance, %error, "the engine did not answer the PDO");
                return Ok(self.counts());
            }
        }
        if self.ended {
            self.cancel.cancel();
            return Ok(self.counts());
        }
        let free =
            self.parts.limits.executors_per_instance.saturating_sub(self.running.len() + self.ready.len());
        if free > 0 && !self.stop.is_cancelled() {
            let request = ActivateJobs {
                worker: format!("pdo-{}", self.instance),
                instance: Some(self.instance),
                job_types: None,
                max: free,
                lease_ms: self.parts.limits.lease_ms,
                wait_ms: 0,
            };
            match self.parts.engine.activate_jobs(request).await {
                // Tasks of people are theirs, whatever an engine hands out.
                Ok(jobs) => self.ready.extend(jobs.into_iter().filter(|job| job.kind == JobKind::Service)),
                Err(error) => tracing::warn!(instance = self.instance, %error, "no jobs could be leased"),
            }
            self.pass_on_decisions(&decided);
        }
        let mut variables = self.counts();
        if self.ready.is_empty() && self.running.is_empty() && self.finished.is_empty() {
            // Only where it is about to wait: the list of what happened grows with the instance.
            if let Ok(state) = self.parts.engine.state(self.instance).await {
                let ids = |elements: &[ElementState]| -> Value {
                    elements.iter().rev().take(LISTED).map(|element| element.node.clone()).collect()
                };
                variables.insert("previous".to_owned(), ids(&state.previous));
                variables.insert("current".to_owned(), ids(&state.current));
                variables.insert("next".to_owned(), state.next.into_iter().take(LISTED).collect());
            }
        }
        Ok(variables)
    }

    /// What a person decided after a first attempt is meant for the task, whatever inputs it declares.
    fn pass_on_decisions(&mut self, process: &Variables) {
        for job in self.ready.iter_mut().filter(|job| job.attempt > 1) {
            let name = tde::decision_name(&job.element);
            if let Some(decision) = process.get(&name) {
                job.variables.insert(name, decision.clone());
            }
        }
    }

    fn spawn_executors(&mut self) -> Variables {
        self.ready.sort_by_key(|job| std::cmp::Reverse(job.priority));
        for job in self.ready.drain(..) {
            let parts = Arc::clone(&self.parts);
            let work = tde::run(job.clone(), parts, self.cancel.child_token());
            let handle = self.tasks.spawn(work);
            self.running.insert(handle.id(), job);
        }
        self.counts()
    }

    async fn apply_results(&mut self) -> Variables {
        for (finished, offers) in std::mem::take(&mut self.finished) {
            let (key, attempt) = (finished.job, finished.attempt);
            if let Report::Fail { failure, .. } = &finished.report
                && failure.retries_left > 0
            {
                let pause = Duration::from_millis(failure.backoff_ms.unsigned_abs() + RETRY_SLACK_MS);
                self.retry_at =
                    Some(self.retry_at.map_or(Instant::now() + pause, |at| at.min(Instant::now() + pause)));
            }
            match self.apply(&finished).await {
                Ok(()) => {}
                Err(EngineError::Stale { .. } | EngineError::NotFound { .. } | EngineError::Conflict(_)) => {
                    self.record_late(&finished).await;
                }
                Err(error @ (EngineError::Limit { .. } | EngineError::Invalid(_))) => {
                    let failure = JobFailure {
                        code: error.code().to_owned(),
                        message: error.to_string(),
                        retries_left: 0,
                        backoff_ms: 0,
                    };
                    if let Err(error) =
                        self.parts.engine.fail_job(key, attempt, failure, Record::default()).await
                    {
                        tracing::warn!(job = key, %error, "a refused result could not be reported");
                    }
                }
                Err(error) if offers < OFFERS => {
                    tracing::warn!(job = key, %error, "the engine did not take a result; it is offered again");
                    self.pause().await;
                    self.finished.push((finished, offers + 1));
                }
                Err(error) => {
                    tracing::error!(job = key, %error, "a result is given up; the lease will expire")
                }
            }
        }
        self.counts()
    }

    async fn apply(&self, finished: &Finished) -> Result<(), EngineError> {
        let engine = &self.parts.engine;
        let (key, attempt) = (finished.job, finished.attempt);
        match finished.report.clone() {
            Report::Complete { variables, record } => {
                engine.complete_job(key, attempt, variables, record).await
            }
            Report::Fail { failure, record } => engine.fail_job(key, attempt, failure, record).await,
            Report::Throw { error, record } => engine.throw_error(key, attempt, error, record).await,
            // The engine ended the job itself.
            Report::Cancelled => Ok(()),
        }
    }

    async fn record_late(&self, finished: &Finished) {
        tracing::info!(job = finished.job, attempt = finished.attempt, "a result came late and was refused");
        // The embedded engine has recorded it already.
        let trail = self.parts.trail.as_ref().filter(|_| self.parts.engine.name() != "embedded");
        if let Some(trail) = trail {
            let mut event = trail::NewEvent::new("task.refused", self.parts.clock.now_ms());
            event.actor = "pdo".to_owned();
            event.instance = Some(self.instance);
            event.element = Some(finished.element.clone());
            event.data =
                json!({"job": finished.job, "attempt": finished.attempt, "why": "the result came late"});
            if let Err(error) = trail.append(vec![event]).await {
                tracing::warn!(%error, "a late result could not be recorded");
            }
        }
    }

    async fn wait(&mut self) -> Variables {
        let tells = self.is_told() && self.running.is_empty();
        let mut poll = self.idle_time(tells);
        if let Some(at) = self.retry_at {
            poll = poll.min(at.saturating_duration_since(Instant::now()));
            // Once its time has come it is looked for at the usual pace.
            self.retry_at = Some(at).filter(|at| *at > Instant::now());
        }
        self.idle = if self.retry_at.is_some() { 0 } else { self.idle.saturating_add(1) };
        if self.stop.is_cancelled() {
            let since = *self.stopped_at.get_or_insert_with(Instant::now);
            if since.elapsed() > Duration::from_millis(self.parts.limits.grace_ms) {
                self.cancel.cancel();
            }
        }
        if self.finished.is_empty() && !(self.stop.is_cancelled() && self.running.is_empty()) {
            let stop = self.stop.clone();
            let stopping = stop.is_cancelled();
            tokio::select! {
                Some(joined) = self.tasks.join_next_with_id() => self.take(joined),
                () = self.poke.notified() => self.idle = 0,
                () = stop.cancelled(), if !stopping => {}
                () = tokio::time::sleep(poll) => self.resting = tells && self.may_rest(),
            }
        }
        while let Some(joined) = self.tasks.try_join_next_with_id() {
            self.take(joined);
        }
        self.extend_leases().await;
        self.counts()
    }

    /// Whether it can leave memory until its instance has something for it.
    fn may_rest(&self) -> bool {
        self.parts.census.pdos() > self.parts.limits.idle_orchestrators
            && !self.parts.engine.has_work(self.instance)
    }

    fn take(&mut self, joined: Result<(Id, Finished), JoinError>) {
        match joined {
            Ok((id, finished)) => {
                self.running.remove(&id);
                self.finished.push((finished, 0));
            }
            Err(error) => {
                if let Some(job) = self.running.remove(&error.id()) {
                    self.finished.push((Finished::broken(&job, &error.to_string()), 0));
                }
            }
        }
    }

    /// A lease is extended at a third of its time, so that two extensions may be lost.
    async fn extend_leases(&mut self) {
        let lease_ms = self.parts.limits.lease_ms;
        if self.extended.elapsed().as_millis() < u128::try_from(lease_ms / 3).unwrap_or(0) {
            return;
        }
        self.extended = Instant::now();
        for job in self.running.values() {
            if let Err(error) = self.parts.engine.extend_lease(job.key, job.attempt, lease_ms).await {
                tracing::debug!(job = job.key, %error, "a lease could not be extended");
            }
        }
    }

    async fn pause(&self) {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(self.parts.limits.poll_ms.min(200))) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

#[async_trait]
impl Perform for Pdo {
    async fn perform(&mut self, action: Action) -> Result<Variables, Error> {
        match action {
            Action::AskEngine => self.ask_engine().await,
            Action::SpawnExecutors => Ok(self.spawn_executors()),
            Action::ApplyResults => Ok(self.apply_results().await),
            Action::Wait => Ok(self.wait().await),
            other => Err(Error::Step {
                template: "pdo".to_owned(),
                problem: format!("{:?} is an action of a TDE", other.job_type()),
            }),
        }
    }
}
