//! Process instances: starting one, waiting for its end, finding and cancelling them.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use bpmn::program::Variables;
use engine::port::{Instance, InstanceFilter, Notice, StartInstance, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::search::{ITEMS_MAX, Search, check_condition, fits};
use super::{Cluster, Key, Problem, TENANT, check_tenant, date, key};

const FIELDS: [&str; 14] = [
    "processInstanceKey",
    "processDefinitionId",
    "processDefinitionName",
    "processDefinitionVersion",
    "processDefinitionVersionTag",
    "processDefinitionKey",
    "parentProcessInstanceKey",
    "rootProcessInstanceKey",
    "startDate",
    "endDate",
    "state",
    "hasIncident",
    "tenantId",
    "businessId",
];
/// How long an end is waited for where the call does not say.
const AWAIT_DEFAULT: Duration = Duration::from_secs(10);
const AWAIT_MAX: Duration = Duration::from_secs(120);
/// Notices may be missed; the state is looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Instances read from the engine at a time.
const PAGE: usize = 500;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Creation {
    process_definition_id: Option<String>,
    process_definition_version: Option<i32>,
    process_definition_key: Option<String>,
    variables: Option<Variables>,
    tenant_id: Option<String>,
    business_id: Option<String>,
    tags: Vec<String>,
    start_instructions: Vec<Value>,
    runtime_instructions: Vec<Value>,
    await_completion: bool,
    fetch_variables: Option<Vec<String>>,
    request_timeout: i64,
}

/// Starts an instance, and waits for its end where that is asked.
pub(super) async fn create(
    State(cluster): State<Cluster>,
    request: Request,
) -> Result<Json<Created>, Problem> {
    let mut creation: Creation = cluster.json(request).await?;
    check_tenant(creation.tenant_id.as_deref())?;
    if !creation.start_instructions.is_empty() || !creation.runtime_instructions.is_empty() {
        return Err(Problem::invalid("startInstructions and runtimeInstructions are not supported"));
    }
    let start = StartInstance {
        process_id: creation.process_definition_id.clone(),
        version: creation.process_definition_version.filter(|version| *version >= 1),
        definition: creation.process_definition_key.as_deref().map(key).transpose()?,
        variables: creation.variables.take().unwrap_or_default(),
        business_key: creation.business_id.take(),
        // Seeds are shown in JSON, where only 53 bits are exact.
        seed: rand::random::<u64>() >> 11,
        actor: Some("local".to_owned()),
        ..StartInstance::default()
    };
    if start.process_id.is_some() == start.definition.is_some() {
        return Err(Problem::invalid("name the process by processDefinitionId or by processDefinitionKey"));
    }
    // Before the start, so that its end cannot be missed.
    let ended = Ended::watch(&cluster, &creation)?;
    let started = cluster.engine.start(start).await?;
    let instance = match ended {
        Some(ended) => ended.wait(&cluster, started).await?,
        None => cluster.engine.instance(started).await?,
    };
    let mut variables = match creation.await_completion {
        true => instance.variables.clone(),
        false => Variables::new(),
    };
    if let Some(wanted) = creation.fetch_variables.as_ref().filter(|wanted| !wanted.is_empty()) {
        variables.retain(|name, _| wanted.contains(name));
    }
    Ok(Json(Created {
        process_definition_id: instance.process_id,
        process_definition_version: instance.version,
        process_definition_key: Key(instance.definition),
        tenant_id: TENANT,
        process_instance_key: Key(instance.key),
        variables,
        tags: creation.tags,
        business_id: instance.business_key,
    }))
}

/// What the caller of [`create`] is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    process_definition_id: String,
    process_definition_version: i32,
    process_definition_key: Key,
    tenant_id: &'static str,
    process_instance_key: Key,
    variables: Variables,
    tags: Vec<String>,
    business_id: Option<String>,
}

/// Waiting for the end of an instance.
struct Ended {
    notices: tokio::sync::broadcast::Receiver<Notice>,
    time: Duration,
    _room: tokio::sync::OwnedSemaphorePermit,
}

impl Ended {
    /// `None` where the call does not wait.
    fn watch(cluster: &Cluster, creation: &Creation) -> Result<Option<Self>, Problem> {
        if !creation.await_completion {
            return Ok(None);
        }
        let busy = |_| Problem::busy("too many requests wait for the end of an instance");
        let room = cluster.waiting.clone().try_acquire_owned().map_err(busy)?;
        let time = match u64::try_from(creation.request_timeout) {
            Ok(0) | Err(_) => AWAIT_DEFAULT,
            Ok(ms) => Duration::from_millis(ms).min(AWAIT_MAX),
        };
        Ok(Some(Self { notices: cluster.engine.notices(), time, _room: room }))
    }

