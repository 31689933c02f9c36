//! Links, reviews, undo, baselines, branches.

use std::collections::BTreeMap;

use async_graphql::{Context, InputObject, Object};
use ontology::model::{self, Node};

use super::target::Target;
use super::{SHAPES_LIMIT_BYTES, TEXT_LIMIT_BYTES, bounded};
use crate::error::Result;
use crate::nodes::{Baseline, Branch, ChangeSet, MergeChoiceInput, System, TraceLink};

/// Links that one review may clear.
const REVIEWS_LIMIT: usize = 10_000;

/// A link to add.
#[derive(InputObject)]
pub(crate) struct LinkInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// `allocated_to`, `satisfied_by`, `refines`, `performs`, `realised_by`, `verified_by`, `conflicts_with`,
    /// `constrained_by`, or `relates_to` (a relation of another tool).
    kind: String,
    /// Id of the node it starts at.
    source: String,
    /// Id of the node it ends at.
    target: String,
    /// Why, in words.
    rationale: Option<String>,
    /// The version of the system as you read it: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// A link to remove.
#[derive(InputObject)]
pub(crate) struct UnlinkInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Id of the link.
    id: String,
    /// The version you read: where it has another by now, nothing is removed.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// Links that were looked into.
#[derive(InputObject)]
pub(crate) struct ReviewLinksInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Ids of the links that still hold.
    links: Vec<String>,
    /// What was found, in words.
    note: Option<String>,
    /// The version of the system as you read it: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// Shapes to hold a system to.
#[derive(InputObject)]
pub(crate) struct HoldToShapesInput {
    /// The system.
    system: String,
    /// The branch; the system itself without one.
    branch: Option<String>,
    /// SHACL Core shapes in Turtle, in place of those it was held to; an empty text: none but our own.
    shapes: String,
    /// The version of the system as you read it: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// A change set to take back.
#[derive(InputObject)]
pub(crate) struct UndoChangeInput {
    /// The system.
    system: String,
    /// The branch it was made on; the system itself without one.
    branch: Option<String>,
    /// Number of the change set.
    number: i64,
    /// The version of the system as you read it: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// A state to name.
#[derive(InputObject)]
pub(crate) struct CreateBaselineInput {
    /// The system.
    system: String,
    /// The branch; the system itself without one.
    branch: Option<String>,
    /// The name, which no baseline of the system has yet.
    name: String,
    /// What it is for, in words.
    message: Option<String>,
    /// The version of the system as you read it: where it has another by now, it gets no name.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// A branch to begin.
#[derive(InputObject)]
pub(crate) struct CreateBranchInput {
    /// The system, as it is now.
    system: String,
    /// The name, which no branch of the system has yet.
    name: String,
    /// The version of the system as you read it: where it has another by now, none begins.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// A branch to bring into its system.
#[derive(InputObject)]
pub(crate) struct MergeBranchInput {
    /// The system.
    system: String,
    /// The branch.
    name: String,
    /// What to do with nodes that both sides changed; without it they are conflicts and nothing is written.
    choices: Option<Vec<MergeChoiceInput>>,
    /// The version of the branch as you read it: where it has another by now, nothing is merged.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

#[derive(Default)]
pub(crate) struct Lines;

#[Object(name = "LinesMutation")]
impl Lines {
    /// Links two nodes of a system.
    async fn link(&self, ctx: &Context<'_>, input: LinkInput) -> Result<TraceLink> {
        bounded("rationale", input.rationale.as_deref().unwrap_or_default(), TEXT_LIMIT_BYTES)?;
        let id = format!("{}:{}:{}", input.kind, input.source, input.target);
        let message = format!("link {id} added");
        let link = model::TraceLink {
            id,
            kind: input.kind,
            source: input.source,
            target: input.target,
            rationale: input.rationale,
            origin: model::Origin { rule: "by hand".to_owned(), confidence: 1.0, ..model::Origin::default() },
        };
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        target.if_head(input.if_match).add(Node::Link(link)).await
    }

