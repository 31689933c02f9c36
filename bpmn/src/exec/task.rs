//! Tasks that are work for somebody else: service, send, business rule, script for a tool, user; and events with a
//! job type.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives | boundary events are waited for; a job is created with the declared inputs |
//! | the job is done | its result is taken; the token goes on |
//! | the job fails with retries left | nothing moves |
//! | the job fails without retries left | an incident holds the job; resolving it opens the job again |
//! | the job throws an error or escalation | see `error_event`, `escalation_event` |

use super::Local;
use super::event::Event;
use super::machine::{Machine, Outcome};
use crate::program::{JobKind, Node, Variables};

impl Machine<'_> {
    pub(super) fn begin_job(&mut self, element: Local, node: &Node, kind: JobKind) -> Outcome {
        self.open_boundary_events(element, node)?;
        let variables = self.job_inputs(element, node);
        let job = self.number();
        let visit = self.state.visits.get(&node.id).copied().unwrap_or(0).saturating_add(1);
        self.emit(Event::JobCreated { job, element, node: node.id.clone(), kind, visit, variables });
        Ok(())
    }

    /// What a job sees: its own scope where it declares inputs, everything visible otherwise.
    pub(super) fn job_inputs(&self, element: Local, node: &Node) -> Variables {
        if node.inputs.is_empty() {
            self.state.visible_variables(element)
        } else {
            self.state.variables(Some(element)).cloned().unwrap_or_default()
        }
    }
}
