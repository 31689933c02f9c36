//! Changes to a process in words, as a proposal: "add an approval before shipping", "remove the second check",
//! "the upload may fail, retry twice", "do packing and invoicing in parallel".
//!
//! They are element-level operations on any BPMN process, with the compiler and the soundness check as guards; the
//! process that was given stays as it is. What is not touched keeps its place in the drawing.

mod instruction;
mod rearrange;

use bpmn::model::{
    Definitions, Element, FlowNode, FlowNodeKind, FormalExpression, Gateway, Process, RawElement,
    SequenceFlow, Shape, Task,
};
use bpmn::xml::namespace;

use super::Source;
use crate::error::Error;
use crate::text::{Overrun, similarity};
use crate::tree::{Tree, identifier, variable_name};

/// Labels at least so alike mean the same element.
const MEANT: f64 = 0.15;

/// A proposed change.
#[derive(Clone, Debug)]
pub struct Refinement {
    /// The process as it would be.
    pub definitions: Definitions,
    /// The same as a file.
    pub xml: String,
    /// What changes, in words.
    pub changes: Vec<String>,
    /// Ids of elements that are added, changed or gone.
    pub elements: Vec<String>,
    /// Its tree, where the change was made on one.
    pub tree: Option<Tree>,
    /// Who worked the change out.
    pub source: Source,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Rounds that a model took; 0 without one.
    pub rounds: u32,
    /// Tokens sent and received, where a model was asked.
    pub usage: llm::Usage,
    /// Time that the model took, milliseconds.
    pub elapsed_ms: u64,
}

/// What an instruction asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Add { what: String, anchor: String, before: bool, user: Option<bool> },
    Remove { what: String },
    Retry { what: String, times: u32 },
    Parallel { one: String, other: String },
    Rename { what: String, name: String },
    AddAt { what: String, first: bool },
    AddBeside { what: String, anchor: String },
    Swap { one: String, other: String },
    Move { what: String, anchor: String, before: bool },
    When { what: String, condition: String, skip: bool },
    Until { what: String, condition: String },
    Deadline { what: String, time: String, duration: String, then: String },
}

/// Reads an instruction and applies it to the first executable process of a file.
///
/// # Errors
/// `DAS-0005` where the instruction is not understood or names no element, `DAS-0006` where the result would not be
/// an executable process.
pub fn refine(definitions: &Definitions, instruction: &str) -> Result<Refinement, Error> {
    refine_selected(definitions, instruction, &[])
}

/// Like [`refine`], where "this", "it" or "the selected step" means what is selected.
///
/// # Errors
/// Those of [`refine`].
pub fn refine_selected(
    definitions: &Definitions,
    instruction: &str,
    selected: &[String],
) -> Result<Refinement, Error> {
    let unclear = |why: &str| Error::Instruction { instruction: instruction.to_owned(), why: why.to_owned() };
    let requests = instruction::parse(instruction).ok_or_else(|| unclear(instruction::KNOWN))?;
    apply_all(definitions, &requests, instruction, selected)
}

/// Puts a deadline at a step, as a text says it.
///
/// # Errors
/// Those of [`refine`].
pub(super) fn attach_deadline(definitions: &Definitions, overrun: &Overrun) -> Result<Refinement, Error> {
    let request = Request::Deadline {
        what: overrun.step.clone(),
        time: overrun.time.clone(),
        duration: overrun.duration.clone(),
        then: overrun.then.clone(),
    };
    let said = format!("if {} takes longer than {}, {}", overrun.step, overrun.time, overrun.then);
    apply_all(definitions, &[request], &said, &[])
}

