//! The token rules: `step(program, state, input) → events`, `apply(state, event)`.
//!
//! One pure function drives the embedded engine, PDO and TDE, the sandbox and Monte Carlo. All ids inside an
//! instance are [`Local`] numbers given in order, so that replaying the events gives the same state.

use serde::{Deserialize, Serialize};

use crate::program::{JobKind, Variables};

/// Identity of something inside one instance (element instance, job, timer, subscription, incident, call):
/// 1, 2, 3, … in order of creation; at most 2^20 − 1 in one instance.
pub type Local = u32;

/// What happens to an instance from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Input {
    /// Starts it, at a given start event or at the none start event.
    Start {
        /// Id of the start event; `None`: the none start event.
        start: Option<String>,
        /// Variables of the process scope.
        variables: Variables,
    },
    /// Goes on with what an exhausted budget left over.
    Continue,
    /// A job was done.
    CompleteJob {
        /// The job.
        job: Local,
        /// Its result, as the node's output mappings see it.
        variables: Variables,
    },
    /// A job failed.
    FailJob {
        /// The job.
        job: Local,
        /// Stable code of the reason.
        code: String,
        /// The reason in words.
        message: String,
        /// Attempts left; 0 raises an incident.
        retries_left: u32,
    },
    /// A job throws a BPMN error.
    ThrowError {
        /// The job.
        job: Local,
        /// Error code.
        code: String,
        /// The reason in words.
        message: String,
        /// Variables set in the catching scope.
        variables: Variables,
    },
    /// A job throws an escalation.
    ThrowEscalation {
        /// The job.
        job: Local,
        /// Escalation code.
        code: String,
        /// Variables set in the catching scope.
        variables: Variables,
    },
    /// A timer is due.
    TimerDue {
        /// The timer.
        timer: Local,
    },
    /// A message or signal that a subscription waits for.
    Correlate {
        /// The subscription.
        subscription: Local,
        /// What it carries.
        variables: Variables,
    },
    /// A called process ended well.
    CallCompleted {
        /// The call.
        call: Local,
        /// Its variables.
        variables: Variables,
    },
    /// A called process ended by an error nobody caught in it, or could not be started.
    CallFailed {
        /// The call.
        call: Local,
        /// Error code.
        code: String,
        /// In words.
        message: String,
    },
    /// Sets variables; conditions are evaluated again.
    SetVariables {
        /// Element instance whose scope takes them; `None`: the process.
        scope: Option<Local>,
        /// The variables.
        variables: Variables,
    },
    /// Tries again what raised an incident.
    ResolveIncident {
        /// The incident.
        incident: Local,
    },
    /// Activates elements inside an ad-hoc sub-process.
    ActivateAdHoc {
        /// The ad-hoc element instance.
        element: Local,
        /// Ids of elements to activate.
        ids: Vec<String>,
    },
    /// Moves tokens: ends the element instances given, activates the nodes given.
    Modify {
        /// Element instances to end.
        terminate: Vec<Local>,
        /// Ids of nodes to activate.
        activate: Vec<String>,
    },
    /// Ends everything.
    Cancel {
        /// Why.
        reason: String,
    },
}

