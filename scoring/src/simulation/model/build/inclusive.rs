//! Inclusive gateways: some of several ways at once, and the gateway that waits for those that were taken.
//!
//! | in the diagram | in the table |
//! | --- | --- |
//! | the gateway that splits | a choice between the sets of ways that can be taken, each a fork |
//! | a way that is taken | a branch of that fork, up to the gateway that joins |
//! | a way that is not taken | goes to the joining gateway at once |
//! | the gateway that joins | waits for one token of each way |
//!
//! That is the engine's rule (wait while another token can still come) where every way leads to the same joining gateway
//! by a flow of its own and nothing enters or leaves in between, which is checked. Ways are taken independently of each
//! other, each with its share; where none would be, the default flow is, else the case is not counted among them.

use std::collections::{BTreeMap, BTreeSet};

use bpmn::program::{FlowIndex, Node, NodeIndex, NodeKind};

use super::super::parts::{WAYS, independent_shares, label, sets};
use super::{Builder, Op, Weight, narrow, refused};
use crate::Error;

/// Inclusive gateways inside each other at most.
const DEPTH: usize = 8;

/// A block between two inclusive gateways: for each way the place where its token is waited for, and the operations on it.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super::super) struct Block {
    pub(in super::super::super) branches: Vec<(u16, BTreeSet<u16>)>,
}

/// Where the way along a flow is joined again: the gateway, the flow by which it comes there, and the nodes on it.
struct Way {
    join: NodeIndex,
    arrives: FlowIndex,
    nodes: BTreeSet<NodeIndex>,
}

pub(super) fn splits(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Inclusive) && node.outgoing.len() > 1
}

pub(super) fn joins(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Inclusive) && node.incoming.len() > 1 && node.outgoing.len() <= 1
}

/// Operations of a splitting gateway: the choice, and a fork for each set of ways.
pub(super) fn size(node: &Node) -> usize {
    1 + (1 << node.outgoing.len().min(WAYS))
}

