//! The process tree: the small typed form in which processes are written before they become BPMN.
//!
//! Leaves are activities and events; blocks are sequence, choice, loop and partial order. A tree that passes
//! [`Tree::type_check`] compiles to a sound process, because every block has one way in and one way out (or ends).
//! The offline reader, a language model (through the flat [`table`]) and the bootstrap all write this form.

mod check;
mod compile;
mod edit;
mod exchange;
mod graph;
mod identify;
pub mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bpmn::program::TaskSpec;
use serde::{Deserialize, Serialize};

pub use check::{Fault, MAX_DEPTH, MAX_NODES};
pub use compile::compile;
pub use edit::{Edit, Place, Wrap};
pub use identify::{identifier, variable_name};

/// A whole process.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// What is done.
    pub root: Node,
    /// Label of the start event.
    pub start_label: Option<String>,
    /// Label of the end event.
    pub end_label: Option<String>,
    /// What the process is for.
    pub documentation: Option<String>,
    /// Attributes of the process element that parts above read (written as `zeebe:property`).
    pub properties: BTreeMap<String, String>,
}

/// One node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Something that is done.
    Activity(Box<Activity>),
    /// Something that is waited for, sent, or that ends the process.
    Event(Box<Event>),
    /// One after the other; empty does nothing.
    Sequence(Sequence),
    /// Exactly one of the branches.
    Choice(Choice),
    /// The body, and while the condition holds the redo part and the body again.
    Loop(Box<Loop>),
    /// All of the children, each after those that are ordered before it.
    Partial(Partial),
}

/// What an activity becomes in BPMN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A service task: executed by a TDE.
    #[default]
    Service,
    /// A manual task: a person does it, the process passes through.
    Manual,
    /// A user task: the process waits for a person.
    User,
    /// A script task: a FEEL expression evaluated by the engine.
    Script,
    /// A call activity: another process, named by `spec.reference`.
    Call,
}

/// Where something was said, in bytes of the source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Something that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Its id: letters, digits and underscores; filled in from the label where empty.
    pub id: String,
    /// What a person reads: verb and object.
    pub label: String,
    /// Who does it; a lane where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What it becomes.
    #[serde(default)]
    pub kind: TaskKind,
    /// How it is executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<TaskSpec>,
    /// For a script task: the FEEL expression (with or without `=`) and the variable that takes its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<(String, String)>,
    /// Input mappings: (variable of the task, FEEL source).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<(String, String)>,
    /// Output mappings: (variable of the process, FEEL source).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<(String, String)>,
    /// The things it handles, as named in the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<String>,
    /// Those of them that come out of it: a data object is drawn where another step handles them too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub makes: Vec<String>,
    /// Somebody outside who gets a message from it or sends one to it; a pool of its own where nobody of that name acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<Partner>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation: Option<String>,
    /// True where nobody said it: an archetype or a rule supplied it.
    #[serde(default)]
    pub assumed: bool,
    /// How sure its author is, in 0..=1.
    #[serde(default = "certain")]
    pub confidence: f64,
    /// Where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

/// Somebody outside the process with whom a step exchanges a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partner {
    /// Who, as a pool is named.
    pub name: String,
    /// True where the step sends, false where it receives.
    pub sends: bool,
    /// What passes between them; empty where nothing is named.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

fn certain() -> f64 {
    1.0
}

impl Activity {
    /// An activity with this label, executed as a service task.
    #[must_use]
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            id: String::new(),
            label: label.into(),
            actor: None,
            kind: TaskKind::Service,
            spec: None,
            script: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
            data: Vec::new(),
            makes: Vec::new(),
            partner: None,
            documentation: None,
            assumed: false,
            confidence: 1.0,
            span: None,
        }
    }

    /// With this id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Done by this actor.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// As this kind of task.
    #[must_use]
    pub fn kind(mut self, kind: TaskKind) -> Self {
        self.kind = kind;
        self
    }

    /// Executed as the specification says.
    #[must_use]
    pub fn spec(mut self, spec: TaskSpec) -> Self {
        self.spec = Some(spec);
        self
    }

    /// As a script task: evaluates `expression` into `result`.
    #[must_use]
    pub fn script(mut self, expression: impl Into<String>, result: impl Into<String>) -> Self {
        self.kind = TaskKind::Script;
        self.script = Some((expression.into(), result.into()));
        self
    }

    /// Takes `source` (FEEL) as its variable `target`.
    #[must_use]
    pub fn input(mut self, target: impl Into<String>, source: impl Into<String>) -> Self {
        self.inputs.push((target.into(), source.into()));
        self
    }

    /// Hands `source` (FEEL over the task's own variables) up as the variable `target`.
    #[must_use]
    pub fn output(mut self, target: impl Into<String>, source: impl Into<String>) -> Self {
        self.outputs.push((target.into(), source.into()));
        self
    }

    /// With this documentation.
    #[must_use]
    pub fn documentation(mut self, text: impl Into<String>) -> Self {
        self.documentation = Some(text.into());
        self
    }

    /// Marked as assumed, with this confidence.
    #[must_use]
    pub fn assumed(mut self, confidence: f64) -> Self {
        self.assumed = true;
        self.confidence = confidence.clamp(0.0, 1.0);
        self
    }

    /// Said here.
    #[must_use]
    pub fn span(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }
}

