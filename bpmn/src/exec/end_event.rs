//! End events.
//!
//! | kind | tokens |
//! | --- | --- |
//! | none | the token is consumed; the scope ends if it was the last |
//! | terminate | everything else in the scope is terminated, the scope ends well |
//! | error | caught from the inside out (see `error_event`); uncaught, the instance fails |
//! | escalation, message, signal, compensation, job | as the throw event, then as none |
//! | cancel | see `cancel` |

use super::Local;
use super::PROCESS;
use super::machine::{Machine, Outcome};
use super::work::Work;
use crate::program::{Node, Throw, Variables};

impl Machine<'_> {
    pub(super) fn begin_end(&mut self, element: Local, node: &Node, throw: &Throw) -> Outcome {
        match throw {
            Throw::Terminate => self.terminate_scope(element, node),
            Throw::Error { code } => {
                let code = self.evaluate_text(code, element)?;
                self.end_by_error(element, node, &code)?;
            }
            Throw::Cancel => self.begin_cancel(element)?,
            other => self.begin_throw(element, node, other)?,
        }
        Ok(())
    }

    fn terminate_scope(&mut self, element: Local, node: &Node) {
        let Some(scope) = self.state.element(element).map(|instance| instance.scope) else { return };
        self.complete(element, node);
        self.clear_scope(scope, None);
        if scope == PROCESS {
            self.finish();
        } else {
            self.agenda.push_front(Work::Leave { element: scope });
        }
    }

    fn end_by_error(&mut self, element: Local, node: &Node, code: &str) -> Outcome {
        let message = format!("error `{code}` thrown by `{}`", node.name.as_deref().unwrap_or(&node.id));
        let own = self.state.variables(Some(element)).cloned().unwrap_or_default();
        self.map_outputs(element, self.state.element(element).map_or(PROCESS, |it| it.scope), &node.outputs)?;
        let carried = if node.inputs.is_empty() { Variables::new() } else { own };
        let catcher = self.find_error_catcher(element, code);
        self.complete(element, node);
        match catcher {
            Some(catcher) => self.fire_error(catcher, code, &message, carried),
            None => self.fail(code, &format!("{message} is caught nowhere")),
        }
        Ok(())
    }
}
