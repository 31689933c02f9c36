//! The port by which microkernel, PDO, API and command line use any process engine: the embedded one, Camunda 7
//! or Camunda 8.

mod decision;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bpmn::program::{JobKind, TaskSpec, Variables};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::Error;
pub use decision::{DecisionDefinition, DecisionRequirements, Deployment};

/// Has a say in what is deployed: the kernel about the processes by which it works itself.
pub trait Inspector: Send + Sync {
    /// Looks at a BPMN file before it is deployed.
    ///
    /// # Errors
    /// Why it must not be deployed, with code and way out.
    fn inspect(&self, xml: &str) -> Result<(), String>;
    /// The file is deployed, or was before with the same bytes.
    fn deployed(&self, xml: &str);
}

/// A process engine.
///
/// Keys are positive 64-bit integers. Every call returns after what it did is durable.
#[async_trait]
pub trait ProcessEngine: Send + Sync {
    /// Its name: `embedded`, `camunda7`, `camunda8`.
    fn name(&self) -> &'static str;

    /// Asks `inspector` about every file that is deployed from now on; the first one asked stays.
    fn inspected_by(&self, inspector: Arc<dyn Inspector>);

    /// Deploys BPMN files, and the DMN files that they ask; all or nothing. The same bytes again give the same
    /// definition.
    async fn deploy(&self, files: Vec<DeployFile>) -> Result<Vec<Definition>, Error>;
    /// Deploys BPMN and DMN files together, as [`ProcessEngine::deploy`], and says of both what they became.
    async fn deploy_all(&self, files: Vec<DeployFile>) -> Result<Deployment, Error> {
        Ok(Deployment { definitions: self.deploy(files).await?, decisions: Vec::new() })
    }
    /// All deployed DMN files with their decisions, oldest first; none where the engine keeps them to itself.
    async fn decisions(&self) -> Result<Vec<DecisionRequirements>, Error> {
        Ok(Vec::new())
    }
    /// A DMN file as deployed, by its key or that of one of its decisions.
    async fn decision_xml(&self, key: i64) -> Result<String, Error> {
        let what = format!("show the DMN file of decision {key}");
        Err(Error::Unsupported { engine: self.name(), what })
    }
    /// All definitions, newest version of each process first.
    async fn definitions(&self) -> Result<Vec<Definition>, Error>;
    /// One definition.
    async fn definition(&self, key: i64) -> Result<Definition, Error>;
    /// Its BPMN as deployed.
    async fn definition_xml(&self, key: i64) -> Result<String, Error>;

    /// Starts an instance.
    async fn start(&self, request: StartInstance) -> Result<i64, Error>;
    /// One instance.
    async fn instance(&self, key: i64) -> Result<Instance, Error>;
    /// Instances that match, newest first.
    async fn instances(&self, filter: &InstanceFilter) -> Result<Vec<Instance>, Error>;
    /// Previous, current and next tasks, and where tokens are.
    async fn state(&self, key: i64) -> Result<InstanceState, Error>;
    /// The same as the token rules keep it, with all that is waited for; `None` where the engine does not keep it so.
    async fn token_state(&self, _key: i64) -> Result<Option<bpmn::exec::State>, Error> {
        Ok(None)
    }
    /// Cancels an instance; its jobs are cancelled with it.
    async fn cancel(&self, key: i64, reason: &str) -> Result<(), Error>;
    /// Sets variables of the process scope, or of an element instance's scope.
    async fn set_variables(&self, key: i64, scope: Option<u32>, variables: Variables) -> Result<(), Error>;

    /// Leases jobs, highest priority first then oldest; waits up to `wait_ms` until there is one.
    async fn activate_jobs(&self, request: ActivateJobs) -> Result<Vec<Job>, Error>;
    /// Jobs that match, leased or not (user tasks are found this way).
    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, Error>;
    /// Who holds a job for outside workers; none where there is no such job.
    async fn held_by(&self, key: i64) -> Result<Option<Held>, Error> {
        let filter = JobFilter { key: Some(key), kind: Some(JobKind::Service), ..JobFilter::default() };
        let job = self.jobs(&filter).await?.into_iter().find(|job| job.spec.job_type.is_some());
        Ok(job.map(|job| Held { attempt: job.attempt, worker: job.worker }))
    }
    /// Completes a leased job; refused with [`Error::Stale`] unless `attempt` is the one that holds the lease.
    /// What happened on the way (`record`) is committed with it, in one transaction where the engine is ours.
    async fn complete_job(
        &self,
        key: i64,
        attempt: u32,
        variables: Variables,
        record: Record,
    ) -> Result<(), Error>;
    /// Reports that an attempt failed; at 0 retries left it becomes an incident.
    async fn fail_job(
        &self,
        key: i64,
        attempt: u32,
        failure: JobFailure,
        record: Record,
    ) -> Result<(), Error>;
    /// Throws a BPMN error from a job.
    async fn throw_error(
        &self,
        key: i64,
        attempt: u32,
        error: BpmnError,
        record: Record,
    ) -> Result<(), Error>;
    /// Extends a lease.
    async fn extend_lease(&self, key: i64, attempt: u32, lease_ms: i64) -> Result<(), Error>;
    /// Completes a user task by a person, who holds no lease.
    async fn complete_user_task(&self, key: i64, actor: &str, variables: Variables) -> Result<(), Error>;

