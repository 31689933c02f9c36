//! Incidents: what cannot go on is held, with what will be done again when it is resolved.
//!
//! | what fails | what is held |
//! | --- | --- |
//! | an expression or choice of an element | the transition that was being made |
//! | a job without retries, an error of a job that nobody catches | the job |
//! | an instance that makes [`super::MAX_TRANSITIONS`] without input, as they count | all its transitions still to be made |
//! | tokens at joins that nothing can reach any more | nothing: the way out is to move them |

use super::event::Event;
use super::machine::Machine;
use super::state::WaitKind;
use super::variables::outside;
use super::work::Work;
use super::{LOOP_WEIGHT, Local, MAX_TRANSITIONS, PROCESS};
use crate::dmn::EvaluationError;
use crate::expression::Expression;
use crate::program::Variables;

/// Stable codes of incidents and failures that the token rules raise.
pub mod codes {
    /// An expression failed.
    pub const EXPRESSION: &str = "EXEC-0101";
    /// No outgoing flow can be taken.
    pub const NO_FLOW: &str = "EXEC-0102";
    /// An error that nobody catches.
    pub const UNHANDLED_ERROR: &str = "EXEC-0103";
    /// A job failed and has no retries left, and gave no code of its own.
    pub const JOB_FAILED: &str = "EXEC-0104";
    /// Too many transitions without input from outside.
    pub const RUNAWAY: &str = "EXEC-0105";
    /// A multi-instance over something that is no list or number, or too many.
    pub const REPEAT: &str = "EXEC-0106";
    /// Sub-processes stand too deep in one another.
    pub const NESTING: &str = "EXEC-0107";
    /// A timer is no date, duration, repetition or cron expression.
    pub const TIMER: &str = "EXEC-0108";
    /// Tokens wait at a join for tokens that cannot come.
    pub const DEADLOCK: &str = "EXEC-0109";
    /// A called process could not be started or was cancelled.
    pub const CALL_FAILED: &str = "EXEC-0110";
    /// The instance used up its element numbers.
    pub const NUMBERS: &str = "EXEC-0111";
    /// A transaction was cancelled without a cancel boundary event.
    pub const NO_CANCEL_BOUNDARY: &str = "EXEC-0112";
    /// The program refers to something that is not there.
    pub const PROGRAM: &str = "EXEC-0113";
    /// A value has another type than is needed.
    pub const WRONG_TYPE: &str = "EXEC-0114";
    /// A business rule task asks a decision that is not deployed.
    pub const DECISION: &str = "EXEC-0115";
}

/// Why a transition cannot be made.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: String) -> Self {
        Self { code, message }
    }

    pub(super) fn expression(expression: &Expression, error: &dyn std::fmt::Display) -> Self {
        let source = expression.source();
        let message =
            format!("`{source}` failed: {error}; set the variables it reads, then resolve the incident");
        Self::new(codes::EXPRESSION, message)
    }

    pub(super) fn decision(error: &EvaluationError) -> Self {
        let message = format!("{error}; {}, then resolve the incident", error.hint());
        Self::new(error.code(), message)
    }

    pub(super) fn program(what: &str) -> Self {
        Self::new(
            codes::PROGRAM,
            format!("{what}; deploy the process again and migrate or cancel the instance"),
        )
    }
}

impl Machine<'_> {
    /// Holds `work` back in an incident.
    pub(super) fn raise(&mut self, work: Work, fault: &Fault) {
        let (owner, node) = match work {
            Work::Arrive { flow, scope } => {
                (scope, self.program.flows.get(flow as usize).map(|flow| flow.target))
            }
            _ => {
                let owner = work.element().unwrap_or(PROCESS);
                (owner, self.state.element(owner).map(|element| element.node as usize))
            }
        };
        self.raise_at(owner, node, None, (fault.code, &fault.message), vec![work]);
    }

    /// Raises an incident that belongs to `owner`, about `node`.
    pub(super) fn raise_at(
        &mut self,
        owner: Local,
        node: Option<usize>,
        job: Option<Local>,
        (code, message): (&str, &str),
        retry: Vec<Work>,
    ) {
        let node = node.and_then(|node| self.program.nodes.get(node));
        let incident = self.number();
        self.emit(Event::IncidentRaised {
            incident,
            element: outside(owner),
            job,
            node: node.map_or_else(|| self.program.process_id.clone(), |node| node.id.clone()),
            kind: node.map_or_else(|| "process".to_owned(), |node| node.local_name.clone()),
            code: code.to_owned(),
            message: message.to_owned(),
            retry,
        });
    }

    /// Holds back all that is left to do.
    pub(super) fn hold_runaway(&mut self) {
        let retry: Vec<Work> = self.agenda.drain(..).collect();
        let node = retry.first().and_then(|work| match *work {
            Work::Arrive { flow, .. } => self.program.flows.get(flow as usize).map(|flow| flow.target),
            _ => work
                .element()
                .and_then(|element| self.state.element(element))
                .map(|element| element.node as usize),
        });
        let message = format!(
            "{} transitions without input from outside: this looks like a loop without end; set the \
             variables that end it, then resolve the incident, or cancel the instance",
            MAX_TRANSITIONS / LOOP_WEIGHT
        );
        self.raise_at(PROCESS, node, None, (codes::RUNAWAY, &message), retry);
    }

    /// Takes up what an incident held back.
    pub(super) fn resolve(&mut self, incident: Local) {
        let Some(WaitKind::Incident { job, retry, .. }) =
            self.state.waits.get(&incident).map(|wait| wait.kind.clone())
        else {
            return;
        };
        self.emit(Event::IncidentResolved { incident });
        let owner = job.and_then(|job| self.state.waits.get(&job)).map(|wait| wait.element);
        if let (Some(job), Some(element)) = (job, owner) {
            let variables = match self.instance(element) {
                Some((_, node)) => self.job_inputs(element, node),
                None => Variables::new(),
            };
            self.emit(Event::JobReopened { job, variables });
        }
        self.agenda.extend(retry);
    }
}
