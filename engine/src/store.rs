//! The port by which the embedded engine keeps its state: one transaction for everything a command did.
//!
//! Implemented in memory here (tests, dry runs) and in SQL by `persistence`.

use async_trait::async_trait;
use bpmn::program::Variables;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::port::{Attempt, DecisionRequirements, Definition, Instance, InstanceFilter, Status, TaskRun};

/// Organisation and actor of rows and events where nobody said otherwise.
pub const LOCAL: &str = "local";

/// Keeps definitions, instances and what belongs to them.
#[async_trait]
pub trait Store: Send + Sync {
    /// Applies everything in `commit` in one transaction, or nothing; returns after it is durable, with the trail
    /// position of its last event (the newest position where it has none). One writer: commits are serialised, and
    /// several that wait are written in one physical transaction (group commit).
    async fn commit(&self, commit: Commit) -> Result<i64, Error>;
    /// Reserves `count` fresh keys (definitions, instances, messages share one sequence); returns the first.
    /// Keys are never given twice, also after a crash; the first key ever is 1.
    async fn reserve_keys(&self, count: u32) -> Result<i64, Error>;

    /// All definitions with their XML, oldest first.
    async fn definitions(&self) -> Result<Vec<(Definition, String)>, Error>;
    /// All DMN files with their XML, oldest first; none where the store keeps none.
    async fn decisions(&self) -> Result<Vec<(DecisionRequirements, String)>, Error> {
        Ok(Vec::new())
    }
    /// One instance with its full state.
    async fn load_instance(&self, key: i64) -> Result<Option<StoredInstance>, Error>;
    /// Instances that match, newest first, without their full state.
    async fn instances(&self, filter: &InstanceFilter) -> Result<Vec<Instance>, Error>;
    /// Instances in this state, newest first, those with a key less than `before`, at most `limit` (1 to 10,000); no
    /// more of each than the engine holds in memory.
    async fn outlines(
        &self,
        status: Status,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<InstanceOutline>, Error> {
        let filter = InstanceFilter { status: Some(status), before, limit, ..InstanceFilter::default() };
        Ok(self.instances(&filter).await?.into_iter().map(InstanceOutline::from).collect())
    }
    /// Everything the engine indexes in memory, for start-up: waiting jobs, timers, subscriptions, messages.
    async fn load_waiting(&self) -> Result<Waiting, Error>;
    /// The same without the jobs.
    async fn load_waiting_besides_jobs(&self) -> Result<Waiting, Error> {
        Ok(Waiting { jobs: Vec::new(), ..self.load_waiting().await? })
    }
    /// Waiting jobs, oldest first, those with a key greater than `after`, at most `limit` (1 to 10,000); no more of
    /// each than the engine holds in memory.
    async fn job_outlines(&self, after: i64, limit: usize) -> Result<Vec<JobOutline>, Error> {
        let jobs = self.load_waiting().await?.jobs.into_iter().filter(|job| job.key > after);
        Ok(jobs.take(limit).map(|job| job.parted().0).collect())
    }
    /// Variables of waiting jobs; what is not there is left out.
    async fn job_variables(&self, keys: &[i64]) -> Result<Vec<(i64, Variables)>, Error> {
        let jobs = self.load_waiting().await?.jobs.into_iter().filter(|job| keys.contains(&job.key));
        Ok(jobs.map(|job| (job.key, job.variables)).collect())
    }
    /// The same of one instance; messages and work that is owed belong to none and are all there.
    async fn load_waiting_of(&self, instance: i64) -> Result<Waiting, Error> {
        let mut waiting = self.load_waiting().await?;
        waiting.jobs.retain(|job| job.instance == instance);
        waiting.timers.retain(|timer| timer.instance == instance);
        waiting.subscriptions.retain(|subscription| subscription.instance == instance);
        Ok(waiting)
    }
    /// The result of an earlier command with this idempotency key.
    async fn find_idempotent(&self, key: &str) -> Result<Option<i64>, Error>;

    /// How tasks of an instance were executed, oldest first.
    async fn task_runs(&self, instance: i64) -> Result<Vec<TaskRun>, Error>;
    /// Attempts counted by subject: what scores are computed from.
    async fn score_counts(&self, filter: &ScoreFilter) -> Result<Vec<ScoreCount>, Error>;
    /// The same for each version of a subject by itself, the newest `limit` versions, newest first. Every attempt is read:
    /// whoever asks often should see first whether [`Store::score_counts`] has changed.
    async fn version_counts(
        &self,
        subject_kind: &str,
        subject: &str,
        limit: usize,
    ) -> Result<Vec<ScoreCount>, Error>;
    /// Single attempts of a subject, newest first, at most `limit`: what trends are computed from.
    async fn attempts(&self, subject_kind: &str, subject: &str, limit: usize) -> Result<Vec<Attempt>, Error>;
}

/// Which counts to read; every field that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreFilter {
    /// Only of this kind: `process`, `task`, `prompt`, `tool`, `model`.
    pub subject_kind: Option<String>,
    /// Only of this subject.
    pub subject: Option<String>,
}

