//! Camunda 8's REST API, call by call.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bpmn::model::Definitions;
use bpmn::program::{NodeKind, Program, Variables};
use engine::limits;
use engine::port::{Assignment, DeployFile, Escalation};
use engine::store::StoredMessage;
use serde_json::{Value, json};

use super::{Eight, PAGE, TOPICS, definitions, read};
use crate::Error;
use crate::answer::Answer;
use crate::hidden::run_variable;
use crate::remote::{
    Fetch, InstanceQuery, MigrationPlan, Order, Remote, RemoteDefinition, RemoteIncident, RemoteInstance,
    RemoteJob, RemoteStart, RemoteStep, RemoteTask, Resource, Subscription,
};
use crate::rest::{encode, text};

/// Variables of instances that are read at once.
const VARIABLE_COUNT_LIMIT: usize = 10_000;
/// Steps of one instance.
const STEP_LIMIT: usize = 20_000;
/// Steps of any instance asked for at once.
const MOVE_LIMIT: usize = 500;
/// Jobs that a worker may have locked.
const LOCKED_LIMIT: usize = 10_000;
/// Characters of an error message that are sent.
const MESSAGE_LIMIT: usize = 2_000;
/// How far times are looked at again: what an exporter hands on late has an earlier time.
const OVERLAP_MS: i64 = 30_000;

