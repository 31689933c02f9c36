//! The embedded engine over the store in memory, with a clock moved by hand.

mod calls;
mod clock;
mod decisions;
mod jobs;
mod messages;
mod migration;
mod operations;
mod recovery;
mod scale;
mod tokens;

use std::sync::Arc;

use bpmn::program::Variables;
use serde_json::{Value, json};

use crate::clock::ManualClock;
use crate::port::{
    ActivateJobs, Definition, DeployFile, Job, JobFailure, ProcessEngine, Record, StartInstance, Status,
};
use crate::{Embedded, Error, MemoryStore};

/// Where the clock starts.
const START_MS: i64 = 1_900_000_000_000;

/// An engine with its store and clock.
struct Bench {
    engine: Embedded,
    store: Arc<MemoryStore>,
    clock: ManualClock,
}

impl Bench {
    async fn new() -> Self {
        Self::over(Arc::new(MemoryStore::new()), ManualClock::at(START_MS)).await
    }

    async fn over(store: Arc<MemoryStore>, clock: ManualClock) -> Self {
        let shared: Arc<dyn crate::Store> = store.clone();
        let engine = Embedded::open(shared, Arc::new(clock.clone())).await.unwrap();
        Self { engine, store, clock }
    }

    /// The same store under a new engine, as after a crash.
    async fn restart(self) -> Self {
        Self::over(self.store, self.clock).await
    }

    async fn deploy(&self, xml: &str) -> Definition {
        self.try_deploy(xml).await.unwrap().remove(0)
    }

    async fn try_deploy(&self, xml: &str) -> Result<Vec<Definition>, Error> {
        let file = DeployFile { name: "test.bpmn".to_owned(), content: xml.as_bytes().to_vec() };
        self.engine.deploy(vec![file]).await
    }

    async fn start(&self, process: &str, variables: Value) -> i64 {
        let request = StartInstance {
            process_id: Some(process.to_owned()),
            variables: object(variables),
            ..StartInstance::default()
        };
        let key = self.engine.start(request).await.unwrap();
        self.engine.settle().await;
        key
    }

    /// Leases jobs of the kernel's own kind.
    async fn lease(&self, max: usize) -> Vec<Job> {
        self.engine.activate_jobs(request(max)).await.unwrap()
    }

    async fn lease_one(&self) -> Job {
        let mut jobs = self.lease(1).await;
        assert_eq!(jobs.len(), 1, "one job was expected");
        jobs.remove(0)
    }

    async fn complete(&self, job: &Job, variables: Value) {
        self.engine.complete_job(job.key, job.attempt, object(variables), Record::default()).await.unwrap();
        self.engine.settle().await;
    }

    async fn fail(&self, job: &Job, retries_left: u32, backoff_ms: i64) {
        let failure = JobFailure {
            code: "TOOL-1".to_owned(),
            message: "it broke".to_owned(),
            retries_left,
            backoff_ms,
        };
        self.engine.fail_job(job.key, job.attempt, failure, Record::default()).await.unwrap();
    }

    async fn status(&self, instance: i64) -> Status {
        self.engine.instance(instance).await.unwrap().status
    }

    async fn variable(&self, instance: i64, name: &str) -> Value {
        self.engine.instance(instance).await.unwrap().variables.get(name).cloned().unwrap_or(Value::Null)
    }

    /// Moves the clock and does what is due.
    async fn pass(&self, ms: i64) {
        self.clock.advance(ms);
        self.engine.tick(self.engine.core.now_ms()).await.unwrap();
        self.engine.settle().await;
    }

    async fn current(&self, instance: i64) -> Vec<String> {
        let state = self.engine.state(instance).await.unwrap();
        state.current.into_iter().map(|element| element.node).collect()
    }
}

fn request(max: usize) -> ActivateJobs {
    ActivateJobs { worker: "w".to_owned(), max, lease_ms: 60_000, ..ActivateJobs::default() }
}

fn object(value: Value) -> Variables {
    match value {
        Value::Object(map) => map,
        _ => Variables::new(),
    }
}

/// A BPMN file with one process; `roots` are messages, signals and errors.
fn bpmn(process: &str, roots: &str, body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:procos="https://w3id.org/procos/bpmn/1.0"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="d_{process}" targetNamespace="t">
  {roots}
  <bpmn:process id="{process}" isExecutable="true">{body}</bpmn:process>
</bpmn:definitions>"#
    )
}

/// Sequence flows between consecutive nodes.
fn chain(nodes: &[&str]) -> String {
    let flows = nodes.windows(2).map(|pair| flow(pair[0], pair[1]));
    flows.collect()
}

fn flow(from: &str, to: &str) -> String {
    format!(r#"<bpmn:sequenceFlow id="f_{from}_{to}" sourceRef="{from}" targetRef="{to}"/>"#)
}

/// A start event, service tasks in sequence and an end event.
fn sequence(process: &str, tasks: &[&str]) -> String {
    let mut body = String::from(r#"<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>"#);
    for task in tasks {
        body.push_str(&format!(r#"<bpmn:serviceTask id="{task}"/>"#));
    }
    let nodes: Vec<&str> = std::iter::once("s").chain(tasks.iter().copied()).chain(["e"]).collect();
    body.push_str(&chain(&nodes));
    bpmn(process, "", &body)
}

/// A service task of an outside job type.
fn typed(process: &str, job_type: &str) -> String {
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:serviceTask id="t"><bpmn:extensionElements>
        <zeebe:taskDefinition type="{job_type}" retries="2"/></bpmn:extensionElements></bpmn:serviceTask>
        <bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "t", "e"])
    );
    bpmn(process, "", &body)
}

/// Waits for a message with a correlation key from the variable `key`.
fn waits_for_message(process: &str) -> String {
    let roots = r#"<bpmn:message id="m" name="paid"><bpmn:extensionElements>
        <zeebe:subscription correlationKey="=key"/></bpmn:extensionElements></bpmn:message>"#;
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:intermediateCatchEvent id="c">
        <bpmn:messageEventDefinition id="md" messageRef="m"/></bpmn:intermediateCatchEvent><bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "c", "e"])
    );
    bpmn(process, roots, &body)
}

fn empty() -> Value {
    json!({})
}
