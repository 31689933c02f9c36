//! What a process reads before it has made it itself: the inputs a person can give it at the start, and what a
//! person can answer at a task.
//!
//! A forward data-flow analysis over the program: at an exclusive join only what every branch made is known for
//! certain, at a parallel join what any branch made. A task whose result nobody can foresee (a person's, a tool's)
//! may give anything; what is read after it and made by nobody may come from it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::expression::{Expression, Hint, Limits};
use crate::program::{
    DrawSpec, ExecutedBy, JobKind, Node, NodeIndex, NodeKind, Over, Program, Repeat, SubProcess, Throw,
    Timer, Trigger,
};

/// Larger programs are not analysed: nobody fills in such a form.
const MAX_NODES: usize = 2_000;
/// Passes over the program; nested loops need one each.
const MAX_PASSES: usize = 64;
/// Evaluation steps of a default value.
const DEFAULT_STEPS: u64 = 10_000;
/// What a sampled task sets beside what it declares.
const VERDICT: [&str; 5] = ["outcome", "winner", "undecided", "samples", "shares"];

/// A variable that a person can give.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// The value that the process takes where it is not given, if it says so.
    pub default: Option<Value>,
    /// Constants it is compared with, each once: what kind of value is meant, and often all that make a difference.
    pub compared: Vec<Value>,
    /// Ids of the elements that read it, in document order.
    pub read_by: Vec<String>,
    /// False where a task that may give anything comes before every reader: it may come from there instead.
    pub certain: bool,
}

/// The variables that can be given when the process starts, in the order in which they are read.
///
/// None where the program has more than 2,000 nodes.
#[must_use]
pub fn at_start(program: &Program) -> Vec<Input> {
    Analysis::of(program).inputs(|_| true)
}

/// The variables that the task `element` can give: read after it, and made by nobody for certain.
#[must_use]
pub fn at_task(program: &Program, element: &str) -> Vec<Input> {
    let Some(node) = program.find(element) else { return Vec::new() };
    Analysis::of(program).inputs(|reading| reading.open.contains(&node))
}

/// A step of a node, in the order in which they happen.
enum Access {
    Read(Expression),
    Make(String),
}

/// What is known where a token stands.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    made: BTreeSet<String>,
    /// Tasks before this place that may have given anything.
    open: BTreeSet<NodeIndex>,
}

/// A variable read where nobody has made it for certain.
struct Reading {
    name: String,
    node: NodeIndex,
    open: BTreeSet<NodeIndex>,
    hints: Vec<Hint>,
}

struct Analysis<'a> {
    program: &'a Program,
    accesses: Vec<Vec<Access>>,
    /// What is known after each node; `None` before it was reached.
    after: Vec<Option<Known>>,
}

impl<'a> Analysis<'a> {
    fn of(program: &'a Program) -> Self {
        let nodes = if program.nodes.len() > MAX_NODES { &[] } else { program.nodes.as_slice() };
        let accesses: Vec<Vec<Access>> = nodes.iter().map(accesses).collect();
        let mut analysis = Self { program, after: vec![None; accesses.len()], accesses };
        for _ in 0..MAX_PASSES {
            if !analysis.pass() {
                break;
            }
        }
        analysis
    }

    /// One pass in document order; false where nothing changed.
    fn pass(&mut self) -> bool {
        let mut changed = false;
        for node in 0..self.accesses.len() {
            let Some(mut known) = self.before(node) else { continue };
            for access in &self.accesses[node] {
                if let Access::Make(name) = access {
                    known.made.insert(name.clone());
                }
            }
            if gives_anything(&self.program.nodes[node]) {
                known.open.insert(node);
            }
            self.inside(node, &mut known);
            if self.after[node].as_ref() != Some(&known) {
                self.after[node] = Some(known);
                changed = true;
            }
        }
        changed
    }

    /// What a sub-process made by the time it ended.
    fn inside(&self, node: NodeIndex, known: &mut Known) {
        let ends = self.program.children(Some(node)).filter(|(_, child)| child.outgoing.is_empty());
        let ends: Vec<&Known> = ends.filter_map(|(child, _)| self.after[child].as_ref()).collect();
        if let Some(end) = join(&ends, false) {
            known.made.extend(end.made);
            known.open.extend(end.open);
        }
    }

