//! Multi-instance activities: so many executions of the same activity for each token that comes.
//!
//! | in the diagram | in the table |
//! | --- | --- |
//! | in parallel | a fork with one execution on each branch, and a join |
//! | one after the other | the executions in a row |
//!
//! How many there are is declared (`procos:simulation instances`) or stands in the diagram as a number; over a list it must
//! be declared.

use std::collections::BTreeSet;

use bpmn::program::{Node, Over, Repeat};

use super::inclusive::Block;
use super::{Builder, JoinSlots, Op, narrow, refused};
use crate::Error;

/// Executions at most.
const INSTANCES: u32 = 64;

/// How an activity is repeated.
#[derive(Clone, Copy)]
pub(super) struct Repeated {
    pub(super) sequential: bool,
    pub(super) count: u16,
}

impl Builder<'_> {
    /// How an activity is repeated, where it is and that can be said; `None` where it is not.
    ///
    /// # Errors
    /// Where it is repeated in a way that the table cannot say.
    pub(super) fn repeated(&self, node: &Node) -> Result<Option<Repeated>, Error> {
        let Some(repeat) = &node.repeat else { return Ok(None) };
        let Repeat::Multi { sequential, over, completion: None, .. } = repeat else {
            return Err(refused(
                node,
                "a loop, or a repetition that ends early",
                "leave the repetition out and declare how long all of it takes",
            ));
        };
        let declared = self.parameters(node).instances;
        let written = match over {
            Over::Cardinality(expression) => expression.source().trim_start_matches('=').trim().parse().ok(),
            Over::Collection { .. } => None,
        };
        let count: Option<u32> = declared.or(written);
        match count {
            Some(count) if (1..=INSTANCES).contains(&count) => {
                Ok(Some(Repeated { sequential: *sequential, count: narrow(count as usize) }))
            }
            _ => Err(refused(
                node,
                "an element that is repeated a number of times that is not known, or more than 64 times",
                "say how often: <procos:simulation instances=\"3\"/>, or declare how long all of it takes and leave the \
                 repetition out",
            )),
        }
    }

    /// Operations of an activity that may be repeated.
    pub(super) fn work_size(&self, node: &Node) -> usize {
        match self.repeated(node) {
            Ok(Some(Repeated { sequential: true, count })) => usize::from(count) + 1,
            Ok(Some(Repeated { sequential: false, count })) => 2 * usize::from(count) + 2,
            _ => 2,
        }
    }

    /// Puts the executions of an activity into the table, and goes on behind them.
    pub(super) fn repeat(
        &mut self,
        node: &Node,
        place: u16,
        activity: u16,
        Repeated { sequential, count }: Repeated,
    ) -> Result<(), Error> {
        if sequential {
            for at in place..place + count {
                self.set(at, Op::Work { activity, next: at + 1 });
            }
            return self.leave(node, place + count);
        }
        let (works, joins, behind) = (place + 1, place + 1 + count, place + 1 + 2 * count);
        let join = narrow(self.model.joins.len());
        self.model.joins.push(JoinSlots { first: self.model.slots, count });
        for at in 0..count {
            self.set(works + at, Op::Work { activity, next: joins + at });
            self.set(joins + at, Op::Join { join, slot: self.model.slots + at, next: behind });
        }
        self.model.slots += count;
        self.fork(place, (works..works + count).collect());
        let branches = (0..count).map(|at| (joins + at, BTreeSet::from([works + at])));
        let block = Block { branches: branches.collect() };
        self.blocks.push(block);
        self.leave(node, behind)
    }
}