impl From<Activity> for Node {
    fn from(activity: Activity) -> Self {
        Self::Activity(Box::new(activity))
    }
}

/// Something that is waited for, sent, or that ends the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// What a person reads.
    pub label: String,
    /// What it waits for or does.
    pub kind: EventKind,
    /// Who waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// True where nobody said it.
    #[serde(default)]
    pub assumed: bool,
    /// How sure its author is, in 0..=1.
    #[serde(default = "certain")]
    pub confidence: f64,
    /// Where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

/// What an event waits for or does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Waits so long: an ISO 8601 duration.
    Timer(String),
    /// Waits for a message of this name.
    Message(String),
    /// Ends the whole process here.
    End,
    /// Ends the process with an error of this code.
    Error(String),
}

impl Event {
    /// An event with this label.
    #[must_use]
    pub fn new(label: impl Into<String>, kind: EventKind) -> Self {
        Self {
            id: String::new(),
            label: label.into(),
            kind,
            actor: None,
            assumed: false,
            confidence: 1.0,
            span: None,
        }
    }

    /// Whether nothing can follow it.
    #[must_use]
    pub fn ends(&self) -> bool {
        matches!(self.kind, EventKind::End | EventKind::Error(_))
    }
}

impl From<Event> for Node {
    fn from(event: Event) -> Self {
        Self::Event(Box::new(event))
    }
}

/// One after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// Its id.
    pub id: String,
    /// The steps.
    pub children: Vec<Node>,
}

/// Exactly one of the branches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Its id.
    pub id: String,
    /// The question, shown at the gateway.
    pub label: Option<String>,
    /// The branches; exactly one of them without condition: the default.
    pub branches: Vec<Branch>,
    /// What happens first decides (workflow pattern 16): every branch begins with a timer or a message, none has a
    /// condition, and an event-based gateway waits for all of them.
    pub deferred: bool,
}

/// A branch of a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// What a person reads on the flow.
    pub label: Option<String>,
    /// FEEL over the process variables, with or without `=`; `None` makes it the default.
    pub condition: Option<String>,
    /// What is done; an empty sequence skips.
    pub body: Node,
}

impl Branch {
    /// Taken when the condition holds.
    #[must_use]
    pub fn when(label: impl Into<String>, condition: impl Into<String>, body: impl Into<Node>) -> Self {
        Self { label: Some(label.into()), condition: Some(condition.into()), body: body.into() }
    }

    /// Taken when no other branch is.
    #[must_use]
    pub fn otherwise(label: impl Into<String>, body: impl Into<Node>) -> Self {
        let label = label.into();
        Self { label: (!label.is_empty()).then_some(label), condition: None, body: body.into() }
    }
}

/// The body, then while the condition holds the redo part and the body again.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// Its id.
    pub id: String,
    /// The question, shown at the gateway.
    pub label: Option<String>,
    /// FEEL: repeats while it holds, so that an unset variable leaves the loop.
    pub condition: String,
    /// What a person reads on the flow back.
    pub again_label: Option<String>,
    /// What is done at least once.
    pub body: Node,
    /// What is done before each repetition; may be empty.
    pub redo: Node,
}

/// All of the children, each after those that are ordered before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partial {
    /// Its id.
    pub id: String,
    /// The children.
    pub children: Vec<Node>,
    /// (before, after) as places in `children`; none means all in parallel.
    pub order: Vec<(usize, usize)>,
}

