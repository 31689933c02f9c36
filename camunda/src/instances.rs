//! Process instances: started, read, cancelled.

use std::collections::HashMap;
use std::sync::Arc;

use bpmn::program::{NodeKind, Throw, Variables};
use engine::port::{Instance, InstanceFilter, StartInstance, Status};
use engine::store::Commit;
use engine::{Error as EngineError, limits};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::camunda7::Core;
use crate::catalogue::{self, Deployed};
use crate::keys::key_of;
use crate::rest::{encode, optional, text, time_ms};
use crate::value::{self, HIDDEN};
use crate::{answer, course, ended, watch};

/// Variables of one instance.
const VARIABLE_COUNT_LIMIT: usize = 10_000;
/// Instances looked through for one that was not seen yet.
const SCAN_LIMIT: usize = 10_000;
/// Called instances that one instance may have.
const PARENT_CALL: u32 = 0;

/// What ProcOS keeps with an instance that it started.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Hidden {
    pub(crate) seed: u64,
    #[serde(default)]
    pub(crate) actor: Option<String>,
}

/// What ProcOS kept with the instance of these variables.
pub(crate) fn hidden(typed: &Map<String, Value>) -> Option<Hidden> {
    serde_json::from_str(text(typed.get(HIDDEN)?, "value")).ok()
}

/// Name of the variable that holds the hash of an idempotency key.
fn key_variable() -> String {
    format!("{HIDDEN}Key")
}

/// Name of the variable that says which run an instance belongs to.
pub(crate) fn run_variable() -> String {
    format!("{HIDDEN}Run")
}

