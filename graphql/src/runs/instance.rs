//! A process instance: where it stands, how its tasks were executed, what happened.

use async_graphql::{Context, Enum, Object, SimpleObject};
use das::forecast::Forecasts;
use engine::port::{Instance, InstanceFilter, Status};
use ontology::iri::node_iri;
use scoring::simulation::Effort;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::task_run::TaskRun;
use super::{Forecast, Incident, ProcessDefinition};
use crate::connection::{Connection, Page, wants_total};
use crate::error::Result;
use crate::limits::{COUNT_LIMIT, page_cost};
use crate::lists::TimeOrder;
use crate::loaders::Loaders;
use crate::nodes::{FromNode, Requirement};
use crate::quality::{TrailEvent, trail_page};
use crate::scalar::{Iri, Json, Key, Timestamp};
use crate::{Error, State};

/// Static cost of a forecast: some hundred of them in one request are refused.
const FORECAST_COST: usize = 1_000;
/// Forecasts at once, in the whole program.
static FORECASTS: Semaphore = Semaphore::const_new(2);

/// State of a process instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "engine::port::Status")]
pub(crate) enum InstanceStatus {
    /// Runs or waits.
    Active,
    /// Open, but nothing begins until it is resumed.
    Suspended,
    /// Ended well.
    Completed,
    /// Was cancelled.
    Terminated,
    /// Ended by an error that nobody caught.
    Failed,
}

/// An element of an instance.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ElementState {
    /// Its number in the instance.
    number: u32,
    /// Id of the BPMN element.
    element_id: String,
    /// Its name, the id where there is none.
    name: String,
    /// Its BPMN local name.
    kind: String,
    /// `active`, `completed`, `terminated` or `incident`.
    state: String,
    /// When it began.
    started_at: Timestamp,
    /// When it ended.
    ended_at: Option<Timestamp>,
}

impl From<engine::port::ElementState> for ElementState {
    fn from(found: engine::port::ElementState) -> Self {
        Self {
            number: found.element,
            element_id: found.node,
            name: found.name,
            kind: found.kind,
            state: found.state,
            started_at: Timestamp(found.started_ms),
            ended_at: found.ended_ms.map(Timestamp),
        }
    }
}

#[derive(Clone)]
pub(crate) struct ProcessInstance(pub(crate) Instance);

/// A process instance.
#[Object]
impl ProcessInstance {
    /// Its IRI.
    async fn id(&self) -> Iri {
        Iri(node_iri("runs", "instance", &self.0.key.to_string()))
    }

    /// Its key.
    async fn key(&self) -> Key {
        Key(self.0.key)
    }

    /// What it is an instance of.
    async fn definition(&self, ctx: &Context<'_>) -> Result<ProcessDefinition> {
        let found = ctx.data::<Loaders>()?.definition(self.0.definition).await?;
        let missing = || Error::NotFound { what: "process definition", id: self.0.definition.to_string() };
        Ok(ProcessDefinition(found.ok_or_else(missing)?))
    }

    /// Id of the BPMN process.
    async fn process_id(&self) -> &str {
        &self.0.process_id
    }

    /// Version of its definition.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Its state.
    async fn status(&self) -> InstanceStatus {
        self.0.status.into()
    }

    /// Its business key.
    async fn business_key(&self) -> Option<&str> {
        self.0.business_key.as_deref()
    }

    /// Variables of the process scope.
    async fn variables(&self) -> Json {
        Json(Value::Object(self.0.variables.clone()))
    }

    /// When it started.
    async fn started_at(&self) -> Timestamp {
        Timestamp(self.0.started_ms)
    }

    /// When it ended.
    async fn ended_at(&self) -> Option<Timestamp> {
        self.0.ended_ms.map(Timestamp)
    }

