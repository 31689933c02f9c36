//! Fetches external tasks by long polling, one call at a time, and hands them out as jobs.

use std::sync::Arc;
use std::time::Duration;

use bpmn::program::{Node, Program, Variables};
use engine::Error as EngineError;
use engine::port::{ActivateJobs, Job, Notice};
use engine::{limits, port};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::camunda7::Core;
use crate::catalogue::{self, Deployed};
use crate::instances::run_variable;
use crate::job::{Held, JOB_LIMIT, Place};
use crate::keys::key_of;
use crate::rest::{encode, optional, text, time_ms};
use crate::rewrite::{MESSAGE_TOPIC, SCRIPT_TOPIC, TOPIC};
use crate::{course, lease, own_work, value, watch};

/// External tasks fetched by one call.
const FETCH_LIMIT: usize = 200;
/// Locks that an earlier run left behind and that are looked at.
const LEFT_LIMIT: usize = 10_000;

/// Fetches for ever.
pub(crate) async fn keep_fetching(core: &Arc<Core>) {
    while let Err(error) = unlock_left(core).await {
        core.mark(Err(&error));
        core.pause().await;
    }
    // A call for jobs that a dead run left waiting in Camunda may still lock some for it.
    let mut left_until = Some(Instant::now() + Duration::from_millis(core.settings.long_poll_ms));
    loop {
        if left_until.is_some_and(|until| until <= Instant::now()) && unlock_left(core).await.is_ok() {
            left_until = None;
        }
        if core.jobs.lock().len() >= JOB_LIMIT {
            core.pause().await;
            continue;
        }
        match fetch(core).await {
            Ok(tasks) => {
                core.mark(Ok(()));
                for task in tasks {
                    if let Err(error) = take(core, &task).await {
                        tracing::warn!(task = text(&task, "id"), %error, "a job cannot be taken now");
                        let path = format!("/external-task/{}/unlock", encode(text(&task, "id")));
                        // If this fails too, the lock runs out.
                        let _ = core.rest.post(&path, &json!({})).await;
                        core.pause().await;
                    }
                }
            }
            Err(error) => {
                core.mark(Err(&error));
                core.pause().await;
            }
        }
    }
}

/// Gives back what is locked, also what the last call for jobs locks that still waits in Camunda: others may want it.
pub(crate) async fn give_back(core: &Core) {
    core.jobs.lock().clear();
    tokio::time::sleep(Duration::from_millis(core.settings.long_poll_ms)).await;
    if let Err(error) = unlock_left(core).await {
        tracing::debug!(%error, "locks run out by themselves, or are given back at the next start");
    }
}