    /// What is known before a node, `None` where it has not been reached yet.
    fn before(&self, node: NodeIndex) -> Option<Known> {
        let found = &self.program.nodes[node];
        if let NodeKind::Boundary { attached_to, .. } = found.kind {
            return self.before(attached_to);
        }
        let mut sources: Vec<NodeIndex> =
            found.incoming.iter().map(|flow| self.program.flows[*flow].source).collect();
        if let NodeKind::Catch(Trigger::Link { name }) = &found.kind {
            let throws = self.program.nodes.iter().enumerate().filter(|(_, other)| {
                matches!(&other.kind, NodeKind::Throw(Throw::Link { name: thrown }) if thrown == name)
            });
            sources.extend(throws.map(|(index, _)| index));
        }
        if sources.is_empty() {
            return match found.parent {
                None => Some(Known::default()),
                Some(parent) => self.entering(parent),
            };
        }
        let known: Vec<&Known> = sources.iter().filter_map(|source| self.after[*source].as_ref()).collect();
        join(&known, matches!(found.kind, NodeKind::Parallel))
    }

    /// What is known where the contents of a sub-process begin. An event sub-process begins at any time, so all that
    /// is made anywhere may be there.
    fn entering(&self, parent: NodeIndex) -> Option<Known> {
        let mut known = self.before(parent)?;
        if matches!(self.program.nodes[parent].kind, NodeKind::SubProcess(SubProcess::Event)) {
            known.made.extend(self.accesses.iter().flatten().filter_map(|access| match access {
                Access::Make(name) => Some(name.clone()),
                Access::Read(_) => None,
            }));
        }
        known.made.extend(self.accesses[parent].iter().filter_map(|access| match access {
            Access::Make(name) => Some(name.clone()),
            Access::Read(_) => None,
        }));
        Some(known)
    }

    fn readings(&self) -> Vec<Reading> {
        let mut readings = Vec::new();
        for (node, accesses) in self.accesses.iter().enumerate() {
            let Some(mut known) = self.before(node) else { continue };
            for access in accesses {
                match access {
                    Access::Make(name) => {
                        known.made.insert(name.clone());
                    }
                    Access::Read(expression) => read(expression, node, &known, &mut readings),
                }
            }
            let Some(known) = &self.after[node] else { continue };
            let flows = self.program.nodes[node].outgoing.iter().map(|flow| &self.program.flows[*flow]);
            for condition in flows.filter_map(|flow| flow.condition.as_ref()) {
                read(condition, node, known, &mut readings);
            }
        }
        readings
    }

    fn inputs(&self, wanted: impl Fn(&Reading) -> bool) -> Vec<Input> {
        let mut inputs: Vec<Input> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for reading in self.readings().into_iter().filter(wanted) {
            let place = *places.entry(reading.name.clone()).or_insert_with(|| {
                inputs.push(Input {
                    name: reading.name.clone(),
                    default: None,
                    compared: Vec::new(),
                    read_by: Vec::new(),
                    certain: false,
                });
                inputs.len() - 1
            });
            let input = &mut inputs[place];
            input.certain |= reading.open.is_empty();
            let reader = &self.program.nodes[reading.node].id;
            if input.read_by.last() != Some(reader) {
                input.read_by.push(reader.clone());
            }
            for hint in reading.hints {
                match hint {
                    Hint::Default(value) => input.default = input.default.take().or(Some(value)),
                    Hint::Compared(value) if !input.compared.contains(&value) => input.compared.push(value),
                    Hint::Compared(_) => {}
                }
            }
        }
        inputs
    }
}

/// The variables of an expression that nobody made for certain.
fn read(expression: &Expression, node: NodeIndex, known: &Known, readings: &mut Vec<Reading>) {
    let mut hints = expression.hints(Limits { now_ms: 0, steps: DEFAULT_STEPS });
    for name in expression.variables().iter().filter(|name| !known.made.contains(*name)) {
        let about = hints.extract_if(.., |(about, _)| about == name);
        readings.push(Reading {
            hints: about.map(|(_, hint)| hint).collect(),
            name: name.clone(),
            node,
            open: known.open.clone(),
        });
    }
}

/// What holds after several paths: of alternatives what all made, of concurrent ones what any made.
fn join(paths: &[&Known], concurrent: bool) -> Option<Known> {
    let (first, rest) = paths.split_first()?;
    let mut known = (*first).clone();
    for other in rest {
        if concurrent {
            known.made.extend(other.made.iter().cloned());
        } else {
            known.made.retain(|name| other.made.contains(name));
        }
        known.open.extend(&other.open);
    }
    Some(known)
}

