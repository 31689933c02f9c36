//! Real cases on an engine in memory, with a clock moved by hand.

use std::sync::Arc;

use bpmn::program::Variables;
use engine::clock::ManualClock;
use engine::port::{DeployFile, JobFilter, StartInstance};
use engine::{Embedded, MemoryStore, ProcessEngine};
use serde_json::json;

use super::*;

const REVIEW: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="https://example.org/test">
    <process id="review" isExecutable="true"><startEvent id="s"/><userTask id="read"/><exclusiveGateway id="g" default="no"/>
    <endEvent id="good"/><endEvent id="bad"/><sequenceFlow id="a" sourceRef="s" targetRef="read"/>
    <sequenceFlow id="b" sourceRef="read" targetRef="g"/><sequenceFlow id="yes" sourceRef="g" targetRef="good">
    <conditionExpression xsi:type="tFormalExpression">=ok = true</conditionExpression></sequenceFlow>
    <sequenceFlow id="no" sourceRef="g" targetRef="bad"/></process></definitions>"#;

struct Shop {
    store: Arc<MemoryStore>,
    engine: Embedded,
    clock: ManualClock,
}

impl Shop {
    async fn new() -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::at(1_700_000_000_000));
        let engine = Embedded::open(store.clone(), Arc::new(clock.clone())).await.unwrap();
        let file = DeployFile { name: "review.bpmn".to_owned(), content: REVIEW.as_bytes().to_vec() };
        engine.deploy(vec![file]).await.unwrap();
        Self { store, engine, clock }
    }

    async fn start(&self, dry_run: bool) -> i64 {
        let process_id = Some("review".to_owned());
        let request = StartInstance { process_id, dry_run, ..StartInstance::default() };
        self.engine.start(request).await.unwrap()
    }

    async fn read_it(&self, instance: i64, seconds: i64, ok: bool) {
        let filter = JobFilter { instance: Some(instance), ..JobFilter::default() };
        let jobs = self.engine.jobs(&filter).await.unwrap();
        self.clock.advance(seconds * 1_000);
        let answer = Variables::from_iter([("ok".to_owned(), json!(ok))]);
        self.engine.complete_user_task(jobs[0].key, "ann", answer).await.unwrap();
    }

    async fn evidence(&self) -> Evidence {
        use engine::clock::Clock as _;
        let (store, now_ms) = (self.store.as_ref(), self.clock.now_ms());
        read_evidence(store, store, "review", now_ms).await.unwrap()
    }
}

#[tokio::test]
async fn what_people_took_and_which_way_was_taken_is_read_and_what_still_runs_is_censored() {
    let shop = Shop::new().await;
    for (seconds, ok) in [(60, true), (90, true), (30, false)] {
        let instance = shop.start(false).await;
        shop.read_it(instance, seconds, ok).await;
    }
    shop.start(false).await;
    shop.clock.advance(45_000);
    let seen = shop.evidence().await;
    let read = &seen.elements["read"];
    let mut finished = read.finished.clone();
    finished.sort_by(f64::total_cmp);
    assert_eq!((seen.cases, finished, read.open.clone()), (4, vec![30.0, 60.0, 90.0], vec![45.0]));
    assert!(read.with_waiting);
    assert_eq!((seen.flows["yes"], seen.flows["no"]), (2, 1));
}

#[tokio::test]
async fn dry_runs_and_other_processes_do_not_count() {
    let shop = Shop::new().await;
    let dry = shop.start(true).await;
    shop.read_it(dry, 60, true).await;
    assert_eq!(shop.evidence().await, Evidence::default());
    let store = shop.store.as_ref();
    assert_eq!(read_evidence(store, store, "another", 0).await.unwrap(), Evidence::default());
}

fn event(position: i64, kind: &str, element: &str, at_ms: i64, data: Value) -> Event {
    let content =
        ::trail::NewEvent { element: Some(element.to_owned()), data, ..::trail::NewEvent::new(kind, at_ms) };
    Event { position, content, previous_hash: String::new(), hash: String::new() }
}

#[test]
fn of_what_the_kernel_executes_the_time_at_work_counts_and_what_passes_through_does_not() {
    let mut found = Recorded::default();
    let mut case = Case::default();
    let events = [
        event(1, "element.activated", "work", 0, json!({"element": 7, "kind": "serviceTask"})),
        event(2, "task.started", "work", 4_000, json!({"job": 1, "by": "tool"})),
        event(3, "task.completed", "work", 6_000, json!({"job": 1, "outcome": "heads"})),
        event(4, "element.completed", "work", 6_000, json!({"element": 7, "kind": "serviceTask"})),
        event(5, "element.activated", "passed", 6_000, json!({"element": 8, "kind": "serviceTask"})),
        event(6, "task.started", "passed", 6_000, json!({"job": 2, "by": "pass_through"})),
        event(7, "task.completed", "passed", 6_001, json!({"job": 2})),
        event(8, "element.completed", "passed", 6_001, json!({"element": 8, "kind": "serviceTask"})),
        event(9, "element.activated", "stuck", 6_001, json!({"element": 9, "kind": "userTask"})),
        event(10, "incident.raised", "stuck", 6_002, json!({"element": 9, "code": "X-1"})),
    ];
    events.iter().for_each(|event| case.fold(event, &mut found));
    case.end(Some(90_000), &mut found);
    let seen = found.finish();
    assert_eq!(seen.elements.keys().collect::<Vec<_>>(), ["work"]);
    let work = &seen.elements["work"];
    assert_eq!((work.finished.clone(), work.with_waiting, work.outcomes["heads"]), (vec![2.0], false, 1));
}
