//! Call activity.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives | boundary events are waited for; the engine is asked to start the called process |
//! | the called process ends well | its variables are handed up (by output mappings, or all); the token goes on |
//! | the called process threw an error | it is caught here as if the activity threw it; uncaught it fails this instance in turn |
//! | it could not be started, or was cancelled | an error with that code where one catches it, otherwise an incident; resolving it calls again |

use super::Local;
use super::event::Event;
use super::incident::codes;
use super::machine::{Machine, Outcome};
use super::work::Work;
use crate::expression::Expression;
use crate::program::{Node, NodeKind, Variables};

impl Machine<'_> {
    pub(super) fn begin_call(
        &mut self,
        element: Local,
        node: &Node,
        process: &Expression,
        propagate_all_in: bool,
    ) -> Outcome {
        let process = self.evaluate_text(process, element)?;
        self.open_boundary_events(element, node)?;
        let variables = if propagate_all_in {
            self.state.visible_variables(element)
        } else {
            self.state.variables(Some(element)).cloned().unwrap_or_default()
        };
        let call = self.number();
        self.emit(Event::CallRequested { call, element, process, variables });
        Ok(())
    }

    pub(super) fn complete_call(&mut self, call: Local, variables: Variables) {
        let Some(element) = self.state.waits.get(&call).map(|wait| wait.element) else { return };
        let Some((_, node)) = self.instance(element) else { return };
        self.emit(Event::CallEnded { call });
        let all_out = matches!(node.kind, NodeKind::Call { propagate_all_out: true, .. });
        if all_out || !node.outputs.is_empty() {
            self.take_results(element, &node.outputs, variables);
        }
        self.agenda.push_back(Work::Leave { element });
    }

    pub(super) fn fail_call(&mut self, call: Local, code: &str, message: &str, thrown: bool) {
        let Some(element) = self.state.waits.get(&call).map(|wait| wait.element) else { return };
        self.emit(Event::CallEnded { call });
        if self.catch_error(element, code, message, Variables::new()) {
            return;
        }
        if thrown {
            self.fail(code, message);
            return;
        }
        let node = self.state.element(element).map(|instance| instance.node as usize);
        let message =
            format!("the called process failed ({code}): {message}; resolve the incident to call it again");
        // Calling again opens the boundary events again.
        self.close_waits(element);
        self.raise_at(element, node, None, (codes::CALL_FAILED, &message), vec![Work::Run { element }]);
    }
}
