//! Process instances: started, read, cancelled.

use std::sync::Arc;

use bpmn::program::{NodeKind, Throw, Variables};
use engine::port::{Instance, InstanceFilter, StartInstance, Status};
use engine::store::Commit;
use engine::{Error as EngineError, limits};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::catalogue::{self, Deployed};
use crate::core::Core;
use crate::hidden::{HIDDEN, Hidden, hidden, key_variable, run_variable, visible};
use crate::keys::key_of;
use crate::remote::{InstanceQuery, Order, RemoteInstance, RemoteStart, RemoteState, RemoteStep};
use crate::{answer, course, ended, watch};

/// Instances looked through for one that was not seen yet.
const SCAN_LIMIT: usize = 10_000;
/// Called instances that one instance may have.
const PARENT_CALL: u32 = 0;

/// Starts an instance.
pub(crate) async fn start(core: &Arc<Core>, request: StartInstance) -> Result<i64, EngineError> {
    limits::check_variables(&request.variables)?;
    if request.dry_run {
        let what = "make a dry run; use the embedded engine for it".to_owned();
        return Err(EngineError::Unsupported { engine: core.name(), what });
    }
    // One start at a time, so that the same idempotency key twice at once starts one instance.
    let _turn = core.starting.lock().await;
    if let Some(key) = &request.idempotency_key
        && let Some(known) = core.store.find_idempotent(&format!("start/{key}")).await?
    {
        return Ok(known);
    }
    let definition_id = wanted(core, &request).await?;
    let mut variables = request.variables.clone();
    let kept = Hidden {
        seed: request.seed,
        actor: request.actor.clone(),
        business_key: request.business_key.clone(),
    };
    variables.insert(HIDDEN.to_owned(), json!(serde_json::to_string(&kept).unwrap_or_default()));
    if core.settings.only_own {
        variables.insert(run_variable(), json!(core.worker));
    }
    let mut id = None;
    if let Some(key) = &request.idempotency_key {
        let hash = hex::encode(Sha256::digest(key.as_bytes()));
        // Started before, but a crash came before it was noted here.
        id = started_before(core, key, &hash).await?;
        variables.insert(key_variable(), json!(hash));
    }
    let id = match id {
        Some(id) => id,
        None => {
            let event = only_start(core, &definition_id).await?;
            let business_key = request.business_key.clone();
            let start = RemoteStart { definition: definition_id.clone(), variables, business_key, event };
            core.remote.start(&start).await?
        }
    };
    let instance = watch::see(core, &id, &definition_id).await?;
    if let Some(key) = &request.idempotency_key {
        let idempotent = Some((format!("start/{key}"), instance));
        match core.store.commit(Commit { idempotent, ..Commit::default() }).await {
            Ok(_) | Err(EngineError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(instance)
}

/// The instance that an earlier call with this key started, of which only Camunda knows.
async fn started_before(core: &Core, key: &str, hash: &str) -> Result<Option<String>, EngineError> {
    let name = key_variable();
    let find = || core.remote.find_by_variable(&name, hash);
    if core.remote.lag_ms() == 0 {
        return Ok(find().await?);
    }
    // Where searches lag, what was tried before is looked for as long as it may take to show.
    let tried = format!("{}/starting/{key}", core.name());
    if core.store.find_idempotent(&tried).await?.is_none() {
        core.store.commit(Commit { idempotent: Some((tried, 1)), ..Commit::default() }).await?;
        return Ok(None);
    }
    let is_there = |found: &Result<Option<String>, crate::Error>| !matches!(found, Ok(None));
    Ok(core.until(find, is_there).await?)
}

/// The start event of a process that has no none start event and only one other, as the embedded engine takes it.
async fn only_start(core: &Arc<Core>, definition_id: &str) -> Result<Option<String>, EngineError> {
    let deployed = catalogue::deployed(core, definition_id).await?;
    let Some(program) = &deployed.program else { return Ok(None) };
    let mut starts = program.children(None).filter_map(|(_, node)| match &node.kind {
        NodeKind::Start { trigger, .. } => Some((node.id.clone(), trigger.is_none())),
        _ => None,
    });
    Ok(match (starts.next(), starts.next()) {
        (Some((id, false)), None) => Some(id),
        _ => None,
    })
}

/// Camunda's id of the definition to start.
async fn wanted(core: &Arc<Core>, request: &StartInstance) -> Result<String, EngineError> {
    if let Some(key) = request.definition {
        return catalogue::id_of(core, key).await;
    }
    let Some(process) = &request.process_id else {
        return Err(EngineError::Invalid("say which process: by process id or definition key".to_owned()));
    };
    let find = || core.remote.find_definition(process, request.version);
    // It may be deployed a moment ago.
    let is_there = |found: &Result<Option<String>, crate::Error>| !matches!(found, Ok(None));
    match core.until(find, is_there).await? {
        Some(id) => Ok(id),
        None => Err(EngineError::NotFound { what: "process", id: process.clone() }),
    }
}

/// Camunda's id of an instance.
pub(crate) async fn id_of(core: &Arc<Core>, key: i64) -> Result<String, EngineError> {
    let open = core.open.lock().get(&key).map(|open| open.id.clone());
    if let Some(id) = open.or_else(|| core.remote.id_of(key)).or_else(|| core.keys.id(key)) {
        return Ok(id);
    }
    let query = InstanceQuery { limit: SCAN_LIMIT, ..InstanceQuery::default() };
    for found in core.remote.instances(&query).await? {
        if key_of(&found.id) == key {
            core.keys.see(&found.id);
            return Ok(found.id);
        }
    }
    Err(EngineError::NotFound { what: "instance", id: key.to_string() })
}

/// An instance as Camunda shows it; one that is known to be there is waited for where searches lag.
pub(crate) async fn remote(core: &Core, key: i64, id: &str) -> Result<RemoteInstance, crate::Error> {
    let is_known = core.open.lock().contains_key(&key);
    let is_visible = |found: &Result<RemoteInstance, crate::Error>| {
        !is_known || !matches!(found, Err(crate::Error::Missing { .. }))
    };
    core.until(|| core.remote.instance(id), is_visible).await
}

/// One instance.
pub(crate) async fn instance(core: &Arc<Core>, key: i64) -> Result<Instance, EngineError> {
    let id = id_of(core, key).await?;
    let found = match remote(core, key, &id).await {
        Err(crate::Error::Missing { .. }) => {
            return Err(EngineError::NotFound { what: "instance", id: key.to_string() });
        }
        found => found?,
    };
    // Somebody who asks may know of an end before the next look around.
    if found.ended_ms.is_some() && core.open.lock().contains_key(&key) {
        ended::finish(core, &found, None).await?;
    }
    let mut all = core.remote.variables(std::slice::from_ref(&id)).await?;
    view(core, &found, all.remove(&id).unwrap_or_default()).await
}

/// Instances that match, newest first.
pub(crate) async fn instances(
    core: &Arc<Core>,
    filter: &InstanceFilter,
) -> Result<Vec<Instance>, EngineError> {
    let limit = limits::page(filter.limit);
    let definition = match filter.definition {
        Some(definition) => Some(catalogue::id_of(core, definition).await?),
        None => None,
    };
    let query = InstanceQuery {
        process: filter.process_id.clone(),
        definition,
        open: filter.status.map(Status::is_open),
        suspended: filter.status == Some(Status::Suspended),
        started_since_ms: filter.started_since_ms,
        order: if filter.oldest_first { Order::OldestStart } else { Order::NewestStart },
        limit: if filter.before.is_some() || filter.started_before_ms.is_some() { SCAN_LIMIT } else { limit },
        ..InstanceQuery::default()
    };
    let mut found = core.remote.instances(&query).await?;
    found.retain(|one| filter.started_before_ms.is_none_or(|before| one.started_ms < before));
    if let Some(before) = filter.before {
        // Keys have no order in time: the page goes on after the instance that ended the last one.
        let place = found.iter().position(|one| key_of(&one.id) == before);
        found.drain(..place.map_or(0, |place| place + 1));
    }
    found.truncate(limit);
    let ids: Vec<String> = found.iter().map(|one| one.id.clone()).collect();
    let mut all = if ids.is_empty() { Default::default() } else { core.remote.variables(&ids).await? };
    let mut instances = Vec::with_capacity(found.len());
    for one in &found {
        let own = all.remove(&one.id).unwrap_or_default();
        let instance = view(core, one, own).await?;
        if filter.status.is_none_or(|status| status == instance.status) {
            instances.push(instance);
        }
    }
    Ok(instances)
}

async fn view(
    core: &Arc<Core>,
    found: &RemoteInstance,
    variables: Variables,
) -> Result<Instance, EngineError> {
    let key = core.keys.see(&found.id);
    let deployed = catalogue::known(core, &found.definition).await?;
    let steps = if found.ended_ms.is_some() && throws_errors(&deployed) {
        course::history(core, key, &found.id, None, &deployed).await?
    } else {
        Vec::new()
    };
    let incidents = match found.ended_ms {
        None => core.remote.count_incidents(found).await?,
        Some(_) => 0,
    };
    let kept = hidden(&variables).unwrap_or(Hidden { seed: key.unsigned_abs(), ..Hidden::default() });
    Ok(Instance {
        key,
        definition: deployed.definition.key,
        process_id: deployed.definition.process_id.clone(),
        version: deployed.definition.version,
        status: status_of(found, &deployed, &steps),
        incidents,
        business_key: found.business_key.clone().or(kept.business_key),
        parent: found.parent.as_ref().map(|id| (core.keys.see(id), PARENT_CALL)),
        seed: kept.seed,
        variables: visible(variables),
        dry_run: false,
        started_ms: found.started_ms,
        ended_ms: found.ended_ms,
    })
}

fn throws_errors(deployed: &Deployed) -> bool {
    deployed.program.as_ref().is_some_and(|program| {
        program.nodes.iter().any(|node| matches!(node.kind, NodeKind::End(Throw::Error { .. })))
    })
}

/// Camunda lets an error that nobody catches end the instance like any other end.
pub(crate) fn status_of(found: &RemoteInstance, deployed: &Deployed, steps: &[RemoteStep]) -> Status {
    match found.state {
        RemoteState::Suspended => Status::Suspended,
        RemoteState::Active => Status::Active,
        RemoteState::Terminated => Status::Terminated,
        RemoteState::Completed => {
            let Some(program) = &deployed.program else { return Status::Completed };
            let uncaught = steps.iter().any(|step| {
                let node = program.find(&step.element).and_then(|at| program.nodes.get(at));
                matches!(node.map(|node| (&node.id, &node.kind)),
                    Some((id, NodeKind::End(Throw::Error { code })))
                        if !answer::catches(program, id, code.source()))
            });
            if uncaught { Status::Failed } else { Status::Completed }
        }
    }
}

/// Cancels an instance.
pub(crate) async fn cancel(core: &Arc<Core>, key: i64, reason: &str) -> Result<(), EngineError> {
    limits::check_text("the reason", reason)?;
    let id = id_of(core, key).await?;
    match core.remote.cancel(&id).await {
        Ok(()) => {}
        Err(crate::Error::Missing { .. } | crate::Error::Refused { status: 409, .. }) => {
            return Err(EngineError::Conflict(format!("instance {key} has ended already")));
        }
        Err(error) => return Err(error.into()),
    }
    watch::look_at(core, &id, Some(reason)).await
}

/// Sets variables of the process scope.
pub(crate) async fn set_variables(
    core: &Arc<Core>,
    key: i64,
    scope: Option<u32>,
    variables: Variables,
) -> Result<(), EngineError> {
    limits::check_variables(&variables)?;
    if scope.is_some() {
        let what = "set variables of an inner scope; set them in the process scope".to_owned();
        return Err(EngineError::Unsupported { engine: core.name(), what });
    }
    let id = id_of(core, key).await?;
    core.remote.set_variables(&id, &variables).await?;
    for job in
        core.jobs.lock().all().filter(|(_, job)| job.instance == key).map(|(at, _)| at).collect::<Vec<_>>()
    {
        if let Some(job) = core.jobs.lock().get_mut(job) {
            job.variables.extend(variables.clone());
        }
    }
    core.notify(engine::port::Notice::Changed { instance: key });
    Ok(())
}
