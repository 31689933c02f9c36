//! Tasks that reach beyond their own instance: memory regions, other processes, requests; and what happens after an
//! attempt whose outcome nobody knows.

use engine::ProcessEngine;
use engine::port::Status;
use serde_json::json;
use tokio::net::TcpListener;

use super::{Bed, one_task, process, variables};
use crate::{Outside, OutsideLimits};

/// Tasks one after the other, each (operation, inputs as mappings).
fn sequence(id: &str, tasks: &[(&str, &str)]) -> String {
    let mut content = r#"<bpmn:startEvent id="start"/>"#.to_owned();
    let mut last = "start".to_owned();
    for (place, (operation, inputs)) in tasks.iter().enumerate() {
        content.push_str(&format!(
            r#"<bpmn:serviceTask id="t{place}"><bpmn:extensionElements><procos:task by="tool" ref="{operation}"/>
            <zeebe:ioMapping>{inputs}</zeebe:ioMapping></bpmn:extensionElements></bpmn:serviceTask>
            <bpmn:sequenceFlow id="f{place}" sourceRef="{last}" targetRef="t{place}"/>"#
        ));
        last = format!("t{place}");
    }
    content.push_str(&format!(
        r#"<bpmn:endEvent id="end"/><bpmn:sequenceFlow id="last" sourceRef="{last}" targetRef="end"/>"#
    ));
    process(id, &content)
}

const REGION: &str = r#"<zeebe:input source="=region" target="region"/>"#;

#[tokio::test]
async fn a_region_of_memory_lives_as_long_as_its_instance_and_no_longer() {
    let bed = Bed::new().await;
    let sized = format!(r#"{REGION}<zeebe:input source="=10" target="size"/>"#);
    let filled = format!(r#"{REGION}<zeebe:input source="=content" target="content"/>"#);
    bed.deploy(&sequence(
        "memory",
        &[("memory.allocate", &sized), ("memory.write", &filled), ("memory.read", REGION)],
    ))
    .await;
    let done = bed.run("memory", variables(json!({"region": "r", "content": "hello"})), 1).await;
    assert_eq!(
        (done.status, &done.variables["content"], &done.variables["used"]),
        (Status::Completed, &json!("hello"), &json!(5))
    );
    bed.empty().await;
    assert_eq!(bed.parts.holdings.holders(), 0);
    let full = bed.run("memory", variables(json!({"region": "r", "content": "more than ten"})), 1).await;
    let incidents = bed.engine.incidents(Some(full.key)).await.unwrap();
    let text = format!("{:?} {incidents:?}", full.status);
    assert!(full.status == Status::Failed || text.contains("memory.full"), "{text}");
    bed.deploy(&sequence("greedy", &[("memory.allocate", &sized.replace("=10", "=2000000"))])).await;
    let greedy = bed.run("greedy", variables(json!({"region": "r"})), 1).await;
    assert_ne!(greedy.status, Status::Completed);
    assert_eq!(bed.task_run(greedy.key, "t0").await.state, "error");
    bed.stop().await;
}

#[tokio::test]
async fn a_task_is_executed_by_another_process_and_takes_its_result() {
    let bed = Bed::new().await;
    let child =
        r#"<procos:task by="feel"><procos:compute variable="double" expression="=2 * given"/></procos:task>"#;
    bed.deploy(&one_task("child", child)).await;
    let parent = r#"<procos:task by="process" ref="child"/><zeebe:ioMapping>
        <zeebe:input source="=x" target="given"/><zeebe:output source="=double" target="y"/></zeebe:ioMapping>"#;
    bed.deploy(&one_task("parent", parent)).await;
    let done = bed.run("parent", variables(json!({"x": 21})), 1).await;
    assert_eq!((done.status, &done.variables["y"]), (Status::Completed, &json!(42)));
    assert_eq!(bed.task_run(done.key, "work").await.executed_by, "process");
    bed.stop().await;
}

#[tokio::test]
async fn cancelling_an_instance_ends_the_process_that_executes_its_task() {
    let bed = Bed::new().await;
    let waits = process(
        "child",
        r#"<bpmn:startEvent id="start"/><bpmn:userTask id="person"/><bpmn:endEvent id="end"/>
        <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="person"/>
        <bpmn:sequenceFlow id="f2" sourceRef="person" targetRef="end"/>"#,
    );
    bed.deploy(&waits).await;
    bed.deploy(&one_task("parent", r#"<procos:task by="process" ref="child"/>"#)).await;
    let parent = bed.start("parent", variables(json!({})), 1).await;
    let mut notices = bed.engine.notices();
    let child = loop {
        let open = bed.engine.open_instances(0, 10).await.unwrap();
        match open.iter().find(|key| **key != parent) {
            Some(child) => break *child,
            None => {
                let _missed = notices.recv().await;
            }
        }
    };
    bed.engine.cancel(parent, "no longer wanted").await.unwrap();
    let ended = bed.until(child, |found| found.status != Status::Active).await;
    assert_eq!(ended.status, Status::Terminated);
    bed.empty().await;
    bed.stop().await;
}

/// Runs a request that is never answered until it has arrived, then crashes; gives what the next kernel says of it.
async fn cut_off(method: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let outside = Outside::new(&[], std::slice::from_ref(&address), OutsideLimits::default()).unwrap();
    let bed = Bed::with(|mut parts| {
        parts.outside = outside;
        parts
    })
    .await;
    bed.deploy(&one_task("p", &format!(r#"<procos:task by="http" ref="{address}" method="{method}"/>"#)))
        .await;
    let key = bed.start("p", variables(json!({})), 1).await;
    let _arrived = listener.accept().await.unwrap();
    let next = bed.crash().await;
    next.until(key, |found| found.status != Status::Active || found.incidents > 0).await;
    let run = next.task_run(key, "work").await;
    next.stop().await;
    format!("{} {}", run.state, run.notes.join(" "))
}

#[tokio::test]
async fn after_a_crash_an_unsafe_request_asks_a_person_and_an_idempotent_one_is_sent_again() {
    let post = cut_off("POST").await;
    assert!(post.contains("unsafe to repeat") && post.contains("work_decision"), "{post}");
    let get = cut_off("GET").await;
    // The kernel after the crash has no declared hosts, which it finds out by sending.
    assert!(get.starts_with("error") && get.contains("is not declared"), "{get}");
}
