//! Event-based gateway.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives | it waits at the gateway for all events that follow |
//! | one of them happens | the gateway ends, the flow to that event is taken, the event ends at once and goes on; the others no longer count |
//! | `instantiate` | an instance is started at one of the events that follow: see `start_event` |

use super::Local;
use super::incident::Fault;
use super::machine::{Activation, Machine, Outcome, place};
use super::work::Work;
use crate::program::{Node, NodeKind, Variables};

impl Machine<'_> {
    pub(super) fn begin_event_based(&mut self, element: Local, node: &Node) -> Outcome {
        for flow in &node.outgoing {
            let target = self.program.flows.get(*flow).map(|flow| flow.target);
            let target = target.ok_or_else(|| Fault::program("a sequence flow is not in the process"))?;
            match &self.node(place(target))?.kind {
                NodeKind::Catch(trigger) | NodeKind::Receive(trigger) => {
                    self.open_wait(element, place(target), trigger, false)?;
                }
                _ => {
                    return Err(Fault::program("an event-based gateway leads to something that is no event"));
                }
            }
        }
        Ok(())
    }

    pub(super) fn fire_event_based(&mut self, gateway: Local, index: u32, variables: Variables) {
        let Some((instance, node)) = self.instance(gateway) else { return };
        let scope = instance.scope;
        let leads_there =
            |flow: &usize| self.program.flows.get(*flow).is_some_and(|flow| place(flow.target) == index);
        let Some(flow) = node.outgoing.iter().copied().find(leads_there) else { return };
        self.complete(gateway, node);
        self.take(flow, scope);
        // The token does not arrive like others: what it would wait for has happened.
        self.agenda.pop_back();
        let activation = Activation { consumed: vec![place(flow)], ..Activation::default() };
        if let Ok(element) = self.activate(index, scope, activation)
            && let Ok(event) = self.node(index)
        {
            self.take_results(element, &event.outputs, variables);
            self.agenda.push_back(Work::Leave { element });
        }
    }
}