/// What a step did. The engine acts on the outward ones (jobs, timers, subscriptions, calls, thrown messages and
/// signals, incidents, ends) and stores all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The instance began.
    InstanceStarted {
        /// Its first variables.
        variables: Variables,
    },
    /// An element instance began.
    ElementActivated {
        /// Its number.
        element: Local,
        /// Node id.
        node: String,
        /// BPMN local name.
        kind: String,
        /// The element instance (sub-process, multi-instance body) it stands in.
        scope: Option<Local>,
        /// True for the body of a multi-instance or loop, which traces do not show.
        body: bool,
    },
    /// An element instance ended well.
    ElementCompleted {
        /// Its number.
        element: Local,
        /// Node id.
        node: String,
        /// BPMN local name.
        kind: String,
        /// True for a body.
        body: bool,
    },
    /// An element instance was ended by something else.
    ElementTerminated {
        /// Its number.
        element: Local,
        /// Node id.
        node: String,
        /// BPMN local name.
        kind: String,
        /// True for a body.
        body: bool,
    },
    /// A sequence flow was taken.
    FlowTaken {
        /// Flow id.
        flow: String,
        /// Scope in which the token moves.
        scope: Option<Local>,
    },
    /// Variables of a scope were set.
    VariablesSet {
        /// Element instance whose scope it is; `None`: the process.
        scope: Option<Local>,
        /// What was set.
        variables: Variables,
    },
    /// Work for a TDE, a worker or a person.
    JobCreated {
        /// Its number.
        job: Local,
        /// Element instance it belongs to.
        element: Local,
        /// Node id; the task's spec is at that node of the program.
        node: String,
        /// Who does it.
        kind: JobKind,
        /// Declared inputs: the node's own scope if it has input mappings, otherwise all visible variables.
        variables: Variables,
    },
    /// A job is no longer wanted.
    JobCancelled {
        /// Its number.
        job: Local,
    },
    /// A job ended, well or by an error that was caught.
    JobEnded {
        /// Its number.
        job: Local,
    },
    /// A job failed and may be tried again.
    JobFailed {
        /// Its number.
        job: Local,
        /// Attempts left.
        retries_left: u32,
        /// In words.
        message: String,
    },
    /// A timer was set.
    TimerScheduled {
        /// Its number.
        timer: Local,
        /// Element instance it belongs to.
        element: Local,
        /// When it is due, milliseconds since the Unix epoch.
        due_ms: i64,
    },
    /// A timer is over, fired or not.
    TimerClosed {
        /// Its number.
        timer: Local,
    },
    /// The instance waits for a message or signal.
    SubscriptionOpened {
        /// Its number.
        subscription: Local,
        /// Element instance it belongs to.
        element: Local,
        /// `message` or `signal`.
        kind: SubscriptionKind,
        /// Name waited for.
        name: String,
        /// Correlation key; `None` matches by name alone.
        correlation_key: Option<String>,
    },
    /// A subscription is over.
    SubscriptionClosed {
        /// Its number.
        subscription: Local,
    },
    /// Publish this message.
    MessageThrown {
        /// Name.
        name: String,
        /// Correlation key.
        correlation_key: Option<String>,
        /// What it carries.
        variables: Variables,
    },
    /// Broadcast this signal.
    SignalThrown {
        /// Name.
        name: String,
        /// What it carries.
        variables: Variables,
    },
    /// Start a called process.
    CallRequested {
        /// Its number.
        call: Local,
        /// Element instance of the call activity.
        element: Local,
        /// Process id to call.
        process: String,
        /// Its variables.
        variables: Variables,
    },
    /// A called process is no longer wanted (cancel it).
    CallCancelled {
        /// Its number.
        call: Local,
    },
    /// A call ended.
    CallEnded {
        /// Its number.
        call: Local,
    },
    /// Something cannot go on until a person or a policy does something.
    IncidentRaised {
        /// Its number.
        incident: Local,
        /// Element instance, if it belongs to one.
        element: Option<Local>,
        /// Job, if it came from one.
        job: Option<Local>,
        /// Node id.
        node: String,
        /// Stable code.
        code: String,
        /// In words, with the way out.
        message: String,
    },
    /// An incident is over.
    IncidentResolved {
        /// Its number.
        incident: Local,
    },
    /// The budget of transitions of this step is used up; `Continue` goes on.
    Yielded,
    /// The instance ended well (also by a terminate end event).
    InstanceCompleted {
        /// Its variables at the end.
        variables: Variables,
    },
    /// The instance ended by an error that nobody caught.
    InstanceFailed {
        /// Error code.
        code: String,
        /// In words.
        message: String,
    },
    /// The instance was cancelled.
    InstanceCancelled {
        /// Why.
        reason: String,
    },
}

/// What a subscription waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionKind {
    /// A message.
    Message,
    /// A signal.
    Signal,
}

/// What a step may use besides the state.
#[derive(Clone, Copy, Debug)]
pub struct StepContext {
    /// The time of the step, milliseconds since the Unix epoch (UTC).
    pub now_ms: i64,
    /// Transitions allowed before the step yields; 1,000 by default.
    pub budget: u32,
}
