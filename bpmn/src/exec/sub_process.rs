//! Embedded sub-process and transaction.
//!
//! | when | tokens |
//! | --- | --- |
//! | it begins | boundary events and the event sub-processes inside are waited for; tokens begin inside |
//! | nothing is left inside | it leaves |
//! | it stands deeper than [`super::MAX_NESTING`] | an incident |

use super::incident::{Fault, codes};
use super::machine::{Machine, Outcome};
use super::work::Work;
use super::{Local, MAX_NESTING, PROCESS};
use crate::program::{Node, SubProcess};

impl Machine<'_> {
    pub(super) fn begin_sub_process(&mut self, element: Local, node: &Node, kind: &SubProcess) -> Outcome {
        self.check_nesting(element)?;
        if matches!(kind, SubProcess::Event) {
            // Its start event happened already: see `event_sub_process`.
            return self.open_event_sub_processes(element);
        }
        if let SubProcess::AdHoc { .. } = kind {
            return self.begin_ad_hoc(element, node, kind);
        }
        self.open_boundary_events(element, node)?;
        self.open_event_sub_processes(element)?;
        let beginnings = self.beginnings_of(element)?;
        self.begin_inside(element, &beginnings)?;
        if beginnings.is_empty() {
            self.agenda.push_front(Work::Leave { element });
        }
        Ok(())
    }

    fn check_nesting(&self, element: Local) -> Outcome {
        let mut depth = 0;
        let mut at = element;
        while let Some(instance) = self.state.element(at).filter(|_| at != PROCESS) {
            depth += usize::from(!instance.body);
            at = instance.scope;
        }
        if depth > MAX_NESTING {
            let message =
                format!("sub-processes stand more than {MAX_NESTING} deep in one another; flatten the model");
            return Err(Fault::new(codes::NESTING, message));
        }
        Ok(())
    }
}
