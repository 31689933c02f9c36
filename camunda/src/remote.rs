//! What ProcOS asks of a Camunda, whichever it is. Ids are Camunda's own, as text; times are milliseconds since the
//! Unix epoch; variables are plain JSON.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use bpmn::model::Definitions;
use bpmn::program::{Program, Variables};
use engine::port::{Assignment, Escalation};
use engine::store::StoredMessage;

use crate::Error;
use crate::answer::Answer;

/// A Camunda over its REST API.
#[async_trait]
pub(crate) trait Remote: Send + Sync {
    /// Name of the engine: `camunda7` or `camunda8`.
    fn name(&self) -> &'static str;
    /// Its address, without a password.
    fn url(&self) -> &str;
    /// How long searches may not show yet what has happened; 0 where they always do.
    fn lag_ms(&self) -> u64;
    /// How far times are looked at again, because what has an earlier time may become visible later.
    fn overlap_ms(&self) -> i64;
    /// Whether it evaluates FEEL mappings and scripts itself and counts runs of a multi-instance from 1, as ProcOS does.
    fn evaluates(&self) -> bool;
    /// Whether one step stands for all tokens that come together at a gateway.
    fn merges_joins(&self) -> bool;
    /// Whether it keeps messages that nobody waits for.
    fn keeps_messages(&self) -> bool;
    /// Job types that are fetched by one call, and those by another.
    fn topics(&self) -> &'static [&'static [&'static str]];
    /// The id of a thing with this key, where it can be said without asking.
    fn id_of(&self, key: i64) -> Option<String>;

    /// What is deployed for a file that ProcOS can run; the problems are one line each.
    fn prepare(
        &self,
        file: &engine::port::DeployFile,
        definitions: &Definitions,
        programs: &[Program],
    ) -> Result<Vec<Resource>, Vec<String>>;
    /// Deploys files, all or none; gives the ids of their definitions.
    async fn deploy(&self, resources: Vec<Resource>) -> Result<Vec<String>, Error>;
    /// Ids of all definitions, the newest version of each process first, at most `limit`.
    async fn definitions(&self, limit: usize) -> Result<Vec<String>, Error>;
    /// One definition.
    async fn definition(&self, id: &str) -> Result<RemoteDefinition, Error>;
    /// The id of a version of a process; of the newest where none is named.
    async fn find_definition(&self, process: &str, version: Option<i32>) -> Result<Option<String>, Error>;

    /// Starts an instance; gives its id.
    async fn start(&self, start: &RemoteStart) -> Result<String, Error>;
    /// The id of an instance whose variable has this text.
    async fn find_by_variable(&self, name: &str, text: &str) -> Result<Option<String>, Error>;
    /// One instance, open or ended.
    async fn instance(&self, id: &str) -> Result<RemoteInstance, Error>;
    /// Instances that match.
    async fn instances(&self, query: &InstanceQuery) -> Result<Vec<RemoteInstance>, Error>;
    /// Variables of process scopes by instance, in the order in which they came.
    async fn variables(&self, instances: &[String]) -> Result<HashMap<String, Variables>, Error>;
    /// Sets variables of the process scope.
    async fn set_variables(&self, instance: &str, variables: &Variables) -> Result<(), Error>;
    /// Cancels an open instance; [`Error::Missing`] where it has ended.
    async fn cancel(&self, instance: &str) -> Result<(), Error>;
    /// Suspends an instance or lets it go on.
    async fn suspend(&self, instance: &str, suspended: bool) -> Result<(), Error>;
    /// Starts before elements and ends steps.
    async fn modify(&self, instance: &str, activate: &[String], terminate: &[String]) -> Result<(), Error>;
    /// Lets an instance go on by another definition.
    async fn migrate(&self, instance: &str, plan: &MigrationPlan) -> Result<(), Error>;
    /// What the history says of the elements of an instance, in the order of its own; all, or what began at a time or
    /// later.
    async fn steps(
        &self,
        instance: &str,
        since_ms: Option<i64>,
        program: Option<&Program>,
    ) -> Result<Vec<RemoteStep>, Error>;
    /// Steps of any instance that ended since a time, the newest first, one page of them.
    async fn moves(&self, since_ms: Option<i64>) -> Result<Vec<RemoteStep>, Error>;
    /// Whether it moves an instance on by itself; `None` where it does not say.
    async fn goes_on(&self, instance: &str) -> Result<Option<bool>, Error>;

    /// Fetches jobs and locks them; waits for one where there is none.
    async fn fetch(&self, wanted: &Fetch<'_>) -> Result<Vec<RemoteJob>, Error>;
    /// Jobs that are locked by a worker.
    async fn locked(&self, worker: &str) -> Result<Vec<RemoteJob>, Error>;
    /// Gives a locked job back, not to be taken again for a time where that can be said; no retry is used up.
    async fn unlock(&self, job: &RemoteJob, pause_ms: u64) -> Result<(), Error>;
    /// Extends the lock of a job.
    async fn extend(&self, job: &str, worker: &str, lock_ms: i64) -> Result<(), Error>;
    /// Locks a job whose lock was lost.
    async fn lock(&self, job: &str, worker: &str, lock_ms: i64) -> Result<(), Error>;
    /// Tells an answer.
    async fn answer(&self, job: &str, worker: &str, answer: &Answer) -> Result<(), Error>;
    /// Open jobs, the oldest first, without their variables.
    async fn jobs(
        &self,
        instance: Option<&str>,
        topic: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RemoteJob>, Error>;

    /// Open user tasks, the oldest first.
    async fn user_tasks(&self, instance: Option<&str>, limit: usize) -> Result<Vec<RemoteTask>, Error>;
    /// One open user task.
    async fn user_task(&self, id: &str) -> Result<RemoteTask, Error>;
    /// What a user task sees.
    async fn user_task_variables(&self, task: &RemoteTask) -> Result<Variables, Error>;
    /// Says who a user task belongs to.
    async fn assign(&self, task: &RemoteTask, assignment: &Assignment) -> Result<(), Error>;
    /// Throws an escalation from a user task; `None` where it takes none.
    async fn escalate(&self, task: &RemoteTask, escalation: &Escalation) -> Result<Option<()>, Error>;

    /// Open incidents, the oldest first.
    async fn incidents(&self, instance: Option<&str>, limit: usize) -> Result<Vec<RemoteIncident>, Error>;
    /// How many there are of an instance.
    async fn count_incidents(&self, instance: &RemoteInstance) -> Result<u32, Error>;
    /// Tries again what raised one, with so many retries.
    async fn resolve(&self, incident: &RemoteIncident, retries: u32) -> Result<(), Error>;

    /// Publishes a message where it is kept until somebody waits for it.
    async fn publish(&self, message: &StoredMessage, time_to_live_ms: i64) -> Result<(), Error>;
    /// Who waits for a message, the longest first.
    async fn waiting_for(&self, message: &str) -> Result<Vec<Subscription>, Error>;
    /// Hands a message to who waits for it; false where it no longer does, or cannot take it now.
    async fn hand_over(
        &self,
        waiting: &Subscription,
        message: &str,
        variables: &Variables,
    ) -> Result<bool, Error>;
    /// Starts an instance by a message.
    async fn start_by_message(&self, message: &str, variables: &Variables) -> Result<(), Error>;
    /// Broadcasts a signal.
    async fn broadcast(&self, name: &str, variables: &Variables) -> Result<(), Error>;
}

/// A file of a deployment.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
    /// Whether it is what is deployed, and not only kept beside it.
    pub(crate) is_main: bool,
}

/// A definition.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteDefinition {
    pub(crate) process_id: String,
    pub(crate) name: Option<String>,
    pub(crate) version: i32,
    pub(crate) resource: String,
    pub(crate) deployed_ms: Option<i64>,
    /// The model as it was given to ProcOS; Camunda's own where somebody else deployed it.
    pub(crate) content: Vec<u8>,
}

/// How an instance is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteStart {
    pub(crate) definition: String,
    pub(crate) variables: Variables,
    pub(crate) business_key: Option<String>,
    /// The start event, where it is not the none start event.
    pub(crate) event: Option<String>,
}

