//! Makes the net of a program.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bpmn::program::{FlowIndex, Node, NodeIndex, NodeKind, Program, SubProcess, Throw, Trigger};

use super::{Net, Transition, key};

/// Most flows of a node of which every choice is a transition of its own; of more, each alone and all together.
const MAX_CHOICES: usize = 5;

/// Places that a scope has besides its flows.
#[derive(Clone, Copy, Debug, Default)]
struct Scope {
    /// Something in it came to an end.
    done: u32,
    /// It goes on; only for sub-processes.
    running: Option<u32>,
}

struct Builder<'a> {
    program: &'a Program,
    net: Net,
    /// Number of the scope that a node opens.
    numbers: BTreeMap<NodeIndex, usize>,
    scopes: Vec<Scope>,
    flows: HashMap<FlowIndex, u32>,
    /// Where a token waits for a node.
    entries: HashMap<NodeIndex, u32>,
}

impl Net {
    /// The net of a program. Labels are the names of activities (ids where there are none), unless `rename` gives
    /// another; events are seen where `is_seen` knows their name.
    pub(in super::super) fn of(
        program: &Program,
        rename: &dyn Fn(&Node) -> Option<String>,
        is_seen: &dyn Fn(&str) -> bool,
    ) -> Self {
        let mut builder = Builder {
            program,
            net: Self::default(),
            numbers: BTreeMap::new(),
            scopes: Vec::new(),
            flows: HashMap::new(),
            entries: HashMap::new(),
        };
        builder.lay_places();
        builder.begin(None);
        for (index, node) in program.nodes.iter().enumerate() {
            let label = builder.name_of(node, rename, is_seen);
            builder.node(index, node, label);
        }
        builder.finish()
    }
}

impl<'a> Builder<'a> {
    fn place(&mut self, scope: usize, is_work: bool) -> u32 {
        self.net.homes.push((scope, is_work));
        u32::try_from(self.net.homes.len() - 1).unwrap_or(u32::MAX)
    }

    fn scope_of(&self, node: &Node) -> usize {
        node.parent.and_then(|parent| self.numbers.get(&parent)).copied().unwrap_or(0)
    }

    fn add(&mut self, transition: Transition) {
        self.net.transitions.push(transition);
    }

    fn silent(&mut self, takes: Vec<u32>, gives: Vec<u32>) {
        self.add(Transition { takes, gives, ..Transition::default() });
    }

    /// Scopes, flows, and where tokens wait for nodes.
    fn lay_places(&mut self) {
        self.net.parents.push(None);
        self.scopes.push(Scope::default());
        self.net.source = self.place(0, true);
        self.net.sink = self.place(0, false);
        self.scopes[0].done = self.net.sink;
        for (index, node) in self.program.nodes.iter().enumerate() {
            if matches!(node.kind, NodeKind::SubProcess(_)) {
                let parent = self.scope_of(node);
                let number = self.scopes.len();
                self.numbers.insert(index, number);
                self.net.parents.push(Some(parent));
                self.scopes.push(Scope::default());
                let done = self.place(number, false);
                let running = self.place(parent, true);
                self.scopes[number] = Scope { done, running: Some(running) };
            }
        }
        for (index, flow) in self.program.flows.iter().enumerate() {
            let scope = self.scope_of(&self.program.nodes[flow.source]);
            let place = self.place(scope, true);
            self.flows.insert(index, place);
        }
        for (index, node) in self.program.nodes.iter().enumerate() {
            let joins = matches!(
                node.kind,
                NodeKind::Parallel | NodeKind::Inclusive | NodeKind::Complex { .. } | NodeKind::Start { .. }
            );
            if joins || matches!(node.kind, NodeKind::Boundary { .. }) {
                continue;
            }
            let incoming = self.places(&node.incoming);
            let entry = match incoming.as_slice() {
                [only] => *only,
                several => {
                    let entry = self.place(self.scope_of(node), true);
                    for place in several {
                        self.silent(vec![*place], vec![entry]);
                    }
                    entry
                }
            };
            self.entries.insert(index, entry);
        }
    }

    fn places(&self, flows: &[FlowIndex]) -> Vec<u32> {
        flows.iter().filter_map(|flow| self.flows.get(flow)).copied().collect()
    }

