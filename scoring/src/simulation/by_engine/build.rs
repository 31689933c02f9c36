//! From a program and its declaration to a process that runs without anybody being asked.
//!
//! Nodes and flows of the original keep their places, so that the state of a running case fits; what is added follows
//! behind them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bpmn::expression::Expression;
use bpmn::program::{
    Flow, FlowIndex, JobKind, Node, NodeIndex, NodeKind, Program, SubProcess, TaskSpec, Throw,
};

use super::super::declare::{Declaration, Parameters, Weight};
use super::super::model::parts::{self, narrow, refused};
use super::super::model::{Choice, Model, OUTCOME};
use super::{ByEngine, Role, Work};
use crate::Error;

mod data;
mod events;
mod repeats;
mod routes;

/// Nodes at most.
const MAX_NODES: usize = 20_000;
/// Begins the names of variables and elements that are added, so that none of the file's is like them.
const ADDED: &str = "procos_simulated_";

/// A model that the engine's rules run; `because` says why no table does.
///
/// # Errors
/// `SCORING-0006` for an element of which it is not known what it would do.
pub(in super::super) fn build(
    program: &Program,
    declaration: &Declaration,
    because: String,
) -> Result<Model, Error> {
    if program.nodes.len() > MAX_NODES {
        return Err(refused(&program.nodes[0], "a process of this size", "simulate a part of it"));
    }
    let levels = parts::levels(declaration);
    let mut builder = Builder {
        source: program,
        declaration,
        model: parts::without_contents(program, declaration, &levels),
        levels,
        known: data::known(program, declaration),
        inside: events::within(program, declaration),
        program: program.clone(),
        roles: vec![Role::Itself; program.nodes.len()],
        rounds: HashMap::new(),
        ends: HashMap::new(),
    };
    for index in 0..program.nodes.len() {
        builder.node(index)?;
    }
    builder.finish(because)
}

struct Builder<'a> {
    source: &'a Program,
    declaration: &'a Declaration,
    model: Model,
    levels: Vec<i32>,
    /// Variables whose values are known while the simulation runs.
    known: BTreeSet<String>,
    /// Messages and signals that the process throws and catches itself.
    inside: BTreeSet<events::Name>,
    program: Program,
    roles: Vec<Role>,
    rounds: HashMap<NodeIndex, super::Rounds>,
    ends: HashMap<NodeIndex, u16>,
}

