//! A server that speaks a small part of Camunda's REST API and does what a test tells it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use parking_lot::Mutex;
use serde_json::{Value, json};

const XML: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d"
    targetNamespace="t" xmlns:procos="https://w3id.org/procos/bpmn/1.0"><bpmn:process id="p" isExecutable="true">
    <bpmn:startEvent id="s"/><bpmn:serviceTask id="work"/><bpmn:endEvent id="z"/>
    <bpmn:sequenceFlow id="f" sourceRef="s" targetRef="work"/><bpmn:sequenceFlow id="g" sourceRef="work" targetRef="z"/>
    </bpmn:process></bpmn:definitions>"#;

#[derive(Default)]
struct World {
    now_ms: i64,
    is_down: bool,
    refuses_completions: bool,
    rejects_results: bool,
    tasks: BTreeMap<String, Task>,
    instances: BTreeMap<String, bool>,
    completed: Vec<String>,
    variables: BTreeMap<String, Value>,
    failures: Vec<Value>,
    looks: usize,
}

#[derive(Default)]
struct Task {
    worker: Option<String>,
    retries: Option<u64>,
}

/// The server.
pub(super) struct Scripted {
    pub(super) url: String,
    world: Arc<Mutex<World>>,
}

impl Scripted {
    pub(super) async fn start(now_ms: i64) -> Self {
        let world = Arc::new(Mutex::new(World { now_ms, ..World::default() }));
        let app = Router::new().fallback(serve).with_state(world.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/engine-rest", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, world }
    }

    pub(super) fn down(&self, is_down: bool) {
        self.world.lock().is_down = is_down;
    }

    /// Completions get no answer that says anything, as from a proxy whose server is gone.
    pub(super) fn refuse_completions(&self, refuse: bool) {
        self.world.lock().refuses_completions = refuse;
    }

    /// Completions are rolled back, as where a condition behind the task fails.
    pub(super) fn reject_results(&self, reject: bool) {
        self.world.lock().rejects_results = reject;
    }

    pub(super) fn add_task(&self, id: &str) {
        self.start_instance("i1");
        self.world.lock().tasks.insert(id.to_owned(), Task::default());
    }

    pub(super) fn remove_task(&self, id: &str) {
        self.world.lock().tasks.remove(id);
    }

    pub(super) fn start_instance(&self, id: &str) {
        self.world.lock().instances.insert(id.to_owned(), true);
    }

    pub(super) fn end_instance(&self, id: &str) {
        self.world.lock().instances.insert(id.to_owned(), false);
    }

    pub(super) fn completed(&self) -> Vec<String> {
        self.world.lock().completed.clone()
    }

    pub(super) fn variables(&self, task: &str) -> Value {
        self.world.lock().variables[task].clone()
    }

    pub(super) fn is_locked(&self, task: &str) -> bool {
        self.world.lock().tasks[task].worker.is_some()
    }

    pub(super) fn failures(&self) -> usize {
        self.world.lock().failures.len()
    }

    pub(super) fn last_failure(&self) -> Value {
        self.world.lock().failures.last().cloned().unwrap()
    }

    pub(super) fn looks(&self) -> usize {
        self.world.lock().looks
    }
}

type Answer = (StatusCode, String);

fn said(status: u16, message: &str) -> Answer {
    let body = json!({"type": "RestException", "message": message, "code": 0});
    (StatusCode::from_u16(status).unwrap(), body.to_string())
}

fn given(value: &Value) -> Answer {
    (StatusCode::OK, value.to_string())
}

async fn serve(State(world): State<Arc<Mutex<World>>>, method: Method, uri: Uri, body: Bytes) -> Answer {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut world = world.lock();
    if world.is_down {
        return (StatusCode::SERVICE_UNAVAILABLE, "<html>".to_owned());
    }
    let path = uri.path().trim_start_matches("/engine-rest/").replace("%3A", ":");
    let parts: Vec<&str> = path.split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("POST", ["external-task", "fetchAndLock"]) => fetch(&mut world, &body),
        ("GET", ["external-task"]) => {
            let locked: Vec<Value> = world
                .tasks
                .iter()
                .filter(|(_, task)| task.worker.is_some())
                .map(|(id, _)| json!({"id": id}))
                .collect();
            given(&json!(locked))
        }
        ("POST", ["external-task", id, what]) => answer(&mut world, id, what, &body),
        ("GET", ["process-definition", "p:1"]) => {
            given(&json!({"id": "p:1", "key": "p", "version": 1, "deploymentId": "d1", "resource": "p.bpmn"}))
        }
        ("GET", ["process-definition", "p:1", "xml"]) => given(&json!({"id": "p:1", "bpmn20Xml": XML})),
        ("GET", ["deployment", "d1", "resources"]) => given(&json!([])),
        ("GET", ["deployment", "d1"]) => given(&json!({"id": "d1"})),
        ("GET", ["history", "process-instance"]) => history(&mut world, uri.query().unwrap_or("")),
        ("GET", ["history", "activity-instance"]) => given(&json!([])),
        _ => said(404, "no such thing"),
    }
}

fn fetch(world: &mut World, body: &Value) -> Answer {
    let worker = body["workerId"].as_str().map(str::to_owned);
    let mut fetched = Vec::new();
    for (id, task) in
        world.tasks.iter_mut().filter(|(_, task)| task.worker.is_none() && task.retries != Some(0))
    {
        task.worker.clone_from(&worker);
        fetched.push(json!({
            "id": id, "topicName": "procos", "activityId": "work", "processInstanceId": "i1",
            "processDefinitionId": "p:1", "processDefinitionKey": "p", "retries": task.retries, "priority": 0,
            "variables": {"x": {"value": 1, "type": "Long"}},
        }));
    }
    given(&json!(fetched))
}

fn answer(world: &mut World, id: &str, what: &str, body: &Value) -> Answer {
    let (refuses, rejects) = (world.refuses_completions, world.rejects_results);
    let Some(task) = world.tasks.get_mut(id) else { return said(404, "External task does not exist") };
    if what == "unlock" {
        task.worker = None;
        return (StatusCode::NO_CONTENT, String::new());
    }
    if task.worker.as_deref() != body["workerId"].as_str() {
        return said(400, "It is locked by worker 'null'");
    }
    match what {
        "complete" if refuses => (StatusCode::BAD_GATEWAY, "<html>".to_owned()),
        "complete" if rejects => said(500, "Unknown property used in expression"),
        "complete" => {
            world.tasks.remove(id);
            world.completed.push(id.to_owned());
            world.variables.insert(id.to_owned(), body["variables"].clone());
            (StatusCode::NO_CONTENT, String::new())
        }
        "failure" => {
            task.worker = None;
            task.retries = body["retries"].as_u64();
            world.failures.push(body.clone());
            (StatusCode::NO_CONTENT, String::new())
        }
        _ => (StatusCode::NO_CONTENT, String::new()),
    }
}

fn history(world: &mut World, query: &str) -> Answer {
    world.looks += 1;
    let wants_open = query.contains("unfinished=true");
    let at = jiff::Timestamp::from_millisecond(world.now_ms)
        .unwrap()
        .strftime("%Y-%m-%dT%H:%M:%S%.3f+0000")
        .to_string();
    let found: Vec<Value> = world
        .instances
        .iter()
        .filter(|(_, open)| **open == wants_open)
        .map(|(id, open)| {
            json!({
                "id": id, "processDefinitionId": "p:1", "startTime": at, "endTime": (!open).then_some(&at),
                "state": if *open { "ACTIVE" } else { "COMPLETED" },
            })
        })
        .collect();
    given(&json!(found))
}
