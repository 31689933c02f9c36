//! Questions about what a change means: suspect links, assumptions, who answers what.

#![expect(
    clippy::too_many_arguments,
    reason = "the arguments of a field in the schema are those of its function"
)]

use std::sync::Arc;

use async_graphql::{Context, Enum, Object, SimpleObject};
use engine::port::{InstanceFilter, Status};
use ontology::constraints::{Assumption, what_if};
use ontology::{SystemIndex, matrix, suspicion};

use super::knowledge::{line, reading};
use crate::State;
use crate::connection::{Connection, Page};
use crate::error::Result;
use crate::filters::{RequirementFilter, RequirementOrder};
use crate::limits::page_cost;
use crate::lists::{SuspectFilter, SuspectOrder};
use crate::mutation::{SHAPES_LIMIT_BYTES, bounded};
use crate::nodes::{
    AssumptionInput, ImpactReport, MomentInput, ShapeReport, SuspectLink, WhatIf, nodes_of, process_ids,
};
use crate::runs::ProcessInstance;

/// Running instances that are looked at, and named.
const RUNNING_READ: usize = 1_000;
const RUNNING_LIMIT: usize = 100;

/// What stands in the columns of a trace matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "matrix::Columns")]
pub(crate) enum MatrixColumns {
    /// Components.
    Components,
    /// Functions.
    Functions,
    /// Processes.
    Processes,
}

/// A row of the trace matrix.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct MatrixRow {
    /// Id of the requirement.
    requirement: String,
    /// Ids of what answers it, in natural order; empty where nothing does.
    answers: Vec<String>,
}

/// Instances that run now of the processes among these nodes, newest first.
async fn running(ctx: &Context<'_>, system: &SystemIndex, ids: &[String]) -> Result<Vec<ProcessInstance>> {
    let reached = process_ids(system, ids);
    let filter =
        InstanceFilter { status: Some(Status::Active), limit: RUNNING_READ, ..InstanceFilter::default() };
    let running = ctx.data::<State>()?.engine.instances(&filter).await?.into_iter();
    let running = running.filter(|instance| reached.contains(&instance.process_id));
    Ok(running.take(RUNNING_LIMIT).map(ProcessInstance).collect())
}

#[derive(Default)]
pub(crate) struct Consequences;

#[Object(name = "ConsequenceQuery")]
impl Consequences {
    /// Links that nobody looked at since one of their ends changed; with `transitive` also those that such a
    /// change reaches through nodes that did not change. `reviewLinks` clears them.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn suspect_links(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        #[graphql(default = false)] transitive: bool,
        filter: Option<SuspectFilter>,
        order_by: Option<SuspectOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<SuspectLink>> {
        let system = reading(ctx, system, branch, as_of).await?;
        let page = Page::new(first, after)?;
        let mut found = suspicion::suspects(&system, transitive);
        found.retain(|suspect| filter.as_ref().is_none_or(|filter| filter.holds(&system, suspect)));
        if let Some(order) = order_by {
            order.sort(&mut found);
        }
        let shown = found.iter().enumerate().skip(page.start()?).take(page.first.saturating_add(1));
        let items = shown
            .filter_map(|(at, suspect)| Some(((at + 1).to_string(), SuspectLink::new(&system, suspect)?)));
        Ok(page.of_page(items.collect(), found.len()))
    }

    /// What would be if values of constraints changed: which constraints break, and which requirements,
    /// components, functions, processes and running instances that reaches. Nothing is written.
    async fn what_if(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        assumptions: Vec<AssumptionInput>,
    ) -> Result<WhatIf> {
        let system = reading(ctx, system, branch, None).await?;
        let assumptions: Vec<Assumption> = assumptions.into_iter().map(Assumption::from).collect();
        let found = what_if(&system, &assumptions)?;
        let running = running(ctx, &system, &found.reaches).await?;
        Ok(WhatIf::new(&system, found, running))
    }

    /// What a change of a node reaches: requirements, components, functions, processes, constraints with how they
    /// stand, and running instances.
    async fn impact_report(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "Id of the node in its system.")] id: String,
    ) -> Result<ImpactReport> {
        let system = reading(ctx, system, branch, None).await?;
        let ids = ontology::trace::impact(&system, &id)
            .ok_or_else(|| crate::Error::NotFound { what: "node", id: id.clone() })?;
        let mut concerned = ids.clone();
        concerned.push(id);
        let running = running(ctx, &system, &concerned).await?;
        Ok(ImpactReport::new(&system, &ids, running))
    }

    /// What of a system does not fit shapes: those given (SHACL Core, in Turtle), or else our own and those it is held
    /// to.
    async fn check_shapes(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "In place of our own and those it is held to.")] shapes: Option<String>,
    ) -> Result<ShapeReport> {
        if let Some(shapes) = &shapes {
            bounded("shapes", shapes, SHAPES_LIMIT_BYTES)?;
        }
        let ontology = Arc::clone(&ctx.data::<State>()?.ontology);
        let line = line(system, branch);
        let found =
            tokio::task::spawn_blocking(move || ontology.check_shapes(&line, shapes.as_deref())).await;
        let found = found.map_err(|error| ontology::Error::Store(format!("the check broke off: {error}")))?;
        Ok(ShapeReport::new(found?)?)
    }

    /// Which components, functions or processes answer which requirement, a row for each requirement.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn trace_matrix(
        &self,
        ctx: &Context<'_>,
        system: String,
        #[graphql(desc = "A branch of it.")] branch: Option<String>,
        #[graphql(desc = "As it was then.")] as_of: Option<MomentInput>,
        #[graphql(default_with = "MatrixColumns::Components")] columns: MatrixColumns,
        #[graphql(desc = "Which requirements have rows.")] filter: Option<RequirementFilter>,
        order_by: Option<RequirementOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<MatrixRow>> {
        let system = reading(ctx, system, branch, as_of).await?;
        let page = Page::new(first, after)?;
        let (found, total) = nodes_of(ctx, &system, "requirement", &page, filter, order_by)?;
        let items = found.into_iter().map(|(cursor, node)| {
            let row = matrix::row(&system, node.id(), columns.into());
            (cursor, MatrixRow { requirement: row.requirement, answers: row.answers })
        });
        Ok(page.of_page(items.collect(), total))
    }
}