#[async_trait]
impl Remote for Eight {
    fn name(&self) -> &'static str {
        "camunda8"
    }

    fn url(&self) -> &str {
        self.rest.url()
    }

    fn lag_ms(&self) -> u64 {
        self.lag_ms
    }

    fn overlap_ms(&self) -> i64 {
        OVERLAP_MS
    }

    fn evaluates(&self) -> bool {
        true
    }

    fn merges_joins(&self) -> bool {
        true
    }

    fn keeps_messages(&self) -> bool {
        true
    }

    fn topics(&self) -> &'static [&'static [&'static str]] {
        TOPICS
    }

    fn id_of(&self, key: i64) -> Option<String> {
        Some(key.to_string())
    }

    fn prepare(
        &self,
        file: &DeployFile,
        definitions: &Definitions,
        programs: &[Program],
    ) -> Result<Vec<Resource>, Vec<String>> {
        definitions::prepare(file, definitions, programs)
    }

    async fn deploy(&self, resources: Vec<Resource>) -> Result<Vec<String>, Error> {
        self.deploy_files(resources).await
    }

    async fn definitions(&self, limit: usize) -> Result<Vec<String>, Error> {
        let path = "/process-definitions/search";
        let found = self.search(path, json!({}), "version", "DESC", 0, limit).await?;
        Ok(found.iter().map(|one| read::key(one, "processDefinitionKey")).collect())
    }

    async fn definition(&self, id: &str) -> Result<RemoteDefinition, Error> {
        self.read_definition(id).await
    }

    async fn find_definition(&self, process: &str, version: Option<i32>) -> Result<Option<String>, Error> {
        self.newest(process, version).await
    }

    async fn start(&self, start: &RemoteStart) -> Result<String, Error> {
        let body = json!({"processDefinitionKey": start.definition, "variables": start.variables});
        let answer = self.rest.post("/process-instances", &body).await?;
        Ok(read::key(&answer, "processInstanceKey"))
    }

    async fn find_by_variable(&self, name: &str, text: &str) -> Result<Option<String>, Error> {
        let filter = json!({"variables": [has_text(name, text)]});
        let found = self.search("/process-instances/search", filter, "startDate", "ASC", 0, 1).await?;
        Ok(found.first().map(|found| read::key(found, "processInstanceKey")))
    }

    async fn instance(&self, id: &str) -> Result<RemoteInstance, Error> {
        Ok(read::instance(&self.rest.get(&format!("/process-instances/{}", encode(id))).await?))
    }

    async fn instances(&self, query: &InstanceQuery) -> Result<Vec<RemoteInstance>, Error> {
        let mut filter = json!({});
        if let Some(process) = &query.process {
            filter["processDefinitionId"] = json!(process);
        }
        if let Some(definition) = &query.definition {
            filter["processDefinitionKey"] = json!(definition);
        }
        let ended = ["COMPLETED", "TERMINATED"];
        match query.open {
            _ if query.suspended => filter["state"] = json!("SUSPENDED"),
            Some(true) => filter["state"] = json!({"$notIn": ended}),
            Some(false) => filter["state"] = json!({"$in": ended}),
            None => {}
        }
        if let Some(since_ms) = query.started_since_ms {
            filter["startDate"] = json!({"$gte": date(since_ms)});
        }
        if let Some(since_ms) = query.ended_since_ms {
            filter["endDate"] = json!({"$gte": date(since_ms)});
        }
        if let Some(run) = &query.run {
            filter["variables"] = json!([has_text(&run_variable(), run)]);
        }
        let (field, order) = match query.order {
            Order::NewestStart => ("startDate", "DESC"),
            Order::OldestStart => ("startDate", "ASC"),
            Order::NewestEnd => ("endDate", "DESC"),
            Order::OldestEnd => ("endDate", "ASC"),
        };
        let path = "/process-instances/search";
        let found = self.search(path, filter, field, order, query.first, query.limit).await?;
        Ok(found.iter().map(read::instance).collect())
    }

    async fn variables(&self, instances: &[String]) -> Result<HashMap<String, Variables>, Error> {
        let mut all: HashMap<String, Variables> = HashMap::new();
        let filter = json!({"processInstanceKey": {"$in": instances}});
        let path = "/variables/search";
        let mut found = self.search(path, filter, "name", "ASC", 0, VARIABLE_COUNT_LIMIT).await?;
        found.sort_by_key(|one| read::key(one, "variableKey").parse::<i64>().unwrap_or(0));
        for one in &found {
            let instance = read::key(one, "processInstanceKey");
            if read::key(one, "scopeKey") == instance
                && let Some(value) = self.value(one).await?
            {
                all.entry(instance).or_default().insert(text(one, "name").to_owned(), value);
            }
        }
        Ok(all)
    }

    async fn set_variables(&self, instance: &str, variables: &Variables) -> Result<(), Error> {
        let path = format!("/element-instances/{}/variables", encode(instance));
        self.rest.put(&path, &json!({"variables": variables, "local": false})).await.map(drop)
    }

    async fn cancel(&self, instance: &str) -> Result<(), Error> {
        let path = format!("/process-instances/{}/cancellation", encode(instance));
        self.rest.post(&path, &json!({})).await.map(drop)
    }

    async fn suspend(&self, instance: &str, suspended: bool) -> Result<(), Error> {
        let what = if suspended { "suspension" } else { "resumption" };
        let path = format!("/process-instances/{}/{what}", encode(instance));
        self.rest.post(&path, &json!({})).await.map(drop)
    }

    async fn modify(&self, instance: &str, activate: &[String], terminate: &[String]) -> Result<(), Error> {
        let activate: Vec<Value> = activate.iter().map(|id| json!({"elementId": id})).collect();
        let terminate: Vec<Value> = terminate.iter().map(|key| json!({"elementInstanceKey": key})).collect();
        let path = format!("/process-instances/{}/modification", encode(instance));
        let body = json!({"activateInstructions": activate, "terminateInstructions": terminate});
        self.rest.post(&path, &body).await.map(drop)
    }

    async fn migrate(&self, instance: &str, plan: &MigrationPlan) -> Result<(), Error> {
        let mapped = |id: &String| {
            let target = plan.elements.get(id).unwrap_or(id);
            json!({"sourceElementId": id, "targetElementId": target})
        };
        let instructions: Vec<Value> = plan.active.iter().map(mapped).collect();
        let path = format!("/process-instances/{}/migration", encode(instance));
        let body = json!({"targetProcessDefinitionKey": plan.target, "mappingInstructions": instructions});
        self.rest.post(&path, &body).await.map(drop)
    }

    async fn steps(
        &self,
        instance: &str,
        since_ms: Option<i64>,
        program: Option<&Program>,
    ) -> Result<Vec<RemoteStep>, Error> {
        let path = "/element-instances/search";
        let mut filter = json!({"processInstanceKey": instance});
        if let Some(since_ms) = since_ms {
            filter["startDate"] = json!({"$gte": date(since_ms)});
        }
        let found = self.search(path, filter, "startDate", "ASC", 0, STEP_LIMIT).await?;
        let mut steps: Vec<RemoteStep> = found.iter().filter_map(read::step).collect();
        // Keys are given in the order in which things begin.
        steps.sort_by_key(|step| step.id.parse::<i64>().unwrap_or(0));
        if program.is_none_or(has_scopes) {
            let places: HashMap<String, usize> =
                steps.iter().enumerate().map(|(at, step)| (step.id.clone(), at)).collect();
            for scope in found.iter().filter(|found| read::is_scope(found)) {
                let key = read::key(scope, "elementInstanceKey");
                let filter = json!({"processInstanceKey": instance, "elementInstanceScopeKey": key});
                for inner in self.search(path, filter, "startDate", "ASC", 0, STEP_LIMIT).await? {
                    let at = places.get(&read::key(&inner, "elementInstanceKey"));
                    if let Some(step) = at.and_then(|at| steps.get_mut(*at)) {
                        step.parent.clone_from(&key);
                    }
                }
            }
        }
        Ok(steps)
    }

    async fn moves(&self, since_ms: Option<i64>) -> Result<Vec<RemoteStep>, Error> {
        let filter = match since_ms {
            Some(since_ms) => json!({"endDate": {"$gte": date(since_ms)}}),
            None => json!({"state": {"$in": ["COMPLETED", "TERMINATED"]}}),
        };
        let path = "/element-instances/search";
        let found = self.search(path, filter, "endDate", "DESC", 0, MOVE_LIMIT).await?;
        Ok(found.iter().filter_map(read::step).collect())
    }

    async fn goes_on(&self, _instance: &str) -> Result<Option<bool>, Error> {
        Ok(None)
    }

    async fn fetch(&self, wanted: &Fetch<'_>) -> Result<Vec<RemoteJob>, Error> {
        let mut jobs = Vec::new();
        for topic in wanted.topics {
            let room = wanted.max.saturating_sub(jobs.len());
            if room == 0 {
                break;
            }
            // One after the other: only a single type can be waited for.
            let waits = wanted.wait_ms > 0 && wanted.topics.len() == 1;
            let body = json!({
                "type": topic, "worker": wanted.worker, "timeout": wanted.lock_ms, "maxJobsToActivate": room,
                // 0 would be the server's own time.
                "requestTimeout": if waits { json!(wanted.wait_ms) } else { json!(-1) },
            });
            let wait = Duration::from_millis(if waits { wanted.wait_ms } else { 0 });
            let path = "/jobs/activation";
            let answer = self.rest.post_waiting(path, &body, wait).await?;
            let found = answer.get("jobs").and_then(Value::as_array).ok_or_else(|| Error::Strange {
                path: path.to_owned(),
                detail: "it has no jobs".to_owned(),
            })?;
            jobs.extend(found.iter().map(read::job));
        }
        Ok(jobs)
    }

    async fn locked(&self, worker: &str) -> Result<Vec<RemoteJob>, Error> {
        let filter = json!({"worker": worker, "state": {"$in": ["CREATED", "TIMED_OUT"]}});
        let found = self.search("/jobs/search", filter, "jobKey", "ASC", 0, LOCKED_LIMIT).await?;
        Ok(found.iter().map(read::job).collect())
    }

    async fn unlock(&self, job: &RemoteJob, pause_ms: u64) -> Result<(), Error> {
        // A failure with as many retries as before: there is no other way to give a job back at once.
        let path = format!("/jobs/{}/failure", encode(&job.id));
        let body = json!({
            "retries": job.retries.unwrap_or(limits::DEFAULT_RETRIES), "retryBackOff": pause_ms,
            "errorMessage": "ProcOS gives the job back unworked",
        });
        self.rest.post(&path, &body).await.map(drop)
    }

    async fn extend(&self, job: &str, _worker: &str, lock_ms: i64) -> Result<(), Error> {
        let path = format!("/jobs/{}", encode(job));
        self.rest.patch(&path, &json!({"changeset": {"timeout": lock_ms}})).await.map(drop)
    }

    async fn lock(&self, job: &str, _worker: &str, _lock_ms: i64) -> Result<(), Error> {
        let detail = "it is locked again when it is fetched again".to_owned();
        Err(Error::Refused { path: format!("/jobs/{job}"), status: 409, detail })
    }

    async fn answer(&self, job: &str, _worker: &str, answer: &Answer) -> Result<(), Error> {
        let id = encode(job);
        let (path, body) = match answer {
            Answer::Complete { variables } => {
                (format!("/jobs/{id}/completion"), json!({"variables": variables}))
            }
            Answer::Fail { code, message, retries, backoff_ms } => {
                let message: String = format!("{code}: {message}").chars().take(MESSAGE_LIMIT).collect();
                let backoff_ms = backoff_ms.clamp(&0, &limits::LEASE_LIMIT_MS);
                (
                    format!("/jobs/{id}/failure"),
                    json!({"retries": retries, "retryBackOff": backoff_ms, "errorMessage": message}),
                )
            }
            Answer::Throw { code, message, variables } => (
                format!("/jobs/{id}/error"),
                json!({"errorCode": code, "errorMessage": message, "variables": variables}),
            ),
            Answer::UserTask { variables } => {
                (format!("/user-tasks/{id}/completion"), json!({"variables": variables}))
            }
        };
        self.rest.post(&path, &body).await.map(drop)
    }

    async fn jobs(
        &self,
        instance: Option<&str>,
        topic: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RemoteJob>, Error> {
        let mut filter = json!({"state": {"$notIn": ["COMPLETED", "CANCELED", "ERROR_THROWN"]}});
        if let Some(instance) = instance {
            filter["processInstanceKey"] = json!(instance);
        }
        if let Some(topic) = topic {
            filter["type"] = json!(topic);
        }
        let found = self.search("/jobs/search", filter, "jobKey", "ASC", 0, limit).await?;
        Ok(found.iter().map(read::job).collect())
    }

    async fn user_tasks(&self, instance: Option<&str>, limit: usize) -> Result<Vec<RemoteTask>, Error> {
        let mut filter = json!({"state": "CREATED"});
        if let Some(instance) = instance {
            filter["processInstanceKey"] = json!(instance);
        }
        let found = self.search("/user-tasks/search", filter, "creationDate", "ASC", 0, limit).await?;
        Ok(found.iter().map(read::task).collect())
    }

    async fn user_task(&self, id: &str) -> Result<RemoteTask, Error> {
        let path = "/user-tasks/search";
        let filter = json!({"state": "CREATED", "elementInstanceKey": id});
        let found = self.search(path, filter, "creationDate", "ASC", 0, 1).await?;
        let missing =
            || Error::Missing { path: path.to_owned(), detail: format!("no open user task at {id}") };
        found.first().map(read::task).ok_or_else(missing)
    }

    async fn user_task_variables(&self, task: &RemoteTask) -> Result<Variables, Error> {
        let path = format!("/user-tasks/{}/variables/search", encode(&task.handle));
        let mut found = self.search(&path, json!({}), "name", "ASC", 0, PAGE).await?;
        // What stands nearer to the task hides what stands further out: its scope is the younger one.
        found.sort_by_key(|one| read::key(one, "scopeKey").parse::<i64>().unwrap_or(0));
        let mut variables = Variables::new();
        for one in &found {
            if let Some(value) = self.value(one).await? {
                variables.insert(text(one, "name").to_owned(), value);
            }
        }
        Ok(variables)
    }

    async fn assign(&self, task: &RemoteTask, assignment: &Assignment) -> Result<(), Error> {
        let path = format!("/user-tasks/{}", encode(&task.handle));
        let Some(assignee) = &assignment.assignee else {
            return self.rest.delete(&format!("{path}/assignee")).await.map(drop);
        };
        // Who has it already may say so again.
        let allow_override = assignment.take_over || task.assignee.as_ref() == Some(assignee);
        let body = json!({"assignee": assignee, "allowOverride": allow_override});
        self.rest.post(&format!("{path}/assignment"), &body).await.map(drop)
    }

    async fn escalate(&self, _task: &RemoteTask, _escalation: &Escalation) -> Result<Option<()>, Error> {
        Ok(None)
    }

    async fn incidents(&self, instance: Option<&str>, limit: usize) -> Result<Vec<RemoteIncident>, Error> {
        let mut filter = json!({"state": "ACTIVE"});
        if let Some(instance) = instance {
            filter["processInstanceKey"] = json!(instance);
        }
        let found = self.search("/incidents/search", filter, "creationTime", "ASC", 0, limit).await?;
        Ok(found.iter().map(read::incident).collect())
    }

    async fn count_incidents(&self, instance: &RemoteInstance) -> Result<u32, Error> {
        if !instance.has_incident {
            return Ok(0);
        }
        let filter = json!({"state": "ACTIVE", "processInstanceKey": instance.id});
        Ok(u32::try_from(self.count("/incidents/search", filter).await?).unwrap_or(u32::MAX))
    }

    async fn resolve(&self, incident: &RemoteIncident, retries: u32) -> Result<(), Error> {
        if let Some(job) = &incident.job {
            let path = format!("/jobs/{}", encode(job));
            match self.rest.patch(&path, &json!({"changeset": {"retries": retries}})).await {
                Ok(_) | Err(Error::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let path = format!("/incidents/{}/resolution", encode(&incident.id));
        self.rest.post(&path, &json!({})).await.map(drop)
    }

    async fn publish(&self, message: &StoredMessage, time_to_live_ms: i64) -> Result<(), Error> {
        let mut body = json!({
            "name": message.name, "correlationKey": message.correlation_key.as_deref().unwrap_or_default(),
            "timeToLive": time_to_live_ms, "variables": message.variables,
        });
        if let Some(id) = &message.message_id {
            body["messageId"] = json!(id);
        }
        match self.rest.post("/messages/publication", &body).await {
            // The same message, while the first is kept.
            Err(Error::Refused { status: 409, .. }) if message.message_id.is_some() => Ok(()),
            published => published.map(drop),
        }
    }

    async fn waiting_for(&self, _message: &str) -> Result<Vec<Subscription>, Error> {
        // Nobody asks: it keeps messages itself.
        Ok(Vec::new())
    }

    async fn hand_over(
        &self,
        _waiting: &Subscription,
        _message: &str,
        _variables: &Variables,
    ) -> Result<bool, Error> {
        Ok(false)
    }

    async fn start_by_message(&self, message: &str, variables: &Variables) -> Result<(), Error> {
        let body = json!({"name": message, "correlationKey": "", "timeToLive": 0, "variables": variables});
        self.rest.post("/messages/publication", &body).await.map(drop)
    }

    async fn broadcast(&self, name: &str, variables: &Variables) -> Result<(), Error> {
        let body = json!({"signalName": name, "variables": variables});
        self.rest.post("/signals/broadcast", &body).await.map(drop)
    }
}

impl Eight {
    /// The value of a variable that was found; searches cut long ones off.
    async fn value(&self, found: &Value) -> Result<Option<Value>, Error> {
        let is_cut = found.get("isTruncated").and_then(Value::as_bool).unwrap_or(false);
        if !is_cut {
            return Ok(serde_json::from_str(text(found, "value")).ok());
        }
        let path = format!("/variables/{}", encode(&read::key(found, "variableKey")));
        match self.rest.get(&path).await {
            Ok(whole) => Ok(serde_json::from_str(text(&whole, "value")).ok()),
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether steps may stand inside others.
fn has_scopes(program: &Program) -> bool {
    let holds =
        |node: &bpmn::program::Node| node.repeat.is_some() || matches!(node.kind, NodeKind::SubProcess(_));
    program.nodes.iter().any(holds)
}

/// A filter on a variable that holds a text; values are compared as JSON.
fn has_text(name: &str, text: &str) -> Value {
    json!({"name": name, "value": json!(text).to_string()})
}

/// A time as the API writes it.
fn date(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
