//! A server that speaks the part of Camunda 8's Orchestration Cluster REST API that ProcOS uses, written from its
//! OpenAPI: keys are texts, refusals are problem details (RFC 9457), a filter by a field that is none is refused, a
//! job has a time-out, searches may show what happened one look later. Behind it a process of two tasks runs for real.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use engine::port::DeployFile;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// `TYPES` is where the job types stand, if they do.
const XML: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><bpmn:process id="p" isExecutable="true"><bpmn:startEvent id="s"/>
    <bpmn:serviceTask id="work">TYPES</bpmn:serviceTask><bpmn:serviceTask id="again">TYPES</bpmn:serviceTask>
    <bpmn:endEvent id="z"/><bpmn:sequenceFlow id="f" sourceRef="s" targetRef="work"/>
    <bpmn:sequenceFlow id="g" sourceRef="work" targetRef="again"/>
    <bpmn:sequenceFlow id="h" sourceRef="again" targetRef="z"/></bpmn:process></bpmn:definitions>"#;
const TYPES: &str =
    r#"<bpmn:extensionElements><zeebe:taskDefinition type="procos" retries="3"/></bpmn:extensionElements>"#;
/// The first key of a partition's numbers.
const FIRST_KEY: i64 = 2_251_799_813_685_249;
/// The token that every call must carry.
const TOKEN: &str = "Bearer secret";

/// The process as somebody gives it to ProcOS.
pub(super) fn file() -> DeployFile {
    DeployFile { name: "p.bpmn".to_owned(), content: XML.replace("TYPES", "").into_bytes() }
}

/// How calls are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Answers {
    #[default]
    Well,
    /// It does not take calls: 503.
    Nothing,
    /// Back-pressure: 429.
    TooMany,
    /// Commands are carried out, and what is in between answers 504.
    Lost,
}

#[derive(Default)]
struct World {
    now_ms: i64,
    answers: Answers,
    lags: bool,
    looks: usize,
    completed: usize,
    failures: usize,
    next_key: i64,
    live: Shown,
    /// What searches show.
    shown: Shown,
}

/// What there is.
#[derive(Clone, Default)]
struct Shown {
    definitions: BTreeMap<i64, Value>,
    xml: BTreeMap<i64, String>,
    instances: BTreeMap<i64, Value>,
    elements: BTreeMap<i64, Value>,
    jobs: BTreeMap<i64, Value>,
    incidents: BTreeMap<i64, Value>,
    variables: BTreeMap<i64, Value>,
}

/// The server.
pub(super) struct Cluster {
    pub(super) url: String,
    world: Arc<Mutex<World>>,
}

impl Cluster {
    pub(super) async fn start(now_ms: i64) -> Self {
        let mut world = World { now_ms, next_key: FIRST_KEY, ..World::default() };
        world.define("p.bpmn", &XML.replace("TYPES", TYPES));
        world.shown = world.live.clone();
        let world = Arc::new(Mutex::new(world));
        let app = Router::new().fallback(serve).with_state(world.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, world }
    }

    pub(super) fn answers(&self, answers: Answers) {
        self.world.lock().answers = answers;
    }

    pub(super) fn lag(&self, lags: bool) {
        self.world.lock().lags = lags;
    }

    /// Starts an instance, as another client does.
    pub(super) fn begin(&self) -> i64 {
        let mut world = self.world.lock();
        let definition = *world.live.definitions.keys().next().unwrap();
        world.begin(definition, &json!({}))
    }

    pub(super) fn end(&self, instance: i64, state: &str) {
        self.world.lock().end(instance, state);
    }

    /// The time of all jobs is over.
    pub(super) fn time_out(&self) {
        for job in self.world.lock().live.jobs.values_mut() {
            job["worker"] = json!("");
        }
    }

    pub(super) fn completed(&self) -> usize {
        self.world.lock().completed
    }

    /// Attempts that failed, without jobs that were given back.
    pub(super) fn failures(&self) -> usize {
        self.world.lock().failures
    }