    /// Throws a BPMN escalation: from a job, which `attempt` must hold, or from a user task without attempt.
    async fn escalate(
        &self,
        key: i64,
        attempt: Option<u32>,
        escalation: Escalation,
        actor: &str,
    ) -> Result<(), Error> {
        let _asked = (key, attempt, escalation, actor);
        Err(Error::Unsupported { engine: self.name(), what: "throw an escalation from a task".to_owned() })
    }
    /// Says who a user task belongs to.
    async fn assign(&self, key: i64, assignment: Assignment, actor: &str) -> Result<(), Error> {
        let _asked = (key, assignment, actor);
        Err(Error::Unsupported { engine: self.name(), what: "assign a user task".to_owned() })
    }

    /// Moves tokens of an instance.
    async fn modify(&self, key: i64, modification: Modification, actor: &str) -> Result<(), Error> {
        let _asked = (key, modification, actor);
        Err(Error::Unsupported { engine: self.name(), what: "modify an instance".to_owned() })
    }
    /// Suspends an instance: no job is leased, no timer fires, no message is taken until it is resumed. What is
    /// leased may still be answered; called instances go on.
    async fn suspend(&self, key: i64, actor: &str) -> Result<(), Error> {
        let _asked = (key, actor);
        Err(Error::Unsupported { engine: self.name(), what: "suspend an instance".to_owned() })
    }
    /// Lets a suspended instance go on; timers that became due meanwhile fire now.
    async fn resume(&self, key: i64, actor: &str) -> Result<(), Error> {
        let _asked = (key, actor);
        Err(Error::Unsupported { engine: self.name(), what: "resume an instance".to_owned() })
    }
    /// Lets an instance go on by another version of its process.
    async fn migrate(&self, key: i64, migration: Migration, actor: &str) -> Result<(), Error> {
        let _asked = (key, migration, actor);
        Err(Error::Unsupported { engine: self.name(), what: "migrate an instance".to_owned() })
    }

    /// Publishes a message; it is buffered for its time to live where the engine can.
    async fn publish_message(&self, message: Message) -> Result<(), Error>;
    /// Broadcasts a signal.
    async fn broadcast_signal(&self, name: &str, variables: Variables) -> Result<(), Error>;

    /// Open incidents, of one instance or all.
    async fn incidents(&self, instance: Option<i64>) -> Result<Vec<Incident>, Error>;
    /// Tries again what raised the incident.
    async fn resolve_incident(&self, key: i64) -> Result<(), Error>;

    /// Notices of what happens, for those who watch (microkernel, subscriptions). A slow listener misses notices
    /// and must look at the state again; nothing is decided by notices alone.
    fn notices(&self) -> broadcast::Receiver<Notice>;
    /// Keys of open instances that started after `after`, oldest first: how the microkernel finds instances that
    /// were started in the engine itself.
    async fn open_instances(&self, after: i64, limit: usize) -> Result<Vec<i64>, Error>;
    /// Those of them that have work for the kernel: jobs without an outside job type. All, where the engine cannot
    /// tell.
    async fn instances_with_work(&self, after: i64, limit: usize) -> Result<Vec<i64>, Error> {
        self.open_instances(after, limit).await
    }
    /// Whether an instance has work for the kernel; true where the engine cannot tell.
    fn has_work(&self, _instance: i64) -> bool {
        true
    }
}

/// A file to deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployFile {
    /// File name, for messages.
    pub name: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// A deployed process definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its key.
    pub key: i64,
    /// The `id` of the BPMN process.
    pub process_id: String,
    /// Its name, the process id where there is none.
    pub name: String,
    /// 1, 2, 3, … for each process id.
    pub version: i32,
    /// File it came from.
    pub resource: String,
    /// SHA-256 of the file in hexadecimal.
    pub checksum: String,
    /// When it was deployed, milliseconds since the Unix epoch.
    pub deployed_ms: i64,
}

/// How to start an instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StartInstance {
    /// Which definition: by process id (newest version, or `version`), or by key.
    pub process_id: Option<String>,
    /// Version of the process id.
    pub version: Option<i32>,
    /// Definition key.
    pub definition: Option<i64>,
    /// Variables of the process scope.
    pub variables: Variables,
    /// Business key.
    pub business_key: Option<String>,
    /// Seed for every draw of this instance; chosen by the caller, kept with the instance.
    pub seed: u64,
    /// Who starts it.
    pub actor: Option<String>,
    /// No side effects, nothing counted in scores.
    pub dry_run: bool,
    /// The same key twice starts one instance.
    pub idempotency_key: Option<String>,
}