    /// The ways in which a scope can begin, as what is put where.
    fn beginnings(&self, scope: Option<NodeIndex>) -> Vec<Vec<u32>> {
        let members: Vec<(NodeIndex, &Node)> = self.program.children(scope).collect();
        let starts = members.iter().filter(|(_, node)| matches!(node.kind, NodeKind::Start { .. }));
        let mut ways: Vec<Vec<u32>> = starts.map(|(_, node)| self.places(&node.outgoing)).collect();
        let instantiating = members.iter().filter(|(_, node)| {
            matches!(node.kind, NodeKind::EventBased { instantiate: true }) && node.incoming.is_empty()
        });
        ways.extend(instantiating.filter_map(|(index, _)| self.entries.get(index).map(|&entry| vec![entry])));
        if ways.is_empty() {
            // Without a start event, everything that nothing leads to begins.
            let free = members.iter().filter(|(_, node)| {
                node.incoming.is_empty()
                    && !node.is_compensation_handler
                    && !matches!(
                        node.kind,
                        NodeKind::Boundary { .. }
                            | NodeKind::SubProcess(SubProcess::Event)
                            | NodeKind::Catch(Trigger::Link { .. })
                    )
            });
            ways.push(free.filter_map(|(index, _)| self.entries.get(index)).copied().collect());
        }
        ways
    }

    fn begin(&mut self, scope: Option<NodeIndex>) {
        let from = self.net.source;
        for gives in self.beginnings(scope) {
            self.silent(vec![from], gives);
        }
    }

    fn name_of(
        &mut self,
        node: &Node,
        rename: &dyn Fn(&Node) -> Option<String>,
        is_seen: &dyn Fn(&str) -> bool,
    ) -> Option<usize> {
        let name = rename(node).or_else(|| node.name.clone()).unwrap_or_else(|| node.id.clone());
        let seen = match node.kind {
            NodeKind::PassThrough
            | NodeKind::Script { .. }
            | NodeKind::Decision(_)
            | NodeKind::Call { .. }
            | NodeKind::Receive(_)
            | NodeKind::Job(_) => !node.local_name.ends_with("Event") || is_seen(&name),
            NodeKind::Start { .. } | NodeKind::Catch(_) | NodeKind::Throw(_) | NodeKind::End(_) => {
                node.name.is_some() && is_seen(&name)
            }
            _ => false,
        };
        seen.then(|| {
            let labels = &mut self.net.labels;
            *self.net.index.entry(key(&name)).or_insert_with(|| {
                labels.push(name);
                labels.len() - 1
            })
        })
    }

    fn node(&mut self, index: NodeIndex, node: &'a Node, label: Option<usize>) {
        let scope = self.scope_of(node);
        let done = self.scopes[scope].done;
        let outgoing = self.places(&node.outgoing);
        let entry = self.entries.get(&index).copied();
        match &node.kind {
            NodeKind::Start { .. } => self.seen_start(label, &outgoing),
            NodeKind::Parallel | NodeKind::Complex { .. } => {
                let takes = self.places(&node.incoming);
                self.silent(takes, if outgoing.is_empty() { vec![done] } else { outgoing });
            }
            NodeKind::Inclusive => self.inclusive(node, &outgoing, done),
            NodeKind::Exclusive | NodeKind::EventBased { .. } => {
                let Some(entry) = entry else { return };
                for &flow in &outgoing {
                    self.silent(vec![entry], vec![flow]);
                }
                if outgoing.is_empty() {
                    self.silent(vec![entry], vec![done]);
                }
            }
            NodeKind::End(throw) | NodeKind::Throw(throw @ Throw::Link { .. }) => {
                let Some(entry) = entry else { return };
                self.end(entry, label, throw, scope);
            }
            NodeKind::SubProcess(kind) => {
                let Some(entry) = entry else { return };
                self.sub_process(index, node, kind, entry);
            }
            NodeKind::Boundary { .. } => {}
            NodeKind::Throw(_) | NodeKind::Catch(_) => {
                let Some(entry) = entry else { return };
                for gives in self.leaving(node) {
                    self.add(Transition { label, takes: vec![entry], gives, ..Transition::default() });
                }
            }
            _ => {
                let Some(entry) = entry else { return };
                self.activity(node, entry, label);
            }
        }
    }

    /// A start event that logs show stands between the source and its flows.
    fn seen_start(&mut self, label: Option<usize>, outgoing: &[u32]) {
        let Some(label) = label else { return };
        let source = self.net.source;
        for transition in &mut self.net.transitions {
            if transition.takes == [source] && transition.gives == outgoing {
                transition.label = Some(label);
            }
        }
    }

