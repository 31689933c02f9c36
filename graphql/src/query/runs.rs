//! Questions about what is deployed and what runs.

use async_graphql::{Context, Object};
use bpmn::program::JobKind;
use das::version_trial;
use engine::port::{Definition, InstanceFilter, JobFilter};

use crate::State;
use crate::connection::{Connection, Page};
use crate::error::Result;
use crate::limits::{PAGE_LIMIT, page_cost};
use crate::lists::{DefinitionFilter, DefinitionOrder, TimeFilter, TimeOrder};
use crate::runs::{
    DecisionDefinition, Experience, ForecastRecord, Incident, InstanceStatus, ProcessDefinition,
    ProcessInstance, UserTask, VersionTrial, experience, instances,
};
use crate::scalar::Key;

#[derive(Default)]
pub(crate) struct Runs;

#[Object(name = "RunsQuery")]
impl Runs {
    /// Deployed process definitions, newest version of each process first where no other order is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn process_definitions(
        &self,
        ctx: &Context<'_>,
        filter: Option<DefinitionFilter>,
        order_by: Option<DefinitionOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<ProcessDefinition>> {
        let page = Page::new(first, after)?;
        let mut all = ctx.data::<State>()?.engine.definitions().await?;
        all.retain(|found| {
            let Definition { process_id, name, deployed_ms, .. } = found;
            filter.as_ref().is_none_or(|filter| filter.holds(process_id, name, *deployed_ms))
        });
        if let Some(order) = order_by {
            order.sort(&mut all);
        }
        Ok(page.of_list(all.into_iter().map(ProcessDefinition).collect())?)
    }

    /// One process definition.
    async fn process_definition(&self, ctx: &Context<'_>, key: Key) -> Result<Option<ProcessDefinition>> {
        match ctx.data::<State>()?.engine.definition(key.0).await {
            Ok(found) => Ok(Some(ProcessDefinition(found))),
            Err(engine::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What the newest cases of a process showed: what a simulation learns from. Dry runs do not count.
    async fn experience(&self, ctx: &Context<'_>, process_id: String) -> Result<Experience> {
        Ok(experience(ctx.data::<State>()?, &process_id).await?.into())
    }

    /// How good past forecasts of running cases were, of one process or of all: forecasts are made as cases go, kept in
    /// the trail, and compared with what turned out.
    #[graphql(complexity = "1_000 + child_complexity")]
    async fn forecast_record(&self, ctx: &Context<'_>, process_id: Option<String>) -> Result<ForecastRecord> {
        let state = ctx.data::<State>()?;
        let (store, trail) = (state.store.as_ref(), state.trail.as_ref());
        Ok(das::forecast::track_record(store, trail, process_id.as_deref()).await?.into())
    }

    /// The trial that a process is in: versions side by side; null where it is in none.
    async fn version_trial(&self, ctx: &Context<'_>, process_id: String) -> Result<Option<VersionTrial>> {
        let state = ctx.data::<State>()?;
        let Some(found) = version_trial::current(state.trail.as_ref(), &process_id).await? else {
            return Ok(None);
        };
        let rivals = version_trial::rivals(state.store.as_ref(), &found).await?;
        Ok(Some(VersionTrial::new(found, rivals)))
    }

    /// Deployed decisions, newest first where no other order is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn decisions(
        &self,
        ctx: &Context<'_>,
        filter: Option<DefinitionFilter>,
        order_by: Option<TimeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<DecisionDefinition>> {
        let page = Page::new(first, after)?;
        let mut files = ctx.data::<State>()?.engine.decisions().await?;
        if order_by.unwrap_or_default() == TimeOrder::NewestFirst {
            files.reverse();
        }
        let all = files.into_iter().flat_map(DecisionDefinition::all);
        let wanted = all.filter(|found| filter.as_ref().is_none_or(|filter| found.meets(filter)));
        Ok(page.of_list(wanted.collect())?)
    }

    /// One process instance.
    async fn process_instance(&self, ctx: &Context<'_>, key: Key) -> Result<Option<ProcessInstance>> {
        match ctx.data::<State>()?.engine.instance(key.0).await {
            Ok(found) => Ok(Some(ProcessInstance(found))),
            Err(engine::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Process instances, newest first where no other order is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn process_instances(
        &self,
        ctx: &Context<'_>,
        process_id: Option<String>,
        status: Option<InstanceStatus>,
        #[graphql(desc = "When they were started.")] started_at: Option<TimeFilter>,
        order_by: Option<TimeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<ProcessInstance>> {
        let status = status.map(InstanceStatus::of_engine);
        let (started_since_ms, started_before_ms) = started_at.unwrap_or_default().bounds();
        let oldest_first = order_by.unwrap_or_default() == TimeOrder::OldestFirst;
        let filter = InstanceFilter {
            process_id,
            status,
            started_since_ms,
            started_before_ms,
            oldest_first,
            ..InstanceFilter::default()
        };
        instances(ctx, filter, &Page::new(first, after)?).await
    }

    /// User tasks that wait for a person.
    async fn user_tasks(&self, ctx: &Context<'_>, instance: Option<Key>) -> Result<Vec<UserTask>> {
        let engine = &ctx.data::<State>()?.engine;
        let filter = JobFilter {
            instance: instance.map(|key| key.0),
            kind: Some(JobKind::User),
            limit: PAGE_LIMIT,
            ..JobFilter::default()
        };
        Ok(engine.jobs(&filter).await?.into_iter().map(UserTask::from).collect())
    }

    /// Open incidents.
    async fn incidents(&self, ctx: &Context<'_>, instance: Option<Key>) -> Result<Vec<Incident>> {
        let found = ctx.data::<State>()?.engine.incidents(instance.map(|key| key.0)).await?;
        Ok(found.into_iter().map(Incident::from).collect())
    }
}
