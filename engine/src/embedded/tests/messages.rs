//! Messages and signals: correlation, buffering, time to live, start events.

use serde_json::json;

use super::*;
use crate::port::Message;

fn paid(key: &str, ttl: i64) -> Message {
    Message {
        name: "paid".to_owned(),
        correlation_key: Some(key.to_owned()),
        variables: object(json!({"amount": 5})),
        time_to_live_ms: ttl,
        message_id: None,
    }
}

#[tokio::test]
async fn a_message_reaches_the_instance_with_its_key_and_no_other() {
    let bench = Bench::new().await;
    bench.deploy(&waits_for_message("p")).await;
    let first = bench.start("p", json!({"key": "k1"})).await;
    let second = bench.start("p", json!({"key": "k2"})).await;
    bench.engine.publish_message(paid("k2", 0)).await.unwrap();
    assert_eq!(bench.status(first).await, Status::Active);
    assert_eq!(bench.status(second).await, Status::Completed);
    assert_eq!(bench.variable(second, "amount").await, json!(5));
}

#[tokio::test]
async fn a_buffered_message_is_taken_by_the_first_that_waits_for_it() {
    let bench = Bench::new().await;
    bench.deploy(&waits_for_message("p")).await;
    bench.engine.publish_message(paid("k", 60_000)).await.unwrap();
    let first = bench.start("p", json!({"key": "k"})).await;
    assert_eq!(bench.status(first).await, Status::Completed);
    let second = bench.start("p", json!({"key": "k"})).await;
    assert_eq!(bench.status(second).await, Status::Active);
}

#[tokio::test]
async fn a_message_is_gone_after_its_time_to_live() {
    let bench = Bench::new().await;
    bench.deploy(&waits_for_message("p")).await;
    bench.engine.publish_message(paid("k", 1_000)).await.unwrap();
    bench.engine.publish_message(paid("k0", 0)).await.unwrap();
    bench.pass(1_000).await;
    for key in ["k", "k0"] {
        let instance = bench.start("p", json!({"key": key})).await;
        assert_eq!(bench.status(instance).await, Status::Active);
    }
}

#[tokio::test]
async fn the_same_message_id_is_one_message_while_it_is_buffered() {
    let bench = Bench::new().await;
    bench.deploy(&waits_for_message("p")).await;
    let message = Message { message_id: Some("m-1".to_owned()), ..paid("k", 60_000) };
    bench.engine.publish_message(message.clone()).await.unwrap();
    bench.engine.publish_message(message).await.unwrap();
    let first = bench.start("p", json!({"key": "k"})).await;
    let second = bench.start("p", json!({"key": "k"})).await;
    assert_eq!((bench.status(first).await, bench.status(second).await), (Status::Completed, Status::Active));
}

#[tokio::test]
async fn a_message_start_event_starts_one_instance() {
    let bench = Bench::new().await;
    let body = format!(
        r#"<bpmn:startEvent id="s"><bpmn:messageEventDefinition id="md" messageRef="m"/></bpmn:startEvent>
        <bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "e"])
    );
    bench.deploy(&bpmn("p", r#"<bpmn:message id="m" name="paid"/>"#, &body)).await;
    bench.engine.publish_message(paid("k", 60_000)).await.unwrap();
    let started = bench.engine.instances(&Default::default()).await.unwrap();
    assert_eq!(started.len(), 1);
    assert_eq!(started[0].variables.get("amount"), Some(&json!(5)));
}

#[tokio::test]
async fn a_signal_reaches_everybody_who_waits() {
    let bench = Bench::new().await;
    let roots = r#"<bpmn:signal id="sig" name="go"/>"#;
    let waits = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:intermediateCatchEvent id="c"><bpmn:signalEventDefinition id="sd"
        signalRef="sig"/></bpmn:intermediateCatchEvent><bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "c", "e"])
    );
    let throws = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:intermediateThrowEvent id="c"><bpmn:signalEventDefinition id="sd"
        signalRef="sig"/></bpmn:intermediateThrowEvent><bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "c", "e"])
    );
    bench.deploy(&bpmn("waits", roots, &waits)).await;
    bench.deploy(&bpmn("throws", roots, &throws)).await;
    let first = bench.start("waits", empty()).await;
    let second = bench.start("waits", empty()).await;
    bench.engine.broadcast_signal("other", object(empty())).await.unwrap();
    assert_eq!(bench.status(first).await, Status::Active);
    bench.start("throws", empty()).await;
    assert_eq!(
        (bench.status(first).await, bench.status(second).await),
        (Status::Completed, Status::Completed)
    );
}

#[tokio::test]
async fn a_message_thrown_by_one_process_reaches_another() {
    let bench = Bench::new().await;
    let roots = r#"<bpmn:message id="m" name="paid"/>"#;
    let throws = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:endEvent id="e"><bpmn:messageEventDefinition id="md" messageRef="m"/>
        </bpmn:endEvent>{}"#,
        chain(&["s", "e"])
    );
    let waits = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:receiveTask id="r" messageRef="m"/><bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "r", "e"])
    );
    bench.deploy(&bpmn("throws", roots, &throws)).await;
    bench.deploy(&bpmn("waits", roots, &waits)).await;
    let waiting = bench.start("waits", empty()).await;
    bench.start("throws", empty()).await;
    assert_eq!(bench.status(waiting).await, Status::Completed);
    // Thrown before anybody waits: buffered.
    bench.start("throws", empty()).await;
    let later = bench.start("waits", empty()).await;
    assert_eq!(bench.status(later).await, Status::Completed);
}