impl Builder<'_> {
    pub(super) fn inclusive(&mut self, index: NodeIndex, node: &Node, place: u16) -> Result<(), Error> {
        if node.incoming.len() > 1 {
            return Err(refused(
                node,
                "an inclusive gateway that joins and splits at once",
                "put one that joins before one that splits",
            ));
        }
        if node.outgoing.len() > WAYS {
            return Err(refused(node, "an inclusive gateway with more than 6 ways", "split it in two"));
        }
        let ways = node.outgoing.iter().map(|flow| self.way_from(*flow, 0)).collect::<Option<Vec<Way>>>();
        let Some(ways) = ways.filter(|ways| self.is_block(index, ways)) else {
            return Err(refused(
                node,
                "an inclusive gateway whose ways do not all meet in one inclusive gateway, each by a flow of its own",
                "join its ways before anything else, or use exclusive and parallel gateways",
            ));
        };
        let shares = independent_shares(node, self.program, self.declaration)?;
        let joined: Vec<u16> = ways.iter().map(|way| self.entry(way.arrives)).collect();
        let (mut labels, mut weights, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for (taken, share) in sets(&shares) {
            let fork = place + 1 + narrow(targets.len());
            let branch =
                |at: usize| if taken.contains(&at) { self.entry(node.outgoing[at]) } else { joined[at] };
            let branches = (0..joined.len()).map(branch).collect();
            let named = |at: &usize| label(&self.program.flows[node.outgoing[*at]]);
            let names: Vec<String> = taken.iter().map(named).collect();
            labels.push(names.join(" + "));
            weights.push(Weight { share, count: None });
            self.fork(fork, branches);
            targets.push(fork);
        }
        let branches = ways.iter().zip(&joined).map(|(way, joined)| {
            let operations = way.nodes.iter().flat_map(|inside| self.operations(*inside));
            (*joined, operations.collect())
        });
        let block = Block { branches: branches.collect() };
        self.blocks.push(block);
        self.joined.extend(ways.first().map(|way| way.join));
        self.add_choice(node, &node.id, 0, labels, &weights, targets, place)
    }

    /// The operations of a node and of what stands in it.
    fn operations(&self, index: NodeIndex) -> BTreeSet<u16> {
        let around = |index: &NodeIndex| self.program.nodes.get(*index).and_then(|node| node.parent);
        let is_inside =
            |inner: &NodeIndex| std::iter::successors(Some(*inner), around).any(|outer| outer == index);
        let all = narrow(self.model.ops.len());
        let places = |inner: NodeIndex| self.first[inner]..self.first.get(inner + 1).copied().unwrap_or(all);
        (0..self.program.nodes.len()).filter(is_inside).flat_map(places).collect()
    }

    /// Every inclusive gateway that joins must join what one has split.
    pub(super) fn check_inclusive(&self) -> Result<(), Error> {
        let nodes = self.program.nodes.iter().enumerate();
        let alone = nodes
            .filter(|(_, node)| joins(node) && !self.is_inside_one_piece(node))
            .find(|(index, _)| !self.joined.contains(index));
        match alone {
            Some((_, node)) => Err(refused(
                node,
                "an inclusive gateway that joins what no inclusive gateway has split",
                "use an exclusive gateway behind an exclusive one, a parallel one behind a parallel one",
            )),
            None => Ok(()),
        }
    }

    /// Follows a flow to the inclusive gateway in which it is joined with its siblings.
    fn way_from(&self, flow: FlowIndex, depth: usize) -> Option<Way> {
        let (mut nodes, mut found) = (BTreeSet::new(), BTreeMap::new());
        let mut ahead = vec![flow];
        while let Some(flow) = ahead.pop() {
            let target = self.program.flows.get(flow)?.target;
            let node = self.program.nodes.get(target)?;
            if joins(node) {
                found.insert(flow, target);
                continue;
            }
            if !nodes.insert(target) {
                continue;
            }
            // A case must not end in between.
            if node.outgoing.is_empty() {
                return None;
            }
            // What a timer breaks off goes on along the timer's flow.
            for event in &node.boundary {
                nodes.insert(*event);
                ahead.extend(&self.program.nodes.get(*event)?.outgoing);
            }
            if splits(node) && depth < DEPTH {
                let inner = node.outgoing.iter().map(|flow| self.way_from(*flow, depth + 1));
                let inner = inner.collect::<Option<Vec<Way>>>().filter(|ways| self.is_block(target, ways))?;
                nodes.extend(inner.iter().flat_map(|way| way.nodes.iter().copied()));
                let join = inner.first()?.join;
                nodes.insert(join);
                ahead.extend(&self.program.nodes.get(join)?.outgoing);
            } else {
                ahead.extend(&node.outgoing);
            }
        }
        let (arrives, join) = found.pop_first().filter(|_| found.is_empty())?;
        Some(Way { join, arrives, nodes })
    }

    /// Whether these ways out of a gateway meet in one other, and nothing enters or leaves them in between.
    fn is_block(&self, split: NodeIndex, ways: &[Way]) -> bool {
        let Some(join) = ways.first().map(|way| way.join) else { return false };
        let arrivals: BTreeSet<FlowIndex> = ways.iter().map(|way| way.arrives).collect();
        let all: usize = ways.iter().map(|way| way.nodes.len()).sum();
        let together: BTreeSet<NodeIndex> = ways.iter().flat_map(|way| way.nodes.iter().copied()).collect();
        let comes_from = |flow: &FlowIndex| self.program.flows.get(*flow).map(|flow| flow.source);
        let stays = |way: &Way| {
            let inside = |flow: &FlowIndex| {
                comes_from(flow).is_some_and(|source| source == split || way.nodes.contains(&source))
            };
            way.nodes.iter().all(|node| self.program.nodes[*node].incoming.iter().all(inside))
        };
        // As many tokens must leave a way as enter it.
        let surplus = |way: &Way| -> usize {
            let forked = way.nodes.iter().map(|node| &self.program.nodes[*node]);
            let forked =
                forked.filter(|node| !matches!(node.kind, NodeKind::Exclusive | NodeKind::Inclusive));
            forked.map(|node| node.outgoing.len().saturating_sub(1)).sum()
        };
        let joined = |way: &Way| -> usize {
            let joins = way.nodes.iter().map(|node| &self.program.nodes[*node]);
            let joins = joins.filter(|node| matches!(node.kind, NodeKind::Parallel));
            joins.map(|node| node.incoming.len().saturating_sub(1)).sum()
        };
        ways.iter().all(|way| way.join == join && stays(way) && surplus(way) == joined(way))
            && all == together.len()
            && arrivals.len() == ways.len()
            && self.program.nodes[join].incoming.len() == ways.len()
            && !together.contains(&split)
    }

    /// Places at which a joining gateway waits, as those of a parallel one.
    pub(super) fn wait_for_all(&mut self, node: &Node, first: u16) -> Result<(), Error> {
        let join = narrow(self.model.joins.len());
        let count = narrow(node.incoming.len());
        self.model.joins.push(super::JoinSlots { first: self.model.slots, count });
        for flow in 0..count {
            self.set(first + flow, Op::Join { join, slot: self.model.slots + flow, next: first + count });
        }
        self.model.slots += count;
        self.leave(node, first + count)
    }
}