    /// Removes a link.
    async fn unlink(&self, ctx: &Context<'_>, input: UnlinkInput) -> Result<ChangeSet> {
        let message = format!("link {} removed", input.id);
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        target.if_match(&input.id, input.if_match).remove("link", &input.id).await
    }

    /// Says that links which became suspect were looked into and still hold: they are suspect no more, until an
    /// end of them changes again.
    async fn review_links(&self, ctx: &Context<'_>, input: ReviewLinksInput) -> Result<ChangeSet> {
        bounded("note", input.note.as_deref().unwrap_or_default(), TEXT_LIMIT_BYTES)?;
        if input.links.is_empty() || input.links.len() > REVIEWS_LIMIT {
            let problem = format!("{} links are not in 1..={REVIEWS_LIMIT}", input.links.len());
            return Err(crate::Error::Argument { argument: "links", problem }.into());
        }
        let message = format!("{} links reviewed", input.links.len());
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let target = target.if_head(input.if_match);
        let reviews: Vec<model::Review> =
            input.links.into_iter().map(|link| model::Review { link, note: input.note.clone() }).collect();
        let number = target.ontology().review(&target.edit, &reviews).await?;
        target.change(number).await
    }

    /// Holds a system to shapes from now on: a change that adds a violation of them is refused. What does not fit
    /// already stays, and `checkShapes` names it.
    async fn hold_to_shapes(&self, ctx: &Context<'_>, input: HoldToShapesInput) -> Result<System> {
        bounded("shapes", &input.shapes, SHAPES_LIMIT_BYTES)?;
        let message = "the shapes it is held to".to_owned();
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let target = target.if_head(input.if_match);
        target.ontology().hold_to(&target.edit, &input.shapes).await?;
        Ok(System(target.ontology().snapshot(&target.edit.system)?))
    }

    /// Takes back a change set. It stays in the history, and taking it back can be taken back. What was changed
    /// again since is named, and then nothing is written.
    async fn undo_change(&self, ctx: &Context<'_>, input: UndoChangeInput) -> Result<ChangeSet> {
        let message = format!("change set {} taken back", input.number);
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let target = target.if_head(input.if_match);
        let number = target.ontology().undo(&target.edit, input.number).await?;
        target.change(number).await
    }

    /// Names the state a system is in, signed by the hash of its content.
    async fn create_baseline(&self, ctx: &Context<'_>, input: CreateBaselineInput) -> Result<Baseline> {
        let message = input.message.unwrap_or_else(|| format!("baseline {}", input.name));
        bounded("message", &message, TEXT_LIMIT_BYTES)?;
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let target = target.if_head(input.if_match);
        let made = target.ontology().set_baseline(&target.edit, &input.name).await?;
        Ok(Baseline::new(&target.edit.system, &made))
    }

    /// Begins a branch: a line of change sets of its own, from the state the system is in.
    async fn create_branch(&self, ctx: &Context<'_>, input: CreateBranchInput) -> Result<Branch> {
        let message = format!("branch {} begun", input.name);
        let target = Target::new(ctx, input.system, None, input.client_mutation_id, message)?;
        let target = target.if_head(input.if_match);
        let line = target.ontology().branch(&target.edit, &input.name).await?;
        let fork = target.ontology().snapshot(&line)?.fork.clone().unwrap_or_default();
        Ok(Branch::new(target.ontology(), &fork))
    }

    /// Brings a branch into its system. Nodes that both changed are named as conflicts, and then nothing is
    /// written; `choices` decides them.
    async fn merge_branch(&self, ctx: &Context<'_>, input: MergeBranchInput) -> Result<ChangeSet> {
        let message = format!("branch {} merged", input.name);
        let target = Target::new(ctx, input.system, None, input.client_mutation_id, message)?;
        let target = target.if_head(input.if_match);
        let choices: BTreeMap<String, ontology::MergeChoice> =
            input.choices.into_iter().flatten().map(|choice| (choice.id, choice.take.into())).collect();
        let number = target.ontology().merge(&target.edit, &input.name, &choices).await?;
        target.change(number).await
    }
}
