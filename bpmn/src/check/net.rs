//! The tokens of one scope: which nodes can fire in a marking, and what each way of firing does.
//!
//! | node | takes | gives |
//! | --- | --- | --- |
//! | exclusive, event-based gateway | one token | one of its flows |
//! | parallel gateway | one from each incoming flow | all flows |
//! | inclusive gateway | what has arrived, when nothing more can arrive | every non-empty choice of its flows |
//! | end | one | nothing |
//! | terminate, error or cancel end | one | ends the scope |
//! | throwing link | one | the flows of its catching link |
//! | everything else | one | all flows; conditional ones in every choice; or a boundary event instead or besides |

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use crate::program::{FlowIndex, NodeIndex, NodeKind, Program, SubProcess, Throw, Trigger};

/// Tokens on flows; flows without tokens are left out.
pub(super) type Marking = BTreeMap<FlowIndex, u8>;

/// Most conditional flows of one node of which all choices are looked at; of more, only each alone and all together.
const MAX_CHOICES: usize = 5;

/// What firing leads to.
pub(super) enum Outcome {
    /// Another marking.
    Goes(Marking),
    /// The scope ends at once; by an error or a cancellation, it does not complete.
    Ends {
        /// Whether the scope completes normally.
        completes: bool,
    },
}

/// One scope of a program.
pub(super) struct Net<'a> {
    pub(super) program: &'a Program,
    pub(super) members: Vec<NodeIndex>,
    /// Distance of each node from the start, along a depth-first order: what is nearer fires first.
    rank: HashMap<NodeIndex, usize>,
    /// For each inclusive join and each of its incoming flows: the flows from which a token can get there.
    sources: HashMap<FlowIndex, HashSet<FlowIndex>>,
    /// Sub-processes that can never complete normally.
    incomplete: &'a HashSet<NodeIndex>,
}

impl<'a> Net<'a> {
    pub(super) fn of(
        program: &'a Program,
        scope: Option<NodeIndex>,
        incomplete: &'a HashSet<NodeIndex>,
    ) -> Self {
        let members: Vec<NodeIndex> = program.children(scope).map(|(index, _)| index).collect();
        let mut net = Self { program, members, rank: HashMap::new(), sources: HashMap::new(), incomplete };
        net.rank = net.ranks();
        for &node in &net.members {
            let is_join = program.nodes[node].incoming.len() > 1;
            if matches!(program.nodes[node].kind, NodeKind::Inclusive) && is_join {
                for &flow in &program.nodes[node].incoming {
                    let sources = net.flows_leading_to(flow, node);
                    net.sources.insert(flow, sources);
                }
            }
        }
        net
    }

    /// Whether something in it cannot be judged without its data.
    pub(super) fn depends_on_data(&self) -> bool {
        self.members
            .iter()
            .any(|&node| matches!(self.program.nodes[node].kind, NodeKind::Complex { activation: Some(_) }))
    }

    /// Nodes that a token reaches from a node: by its flows, links and boundary events.
    fn successors(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let own = &self.program.nodes[node];
        let mut next: Vec<NodeIndex> =
            own.outgoing.iter().map(|&flow| self.program.flows[flow].target).collect();
        next.extend(&own.boundary);
        next.extend(self.link_target(node));
        next
    }

    /// The longest-path rank over a depth-first reverse postorder, in which loops do not count.
    fn ranks(&self) -> HashMap<NodeIndex, usize> {
        let mut order = Vec::new();
        let mut seen = HashSet::new();
        let roots = self.members.iter().filter(|&&node| self.program.nodes[node].incoming.is_empty());
        for &root in roots.chain(&self.members) {
            if !seen.insert(root) {
                continue;
            }
            let mut open = vec![(root, self.successors(root).into_iter())];
            while let Some((node, next)) = open.last_mut() {
                match next.next() {
                    Some(target) if seen.insert(target) => {
                        open.push((target, self.successors(target).into_iter()))
                    }
                    Some(_) => {}
                    None => {
                        order.push(*node);
                        open.pop();
                    }
                }
            }
        }
        order.reverse();
        order.into_iter().enumerate().map(|(rank, node)| (node, rank)).collect()
    }

    /// The catching link of a throwing one.
    pub(super) fn link_target(&self, node: NodeIndex) -> Option<NodeIndex> {
        let NodeKind::Throw(Throw::Link { name }) = &self.program.nodes[node].kind else { return None };
        self.members.iter().copied().find(|&other| {
            matches!(&self.program.nodes[other].kind, NodeKind::Catch(Trigger::Link { name: own }) if own == name)
        })
    }

