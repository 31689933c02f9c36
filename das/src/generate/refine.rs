//! Changes to a process in words, as a proposal: "add an approval before shipping", "remove the second check",
//! "the upload may fail, retry twice", "do packing and invoicing in parallel".
//!
//! They are element-level operations on any BPMN process, with the compiler and the soundness check as guards; the
//! process that was given stays as it is. What is not touched keeps its place in the drawing.

use bpmn::model::{
    Definitions, Element, FlowNode, FlowNodeKind, FormalExpression, Gateway, Process, RawElement,
    SequenceFlow, Task,
};
use bpmn::xml::namespace;

use super::Source;
use crate::error::Error;
use crate::text::similarity;
use crate::tree::{Tree, identifier, variable_name};

/// Labels at least so alike mean the same element.
const MEANT: f64 = 0.15;
/// Most repetitions that may be asked for.
const MAX_RETRIES: u32 = 100;

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
}

/// Reads an instruction and applies it to the first executable process of a file.
///
/// # Errors
/// `DAS-0005` where the instruction is not understood or names no element, `DAS-0006` where the result would not be
/// an executable process.
pub fn refine(definitions: &Definitions, instruction: &str) -> Result<Refinement, Error> {
    let unclear = |why: &str| Error::Instruction { instruction: instruction.to_owned(), why: why.to_owned() };
    let request = parse(instruction).ok_or_else(|| {
        unclear("known are: add X before/after Y, remove X, X may fail, retry N times, do X and Y in parallel, rename X to Y")
    })?;
    apply_all(definitions, &[request], instruction)
}

/// Applies requests, one after the other, to the first executable process of a file.
pub(super) fn apply_all(
    definitions: &Definitions,
    requests: &[Request],
    instruction: &str,
) -> Result<Refinement, Error> {
    let unclear = |why: &str| Error::Instruction { instruction: instruction.to_owned(), why: why.to_owned() };
    let mut changed = definitions.clone();
    let process = changed
        .processes
        .iter_mut()
        .find(|process| process.is_executable != Some(false) && !process.nodes.is_empty())
        .ok_or_else(|| unclear("the file has no process that is executed"))?;
    let mut work = Work { process, elements: Vec::new(), changes: Vec::new(), instruction };
    for request in requests {
        work.apply(request)?;
    }
    let (elements, changes) = (work.elements, work.changes);
    finish(definitions, changed, changes, elements)
}

/// Guards, draws what is missing and puts the proposal together.
pub(super) fn finish(
    before: &Definitions,
    mut changed: Definitions,
    changes: Vec<String>,
    elements: Vec<String>,
) -> Result<Refinement, Error> {
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

fn parse(instruction: &str) -> Option<Request> {
    let text = instruction.trim().trim_end_matches(['.', '!']);
    let lower = text.to_lowercase();
    if lower.len() != text.len() {
        return None;
    }
    let part = |from: usize, to: usize| {
        text.get(from..to).map(|part| part.trim().trim_matches(['"', '\'', ',']).to_owned())
    };
    if let Some(start) = starts(&lower, &["please add ", "add ", "insert ", "put "]) {
        let (at, before) = match (lower.rfind(" before "), lower.rfind(" after ")) {
            (Some(at), _) => (at, true),
            (None, Some(at)) => (at, false),
            (None, None) => return None,
        };
        let skip = if before { " before ".len() } else { " after ".len() };
        return Some(Request::Add {
            what: part(start, at)?,
            anchor: part(at + skip, text.len())?,
            before,
            user: None,
        });
    }
    if let Some(start) =
        starts(&lower, &["please remove ", "remove ", "delete ", "drop ", "skip ", "leave out "])
    {
        return Some(Request::Remove { what: part(start, text.len())? });
    }
    if let Some(start) = starts(&lower, &["rename "]) {
        let at = lower.rfind(" to ")?;
        return Some(Request::Rename { what: part(start, at)?, name: part(at + 4, text.len())? });
    }
    if let Some(at) =
        lower.find(" may fail").or_else(|| lower.find(" can fail")).or_else(|| lower.find(" might fail"))
    {
        return Some(Request::Retry { what: part(0, at)?, times: times(&lower) });
    }
    if let Some(start) = starts(&lower, &["retry ", "repeat "]) {
        let end =
            ["once", "twice", "three times", " times"].iter().filter_map(|word| lower.find(word)).min()?;
        let words = part(start, end)?;
        let what = words.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ').to_owned();
        return Some(Request::Retry { what, times: times(&lower) });
    }
    if lower.contains(" in parallel") || lower.contains(" at the same time") {
        let start =
            starts(&lower, &["please do ", "do ", "run ", "make ", "execute ", "perform "]).unwrap_or(0);
        let end = lower.find(" in parallel").or_else(|| lower.find(" at the same time"))?;
        let and = start + lower.get(start..end)?.find(" and ")?;
        return Some(Request::Parallel { one: part(start, and)?, other: part(and + 5, end)? });
    }
    None
}

fn starts(lower: &str, words: &[&str]) -> Option<usize> {
    words.iter().find(|word| lower.starts_with(*word)).map(|word| word.len())
}

fn times(lower: &str) -> u32 {
    let word = |name: &str| lower.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
    if word("twice") || word("two") {
        return 2;
    }
    if word("three") {
        return 3;
    }
    let digits: Option<u32> = lower.split(|c: char| !c.is_ascii_digit()).find_map(|part| part.parse().ok());
    digits.unwrap_or(1).clamp(1, MAX_RETRIES)
}

struct Work<'a> {
    process: &'a mut Process,
    elements: Vec<String>,
    changes: Vec<String>,
    instruction: &'a str,
}

impl Work<'_> {
    fn apply(&mut self, request: &Request) -> Result<(), Error> {
        match request {
            Request::Add { what, anchor, before, user } => self.add(what, anchor, *before, *user),
            Request::Remove { what } => self.remove(what),
            Request::Retry { what, times } => self.retry(what, *times),
            Request::Parallel { one, other } => self.parallel(one, other),
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
        let name = if approval && !words.to_lowercase().starts_with("approve") {
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
        let next: Vec<String> = self
            .process
            .flows
            .iter()
            .filter(|flow| flow.source == id)
            .map(|flow| flow.target.clone())
            .collect();
        let attached = self.process.nodes.iter().any(|node| node.attached_to() == Some(id.as_str()));
        let inside = self.process.nodes.iter().any(|node| node.parent.as_deref() == Some(id.as_str()));
        let entered = self.process.flows.iter().any(|flow| flow.target == id);
        let [target] = next.as_slice() else {
            return Err(
                self.unclear(format!("'{label}' does not have exactly one way out; remove it in the editor"))
            );
        };
        if attached || inside || !entered {
            return Err(
                self.unclear(format!("'{label}' has events or steps of its own; remove it in the editor"))
            );
        }
        self.process.flows.retain(|flow| flow.source != id);
        for flow in self.process.flows.iter_mut().filter(|flow| flow.target == id) {
            flow.target.clone_from(target);
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
        if first == second || !follows(self, &first, &second) {
            return Err(self.unclear("the two steps do not follow each other directly".to_owned()));
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
