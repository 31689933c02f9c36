//! Soundness: no deadlock, no two tokens on one flow, nothing dead, always an option to complete (van der Aalst 1998),
//! decided by walking through the markings of each scope.
//!
//! Each scope is judged on its own; its parent sees it as a task. A non-interrupting boundary event is taken to
//! happen at most once for each activation. Data is not looked at: every condition may hold or not.

use std::collections::{HashMap, HashSet, VecDeque};

use super::finding::{Finding, Severity};
use super::net::{Marking, Net, Outcome, is_ad_hoc};
use crate::program::{NodeIndex, NodeKind, Program, SubProcess};

/// Most markings looked at in one scope; beyond it the answer is "not decided".
pub const MAX_STATES: usize = 20_000;
/// Most findings of one scope.
const MAX_FINDINGS: usize = 20;

/// Finds deadlocks, lack of synchronisation, dead elements and scopes that cannot complete, with the path that leads
/// there.
#[must_use]
pub fn soundness(program: &Program) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut incomplete = HashSet::new();
    // Contents stand after their sub-process: from the back, every scope is judged before its parent.
    let scopes = (0..program.nodes.len()).rev().map(Some).chain(std::iter::once(None));
    for scope in scopes {
        if scope.is_some_and(|scope| !matches!(program.nodes[scope].kind, NodeKind::SubProcess(_))) {
            continue;
        }
        if is_ad_hoc(program, scope) {
            continue;
        }
        let mut walk = Walk::through(program, scope, &incomplete);
        walk.run();
        walk.judge();
        let completes = walk.completes || walk.is_exhausted;
        findings.append(&mut walk.findings);
        if let Some(scope) = scope.filter(|_| !completes) {
            incomplete.insert(scope);
        }
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

struct State {
    marking: Marking,
    /// Where it was reached from, and by which node.
    from: Option<(usize, NodeIndex)>,
    first: NodeIndex,
}

struct Walk<'a> {
    net: Net<'a>,
    scope: Option<NodeIndex>,
    states: Vec<State>,
    known: HashMap<Marking, usize>,
    /// Reverse steps: for each state those that lead to it.
    backward: Vec<Vec<usize>>,
    /// States from which the scope can end, or that were found wanting already.
    closed: HashSet<usize>,
    fired: HashSet<NodeIndex>,
    completes: bool,
    is_exhausted: bool,
    findings: Vec<Finding>,
    reported: HashSet<(&'static str, NodeIndex)>,
}

impl<'a> Walk<'a> {
    fn through(program: &'a Program, scope: Option<NodeIndex>, incomplete: &'a HashSet<NodeIndex>) -> Self {
        Self {
            net: Net::of(program, scope, incomplete),
            scope,
            states: Vec::new(),
            known: HashMap::new(),
            backward: Vec::new(),
            closed: HashSet::new(),
            fired: HashSet::new(),
            completes: false,
            is_exhausted: false,
            findings: Vec::new(),
            reported: HashSet::new(),
        }
    }

    fn run(&mut self) {
        let mut open = VecDeque::new();
        for (node, marking) in self.net.initial() {
            self.fired.insert(node);
            let state = State { marking, from: None, first: node };
            open.extend(self.visit(state));
        }
        while let Some(index) = open.pop_front() {
            let marking = self.states[index].marking.clone();
            if marking.is_empty() {
                self.completes = true;
                self.closed.insert(index);
                continue;
            }
            if let Some(&flow) = marking.iter().find(|(_, number)| **number > 1).map(|(flow, _)| flow) {
                self.report_meeting(index, flow);
                self.closed.insert(index);
                continue;
            }
            let Some(node) = self.net.next(&marking) else {
                self.report_deadlock(index, &marking);
                self.closed.insert(index);
                continue;
            };
            let outcomes = self.net.fire(node, &marking);
            if outcomes.is_empty() {
                // A sub-process that only ends by an error nobody catches here: the error leaves the scope.
                self.fired.insert(node);
                self.closed.insert(index);
            }
            for outcome in outcomes {
                match outcome {
                    Outcome::Ends { completes } => {
                        self.fired.insert(node);
                        self.completes |= completes;
                        self.closed.insert(index);
                    }
                    Outcome::Goes(next) => {
                        self.fired.extend(self.net.touched(node, &next, &marking));
                        let first = self.states[index].first;
                        let known = self.known.get(&next).copied();
                        if let Some(known) = known {
                            self.backward[known].push(index);
                            continue;
                        }
                        if self.states.len() >= MAX_STATES {
                            self.is_exhausted = true;
                            return;
                        }
                        let reached = self.states.len();
                        open.extend(self.visit(State { marking: next, from: Some((index, node)), first }));
                        self.backward[reached].push(index);
                    }
                }
            }
        }
    }

    fn visit(&mut self, state: State) -> Option<usize> {
        if self.known.contains_key(&state.marking) {
            return None;
        }
        let index = self.states.len();
        self.known.insert(state.marking.clone(), index);
        self.states.push(state);
        self.backward.push(Vec::new());
        Some(index)
    }

    /// Ids of the nodes passed on the way to a state.
    fn path(&self, mut index: usize) -> Vec<String> {
        let mut path = Vec::new();
        let id = |node: NodeIndex| self.net.program.nodes[node].id.clone();
        while let Some((before, node)) = self.states[index].from {
            path.push(id(node));
            index = before;
        }
        path.push(id(self.states[index].first));
        path.reverse();
        path
    }

    fn report(
        &mut self,
        code: &'static str,
        severity: Severity,
        node: NodeIndex,
        message: String,
        hint: &'static str,
        path: Vec<String>,
    ) {
        if self.findings.len() >= MAX_FINDINGS || !self.reported.insert((code, node)) {
            return;
        }
        let own = &self.net.program.nodes[node];
        self.findings.push(Finding {
            code,
            severity,
            element: Some(own.id.clone()),
            line: own.line,
            message,
            hint,
            path,
        });
    }

    fn report_deadlock(&mut self, index: usize, marking: &Marking) {
        let program = self.net.program;
        let Some(&flow) = marking.keys().next() else { return };
        let node = program.flows[flow].target;
        let missing: Vec<&str> = program.nodes[node]
            .incoming
            .iter()
            .filter(|flow| !marking.contains_key(flow))
            .map(|&flow| program.nodes[program.flows[flow].source].id.as_str())
            .collect();
        let message = format!(
            "deadlock: {} waits for ever for a token from {}",
            program.nodes[node].id,
            missing.join(", ")
        );
        let hint =
            "join with the kind of gateway that splits: exclusive with exclusive, parallel with parallel";
        let path = self.path(index);
        self.report("BPMN-0101", Severity::Error, node, message, hint, path);
    }

    fn report_meeting(&mut self, index: usize, flow: usize) {
        let program = self.net.program;
        let (source, target) = (program.flows[flow].source, program.flows[flow].target);
        let message = format!(
            "lack of synchronisation: after {} two tokens can be on the way to {}, which then runs twice",
            program.nodes[source].id, program.nodes[target].id
        );
        let path = self.path(index);
        let hint = "join the branches with a parallel or inclusive gateway first";
        self.report("BPMN-0102", Severity::Warning, source, message, hint, path);
    }

    /// What only the whole walk shows.
    fn judge(&mut self) {
        if self.is_exhausted || self.net.depends_on_data() {
            self.report_undecided();
            return;
        }
        for node in self.net.members.clone() {
            let own = &self.net.program.nodes[node];
            let stands_alone = own.is_compensation_handler
                || matches!(own.kind, NodeKind::SubProcess(SubProcess::Event) | NodeKind::Start { .. });
            if self.fired.contains(&node) || stands_alone || self.is_reached_besides(node) {
                continue;
            }
            let message = format!("dead: no token ever reaches {}", own.id);
            let hint = "connect it to the flow from a start event, or remove it";
            self.report("BPMN-0103", Severity::Warning, node, message, hint, Vec::new());
        }
        let mut able = self.closed.clone();
        let mut open: Vec<usize> = able.iter().copied().collect();
        while let Some(index) = open.pop() {
            for &before in &self.backward[index] {
                if able.insert(before) {
                    open.push(before);
                }
            }
        }
        if let Some(stuck) = (0..self.states.len()).find(|index| !able.contains(index)) {
            let node = self.net.next(&self.states[stuck].marking).unwrap_or(self.states[stuck].first);
            let message = format!(
                "no option to complete: from {} on there is no way to an end",
                self.net.program.nodes[node].id
            );
            let path = self.path(stuck);
            let hint = "give the loop a way out: a condition that leads to an end event";
            self.report("BPMN-0104", Severity::Error, node, message, hint, path);
        }
    }

    /// Boundary events of an activity that was reached happen or not.
    fn is_reached_besides(&self, node: NodeIndex) -> bool {
        match self.net.program.nodes[node].kind {
            NodeKind::Boundary { attached_to, .. } => self.fired.contains(&attached_to),
            _ => false,
        }
    }

    fn report_undecided(&mut self) {
        let program = self.net.program;
        let (element, line, name) = match self.scope {
            Some(scope) => {
                (Some(program.nodes[scope].id.clone()), program.nodes[scope].line, &program.nodes[scope].id)
            }
            None => (Some(program.process_id.clone()), 0, &program.process_id),
        };
        let message = match self.is_exhausted {
            true => format!("not decided: {name} has more than {MAX_STATES} markings"),
            false => format!("not decided: a complex gateway in {name} depends on data"),
        };
        self.findings.push(Finding {
            code: "BPMN-0105",
            severity: Severity::Hint,
            element,
            line,
            message,
            hint: "move parts into sub-processes, which are judged on their own",
            path: Vec::new(),
        });
    }
}