    pub(super) fn held(&self) -> usize {
        self.world.lock().live.jobs.values().filter(|job| job["worker"] != "").count()
    }

    pub(super) fn retries(&self) -> Vec<i64> {
        self.world.lock().live.jobs.values().filter_map(|job| job["retries"].as_i64()).collect()
    }

    pub(super) fn looks(&self) -> usize {
        self.world.lock().looks
    }

    pub(super) fn instances(&self) -> usize {
        self.world.lock().live.instances.len()
    }

    pub(super) fn variable(&self, instance: i64, name: &str) -> Value {
        let world = self.world.lock();
        let of_it =
            |one: &&Value| one["processInstanceKey"] == json!(instance.to_string()) && one["name"] == name;
        let found = world.live.variables.values().find(of_it);
        found.and_then(|one| serde_json::from_str(one["value"].as_str()?).ok()).unwrap_or_default()
    }
}

impl World {
    fn key(&mut self) -> i64 {
        self.next_key += 1;
        self.next_key
    }

    fn now(&self) -> String {
        jiff::Timestamp::from_millisecond(self.now_ms).unwrap().to_string()
    }

    fn define(&mut self, name: &str, xml: &str) -> i64 {
        let known = self.live.xml.iter().find(|(_, known)| *known == xml).map(|(key, _)| *key);
        if let Some(known) = known {
            return known;
        }
        let key = self.key();
        let version = self.live.definitions.len();
        // The first is somebody else's process of another name.
        let id = if version == 0 { "outside" } else { "p" };
        let definition = json!({"processDefinitionKey": key.to_string(), "processDefinitionId": id,
            "version": version.max(1), "resourceName": name, "name": null, "tenantId": "<default>"});
        self.live.definitions.insert(key, definition);
        self.live.xml.insert(key, xml.replace("id=\"p\"", &format!("id=\"{id}\"")));
        key
    }

    fn begin(&mut self, definition: i64, variables: &Value) -> i64 {
        let instance = self.key();
        let id = self.live.definitions[&definition]["processDefinitionId"].clone();
        let begun = json!({"processInstanceKey": instance.to_string(), "processDefinitionKey": definition.to_string(),
            "processDefinitionId": id, "state": "ACTIVE", "startDate": self.now(), "endDate": null,
            "parentProcessInstanceKey": null, "hasIncident": false, "tenantId": "<default>"});
        self.live.instances.insert(instance, begun);
        self.set(instance, variables);
        let start = self.enter(instance, "s", "START_EVENT");
        self.leave(start, "COMPLETED");
        self.task(instance, "work");
        instance
    }

    fn set(&mut self, instance: i64, variables: &Value) {
        for (name, value) in variables.as_object().into_iter().flatten() {
            let own = json!(instance.to_string());
            let known = self.live.variables.iter();
            let known = known.filter(|(_, one)| one["name"] == *name && one["scopeKey"] == own);
            let key = known.map(|(key, _)| *key).next();
            let key = key.unwrap_or_else(|| self.key());
            let set = json!({"variableKey": key.to_string(), "name": name, "value": value.to_string(),
                "scopeKey": own, "processInstanceKey": own, "isTruncated": false, "tenantId": "<default>"});
            self.live.variables.insert(key, set);
        }
    }

    fn enter(&mut self, instance: i64, element: &str, kind: &str) -> i64 {
        let key = self.key();
        let begun = json!({"elementInstanceKey": key.to_string(), "processInstanceKey": instance.to_string(),
            "elementId": element, "type": kind, "state": "ACTIVE", "startDate": self.now(), "endDate": null});
        self.live.elements.insert(key, begun);
        key
    }

    fn leave(&mut self, element: i64, state: &str) {
        let now = self.now();
        if let Some(element) = self.live.elements.get_mut(&element) {
            element["state"] = json!(state);
            element["endDate"] = json!(now);
        }
    }