/// State of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Runs or waits.
    Active,
    /// Open, but nothing begins until it is resumed.
    Suspended,
    /// Ended well, also by a terminate end event.
    Completed,
    /// Was cancelled.
    Terminated,
    /// Ended by an error that nobody caught.
    Failed,
}

impl Status {
    /// Whether it has not ended.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Suspended)
    }
}

/// A process instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Its key.
    pub key: i64,
    /// Key of its definition.
    pub definition: i64,
    /// Process id of its definition.
    pub process_id: String,
    /// Version of its definition.
    pub version: i32,
    /// State.
    pub status: Status,
    /// Open incidents.
    pub incidents: u32,
    /// Business key.
    pub business_key: Option<String>,
    /// The instance that called it: (instance key, call number).
    pub parent: Option<(i64, u32)>,
    /// Variables of the process scope.
    pub variables: Variables,
    /// Seed of its draws.
    pub seed: u64,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// When it started, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
}

/// Which instances to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceFilter {
    /// Only of this process id.
    pub process_id: Option<String>,
    /// Only of this definition.
    pub definition: Option<i64>,
    /// Only in this state.
    pub status: Option<Status>,
    /// Only what was started then or later, milliseconds since the Unix epoch.
    pub started_since_ms: Option<i64>,
    /// Only what was started before then.
    pub started_before_ms: Option<i64>,
    /// The oldest first instead of the newest.
    pub oldest_first: bool,
    /// Only what comes behind this key in that order (paging).
    pub before: Option<i64>,
    /// At most so many; 0 means 100.
    pub limit: usize,
}

/// Where an instance stands: what a PDO asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceState {
    /// Tasks that ended, in order, with their element ids.
    pub previous: Vec<ElementState>,
    /// Elements that hold a token.
    pub current: Vec<ElementState>,
    /// Ids of tasks that can come next from the current ones by sequence flow.
    pub next: Vec<String>,
    /// Ids of sequence flows with a token that waits at a join, once for each token; none where the engine does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flows: Vec<String>,
}

/// An element of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElementState {
    /// Element instance number.
    pub element: u32,
    /// Element id.
    pub node: String,
    /// Its name, the id where there is none.
    pub name: String,
    /// BPMN local name.
    pub kind: String,
    /// `active`, `completed`, `terminated`, `incident`.
    pub state: String,
    /// When it began, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
}

/// Which jobs to lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivateJobs {
    /// Name of the worker.
    pub worker: String,
    /// Only of this instance.
    pub instance: Option<i64>,
    /// Only of these job types. `None`: only jobs without an outside job type (the kernel's own).
    pub job_types: Option<Vec<String>>,
    /// At most so many.
    pub max: usize,
    /// How long the lease lasts; an expired lease counts as a failed attempt.
    pub lease_ms: i64,
    /// How long to wait for a job; 0 answers at once.
    pub wait_ms: u64,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its key: instance key × 2^20 + number in the instance on the embedded engine.
    pub key: i64,
    /// Instance it belongs to.
    pub instance: i64,
    /// Definition key.
    pub definition: i64,
    /// Process id.
    pub process_id: String,
    /// Version of the definition.
    pub version: i32,
    /// Element id.
    pub element: String,
    /// Element instance number, where the engine has it at hand; [`ProcessEngine::state`] says it in any case.
    #[serde(default)]
    pub element_instance: Option<u32>,
    /// Element name, the id where there is none.
    pub element_name: String,
    /// BPMN local name of the element.
    pub element_kind: String,
    /// Service or user.
    pub kind: JobKind,
    /// How the task is executed.
    pub spec: TaskSpec,
    /// Declared inputs.
    pub variables: Variables,
    /// Number of this attempt, from 1; the fencing token of the lease.
    pub attempt: u32,
    /// How many times the instance has come to this element with this job: 1, 2, 3, …; the same for every attempt
    /// and, with the seed, the same on every engine: what draws are seeded from.
    pub visit: u32,
    /// Retries left.
    pub retries: u32,
    /// Priority, higher first.
    pub priority: i64,
    /// Who holds the lease.
    pub worker: Option<String>,
    /// When the lease ends.
    pub lease_until_ms: Option<i64>,
    /// When the job was created.
    pub created_ms: i64,
    /// Seed of the instance's draws.
    pub seed: u64,
    /// Whether the instance is a dry run.
    pub dry_run: bool,
    /// Business key of the instance.
    pub business_key: Option<String>,
    /// Assignee of a user task.
    pub assignee: Option<String>,
}

