//! Cancelling a transaction.
//!
//! | when | tokens |
//! | --- | --- |
//! | a cancel end event is reached | everything else in the transaction is terminated; what ended well in it is compensated, the last first |
//! | everything is compensated | the transaction is terminated; one token goes on from its cancel boundary event |
//! | it has no cancel boundary event | an incident |

use super::Local;
use super::PROCESS;
use super::incident::{Fault, codes};
use super::machine::{Machine, Outcome, place};
use super::work::Work;
use crate::program::{NodeKind, SubProcess, Trigger, Variables};

impl Machine<'_> {
    /// The transaction that an element instance stands in.
    pub(super) fn transaction_of(&self, element: Local) -> Option<Local> {
        let mut at = self.state.element(element)?.scope;
        while at != PROCESS {
            let (instance, node) = self.instance(at)?;
            if matches!(node.kind, NodeKind::SubProcess(SubProcess::Transaction)) && !instance.body {
                return Some(at);
            }
            at = instance.scope;
        }
        None
    }

    pub(super) fn begin_cancel(&mut self, element: Local) -> Outcome {
        let transaction = self
            .transaction_of(element)
            .ok_or_else(|| Fault::program("a cancel end event stands in no transaction"))?;
        let mut spared = element;
        loop {
            let Some(scope) = self.state.element(spared).map(|instance| instance.scope) else {
                return Ok(());
            };
            self.clear_scope(scope, Some(spared));
            if scope == transaction || scope == PROCESS {
                break;
            }
            spared = scope;
        }
        self.attempt(Work::Compensate { element });
        Ok(())
    }

    pub(super) fn finish_cancel(&mut self, element: Local) -> Outcome {
        let Some(transaction) = self.transaction_of(element) else { return Ok(()) };
        let Some((instance, node)) = self.instance(transaction) else { return Ok(()) };
        let owner = if instance.iteration > 0 { instance.scope } else { transaction };
        let boundary = node.boundary.iter().copied().find(|index| {
            let event = self.program.nodes.get(*index).map(|event| &event.kind);
            matches!(event, Some(NodeKind::Boundary { trigger: Trigger::Cancel, .. }))
        });
        let Some(boundary) = boundary else {
            let message = format!(
                "transaction `{}` has no cancel boundary event; move its token or cancel the instance",
                node.id
            );
            return Err(Fault::new(codes::NO_CANCEL_BOUNDARY, message));
        };
        if let Some((_, end)) = self.instance(element) {
            self.complete(element, end);
        }
        self.fire_boundary_event(owner, place(boundary), true, Variables::new());
        Ok(())
    }
}