/// State of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RemoteState {
    #[default]
    Active,
    Suspended,
    Completed,
    Terminated,
}

/// An instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteInstance {
    pub(crate) id: String,
    pub(crate) definition: String,
    pub(crate) state: RemoteState,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) business_key: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) started_by: Option<String>,
    /// Why it was cancelled.
    pub(crate) reason: Option<String>,
    /// Whether it may have incidents.
    pub(crate) has_incident: bool,
}

/// Which instances.
#[derive(Clone, Debug, Default)]
pub(crate) struct InstanceQuery {
    pub(crate) process: Option<String>,
    pub(crate) definition: Option<String>,
    /// Only open ones, or only those that have ended.
    pub(crate) open: Option<bool>,
    pub(crate) suspended: bool,
    pub(crate) started_since_ms: Option<i64>,
    pub(crate) ended_since_ms: Option<i64>,
    /// Only those of this run.
    pub(crate) run: Option<String>,
    pub(crate) order: Order,
    pub(crate) first: usize,
    pub(crate) limit: usize,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    NewestStart,
    OldestStart,
    NewestEnd,
    OldestEnd,
}

/// An element of an instance once, as Camunda counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteStep {
    pub(crate) id: String,
    pub(crate) instance: String,
    /// Element id.
    pub(crate) element: String,
    /// Camunda's name of its kind.
    pub(crate) kind: String,
    /// Whether it is the body of a multi-instance.
    pub(crate) body: bool,
    /// The step it stands in.
    pub(crate) parent: String,
    /// The id of its user task.
    pub(crate) user_task: Option<String>,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) cancelled: bool,
}

