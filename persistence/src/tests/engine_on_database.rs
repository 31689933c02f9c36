//! The embedded engine on a database: restarts, replay, many instances at once.

use std::sync::Arc;

use bpmn::exec::{Event, State, apply};
use bpmn::program::Variables;
use engine::clock::ManualClock;
use engine::port::{
    ActivateJobs, DeployFile, Job, Migration, Modification, ProcessEngine, Record, StartInstance, Status,
};
use engine::store::Store;
use engine::{Embedded, Error};
use trail::{Filter, Trail};

use super::suite::variables;
use super::{Bench, NOW_MS};
use crate::Database;

const PROCESS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t">
  <bpmn:process id="p" isExecutable="true">
    <bpmn:startEvent id="s"/><bpmn:serviceTask id="a"/><bpmn:intermediateCatchEvent id="wait">
    <bpmn:timerEventDefinition id="td"><bpmn:timeDuration>PT10S</bpmn:timeDuration></bpmn:timerEventDefinition>
    </bpmn:intermediateCatchEvent><bpmn:serviceTask id="b"/><bpmn:endEvent id="e"/>
    <bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="a"/><bpmn:sequenceFlow id="f2" sourceRef="a" targetRef="wait"/>
    <bpmn:sequenceFlow id="f3" sourceRef="wait" targetRef="b"/><bpmn:sequenceFlow id="f4" sourceRef="b" targetRef="e"/>
  </bpmn:process>
</bpmn:definitions>"#;

async fn open(database: &Database, clock: &ManualClock) -> Embedded {
    Embedded::open(Arc::new(database.clone()), Arc::new(clock.clone())).await.unwrap()
}

async fn deploy(engine: &Embedded) {
    let file = DeployFile { name: "p.bpmn".to_owned(), content: PROCESS.as_bytes().to_vec() };
    engine.deploy(vec![file]).await.unwrap();
}

fn start() -> StartInstance {
    StartInstance {
        process_id: Some("p".to_owned()),
        variables: variables(serde_json::json!({"x": 0.1})),
        ..StartInstance::default()
    }
}

async fn lease(engine: &Embedded, max: usize) -> Vec<Job> {
    let request = ActivateJobs { worker: "w".to_owned(), max, lease_ms: 60_000, ..ActivateJobs::default() };
    engine.activate_jobs(request).await.unwrap()
}

async fn complete(engine: &Embedded, job: &Job) -> Result<(), Error> {
    let result = variables(serde_json::json!({ job.element.clone(): 0.30000000000000004 }));
    engine.complete_job(job.key, job.attempt, result, Record::default()).await
}

/// The state in the store is the fold of the trail's events.
async fn check_replay(database: &Database, instance: i64) {
    let filter = Filter { instance: Some(instance), ..Filter::default() };
    let mut state = State::new();
    for event in database.read(&filter, 0, 10_000).await.unwrap() {
        if let Ok(event) = serde_json::from_value::<Event>(event.content.data) {
            apply(&mut state, &event);
        }
    }
    let stored = database.load_instance(instance).await.unwrap().unwrap();
    let kept: serde_json::Value = serde_json::from_str(&stored.state).unwrap();
    assert_eq!(kept["exec"], serde_json::to_value(&state).unwrap());
}

#[tokio::test]
async fn an_instance_survives_a_restart_after_every_step() {
    for mut bench in Bench::all().await {
        let clock = ManualClock::at(NOW_MS);
        let engine = open(&bench.database, &clock).await;
        deploy(&engine).await;
        let key = engine.start(start()).await.unwrap();
        engine.stop().await;
        check_replay(&bench.database, key).await;
        bench.reopen().await;

        let engine = open(&bench.database, &clock).await;
        let held = lease(&engine, 1).await.remove(0);
        engine.stop().await;
        bench.reopen().await;

        let engine = open(&bench.database, &clock).await;
        let late = complete(&engine, &held).await;
        assert!(matches!(late, Err(Error::Stale { attempt: 1, .. })), "{late:?}");
        let job = lease(&engine, 1).await.remove(0);
        assert_eq!((job.attempt, job.retries), (2, 2));
        complete(&engine, &job).await.unwrap();
        engine.stop().await;
        check_replay(&bench.database, key).await;
        bench.reopen().await;

        let engine = open(&bench.database, &clock).await;
        clock.advance(10_000);
        engine.tick(NOW_MS + 10_000).await.unwrap();
        let job = lease(&engine, 1).await.remove(0);
        complete(&engine, &job).await.unwrap();
        let ended = engine.instance(key).await.unwrap();
        assert_eq!(ended.status, Status::Completed);
        let expected: Variables = variables(serde_json::json!({
            "x": 0.1, "a": 0.30000000000000004, "b": 0.30000000000000004
        }));
        assert_eq!(ended.variables, expected);
        check_replay(&bench.database, key).await;
        assert!(bench.database.verify().await.unwrap().broken.is_none());
        let waiting = bench.database.load_waiting().await.unwrap();
        assert!(waiting.jobs.is_empty() && waiting.timers.is_empty());
        engine.stop().await;
        bench.remove().await;
    }
}

