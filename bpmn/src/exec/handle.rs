//! Takes one input: refuses it where it does not fit, otherwise starts the transitions that follow from it.

use std::collections::VecDeque;

use super::business_rule_task::Decisions;
use super::event::Event;
use super::incident::codes;
use super::input::Input;
use super::machine::Machine;
use super::rejection::StepError;
use super::state::{State, Status, WaitKind};
use super::work::Work;
use super::{Local, PROCESS, StepContext};
use crate::program::{Node, NodeKind, Program, SubProcess, Variables};

pub(super) fn advance(
    program: &Program,
    state: &mut State,
    input: Input,
    context: StepContext,
    decisions: &dyn Decisions,
) -> Result<Vec<Event>, StepError> {
    let start = check(program, state, &input)?;
    let mut machine = Machine {
        program,
        state,
        events: Vec::new(),
        agenda: VecDeque::new(),
        context,
        decisions,
        changed_variables: false,
        earlier: 0,
    };
    machine.take_up(matches!(input, Input::Continue));
    machine.handle(input, start);
    machine.run();
    Ok(machine.events)
}

/// Whether the input fits; for a start, the nodes to activate.
fn check(program: &Program, state: &State, input: &Input) -> Result<Vec<u32>, StepError> {
    match (state.status, input) {
        (Status::Fresh, Input::Start { start, .. }) => super::start_event::find(program, start.as_deref()),
        (Status::Fresh, _) => Err(StepError::NotStarted),
        (Status::Active, Input::Start { .. }) => Err(StepError::AlreadyStarted),
        (Status::Active, _) => check_open(program, state, input).map(|()| Vec::new()),
        // Going on where nothing is left is harmless: a yield and an end may cross.
        (_, Input::Continue) => Ok(Vec::new()),
        _ => Err(StepError::Ended),
    }
}

fn check_open(program: &Program, state: &State, input: &Input) -> Result<(), StepError> {
    let open = |what: &'static str, number: Local, fits: fn(&WaitKind) -> bool| {
        let found = state.waits.get(&number).is_some_and(|wait| fits(&wait.kind));
        if found { Ok(()) } else { Err(StepError::Unknown { what, number }) }
    };
    let active = |what: &'static str, number: Local| match state.element(number) {
        Some(_) if number != PROCESS => Ok(()),
        _ => Err(StepError::Unknown { what, number }),
    };
    match input {
        Input::CompleteJob { job, .. }
        | Input::FailJob { job, .. }
        | Input::ThrowError { job, .. }
        | Input::ThrowEscalation { job, .. } => open("job", *job, |kind| matches!(kind, WaitKind::Job)),
        Input::TimerDue { timer } => open("timer", *timer, |kind| matches!(kind, WaitKind::Timer { .. })),
        Input::Correlate { subscription, .. } => {
            open("subscription", *subscription, |kind| matches!(kind, WaitKind::Subscription { .. }))
        }
        Input::CallCompleted { call, .. } | Input::CallFailed { call, .. } => {
            open("call", *call, |kind| matches!(kind, WaitKind::Call))
        }
        Input::ResolveIncident { incident } => {
            open("incident", *incident, |kind| matches!(kind, WaitKind::Incident { .. }))
        }
        Input::SetVariables { scope: Some(scope), .. } if *scope != PROCESS => {
            active("element instance", *scope)
        }
        Input::ActivateAdHoc { element, ids } => {
            let inside = state.element(*element).filter(|element| !element.body);
            let node = inside.map(|element| element.node as usize);
            let is_ad_hoc = |node: &Node| matches!(node.kind, NodeKind::SubProcess(SubProcess::AdHoc { .. }));
            match node.filter(|node| program.nodes.get(*node).is_some_and(is_ad_hoc)) {
                None => Err(StepError::Unknown { what: "ad-hoc sub-process", number: *element }),
                Some(node) => super::ad_hoc::check(program, node, ids),
            }
        }
        Input::Modify { terminate, activate } => {
            terminate.iter().try_for_each(|number| active("element instance", *number))?;
            super::modify::check(program, activate)
        }
        Input::Start { .. } | Input::Continue | Input::SetVariables { .. } | Input::Cancel { .. } => Ok(()),
    }
}

impl Machine<'_> {
    /// Takes up what a yield left over.
    fn take_up(&mut self, continues: bool) {
        if !self.state.agenda.is_empty() {
            self.agenda = self.state.agenda.clone();
            self.earlier = if continues { self.state.transitions } else { 0 };
            self.changed_variables = true;
            self.emit(Event::Continued);
        }
    }

    fn handle(&mut self, input: Input, start: Vec<u32>) {
        match input {
            Input::Continue => {}
            Input::Start { variables, .. } => self.start(&start, variables),
            Input::CompleteJob { job, variables } => self.complete_job(job, variables),
            Input::FailJob { job, code, message, retries_left } => {
                self.fail_job(job, &code, message, retries_left);
            }
            Input::ThrowError { job, code, message, variables } => {
                self.throw_error_from_job(job, &code, &message, variables);
            }
            Input::ThrowEscalation { job, code, variables } => {
                self.throw_escalation_from_job(job, &code, variables);
            }
            Input::TimerDue { timer } => self.timer_due(timer),
            Input::Correlate { subscription, variables } => self.correlate(subscription, variables),
            Input::CallCompleted { call, variables } => self.complete_call(call, variables),
            Input::CallFailed { call, code, message, thrown } => {
                self.fail_call(call, &code, &message, thrown);
            }
            Input::SetVariables { scope, variables } => {
                self.set_variables(scope.unwrap_or(PROCESS), variables);
                self.look_at_conditions();
            }
            Input::ResolveIncident { incident } => self.resolve(incident),
            Input::ActivateAdHoc { element, ids } => self.activate_ad_hoc(element, &ids),
            Input::Modify { terminate, activate } => self.modify(&terminate, &activate),
            Input::Cancel { reason } => {
                self.clear_scope(PROCESS, None);
                self.close_waits(PROCESS);
                self.emit(Event::InstanceCancelled { reason });
            }
        }
    }

    fn complete_job(&mut self, job: Local, variables: Variables) {
        let Some(element) = self.state.waits.get(&job).map(|wait| wait.element) else { return };
        let Some((_, node)) = self.instance(element) else { return };
        self.emit(Event::JobEnded { job });
        self.take_results(element, &node.outputs, variables);
        self.agenda.push_back(Work::Leave { element });
    }

    fn fail_job(&mut self, job: Local, code: &str, message: String, retries_left: u32) {
        let Some(element) = self.state.waits.get(&job).map(|wait| wait.element) else { return };
        self.emit(Event::JobFailed { job, retries_left, message: message.clone() });
        if retries_left == 0 {
            let code = if code.is_empty() { codes::JOB_FAILED } else { code };
            self.hold_job(job, element, code, &message);
        }
    }

    /// An incident that holds a job; one at a time.
    pub(super) fn hold_job(&mut self, job: Local, element: Local, code: &str, message: &str) {
        let held = self.state.element(element).is_some_and(|instance| {
            instance.waits.iter().any(|number| {
                let wait = self.state.waits.get(number);
                matches!(wait.map(|wait| &wait.kind), Some(WaitKind::Incident { job: Some(other), .. }) if *other == job)
            })
        });
        if !held {
            let node = self.state.element(element).map(|instance| instance.node as usize);
            self.raise_at(element, node, Some(job), (code, message), Vec::new());
        }
    }
}
