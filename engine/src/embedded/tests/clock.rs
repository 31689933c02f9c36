//! A clock that stands still, jumps ahead and jumps back: what is due is done once, and nothing is done early.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use trail::{Filter, Trail};

use super::*;
use crate::port::Notice;

const HOUR_MS: i64 = 3_600_000;
/// The timer task looks at the clock at least every second.
const PATIENCE: Duration = Duration::from_secs(30);

fn waits_an_hour(process: &str) -> String {
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:intermediateCatchEvent id="c"><bpmn:timerEventDefinition id="td">
        <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>
        </bpmn:intermediateCatchEvent><bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "c", "e"])
    );
    bpmn(process, "", &body)
}

#[tokio::test]
async fn a_clock_that_stood_and_jumps_ahead_fires_every_timer_once() {
    let bench = Bench::new().await;
    bench.deploy(&waits_an_hour("p")).await;
    let keys = [bench.start("p", empty()).await, bench.start("p", empty()).await];
    let mut notices = bench.engine.notices();
    let stop = CancellationToken::new();
    let timers = tokio::spawn({
        let (engine, stop) = (bench.engine.clone(), stop.clone());
        async move { engine.run_timers(stop).await }
    });
    // The timer task sleeps for a clock that does not move; nothing wakes it when the clock jumps.
    bench.clock.advance(30 * 24 * HOUR_MS);
    let mut ended = Vec::new();
    while ended.len() < keys.len() {
        let notice =
            tokio::time::timeout(PATIENCE, notices.recv()).await.expect("the jump is noticed").unwrap();
        if let Notice::Ended { instance, status } = notice {
            assert_eq!(status, Status::Completed);
            ended.push(instance);
        }
    }
    stop.cancel();
    timers.await.unwrap();
    ended.sort_unstable();
    assert_eq!(ended, keys);
    bench.pass(0).await;
    let filter = Filter { kind_prefix: Some("timer.".to_owned()), ..Filter::default() };
    let fired = bench.store.read(&filter, 0, 100).await.unwrap();
    let closed = fired.iter().filter(|entry| entry.content.kind == "timer.closed").count();
    assert_eq!(closed, keys.len(), "{fired:?}");
}

#[tokio::test]
async fn a_clock_that_jumps_back_does_nothing_early_and_nothing_again() {
    let bench = Bench::new().await;
    bench.deploy(&waits_an_hour("p")).await;
    bench.deploy(&sequence("q", &["a"])).await;
    let fired = bench.start("p", empty()).await;
    bench.pass(HOUR_MS).await;
    assert_eq!(bench.status(fired).await, Status::Completed);
    let waiting = bench.start("p", empty()).await;
    bench.start("q", empty()).await;
    let job = bench.lease_one().await;

    bench.pass(-24 * HOUR_MS).await;
    assert_eq!(bench.status(waiting).await, Status::Active);
    // The lease lasts to the moment it was given for; nobody else gets the job meanwhile.
    assert!(bench.lease(1).await.is_empty());
    bench.complete(&job, json!({})).await;
    bench.pass(24 * HOUR_MS).await;
    assert_eq!(bench.status(waiting).await, Status::Active, "an hour after its start, and not before");
    bench.pass(HOUR_MS).await;
    assert_eq!(bench.status(waiting).await, Status::Completed);
    assert!(bench.store.verify().await.unwrap().broken.is_none());
}
