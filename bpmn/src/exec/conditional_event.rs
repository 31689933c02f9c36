//! Conditional events: intermediate, boundary, and starts of event sub-processes.
//!
//! | when | tokens |
//! | --- | --- |
//! | it begins to be waited for, and after each transition that changed variables | the condition is looked at |
//! | it turns from false to true | the event happens; one that does not interrupt can happen again after it was false |
//! | it cannot be evaluated | an incident, once; it counts as false and is looked at again like others |

use super::event::Event;
use super::machine::Machine;
use super::state::WaitKind;
use super::work::Work;
use crate::program::{NodeKind, Trigger, Variables};

impl Machine<'_> {
    /// Looks at the conditions that are waited for, where variables have changed.
    pub(super) fn look_at_conditions(&mut self) {
        if !std::mem::take(&mut self.changed_variables) || self.state.conditions.is_empty() {
            return;
        }
        for number in self.state.conditions.clone() {
            let Some(wait) = self.state.waits.get(&number) else { continue };
            let (owner, WaitKind::Condition { node: index, value: before }) = (wait.element, &wait.kind)
            else {
                continue;
            };
            let (index, before) = (*index, *before);
            let Some(node) = self.program.nodes.get(index as usize) else { continue };
            let trigger = match &node.kind {
                NodeKind::Catch(trigger)
                | NodeKind::Boundary { trigger, .. }
                | NodeKind::Receive(trigger) => trigger,
                NodeKind::Start { trigger: Some(trigger), .. } => trigger,
                _ => continue,
            };
            let Trigger::Conditional { condition } = trigger else { continue };
            let value = match self.holds(condition, owner) {
                Ok(value) => Some(value),
                Err(fault) => {
                    if before.is_some() {
                        let (code, message) = (fault.code, fault.message.as_str());
                        self.raise_at(
                            owner,
                            Some(index as usize),
                            None,
                            (code, message),
                            vec![Work::Conditions],
                        );
                    }
                    None
                }
            };
            if value != before {
                self.emit(Event::ConditionChanged { condition: number, value });
                if value == Some(true) {
                    self.triggered(owner, index, Variables::new());
                }
            }
        }
    }
}
