//! Changing a system by hand: requirements and links, each a change set of its own.

use async_graphql::{Context, InputObject, Object};
use das::bootstrap::ears;
use ontology::model::{self, ChangeSet, Node};

use super::{TEXT_LIMIT_BYTES, actor, bounded};
use crate::error::Result;
use crate::nodes::{FromNode, Requirement, TraceLink};
use crate::query::snapshot;
use crate::{Error, State};

/// Longest id of a node.
const ID_LIMIT_BYTES: usize = 200;

/// A requirement to add.
#[derive(InputObject)]
pub(crate) struct CreateRequirementInput {
    /// The system.
    system: String,
    /// Its id, which no node of the system has yet.
    id: String,
    /// Its text.
    text: String,
}

/// A link to add.
#[derive(InputObject)]
pub(crate) struct LinkInput {
    /// The system.
    system: String,
    /// `allocated_to`, `satisfied_by`, `refines`, `performs`, `realised_by`, `verified_by`, `conflicts_with` or
    /// `constrained_by`.
    kind: String,
    /// Id of the node it starts at.
    source: String,
    /// Id of the node it ends at.
    target: String,
    /// Why, in words.
    rationale: Option<String>,
}

#[derive(Default)]
pub(crate) struct Knowledge;

/// Puts a node into a system in a change set of its own and shows it as it is then.
async fn put<T: FromNode>(ctx: &Context<'_>, system: &str, node: Node, message: String) -> Result<T> {
    let state = ctx.data::<State>()?;
    let before = snapshot(ctx, system)?;
    let id = node.id().to_owned();
    if before.node(&id).is_some() {
        return Err(Error::Conflict(format!("system {system} has a node {id} already")).into());
    }
    let change = ChangeSet {
        system: system.to_owned(),
        author: actor(ctx),
        message,
        at_ms: state.clock.now_ms(),
        put: vec![node],
        ..ChangeSet::default()
    };
    state.ontology.commit(change, before.head).await?;
    let after = snapshot(ctx, system)?;
    let shown = after.node(&id).and_then(|node| T::from_node(&after, node));
    Ok(shown.ok_or(Error::NotFound { what: "node", id })?)
}

#[Object(name = "KnowledgeMutation")]
impl Knowledge {
    /// Adds a requirement to a system.
    async fn create_requirement(
        &self,
        ctx: &Context<'_>,
        input: CreateRequirementInput,
    ) -> Result<Requirement> {
        let id = input.id.trim().to_owned();
        bounded("id", &id, ID_LIMIT_BYTES)?;
        bounded("text", &input.text, TEXT_LIMIT_BYTES)?;
        for (argument, value) in [("id", id.as_str()), ("text", input.text.trim())] {
            if value.is_empty() {
                return Err(Error::Argument { argument, problem: "it is empty".to_owned() }.into());
            }
        }
        let parsed = ears::parse(&input.text);
        let requirement = model::Requirement {
            id: id.clone(),
            text: input.text,
            pattern: parsed.pattern.to_owned(),
            subject: parsed.subject,
            condition: parsed.condition,
            response: parsed.response,
            quantities: parsed.quantities,
            findings: parsed.findings,
            unallocated_reason: Some("added by hand and not linked to a component yet".to_owned()),
            ..model::Requirement::default()
        };
        let message = format!("requirement {id} added");
        put(ctx, &input.system, Node::Requirement(requirement), message).await
    }

    /// Links two nodes of a system.
    async fn link(&self, ctx: &Context<'_>, input: LinkInput) -> Result<TraceLink> {
        bounded("rationale", input.rationale.as_deref().unwrap_or_default(), TEXT_LIMIT_BYTES)?;
        let id = format!("{}:{}:{}", input.kind, input.source, input.target);
        let link = model::TraceLink {
            id: id.clone(),
            kind: input.kind,
            source: input.source,
            target: input.target,
            rationale: input.rationale,
            origin: model::Origin { rule: "by hand".to_owned(), confidence: 1.0, ..model::Origin::default() },
        };
        put(ctx, &input.system, Node::Link(link), format!("link {id} added")).await
    }
}
