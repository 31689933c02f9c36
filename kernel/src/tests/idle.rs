//! PDOs of instances that give them nothing to do leave memory where there are many, and come back with the next job.

use engine::ProcessEngine;
use engine::port::{JobFilter, Status};
use serde_json::json;

use super::{Bed, process, variables};
use crate::Limits;

const INSTANCES: u64 = 8;
const IDLE: usize = 2;

/// Computes, waits for a person, computes again.
fn interrupted() -> String {
    let compute = |id: &str, value: u32| {
        format!(
            r#"<bpmn:serviceTask id="{id}"><bpmn:extensionElements><procos:task by="feel">
            <procos:compute variable="{id}" expression="={value}"/></procos:task></bpmn:extensionElements>
            </bpmn:serviceTask>"#
        )
    };
    let content = format!(
        r#"<bpmn:startEvent id="start"/>{}<bpmn:userTask id="approve"/>{}<bpmn:endEvent id="end"/>
        <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="before"/>
        <bpmn:sequenceFlow id="f2" sourceRef="before" targetRef="approve"/>
        <bpmn:sequenceFlow id="f3" sourceRef="approve" targetRef="after"/>
        <bpmn:sequenceFlow id="f4" sourceRef="after" targetRef="end"/>"#,
        compute("before", 1),
        compute("after", 2)
    );
    process("interrupted", &content)
}

#[tokio::test]
async fn idle_orchestrators_leave_memory_and_come_back_with_work() {
    let bed = Bed::with(|parts| {
        parts.with_limits(Limits { idle_orchestrators: IDLE, poll_ms: 5, ..Limits::default() })
    })
    .await;
    bed.deploy(&interrupted()).await;
    let mut keys = Vec::new();
    for seed in 0..INSTANCES {
        keys.push(bed.start("interrupted", variables(json!({})), seed).await);
    }
    for key in &keys {
        bed.until(*key, |instance| instance.variables.contains_key("before")).await;
    }
    let rested = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        while bed.parts.census.pdos() > IDLE {
            tokio::task::yield_now().await;
        }
    });
    assert!(rested.await.is_ok(), "{} PDOs are idle", bed.parts.census.pdos());
    for key in keys {
        let filter = JobFilter { instance: Some(key), ..JobFilter::default() };
        let job = bed.engine.jobs(&filter).await.unwrap().remove(0);
        bed.engine.complete_user_task(job.key, "mia", variables(json!({}))).await.unwrap();
        let ended = bed.until(key, |instance| instance.status == Status::Completed).await;
        assert_eq!(ended.variables["after"], json!(2));
    }
    bed.empty().await;
    bed.stop().await;
}
