//! Camunda 7's REST API, call by call.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bpmn::model::Definitions;
use bpmn::program::{Program, Variables};
use engine::limits;
use engine::port::{Assignment, DeployFile, Escalation};
use engine::store::StoredMessage;
use serde_json::{Value, json};

use super::{Seven, TOPICS, definitions, read, value};
use crate::Error;
use crate::answer::Answer;
use crate::hidden::run_variable;
use crate::remote::{
    Fetch, InstanceQuery, MigrationPlan, Order, Remote, RemoteDefinition, RemoteIncident, RemoteInstance,
    RemoteJob, RemoteStart, RemoteStep, RemoteTask, Resource, Subscription,
};
use crate::rest::{encode, optional, query_time, text};

/// Variables of instances that are read at once.
const VARIABLE_COUNT_LIMIT: usize = 10_000;
/// Steps of one instance.
const STEP_LIMIT: usize = 20_000;
/// Steps of any instance asked for at once.
const PAGE: usize = 500;
/// Jobs that a worker may have locked.
const LOCKED_LIMIT: usize = 10_000;
/// Subscriptions looked through for one message.
const SUBSCRIPTION_LIMIT: usize = 10_000;
/// Characters of an error message that Camunda keeps.
const MESSAGE_LIMIT: usize = 600;
/// How far times are looked at again, because transactions commit after their times.
const OVERLAP_MS: i64 = 3_000;
/// A correlation key that no instance has, so that only start events are found.
const NOBODY: &str = "procosInstanceNobody";