/// How often a subject was tried and succeeded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreCount {
    /// `process`, `task`, `prompt`, `tool`, `model`.
    pub subject_kind: String,
    /// Which one.
    pub subject: String,
    /// Which version of it; none: all of them together.
    pub version: Option<i32>,
    /// Finished attempts.
    pub attempts: u64,
    /// Those that succeeded.
    pub successes: u64,
    /// Sum of their durations, milliseconds.
    pub duration_ms: i64,
    /// Sum of their costs, in the endpoints' currency.
    pub cost: f64,
    /// When the newest ended, milliseconds since the Unix epoch.
    pub last_ms: i64,
}

/// An instance as it is kept: what everybody sees, and the engine's own state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredInstance {
    /// What everybody sees.
    pub instance: Instance,
    /// The engine's state as JSON text: `bpmn::exec::State` with what the engine adds (element history, calls,
    /// incidents). Text, so that it is written once and never parsed on the way to the table.
    pub state: String,
}

/// What the engine holds in memory of an instance that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceOutline {
    /// Its key.
    pub key: i64,
    /// Definition key.
    pub definition: i64,
    /// Open incidents.
    pub incidents: u32,
    /// Business key.
    pub business_key: Option<String>,
    /// Seed of its random draws.
    pub seed: u64,
    /// Whether it is a dry run.
    pub dry_run: bool,
}

impl From<Instance> for InstanceOutline {
    fn from(instance: Instance) -> Self {
        Self {
            key: instance.key,
            definition: instance.definition,
            incidents: instance.incidents,
            business_key: instance.business_key,
            seed: instance.seed,
            dry_run: instance.dry_run,
        }
    }
}

/// What one command changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// New definitions with their XML.
    pub definitions: Vec<(Definition, String)>,
    /// New DMN files with their XML.
    pub decisions: Vec<(DecisionRequirements, String)>,
    /// Instances to insert or replace.
    pub instances: Vec<StoredInstance>,
    /// Jobs to insert or replace.
    pub jobs: Vec<StoredJob>,
    /// Leases of existing jobs to set or clear; a job that is gone is left alone.
    pub leases: Vec<JobLease>,
    /// Jobs to delete, by key.
    pub ended_jobs: Vec<i64>,
    /// Timers to insert.
    pub timers: Vec<StoredTimer>,
    /// Timers to delete: (instance, number).
    pub ended_timers: Vec<(i64, u32)>,
    /// Subscriptions to insert.
    pub subscriptions: Vec<StoredSubscription>,
    /// Subscriptions to delete: (instance, number).
    pub ended_subscriptions: Vec<(i64, u32)>,
    /// Messages to buffer.
    pub messages: Vec<StoredMessage>,
    /// Buffered messages to delete, by key.
    pub ended_messages: Vec<i64>,
    /// How tasks were executed.
    pub task_runs: Vec<TaskRun>,
    /// What counts in scores.
    pub attempts: Vec<Attempt>,
    /// Trail events, in order.
    pub events: Vec<trail::NewEvent>,
    /// Effects on other parts.
    pub outbox: Vec<trail::OutboxItem>,
    /// Work the engine owes after this commit.
    pub follow_ups: Vec<StoredFollowUp>,
    /// Follow-ups that are done, by key.
    pub ended_follow_ups: Vec<i64>,
    /// Idempotency key of the command with its result. A key that is taken refuses the whole commit with
    /// [`Error::Conflict`].
    pub idempotent: Option<(String, i64)>,
    /// Organisation of every row; empty is [`LOCAL`].
    pub organisation: String,
    /// Who caused it; empty is [`LOCAL`].
    pub actor: String,
}

/// The lease columns of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLease {
    /// The job.
    pub key: i64,
    /// Attempts begun so far.
    pub attempt: u32,
    /// Retries left.
    pub retries: u32,
    /// Who holds the lease; `None`: nobody.
    pub worker: Option<String>,
    /// When it ends, milliseconds since the Unix epoch.
    pub lease_until_ms: Option<i64>,
    /// Not leased before this time (back-off).
    pub not_before_ms: i64,
}

/// Work the engine owes after a commit; kept until done, so that a crash in between loses nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredFollowUp {
    /// Its key.
    pub key: i64,
    /// What is to be done.
    pub action: FollowUp,
}

/// What the engine owes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "follow_up", rename_all = "snake_case")]
pub enum FollowUp {
    /// Go on with an instance whose step used up its budget.
    Continue {
        /// The instance.
        instance: i64,
    },
    /// Tell the caller that a called instance ended well.
    CallCompleted {
        /// The calling instance.
        instance: i64,
        /// Number of the call in it.
        call: u32,
        /// What the called instance hands up.
        variables: Variables,
    },
    /// Tell the caller that a called instance failed or was cancelled.
    CallFailed {
        /// The calling instance.
        instance: i64,
        /// Number of the call in it.
        call: u32,
        /// Error code.
        code: String,
        /// In words.
        message: String,
        /// True when the called instance threw the error and did not catch it, false when it was cancelled.
        thrown: bool,
    },
    /// Cancel a called instance.
    CancelCalled {
        /// The called instance.
        instance: i64,
        /// Why.
        reason: String,
    },
    /// Broadcast a signal that an instance threw.
    Signal {
        /// Its name.
        name: String,
        /// What it carries.
        variables: Variables,
    },
    /// Tell an engine elsewhere what was recorded here; only the adapter of that engine reads it.
    Remote {
        /// What it is told.
        payload: serde_json::Value,
    },
}

