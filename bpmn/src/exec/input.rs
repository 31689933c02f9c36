//! What an instance is told from outside.

use serde::{Deserialize, Serialize};

use super::Local;
use crate::program::Variables;

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
        /// True when the called process threw the error and did not catch it: if nobody catches it here either, this
        /// instance fails in turn. False when it could not be started or was cancelled: that becomes an incident.
        thrown: bool,
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