    fn flows_leading_to(&self, flow: FlowIndex, join: NodeIndex) -> HashSet<FlowIndex> {
        let mut found = HashSet::new();
        let mut open = VecDeque::from([self.program.flows[flow].source]);
        let mut seen = HashSet::new();
        while let Some(node) = open.pop_front() {
            if node == join || !seen.insert(node) {
                continue;
            }
            let own = &self.program.nodes[node];
            for &incoming in &own.incoming {
                found.insert(incoming);
                open.push_back(self.program.flows[incoming].source);
            }
            if let NodeKind::Boundary { attached_to, .. } = own.kind {
                open.push_back(attached_to);
            }
            if matches!(own.kind, NodeKind::Catch(Trigger::Link { .. })) {
                open.extend(
                    self.members.iter().copied().filter(|&other| self.link_target(other) == Some(node)),
                );
            }
        }
        found
    }

    /// The markings in which the scope can begin, with the start node of each.
    pub(super) fn initial(&self) -> Vec<(NodeIndex, Marking)> {
        let is_start = |node: &&NodeIndex| {
            let own = &self.program.nodes[**node];
            matches!(own.kind, NodeKind::Start { .. })
                || (matches!(own.kind, NodeKind::EventBased { instantiate: true }) && own.incoming.is_empty())
        };
        let mut initial = Vec::new();
        for &node in self.members.iter().filter(is_start) {
            let outgoing = &self.program.nodes[node].outgoing;
            if matches!(self.program.nodes[node].kind, NodeKind::EventBased { .. }) {
                initial.extend(outgoing.iter().map(|&flow| (node, Marking::from([(flow, 1)]))));
            } else {
                initial.push((node, outgoing.iter().map(|&flow| (flow, 1)).collect()));
            }
        }
        initial
    }

    /// The node that fires next in a marking, if any can: the one nearest to the start, ends of the scope last.
    ///
    /// Each flow leads to one node, so nodes never take tokens from each other, and looking at one enabled node at a
    /// time finds every deadlock (a persistent set, Godefroid 1996).
    pub(super) fn next(&self, marking: &Marking) -> Option<NodeIndex> {
        let targets: HashSet<NodeIndex> =
            marking.keys().map(|&flow| self.program.flows[flow].target).collect();
        let enabled = targets.into_iter().filter(|&node| self.is_enabled(node, marking));
        enabled.min_by_key(|node| {
            let ends_scope = matches!(
                self.program.nodes[*node].kind,
                NodeKind::End(Throw::Terminate | Throw::Error { .. } | Throw::Cancel)
            );
            (ends_scope, self.rank.get(node).copied().unwrap_or(usize::MAX), *node)
        })
    }

    fn is_enabled(&self, node: NodeIndex, marking: &Marking) -> bool {
        let own = &self.program.nodes[node];
        match own.kind {
            NodeKind::Parallel | NodeKind::Complex { activation: None } => {
                own.incoming.iter().all(|flow| marking.contains_key(flow))
            }
            NodeKind::Inclusive if own.incoming.len() > 1 => {
                let (full, empty): (Vec<FlowIndex>, Vec<FlowIndex>) =
                    own.incoming.iter().partition(|flow| marking.contains_key(*flow));
                !marking.keys().filter(|flow| !own.incoming.contains(flow)).any(|flow| {
                    let reaches = |incoming: &FlowIndex| {
                        self.sources.get(incoming).is_some_and(|sources| sources.contains(flow))
                    };
                    empty.iter().any(reaches) && !full.iter().any(reaches)
                })
            }
            _ => true,
        }
    }