/// A job that waits or is leased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredJob {
    /// Its key.
    pub key: i64,
    /// Instance it belongs to.
    pub instance: i64,
    /// Definition key.
    pub definition: i64,
    /// Element id.
    pub element: String,
    /// `service` or `user`.
    pub kind: bpmn::program::JobKind,
    /// Outside job type.
    pub job_type: Option<String>,
    /// Declared inputs.
    pub variables: Variables,
    /// Attempts begun so far.
    pub attempt: u32,
    /// How many jobs the element has had in its instance with this one.
    pub visit: u32,
    /// Retries left.
    pub retries: u32,
    /// Priority, higher first.
    pub priority: i64,
    /// Who holds the lease.
    pub worker: Option<String>,
    /// When the lease ends, milliseconds since the Unix epoch.
    pub lease_until_ms: Option<i64>,
    /// Not leased before this time (back-off).
    pub not_before_ms: i64,
    /// When it was created.
    pub created_ms: i64,
    /// Assignee of a user task.
    pub assignee: Option<String>,
}

impl StoredJob {
    /// What the engine holds in memory, and the variables.
    #[must_use]
    pub fn parted(self) -> (JobOutline, Variables) {
        let outline = JobOutline {
            key: self.key,
            instance: self.instance,
            definition: self.definition,
            element: self.element,
            kind: self.kind,
            job_type: self.job_type,
            attempt: self.attempt,
            visit: self.visit,
            retries: self.retries,
            priority: self.priority,
            worker: self.worker,
            lease_until_ms: self.lease_until_ms,
            not_before_ms: self.not_before_ms,
            created_ms: self.created_ms,
            assignee: self.assignee,
        };
        (outline, self.variables)
    }
}

/// A job without its variables; the fields are those of [`StoredJob`].
#[expect(missing_docs, reason = "the fields are those of StoredJob")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOutline {
    pub key: i64,
    pub instance: i64,
    pub definition: i64,
    pub element: String,
    pub kind: bpmn::program::JobKind,
    pub job_type: Option<String>,
    pub attempt: u32,
    pub visit: u32,
    pub retries: u32,
    pub priority: i64,
    pub worker: Option<String>,
    pub lease_until_ms: Option<i64>,
    pub not_before_ms: i64,
    pub created_ms: i64,
    pub assignee: Option<String>,
}

impl JobOutline {
    /// The whole job.
    #[must_use]
    pub fn with(self, variables: Variables) -> StoredJob {
        StoredJob {
            key: self.key,
            instance: self.instance,
            definition: self.definition,
            element: self.element,
            kind: self.kind,
            job_type: self.job_type,
            variables,
            attempt: self.attempt,
            visit: self.visit,
            retries: self.retries,
            priority: self.priority,
            worker: self.worker,
            lease_until_ms: self.lease_until_ms,
            not_before_ms: self.not_before_ms,
            created_ms: self.created_ms,
            assignee: self.assignee,
        }
    }
}

/// A timer that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTimer {
    /// Instance it belongs to; for a timer start event, the definition key.
    pub instance: i64,
    /// Its number in the instance; for a timer start event, the place of the event in the program.
    pub number: u32,
    /// When it is due, milliseconds since the Unix epoch.
    pub due_ms: i64,
    /// Repetitions left after this one, for a timer start event with a cycle; -1 is without end.
    pub repetitions_left: i64,
}

/// A subscription that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSubscription {
    /// Instance it belongs to; for a start event, the definition key.
    pub instance: i64,
    /// Its number in the instance; for a start event, the place of the event in the program.
    pub number: u32,
    /// Message or signal.
    pub kind: bpmn::exec::SubscriptionKind,
    /// Name waited for.
    pub name: String,
    /// Correlation key; `None` matches by name alone.
    pub correlation_key: Option<String>,
    /// Start event id, for a start subscription.
    pub start: Option<String>,
}

/// A buffered message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredMessage {
    /// Its key.
    pub key: i64,
    /// Name.
    pub name: String,
    /// Correlation key.
    pub correlation_key: Option<String>,
    /// What it carries.
    pub variables: Variables,
    /// When it is dropped, milliseconds since the Unix epoch.
    pub expires_ms: i64,
    /// Deduplication id.
    pub message_id: Option<String>,
}

/// What waits, for start-up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waiting {
    /// Jobs.
    pub jobs: Vec<StoredJob>,
    /// Timers.
    pub timers: Vec<StoredTimer>,
    /// Subscriptions.
    pub subscriptions: Vec<StoredSubscription>,
    /// Buffered messages.
    pub messages: Vec<StoredMessage>,
    /// Work the engine owes, oldest first.
    pub follow_ups: Vec<StoredFollowUp>,
}
