//! Timers against other things: an interrupting timer on an activity, and an event-based gateway that waits for an event or
//! for a timer. What takes longer than the timer goes on along the timer's flow.

use std::sync::Arc;

use bpmn::program::{Node, NodeIndex, NodeKind, Timer, Trigger};

use super::super::Deadline;
use super::{Builder, Law, refused, timer_law};
use crate::Error;

impl Builder<'_> {
    /// The timer that ends an activity or the wait for an event, where there is one.
    pub(super) fn deadline(&self, node: &Node) -> Result<Option<Deadline>, Error> {
        if let Some((index, event, timer)) = self.rival(node) {
            return Ok(Some(Deadline { after: self.fixed(event, timer)?, late: self.first[index] }));
        }
        let (event, place) = match node.boundary.as_slice() {
            [] => return Ok(None),
            [only] => (self.program.nodes.get(*only), self.first.get(*only).copied().unwrap_or_default()),
            _ => (None, 0),
        };
        if let Some(event) = event
            && let NodeKind::Boundary { trigger: Trigger::Timer(timer), interrupting: true, .. } = &event.kind
        {
            return Ok(Some(Deadline { after: self.fixed(event, timer)?, late: place }));
        }
        Err(refused(
            node,
            "a boundary event other than one interrupting timer",
            "leave it out, or put a gateway with shares behind the task instead",
        ))
    }

    fn fixed(&self, event: &Node, timer: &Timer) -> Result<f64, Error> {
        let declared = self.parameters(event).duration;
        match declared.map_or_else(|| timer_law(event, timer), Ok)? {
            Law::Constant(after) => Ok(after),
            _ => Err(refused(
                event,
                "a timer whose time varies, against something else",
                "declare one duration: <procos:simulation duration=\"1h\"/>",
            )),
        }
    }

    /// An event-based gateway: the event behind it is waited for, at most until the timer.
    pub(super) fn first_event(&mut self, node: &Node, place: u16) -> Result<(), Error> {
        let behind: Vec<NodeIndex> = self.behind(node).collect();
        let is_timer = |index: &NodeIndex| as_timer(&self.program.nodes[*index]).is_some();
        let (timers, events): (Vec<NodeIndex>, Vec<NodeIndex>) = behind.into_iter().partition(is_timer);
        let ([_], [event]) = (timers.as_slice(), events.as_slice()) else {
            return Err(refused(
                node,
                "an event-based gateway that waits for anything but one event and one timer",
                "use an exclusive gateway with shares, or leave events out",
            ));
        };
        let waits = self.program.nodes[*event].id.clone();
        Arc::make_mut(&mut self.model.waits).insert(node.id.clone(), waits);
        self.fork(place, vec![self.first[*event]]);
        Ok(())
    }

    fn behind(&self, gateway: &Node) -> impl Iterator<Item = NodeIndex> {
        gateway.outgoing.iter().filter_map(|flow| self.program.flows.get(*flow)).map(|flow| flow.target)
    }

    /// The event-based gateway right before a node.
    fn gateway_before(&self, node: &Node) -> Option<&Node> {
        let [flow] = node.incoming.as_slice() else { return None };
        let before = self.program.nodes.get(self.program.flows.get(*flow)?.source)?;
        matches!(before.kind, NodeKind::EventBased { .. }).then_some(before)
    }

    /// The timer behind the same event-based gateway as this event.
    fn rival(&self, node: &Node) -> Option<(NodeIndex, &Node, &Timer)> {
        let gateway = self.gateway_before(node).filter(|_| as_timer(node).is_none())?;
        let mut behind = self.behind(gateway);
        behind.find_map(|index| {
            let event = self.program.nodes.get(index)?;
            Some((index, event, as_timer(event)?))
        })
    }

    /// Whether a timer stands behind an event-based gateway: whoever comes to it has waited already.
    pub(super) fn is_rival(&self, node: &Node) -> bool {
        as_timer(node).is_some() && self.gateway_before(node).is_some()
    }
}

fn as_timer(node: &Node) -> Option<&Timer> {
    match &node.kind {
        NodeKind::Catch(Trigger::Timer(timer)) => Some(timer),
        _ => None,
    }
}
