//! Questions about engineered systems.

use std::sync::Arc;

use async_graphql::{Context, Object};
use ontology::SystemIndex;
use ontology::iri::{Named, parse};

use crate::connection::{Connection, Page};
use crate::error::Result;
use crate::limits::page_cost;
use crate::nodes::{Component, Coverage, Function, Node, Process, Requirement, System, Trace, page_of};
use crate::scalar::Iri;
use crate::{Error, State};

/// The newest state of a system.
pub(crate) fn snapshot(ctx: &Context<'_>, system: &str) -> Result<Arc<SystemIndex>> {
    Ok(ctx.data::<State>()?.ontology.snapshot(system)?)
}

fn missing(id: &str) -> Error {
    Error::NotFound { what: "node", id: id.to_owned() }
}

#[derive(Default)]
pub(crate) struct Knowledge;

#[Object(name = "KnowledgeQuery")]
impl Knowledge {
    /// One engineered system by its name.
    async fn system(&self, ctx: &Context<'_>, name: String) -> Result<Option<System>> {
        Ok(ctx.data::<State>()?.ontology.snapshot(&name).ok().map(System))
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
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Requirement>> {
        Ok(page_of(&snapshot(ctx, &system)?, &Page::new(first, after)?))
    }

    /// Components of a system, in natural order of their ids.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn components(
        &self,
        ctx: &Context<'_>,
        system: String,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Component>> {
        Ok(page_of(&snapshot(ctx, &system)?, &Page::new(first, after)?))
    }

    /// Processes of a system.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn processes(
        &self,
        ctx: &Context<'_>,
        system: String,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Process>> {
        Ok(page_of(&snapshot(ctx, &system)?, &Page::new(first, after)?))
    }

    /// Functions of a system.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn functions(
        &self,
        ctx: &Context<'_>,
        system: String,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Function>> {
        Ok(page_of(&snapshot(ctx, &system)?, &Page::new(first, after)?))
    }

    /// Any node of any system by its IRI.
    async fn node(&self, ctx: &Context<'_>, id: Iri) -> Result<Option<Node>> {
        let Some(Named::Node { system, kind, id }) = parse(&id.0) else { return Ok(None) };
        let Ok(system) = ctx.data::<State>()?.ontology.snapshot(&system) else { return Ok(None) };
        let found = system.node(&id).filter(|node| node.kind() == kind);
        Ok(found.and_then(|node| Node::from_node(&system, node)))
    }

    /// Everything connected with a node by trace, in both directions.
    async fn trace(&self, ctx: &Context<'_>, system: String, id: String) -> Result<Trace> {
        let system = snapshot(ctx, &system)?;
        let found = ontology::trace::trace(&system, &id).ok_or_else(|| missing(&id))?;
        Ok(Trace::new(&system, &found))
    }

    /// Computed coverage of a system.
    async fn coverage(&self, ctx: &Context<'_>, system: String) -> Result<Coverage> {
        Ok(Coverage::of(&snapshot(ctx, &system)?))
    }

    /// Everything a change of a node can reach.
    async fn impact(&self, ctx: &Context<'_>, system: String, id: String) -> Result<Vec<Node>> {
        let system = snapshot(ctx, &system)?;
        let ids = ontology::trace::impact(&system, &id).ok_or_else(|| missing(&id))?;
        let nodes = ids.iter().filter_map(|id| system.node(id));
        Ok(nodes.filter_map(|node| Node::from_node(&system, node)).collect())
    }
}
