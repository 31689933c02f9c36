//! User tasks: Camunda's, listed and completed like any job of a person.

use std::sync::Arc;

use bpmn::program::{JobKind, Variables};
use engine::port::Job;
use engine::{Error as EngineError, limits};
use serde_json::{Map, Value, json};
use trail::NewEvent;

use crate::camunda7::Core;
use crate::keys::key_of;
use crate::rest::{encode, optional, text, time_ms};
use crate::{answer, catalogue, course, fetch, instances, value};

/// User tasks looked through for one that was not seen yet.
const SCAN_LIMIT: usize = 10_000;

/// User tasks of one instance or all.
pub(crate) async fn list(
    core: &Arc<Core>,
    instance: Option<i64>,
    limit: usize,
) -> Result<Vec<Job>, EngineError> {
    let mut path = format!("/task?sortBy=created&sortOrder=asc&maxResults={limit}");
    if let Some(instance) = instance {
        let id = instances::id_of(core, instance).await?;
        path.push_str(&format!("&processInstanceId={}", encode(&id)));
    }
    let mut jobs = Vec::new();
    for task in core.rest.list(&path).await? {
        // Tasks without a process are nobody's job.
        if optional(&task, "processDefinitionId").is_some()
            && let Some(job) = view(core, &task).await?
        {
            jobs.push(job);
        }
    }
    Ok(jobs)
}

/// `None` where the task is done by the time it is looked at.
async fn view(core: &Arc<Core>, task: &Value) -> Result<Option<Job>, EngineError> {
    let id = text(task, "id");
    let deployed = catalogue::deployed(core, text(task, "processDefinitionId")).await?;
    let path = format!("/task/{}/variables?deserializeValues=false", encode(id));
    let typed = match core.rest.get(&path).await {
        Ok(typed) => typed,
        Err(crate::Error::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let empty = Map::new();
    let typed = typed.as_object().unwrap_or(&empty);
    let element = text(task, "taskDefinitionKey").to_owned();
    let node = deployed.program.as_ref().and_then(|program| fetch::node_of(program, &element));
    let instance = core.keys.see(text(task, "processInstanceId"));
    let visit = course::visit(core, task, |steps| steps.visit_of_user_task(id)).await?;
    let definition = &deployed.definition;
    Ok(Some(Job {
        key: core.keys.see(id),
        instance,
        definition: definition.key,
        process_id: definition.process_id.clone(),
        version: definition.version,
        element_name: optional(task, "name").unwrap_or_else(|| element.clone()),
        element,
        element_kind: node.map_or_else(|| "userTask".to_owned(), |node| node.local_name.clone()),
        kind: JobKind::User,
        spec: node.map(|node| node.task.clone()).unwrap_or_default(),
        variables: value::visible(typed),
        attempt: 0,
        visit,
        retries: limits::DEFAULT_RETRIES,
        priority: task.get("priority").and_then(Value::as_i64).unwrap_or(0),
        worker: None,
        lease_until_ms: None,
        created_ms: time_ms(task, "created").unwrap_or_default(),
        seed: instances::hidden(typed).map_or_else(|| instance.unsigned_abs(), |hidden| hidden.seed),
        dry_run: false,
        business_key: None,
        assignee: optional(task, "assignee"),
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
    let instance = core.keys.see(text(&task, "processInstanceId"));
    let one = |kind: &str, data| NewEvent {
        instance: Some(instance),
        element: optional(&task, "taskDefinitionKey"),
        actor: actor.to_owned(),
        data,
        ..NewEvent::new(kind, core.clock.now_ms())
    };
    let mut events =
        vec![one("user_task.completed", json!({"job": key})), one("job.ended", json!({"job": key}))];
    if !variables.is_empty() {
        events.push(one("variables.set", json!({"variables": variables})));
    }
    answer::user_task(core, text(&task, "id").to_owned(), instance, variables, events).await
}

/// The task with this key as Camunda shows it.
pub(crate) async fn find(core: &Core, key: i64) -> Result<Value, EngineError> {
    let missing = || EngineError::NotFound { what: "user task", id: key.to_string() };
    let id = match core.keys.id(key) {
        Some(id) => id,
        None => {
            let all = core.rest.list(&format!("/task?maxResults={SCAN_LIMIT}")).await?;
            let found = all.iter().map(|task| text(task, "id")).find(|id| key_of(id) == key);
            found.ok_or_else(missing)?.to_owned()
        }
    };
    match core.rest.get(&format!("/task/{}", encode(&id))).await {
        Ok(task) => Ok(task),
        Err(crate::Error::Missing { .. }) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}
