//! User tasks: Camunda's, listed and completed like any job of a person.

use std::sync::Arc;

use bpmn::program::{JobKind, Variables};
use engine::port::Job;
use engine::{Error as EngineError, limits};
use serde_json::json;
use trail::NewEvent;

use crate::core::Core;
use crate::hidden::{hidden, visible};
use crate::keys::key_of;
use crate::remote::RemoteTask;
use crate::{answer, catalogue, course, fetch, instances};

/// User tasks looked through for one that was not seen yet.
const SCAN_LIMIT: usize = 10_000;

/// User tasks of one instance or all.
pub(crate) async fn list(
    core: &Arc<Core>,
    instance: Option<i64>,
    limit: usize,
) -> Result<Vec<Job>, EngineError> {
    let id = match instance {
        Some(instance) => Some(instances::id_of(core, instance).await?),
        None => None,
    };
    let mut jobs = Vec::new();
    for task in core.remote.user_tasks(id.as_deref(), limit).await? {
        jobs.extend(view(core, &task).await?);
    }
    Ok(jobs)
}

/// `None` where the task is done by the time it is looked at.
async fn view(core: &Arc<Core>, task: &RemoteTask) -> Result<Option<Job>, EngineError> {
    let deployed = catalogue::known(core, &task.definition).await?;
    let variables = match core.remote.user_task_variables(task).await {
        Ok(variables) => variables,
        Err(crate::Error::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let element = task.element.clone();
    let node = deployed.program.as_ref().and_then(|program| fetch::node_of(program, &element));
    let kept = hidden(&variables);
    let instance = core.keys.see(&task.instance);
    let visit = course::visit(core, &task.instance, &task.definition, 0, |steps| match task.step.as_str() {
        "" => steps.visit_of_user_task(&task.id),
        step => steps.visit(step, None),
    })
    .await?;
    let definition = &deployed.definition;
    Ok(Some(Job {
        element_instance: None,
        key: core.keys.see(&task.id),
        instance,
        definition: definition.key,
        process_id: definition.process_id.clone(),
        version: definition.version,
        element_name: task.name.clone().unwrap_or_else(|| element.clone()),
        element,
        element_kind: node.map_or_else(|| "userTask".to_owned(), |node| node.local_name.clone()),
        kind: JobKind::User,
        spec: node.map(|node| node.task.clone()).unwrap_or_default(),
        variables: visible(variables),
        attempt: 0,
        visit,
        retries: limits::DEFAULT_RETRIES,
        priority: task.priority,
        worker: None,
        lease_until_ms: None,
        created_ms: task.created_ms,
        seed: kept.as_ref().map_or_else(|| instance.unsigned_abs(), |kept| kept.seed),
        dry_run: false,
        business_key: kept.and_then(|kept| kept.business_key),
        assignee: task.assignee.clone(),
    }))
}

/// Completes a user task by a person.
pub(crate) async fn complete(
    core: &Arc<Core>,
    key: i64,
    actor: &str,
    variables: Variables,
) -> Result<(), EngineError> {
    limits::check_variables(&variables)?;
    limits::check_text("the actor", actor)?;
    let task = find(core, key).await?;
    let instance = core.keys.see(&task.instance);
    let one = |kind: &str, data| NewEvent {
        instance: Some(instance),
        element: Some(task.element.clone()),
        actor: actor.to_owned(),
        data,
        ..NewEvent::new(kind, core.clock.now_ms())
    };
    let mut events =
        vec![one("user_task.completed", json!({"job": key})), one("job.ended", json!({"job": key}))];
    if !variables.is_empty() {
        events.push(one("variables.set", json!({"variables": variables})));
    }
    answer::user_task(core, &task, instance, variables, events).await?;
    // Whoever asks next does not find it open.
    let is_gone =
        |found: &Result<RemoteTask, crate::Error>| matches!(found, Err(crate::Error::Missing { .. }));
    let _seen = core.until(|| core.remote.user_task(&task.id), is_gone).await;
    Ok(())
}

/// The task with this key as Camunda shows it.
pub(crate) async fn find(core: &Core, key: i64) -> Result<RemoteTask, EngineError> {
    let missing = || EngineError::NotFound { what: "user task", id: key.to_string() };
    let id = match core.remote.id_of(key).or_else(|| core.keys.id(key)) {
        Some(id) => id,
        None => {
            let all = core.remote.user_tasks(None, SCAN_LIMIT).await?;
            all.into_iter().map(|task| task.id).find(|id| key_of(id) == key).ok_or_else(missing)?
        }
    };
    match core.remote.user_task(&id).await {
        Ok(task) => Ok(task),
        Err(crate::Error::Missing { .. }) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}
