//! What happened to a system: change sets, what differs between two states, baselines and branches.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, InputObject, OneofObject, SimpleObject};
use ontology::history::{self, Alteration};
use ontology::{Moment, model};

use crate::State;
use crate::error::Result;
use crate::scalar::Timestamp;

/// Nodes and links that one answer about differences names.
const DIFFERENCES_LIMIT: usize = 2_000;

/// A point in the life of a system: give exactly one.
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum MomentInput {
    /// After the change set of this number.
    Version(i64),
    /// At this time.
    Time(Timestamp),
    /// As the baseline of this name holds it.
    Baseline(String),
}

impl From<MomentInput> for Moment {
    fn from(moment: MomentInput) -> Self {
        match moment {
            MomentInput::Version(number) => Self::Version(number),
            MomentInput::Time(at) => Self::Time(at.0),
            MomentInput::Baseline(name) => Self::Baseline(name),
        }
    }
}

/// What happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Alteration")]
pub(crate) enum AlterationKind {
    /// It is new.
    Added,
    /// It says something else.
    Changed,
    /// It is gone.
    Removed,
}

/// A field of a node with its value on both sides.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct FieldChange {
    /// Name of the field.
    field: String,
    /// Its value before: a text as it is, anything else as JSON; null where there was none.
    before: Option<String>,
    /// Its value after.
    after: Option<String>,
}

/// A node or link that differs between two states.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct NodeChange {
    /// Its id within the system.
    id: String,
    /// `requirement`, `component`, … or `link`.
    kind: &'static str,
    /// What happened.
    alteration: AlterationKind,
    /// The name or text a person knows it by; for a link what it joins.
    label: String,
    /// The fields that differ; none for a node that is new or gone.
    fields: Vec<FieldChange>,
}

/// What differs between two states of a system, in natural order of ids.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Difference {
    /// Change set of the earlier state.
    from: i64,
    /// Change set of the later state.
    to: i64,
    /// How many nodes and links differ; at most 2,000 of each are named.
    count: usize,
    /// Requirements, components, functions, processes, interfaces and constraints that differ.
    nodes: Vec<NodeChange>,
    /// Trace links that differ.
    links: Vec<NodeChange>,
}

impl Difference {
    pub(crate) fn new(from: i64, to: i64, found: &ontology::Difference) -> Self {
        let shown = |list: &[history::NodeChange]| {
            list.iter().filter_map(NodeChange::new).take(DIFFERENCES_LIMIT).collect()
        };
        Self { from, to, count: found.len(), nodes: shown(&found.nodes), links: shown(&found.links) }
    }
}

impl NodeChange {
    fn new(change: &history::NodeChange) -> Option<Self> {
        let node = change.node()?;
        let fields = change.fields.iter().map(|field| FieldChange {
            field: field.field.clone(),
            before: field.before.clone(),
            after: field.after.clone(),
        });
        Some(Self {
            id: node.id().to_owned(),
            kind: node.kind(),
            alteration: change.alteration.into(),
            label: label(node),
            fields: fields.collect(),
        })
    }
}

/// The name or text a person knows a node by.
fn label(node: &model::Node) -> String {
    match node {
        model::Node::Requirement(requirement) => requirement.text.clone(),
        model::Node::Component(component) => component.name.clone(),
        model::Node::Function(function) => function.name.clone(),
        model::Node::Process(process) => process.name.clone(),
        model::Node::Interface(interface) => interface.name.clone(),
        model::Node::Constraint(constraint) => constraint.name.clone(),
        model::Node::Link(link) => format!("{} {} {}", link.source, link.kind.replace('_', " "), link.target),
    }
}

/// A change to a system: who made it, when and why.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct ChangeSet {
    /// Its number: the version of the system after it.
    number: i64,
    /// Name of the system, or `system@branch`.
    system: String,
    /// Who made it.
    author: String,
    /// Why, in words.
    message: String,
    /// When it was made.
    made_at: Timestamp,
    /// How many nodes and links it put.
    put_count: usize,
    /// How many it removed.
    removed_count: usize,
    /// Links that it reviewed.
    reviewed: Vec<String>,
    /// The baseline it names, where it names one.
    baseline: Option<String>,
}

impl From<model::ChangeSet> for ChangeSet {
    fn from(change: model::ChangeSet) -> Self {
        Self {
            number: change.number,
            author: change.author,
            message: change.message,
            made_at: Timestamp(change.at_ms),
            put_count: change.put.len(),
            removed_count: change.remove.len(),
            reviewed: change.review.into_iter().map(|review| review.link).collect(),
            baseline: change.baseline.map(|baseline| baseline.name),
            system: change.system,
        }
    }
}

#[ComplexObject]
impl ChangeSet {
    /// What it changed, node by node.
    async fn changes(&self, ctx: &Context<'_>) -> Result<Difference> {
        let found = ctx.data::<State>()?.ontology.changes(&self.system, self.number).await?;
        Ok(Difference::new(self.number - 1, self.number, &found))
    }
}

/// A named state of a system.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Baseline {
    /// Its name.
    name: String,
    /// Number of the newest change set it holds.
    version: i64,
    /// SHA-256 over its nodes and links in order of their ids, each as a line of JSON.
    hash: String,
    #[graphql(skip)]
    system: String,
}

impl Baseline {
    pub(crate) fn new(system: &str, baseline: &model::Baseline) -> Self {
        Self {
            name: baseline.name.clone(),
            version: baseline.version,
            hash: baseline.hash.clone(),
            system: system.to_owned(),
        }
    }
}

#[ComplexObject]
impl Baseline {
    /// Whether the change sets still fold to what the hash says.
    async fn intact(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(ctx.data::<State>()?.ontology.is_intact(&self.system, &self.name).await?)
    }
}

/// A line of change sets beside a system's own.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Branch {
    /// Its name.
    name: String,
    /// Change set of the system that it holds everything up to.
    from: i64,
    /// Number of its newest change set.
    head: i64,
}

impl Branch {
    pub(crate) fn new(state: &Arc<ontology::Ontology>, fork: &model::Fork) -> Self {
        let line = ontology::branch_line(&fork.system, &fork.branch);
        let head = state.snapshot(&line).map_or(fork.version, |line| line.head);
        Self { name: fork.branch.clone(), from: fork.version, head }
    }
}

/// Which side a merge takes where both changed a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "ontology::MergeChoice")]
pub(crate) enum MergeSide {
    /// What the system says.
    Ours,
    /// What the branch says.
    Theirs,
}

/// What to do with a node that both sides changed.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct MergeChoiceInput {
    /// Id of the node.
    pub(crate) id: String,
    /// The side that is taken.
    pub(crate) take: MergeSide,
}