    fn task(&mut self, instance: i64, element: &str) {
        let step = self.enter(instance, element, "SERVICE_TASK");
        let key = self.key();
        let definition = self.live.instances[&instance]["processDefinitionKey"].clone();
        let job = json!({"jobKey": key.to_string(), "type": "procos", "elementId": element, "retries": 3,
            "elementInstanceKey": step.to_string(), "processInstanceKey": instance.to_string(),
            "processDefinitionKey": definition, "worker": "", "state": "CREATED", "kind": "BPMN_ELEMENT"});
        self.live.jobs.insert(key, job);
    }

    fn end(&mut self, instance: i64, state: &str) {
        let own = json!(instance.to_string());
        let open: Vec<i64> = self
            .live
            .elements
            .iter()
            .filter(|(_, one)| one["processInstanceKey"] == own && one["state"] == "ACTIVE")
            .map(|(key, _)| *key)
            .collect();
        for element in open {
            self.leave(element, "TERMINATED");
        }
        self.live.jobs.retain(|_, job| job["processInstanceKey"] != own);
        let now = self.now();
        if let Some(instance) = self.live.instances.get_mut(&instance) {
            instance["state"] = json!(state);
            instance["endDate"] = json!(now);
        }
    }

    fn complete(&mut self, job: i64, variables: &Value) {
        let Some(job) = self.live.jobs.remove(&job) else { return };
        let number = |name: &str| job[name].as_str().unwrap().parse::<i64>().unwrap();
        let instance = number("processInstanceKey");
        self.completed += 1;
        self.set(instance, variables);
        self.leave(number("elementInstanceKey"), "COMPLETED");
        if job["elementId"] == "work" {
            self.task(instance, "again");
        } else {
            let end = self.enter(instance, "z", "END_EVENT");
            self.leave(end, "COMPLETED");
            self.end(instance, "COMPLETED");
        }
    }

    fn incident(&mut self, job: i64, open: bool) {
        let (found, key) = (self.live.jobs[&job].clone(), self.key());
        let instance: i64 = found["processInstanceKey"].as_str().unwrap().parse().unwrap();
        self.live.instances.get_mut(&instance).unwrap()["hasIncident"] = json!(open);
        if open {
            let raised = json!({"incidentKey": key.to_string(), "processInstanceKey": instance.to_string(),
                "elementId": found["elementId"], "errorType": "JOB_NO_RETRIES", "state": "ACTIVE",
                "errorMessage": found["errorMessage"], "creationTime": self.now(), "jobKey": found["jobKey"]});
            self.live.incidents.insert(key, raised);
        }
    }
}

type Answer = (StatusCode, String);

fn problem(status: u16, title: &str, detail: &str) -> Answer {
    let body =
        json!({"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": "/v2"});
    (StatusCode::from_u16(status).unwrap(), body.to_string())
}

fn missing() -> Answer {
    problem(404, "NOT_FOUND", "no such thing")
}

fn given(value: &Value) -> Answer {
    (StatusCode::OK, value.to_string())
}

fn done() -> Answer {
    (StatusCode::NO_CONTENT, String::new())
}

