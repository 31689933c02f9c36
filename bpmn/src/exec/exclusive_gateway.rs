//! Exclusive gateway.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives on any flow | it goes on alone (no join) |
//! | leaving | the first flow in document order whose condition holds, or that has none and is not the default; otherwise the default; otherwise an incident |

use super::Local;
use super::incident::{Fault, codes};
use super::machine::Machine;
use crate::program::{FlowIndex, Node};

impl Machine<'_> {
    pub(super) fn choose_exclusive(&self, element: Local, node: &Node) -> Result<Vec<FlowIndex>, Fault> {
        for index in &node.outgoing {
            let Some(flow) = self.program.flows.get(*index) else { continue };
            if node.default_flow == Some(*index) {
                continue;
            }
            match &flow.condition {
                None => return Ok(vec![*index]),
                Some(condition) if self.holds(condition, element)? => return Ok(vec![*index]),
                Some(_) => {}
            }
        }
        match node.default_flow {
            Some(default) => Ok(vec![default]),
            None if node.outgoing.is_empty() => Ok(Vec::new()),
            None => Err(no_flow(node)),
        }
    }
}

pub(super) fn no_flow(node: &Node) -> Fault {
    let message = format!(
        "no outgoing flow of `{}` can be taken: no condition holds and there is no default flow; set the variables \
         they read, then resolve the incident",
        node.id
    );
    Fault::new(codes::NO_FLOW, message)
}
