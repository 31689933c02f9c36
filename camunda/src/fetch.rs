//! Fetches jobs by long polling and hands them out.

use std::sync::Arc;
use std::time::Duration;

use bpmn::program::{Node, Program, Variables};
use engine::Error as EngineError;
use engine::port::{ActivateJobs, Job, Notice};
use engine::{limits, port};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::catalogue::{self, Deployed};
use crate::core::Core;
use crate::hidden::{hidden, run_variable, visible};
use crate::job::{Held, JOB_LIMIT, Place};
use crate::keys::key_of;
use crate::remote::{Fetch, RemoteJob};
use crate::{course, lease, own_work, topic, watch};

/// Jobs fetched by one call.
const FETCH_LIMIT: usize = 200;

/// Fetches for ever.
pub(crate) async fn keep_fetching(core: &Arc<Core>) {
    while let Err(error) = unlock_left(core).await {
        core.mark(Err(&error));
        core.pause().await;
    }
    let topics = core.remote.topics().iter().enumerate();
    futures::future::join_all(topics.map(|(at, topics)| keep_fetching_of(core, topics, at == 0))).await;
}

/// Fetches jobs of some types; `looks_back` gives back what a dead run locks late.
async fn keep_fetching_of(core: &Arc<Core>, topics: &[&str], looks_back: bool) {
    // A call for jobs that a dead run left waiting in Camunda may still lock some for it.
    let late = Instant::now() + Duration::from_millis(core.settings.long_poll_ms);
    let mut left_until = looks_back.then_some(late);
    loop {
        if left_until.is_some_and(|until| until <= Instant::now()) && unlock_left(core).await.is_ok() {
            left_until = None;
        }
        if core.jobs.lock().len() >= JOB_LIMIT {
            core.pause().await;
            continue;
        }
        match fetch(core, topics).await {
            Ok(jobs) => {
                core.mark(Ok(()));
                for job in jobs {
                    if let Err(error) = take(core, &job).await {
                        tracing::warn!(job = job.id, %error, "a job cannot be taken now");
                        // If this fails too, the lock runs out.
                        let _ = core.remote.unlock(&job, 0).await;
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
    for job in core.remote.locked(&core.worker).await? {
        // What is held or being answered here keeps its lock: given back, it would be fetched and done again.
        let is_held = core.jobs.lock().get(key_of(&job.step)).is_some();
        if !is_held && !core.owed.lock().values().any(|owed| owed.task == job.id) {
            match core.remote.unlock(&job, 0).await {
                Ok(()) | Err(crate::Error::Missing { .. }) => {}
                // A search that lags: nobody has it any more.
                Err(error) if error.is_not_held() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

async fn fetch(core: &Core, topics: &[&str]) -> Result<Vec<RemoteJob>, crate::Error> {
    let wanted = Fetch {
        topics,
        worker: &core.worker,
        max: FETCH_LIMIT,
        lock_ms: core.settings.lock_ms,
        wait_ms: core.settings.long_poll_ms,
        run: core.settings.only_own.then_some(core.worker.as_str()),
    };
    core.remote.fetch(&wanted).await
}

/// Which visit of its element a job is: how many times the instance has come there with it. The same on every engine,
/// so that draws seeded from it are too.
async fn visit(core: &Arc<Core>, job: &RemoteJob, wait_ms: u64) -> Result<u32, EngineError> {
    // Camunda 7 numbers runs that begin at once; in Camunda 8 the keys of their steps order them.
    let counter =
        job.variables.get("loopCounter").and_then(Value::as_u64).filter(|_| !core.remote.evaluates());
    let counter = counter.and_then(|counter| u32::try_from(counter).ok());
    course::visit(core, &job.instance, &job.definition, wait_ms, |steps| steps.visit(&job.step, counter))
        .await
}

async fn take(core: &Arc<Core>, job: &RemoteJob) -> Result<(), EngineError> {
    let id = job.id.clone();
    let key = core.keys.see(&job.step);
    let locked_until_ms = core.clock.now_ms() + core.settings.lock_ms;
    if let Some(known) = core.jobs.lock().get_mut(key) {
        // Its lock had run out while Camunda was away; the work goes on.
        known.locked_until_ms = locked_until_ms;
        return Ok(());
    }
    if core.owed.lock().values().any(|owed| owed.task == id) {
        // Its answer is recorded; Camunda will hear of it.
        core.owed_added.notify_one();
        return Ok(());
    }
    let run = job.variables.get(&run_variable()).and_then(Value::as_str);
    if core.settings.only_own && run != Some(core.worker.as_str()) && topic::is_own(&job.topic) {
        // Camunda 8 cannot tell them apart; whose it is takes it a little later.
        return Ok(core.remote.unlock(job, core.settings.retry_ms).await?);
    }
    let instance = watch::see(core, &job.instance, &job.definition).await?;
    let attempt = match job.retries {
        None => 0,
        // It may have failed before: its attempts go on, also after a restart.
        Some(_) => {
            let runs = core.store.task_runs(instance).await?;
            runs.iter().filter(|run| run.job == key).map(|run| run.attempt).max().unwrap_or(0)
        }
    };
    let visit = visit(core, job, core.remote.lag_ms()).await?;
    let deployed = catalogue::known(core, &job.definition).await?;
    let node = deployed.program.as_ref().and_then(|program| node_of(program, &job.element));
    let kept = hidden(&job.variables);
    let held = Held {
        visit,
        step: job.step.clone(),
        topic: job.topic.clone(),
        instance,
        definition_id: job.definition.clone(),
        element: job.element.clone(),
        variables: visible(job.variables.clone()),
        seed: kept.as_ref().map(|kept| kept.seed),
        retries: job.retries,
        priority: job.priority.or_else(|| node?.task.priority).unwrap_or(0),
        created_ms: job.created_ms.unwrap_or_else(|| core.clock.now_ms()),
        business_key: job.business_key.clone().or_else(|| kept?.business_key),
        attempt,
        locked_until_ms,
        place: Place::Ready,
        id,
    };
    let is_own = [topic::SCRIPT, topic::MESSAGE].contains(&held.topic.as_str());
    core.jobs.lock().insert(key, held);
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
        let leased = core.jobs.lock().lease(topic::TASK, request.instance, max, &request.worker, until_ms);
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
        return Err(EngineError::Unsupported { engine: core.name(), what });
    }
    let topics: Vec<&str> = types.iter().map(String::as_str).filter(|name| !topic::is_own(name)).collect();
    let wanted = Fetch {
        topics: &topics,
        worker: &core.worker,
        max: request.max.clamp(1, limits::ACTIVATION_LIMIT),
        lock_ms: request.lease_ms,
        wait_ms: request.wait_ms.min(limits::WAIT_LIMIT_MS),
        run: None,
    };
    let mut jobs = Vec::new();
    for job in core.remote.fetch(&wanted).await? {
        take(core, &job).await?;
        let key = key_of(&job.step);
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
    let variables = match node.filter(|_| held.topic == topic::TASK) {
        Some(node) => inputs(core, node, held)?,
        None => held.variables.clone(),
    };
    let (worker, lease_until_ms) = match &held.place {
        Place::Leased { worker, until_ms } => (Some(worker.clone()), Some(*until_ms)),
        _ => (None, None),
    };
    let definition = &deployed.definition;
    Ok(Job {
        element_instance: None,
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
    if core.remote.evaluates() {
        return Ok(match node.inputs.is_empty() {
            true => held.variables.clone(),
            false => own_work::declared(node, &held.variables),
        });
    }
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
    let id = match filter.instance {
        Some(instance) => Some(crate::instances::id_of(core, instance).await?),
        None => None,
    };
    let mut jobs = Vec::new();
    for job in core.remote.jobs(id.as_deref(), filter.job_type.as_deref(), limit).await? {
        let key = core.keys.see(&job.step);
        let known = core.jobs.lock().get(key).cloned();
        let deployed = catalogue::known(core, &job.definition).await?;
        let visit = match &known {
            Some(held) => held.visit,
            // Nothing is drawn from a job that is only shown.
            None => visit(core, &job, 0).await?,
        };
        let node = deployed.program.as_ref().and_then(|program| node_of(program, &job.element));
        let held = known.unwrap_or_else(|| Held {
            instance: core.keys.see(&job.instance),
            variables: Variables::new(),
            seed: None,
            priority: job.priority.or_else(|| node?.task.priority).unwrap_or(0),
            created_ms: job.created_ms.unwrap_or_default(),
            attempt: 0,
            visit,
            locked_until_ms: 0,
            place: Place::Ready,
            id: job.id,
            step: job.step,
            topic: job.topic,
            definition_id: job.definition,
            element: job.element,
            retries: job.retries,
            business_key: job.business_key,
        });
        if let Ok(job) = describe(core, key, &held, &deployed) {
            jobs.push(job);
        }
    }
    Ok(jobs)
}
