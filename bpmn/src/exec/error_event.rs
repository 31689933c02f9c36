//! Error events: who catches an error.
//!
//! | step | looked at |
//! | --- | --- |
//! | 1 | boundary error events of the activity that throws (job, call) |
//! | 2 | error event sub-processes of the scope, unless one has taken it over already |
//! | 3 | boundary error events of the scope, and so on outward |
//! | none, thrown by an error end event | the instance fails with the code (a parent may catch it at its call activity) |
//! | none, thrown by a job | an incident at the task |
//!
//! At one step an event with the same code comes before one that catches all. Catching interrupts.

use serde_json::Value;

use super::Local;
use super::PROCESS;
use super::event::Event;
use super::event_sub_process::starts;
use super::incident::codes;
use super::machine::{Machine, place};
use crate::program::{NodeKind, Trigger, Variables};

/// Who catches an error or escalation: the event at `index`, on behalf of the activity or scope `owner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Catcher {
    pub(super) owner: Local,
    pub(super) index: u32,
    pub(super) interrupting: bool,
}

/// How well an event fits what is thrown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It catches all.
    All,
    /// It names the code.
    Exact,
}

/// Whether an event with `caught` code fits a thrown one.
pub(super) fn fits(caught: Option<&str>, thrown: Option<&str>) -> Option<Fit> {
    match caught {
        None => Some(Fit::All),
        Some(code) => (Some(code) == thrown).then_some(Fit::Exact),
    }
}

impl Machine<'_> {
    /// The nearest event that fits, from `element` outward.
    pub(super) fn find_catcher(
        &self,
        element: Local,
        fit: impl Fn(&Trigger) -> Option<Fit>,
    ) -> Option<Catcher> {
        let mut at = element;
        loop {
            let (instance, node) = self.instance(at)?;
            let best = |found: Vec<(Fit, Catcher)>| {
                // The first of the best, in document order.
                found.into_iter().rev().max_by_key(|(fit, _)| *fit).map(|(_, catcher)| catcher)
            };
            if instance.iteration == 0 {
                let events =
                    node.boundary.iter().filter_map(|index| match &self.program.nodes.get(*index)?.kind {
                        NodeKind::Boundary { trigger, interrupting, .. } => {
                            let catcher =
                                Catcher { owner: at, index: place(*index), interrupting: *interrupting };
                            Some((fit(trigger)?, catcher))
                        }
                        _ => None,
                    });
                if let Some(catcher) = best(events.collect()) {
                    return Some(catcher);
                }
            }
            let scope = instance.scope;
            let outer = self.state.element(scope)?;
            if !outer.interrupted && !outer.body {
                let inside = instance.node as usize;
                let events = starts(self.program, self.scope_node(scope)).filter_map(
                    |(index, trigger, interrupting)| {
                        // An event sub-process does not catch what comes out of itself.
                        let own = self.program.nodes.get(index)?.parent == Some(inside);
                        let catcher = Catcher { owner: scope, index: place(index), interrupting };
                        Some((fit(trigger).filter(|_| !own)?, catcher))
                    },
                );
                if let Some(catcher) = best(events.collect()) {
                    return Some(catcher);
                }
            }
            if scope == PROCESS {
                return None;
            }
            at = scope;
        }
    }

    pub(super) fn find_error_catcher(&self, element: Local, thrown: &str) -> Option<Catcher> {
        self.find_catcher(element, |trigger| match trigger {
            Trigger::Error { code, .. } => fits(code.as_deref(), Some(thrown)),
            _ => None,
        })
    }

    /// Goes on from the event that caught something.
    pub(super) fn fire(&mut self, catcher: Catcher, variables: Variables) {
        let Catcher { owner, index, interrupting } = catcher;
        let boundary = self
            .program
            .nodes
            .get(index as usize)
            .is_some_and(|node| matches!(node.kind, NodeKind::Boundary { .. }));
        if boundary {
            self.fire_boundary_event(owner, index, interrupting, variables);
        } else {
            self.fire_event_sub_process(owner, index, interrupting, variables);
        }
    }

    pub(super) fn fire_error(
        &mut self,
        catcher: Catcher,
        code: &str,
        message: &str,
        mut variables: Variables,
    ) {
        let trigger = self.program.nodes.get(catcher.index as usize).map(|node| &node.kind);
        if let Some(
            NodeKind::Boundary { trigger: Trigger::Error { code_variable, message_variable, .. }, .. }
            | NodeKind::Start { trigger: Some(Trigger::Error { code_variable, message_variable, .. }), .. },
        ) = trigger
        {
            if let Some(name) = code_variable {
                variables.insert(name.clone(), Value::from(code));
            }
            if let Some(name) = message_variable {
                variables.insert(name.clone(), Value::from(message));
            }
        }
        self.fire(Catcher { interrupting: true, ..catcher }, variables);
    }

    /// Lets an error of `element` be caught; false where nobody does.
    pub(super) fn catch_error(
        &mut self,
        element: Local,
        code: &str,
        message: &str,
        variables: Variables,
    ) -> bool {
        let catcher = self.find_error_catcher(element, code);
        if let Some(catcher) = catcher {
            self.fire_error(catcher, code, message, variables);
        }
        catcher.is_some()
    }

    pub(super) fn throw_error_from_job(
        &mut self,
        job: Local,
        code: &str,
        message: &str,
        variables: Variables,
    ) {
        let Some(element) = self.state.waits.get(&job).map(|wait| wait.element) else { return };
        if let Some(catcher) = self.find_error_catcher(element, code) {
            self.emit(Event::JobEnded { job });
            self.fire_error(catcher, code, message, variables);
        } else {
            let message = format!(
                "error `{code}` is caught nowhere ({message}); add an error boundary event for it, or resolve the \
                 incident to do the job again"
            );
            self.emit(Event::JobFailed { job, retries_left: 0, message: message.clone() });
            self.hold_job(job, element, codes::UNHANDLED_ERROR, &message);
        }
    }
}
