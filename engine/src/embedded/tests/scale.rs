//! Many instances at once: idle ones leave memory and go on from the store, and what is due together is done together.

use serde_json::json;

use super::*;
use crate::limits::CACHE_LIMIT;
use crate::port::Message;

const MANY: usize = CACHE_LIMIT + 200;
const HOUR_MS: i64 = 3_600_000;

/// Waits for a message, or an hour.
fn waits(process: &str) -> String {
    let roots = r#"<bpmn:message id="m" name="paid"><bpmn:extensionElements>
        <zeebe:subscription correlationKey="=key"/></bpmn:extensionElements></bpmn:message>"#;
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:receiveTask id="c" messageRef="m"/>
        <bpmn:boundaryEvent id="late" attachedToRef="c"><bpmn:timerEventDefinition id="td">
        <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>
        </bpmn:boundaryEvent><bpmn:endEvent id="e"/><bpmn:endEvent id="given_up"/>{}{}"#,
        chain(&["s", "c", "e"]),
        flow("late", "given_up")
    );
    bpmn(process, roots, &body)
}

async fn many() -> (Bench, Vec<i64>) {
    let bench = Bench::new().await;
    bench.deploy(&waits("p")).await;
    let mut keys = Vec::with_capacity(MANY);
    for number in 0..MANY {
        keys.push(bench.start("p", json!({"key": number.to_string()})).await);
    }
    (bench, keys)
}

async fn pay(bench: &Bench, number: usize) {
    let message =
        Message { name: "paid".to_owned(), correlation_key: Some(number.to_string()), ..Message::default() };
    bench.engine.publish_message(message).await.unwrap();
}

#[tokio::test]
async fn idle_instances_leave_memory_and_go_on_when_something_comes() {
    let (bench, keys) = many().await;
    let loaded = || bench.engine.core.slots.lock().len();
    assert!(loaded() <= CACHE_LIMIT + 1, "{} of {MANY} instances are loaded", loaded());
    for number in [0, MANY / 2, MANY - 1] {
        pay(&bench, number).await;
        assert_eq!(bench.status(keys[number]).await, Status::Completed);
    }
    let bench = bench.restart().await;
    assert_eq!(bench.engine.core.slots.lock().len(), 0, "a start loads no instance");
    assert_eq!(bench.engine.open_instances(0, MANY).await.unwrap().len(), MANY - 3);
    pay(&bench, 1).await;
    assert_eq!(bench.status(keys[1]).await, Status::Completed);
}

#[tokio::test]
async fn timers_that_are_due_at_once_all_fire_in_one_tick() {
    let (bench, keys) = many().await;
    bench.pass(HOUR_MS).await;
    for key in keys {
        assert_eq!(bench.status(key).await, Status::Completed);
    }
    assert!(bench.engine.open_instances(0, 1).await.unwrap().is_empty());
}