/// Gives back what an earlier run had locked, so that nobody waits for those locks to run out.
async fn unlock_left(core: &Core) -> Result<(), crate::Error> {
    let path =
        format!("/external-task?workerId={}&locked=true&maxResults={LEFT_LIMIT}", encode(&core.worker));
    for task in core.rest.list(&path).await? {
        let id = text(&task, "id");
        // What is held or being answered here keeps its lock: given back, it would be fetched and done again.
        let is_held = core.jobs.lock().get(key_of(job_id(&task))).is_some();
        if !is_held && !core.owed.lock().values().any(|owed| owed.task == id) {
            match core.rest.post(&format!("/external-task/{}/unlock", encode(id)), &json!({})).await {
                Ok(_) | Err(crate::Error::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

async fn fetch(core: &Core) -> Result<Vec<Value>, crate::Error> {
    let lock = core.settings.lock_ms;
    let topics: Vec<Value> = [TOPIC, SCRIPT_TOPIC, MESSAGE_TOPIC]
        .iter()
        .map(|topic| {
            let mut asked = json!({"topicName": topic, "lockDuration": lock, "deserializeValues": false});
            if core.settings.only_own {
                asked["processVariables"] = json!({run_variable(): core.worker});
            }
            asked
        })
        .collect();
    let wait = core.settings.long_poll_ms;
    let body = json!({
        "workerId": core.worker, "maxTasks": FETCH_LIMIT, "usePriority": true, "asyncResponseTimeout": wait,
        "topics": topics,
    });
    let answer =
        core.rest.post_waiting("/external-task/fetchAndLock", &body, Duration::from_millis(wait)).await?;
    match answer {
        Value::Array(tasks) => Ok(tasks),
        _ => Err(crate::Error::Strange {
            path: "/external-task/fetchAndLock".to_owned(),
            detail: "it is not a list".to_owned(),
        }),
    }
}

/// What the key of a task's job is made of: its step in the history, so that the history tells of jobs.
fn job_id(task: &Value) -> &str {
    match text(task, "activityInstanceId") {
        "" => text(task, "id"),
        step => step,
    }
}

/// Which visit of its element a task is: how many times the instance has come there with it. The same on every engine,
/// so that draws seeded from it are too. `loop_counter` is Camunda's number of a run of a multi-instance.
async fn visit(core: &Arc<Core>, task: &Value, loop_counter: Option<u32>) -> Result<u32, EngineError> {
    let step = text(task, "activityInstanceId");
    course::visit(core, task, |steps| steps.visit(step, loop_counter)).await
}

async fn take(core: &Arc<Core>, task: &Value) -> Result<(), EngineError> {
    let id = text(task, "id").to_owned();
    let key = core.keys.see(job_id(task));
    let locked_until_ms = core.clock.now_ms() + core.settings.lock_ms;
    if let Some(known) = core.jobs.lock().get_mut(key) {
        // Its lock had run out while Camunda was away; the work goes on.
        known.locked_until_ms = locked_until_ms;
        return Ok(());
    }
    if core.owed.lock().values().any(|owed| owed.task == id) {
        // Its answer is recorded; Camunda will hear of it.
        return Ok(());
    }
    let instance_id = text(task, "processInstanceId").to_owned();
    let definition_id = text(task, "processDefinitionId").to_owned();
    let instance = watch::see(core, &instance_id, &definition_id).await?;
    let empty = Map::new();
    let typed = task.get("variables").and_then(Value::as_object).unwrap_or(&empty);
    let retries = task.get("retries").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let attempt = match retries {
        None => 0,
        // It failed before: its attempts go on, also after a restart.
        Some(_) => {
            let runs = core.store.task_runs(instance).await?;
            runs.iter().filter(|run| run.job == key).map(|run| run.attempt).max().unwrap_or(0)
        }
    };
    let loop_counter = typed.get("loopCounter").and_then(|typed| typed.get("value")).and_then(Value::as_u64);
    let loop_counter = loop_counter.and_then(|counter| u32::try_from(counter).ok());
    let job = Held {
        visit: visit(core, task, loop_counter).await?,
        topic: text(task, "topicName").to_owned(),
        instance,
        definition_id,
        element: text(task, "activityId").to_owned(),
        variables: value::visible(typed),
        seed: crate::instances::hidden(typed).map(|hidden| hidden.seed),
        retries,
        priority: task.get("priority").and_then(Value::as_i64).unwrap_or(0),
        created_ms: time_ms(task, "createTime").unwrap_or(core.clock.now_ms()),
        business_key: optional(task, "businessKey"),
        attempt,
        locked_until_ms,
        place: Place::Ready,
        id,
    };
    let is_own = [SCRIPT_TOPIC, MESSAGE_TOPIC].contains(&job.topic.as_str());
    core.jobs.lock().insert(key, job);
    if is_own {
        let core = Arc::clone(core);
        tokio::spawn(async move { own_work::work(&core, key).await });
    } else {
        core.job_added.notify_waiters();
        core.notify(Notice::Changed { instance });
    }
    Ok(())
}

/// Leases jobs; waits for one if the request says so.
pub(crate) async fn activate(core: &Arc<Core>, request: ActivateJobs) -> Result<Vec<Job>, EngineError> {
    limits::check_text("the worker's name", &request.worker)?;
    lease::check_length(request.lease_ms)?;
    if let Some(types) = &request.job_types {
        return fetch_for(core, &request, types).await;
    }
    let deadline = Instant::now() + Duration::from_millis(request.wait_ms.min(limits::WAIT_LIMIT_MS));
    let max = request.max.min(limits::ACTIVATION_LIMIT);
    loop {
        let added = core.job_added.notified();
        tokio::pin!(added);
        added.as_mut().enable();
        let until_ms = core.clock.now_ms().saturating_add(request.lease_ms);
        let leased = core.jobs.lock().lease(TOPIC, request.instance, max, &request.worker, until_ms);
        let mut jobs = Vec::with_capacity(leased.len());
        for (key, held) in leased {
            let deployed = catalogue::deployed(core, &held.definition_id).await;
            match deployed.and_then(|deployed| describe(core, key, &held, &deployed)) {
                Ok(job) => jobs.push(job),
                Err(error) => own_work::refuse(core, key, held.attempt, &error).await,
            }
        }
        if !jobs.is_empty() || request.wait_ms == 0 || Instant::now() >= deadline {
            return Ok(jobs);
        }
        tokio::select! {
            () = added => {}
            () = tokio::time::sleep_until(deadline) => {}
        }
    }
}

/// Jobs of outside workers: fetched when they ask, under the worker's own lease.
async fn fetch_for(
    core: &Arc<Core>,
    request: &ActivateJobs,
    types: &[String],
) -> Result<Vec<Job>, EngineError> {
    if request.instance.is_some() {
        let what = "lease jobs of outside types for one instance only".to_owned();
        return Err(EngineError::Unsupported { engine: "camunda7", what });
    }
    let topics: Vec<Value> = types
        .iter()
        .filter(|name| ![TOPIC, SCRIPT_TOPIC, MESSAGE_TOPIC].contains(&name.as_str()))
        .map(|name| json!({"topicName": name, "lockDuration": request.lease_ms, "deserializeValues": false}))
        .collect();
    let wait = request.wait_ms.min(limits::WAIT_LIMIT_MS);
    let mut body = json!({
        "workerId": core.worker, "maxTasks": request.max.clamp(1, limits::ACTIVATION_LIMIT), "usePriority": true,
        "topics": topics,
    });
    if wait > 0 {
        body["asyncResponseTimeout"] = json!(wait);
    }
    let answer =
        core.rest.post_waiting("/external-task/fetchAndLock", &body, Duration::from_millis(wait)).await?;
    let mut jobs = Vec::new();
    for task in answer.as_array().into_iter().flatten() {
        take(core, task).await?;
        let key = key_of(job_id(task));
        let until_ms = core.clock.now_ms().saturating_add(request.lease_ms);
        let Some(held) = core.jobs.lock().lease_one(key, &request.worker, until_ms) else { continue };
        let deployed = catalogue::deployed(core, &held.definition_id).await?;
        jobs.push(describe(core, key, &held, &deployed)?);
    }
    Ok(jobs)
}

/// The job as everybody sees it, with its input mappings evaluated.
pub(crate) fn describe(core: &Core, key: i64, held: &Held, deployed: &Deployed) -> Result<Job, EngineError> {
    let program = deployed.program.as_ref();
    let node = program.and_then(|program| node_of(program, &held.element));
    let spec = node.map(|node| node.task.clone()).unwrap_or_default();
    let variables = match node.filter(|_| held.topic == TOPIC) {
        Some(node) => inputs(core, node, held)?,
        None => held.variables.clone(),
    };
    let (worker, lease_until_ms) = match &held.place {
        Place::Leased { worker, until_ms } => (Some(worker.clone()), Some(*until_ms)),
        _ => (None, None),
    };
    let definition = &deployed.definition;
    Ok(Job {
        key,
        instance: held.instance,
        definition: definition.key,
        process_id: definition.process_id.clone(),
        version: definition.version,
        element: held.element.clone(),
        element_name: node.and_then(|node| node.name.clone()).unwrap_or_else(|| held.element.clone()),
        element_kind: node.map_or_else(|| "serviceTask".to_owned(), |node| node.local_name.clone()),
        kind: bpmn::program::JobKind::Service,
        variables,
        attempt: held.attempt,
        visit: held.visit,
        retries: held.retries.unwrap_or_else(|| spec.retries.unwrap_or(limits::DEFAULT_RETRIES).max(1)),
        priority: held.priority,
        worker,
        lease_until_ms,
        created_ms: held.created_ms,
        seed: held.seed.unwrap_or_else(|| held.instance.unsigned_abs()),
        dry_run: false,
        business_key: held.business_key.clone(),
        assignee: None,
        spec,
    })
}

/// The node of an element id; Camunda marks bodies of multi-instances.
pub(crate) fn node_of<'p>(program: &'p Program, element: &str) -> Option<&'p Node> {
    let id = element.split('#').next().unwrap_or(element);
    program.find(id).and_then(|index| program.nodes.get(index))
}

/// What the task sees: its declared inputs, else everything.
fn inputs(core: &Core, node: &Node, held: &Held) -> Result<Variables, EngineError> {
    let mut seen = held.variables.clone();
    // Runs are counted from 1 in ProcOS, from 0 in Camunda 7.
    if node.repeat.is_some()
        && let Some(counter) = seen.get("loopCounter").and_then(Value::as_i64)
    {
        seen.insert("loopCounter".to_owned(), json!(counter + 1));
    }
    if node.inputs.is_empty() {
        return Ok(seen);
    }
    own_work::map(&node.inputs, &seen, core.clock.now_ms())
}

/// Jobs that match, leased or not; user tasks are Camunda's and asked for there.
pub(crate) async fn list(core: &Arc<Core>, filter: &port::JobFilter) -> Result<Vec<Job>, EngineError> {
    let limit = limits::page(filter.limit);
    let mut jobs = Vec::new();
    if filter.kind != Some(bpmn::program::JobKind::User) {
        jobs = listed_tasks(core, filter, limit).await?;
    }
    if filter.kind != Some(bpmn::program::JobKind::Service) && filter.job_type.is_none() {
        jobs.extend(crate::user_tasks::list(core, filter.instance, limit).await?);
    }
    jobs.retain(|job| filter.key.is_none_or(|key| key == job.key));
    jobs.truncate(limit);
    Ok(jobs)
}

async fn listed_tasks(
    core: &Arc<Core>,
    filter: &port::JobFilter,
    limit: usize,
) -> Result<Vec<Job>, EngineError> {
    let mut path = format!("/external-task?maxResults={limit}&sortBy=createTime&sortOrder=asc");
    if let Some(instance) = filter.instance {
        let id = crate::instances::id_of(core, instance).await?;
        path.push_str(&format!("&processInstanceId={}", encode(&id)));
    }
    if let Some(topic) = &filter.job_type {
        path.push_str(&format!("&topicName={}", encode(topic)));
    }
    let mut jobs = Vec::new();
    for task in core.rest.list(&path).await? {
        let key = core.keys.see(job_id(&task));
        let known = core.jobs.lock().get(key).cloned();
        let deployed = catalogue::deployed(core, text(&task, "processDefinitionId")).await?;
        let visit = match &known {
            Some(held) => held.visit,
            None => visit(core, &task, None).await?,
        };
        let held = known.unwrap_or_else(|| Held {
            id: text(&task, "id").to_owned(),
            topic: text(&task, "topicName").to_owned(),
            instance: core.keys.see(text(&task, "processInstanceId")),
            definition_id: text(&task, "processDefinitionId").to_owned(),
            element: text(&task, "activityId").to_owned(),
            variables: Variables::new(),
            seed: None,
            retries: task.get("retries").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()),
            priority: task.get("priority").and_then(Value::as_i64).unwrap_or(0),
            created_ms: time_ms(&task, "createTime").unwrap_or_default(),
            business_key: optional(&task, "businessKey"),
            attempt: 0,
            visit,
            locked_until_ms: 0,
            place: Place::Ready,
        });
        if let Ok(job) = describe(core, key, &held, &deployed) {
            jobs.push(job);
        }
    }
    Ok(jobs)
}