    /// Sets of flows that leave a node that is no gateway.
    fn leaving(&self, node: &Node) -> Vec<Vec<u32>> {
        let is_conditional = |flow: &&FlowIndex| {
            node.default_flow == Some(**flow) || self.program.flows[**flow].condition.is_some()
        };
        let conditional: Vec<FlowIndex> = node.outgoing.iter().filter(is_conditional).copied().collect();
        let always: Vec<FlowIndex> =
            node.outgoing.iter().filter(|flow| !is_conditional(flow)).copied().collect();
        if node.outgoing.is_empty() {
            return vec![vec![self.scopes[self.scope_of(node)].done]];
        }
        if conditional.is_empty() {
            return vec![self.places(&always)];
        }
        let mut ways: Vec<Vec<u32>> = subsets(&self.places(&conditional));
        for way in &mut ways {
            way.extend(self.places(&always));
        }
        if !always.is_empty() {
            ways.push(self.places(&always));
        }
        ways
    }

    fn activity(&mut self, node: &Node, entry: u32, label: Option<usize>) {
        let mut from = entry;
        if node.repeat.is_some() {
            // Done once or more; a test before the first run may leave it out.
            let after = self.place(self.scope_of(node), true);
            self.add(Transition { label, takes: vec![entry], gives: vec![after], ..Transition::default() });
            self.silent(vec![after], vec![entry]);
            if let Some(bpmn::program::Repeat::While { test_before: true, .. }) = node.repeat {
                self.silent(vec![entry], vec![after]);
            }
            from = after;
        }
        let label = label.filter(|_| node.repeat.is_none());
        let (interrupting, besides) = self.boundaries(node);
        for gives in self.leaving(node) {
            for extra in std::iter::once(Vec::new()).chain(besides.iter().cloned()) {
                let gives = gives.iter().copied().chain(extra).collect();
                self.add(Transition { label, takes: vec![from], gives, ..Transition::default() });
            }
        }
        for gives in interrupting {
            self.silent(vec![entry], gives);
        }
    }