#[async_trait]
impl Remote for Seven {
    fn name(&self) -> &'static str {
        "camunda7"
    }

    fn url(&self) -> &str {
        self.rest.url()
    }

    fn lag_ms(&self) -> u64 {
        0
    }

    fn overlap_ms(&self) -> i64 {
        OVERLAP_MS
    }

    fn evaluates(&self) -> bool {
        false
    }

    fn merges_joins(&self) -> bool {
        false
    }

    fn keeps_messages(&self) -> bool {
        false
    }

    fn topics(&self) -> &'static [&'static [&'static str]] {
        TOPICS
    }

    fn id_of(&self, _key: i64) -> Option<String> {
        None
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
        let path = format!("/process-definition?sortBy=version&sortOrder=desc&maxResults={limit}");
        Ok(self.rest.list(&path).await?.iter().map(|one| text(one, "id").to_owned()).collect())
    }

    async fn definition(&self, id: &str) -> Result<RemoteDefinition, Error> {
        self.read_definition(id).await
    }

    async fn find_definition(&self, process: &str, version: Option<i32>) -> Result<Option<String>, Error> {
        let which = match version {
            Some(version) => format!("version={version}"),
            None => "latestVersion=true".to_owned(),
        };
        let path = format!("/process-definition?key={}&{which}&maxResults=1", encode(process));
        Ok(self.rest.list(&path).await?.first().map(|found| text(found, "id").to_owned()))
    }

    async fn start(&self, start: &RemoteStart) -> Result<String, Error> {
        let mut body =
            json!({"variables": value::to_camunda(&start.variables), "businessKey": start.business_key});
        if let Some(event) = &start.event {
            body["startInstructions"] = json!([{"type": "startBeforeActivity", "activityId": event}]);
        }
        let path = format!("/process-definition/{}/start", encode(&start.definition));
        Ok(text(&self.rest.post(&path, &body).await?, "id").to_owned())
    }

    async fn find_by_variable(&self, name: &str, text: &str) -> Result<Option<String>, Error> {
        let path = format!("/history/process-instance?variables={name}_eq_{text}&maxResults=1");
        Ok(self.rest.list(&path).await?.first().and_then(|found| optional(found, "id")))
    }

    async fn instance(&self, id: &str) -> Result<RemoteInstance, Error> {
        let found = self.rest.get(&format!("/history/process-instance/{}", encode(id))).await?;
        Ok(read::instance(&found))
    }

    async fn instances(&self, query: &InstanceQuery) -> Result<Vec<RemoteInstance>, Error> {
        let order = match query.order {
            Order::NewestStart => "startTime&sortOrder=desc",
            Order::OldestStart => "startTime&sortOrder=asc",
            Order::NewestEnd => "endTime&sortOrder=desc",
            Order::OldestEnd => "endTime&sortOrder=asc",
        };
        let (first, limit) = (query.first, query.limit);
        let mut path =
            format!("/history/process-instance?sortBy={order}&firstResult={first}&maxResults={limit}");
        if let Some(process) = &query.process {
            path.push_str(&format!("&processDefinitionKey={}", encode(process)));
        }
        if let Some(definition) = &query.definition {
            path.push_str(&format!("&processDefinitionId={}", encode(definition)));
        }
        match query.open {
            _ if query.suspended => path.push_str("&suspended=true"),
            Some(true) => path.push_str("&unfinished=true"),
            Some(false) if query.ended_since_ms.is_none() => path.push_str("&finished=true"),
            _ => {}
        }
        if let Some(since_ms) = query.started_since_ms {
            path.push_str(&format!("&startedAfter={}", query_time(since_ms)));
        }
        if let Some(since_ms) = query.ended_since_ms {
            path.push_str(&format!("&finishedAfter={}", query_time(since_ms)));
        }
        if let Some(run) = &query.run {
            path.push_str(&format!("&variables={}_eq_{}", run_variable(), encode(run)));
        }
        Ok(self.rest.list(&path).await?.iter().map(read::instance).collect())
    }

    async fn variables(&self, instances: &[String]) -> Result<HashMap<String, Variables>, Error> {
        let path =
            format!("/history/variable-instance?deserializeValues=false&maxResults={VARIABLE_COUNT_LIMIT}");
        let found = self.rest.post(&path, &json!({"processInstanceIdIn": instances})).await?;
        let mut found = found.as_array().cloned().unwrap_or_default();
        found.sort_by(|a, b| {
            (text(a, "createTime"), text(a, "name")).cmp(&(text(b, "createTime"), text(b, "name")))
        });
        let mut all: HashMap<String, Variables> = HashMap::new();
        for variable in &found {
            let instance = text(variable, "processInstanceId");
            if text(variable, "activityInstanceId") == instance
                && text(variable, "state") != "DELETED"
                && let Some(plain) = value::from_camunda(variable)
            {
                let name = text(variable, "name").to_owned();
                all.entry(instance.to_owned()).or_default().insert(name, plain);
            }
        }
        Ok(all)
    }

    async fn set_variables(&self, instance: &str, variables: &Variables) -> Result<(), Error> {
        let body = json!({"modifications": value::to_camunda(variables)});
        self.rest.post(&format!("/process-instance/{}/variables", encode(instance)), &body).await.map(drop)
    }

    async fn cancel(&self, instance: &str) -> Result<(), Error> {
        let path = format!("/process-instance/{}?skipCustomListeners=true", encode(instance));
        self.rest.delete(&path).await.map(drop)
    }

    async fn suspend(&self, instance: &str, suspended: bool) -> Result<(), Error> {
        let path = format!("/process-instance/{}/suspended", encode(instance));
        self.rest.put(&path, &json!({"suspended": suspended})).await.map(drop)
    }

    async fn modify(&self, instance: &str, activate: &[String], terminate: &[String]) -> Result<(), Error> {
        // First what begins: an instance in which nothing is left would end.
        let begun =
            activate.iter().map(|element| json!({"type": "startBeforeActivity", "activityId": element}));
        let ended = terminate.iter().map(|step| json!({"type": "cancel", "activityInstanceId": step}));
        let instructions: Vec<Value> = begun.chain(ended).collect();
        let path = format!("/process-instance/{}/modification", encode(instance));
        let body = json!({"skipCustomListeners": true, "instructions": instructions});
        self.rest.post(&path, &body).await.map(drop)
    }

    async fn migrate(&self, instance: &str, plan: &MigrationPlan) -> Result<(), Error> {
        let ends =
            json!({"sourceProcessDefinitionId": plan.source, "targetProcessDefinitionId": plan.target});
        let mut generated = self.rest.post("/migration/generate", &ends).await?;
        generated["instructions"] = renamed(&generated["instructions"], plan);
        let body = json!({
            "migrationPlan": generated, "processInstanceIds": [instance], "skipCustomListeners": true,
        });
        self.rest.post("/migration/execute", &body).await.map(drop)
    }

    async fn steps(
        &self,
        instance: &str,
        since_ms: Option<i64>,
        _program: Option<&Program>,
    ) -> Result<Vec<RemoteStep>, Error> {
        let mut path = format!(
            "/history/activity-instance?processInstanceId={}&sortBy=occurrence&sortOrder=asc&maxResults={STEP_LIMIT}",
            encode(instance)
        );
        if let Some(since_ms) = since_ms {
            path.push_str(&format!("&startedAfter={}", query_time(since_ms)));
        }
        Ok(self.rest.list(&path).await?.iter().map(read::step).collect())
    }

    async fn moves(&self, since_ms: Option<i64>) -> Result<Vec<RemoteStep>, Error> {
        let mut path = format!("/history/activity-instance?sortBy=endTime&sortOrder=desc&maxResults={PAGE}");
        match since_ms {
            Some(since_ms) => path.push_str(&format!("&finishedAfter={}", query_time(since_ms))),
            None => path.push_str("&finished=true"),
        }
        Ok(self.rest.list(&path).await?.iter().map(read::step).collect())
    }

    async fn goes_on(&self, instance: &str) -> Result<Option<bool>, Error> {
        let path = format!("/job/count?processInstanceId={}&withRetriesLeft=true", encode(instance));
        Ok(Some(count(&self.rest.get(&path).await?) > 0))
    }

    async fn fetch(&self, wanted: &Fetch<'_>) -> Result<Vec<RemoteJob>, Error> {
        let topic = |topic: &&str| {
            let mut asked =
                json!({"topicName": topic, "lockDuration": wanted.lock_ms, "deserializeValues": false});
            if let Some(run) = wanted.run {
                asked["processVariables"] = json!({run_variable(): run});
            }
            asked
        };
        let mut body = json!({
            "workerId": wanted.worker, "maxTasks": wanted.max, "usePriority": true,
            "topics": wanted.topics.iter().map(topic).collect::<Vec<_>>(),
        });
        if wanted.wait_ms > 0 {
            body["asyncResponseTimeout"] = json!(wanted.wait_ms);
        }
        let path = "/external-task/fetchAndLock";
        let answer = self.rest.post_waiting(path, &body, Duration::from_millis(wanted.wait_ms)).await?;
        match answer {
            Value::Array(tasks) => Ok(tasks.iter().map(read::job).collect()),
            _ => Err(Error::Strange { path: path.to_owned(), detail: "it is not a list".to_owned() }),
        }
    }

    async fn locked(&self, worker: &str) -> Result<Vec<RemoteJob>, Error> {
        let path =
            format!("/external-task?workerId={}&locked=true&maxResults={LOCKED_LIMIT}", encode(worker));
        Ok(self.rest.list(&path).await?.iter().map(read::job).collect())
    }

    async fn unlock(&self, job: &RemoteJob, _pause_ms: u64) -> Result<(), Error> {
        let path = format!("/external-task/{}/unlock", encode(&job.id));
        self.rest.post(&path, &json!({})).await.map(drop)
    }

    async fn extend(&self, job: &str, worker: &str, lock_ms: i64) -> Result<(), Error> {
        let path = format!("/external-task/{}/extendLock", encode(job));
        self.rest.post(&path, &json!({"workerId": worker, "newDuration": lock_ms})).await.map(drop)
    }

    async fn lock(&self, job: &str, worker: &str, lock_ms: i64) -> Result<(), Error> {
        let path = format!("/external-task/{}/lock", encode(job));
        self.rest.post(&path, &json!({"workerId": worker, "lockDuration": lock_ms})).await.map(drop)
    }

    async fn answer(&self, job: &str, worker: &str, answer: &Answer) -> Result<(), Error> {
        let id = encode(job);
        let (path, body) = match answer {
            Answer::Complete { variables } => (
                format!("/external-task/{id}/complete"),
                json!({"workerId": worker, "variables": value::to_camunda(variables)}),
            ),
            Answer::Fail { code, message, retries, backoff_ms } => {
                let message = format!("{code}: {message}");
                let short: String = message.chars().take(MESSAGE_LIMIT).collect();
                (
                    format!("/external-task/{id}/failure"),
                    json!({"workerId": worker, "errorMessage": short, "errorDetails": message,
                        "retries": retries, "retryTimeout": backoff_ms.clamp(&0, &limits::LEASE_LIMIT_MS)}),
                )
            }
            Answer::Throw { code, message, variables } => (
                format!("/external-task/{id}/bpmnError"),
                json!({"workerId": worker, "errorCode": code, "errorMessage": message,
                    "variables": value::to_camunda(variables)}),
            ),
            Answer::UserTask { variables } => {
                (format!("/task/{id}/complete"), json!({"variables": value::to_camunda(variables)}))
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
        let mut path = format!("/external-task?maxResults={limit}&sortBy=createTime&sortOrder=asc");
        if let Some(instance) = instance {
            path.push_str(&format!("&processInstanceId={}", encode(instance)));
        }
        if let Some(topic) = topic {
            path.push_str(&format!("&topicName={}", encode(topic)));
        }
        Ok(self.rest.list(&path).await?.iter().map(read::job).collect())
    }

    async fn user_tasks(&self, instance: Option<&str>, limit: usize) -> Result<Vec<RemoteTask>, Error> {
        let mut path = format!("/task?sortBy=created&sortOrder=asc&maxResults={limit}");
        if let Some(instance) = instance {
            path.push_str(&format!("&processInstanceId={}", encode(instance)));
        }
        Ok(self.rest.list(&path).await?.iter().filter_map(read::task).collect())
    }

    async fn user_task(&self, id: &str) -> Result<RemoteTask, Error> {
        let path = format!("/task/{}", encode(id));
        let missing =
            || Error::Missing { path: path.clone(), detail: "it is no task of a process".to_owned() };
        read::task(&self.rest.get(&path).await?).ok_or_else(missing)
    }

    async fn user_task_variables(&self, task: &RemoteTask) -> Result<Variables, Error> {
        let path = format!("/task/{}/variables?deserializeValues=false", encode(&task.handle));
        Ok(read::variables(Some(&self.rest.get(&path).await?)))
    }

    async fn assign(&self, task: &RemoteTask, assignment: &Assignment) -> Result<(), Error> {
        let what = match (&assignment.assignee, assignment.take_over) {
            (Some(_), false) => "claim",
            (None, _) => "unclaim",
            (Some(_), true) => "assignee",
        };
        let path = format!("/task/{}/{what}", encode(&task.handle));
        self.rest.post(&path, &json!({"userId": assignment.assignee})).await.map(drop)
    }

    async fn escalate(&self, task: &RemoteTask, escalation: &Escalation) -> Result<Option<()>, Error> {
        let path = format!("/task/{}/bpmnEscalation", encode(&task.handle));
        let body = json!({
            "escalationCode": escalation.code, "variables": value::to_camunda(&escalation.variables),
        });
        self.rest.post(&path, &body).await.map(|_| Some(()))
    }

    async fn incidents(&self, instance: Option<&str>, limit: usize) -> Result<Vec<RemoteIncident>, Error> {
        let mut path = format!("/incident?sortBy=incidentTimestamp&sortOrder=asc&maxResults={limit}");
        if let Some(instance) = instance {
            path.push_str(&format!("&processInstanceId={}", encode(instance)));
        }
        Ok(self.rest.list(&path).await?.iter().map(read::incident).collect())
    }

    async fn count_incidents(&self, instance: &RemoteInstance) -> Result<u32, Error> {
        let path = format!("/incident/count?processInstanceId={}", encode(&instance.id));
        Ok(u32::try_from(count(&self.rest.get(&path).await?)).unwrap_or(u32::MAX))
    }

    async fn resolve(&self, incident: &RemoteIncident, retries: u32) -> Result<(), Error> {
        let job = encode(incident.job.as_deref().unwrap_or_default());
        let resource = match incident.kind.as_str() {
            "failedExternalTask" => "external-task",
            "failedJob" => "job",
            _ => return self.rest.delete(&format!("/incident/{}", encode(&incident.id))).await.map(drop),
        };
        let body = json!({"retries": retries});
        self.rest.put(&format!("/{resource}/{job}/retries"), &body).await.map(drop)
    }

    async fn publish(&self, message: &StoredMessage, _time_to_live_ms: i64) -> Result<(), Error> {
        // Nobody asks: it keeps no messages.
        self.start_by_message(&message.name, &message.variables).await
    }

    async fn waiting_for(&self, message: &str) -> Result<Vec<Subscription>, Error> {
        let path = format!(
            "/event-subscription?eventType=message&eventName={}&sortBy=created&sortOrder=asc&maxResults={SUBSCRIPTION_LIMIT}",
            encode(message)
        );
        let read = |found: &Value| Subscription {
            instance: optional(found, "processInstanceId"),
            execution: text(found, "executionId").to_owned(),
            element: text(found, "activityId").to_owned(),
        };
        Ok(self.rest.list(&path).await?.iter().map(read).collect())
    }

    async fn hand_over(
        &self,
        waiting: &Subscription,
        message: &str,
        variables: &Variables,
    ) -> Result<bool, Error> {
        let path = format!(
            "/execution/{}/messageSubscriptions/{}/trigger",
            encode(&waiting.execution),
            encode(message)
        );
        match self.rest.post(&path, &json!({"variables": value::to_camunda(variables)})).await {
            Ok(_) => Ok(true),
            // It stopped waiting in the meantime.
            Err(Error::Missing { .. }) => Ok(false),
            Err(error) if error.is_collision() || error.is_suspended() => Ok(false),
            Err(Error::Refused { status: 500, detail, .. }) if detail.contains("subscription") => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn start_by_message(&self, message: &str, variables: &Variables) -> Result<(), Error> {
        let nobody = json!({NOBODY: {"value": "nobody", "type": "String"}});
        let body = json!({"messageName": message, "correlationKeys": nobody,
            "processVariables": value::to_camunda(variables)});
        self.rest.post("/message", &body).await.map(drop)
    }

    async fn broadcast(&self, name: &str, variables: &Variables) -> Result<(), Error> {
        let body = json!({"name": name, "variables": value::to_camunda(variables)});
        self.rest.post("/signal", &body).await.map(drop)
    }
}

fn count(answer: &Value) -> u64 {
    answer.get("count").and_then(Value::as_u64).unwrap_or(0)
}

/// Camunda's own plan with the elements that have other ids.
fn renamed(generated: &Value, plan: &MigrationPlan) -> Value {
    let is_free = |one: &&Value| {
        let side = |name: &str| read::plain_id(one[name][0].as_str().unwrap_or("")).to_owned();
        let elements = &plan.elements;
        !elements.contains_key(&side("sourceActivityIds"))
            && !elements.values().any(|new| *new == side("targetActivityIds"))
    };
    let mut instructions: Vec<Value> =
        generated.as_array().into_iter().flatten().filter(is_free).cloned().collect();
    instructions.extend(plan.elements.iter().map(|(old, new)| {
        json!({"sourceActivityIds": [old], "targetActivityIds": [new], "updateEventTrigger": false})
    }));
    Value::Array(instructions)
}