/// Who holds a job for outside workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The newest attempt.
    pub attempt: u32,
    /// Who has leased it; `None`: nobody.
    pub worker: Option<String>,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFilter {
    /// Only this job.
    pub key: Option<i64>,
    /// Only of this instance.
    pub instance: Option<i64>,
    /// Only of this kind.
    pub kind: Option<JobKind>,
    /// Only of this type.
    pub job_type: Option<String>,
    /// At most so many; 0 means 100.
    pub limit: usize,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobFailure {
    /// Stable code.
    pub code: String,
    /// In words.
    pub message: String,
    /// Attempts left; 0 raises an incident.
    pub retries_left: u32,
    /// Not before so many milliseconds from now.
    pub backoff_ms: i64,
}

/// A BPMN error thrown by a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BpmnError {
    /// Error code.
    pub code: String,
    /// In words.
    pub message: String,
    /// Variables for the catching scope.
    pub variables: Variables,
}

/// A BPMN escalation thrown by a job or by a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Escalation {
    /// Escalation code.
    pub code: String,
    /// Variables for the catching scope.
    pub variables: Variables,
}

/// Who a user task shall belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The person; `None` gives the task back.
    pub assignee: Option<String>,
    /// Also when it belongs to somebody else; a claim says false.
    pub take_over: bool,
}

/// How tokens are moved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modification {
    /// Numbers of element instances to end.
    pub terminate: Vec<u32>,
    /// Ids of elements to activate.
    pub activate: Vec<String>,
}

/// Where an instance is migrated to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// Key of another version of its process.
    pub definition: i64,
    /// The new id of each element that has another one there.
    pub elements: BTreeMap<String, String>,
}

/// A message to publish.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Name.
    pub name: String,
    /// Correlation key; without one it matches by name alone.
    pub correlation_key: Option<String>,
    /// What it carries.
    pub variables: Variables,
    /// How long it waits for a receiver; 0 is not buffered.
    pub time_to_live_ms: i64,
    /// The same id twice is one message while the first is buffered.
    pub message_id: Option<String>,
}

/// An open incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its key.
    pub key: i64,
    /// Instance it belongs to.
    pub instance: i64,
    /// Element id.
    pub element: String,
    /// Stable code.
    pub code: String,
    /// In words, with the way out.
    pub message: String,
    /// When it was raised, milliseconds since the Unix epoch.
    pub raised_ms: i64,
}

/// A finished attempt that counts in scores (design: a finished TDE or an ended instance).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// What it scores: `process`, `task`, `prompt`, `tool`, `model`.
    pub subject_kind: String,
    /// Which: a process id, `process id/element id`, a prompt name, a tool name, a model name.
    pub subject: String,
    /// Version of the definition or prompt, where there is one.
    pub version: Option<i32>,
    /// Whether it succeeded.
    pub success: bool,
    /// Instance in which it happened.
    pub instance: Option<i64>,
    /// How long it took, milliseconds.
    pub duration_ms: i64,
    /// What it cost, in the endpoint's currency.
    pub cost: f64,
    /// When it ended, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who used it.
    pub actor: String,
}

/// How one task was executed: what a person sees of a TDE afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRun {
    /// Job key.
    pub job: i64,
    /// Attempt.
    pub attempt: u32,
    /// Instance.
    pub instance: i64,
    /// Element id.
    pub element: String,
    /// `stochastic`, `model`, `tool`, `file`, `feel`, `person`, `pass_through`, …
    pub executed_by: String,
    /// `completed`, `failed`, `error`, `cancelled`.
    pub state: String,
    /// The verdict as `scoring` gives it (winner, shares with intervals, samples, reason), JSON null where none.
    pub verdict: serde_json::Value,
    /// Inputs the TDE saw.
    pub inputs: Variables,
    /// Its result.
    pub outputs: Variables,
    /// Why it was executed this way, what was assumed, errors.
    pub notes: Vec<String>,
    /// When it began, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
}

/// What is committed together with the end of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Trail events, in order.
    pub events: Vec<trail::NewEvent>,
    /// How the task was executed.
    pub task_run: Option<TaskRun>,
    /// What counts in scores.
    pub attempts: Vec<Attempt>,
    /// Effects on other parts.
    pub outbox: Vec<trail::OutboxItem>,
}

/// Something happened in an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// An instance started.
    Started {
        /// Its key.
        instance: i64,
    },
    /// An instance changed (jobs, tokens, variables, incidents).
    Changed {
        /// Its key.
        instance: i64,
    },
    /// An instance ended.
    Ended {
        /// Its key.
        instance: i64,
        /// How.
        status: Status,
    },
    /// Definitions were deployed.
    Deployed {
        /// Their keys.
        definitions: Vec<i64>,
    },
    /// The trail grew to this position.
    TrailAppended {
        /// The newest position.
        position: i64,
    },
}