/// Applies requests, one after the other, to the first executable process of a file.
pub(super) fn apply_all(
    definitions: &Definitions,
    requests: &[Request],
    instruction: &str,
    selected: &[String],
) -> Result<Refinement, Error> {
    let unclear = |why: &str| Error::Instruction { instruction: instruction.to_owned(), why: why.to_owned() };
    let mut changed = definitions.clone();
    let process = changed
        .processes
        .iter_mut()
        .find(|process| process.is_executable != Some(false) && !process.nodes.is_empty())
        .ok_or_else(|| unclear("the file has no process that is executed"))?;
    let mut work = Work {
        process,
        elements: Vec::new(),
        changes: Vec::new(),
        swapped: Vec::new(),
        moved: Vec::new(),
        instruction,
        selected,
    };
    for request in requests {
        work.apply(request)?;
    }
    let Work { elements, changes, swapped, moved, .. } = work;
    let mut drawn = definitions.clone();
    let elsewhere: Vec<&String> =
        swapped.iter().flat_map(|(one, other)| [one, other]).chain(&moved).collect();
    let beside = super::drawing::beside(definitions, &elsewhere);
    for diagram in &mut drawn.diagrams {
        for (one, other) in &swapped {
            swap_places(&mut diagram.shapes, one, other);
        }
        diagram.shapes.retain(|shape| !moved.contains(&shape.element) && !beside.contains(&shape.element));
        diagram.edges.retain(|edge| !beside.contains(&edge.element));
    }
    finish(&drawn, changed, changes, elements)
}

/// Two shapes change places from left to right; each stays in its row, because that is its lane.
fn swap_places(shapes: &mut [Shape], one: &str, other: &str) {
    let x = |id: &str| shapes.iter().find(|shape| shape.element == id).map(|shape| shape.bounds.x);
    let (Some(first), Some(second)) = (x(one), x(other)) else { return };
    for shape in shapes {
        if shape.element == one || shape.element == other {
            let to = if shape.element == one { second } else { first };
            if let Some(bounds) = shape.label.as_mut().and_then(|label| label.bounds.as_mut()) {
                bounds.x += to - shape.bounds.x;
            }
            shape.bounds.x = to;
        }
    }
}

/// Guards, draws what is missing and puts the proposal together.
pub(super) fn finish(
    before: &Definitions,
    mut changed: Definitions,
    changes: Vec<String>,
    elements: Vec<String>,
) -> Result<Refinement, Error> {
    super::drawing::drop_loose(&mut changed);
    guard(before, &changed)?;
    super::drawing::keep(before, &mut changed);
    let xml = bpmn::xml::write(&changed);
    Ok(Refinement {
        definitions: changed,
        xml,
        changes,
        elements,
        tree: None,
        source: Source::Deterministic,
        notes: Vec::new(),
        rounds: 0,
        usage: llm::Usage::default(),
        elapsed_ms: 0,
    })
}

/// Refuses what cannot be executed, and what is unsound where it was not before.
fn guard(before: &Definitions, after: &Definitions) -> Result<(), Error> {
    let programs =
        bpmn::compile::compile(after, None).map_err(|problems| Error::Model(problems.to_string()))?;
    let wrong = |programs: &[bpmn::program::Program]| -> Vec<bpmn::check::Finding> {
        let findings = programs.iter().flat_map(bpmn::check::soundness);
        findings.filter(|finding| finding.severity == bpmn::check::Severity::Error).collect()
    };
    let known = wrong(&bpmn::compile::compile(before, None).unwrap_or_default());
    let is_known = |finding: &bpmn::check::Finding| {
        known.iter().any(|other| other.code == finding.code && other.element == finding.element)
    };
    match wrong(&programs).into_iter().find(|finding| !is_known(finding)) {
        Some(finding) => Err(Error::Model(format!("the change would make it unsound: {finding}"))),
        None => Ok(()),
    }
}

struct Work<'a> {
    process: &'a mut Process,
    elements: Vec<String>,
    changes: Vec<String>,
    /// Pairs of steps that changed places, for the drawing.
    swapped: Vec<(String, String)>,
    /// Steps that are drawn anew where they are now.
    moved: Vec<String>,
    instruction: &'a str,
    /// What the person has selected.
    selected: &'a [String],
}

