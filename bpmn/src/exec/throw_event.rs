//! Intermediate throw events, and what end events throw.
//!
//! | kind | tokens |
//! | --- | --- |
//! | none | goes on |
//! | message, signal | sent with the event's own variables (its input mappings); goes on |
//! | message with a job type | becomes a job: see `task` |
//! | escalation | see `escalation_event` |
//! | link | see `link_event` |
//! | compensation | waits until everything is compensated: see `compensation` |

use super::Local;
use super::event::Event;
use super::incident::Fault;
use super::machine::{Machine, Outcome};
use super::work::Work;
use crate::program::{JobKind, Node, Throw, Variables};

impl Machine<'_> {
    pub(super) fn begin_throw(&mut self, element: Local, node: &Node, throw: &Throw) -> Outcome {
        match throw {
            Throw::None => self.done(element),
            Throw::Message { name, correlation_key } => {
                let name = self.evaluate_text(name, element)?;
                let key = correlation_key.as_ref().map(|key| self.evaluate_text(key, element)).transpose()?;
                let variables = self.carried(element);
                self.emit(Event::MessageThrown { name, correlation_key: key, variables });
                self.done(element);
            }
            Throw::Signal { name } => {
                let name = self.evaluate_text(name, element)?;
                let variables = self.carried(element);
                self.emit(Event::SignalThrown { name, variables });
                self.done(element);
            }
            Throw::Job => self.begin_job(element, node, JobKind::Service)?,
            Throw::Escalation { code } => {
                let code = code.as_ref().map(|code| self.evaluate_text(code, element)).transpose()?;
                self.throw_escalation(element, node, code.as_deref());
            }
            Throw::Link { name } => self.throw_link(element, node, name)?,
            Throw::Compensation { .. } => self.attempt(Work::Compensate { element }),
            Throw::Terminate | Throw::Error { .. } | Throw::Cancel => {
                return Err(Fault::program("an intermediate event throws what only an end event can throw"));
            }
        }
        Ok(())
    }

    /// What an event carries: its own variables.
    pub(super) fn carried(&self, element: Local) -> Variables {
        self.state.variables(Some(element)).cloned().unwrap_or_default()
    }
}
