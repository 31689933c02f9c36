//! Embedded sub-processes: their contents stand in the table in their place.
//!
//! | inside | in the table |
//! | --- | --- |
//! | a token enters | it goes to the start event inside |
//! | a token reaches an end inside | it goes on behind the sub-process |
//!
//! That is the engine's rule (the sub-process leaves when nothing is left inside) where exactly one token comes to an
//! end inside, which is checked: parallel branches must join first. One with a declared duration counts as one piece of
//! work.

use bpmn::program::{Node, NodeIndex, NodeKind, SubProcess, Throw};

use super::super::super::exact::ends_once;
use super::{Builder, Op, refused};
use crate::Error;

impl Builder<'_> {
    /// Whether a sub-process counts as one piece of work.
    pub(super) fn is_one_piece(&self, node: &Node) -> bool {
        self.declaration.elements.get(&node.id).is_some_and(|declared| declared.duration.is_some())
    }

    /// Whether an element stands in such a sub-process.
    pub(super) fn is_inside_one_piece(&self, node: &Node) -> bool {
        let around = |node: &Node| node.parent.and_then(|parent| self.program.nodes.get(parent));
        std::iter::successors(around(node), |outer| around(outer)).any(|outer| self.is_one_piece(outer))
    }

    pub(super) fn sub_process(
        &mut self,
        index: NodeIndex,
        node: &Node,
        kind: &SubProcess,
        place: u16,
    ) -> Result<(), Error> {
        if !matches!(kind, SubProcess::Embedded) || !node.boundary.is_empty() {
            return Err(refused(
                node,
                "a sub-process that is started or broken off by an event, ad hoc or a transaction",
                "declare how long all of it takes, so that it counts as one piece of work",
            ));
        }
        let starts: Vec<u16> = self
            .program
            .children(Some(index))
            .filter(|(_, inner)| matches!(inner.kind, NodeKind::Start { trigger: None, .. }))
            .filter_map(|(inner, _)| self.first.get(inner).copied())
            .collect();
        let [start] = starts.as_slice() else {
            return Err(refused(node, "a sub-process without one plain start event", "give it one"));
        };
        self.fork(place, vec![*start]);
        self.opened.push(index);
        self.leave(node, place + 1)
    }

    /// Every sub-process must send on exactly one token for each that enters.
    pub(super) fn check_opened(&self) -> Result<(), Error> {
        for index in &self.opened {
            let (Some(node), Some(place)) = (self.program.nodes.get(*index), self.first.get(*index)) else {
                continue;
            };
            if !self.has_branches(*index) {
                continue;
            }
            let mut inside = self.model.clone();
            inside.start = *place;
            if inside.ends.is_empty() {
                inside.ends.push((String::new(), String::new()));
            }
            if let Some(leave) = inside.ops.get_mut(usize::from(*place) + 1) {
                *leave = Op::End { end: 0 };
            }
            if self.terminates(*index) || !ends_once(&inside) {
                return Err(refused(
                    node,
                    "a sub-process whose parallel branches end apart",
                    "join the branches before they end, or declare how long all of it takes",
                ));
            }
        }
        Ok(())
    }

    fn inside(&self, index: NodeIndex) -> impl Iterator<Item = &Node> {
        let around = |node: &Node| node.parent;
        self.program.nodes.iter().filter(move |node| {
            let outer = |index: &NodeIndex| self.program.nodes.get(*index).and_then(around);
            std::iter::successors(around(node), outer).any(|outer| outer == index)
        })
    }

    fn has_branches(&self, index: NodeIndex) -> bool {
        self.inside(index).any(|node| node.outgoing.len() > 1 && !matches!(node.kind, NodeKind::Exclusive))
    }

    fn terminates(&self, index: NodeIndex) -> bool {
        self.inside(index)
            .any(|node| matches!(node.kind, NodeKind::End(Throw::Terminate | Throw::Error { .. })))
    }
}
