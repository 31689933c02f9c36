//! Many tasks at once: a newcomer is not starved, limits hold, a TDE that waits costs little.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use engine::ProcessEngine;
use engine::port::Status;
use llm::{
    Audio, Capabilities, ChatAnswer, ChatRequest, Content, Embeddings, Model, Sample, Transcript, Usage,
};
use serde_json::json;
use tokio::sync::Semaphore;

use super::{Bed, one_task, variables};
use crate::Limits;

/// A model that answers when it is let: every answer takes a permit.
struct Gate {
    permits: Semaphore,
    asked: AtomicUsize,
}

#[async_trait]
impl Model for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
    async fn chat(&self, request: ChatRequest) -> Result<ChatAnswer, llm::Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
        let content = Content::Json { value: json!({"outcome": "done"}) };
        let sample = Sample { content, seed: None, repairs: 0 };
        Ok(ChatAnswer {
            samples: vec![sample; request.samples as usize],
            failures: Vec::new(),
            model: "gate".to_owned(),
            fingerprint: None,
            usage: Usage::default(),
            cost: 0.0,
            requests: 1,
            elapsed_ms: 0,
            warnings: Vec::new(),
        })
    }
    async fn embed(&self, _texts: &[String]) -> Result<Embeddings, llm::Error> {
        unreachable!("no vectors are asked for")
    }
    async fn transcribe(&self, _audio: Audio) -> Result<Transcript, llm::Error> {
        unreachable!("no speech is asked for")
    }
}

const SLOW: &str = r#"<procos:task by="model"><procos:prompt>Do it</procos:prompt><procos:outcome label="done"/>
    <procos:stop rule="fixed" samples="1"/></procos:task>"#;

#[tokio::test]
async fn a_thousand_waiting_tasks_do_not_starve_a_new_instance() {
    let gate = Arc::new(Gate { permits: Semaphore::new(0), asked: AtomicUsize::new(0) });
    let model = Arc::clone(&gate);
    let bed = Bed::with(|mut parts| {
        parts.model = Some(model);
        parts
    })
    .await;
    bed.deploy(&one_task("slow", SLOW)).await;
    let quick = r#"<procos:task by="feel"><procos:compute variable="x" expression="=1"/></procos:task>"#;
    bed.deploy(&one_task("quick", quick)).await;
    let mut waiting = Vec::new();
    for seed in 0..1_000 {
        waiting.push(bed.start("slow", variables(json!({})), seed).await);
    }
    while gate.asked.load(Ordering::SeqCst) < 1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!((bed.parts.census.tdes(), bed.parts.census.pdos()), (1_000, 1_000));
    assert_eq!(bed.run("quick", variables(json!({})), 1).await.status, Status::Completed);
    gate.permits.add_permits(1_000);
    for key in waiting {
        bed.until(key, |instance| instance.status == Status::Completed).await;
    }
    bed.empty().await;
    bed.stop().await;
}

#[tokio::test]
async fn no_more_tasks_work_at_once_than_the_limit_allows() {
    let gate = Arc::new(Gate { permits: Semaphore::new(0), asked: AtomicUsize::new(0) });
    let model = Arc::clone(&gate);
    let bed = Bed::with(|mut parts| {
        parts.model = Some(model);
        parts.with_limits(Limits { executors: 3, ..Limits::default() })
    })
    .await;
    bed.deploy(&one_task("slow", SLOW)).await;
    let mut keys = Vec::new();
    for seed in 0..10 {
        keys.push(bed.start("slow", variables(json!({})), seed).await);
    }
    while bed.parts.census.tdes() < 10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(gate.asked.load(Ordering::SeqCst), 3);
    gate.permits.add_permits(10);
    for key in keys {
        bed.until(key, |instance| instance.status == Status::Completed).await;
    }
    assert_eq!(bed.engine.incidents(None).await.unwrap().len(), 0);
    bed.stop().await;
}

#[tokio::test]
async fn of_tasks_that_are_ready_together_the_one_of_the_highest_priority_begins_first() {
    let bed = Bed::with(|parts| parts.with_limits(Limits { executors: 1, ..Limits::default() })).await;
    let task = |id: &str, priority: u32| {
        format!(
            r#"<bpmn:serviceTask id="{id}"><bpmn:extensionElements><zeebe:priorityDefinition priority="{priority}"/>
            <procos:task by="feel"><procos:compute variable="{id}" expression="=1"/></procos:task></bpmn:extensionElements></bpmn:serviceTask>
            <bpmn:sequenceFlow id="i{id}" sourceRef="split" targetRef="{id}"/>
            <bpmn:sequenceFlow id="o{id}" sourceRef="{id}" targetRef="join"/>"#
        )
    };
    let content = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:parallelGateway id="split"/><bpmn:parallelGateway id="join"/><bpmn:endEvent id="e"/>
        <bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="split"/><bpmn:sequenceFlow id="f2" sourceRef="join" targetRef="e"/>{}{}{}"#,
        task("low", 10),
        task("high", 90),
        task("middle", 50)
    );
    bed.deploy(&super::process("three", &content)).await;
    let done = bed.run("three", variables(json!({})), 1).await;
    assert_eq!(done.status, Status::Completed);
    let runs = engine::Store::task_runs(&*bed.store, done.key).await.unwrap();
    let order: Vec<&str> = runs.iter().map(|run| run.element.as_str()).collect();
    assert_eq!(order, ["high", "middle", "low"]);
    bed.stop().await;
}
