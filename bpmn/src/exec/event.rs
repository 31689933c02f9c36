//! What a step did: the events that the engine stores, acts on and folds into the state.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Local;
use super::schedule::Repetition;
use super::work::Work;
use crate::dmn::ExplainedDecision;
use crate::program::{JobKind, Variables};

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
        /// Place of the node in the program.
        index: u32,
        /// Flows (places in the program) of which a token was consumed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        consumed: Vec<u32>,
        /// Number of this run inside a multi-instance or loop, from 1; 0 outside of one.
        #[serde(default, skip_serializing_if = "is_zero")]
        iteration: u32,
        /// For a compensation handler: the element instance that asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caller: Option<Local>,
        /// When, milliseconds since the Unix epoch.
        at_ms: i64,
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
        /// Place of the flow in the program.
        index: u32,
    },
    /// A late token was dropped at a complex gateway that had already gone on, or by a modification.
    TokenDiscarded {
        /// Flow id.
        flow: String,
        /// Scope in which it was.
        scope: Option<Local>,
        /// Place of the flow in the program.
        index: u32,
    },
    /// A complex gateway went on and now swallows a late token of each of these flows; none: it is reset.
    ResetAwaited {
        /// Scope of the gateway.
        scope: Option<Local>,
        /// Place of the gateway in the program.
        index: u32,
        /// Flows (places in the program).
        flows: Vec<u32>,
    },
    /// An interrupting event sub-process took over a scope: its other events no longer count.
    ScopeInterrupted {
        /// The scope; `None`: the process.
        scope: Option<Local>,
    },
    /// A multi-instance or loop body began.
    RepeatStarted {
        /// The body.
        element: Local,
        /// How many runs; 0 for a standard loop.
        total: u32,
        /// The items still to be run over (sequential multi-instance only).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        items: Vec<Value>,
        /// Variable that collects the results.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
        /// True for a standard loop.
        standard: bool,
    },
    /// The result of one run of a multi-instance.
    OutputCollected {
        /// The body.
        element: Local,
        /// Number of the run, from 1.
        iteration: u32,
        /// Its result.
        value: Value,
    },
    /// A multi-instance or ad-hoc sub-process met its completion condition and begins nothing more.
    ScopeClosing {
        /// The body or ad-hoc sub-process.
        element: Local,
    },
    /// Elements of a sequential ad-hoc sub-process that wait for their turn.
    AdHocQueued {
        /// The ad-hoc sub-process.
        element: Local,
        /// Nodes (places in the program), in order.
        nodes: Vec<u32>,
    },
    /// An activity that can be compensated ended well.
    CompensationRecorded {
        /// Number of the record.
        record: Local,
        /// Scope in which it can be compensated; `None`: the process.
        scope: Option<Local>,
        /// The ended element instance.
        element: Local,
        /// Place of the activity in the program.
        index: u32,
        /// Its own variables at its end.
        variables: Variables,
    },
    /// A recorded activity is being compensated: the record is used up.
    CompensationTaken {
        /// Number of the record.
        record: Local,
        /// Element instance (compensation event sub-process) that takes over the records inside, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heir: Option<Local>,
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
        /// How many jobs the node has had in this instance with this one: 1, 2, 3, …
        #[serde(default = "first")]
        visit: u32,
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
    /// A job may be tried again after its incident was resolved.
    JobReopened {
        /// Its number.
        job: Local,
        /// Its inputs as they are now: whoever resolved the incident may have set what was wrong.
        variables: Variables,
    },
    /// A business rule task asked a decision: which version decided, and why it decided so.
    DecisionEvaluated {
        /// Element instance of the task.
        element: Local,
        /// Node id.
        node: String,
        /// Id of the decision that was asked.
        decision: String,
        /// Key under which it is deployed.
        key: i64,
        /// Its version.
        version: i32,
        /// How it and the decisions it needs were made, those needed first.
        decisions: Vec<ExplainedDecision>,
    },
    /// A timer was set.
    TimerScheduled {
        /// Its number.
        timer: Local,
        /// Element instance it belongs to; 0 for the process (event sub-processes).
        element: Local,
        /// When it is due, milliseconds since the Unix epoch.
        due_ms: i64,
        /// Place of the event's node in the program.
        index: u32,
        /// How it goes on after that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repetition: Option<Repetition>,
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
        /// Element instance it belongs to; 0 for the process (event sub-processes).
        element: Local,
        /// `message` or `signal`.
        kind: SubscriptionKind,
        /// Name waited for.
        name: String,
        /// Correlation key; `None` matches by name alone.
        correlation_key: Option<String>,
        /// Place of the event's node in the program.
        index: u32,
        /// True when a message does not end it (non-interrupting events).
        repeats: bool,
    },
    /// A subscription is over.
    SubscriptionClosed {
        /// Its number.
        subscription: Local,
    },
    /// A conditional event waits.
    ConditionOpened {
        /// Its number.
        condition: Local,
        /// Element instance it belongs to; 0 for the process (event sub-processes).
        element: Local,
        /// Place of the event's node in the program.
        index: u32,
    },
    /// A condition has another value than before.
    ConditionChanged {
        /// Its number.
        condition: Local,
        /// The value; `None` where it cannot be evaluated.
        value: Option<bool>,
    },
    /// A conditional event is over.
    ConditionClosed {
        /// Its number.
        condition: Local,
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
        /// BPMN local name.
        kind: String,
        /// Stable code.
        code: String,
        /// In words, with the way out.
        message: String,
        /// What is done again when it is resolved.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        retry: Vec<Work>,
    },
    /// An incident is over.
    IncidentResolved {
        /// Its number.
        incident: Local,
    },
    /// The budget of transitions of this step is used up; `Continue` goes on.
    Yielded {
        /// What is left to do, in order.
        pending: Vec<Work>,
        /// Transitions since the last input from outside, as they count towards [`super::MAX_TRANSITIONS`].
        transitions: u32,
    },
    /// The work left over by a yield was taken up.
    Continued,
    /// The instance goes on by another version of its process: where everything stands there.
    Migrated {
        /// Places of nodes: before, now.
        nodes: Vec<(u32, u32)>,
        /// Places of flows: before, now.
        flows: Vec<(u32, u32)>,
    },
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionKind {
    /// A message.
    Message,
    /// A signal.
    Signal,
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceLine {
    /// Element or flow id.
    pub element: String,
    /// BPMN local name.
    pub kind: String,
    /// `activated`, `completed`, `terminated`, `taken` or `incident`.
    pub event: &'static str,
}

impl Event {
    /// What a trace shows of it, if anything: bodies of multi-instances and loops are left out.
    #[must_use]
    pub fn trace_line(&self) -> Option<TraceLine> {
        let line = |element: &str, kind: &str, event| {
            Some(TraceLine { element: element.to_owned(), kind: kind.to_owned(), event })
        };
        match self {
            Self::ElementActivated { node, kind, body: false, .. } => line(node, kind, "activated"),
            Self::ElementCompleted { node, kind, body: false, .. } => line(node, kind, "completed"),
            Self::ElementTerminated { node, kind, body: false, .. } => line(node, kind, "terminated"),
            Self::FlowTaken { flow, .. } => line(flow, "sequenceFlow", "taken"),
            Self::IncidentRaised { node, kind, .. } => line(node, kind, "incident"),
            _ => None,
        }
    }
}

fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
