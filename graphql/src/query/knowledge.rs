//! Questions about engineered systems.

use std::sync::Arc;

use async_graphql::{Context, Object};
use ontology::SystemIndex;
use ontology::iri::{Named, parse};

use crate::connection::{Connection, Page};
use crate::error::Result;
use crate::limits::page_cost;
use crate::nodes::{
    Component, Coverage, Function, MomentInput, Node, Process, Requirement, System, Trace, page_of,
};
use crate::scalar::Iri;
use crate::{Error, State};

/// The line of a system, or of a branch of it.
pub(crate) fn line(system: String, branch: Option<String>) -> String {
    branch.map_or_else(|| system.clone(), |branch| ontology::branch_line(&system, &branch))
}

/// A system or a branch of it, as it is or as it was.
pub(super) async fn reading(
    ctx: &Context<'_>,
    system: String,
    branch: Option<String>,
    as_of: Option<MomentInput>,
) -> Result<Arc<SystemIndex>> {
    let ontology = &ctx.data::<State>()?.ontology;
    let line = line(system, branch);
    match as_of {
        Some(moment) => Ok(ontology.as_of(&line, &moment.into()).await?),
        None => Ok(ontology.snapshot(&line)?),
    }
}

fn missing(id: &str) -> Error {
    Error::NotFound { what: "node", id: id.to_owned() }
}

#[derive(Default)]
pub(crate) struct Knowledge;

#[Object(name = "KnowledgeQuery")]
impl Knowledge {
    /// One engineered system by its name.
    async fn system(
        &self,
        ctx: &Context<'_>,
        name: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
    ) -> Result<Option<System>> {
        match reading(ctx, name, branch, as_of.clone()).await {
            Ok(system) => Ok(Some(System(system))),
            Err(refusal) if as_of.is_none() && refusal.is_absence() => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// All engineered systems, by name.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn systems(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<System>> {
        let page = Page::new(first, after)?;
        let ontology = &ctx.data::<State>()?.ontology;
        let all = ontology.systems();
        let total = all.len();
        let later =
            all.into_iter().filter(|summary| page.after.as_ref().is_none_or(|name| summary.name > *name));
        let mut items = Vec::new();
        for summary in later.take(page.first.saturating_add(1)) {
            items.push((summary.name.clone(), System(ontology.snapshot(&summary.name)?)));
        }
        Ok(page.of_page(items, total))
    }

    /// Requirements of a system, in natural order of their ids.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn requirements(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Requirement>> {
        Ok(page_of(&reading(ctx, system, branch, as_of).await?, &Page::new(first, after)?))
    }

    /// Components of a system, in natural order of their ids.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn components(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Component>> {
        Ok(page_of(&reading(ctx, system, branch, as_of).await?, &Page::new(first, after)?))
    }

    /// Processes of a system.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn processes(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Process>> {
        Ok(page_of(&reading(ctx, system, branch, as_of).await?, &Page::new(first, after)?))
    }

    /// Functions of a system.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn functions(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Function>> {
        Ok(page_of(&reading(ctx, system, branch, as_of).await?, &Page::new(first, after)?))
    }

    /// Any node of any system by its IRI.
    async fn node(&self, ctx: &Context<'_>, id: Iri) -> Result<Option<Node>> {
        let Some(Named::Node { system, kind, id }) = parse(&id.0) else { return Ok(None) };
        let Ok(system) = ctx.data::<State>()?.ontology.snapshot(&system) else { return Ok(None) };
        let found = system.node(&id).filter(|node| node.kind() == kind);
        Ok(found.and_then(|node| Node::from_node(&system, node)))
    }

    /// Everything connected with a node by trace, in both directions.
    async fn trace(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        id: String,
    ) -> Result<Trace> {
        let system = reading(ctx, system, branch, as_of).await?;
        let found = ontology::trace::trace(&system, &id).ok_or_else(|| missing(&id))?;
        Ok(Trace::new(&system, &found))
    }

    /// Computed coverage of a system.
    async fn coverage(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
    ) -> Result<Coverage> {
        Ok(Coverage::of(&reading(ctx, system, branch, as_of).await?))
    }

    /// Everything a change of a node can reach.
    async fn impact(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        id: String,
    ) -> Result<Vec<Node>> {
        let system = reading(ctx, system, branch, as_of).await?;
        let ids = ontology::trace::impact(&system, &id).ok_or_else(|| missing(&id))?;
        let nodes = ids.iter().filter_map(|id| system.node(id));
        Ok(nodes.filter_map(|node| Node::from_node(&system, node)).collect())
    }
}