/// Whether the result of a node cannot be foreseen from the process.
fn gives_anything(node: &Node) -> bool {
    if !node.outputs.is_empty() {
        return false;
    }
    match &node.kind {
        NodeKind::Job(JobKind::User) => true,
        NodeKind::Job(JobKind::Service) => {
            let foreseen = matches!(
                node.task.by,
                ExecutedBy::Undeclared | ExecutedBy::Stochastic | ExecutedBy::Model | ExecutedBy::Feel
            );
            !foreseen || node.task.job_type.is_some()
        }
        NodeKind::Receive(_) | NodeKind::Catch(Trigger::Message { .. }) => true,
        NodeKind::Start { trigger, .. } => matches!(trigger, Some(Trigger::Message { .. })),
        NodeKind::Boundary { trigger, .. } => matches!(trigger, Trigger::Message { .. }),
        NodeKind::Call { propagate_all_out, .. } => *propagate_all_out,
        _ => false,
    }
}

/// What a node reads and makes in the scope around it, in order.
fn accesses(node: &Node) -> Vec<Access> {
    let mut found = Vec::new();
    let read =
        |found: &mut Vec<Access>, expression: &Expression| found.push(Access::Read(expression.clone()));
    if let Some(repeat) = &node.repeat {
        repeated(repeat, &mut found);
    }
    for mapping in &node.inputs {
        read(&mut found, &mapping.source);
    }
    // Where inputs are declared, the task sees nothing else.
    if node.inputs.is_empty() {
        of_task(node, &mut found);
        of_kind(&node.kind, &mut found);
    }
    for mapping in &node.outputs {
        let name = mapping.target.split('.').next().unwrap_or_default();
        found.push(Access::Make(name.to_owned()));
    }
    found
}

fn repeated(repeat: &Repeat, found: &mut Vec<Access>) {
    let made = |name: &str| Access::Make(name.to_owned());
    found.push(made("loopCounter"));
    match repeat {
        Repeat::Multi { over, output, .. } => {
            match over {
                Over::Cardinality(number) => found.push(Access::Read(number.clone())),
                Over::Collection { collection, element } => {
                    found.push(Access::Read(collection.clone()));
                    found.extend(element.as_deref().map(made));
                }
            }
            found.extend(output.iter().map(|(name, _)| made(name)));
        }
        Repeat::While { condition, test_before, .. } => {
            let condition = condition.iter().filter(|_| *test_before);
            found.extend(condition.map(|condition| Access::Read(condition.clone())));
        }
    }
}

/// The declarations of a task; text that is no expression reads nothing.
fn of_task(node: &Node, found: &mut Vec<Access>) {
    let handed_up = node.outputs.is_empty();
    let parameters = |draw: &DrawSpec| {
        let texts = draw.parameters.values().filter(|text| text.trim_start().starts_with('='));
        texts.filter_map(|text| Expression::feel(text).ok()).map(Access::Read).collect::<Vec<_>>()
    };
    for draw in &node.task.draws {
        found.extend(parameters(draw));
        found.push(Access::Make(draw.variable.clone()));
    }
    for (variable, text) in &node.task.computes {
        found.extend(Expression::feel(text).ok().map(Access::Read));
        found.push(Access::Make(variable.clone()));
    }
    for condition in node.task.outcomes.iter().filter_map(|outcome| outcome.when.as_deref()) {
        found.extend(Expression::feel(condition).ok().map(Access::Read));
    }
    if handed_up && (!node.task.outcomes.is_empty() || node.task.by == ExecutedBy::Model) {
        found.extend(VERDICT.iter().map(|name| Access::Make((*name).to_owned())));
        // The whole result, under the task's own name.
        let own = node.id.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' });
        found.push(Access::Make(own.collect()));
    }
}

fn of_kind(kind: &NodeKind, found: &mut Vec<Access>) {
    let mut read = |expression: &Expression| found.push(Access::Read(expression.clone()));
    match kind {
        NodeKind::Script { expression, result } => {
            read(expression);
            found.extend(result.iter().map(|name| Access::Make(name.clone())));
        }
        NodeKind::Decision(call) => {
            read(&call.decision);
            found.extend(call.result.iter().map(|name| Access::Make(name.clone())));
        }
        NodeKind::Call { process, .. } => read(process),
        NodeKind::Catch(trigger) | NodeKind::Receive(trigger) | NodeKind::Boundary { trigger, .. } => {
            match trigger {
                Trigger::Timer(Timer::Date(when) | Timer::Duration(when) | Timer::Cycle(when)) => read(when),
                Trigger::Message { correlation_key: Some(key), .. } => read(key),
                Trigger::Conditional { condition } => read(condition),
                _ => {}
            }
        }
        NodeKind::Complex { activation: Some(activation) } => read(activation),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
