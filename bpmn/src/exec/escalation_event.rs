//! Escalation events.
//!
//! | when | tokens |
//! | --- | --- |
//! | thrown | caught from the inside out like an error (see `error_event`), by code or by an event that catches all |
//! | caught by an event that does not interrupt | one more token goes on from there; the thrower goes on |
//! | caught by an interrupting event | what it interrupts is terminated, the thrower with it |
//! | caught nowhere | the thrower goes on |

use super::Local;
use super::error_event::{Catcher, fits};
use super::event::Event;
use super::machine::Machine;
use crate::program::{Node, Trigger, Variables};

impl Machine<'_> {
    fn find_escalation_catcher(&self, element: Local, thrown: Option<&str>) -> Option<Catcher> {
        self.find_catcher(element, |trigger| match trigger {
            Trigger::Escalation { code } => fits(code.as_deref(), thrown),
            _ => None,
        })
    }

    pub(super) fn throw_escalation(&mut self, element: Local, node: &Node, code: Option<&str>) {
        let variables = self.carried(element);
        match self.find_escalation_catcher(element, code) {
            Some(catcher) if catcher.interrupting => {
                self.complete(element, node);
                self.fire(catcher, variables);
            }
            Some(catcher) => {
                self.fire(catcher, variables);
                self.done(element);
            }
            None => self.done(element),
        }
    }

    pub(super) fn throw_escalation_from_job(&mut self, job: Local, code: &str, variables: Variables) {
        let Some(element) = self.state.waits.get(&job).map(|wait| wait.element) else { return };
        if let Some(catcher) = self.find_escalation_catcher(element, Some(code)) {
            if catcher.interrupting {
                self.emit(Event::JobEnded { job });
            }
            self.fire(catcher, variables);
        }
    }
}