/// Starts an instance.
pub(crate) async fn start(core: &Arc<Core>, request: StartInstance) -> Result<i64, EngineError> {
    limits::check_variables(&request.variables)?;
    if request.dry_run {
        let what = "make a dry run; use the embedded engine for it".to_owned();
        return Err(EngineError::Unsupported { engine: "camunda7", what });
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
    let kept = Hidden { seed: request.seed, actor: request.actor.clone() };
    variables.insert(HIDDEN.to_owned(), json!(serde_json::to_string(&kept).unwrap_or_default()));
    if core.settings.only_own {
        variables.insert(run_variable(), json!(core.worker));
    }
    let mut id = None;
    if let Some(key) = &request.idempotency_key {
        let hash = hex::encode(Sha256::digest(key.as_bytes()));
        let path = format!("/history/process-instance?variables={}_eq_{hash}&maxResults=1", key_variable());
        // Started before, but a crash came before it was noted here.
        id = core.rest.list(&path).await?.first().map(|found| text(found, "id").to_owned());
        variables.insert(key_variable(), json!(hash));
    }
    let id = match id {
        Some(id) => id,
        None => {
            let mut body =
                json!({"variables": value::to_camunda(&variables), "businessKey": request.business_key});
            if let Some(event) = only_start(core, &definition_id).await? {
                body["startInstructions"] = json!([{"type": "startBeforeActivity", "activityId": event}]);
            }
            let path = format!("/process-definition/{}/start", encode(&definition_id));
            text(&core.rest.post(&path, &body).await?, "id").to_owned()
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
    let which = match request.version {
        Some(version) => format!("version={version}"),
        None => "latestVersion=true".to_owned(),
    };
    let path = format!("/process-definition?key={}&{which}&maxResults=1", encode(process));
    match core.rest.list(&path).await?.first() {
        Some(found) => Ok(text(found, "id").to_owned()),
        None => Err(EngineError::NotFound { what: "process", id: process.clone() }),
    }
}

/// Camunda's id of an instance.
pub(crate) async fn id_of(core: &Arc<Core>, key: i64) -> Result<String, EngineError> {
    let open = core.open.lock().get(&key).map(|open| open.id.clone());
    if let Some(id) = open.or_else(|| core.keys.id(key)) {
        return Ok(id);
    }
    let path = format!("/history/process-instance?sortBy=startTime&sortOrder=desc&maxResults={SCAN_LIMIT}");
    for found in core.rest.list(&path).await? {
        if key_of(text(&found, "id")) == key {
            core.keys.see(text(&found, "id"));
            return Ok(text(&found, "id").to_owned());
        }
    }
    Err(EngineError::NotFound { what: "instance", id: key.to_string() })
}

/// One instance.
pub(crate) async fn instance(core: &Arc<Core>, key: i64) -> Result<Instance, EngineError> {
    let id = id_of(core, key).await?;
    let found = core.rest.get(&format!("/history/process-instance/{}", encode(&id))).await?;
    // Somebody who asks may know of an end before the next look around.
    if time_ms(&found, "endTime").is_some() && core.open.lock().contains_key(&key) {
        ended::finish(core, &found, None).await?;
    }
    let mut all = variables(core, std::slice::from_ref(&id)).await?;
    view(core, &found, all.remove(&id).unwrap_or_default()).await
}

/// Instances that match, newest first.
pub(crate) async fn instances(
    core: &Arc<Core>,
    filter: &InstanceFilter,
) -> Result<Vec<Instance>, EngineError> {
    let limit = limits::page(filter.limit);
    let wanted = if filter.before.is_some() { SCAN_LIMIT } else { limit };
    let mut path = format!("/history/process-instance?sortBy=startTime&sortOrder=desc&maxResults={wanted}");
    if let Some(process) = &filter.process_id {
        path.push_str(&format!("&processDefinitionKey={}", encode(process)));
    }
    if let Some(definition) = filter.definition {
        let id = catalogue::id_of(core, definition).await?;
        path.push_str(&format!("&processDefinitionId={}", encode(&id)));
    }
    match filter.status {
        Some(Status::Active) => path.push_str("&unfinished=true"),
        Some(Status::Suspended) => path.push_str("&suspended=true"),
        Some(_) => path.push_str("&finished=true"),
        None => {}
    }
    let mut found = core.rest.list(&path).await?;
    if let Some(before) = filter.before {
        // Keys have no order in time: the page goes on after the instance that ended the last one.
        let place = found.iter().position(|one| key_of(text(one, "id")) == before);
        found.drain(..place.map_or(0, |place| place + 1));
    }
    found.truncate(limit);
    let ids: Vec<String> = found.iter().map(|one| text(one, "id").to_owned()).collect();
    let mut all = variables(core, &ids).await?;
    let mut instances = Vec::with_capacity(found.len());
    for one in &found {
        let own = all.remove(text(one, "id")).unwrap_or_default();
        let instance = view(core, one, own).await?;
        if filter.status.is_none_or(|status| status == instance.status) {
            instances.push(instance);
        }
    }
    Ok(instances)
}

/// Typed variables of process scopes, by instance.
async fn variables(core: &Core, ids: &[String]) -> Result<HashMap<String, Map<String, Value>>, EngineError> {
    let mut all: HashMap<String, Map<String, Value>> = HashMap::new();
    if ids.is_empty() {
        return Ok(all);
    }
    let path =
        format!("/history/variable-instance?deserializeValues=false&maxResults={VARIABLE_COUNT_LIMIT}");
    let found = core.rest.post(&path, &json!({"processInstanceIdIn": ids})).await?;
    let mut found = found.as_array().cloned().unwrap_or_default();
    // In the order in which they came, as on the embedded engine.
    found.sort_by(|a, b| {
        (text(a, "createTime"), text(a, "name")).cmp(&(text(b, "createTime"), text(b, "name")))
    });
    for variable in &found {
        let instance = text(variable, "processInstanceId");
        if text(variable, "activityInstanceId") == instance && text(variable, "state") != "DELETED" {
            all.entry(instance.to_owned())
                .or_default()
                .insert(text(variable, "name").to_owned(), variable.clone());
        }
    }
    Ok(all)
}

async fn view(core: &Arc<Core>, found: &Value, typed: Map<String, Value>) -> Result<Instance, EngineError> {
    let id = text(found, "id");
    let key = core.keys.see(id);
    let deployed = catalogue::deployed(core, text(found, "processDefinitionId")).await?;
    let ended_ms = time_ms(found, "endTime");
    let steps = if ended_ms.is_some() && throws_errors(&deployed) {
        course::history(core, id, None).await?
    } else {
        Vec::new()
    };
    let incidents = if ended_ms.is_none() {
        let count = core.rest.get(&format!("/incident/count?processInstanceId={}", encode(id))).await?;
        count.get("count").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
    } else {
        0
    };
    let parent = optional(found, "superProcessInstanceId").map(|id| (core.keys.see(&id), PARENT_CALL));
    Ok(Instance {
        key,
        definition: deployed.definition.key,
        process_id: deployed.definition.process_id.clone(),
        version: deployed.definition.version,
        status: status_of(found, &deployed, &steps),
        incidents,
        business_key: optional(found, "businessKey"),
        parent,
        seed: hidden(&typed).map_or_else(|| key.unsigned_abs(), |hidden| hidden.seed),
        variables: value::visible(&typed),
        dry_run: false,
        started_ms: time_ms(found, "startTime").unwrap_or_default(),
        ended_ms,
    })
}

fn throws_errors(deployed: &Deployed) -> bool {
    deployed.program.as_ref().is_some_and(|program| {
        program.nodes.iter().any(|node| matches!(node.kind, NodeKind::End(Throw::Error { .. })))
    })
}

/// Camunda lets an error that nobody catches end the instance like any other end.
pub(crate) fn status_of(found: &Value, deployed: &Deployed, steps: &[Value]) -> Status {
    match text(found, "state") {
        "SUSPENDED" => Status::Suspended,
        "ACTIVE" => Status::Active,
        "EXTERNALLY_TERMINATED" | "INTERNALLY_TERMINATED" => Status::Terminated,
        _ if time_ms(found, "endTime").is_none() => Status::Active,
        _ => {
            let Some(program) = &deployed.program else { return Status::Completed };
            let uncaught = steps.iter().any(|step| {
                let node = program.find(text(step, "activityId")).and_then(|at| program.nodes.get(at));
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
    match core.rest.delete(&format!("/process-instance/{}?skipCustomListeners=true", encode(&id))).await {
        Ok(_) => {}
        Err(crate::Error::Missing { .. }) => {
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
        return Err(EngineError::Unsupported { engine: "camunda7", what });
    }
    let id = id_of(core, key).await?;
    let body = json!({"modifications": value::to_camunda(&variables)});
    core.rest.post(&format!("/process-instance/{}/variables", encode(&id)), &body).await?;
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