async fn serve(
    State(world): State<Arc<Mutex<World>>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Answer {
    let mut world = world.lock();
    if headers.get("authorization").and_then(|it| it.to_str().ok()) != Some(TOKEN) {
        return problem(401, "UNAUTHORIZED", "no token");
    }
    match world.answers {
        Answers::Nothing => return problem(503, "UNAVAILABLE", "the broker is gone"),
        Answers::TooMany => return problem(429, "RESOURCE_EXHAUSTED", "too much at once"),
        Answers::Well | Answers::Lost => {}
    }
    let text = String::from_utf8_lossy(&body).into_owned();
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let path = uri.path().trim_start_matches("/v2/").to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    let answer = match (method.as_str(), parts.as_slice()) {
        ("POST", ["deployments"]) => deploy(&mut world, &text),
        ("POST", ["process-instances"]) => {
            let definition = body["processDefinitionKey"].as_str().and_then(|key| key.parse::<i64>().ok());
            match definition.filter(|key| world.live.definitions.contains_key(key)) {
                Some(definition) => {
                    let key = world.begin(definition, &body["variables"]);
                    given(&json!({"processInstanceKey": key.to_string()}))
                }
                None => missing(),
            }
        }
        ("POST", ["jobs", "activation"]) => activate(&mut world, &body),
        (_, ["jobs", job, ..]) if *job != "search" => answered(&mut world, job, parts.last().unwrap(), &body),
        ("POST", ["incidents", key, "resolution"]) => {
            match world.live.incidents.remove(&key.parse().unwrap()) {
                Some(incident) => {
                    let job = incident["jobKey"].as_str().unwrap().parse().unwrap();
                    world.incident(job, false);
                    done()
                }
                None => missing(),
            }
        }
        ("POST", [resource, "search"]) => search(&mut world, resource, &body),
        ("GET", [resource, key, ..]) => look(&mut world, resource, key, parts.len() == 3),
        _ => missing(),
    };
    let is_command = method == Method::POST && !path.ends_with("search") && !path.ends_with("activation");
    match world.answers {
        Answers::Lost if is_command => problem(504, "DEADLINE_EXCEEDED", "the gateway waited in vain"),
        _ => answer,
    }
}

/// The one file of a multipart form.
fn deploy(world: &mut World, form: &str) -> Answer {
    let xml = form.find("<bpmn:definitions").zip(form.find("</bpmn:definitions>"));
    let Some((begin, end)) = xml else { return problem(400, "INVALID_ARGUMENT", "no file") };
    let begin = form.find("<?xml").unwrap_or(begin);
    let key = world.define("p.bpmn", &form[begin..end + "</bpmn:definitions>".len()]);
    let found = &world.live.definitions[&key];
    given(&json!({"deploymentKey": "1", "deployments": [{"processDefinition": {
        "processDefinitionKey": key.to_string(), "processDefinitionId": found["processDefinitionId"],
        "processDefinitionVersion": found["version"], "resourceName": "p.bpmn"}}]}))
}

fn activate(world: &mut World, body: &Value) -> Answer {
    if body["timeout"].as_i64().is_none_or(|time| time < 1) || body["maxJobsToActivate"].as_i64().is_none() {
        return problem(400, "INVALID_ARGUMENT", "timeout and maxJobsToActivate are needed");
    }
    let variables = world.live.variables.clone();
    let mut jobs = Vec::new();
    for job in world.live.jobs.values_mut() {
        if job["type"] != body["type"] || job["worker"] != "" || job["retries"] == 0 {
            continue;
        }
        job["worker"] = body["worker"].clone();
        let mut shown = job.clone();
        let own = variables.values().filter(|one| one["processInstanceKey"] == job["processInstanceKey"]);
        let value = |one: &Value| serde_json::from_str::<Value>(one["value"].as_str().unwrap()).unwrap();
        shown["variables"] =
            own.map(|one| (one["name"].as_str().unwrap().to_owned(), value(one))).collect::<Value>();
        jobs.push(shown);
    }
    given(&json!({"jobs": jobs}))
}

fn answered(world: &mut World, job: &str, what: &str, body: &Value) -> Answer {
    let key: i64 = job.parse().unwrap();
    let Some(job) = world.live.jobs.get_mut(&key) else { return missing() };
    let retries = body["changeset"]["retries"].as_i64();
    if let Some(retries) = retries {
        job["retries"] = json!(retries);
        return done();
    }
    if job["worker"] == "" {
        return problem(409, "INVALID_STATE", "the job is not activated");
    }
    match what {
        "completion" => world.complete(key, &body["variables"]),
        "failure" => {
            let is_given_back = job["retries"] == body["retries"];
            job["worker"] = json!("");
            job["retries"] = body["retries"].clone();
            job["errorMessage"] = body["errorMessage"].clone();
            let is_over = body["retries"] == 0;
            world.failures += usize::from(!is_given_back);
            if is_over {
                world.incident(key, true);
            }
        }
        _ => {}
    }
    done()
}

/// What the next look is to show: what there is now, where searches lag.
fn next_look(world: &mut World) -> Shown {
    let live = world.live.clone();
    if world.lags { std::mem::replace(&mut world.shown, live) } else { live }
}

fn look(world: &mut World, resource: &str, key: &str, wants_xml: bool) -> Answer {
    let shown = next_look(world);
    let Ok(key) = key.parse::<i64>() else { return missing() };
    let found = match resource {
        "process-instances" => shown.instances.get(&key),
        "process-definitions" if wants_xml => {
            return shown.xml.get(&key).map_or_else(missing, |xml| (StatusCode::OK, xml.clone()));
        }
        "process-definitions" => shown.definitions.get(&key),
        _ => None,
    };
    found.map_or_else(missing, given)
}

fn search(world: &mut World, resource: &str, body: &Value) -> Answer {
    world.looks += 1;
    let shown = next_look(world);
    let (items, fields): (&BTreeMap<i64, Value>, &[&str]) = match resource {
        "process-instances" => (
            &shown.instances,
            &[
                "processInstanceKey",
                "processDefinitionId",
                "processDefinitionKey",
                "state",
                "startDate",
                "endDate",
            ],
        ),
        "process-definitions" => (&shown.definitions, &["processDefinitionId", "version"]),
        "element-instances" => (&shown.elements, &["processInstanceKey", "state", "startDate", "endDate"]),
        "jobs" => (&shown.jobs, &["processInstanceKey", "worker", "state", "type"]),
        "incidents" => (&shown.incidents, &["processInstanceKey", "state"]),
        "variables" => (&shown.variables, &["processInstanceKey", "scopeKey", "name"]),
        "user-tasks" => (&shown.jobs, &["state", "elementInstanceKey"]),
        _ => return missing(),
    };
    let mut filter = body["filter"].as_object().cloned().unwrap_or_default();
    let held = filter.remove("variables").unwrap_or_default();
    if let Some(other) = filter.keys().find(|field| !fields.contains(&field.as_str())) {
        return problem(400, "INVALID_ARGUMENT", &format!("there is no field {other}"));
    }
    let holds = |item: &Value| {
        held.as_array().into_iter().flatten().all(|wanted| {
            shown.variables.values().any(|one| {
                one["processInstanceKey"] == item["processInstanceKey"]
                    && one["name"] == wanted["name"]
                    && one["value"] == wanted["value"]
            })
        })
    };
    let mut found: Vec<&Value> = items
        .values()
        .filter(|item| resource != "user-tasks" && holds(item))
        .filter(|item| filter.iter().all(|(field, wanted)| fits(&item[field], wanted)))
        .collect();
    if body["sort"][0]["order"] == "DESC" {
        found.reverse();
    }
    let from = body["page"]["from"].as_u64().unwrap_or(0) as usize;
    let limit = body["page"]["limit"].as_u64().unwrap_or(100) as usize;
    let total = found.len();
    let page: Vec<&Value> = found.into_iter().skip(from).take(limit).collect();
    given(
        &json!({"items": page, "page": {"totalItems": total, "hasMoreTotalItems": false, "endCursor": null}}),
    )
}

fn fits(found: &Value, wanted: &Value) -> bool {
    let Some(operators) = wanted.as_object() else { return found == wanted };
    let listed = |list: &Value| list.as_array().is_some_and(|list| list.contains(found));
    operators.iter().all(|(operator, operand)| match operator.as_str() {
        "$in" => listed(operand),
        "$notIn" => !listed(operand),
        "$gte" => found.as_str().zip(operand.as_str()).is_some_and(|(found, least)| {
            found.parse::<jiff::Timestamp>().unwrap() >= least.parse::<jiff::Timestamp>().unwrap()
        }),
        _ => false,
    })
}
