//! The token rules: `step(program, state, input) → events`, `apply(state, event)`.
//!
//! One pure function drives the embedded engine, PDO and TDE, the sandbox and Monte Carlo. All ids inside an
//! instance are [`Local`] numbers given in order, so that replaying the events gives the same state.
//!
//! | what | how |
//! | --- | --- |
//! | a token | is on a flow ([`Event::FlowTaken`] puts it there, [`Event::ElementActivated`] takes it away) or in an element instance |
//! | a step | takes one input, makes transitions until nothing is left to do or the budget is used up, and gives the events |
//! | a scope | the process (0), a sub-process, a multi-instance body: it ends when it holds no token and no element instance |
//! | a failure | of an expression or of the model at run time never loses a token: it becomes an incident that says what will be done again |
//!
//! Scope, element and wait numbers are stable; places of nodes and flows are those of the program the instance runs.

mod ad_hoc;
mod apply;
mod boundary_event;
mod business_rule_task;
mod call_activity;
mod cancel;
mod catch_event;
mod compensation;
mod complex_gateway;
mod conditional_event;
mod end_event;
mod error_event;
mod escalation_event;
mod event;
mod event_based_gateway;
mod event_sub_process;
mod exclusive_gateway;
mod handle;
mod incident;
mod inclusive_gateway;
mod input;
mod link_event;
mod machine;
mod migrate;
mod modify;
mod multi_instance;
mod parallel_gateway;
mod queries;
mod reach;
mod receive_task;
mod rejection;
pub mod schedule;
mod script_task;
mod standard_loop;
mod start_event;
mod state;
mod sub_process;
mod task;
mod throw_event;
mod variables;
mod wait;
mod work;

#[cfg(test)]
mod tests;

pub use apply::apply;
pub use business_rule_task::{DecisionInForce, Decisions};
pub use event::{Event, SubscriptionKind, TraceLine};
pub use incident::codes;
pub use input::Input;
pub use migrate::migrate;
pub use queries::{ActiveElement, OpenIncident, OpenWait, WaitsFor};
pub use rejection::StepError;
pub use state::{State, Status};
pub use work::Work;

use crate::program::Program;

/// Identity of something inside one instance (element instance, job, timer, subscription, incident, call):
/// 1, 2, 3, … in order of creation; at most [`MAX_LOCAL`] in one instance. 0 stands for the process itself.
pub type Local = u32;

/// The process itself where a [`Local`] names a scope.
pub const PROCESS: Local = 0;

/// The highest number inside one instance.
pub const MAX_LOCAL: Local = (1 << 20) - 1;

/// Transitions without input from outside after which an instance is held to be a runaway and gets an incident, where
/// all are runs of multi-instance activities, whose number is bounded. Every other one counts [`LOOP_WEIGHT`] times: a
/// loop is stopped after 4,000 of them, before it has filled the trail.
pub const MAX_TRANSITIONS: u32 = 100_000;

/// How often a transition outside of multi-instance runs counts towards [`MAX_TRANSITIONS`].
pub const LOOP_WEIGHT: u32 = 25;

/// The most runs of one multi-instance activity.
pub const MAX_REPEATS: u32 = 10_000;

/// How deep sub-processes may stand in one another.
pub const MAX_NESTING: usize = 64;

/// What a step may use besides the state.
#[derive(Clone, Copy, Debug)]
pub struct StepContext {
    /// The time of the step, milliseconds since the Unix epoch (UTC).
    pub now_ms: i64,
    /// Transitions allowed before the step yields; 1,000 by default, at least 1.
    pub budget: u32,
}

impl StepContext {
    /// Transitions of one step where nobody says otherwise.
    pub const DEFAULT_BUDGET: u32 = 1_000;

    /// A step at this time (milliseconds since the Unix epoch) with the default budget.
    #[must_use]
    pub fn at(now_ms: i64) -> Self {
        Self { now_ms, budget: Self::DEFAULT_BUDGET }
    }
}

/// Makes one step: what happens to `state` when `input` comes. Pure: the state after it is the fold of the events
/// over `state` by [`apply()`].
///
/// # Errors
/// [`StepError`] where the input does not fit the state (unknown job, ended instance, …); nothing happened then.
pub fn step(
    program: &Program,
    state: &State,
    input: Input,
    context: StepContext,
) -> Result<Vec<Event>, StepError> {
    let mut after = state.clone();
    advance(program, &mut after, input, context)
}

/// As [`step`], but moves `state` along instead of leaving it as it was; no copy is made. No decision is at hand: a
/// business rule task that asks one raises an incident.
///
/// # Errors
/// As [`step`]; `state` is unchanged then.
pub fn advance(
    program: &Program,
    state: &mut State,
    input: Input,
    context: StepContext,
) -> Result<Vec<Event>, StepError> {
    handle::advance(program, state, input, context, &())
}

/// As [`advance`], with the decisions that business rule tasks ask. The events say which version decided and what came
/// of it, so that their fold needs no decision.
///
/// # Errors
/// As [`step`]; `state` is unchanged then.
pub fn advance_deciding(
    program: &Program,
    state: &mut State,
    input: Input,
    context: StepContext,
    decisions: &dyn Decisions,
) -> Result<Vec<Event>, StepError> {
    handle::advance(program, state, input, context, decisions)
}