/// Which jobs to fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetch<'f> {
    pub(crate) topics: &'f [&'f str],
    pub(crate) worker: &'f str,
    pub(crate) max: usize,
    pub(crate) lock_ms: i64,
    pub(crate) wait_ms: u64,
    /// Only of instances of this run, where Camunda can tell.
    pub(crate) run: Option<&'f str>,
}

/// A job.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteJob {
    pub(crate) id: String,
    /// Its step in the history.
    pub(crate) step: String,
    pub(crate) topic: String,
    pub(crate) instance: String,
    pub(crate) definition: String,
    pub(crate) element: String,
    /// What it sees.
    pub(crate) variables: Variables,
    /// Retries left, where it was said or an attempt failed before.
    pub(crate) retries: Option<u32>,
    pub(crate) priority: Option<i64>,
    pub(crate) created_ms: Option<i64>,
    pub(crate) business_key: Option<String>,
}

/// A user task.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteTask {
    /// What its key is made of.
    pub(crate) id: String,
    /// What it is called by in calls.
    pub(crate) handle: String,
    /// Its step, where that is known.
    pub(crate) step: String,
    pub(crate) instance: String,
    pub(crate) definition: String,
    pub(crate) element: String,
    pub(crate) name: Option<String>,
    pub(crate) assignee: Option<String>,
    pub(crate) priority: i64,
    pub(crate) created_ms: i64,
}

/// An incident.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteIncident {
    pub(crate) id: String,
    pub(crate) instance: String,
    pub(crate) element: String,
    /// Camunda's name of its kind.
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) raised_ms: i64,
    /// The job that raised it.
    pub(crate) job: Option<String>,
}

/// Who waits for a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscription {
    /// The instance; `None`: a start event.
    pub(crate) instance: Option<String>,
    pub(crate) execution: String,
    pub(crate) element: String,
}

/// How an instance is migrated.
#[derive(Clone, Debug, Default)]
pub(crate) struct MigrationPlan {
    pub(crate) source: String,
    pub(crate) target: String,
    /// The new id of each element that has another one there.
    pub(crate) elements: BTreeMap<String, String>,
    /// Elements that hold a token.
    pub(crate) active: Vec<String>,
}