    /// Tasks that ended.
    async fn previous(&self, ctx: &Context<'_>) -> Result<Vec<ElementState>> {
        let state = ctx.data::<Loaders>()?.state(self.0.key).await?;
        Ok(state.previous.into_iter().map(ElementState::from).collect())
    }

    /// Elements that hold a token.
    async fn current(&self, ctx: &Context<'_>) -> Result<Vec<ElementState>> {
        let state = ctx.data::<Loaders>()?.state(self.0.key).await?;
        Ok(state.current.into_iter().map(ElementState::from).collect())
    }

    /// Ids of tasks that can come next.
    async fn next(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        Ok(ctx.data::<Loaders>()?.state(self.0.key).await?.next)
    }

    /// How much longer it takes and how it ends, from where it stands now; null where it has ended. `DAS-0040` where its
    /// process cannot be simulated in time.
    #[graphql(complexity = "FORECAST_COST + child_complexity")]
    async fn forecast(&self, ctx: &Context<'_>) -> Result<Option<Forecast>> {
        if !self.0.status.is_open() {
            return Ok(None);
        }
        let _slot = FORECASTS.acquire().await.map_err(|_| Error::Broken("the forecasts"))?;
        let forecasts = ctx.data::<Forecasts>()?;
        Ok(Some(forecasts.of(self.0.key, Effort::default()).await?.into()))
    }

    /// How its tasks were executed.
    async fn task_runs(&self, ctx: &Context<'_>) -> Result<Vec<TaskRun>> {
        let runs = ctx.data::<Loaders>()?.task_runs(self.0.key).await?;
        Ok(runs.into_iter().map(TaskRun).collect())
    }

    /// Open incidents.
    async fn incidents(&self, ctx: &Context<'_>) -> Result<Vec<Incident>> {
        if self.0.incidents == 0 {
            return Ok(Vec::new());
        }
        let found = ctx.data::<Loaders>()?.incidents(self.0.key).await?;
        Ok(found.into_iter().map(Incident::from).collect())
    }

    /// Requirements it serves: those its functions satisfy and those it verifies; with an element only those that
    /// this element serves.
    async fn requirements(&self, ctx: &Context<'_>, element_id: Option<String>) -> Result<Vec<Requirement>> {
        let ontology = &ctx.data::<State>()?.ontology;
        let mut shown = Vec::new();
        for (system, id) in ontology.served_by(&self.0.process_id, element_id.as_deref())? {
            let system = ontology.snapshot(&system)?;
            shown.extend(system.node(&id).and_then(|node| Requirement::from_node(&system, node)));
        }
        Ok(shown)
    }

    /// What happened, oldest first where no other order is asked for.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn trail(
        &self,
        ctx: &Context<'_>,
        element: Option<String>,
        kind_prefix: Option<String>,
        order_by: Option<TimeOrder>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<TrailEvent>> {
        let instance = Some(self.0.key);
        let filter = trail::Filter { instance, element, kind_prefix, ..trail::Filter::default() };
        trail_page(ctx, filter, order_by, &Page::new(first, after)?).await
    }
}

/// A page of instances, newest first, with keys as cursors.
pub(crate) async fn instances(
    ctx: &Context<'_>,
    filter: InstanceFilter,
    page: &Page,
) -> Result<Connection<ProcessInstance>> {
    let state = ctx.data::<State>()?;
    let limit = page.first.saturating_add(1);
    let before = page.after_number()?;
    let found = state.engine.instances(&InstanceFilter { before, limit, ..filter.clone() }).await?;
    let total = if wants_total(ctx) {
        let all = InstanceFilter { before: None, limit: COUNT_LIMIT, ..filter };
        state.engine.instances(&all).await?.len()
    } else {
        0
    };
    let items =
        found.into_iter().map(|instance| (instance.key.to_string(), ProcessInstance(instance))).collect();
    Ok(page.of_page(items, total))
}

/// The engine's word for a state.
impl InstanceStatus {
    pub(crate) fn of_engine(self) -> Status {
        self.into()
    }
}