    /// All ways in which a node can fire.
    pub(super) fn fire(&self, node: NodeIndex, marking: &Marking) -> Vec<Outcome> {
        let own = &self.program.nodes[node];
        let mut rest = marking.clone();
        let takes_all = matches!(
            own.kind,
            NodeKind::Parallel | NodeKind::Inclusive | NodeKind::Complex { activation: None }
        );
        for flow in &own.incoming {
            if take(&mut rest, *flow) && !takes_all {
                break;
            }
        }
        let give = |flows: &[FlowIndex]| {
            let mut marking = rest.clone();
            for &flow in flows {
                *marking.entry(flow).or_insert(0) += 1;
            }
            Outcome::Goes(marking)
        };
        match &own.kind {
            NodeKind::Exclusive | NodeKind::EventBased { .. } if !own.outgoing.is_empty() => {
                own.outgoing.iter().map(|&flow| give(&[flow])).collect()
            }
            NodeKind::Parallel => vec![give(&own.outgoing)],
            NodeKind::End(Throw::Terminate) => vec![Outcome::Ends { completes: true }],
            NodeKind::End(Throw::Error { .. } | Throw::Cancel) => vec![Outcome::Ends { completes: false }],
            NodeKind::Throw(Throw::Link { .. }) => {
                let flows = self.link_target(node).map(|target| &self.program.nodes[target].outgoing);
                vec![give(flows.map_or(&[][..], Vec::as_slice))]
            }
            _ => self.activity(node).iter().map(|flows| give(flows)).collect(),
        }
    }

    /// Every set of flows that an activity can give.
    fn activity(&self, node: NodeIndex) -> Vec<Vec<FlowIndex>> {
        let own = &self.program.nodes[node];
        let mut results = if self.incomplete.contains(&node) { Vec::new() } else { self.choices(node) };
        for &event in &own.boundary {
            let outgoing = &self.program.nodes[event].outgoing;
            match &self.program.nodes[event].kind {
                NodeKind::Boundary { trigger: Trigger::Compensation, .. } => {}
                NodeKind::Boundary { interrupting: true, .. } => results.push(outgoing.clone()),
                _ => {
                    let besides: Vec<Vec<FlowIndex>> = results
                        .iter()
                        .take(1)
                        .map(|flows| flows.iter().chain(outgoing).copied().collect())
                        .collect();
                    results.extend(besides);
                }
            }
        }
        results
    }

    /// Every choice among conditional flows.
    fn choices(&self, node: NodeIndex) -> Vec<Vec<FlowIndex>> {
        let own = &self.program.nodes[node];
        let is_inclusive = matches!(own.kind, NodeKind::Inclusive);
        let is_conditional = |flow: &FlowIndex| {
            own.default_flow != Some(*flow)
                && (self.program.flows[*flow].condition.is_some() || (is_inclusive && own.outgoing.len() > 1))
        };
        let (conditional, mut always): (Vec<FlowIndex>, Vec<FlowIndex>) =
            own.outgoing.iter().copied().partition(is_conditional);
        always.retain(|flow| own.default_flow != Some(*flow));
        if conditional.is_empty() {
            always.extend(own.default_flow);
            return vec![always];
        }
        let mut results = Vec::new();
        let with = |chosen: &[FlowIndex]| always.iter().chain(chosen).copied().collect::<Vec<_>>();
        match own.default_flow {
            Some(default) => results.push(with(&[default])),
            None if !always.is_empty() => results.push(with(&[])),
            None => {}
        }
        if conditional.len() <= MAX_CHOICES {
            for bits in 1..(1_usize << conditional.len()) {
                let chosen: Vec<FlowIndex> = conditional
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| bits >> at & 1 == 1)
                    .map(|(_, &it)| it)
                    .collect();
                results.push(with(&chosen));
            }
        } else {
            results.extend(conditional.iter().map(|&flow| with(&[flow])));
            results.push(with(&conditional));
        }
        results
    }

    /// Boundary events, starts and links that pass tokens on without taking any, by what they are attached to.
    pub(super) fn touched(&self, node: NodeIndex, outcome: &Marking, before: &Marking) -> Vec<NodeIndex> {
        let own = &self.program.nodes[node];
        let mut touched = vec![node];
        touched.extend(self.link_target(node));
        touched.extend(own.boundary.iter().copied().filter(|&event| {
            let outgoing = &self.program.nodes[event].outgoing;
            outgoing.is_empty()
                || outgoing.iter().any(|flow| outcome.get(flow).copied() > before.get(flow).copied())
        }));
        touched
    }
}

fn take(marking: &mut Marking, flow: FlowIndex) -> bool {
    match marking.get_mut(&flow) {
        None => false,
        Some(1) => marking.remove(&flow).is_some(),
        Some(number) => {
            *number -= 1;
            true
        }
    }
}

/// Whether the nodes of a scope start on their own, without flows leading to them.
pub(super) fn is_ad_hoc(program: &Program, scope: Option<NodeIndex>) -> bool {
    scope.is_some_and(|scope| {
        matches!(program.nodes[scope].kind, NodeKind::SubProcess(SubProcess::AdHoc { .. }))
    })
}
