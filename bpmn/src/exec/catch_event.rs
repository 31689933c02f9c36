//! Intermediate catch events.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives | it waits for the timer, message, signal or condition |
//! | it happens | the token goes on; what a message or signal carries is taken like a job's result |
//! | it is the target of a link | it goes on at once: see `link_event` |

use super::Local;
use super::machine::{Machine, Outcome};
use crate::program::Trigger;

impl Machine<'_> {
    pub(super) fn begin_catch(&mut self, element: Local, trigger: &Trigger) -> Outcome {
        if matches!(trigger, Trigger::Link { .. }) {
            self.done(element);
            return Ok(());
        }
        let Some(index) = self.state.element(element).map(|instance| instance.node) else { return Ok(()) };
        self.open_wait(element, index, trigger, false)
    }
}
