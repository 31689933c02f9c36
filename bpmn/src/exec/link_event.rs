//! Link events.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives at the throwing link | it goes on from the catching link of the same name in the same scope |

use super::Local;
use super::incident::Fault;
use super::machine::{Activation, Machine, Outcome};
use super::reach::link_target;
use super::work::Work;
use crate::program::Node;

impl Machine<'_> {
    pub(super) fn throw_link(&mut self, element: Local, node: &Node, name: &str) -> Outcome {
        let target = link_target(self.program, node.parent, name)
            .ok_or_else(|| Fault::program(&format!("link `{name}` has no catch event in its scope")))?;
        let Some(scope) = self.state.element(element).map(|instance| instance.scope) else { return Ok(()) };
        let caught = self.activate(target, scope, Activation::default())?;
        self.agenda.push_back(Work::Run { element: caught });
        self.done(element);
        Ok(())
    }
}
