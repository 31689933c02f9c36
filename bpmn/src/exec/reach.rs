//! Which places of the graph lead to given flows: what joins need to know.

use super::machine::place;
use crate::program::{FlowIndex, NodeIndex, NodeKind, Program, Throw, Trigger};

/// Nodes and flows from which some of the given flows can be reached.
pub(super) struct Upstream {
    pub(super) nodes: Vec<bool>,
    pub(super) flows: Vec<bool>,
}

impl Upstream {
    /// Walks back from `targets` without passing `gateway`. Boundary events follow their activity, links their
    /// throw events.
    pub(super) fn of(program: &Program, gateway: NodeIndex, targets: &[FlowIndex]) -> Self {
        let mut found =
            Self { nodes: vec![false; program.nodes.len()], flows: vec![false; program.flows.len()] };
        let mut open: Vec<FlowIndex> = targets.to_vec();
        let mut nodes: Vec<NodeIndex> = Vec::new();
        while let Some(flow) = open.pop() {
            if found.flows.get(flow).copied().unwrap_or(true) {
                continue;
            }
            found.flows[flow] = true;
            nodes.push(program.flows[flow].source);
            while let Some(node) = nodes.pop() {
                if node == gateway || found.nodes.get(node).copied().unwrap_or(true) {
                    continue;
                }
                found.nodes[node] = true;
                let at = &program.nodes[node];
                open.extend(at.incoming.iter().copied());
                match &at.kind {
                    NodeKind::Boundary { attached_to, .. } => nodes.push(*attached_to),
                    NodeKind::Catch(Trigger::Link { name }) => {
                        nodes.extend(link_throws(program, at.parent, name));
                    }
                    _ => {}
                }
            }
        }
        found
    }

    pub(super) fn has_flow(&self, flow: u32) -> bool {
        self.flows.get(flow as usize).copied().unwrap_or(false)
    }

    pub(super) fn has_node(&self, node: u32) -> bool {
        self.nodes.get(node as usize).copied().unwrap_or(false)
    }
}

fn link_throws<'p>(
    program: &'p Program,
    parent: Option<NodeIndex>,
    link: &'p str,
) -> impl Iterator<Item = NodeIndex> + 'p {
    program
        .children(parent)
        .filter(move |(_, node)| matches!(&node.kind, NodeKind::Throw(Throw::Link { name }) if name == link))
        .map(|(index, _)| index)
}

/// The catch event of a link.
pub(super) fn link_target(program: &Program, parent: Option<NodeIndex>, link: &str) -> Option<u32> {
    program
        .children(parent)
        .find(|(_, node)| matches!(&node.kind, NodeKind::Catch(Trigger::Link { name }) if name == link))
        .map(|(index, _)| place(index))
}
