//! An engineered system.

use std::sync::Arc;

use async_graphql::{Context, Object};
use ontology::SystemIndex;
use ontology::iri::system_iri;

use super::{
    Baseline, Branch, Component, Constraint, Coverage, ExecutionTally, FromNode, Function, Interface,
    Process, Requirement, TraceLink, listed,
};
use crate::connection::{Connection, Page};
use crate::error::Result;
use crate::filters::{
    ComponentFilter, ConstraintFilter, FunctionFilter, InterfaceFilter, NodeOrder, ProcessFilter,
    RequirementFilter, RequirementOrder, TraceLinkFilter, TraceLinkOrder,
};
use crate::limits::page_cost;
use crate::scalar::{Iri, Timestamp};
use crate::{Error, State};

/// Links that are given without pages.
const LINKS_LIMIT: usize = 5_000;

#[derive(Clone)]
pub(crate) struct System(pub(crate) Arc<SystemIndex>);

impl System {
    fn all<T: FromNode>(&self) -> Vec<T> {
        self.0.of_kind(T::KIND).filter_map(|node| T::from_node(&self.0, node)).collect()
    }
}

/// One engineered system.
#[Object]
impl System {
    /// Its IRI.
    async fn id(&self) -> Iri {
        Iri(system_iri(&self.0.name))
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Number of its newest change set.
    async fn version(&self) -> i64 {
        self.0.head
    }

    /// The branch this is, where it is one.
    async fn branch(&self) -> Option<&str> {
        self.0.fork.as_ref().map(|fork| fork.branch.as_str())
    }

    /// The SHACL shapes it is held to beside our own, in Turtle.
    async fn shapes(&self) -> Option<&str> {
        self.0.shapes.as_deref().map(ontology::shacl::KeptShapes::turtle)
    }

    /// Its named states, by name.
    async fn baselines(&self) -> Vec<Baseline> {
        self.0.baselines().map(|baseline| Baseline::new(&self.0.name, baseline)).collect()
    }

    /// Its branches, by name.
    async fn branches(&self, ctx: &Context<'_>) -> Result<Vec<Branch>> {
        let ontology = &ctx.data::<State>()?.ontology;
        Ok(ontology.branches(&self.0.name).iter().map(|fork| Branch::new(ontology, fork)).collect())
    }

    /// When it was last changed.
    async fn changed_at(&self) -> Timestamp {
        Timestamp(self.0.changed_ms)
    }

    /// How many requirements it has.
    async fn requirement_count(&self) -> usize {
        self.0.count("requirement")
    }

    /// How many components it has.
    async fn component_count(&self) -> usize {
        self.0.count("component")
    }

    /// How many processes it has.
    async fn process_count(&self) -> usize {
        self.0.count("process")
    }

    /// How many functions it has.
    async fn function_count(&self) -> usize {
        self.0.count("function")
    }

    /// Its requirements, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn requirements(
        &self,
        ctx: &Context<'_>,
        filter: Option<RequirementFilter>,
        order_by: Option<RequirementOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Requirement>> {
        listed(ctx, &self.0, &Page::new(first, after)?, filter, order_by)
    }

    /// Its components, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn components(
        &self,
        ctx: &Context<'_>,
        filter: Option<ComponentFilter>,
        order_by: Option<NodeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Component>> {
        listed(ctx, &self.0, &Page::new(first, after)?, filter, order_by)
    }

    /// Its processes, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn processes(
        &self,
        ctx: &Context<'_>,
        filter: Option<ProcessFilter>,
        order_by: Option<NodeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Process>> {
        listed(ctx, &self.0, &Page::new(first, after)?, filter, order_by)
    }

    /// Its functions, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn functions(
        &self,
        ctx: &Context<'_>,
        filter: Option<FunctionFilter>,
        order_by: Option<NodeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Function>> {
        listed(ctx, &self.0, &Page::new(first, after)?, filter, order_by)
    }

    /// What flows between its components, in natural order of ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn interfaces(
        &self,
        ctx: &Context<'_>,
        filter: Option<InterfaceFilter>,
        order_by: Option<NodeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Interface>> {
        listed(ctx, &self.0, &Page::new(first, after)?, filter, order_by)
    }

    /// Its bounds and budgets, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn constraints(
        &self,
        ctx: &Context<'_>,
        filter: Option<ConstraintFilter>,
        order_by: Option<NodeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Constraint>> {
        listed(ctx, &self.0, &Page::new(first, after)?, filter, order_by)
    }

    /// Its trace links; refused for a system with more than 5,000 of them.
    #[graphql(deprecation = "traceLinks gives them in pages")]
    async fn links(&self) -> Result<Vec<TraceLink>> {
        let count = self.0.count(TraceLink::KIND);
        if count > LINKS_LIMIT {
            let detail = format!("the system has {count} links; traceLinks gives them in pages");
            return Err(Error::Limit { limit: "LINKS_LIMIT", detail }.into());
        }
        Ok(self.all())
    }

    /// Its trace links, in natural order of their ids where no other is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn trace_links(
        &self,
        ctx: &Context<'_>,
        filter: Option<TraceLinkFilter>,
        order_by: Option<TraceLinkOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<TraceLink>> {
        listed(ctx, &self.0, &Page::new(first, after)?, filter, order_by)
    }

    /// How many requirements runs have shown.
    async fn executions(&self, ctx: &Context<'_>) -> Result<ExecutionTally> {
        Ok(ctx.data::<State>()?.ontology.executions(&self.0).into())
    }

    /// How many links are to be looked at since an end of them changed.
    async fn suspect_count(&self) -> usize {
        self.0.suspect_count()
    }

    /// Its coverage, computed now.
    async fn coverage(&self) -> Coverage {
        Coverage::of(&self.0)
    }
}