    /// What interrupting and other boundary events of a node give.
    fn boundaries(&self, node: &Node) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
        let (mut interrupts, mut besides) = (Vec::new(), Vec::new());
        for event in node.boundary.iter().filter_map(|&event| self.program.nodes.get(event)) {
            match &event.kind {
                NodeKind::Boundary { trigger: Trigger::Compensation, .. } => {}
                NodeKind::Boundary { interrupting: true, .. } => interrupts.extend(self.leaving(event)),
                NodeKind::Boundary { .. } => besides.extend(self.leaving(event)),
                _ => {}
            }
        }
        (interrupts, besides)
    }

    fn inclusive(&mut self, node: &Node, outgoing: &[u32], done: u32) {
        let incoming = self.places(&node.incoming);
        let takes = if incoming.len() > 1 { subsets(&incoming) } else { vec![incoming.clone()] };
        let gives = match outgoing {
            [] => vec![vec![done]],
            [only] => vec![vec![*only]],
            several => subsets(several),
        };
        for takes in &takes {
            let not_reaching: Vec<u32> =
                incoming.iter().copied().filter(|flow| !takes.contains(flow)).collect();
            for gives in &gives {
                self.add(Transition {
                    takes: takes.clone(),
                    gives: gives.clone(),
                    not_reaching: not_reaching.clone(),
                    ..Transition::default()
                });
            }
        }
    }

    fn end(&mut self, entry: u32, label: Option<usize>, throw: &Throw, scope: usize) {
        let done = self.scopes[scope].done;
        let one = |gives: Vec<u32>, clears: Option<usize>| Transition {
            label,
            takes: vec![entry],
            gives,
            clears,
            ..Transition::default()
        };
        match throw {
            Throw::Terminate => self.add(one(vec![done], Some(scope))),
            Throw::Error { .. } | Throw::Cancel => self.error_end(scope, one),
            Throw::Link { name } => {
                let program = self.program;
                let target = program.nodes.iter().enumerate().find(|(_, node)| {
                    matches!(&node.kind, NodeKind::Catch(Trigger::Link { name: own }) if own == name)
                });
                if let Some(place) = target.and_then(|(index, _)| self.entries.get(&index)).copied() {
                    self.add(one(vec![place], None));
                }
            }
            _ => self.add(one(vec![done], None)),
        }
    }

    /// An error goes to the nearest scope around it that has a boundary event for errors, or ends the process.
    fn error_end(&mut self, scope: usize, one: impl Fn(Vec<u32>, Option<usize>) -> Transition) {
        let mut at = scope;
        while at != 0 {
            let Some((&opener, _)) = self.numbers.iter().find(|(_, number)| **number == at) else { break };
            let catching = self.program.nodes[opener].boundary.iter().filter_map(|&event| {
                let event = self.program.nodes.get(event)?;
                let catches = matches!(
                    &event.kind,
                    NodeKind::Boundary { trigger: Trigger::Error { .. } | Trigger::Cancel, .. }
                );
                catches.then(|| self.leaving(event))
            });
            let ways: Vec<Vec<u32>> = catching.flatten().collect();
            if !ways.is_empty() {
                let running = self.scopes[at].running;
                for gives in ways {
                    let mut transition = one(gives, Some(at));
                    transition.takes.extend(running);
                    self.add(transition);
                }
                return;
            }
            at = self.net.parents[at].unwrap_or(0);
        }
        let sink = self.net.sink;
        self.add(one(vec![sink], Some(0)));
    }

    fn sub_process(&mut self, index: NodeIndex, node: &Node, kind: &SubProcess, entry: u32) {
        let Some(&number) = self.numbers.get(&index) else { return };
        let Scope { done, running: Some(running) } = self.scopes[number] else { return };
        match kind {
            SubProcess::Event => return,
            SubProcess::AdHoc { .. } => {
                // Anything in it, in any order, as often as wanted.
                self.silent(vec![entry], vec![running, done]);
                let program = self.program;
                let inner: Vec<u32> = program
                    .children(Some(index))
                    .filter(|(_, node)| node.incoming.is_empty())
                    .filter_map(|(inner, _)| self.entries.get(&inner))
                    .copied()
                    .collect();
                for place in inner {
                    self.silent(vec![done], vec![place]);
                }
            }
            _ => {
                for mut gives in self.beginnings(Some(index)) {
                    gives.push(running);
                    self.silent(vec![entry], gives);
                }
            }
        }
        let (interrupting, besides) = self.boundaries(node);
        let complete = |gives: Vec<u32>| Transition {
            takes: vec![running, done],
            gives,
            clears: Some(number),
            when_idle: Some(number),
            ..Transition::default()
        };
        for gives in self.leaving(node) {
            for extra in std::iter::once(Vec::new()).chain(besides.iter().cloned()) {
                self.add(complete(gives.iter().copied().chain(extra).collect()));
            }
        }
        if node.repeat.is_some() {
            self.add(complete(vec![entry]));
        }
        for gives in interrupting {
            self.add(Transition {
                takes: vec![running],
                gives,
                clears: Some(number),
                ..Transition::default()
            });
        }
    }

    fn finish(mut self) -> Net {
        self.net.takers = vec![Vec::new(); self.net.homes.len()];
        self.net.by_label = vec![Vec::new(); self.net.labels.len()];
        for (number, transition) in self.net.transitions.iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            for place in transition.takes.iter().collect::<BTreeSet<_>>() {
                if let Some(takers) = self.net.takers.get_mut(*place as usize) {
                    takers.push(number);
                }
            }
            if let Some(list) = transition.label.and_then(|label| self.net.by_label.get_mut(label)) {
                list.push(number);
            }
        }
        let joins: BTreeSet<u32> =
            self.net.transitions.iter().flat_map(|it| it.not_reaching.iter().copied()).collect();
        for flow in joins {
            let upstream = self.upstream(flow);
            self.net.upstream.insert(flow, upstream);
        }
        self.net
    }

    /// Places from which a token can get to a flow, without passing the join that the flow leads to.
    fn upstream(&self, flow: u32) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let mut open = vec![flow];
        while let Some(place) = open.pop() {
            for transition in self.net.transitions.iter().filter(|it| it.gives.contains(&place)) {
                let is_own_join = transition.takes.contains(&flow) || transition.not_reaching.contains(&flow);
                if !is_own_join {
                    open.extend(transition.takes.iter().copied().filter(|&it| found.insert(it)));
                }
            }
        }
        found
    }
}

/// Every set that is not empty; of many, each alone and all together.
fn subsets(of: &[u32]) -> Vec<Vec<u32>> {
    if of.len() > MAX_CHOICES {
        return of.iter().map(|&one| vec![one]).chain(std::iter::once(of.to_vec())).collect();
    }
    (1..1_usize << of.len())
        .map(|bits| of.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, &it)| it).collect())
        .collect()
}