    async fn wait(mut self, cluster: &Cluster, started: i64) -> Result<Instance, Problem> {
        let deadline = tokio::time::Instant::now() + self.time;
        loop {
            let instance = cluster.engine.instance(started).await?;
            match instance.status {
                Status::Active | Status::Suspended => {}
                Status::Completed => return Ok(instance),
                Status::Terminated | Status::Failed => {
                    let detail = format!("instance {started} ended, but did not complete");
                    return Err(Problem::new(StatusCode::CONFLICT, "INVALID_STATE", detail));
                }
            }
            if tokio::time::Instant::now() >= deadline {
                let detail =
                    format!("instance {started} has not completed within {:?}; it goes on", self.time);
                return Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED", detail));
            }
            let until = deadline.min(tokio::time::Instant::now() + LOOK_AGAIN);
            tokio::select! {
                () = self.its_end(started) => {}
                () = tokio::time::sleep_until(until) => {}
                () = cluster.stop.cancelled() => return Err(engine::Error::Stopping.into()),
            }
        }
    }

    async fn its_end(&mut self, started: i64) {
        loop {
            match self.notices.recv().await {
                Ok(Notice::Ended { instance, .. }) if instance == started => return,
                Ok(_) => {}
                // Some were missed, or there will be none: looking again tells.
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => return,
                Err(tokio::sync::broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// One instance.
pub(super) async fn one(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<Json<Value>, Problem> {
    let instance = cluster.engine.instance(key(&asked)?).await?;
    let definition = cluster.engine.definition(instance.definition).await?;
    Ok(Json(shown(&instance, Some(&definition.name))))
}

/// Cancels an instance.
pub(super) async fn cancel(
    State(cluster): State<Cluster>,
    Path(asked): Path<String>,
) -> Result<StatusCode, Problem> {
    cluster.engine.cancel(key(&asked)?, "cancelled by a client of /v2").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Instances that match, newest first unless sorted otherwise.
pub(super) async fn find(State(cluster): State<Cluster>, request: Request) -> Result<Json<Value>, Problem> {
    let mut search: Search = cluster.json(request).await?;
    let held = Held::read(search.take("variables"))?;
    if let Some(asked) = search.wanted("processInstanceKey") {
        let found = match cluster.engine.instance(key(asked)?).await {
            Ok(instance) if !held.fits(&instance) => Vec::new(),
            Ok(instance) => vec![shown(&instance, None)],
            Err(engine::Error::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        return search.answer(&FIELDS, found, false);
    }
    let mut filter = InstanceFilter {
        process_id: search.wanted("processDefinitionId").map(str::to_owned),
        definition: search.wanted("processDefinitionKey").map(key).transpose()?,
        limit: PAGE,
        ..InstanceFilter::default()
    };
    let mut found = Vec::new();
    let cut = loop {
        let page = cluster.engine.instances(&filter).await?;
        filter.before = page.last().map(|instance| instance.key);
        let is_last = page.len() < PAGE;
        found
            .extend(page.iter().filter(|instance| held.fits(instance)).map(|instance| shown(instance, None)));
        if is_last {
            break false;
        }
        if found.len() >= ITEMS_MAX {
            break true;
        }
    };
    search.answer(&FIELDS, found, cut)
}

/// Variables that an instance must hold: by name, and by value as JSON.
struct Held(Vec<(String, Value)>);

impl Held {
    fn read(condition: Option<Value>) -> Result<Self, Problem> {
        let wrong = || Problem::invalid("variables is a list of objects with name and value");
        let Some(condition) = condition else { return Ok(Self(Vec::new())) };
        let mut held = Vec::new();
        for one in condition.as_array().ok_or_else(wrong)? {
            let name = one.get("name").and_then(Value::as_str).ok_or_else(wrong)?;
            let value = one.get("value").ok_or_else(wrong)?;
            check_condition(value)?;
            held.push((name.to_owned(), value.clone()));
        }
        Ok(Self(held))
    }

    fn fits(&self, instance: &Instance) -> bool {
        self.0.iter().all(|(name, wanted)| {
            instance.variables.get(name).is_some_and(|value| fits(&json!(value.to_string()), wanted))
        })
    }
}

fn shown(instance: &Instance, name: Option<&str>) -> Value {
    let state = match instance.status {
        Status::Active => "ACTIVE",
        Status::Suspended => "SUSPENDED",
        Status::Completed => "COMPLETED",
        Status::Terminated | Status::Failed => "TERMINATED",
    };
    json!({
        "processInstanceKey": instance.key.to_string(), "processDefinitionId": instance.process_id,
        "processDefinitionName": name, "processDefinitionVersion": instance.version,
        "processDefinitionVersionTag": null, "processDefinitionKey": instance.definition.to_string(),
        "parentProcessInstanceKey": instance.parent.map(|(parent, _)| parent.to_string()),
        "parentElementInstanceKey": null,
        "rootProcessInstanceKey": instance.parent.is_none().then(|| instance.key.to_string()),
        "startDate": date(instance.started_ms), "endDate": instance.ended_ms.map(date), "state": state,
        "suspendedDate": null, "hasIncident": instance.incidents > 0, "tenantId": TENANT, "tags": [],
        "businessId": instance.business_key,
    })
}