impl Work<'_> {
    fn apply(&mut self, request: &Request) -> Result<(), Error> {
        match request {
            Request::Add { what, anchor, before, user } => self.add(what, anchor, *before, *user),
            Request::Remove { what } => self.remove(what),
            Request::Retry { what, times } => self.retry(what, *times),
            Request::Parallel { one, other } => self.parallel(one, other),
            Request::AddAt { what, first } => self.add_at(what, *first),
            Request::AddBeside { what, anchor } => self.add_beside(what, anchor),
            Request::Swap { one, other } => self.swap(one, other),
            Request::Move { what, anchor, before } => self.shift(what, anchor, *before),
            Request::When { what, condition, skip } => self.when(what, condition, *skip),
            Request::Until { what, condition } => self.until(what, condition),
            Request::Deadline { what, time, duration, then } => self.deadline(what, time, duration, then),
            Request::Rename { what, name } => {
                let id = self.find(what)?;
                let name = crate::text::sentence_case(name);
                self.changes.push(format!("'{}' is called '{name}'", self.label(&id)));
                if let Some(node) = self.process.nodes.iter_mut().find(|node| node.element.id == id) {
                    node.element.name = Some(name);
                }
                self.elements.push(id);
                Ok(())
            }
        }
    }

    fn unclear(&self, why: String) -> Error {
        Error::Instruction { instruction: self.instruction.to_owned(), why }
    }

    /// The activity or event that words mean.
    fn find(&self, words: &str) -> Result<String, Error> {
        const POINTING: [&str; 9] = [
            "this",
            "it",
            "this step",
            "this task",
            "that step",
            "the selected step",
            "the selected task",
            "the selection",
            "selected",
        ];
        if POINTING.contains(&words.to_lowercase().as_str()) {
            let here = |id: &&String| self.process.node(id).is_some();
            return self
                .selected
                .iter()
                .find(here)
                .cloned()
                .ok_or_else(|| self.unclear(format!("'{words}' means what is selected, and no step is")));
        }
        let mut best: Option<(f64, &FlowNode)> = None;
        for node in self.process.nodes.iter().filter(|node| !matches!(node.kind, FlowNodeKind::Gateway(_))) {
            let name = node.element.name.as_deref().unwrap_or_default();
            let exact = node.element.id == words || name.eq_ignore_ascii_case(words);
            let alike = if exact { 2.0 } else { similarity(name, words) + overlap(name, words) / 100.0 };
            if alike >= MEANT && best.is_none_or(|(other, _)| alike > other) {
                best = Some((alike, node));
            }
        }
        best.map(|(_, node)| node.element.id.clone())
            .ok_or_else(|| self.unclear(format!("no step is called anything like '{words}'")))
    }

    fn label(&self, id: &str) -> String {
        self.process.node(id).and_then(|node| node.element.name.clone()).unwrap_or_else(|| id.to_owned())
    }

    fn free(&self, wanted: &str) -> String {
        let taken = |id: &str| {
            self.process.element.id == id
                || self.process.nodes.iter().any(|node| node.element.id == id)
                || self.process.flows.iter().any(|flow| flow.element.id == id)
        };
        let mut id = wanted.to_owned();
        let mut number = 2_u32;
        while taken(&id) {
            id = format!("{wanted}_{number}");
            number += 1;
        }
        id
    }

    /// Adds a node beside an existing one: the same scope and lane.
    fn place(&mut self, beside: &str, id: &str, name: &str, kind: FlowNodeKind) {
        let mut node = FlowNode::of_kind(id, kind);
        node.element.name = (!name.is_empty()).then(|| name.to_owned());
        node.parent = self.process.node(beside).and_then(|node| node.parent.clone());
        self.process.nodes.push(node);
        for set in &mut self.process.lane_sets {
            for lane in set.lanes.iter_mut().filter(|lane| lane.nodes.iter().any(|node| node == beside)) {
                lane.nodes.push(id.to_owned());
            }
        }
        self.elements.push(id.to_owned());
    }

    fn connect(&mut self, source: &str, target: &str, condition: Option<&str>) -> String {
        let id = self.free(&format!("{source}-{target}"));
        self.process.flows.push(SequenceFlow {
            element: Element::with_id(&id),
            parent: self.process.node(source).and_then(|node| node.parent.clone()),
            source: source.to_owned(),
            target: target.to_owned(),
            condition: condition.map(|text| FormalExpression::of(format!("={text}"))),
        });
        id
    }

    fn add(&mut self, what: &str, anchor: &str, before: bool, user: Option<bool>) -> Result<(), Error> {
        let anchor = self.find(anchor)?;
        let approval = user.is_none() && what.to_lowercase().contains("approv");
        let words =
            ["an ", "a ", "the "].iter().find_map(|article| what.strip_prefix(article)).unwrap_or(what);
        let event =
            self.process.node(&anchor).is_some_and(|node| matches!(node.kind, FlowNodeKind::Event(_)));
        let name = if approval && event {
            format!("Approve {}", if before { "the result" } else { "the start" })
        } else if approval && !words.to_lowercase().starts_with("approve") {
            format!("Approve: {}", self.label(&anchor))
        } else {
            crate::text::sentence_case(words)
        };
        let id = self.free(&identifier(&name));
        let kind = FlowNodeKind::Task(if user.unwrap_or(approval) { Task::User } else { Task::Service });
        self.place(&anchor, &id, &name, kind);
        if before {
            for flow in self.process.flows.iter_mut().filter(|flow| flow.target == anchor) {
                flow.target.clone_from(&id);
            }
            self.connect(&id, &anchor, None);
        } else {
            self.move_outgoing(&anchor, &id);
            self.connect(&anchor, &id, None);
        }
        let side = if before { "before" } else { "after" };
        self.changes.push(format!("'{name}' is added {side} '{}'", self.label(&anchor)));
        Ok(())
    }

    /// What left one node now leaves another one.
    fn move_outgoing(&mut self, from: &str, to: &str) {
        for flow in self.process.flows.iter_mut().filter(|flow| flow.source == from) {
            to.clone_into(&mut flow.source);
        }
        let default = self
            .process
            .nodes
            .iter_mut()
            .find(|node| node.element.id == from)
            .and_then(|n| n.default_flow.take());
        if let Some(node) = self.process.nodes.iter_mut().find(|node| node.element.id == to) {
            node.default_flow = default;
        }
    }

    fn remove(&mut self, what: &str) -> Result<(), Error> {
        let id = self.find(what)?;
        let label = self.label(&id);
        let target = self.only_way_out(&id)?;
        self.process.flows.retain(|flow| flow.source != id);
        for flow in self.process.flows.iter_mut().filter(|flow| flow.target == id) {
            flow.target.clone_from(&target);
        }
        self.process.nodes.retain(|node| node.element.id != id);
        for set in &mut self.process.lane_sets {
            for lane in &mut set.lanes {
                lane.nodes.retain(|node| *node != id);
            }
        }
        self.process.artifacts.retain(|artifact| match &artifact.kind {
            bpmn::model::ArtifactKind::Association { source, target } => *source != id && *target != id,
            _ => true,
        });
        self.changes.push(format!("'{label}' is removed"));
        self.elements.push(id);
        Ok(())
    }

    /// A counted loop around a step: again while it says that it failed and attempts are left.
    fn retry(&mut self, what: &str, times: u32) -> Result<(), Error> {
        let id = self.find(what)?;
        let label = self.label(&id);
        let failed = variable_name(&format!("{id} failed"));
        let attempts = variable_name(&format!("{id} attempts"));
        let join = self.free(&format!("{id}_again"));
        let count = self.free(&format!("{id}_count"));
        let split = self.free(&format!("{id}_failed"));
        self.place(&id, &join, "", FlowNodeKind::Gateway(Gateway::Exclusive));
        self.place(
            &id,
            &count,
            "Count attempts",
            FlowNodeKind::Task(Task::Script { format: None, script: None }),
        );
        self.place(&id, &split, &format!("{label} failed?"), FlowNodeKind::Gateway(Gateway::Exclusive));
        for flow in self.process.flows.iter_mut().filter(|flow| flow.target == id) {
            flow.target.clone_from(&join);
        }
        self.move_outgoing(&id, &split);
        self.connect(&join, &count, None);
        self.connect(&count, &id, None);
        self.connect(&id, &split, None);
        let limit = times + 1;
        self.connect(&split, &join, Some(&format!("{failed} = true and {attempts} < {limit}")));
        let onward: Option<String> = self
            .process
            .flows
            .iter()
            .find(|flow| flow.source == split && flow.target != join)
            .map(|flow| flow.element.id.clone());
        for node in &mut self.process.nodes {
            if node.element.id == split && node.default_flow.is_none() {
                node.default_flow.clone_from(&onward);
            } else if node.element.id == count {
                let expression = format!("=if {attempts} = null then 1 else {attempts} + 1");
                let script = RawElement::named(namespace::ZEEBE, "script")
                    .with("expression", expression)
                    .with("resultVariable", &attempts);
                node.element.extensions.push(script);
            }
        }
        self.changes
            .push(format!("'{label}' is done again, at most {times} more times, while {failed} is true"));
        Ok(())
    }

    /// Two steps that follow each other become parallel.
    fn parallel(&mut self, one: &str, other: &str) -> Result<(), Error> {
        let (mut first, mut second) = (self.find(one)?, self.find(other)?);
        let follows = |work: &Self, a: &str, b: &str| {
            let between =
                |source: &str| work.process.flows.iter().filter(|flow| flow.source == source).count() == 1;
            between(a)
                && work.process.flows.iter().any(|flow| flow.source == a && flow.target == b)
                && work.process.flows.iter().filter(|flow| flow.target == b).count() == 1
        };
        if follows(self, &second, &first) {
            std::mem::swap(&mut first, &mut second);
        }
        if first == second {
            return Err(self.unclear("both mean the same step".to_owned()));
        }
        if !follows(self, &first, &second) {
            // The second one comes to the first, and then they part again.
            let told = self.changes.len();
            self.shift(&second, &first, false)?;
            self.changes.truncate(told);
        }
        let split = self.free(&format!("{first}_and_{second}"));
        let join = self.free(&format!("{split}_join"));
        self.place(&first, &split, "", FlowNodeKind::Gateway(Gateway::Parallel));
        self.place(&second, &join, "", FlowNodeKind::Gateway(Gateway::Parallel));
        self.process.flows.retain(|flow| !(flow.source == first && flow.target == second));
        for flow in self.process.flows.iter_mut().filter(|flow| flow.target == first) {
            flow.target.clone_from(&split);
        }
        self.move_outgoing(&second, &join);
        for (source, target) in [(&split, &first), (&split, &second), (&first, &join), (&second, &join)] {
            self.connect(source, target, None);
        }
        self.changes.push(format!(
            "'{}' and '{}' are done in parallel",
            self.label(&first),
            self.label(&second)
        ));
        Ok(())
    }
}

/// Share of the words asked for whose beginnings stand in the name: "shipping" means "Ship goods".
fn overlap(name: &str, words: &str) -> f64 {
    let name = name.to_lowercase();
    let wanted: Vec<String> =
        words.to_lowercase().split(' ').map(|word| word.chars().take(4).collect()).collect();
    let hits = wanted.iter().filter(|stem| stem.len() > 2 && name.contains(stem.as_str())).count();
    #[expect(clippy::cast_precision_loss, reason = "counts of words are tiny")]
    let share = hits as f64 / wanted.len().max(1) as f64;
    share
}
