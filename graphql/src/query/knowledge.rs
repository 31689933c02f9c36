//! Questions about engineered systems.

#![expect(
    clippy::too_many_arguments,
    reason = "the arguments of a field in the schema are those of its function"
)]

use std::sync::Arc;

use async_graphql::{Context, Object};
use ontology::SystemIndex;
use ontology::iri::{Named, parse};

use crate::connection::{Connection, Page};
use crate::error::Result;
use crate::filters::{
    ComponentFilter, ConstraintFilter, ConstraintOrder, FunctionFilter, InterfaceFilter, NodeOrder,
    ProcessFilter, RequirementFilter, RequirementOrder,
};
use crate::limits::page_cost;
use crate::lists::{SystemFilter, SystemOrder};
use crate::mutation::bounded;
use crate::nodes::{
    Component, Constraint, Coverage, Function, Interface, MomentInput, Node, NodeKind, Process, Requirement,
    SearchHit, System, Trace, listed,
};
use crate::scalar::Iri;
use crate::{Error, State};

/// Longest query of a search.
const SEARCH_LIMIT_BYTES: usize = 1_000;
/// Nodes that a search gives, on all pages.
const HITS_LIMIT: usize = 10_000;

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

    /// All engineered systems, by name where no other order is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn systems(
        &self,
        ctx: &Context<'_>,
        filter: Option<SystemFilter>,
        order_by: Option<SystemOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<System>> {
        let page = Page::new(first, after)?;
        let ontology = &ctx.data::<State>()?.ontology;
        let mut all = ontology.systems();
        all.retain(|summary| filter.as_ref().is_none_or(|filter| filter.holds(summary)));
        let total = all.len();
        // In the order of names a cursor is a name, so that systems that come or go do not move the page.
        let start = match (order_by, &page.after) {
            (Some(_), _) => page.start()?,
            (None, Some(after)) => all.partition_point(|summary| summary.name <= *after),
            (None, None) => 0,
        };
        if let Some(order) = order_by {
            order.sort(&mut all);
        }
        let mut items = Vec::new();
        for (at, summary) in all.iter().enumerate().skip(start).take(page.first.saturating_add(1)) {
            let cursor = order_by.map_or_else(|| summary.name.clone(), |_| (at + 1).to_string());
            items.push((cursor, System(ontology.snapshot(&summary.name)?)));
        }
        Ok(page.of_page(items, total))
    }

    /// Requirements of a system, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn requirements(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        filter: Option<RequirementFilter>,
        order_by: Option<RequirementOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Requirement>> {
        let system = reading(ctx, system, branch, as_of).await?;
        listed(ctx, &system, &Page::new(first, after)?, filter, order_by)
    }

    /// Components of a system, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn components(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        filter: Option<ComponentFilter>,
        order_by: Option<NodeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Component>> {
        let system = reading(ctx, system, branch, as_of).await?;
        listed(ctx, &system, &Page::new(first, after)?, filter, order_by)
    }

    /// Processes of a system, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn processes(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        filter: Option<ProcessFilter>,
        order_by: Option<NodeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Process>> {
        let system = reading(ctx, system, branch, as_of).await?;
        listed(ctx, &system, &Page::new(first, after)?, filter, order_by)
    }

    /// Functions of a system, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn functions(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        filter: Option<FunctionFilter>,
        order_by: Option<NodeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Function>> {
        let system = reading(ctx, system, branch, as_of).await?;
        listed(ctx, &system, &Page::new(first, after)?, filter, order_by)
    }

    /// Interfaces of a system, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn interfaces(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        filter: Option<InterfaceFilter>,
        order_by: Option<NodeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Interface>> {
        let system = reading(ctx, system, branch, as_of).await?;
        listed(ctx, &system, &Page::new(first, after)?, filter, order_by)
    }

    /// Bounds and budgets of a system, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn constraints(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        filter: Option<ConstraintFilter>,
        order_by: Option<ConstraintOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Constraint>> {
        let system = reading(ctx, system, branch, as_of).await?;
        listed(ctx, &system, &Page::new(first, after)?, filter, order_by)
    }

    /// Finds nodes that say all words of a query, or words that begin so, the best first; case does not matter. In all
    /// systems where none is named; at most 10,000 are given.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn search(
        &self,
        ctx: &Context<'_>,
        query: String,
        system: Option<String>,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        #[graphql(desc = "Only these; all where none is given.")] kinds: Option<Vec<NodeKind>>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<SearchHit>> {
        bounded("query", &query, SEARCH_LIMIT_BYTES)?;
        let page = Page::new(first, after)?;
        let start = page.start()?;
        let limit = start.saturating_add(page.first).saturating_add(1).min(HITS_LIMIT);
        let kinds: Vec<&str> = kinds.into_iter().flatten().map(NodeKind::word).collect();
        let ontology = &ctx.data::<State>()?.ontology;
        let systems = match system {
            Some(system) => vec![reading(ctx, system, branch, as_of).await?],
            None => {
                let all = ontology.systems().into_iter();
                all.filter_map(|summary| ontology.snapshot(&summary.name).ok()).collect()
            }
        };
        let mut hits = Vec::new();
        let mut count = 0;
        for system in &systems {
            let found = system.search(&query, &kinds, limit);
            count += found.count;
            hits.extend(found.best.into_iter().filter_map(|hit| SearchHit::new(system, hit)));
        }
        if systems.len() > 1 {
            hits.sort_by(|one, other| other.weight().total_cmp(&one.weight()));
            hits.truncate(limit);
        }
        let numbered = hits.into_iter().enumerate().skip(start);
        let items = numbered.map(|(at, hit)| ((at + 1).to_string(), hit)).take(page.first.saturating_add(1));
        Ok(page.of_page(items.collect(), count))
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