#[tokio::test]
async fn operations_on_an_instance_survive_a_restart() {
    for mut bench in Bench::all().await {
        let clock = ManualClock::at(NOW_MS);
        let engine = open(&bench.database, &clock).await;
        deploy(&engine).await;
        let key = engine.start(start()).await.unwrap();
        let newer = PROCESS.replace("\"a\"", "\"begin\"");
        let file = DeployFile { name: "p.bpmn".to_owned(), content: newer.into_bytes() };
        let definition = engine.deploy(vec![file]).await.unwrap().remove(0).key;
        let elements = [("a".to_owned(), "begin".to_owned())].into();
        engine.migrate(key, Migration { definition, elements }, "mia").await.unwrap();
        engine.suspend(key, "mia").await.unwrap();
        engine.stop().await;
        check_replay(&bench.database, key).await;
        bench.reopen().await;

        let engine = open(&bench.database, &clock).await;
        let found = engine.instance(key).await.unwrap();
        assert_eq!((found.status, found.version), (Status::Suspended, 2));
        assert!(lease(&engine, 1).await.is_empty());
        engine.resume(key, "mia").await.unwrap();
        let job = lease(&engine, 1).await.remove(0);
        assert_eq!((job.element.as_str(), job.definition), ("begin", definition));
        complete(&engine, &job).await.unwrap();
        let stands = engine.state(key).await.unwrap().current.remove(0).element;
        let modification = Modification { terminate: vec![stands], activate: vec!["b".to_owned()] };
        engine.modify(key, modification, "mia").await.unwrap();
        engine.stop().await;
        check_replay(&bench.database, key).await;
        bench.reopen().await;

        let engine = open(&bench.database, &clock).await;
        let job = lease(&engine, 1).await.remove(0);
        assert_eq!(job.element, "b");
        complete(&engine, &job).await.unwrap();
        assert_eq!(engine.instance(key).await.unwrap().status, Status::Completed);
        check_replay(&bench.database, key).await;
        assert!(bench.database.load_waiting().await.unwrap().timers.is_empty());
        engine.stop().await;
        bench.remove().await;
    }
}

#[tokio::test]
async fn three_hundred_instances_share_physical_transactions() {
    for bench in Bench::all().await {
        let clock = ManualClock::at(NOW_MS);
        let engine = open(&bench.database, &clock).await;
        deploy(&engine).await;
        let began = std::time::Instant::now();
        let started = futures::future::join_all((0..300).map(|_| engine.start(start()))).await;
        let keys: Vec<i64> = started.into_iter().map(Result::unwrap).collect();
        let jobs = lease(&engine, 300).await;
        assert_eq!(jobs.len(), 300);
        for answer in futures::future::join_all(jobs.iter().map(|job| complete(&engine, job))).await {
            answer.unwrap();
        }
        clock.advance(10_000);
        engine.tick(NOW_MS + 10_000).await.unwrap();
        let jobs = lease(&engine, 300).await;
        for answer in futures::future::join_all(jobs.iter().map(|job| complete(&engine, job))).await {
            answer.unwrap();
        }
        println!("300 instances on {} in {:?}", bench.database.kind(), began.elapsed());
        assert!(engine.open_instances(0, 10).await.unwrap().is_empty());
        check_replay(&bench.database, keys[299]).await;
        assert!(bench.database.verify().await.unwrap().broken.is_none());
        engine.stop().await;
        bench.remove().await;
    }
}
