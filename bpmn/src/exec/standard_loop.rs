//! Standard loop.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives | a body is activated; with "test before" the condition is looked at first |
//! | a run ends | the condition is looked at (`loopCounter` is the number of runs done): while it holds and the maximum is not reached, the next run begins |
//! | otherwise | the body leaves |

use super::Local;
use super::machine::{Machine, Outcome};
use super::work::Work;
use crate::expression::Expression;

impl Machine<'_> {
    pub(super) fn next_loop(
        &mut self,
        body: Local,
        condition: Option<&Expression>,
        test_before: bool,
        maximum: Option<u32>,
    ) -> Outcome {
        let Some(repeat) = self.state.element(body).and_then(|body| body.repeat.as_deref()) else {
            return Ok(());
        };
        if repeat.active() > 0 {
            return Ok(());
        }
        let done = repeat.completed;
        let looks = done > 0 || test_before;
        let goes_on = maximum.is_none_or(|maximum| done < maximum)
            && (!looks || condition.map_or(Ok(true), |condition| self.holds(condition, body))?);
        if goes_on {
            self.begin_run(body, done + 1, None)
        } else {
            self.agenda.push_front(Work::Leave { element: body });
            Ok(())
        }
    }
}