impl Node {
    /// Does nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::Sequence(Sequence::default())
    }

    /// One after the other.
    #[must_use]
    pub fn sequence(children: Vec<Self>) -> Self {
        Self::Sequence(Sequence { id: String::new(), children })
    }

    /// Exactly one of the branches.
    #[must_use]
    pub fn choice(label: impl Into<String>, branches: Vec<Branch>) -> Self {
        let label = label.into();
        Self::Choice(Choice { label: (!label.is_empty()).then_some(label), branches, ..Choice::default() })
    }

    /// All at once.
    #[must_use]
    pub fn parallel(children: Vec<Self>) -> Self {
        Self::Partial(Partial { id: String::new(), children, order: Vec::new() })
    }

    /// All, each after those ordered before it.
    #[must_use]
    pub fn partial(children: Vec<Self>, order: Vec<(usize, usize)>) -> Self {
        Self::Partial(Partial { id: String::new(), children, order })
    }

    /// The body, and again while the condition holds.
    #[must_use]
    pub fn repeat(label: impl Into<String>, condition: impl Into<String>, body: Self, redo: Self) -> Self {
        let label = label.into();
        Self::Loop(Box::new(Loop {
            id: String::new(),
            label: (!label.is_empty()).then_some(label),
            condition: condition.into(),
            again_label: None,
            body,
            redo,
        }))
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Activity(activity) => &activity.id,
            Self::Event(event) => &event.id,
            Self::Sequence(sequence) => &sequence.id,
            Self::Choice(choice) => &choice.id,
            Self::Loop(repeat) => &repeat.id,
            Self::Partial(partial) => &partial.id,
        }
    }

    pub(crate) fn id_mut(&mut self) -> &mut String {
        match self {
            Self::Activity(activity) => &mut activity.id,
            Self::Event(event) => &mut event.id,
            Self::Sequence(sequence) => &mut sequence.id,
            Self::Choice(choice) => &mut choice.id,
            Self::Loop(repeat) => &mut repeat.id,
            Self::Partial(partial) => &mut partial.id,
        }
    }

    /// Its children in reading order; for a loop the body, then the redo part.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Activity(_) | Self::Event(_) => Vec::new(),
            Self::Sequence(sequence) => sequence.children.iter().collect(),
            Self::Choice(choice) => choice.branches.iter().map(|branch| &branch.body).collect(),
            Self::Loop(repeat) => vec![&repeat.body, &repeat.redo],
            Self::Partial(partial) => partial.children.iter().collect(),
        }
    }

    pub(crate) fn children_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Activity(_) | Self::Event(_) => Vec::new(),
            Self::Sequence(sequence) => sequence.children.iter_mut().collect(),
            Self::Choice(choice) => choice.branches.iter_mut().map(|branch| &mut branch.body).collect(),
            Self::Loop(repeat) => vec![&mut repeat.body, &mut repeat.redo],
            Self::Partial(partial) => partial.children.iter_mut().collect(),
        }
    }

    /// Whether it contains no leaf at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let mut open = vec![self];
        while let Some(node) = open.pop() {
            match node {
                Self::Activity(_) | Self::Event(_) => return false,
                other => open.extend(other.children()),
            }
        }
        true
    }
}

impl Tree {
    /// A tree with this root; ids are filled in where they are missing.
    #[must_use]
    pub fn new(root: Node) -> Self {
        let mut tree = Self {
            root,
            start_label: None,
            end_label: None,
            documentation: None,
            properties: BTreeMap::new(),
        };
        tree.assign_ids();
        tree
    }

    /// With this documentation.
    #[must_use]
    pub fn documentation(mut self, text: impl Into<String>) -> Self {
        self.documentation = Some(text.into());
        self
    }

    /// All nodes, parents before children, in reading order.
    #[must_use]
    pub fn nodes(&self) -> Vec<&Node> {
        let mut found = Vec::new();
        let mut open = vec![&self.root];
        while let Some(node) = open.pop() {
            found.push(node);
            let mut children = node.children();
            children.reverse();
            open.extend(children);
        }
        found
    }

    /// All activities in reading order.
    #[must_use]
    pub fn activities(&self) -> Vec<&Activity> {
        self.nodes()
            .into_iter()
            .filter_map(|node| match node {
                Node::Activity(activity) => Some(activity.as_ref()),
                _ => None,
            })
            .collect()
    }

    /// Every activity, to be changed in place.
    pub fn for_each_activity(&mut self, mut change: impl FnMut(&mut Activity)) {
        let mut open = vec![&mut self.root];
        while let Some(node) = open.pop() {
            if let Node::Activity(activity) = node {
                change(activity);
            } else {
                let mut children = node.children_mut();
                children.reverse();
                open.extend(children);
            }
        }
    }

    /// The different actors, in the order in which they first appear.
    #[must_use]
    pub fn actors(&self) -> Vec<String> {
        let mut actors: Vec<String> = Vec::new();
        for node in self.nodes() {
            let actor = match node {
                Node::Activity(activity) => activity.actor.as_ref(),
                Node::Event(event) => event.actor.as_ref(),
                _ => None,
            };
            if let Some(actor) = actor
                && !actors.contains(actor)
            {
                actors.push(actor.clone());
            }
        }
        actors
    }
}