impl Builder<'_> {
    fn parameters(&self, node: &Node) -> Parameters {
        self.declaration.elements.get(&node.id).cloned().unwrap_or_default()
    }

    /// Whether a sub-process counts as one piece of work.
    fn is_one_piece(&self, node: &Node) -> bool {
        let opens = |kind: &SubProcess| !matches!(kind, SubProcess::Event);
        matches!(&node.kind, NodeKind::SubProcess(kind) if opens(kind))
            && self.declaration.elements.get(&node.id).is_some_and(|declared| declared.duration.is_some())
    }

    fn around(&self, node: &Node) -> Option<&Node> {
        node.parent.and_then(|parent| self.source.nodes.get(parent))
    }

    /// Whether what an expression reads is known while the simulation runs.
    fn is_known(&self, expression: &Expression) -> bool {
        expression.variables().iter().all(|name| self.known.contains(name))
    }

    fn node(&mut self, index: NodeIndex) -> Result<(), Error> {
        let node = &self.source.nodes[index];
        if std::iter::successors(self.around(node), |outer| self.around(outer))
            .any(|outer| self.is_one_piece(outer))
        {
            return Ok(());
        }
        let changed = &mut self.program.nodes[index];
        changed.inputs.clear();
        changed.outputs.clear();
        match &node.kind {
            NodeKind::Start { trigger: Some(trigger), interrupting } if self.starts_by_event(node) => {
                self.event(index, node, trigger, !interrupting)?;
            }
            NodeKind::Boundary { attached_to, trigger, interrupting } => {
                self.boundary(index, node, *attached_to, (trigger, *interrupting))?;
            }
            NodeKind::Catch(trigger) | NodeKind::Receive(trigger) => self.catch(index, node, trigger)?,
            NodeKind::Throw(throw) => self.throw(index, node, throw)?,
            NodeKind::End(throw) => self.end(index, node, throw)?,
            NodeKind::SubProcess(kind) if !self.is_one_piece(node) => self.sub_process(node, kind)?,
            NodeKind::Complex { activation: Some(activation) } if !self.is_known(activation) => {
                return Err(refused(
                    node,
                    "a complex gateway whose activation condition reads data",
                    "let it count tokens (activationCount), or say what cases bring along: procos:attribute",
                ));
            }
            NodeKind::Start { .. }
            | NodeKind::Exclusive
            | NodeKind::Parallel
            | NodeKind::Inclusive
            | NodeKind::EventBased { .. }
            | NodeKind::Complex { .. } => {}
            _ => self.work(index, node)?,
        }
        self.repeated(index, node)?;
        self.routes(index, node)?;
        self.ends_here(index, node);
        Ok(())
    }

    /// Whether a start event stands in an event sub-process.
    fn starts_by_event(&self, node: &Node) -> bool {
        self.around(node).is_some_and(|outer| matches!(outer.kind, NodeKind::SubProcess(SubProcess::Event)))
    }

    /// A node that takes time, or merely happens, becomes a job.
    fn work(&mut self, index: NodeIndex, node: &Node) -> Result<(), Error> {
        let declared = self.parameters(node);
        let activity = self.activity(node, &declared)?;
        let outcome = match declared.outcomes.as_slice() {
            [] => None,
            outcomes => {
                let (labels, weights): (Vec<String>, Vec<Weight>) = outcomes.iter().cloned().unzip();
                Some(self.add_choice(parts::choice(node, (&node.id, OUTCOME), labels, &weights)?))
            }
        };
        let fate = self.fate(node)?;
        let result = self.followed_result(node);
        let changed = &mut self.program.nodes[index];
        changed.kind = NodeKind::Job(JobKind::Service);
        changed.outputs.extend(result);
        self.roles[index] = Role::Work(Work { activity, outcome, fate });
        Ok(())
    }

    fn activity(&mut self, node: &Node, declared: &Parameters) -> Result<u16, Error> {
        let law = parts::work_law(node, declared)?;
        let made = parts::activity(node, declared, law, (&self.model.resources, &self.levels));
        self.model.activities.push(made);
        Ok(narrow(self.model.activities.len() - 1))
    }

    fn add_choice(&mut self, choice: Choice) -> u16 {
        self.model.choices.push(choice);
        narrow(self.model.choices.len() - 1)
    }

    /// A node that is added, in the scope of another; without flows.
    fn add(&mut self, like: NodeIndex, kind: NodeKind, role: Role) -> NodeIndex {
        let index = self.program.nodes.len();
        self.program.nodes.push(Node {
            id: format!("{ADDED}{index}"),
            name: None,
            local_name: "task".to_owned(),
            line: 0,
            kind,
            parent: self.program.nodes[like].parent,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            default_flow: None,
            boundary: Vec::new(),
            repeat: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
            task: TaskSpec::default(),
            compensation: None,
            is_compensation_handler: false,
        });
        self.roles.push(role);
        index
    }

    /// A job that takes no time.
    fn add_job(&mut self, like: NodeIndex, role: Role) -> NodeIndex {
        self.add(like, NodeKind::Job(JobKind::Service), role)
    }

    fn connect(&mut self, source: NodeIndex, target: NodeIndex) -> FlowIndex {
        let flow = self.program.flows.len();
        let id = format!("{ADDED}flow_{flow}");
        self.program.flows.push(Flow { id, name: None, source, target, condition: None });
        self.program.nodes[source].outgoing.push(flow);
        self.program.nodes[target].incoming.push(flow);
        flow
    }

    /// Puts a node before another: what came there comes to it first.
    fn put_before(&mut self, index: NodeIndex, before: NodeIndex) {
        for flow in std::mem::take(&mut self.program.nodes[index].incoming) {
            self.program.flows[flow].target = before;
            self.program.nodes[before].incoming.push(flow);
        }
        self.connect(before, index);
    }

    /// Lets all that leaves a node leave another.
    fn hand_over_flows(&mut self, index: NodeIndex, to: NodeIndex) {
        let flows = std::mem::take(&mut self.program.nodes[index].outgoing);
        for flow in &flows {
            self.program.flows[*flow].source = to;
        }
        let default = self.program.nodes[index].default_flow.take();
        let taker = &mut self.program.nodes[to];
        (taker.outgoing, taker.default_flow) = (flows, default);
    }

    /// A case can end at a node without outgoing flows of the process itself or of an event sub-process in it, and by an
    /// error that nothing catches.
    fn ends_here(&mut self, index: NodeIndex, node: &Node) {
        let is_event = |outer: &Node| matches!(outer.kind, NodeKind::SubProcess(SubProcess::Event));
        let of_the_process =
            std::iter::successors(self.around(node), |outer| self.around(outer)).all(is_event);
        let leads_on = !node.outgoing.is_empty()
            || matches!(node.kind, NodeKind::Throw(Throw::Link { .. }))
            || node.is_compensation_handler;
        let uncaught = matches!(&node.kind, NodeKind::End(Throw::Error { .. })) && !self.is_caught(node);
        if (of_the_process && !leads_on && !is_event(node)) || uncaught {
            self.ends.insert(index, narrow(self.model.ends.len()));
            self.model.ends.push((node.id.clone(), parts::name(node)));
        }
    }

    /// Where a process has several start events, all of which wait for something, cases begin at the first.
    fn start(&self) -> Option<String> {
        let starts = || {
            let children = self.source.children(None);
            children.filter(|(_, node)| matches!(node.kind, NodeKind::Start { .. })).map(|(_, node)| node)
        };
        let is_plain = |node: &Node| matches!(node.kind, NodeKind::Start { trigger: None, .. });
        starts().next().filter(|_| !starts().any(is_plain)).map(|node| node.id.clone())
    }

    fn finish(self, because: String) -> Result<Model, Error> {
        if self.model.ends.is_empty() {
            return Err(Error::NotSimulated {
                element: self.source.process_id.clone(),
                what: "a process without an end".to_owned(),
                hint: "add an end event",
            });
        }
        let start = self.start();
        let places = self.program.nodes.iter().enumerate().map(|(place, node)| (node.id.clone(), place));
        let engine = ByEngine {
            because,
            start,
            places: places.collect(),
            program: self.program,
            roles: self.roles,
            rounds: self.rounds,
            ends: self.ends,
        };
        Ok(Model { engine: Some(Arc::new(engine)), ..self.model })
    }
}
