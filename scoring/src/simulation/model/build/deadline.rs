//! An interrupting timer on an activity: work that takes longer goes on along the timer's flow.

use bpmn::program::{Node, NodeKind, Trigger};

use super::super::Deadline;
use super::{Builder, Law, refused, timer_law};
use crate::Error;

impl Builder<'_> {
    /// The timer of an activity, where it has one.
    pub(super) fn deadline(&self, node: &Node) -> Result<Option<Deadline>, Error> {
        let (event, place) = match node.boundary.as_slice() {
            [] => return Ok(None),
            [only] => (self.program.nodes.get(*only), self.first.get(*only).copied().unwrap_or_default()),
            _ => (None, 0),
        };
        if let Some(event) = event
            && let NodeKind::Boundary { trigger: Trigger::Timer(timer), interrupting: true, .. } = &event.kind
        {
            let declared = self.parameters(event).duration;
            return match declared.map_or_else(|| timer_law(event, timer), Ok)? {
                Law::Constant(after) => Ok(Some(Deadline { after, late: place })),
                _ => Err(refused(
                    event,
                    "a boundary timer whose time varies",
                    "declare one duration: <procos:simulation duration=\"1h\"/>",
                )),
            };
        }
        Err(refused(
            node,
            "a boundary event other than one interrupting timer",
            "leave it out, or put a gateway with shares behind the task instead",
        ))
    }
}
