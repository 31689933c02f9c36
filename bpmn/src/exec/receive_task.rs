//! Receive task: a message catch event that can have boundary events and be repeated.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives | it waits for the message |
//! | the message comes | the token goes on; what it carries is taken like a job's result |

use super::Local;
use super::machine::{Machine, Outcome};
use crate::program::{Node, Trigger};

impl Machine<'_> {
    pub(super) fn begin_receive(&mut self, element: Local, node: &Node, trigger: &Trigger) -> Outcome {
        self.open_boundary_events(element, node)?;
        self.begin_catch(element, trigger)
    }
}
