//! Parallel gateway.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives and some incoming flow has none | it waits on its flow |
//! | every incoming flow has a token | one token of each is consumed, and one goes out on each outgoing flow; more tokens on a flow wait for the next round |
//! | the missing token cannot come and nothing else is waited for | an incident says so (see `inclusive_gateway`, where all joins are looked at when nothing moves) |

use super::Local;
use super::machine::{Activation, Machine, Outcome, place};
use super::work::Work;
use crate::program::Node;

impl Machine<'_> {
    pub(super) fn join_parallel(&mut self, index: u32, node: &Node, scope: Local) -> Outcome {
        let consumed: Vec<u32> = node.incoming.iter().map(|flow| place(*flow)).collect();
        if consumed.iter().any(|flow| self.state.tokens_on(scope, *flow) == 0) {
            return Ok(());
        }
        let element = self.activate(index, scope, Activation { consumed, ..Activation::default() })?;
        self.attempt(Work::Run { element });
        Ok(())
    }
}
