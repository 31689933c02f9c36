//! Boundary events.
//!
//! | when | tokens |
//! | --- | --- |
//! | its activity begins to wait | timers, messages, signals and conditions are waited for; errors, escalations, cancellation and compensation come from inside |
//! | it happens, interrupting | the activity (with its multi-instance body and all inside) is terminated; one token goes on from the event |
//! | it happens, not interrupting | the activity goes on; one more token goes on from the event; it may happen again |

use super::Local;
use super::machine::{Activation, Machine, Outcome, place};
use super::work::Work;
use crate::program::{Node, NodeKind, Variables};

impl Machine<'_> {
    /// Begins to wait for the boundary events of an activity; for a repeated one they belong to its body.
    pub(super) fn open_boundary_events(&mut self, element: Local, node: &Node) -> Outcome {
        if node.boundary.is_empty()
            || self.state.element(element).is_none_or(|instance| instance.iteration > 0)
        {
            return Ok(());
        }
        for index in &node.boundary {
            let event = self.node(place(*index))?;
            if let NodeKind::Boundary { trigger, interrupting, .. } = &event.kind {
                self.open_wait(element, place(*index), trigger, !interrupting)?;
            }
        }
        Ok(())
    }

    pub(super) fn fire_boundary_event(
        &mut self,
        owner: Local,
        index: u32,
        interrupting: bool,
        variables: Variables,
    ) {
        let Some(scope) = self.state.element(owner).map(|instance| instance.scope) else { return };
        if interrupting {
            self.terminate(owner);
        }
        if let Ok(element) = self.activate(index, scope, Activation::default())
            && let Ok(node) = self.node(index)
        {
            self.take_results(element, &node.outputs, variables);
            self.agenda.push_back(Work::Leave { element });
        }
    }
}
