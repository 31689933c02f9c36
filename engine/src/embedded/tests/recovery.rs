//! Restarts and idempotency: what was acknowledged is there, what was owed is done, nothing happens twice.

use serde_json::json;
use trail::Trail;

use super::*;
use bpmn::program::JobKind;

use crate::port::{Assignment, JobFilter, Message};

#[tokio::test]
async fn a_restart_goes_on_where_the_former_process_stopped() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a", "b"])).await;
    let key = bench.start("p", json!({"x": 1})).await;
    let job = bench.lease_one().await;
    bench.complete(&job, json!({"y": 2})).await;
    let bench = bench.restart().await;
    assert_eq!(bench.current(key).await, ["b"]);
    let job = bench.lease_one().await;
    assert_eq!((job.element.as_str(), job.variables.get("y")), ("b", Some(&json!(2))));
    bench.complete(&job, empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
    assert!(bench.store.verify().await.unwrap().broken.is_none());
}

#[tokio::test]
async fn a_lease_of_the_former_process_counts_as_a_failed_attempt() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    bench.start("p", empty()).await;
    let before = bench.lease_one().await;
    let bench = bench.restart().await;
    let after = bench.lease_one().await;
    assert_eq!((before.attempt, after.attempt, after.retries), (1, 2, 2));
    let late =
        bench.engine.complete_job(before.key, before.attempt, object(empty()), Record::default()).await;
    assert!(matches!(late, Err(Error::Stale { .. })), "{late:?}");
}

#[tokio::test]
async fn timers_messages_and_incidents_survive_a_restart() {
    let bench = Bench::new().await;
    bench.deploy(&waits_for_message("waits")).await;
    let waiting = bench.start("waits", json!({"key": "a"})).await;
    bench.deploy(&sequence("p", &["a"])).await;
    let broken = bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    bench.fail(&job, 0, 0).await;
    let message = |key: &str| Message {
        name: "paid".to_owned(),
        correlation_key: Some(key.to_owned()),
        time_to_live_ms: 60_000,
        ..Message::default()
    };
    bench.engine.publish_message(message("b")).await.unwrap();
    let bench = bench.restart().await;
    assert_eq!(bench.engine.incidents(None).await.unwrap().len(), 1);
    assert_eq!(bench.engine.incidents(Some(broken)).await.unwrap()[0].instance, broken);
    bench.engine.publish_message(message("a")).await.unwrap();
    assert_eq!(bench.status(waiting).await, Status::Completed);
    let buffered = bench.start("waits", json!({"key": "b"})).await;
    assert_eq!(bench.status(buffered).await, Status::Completed);
}

#[tokio::test]
async fn the_same_idempotency_key_starts_one_instance_also_concurrently() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    bench.deploy(&sequence("q", &["a"])).await;
    let request = |process: &str| StartInstance {
        process_id: Some(process.to_owned()),
        idempotency_key: Some("once".to_owned()),
        ..StartInstance::default()
    };
    let starts = (0..20).map(|_| bench.engine.start(request("p")));
    let keys: Vec<i64> = futures::future::join_all(starts).await.into_iter().map(Result::unwrap).collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!(bench.engine.instances(&Default::default()).await.unwrap().len(), 1);
    assert_eq!(bench.engine.open_instances(0, 10).await.unwrap(), [keys[0]]);
    let bench = bench.restart().await;
    assert_eq!(bench.engine.start(request("p")).await.unwrap(), keys[0]);
    assert!(matches!(bench.engine.start(request("q")).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn a_thousand_instances_run_side_by_side() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a", "b"])).await;
    let starts = (0..1_000).map(|_| {
        bench.engine.start(StartInstance { process_id: Some("p".to_owned()), ..StartInstance::default() })
    });
    futures::future::join_all(starts).await.into_iter().for_each(|key| assert!(key.is_ok()));
    let mut done = 0;
    loop {
        let jobs = bench.lease(500).await;
        if jobs.is_empty() {
            break;
        }
        done += jobs.len();
        let answers = jobs
            .iter()
            .map(|job| bench.engine.complete_job(job.key, job.attempt, object(empty()), Record::default()));
        futures::future::join_all(answers).await.into_iter().for_each(|answer| answer.unwrap());
    }
    assert_eq!(done, 2_000);
    assert!(bench.engine.open_instances(0, 10).await.unwrap().is_empty());
    assert!(bench.store.verify().await.unwrap().broken.is_none());
}

#[tokio::test]
async fn a_stopping_engine_refuses_commands() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    bench.engine.stop().await;
    let request = StartInstance { process_id: Some("p".to_owned()), ..StartInstance::default() };
    assert!(matches!(bench.engine.start(request).await, Err(Error::Stopping)));
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_in_the_store_afterwards() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a", "b"])).await;
    let key = bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    bench.store.lose_answers(true);
    let lost = bench.engine.complete_job(job.key, job.attempt, object(empty()), Record::default()).await;
    assert!(matches!(lost, Err(Error::Store(_))), "{lost:?}");
    let request = StartInstance { process_id: Some("p".to_owned()), ..StartInstance::default() };
    assert!(bench.engine.start(request).await.is_err());
    bench.store.lose_answers(false);
    let again = bench.engine.complete_job(job.key, job.attempt, object(empty()), Record::default()).await;
    assert!(matches!(again, Err(Error::Stale { .. })), "{again:?}");
    bench.pass(1).await;
    assert_eq!(bench.engine.open_instances(0, 10).await.unwrap().len(), 2);
    let jobs = bench.lease(10).await;
    let elements: Vec<&str> = jobs.iter().map(|job| job.element.as_str()).collect();
    assert_eq!(elements, ["b", "a"]);
    bench.complete(&jobs[0], empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
}

#[tokio::test]
async fn variables_of_jobs_of_the_former_process_are_read_when_they_are_wanted() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    bench.deploy(&user_task("people")).await;
    for number in 0..3 {
        bench.start("p", json!({"number": number})).await;
    }
    bench.start("people", json!({"number": 3})).await;
    let bench = bench.restart().await;
    let first = bench.engine.jobs(&JobFilter::default()).await.unwrap()[0].key;
    assert_eq!(bench.engine.core.index.lock().jobs.variables(first), None, "a start reads no variables");
    let numbers = |jobs: &[Job]| jobs.iter().map(|job| job.variables["number"].clone()).collect::<Vec<_>>();
    assert_eq!(numbers(&bench.engine.jobs(&JobFilter::default()).await.unwrap()), [0, 1, 2, 3]);
    assert_eq!(numbers(&bench.lease(2).await), [0, 1]);
    let filter = JobFilter { kind: Some(JobKind::User), ..JobFilter::default() };
    let task = bench.engine.jobs(&filter).await.unwrap().remove(0);
    let assignment = Assignment { assignee: Some("ann".to_owned()), take_over: false };
    bench.engine.assign(task.key, assignment, "ann").await.unwrap();
    let bench = bench.restart().await;
    let task = bench.engine.jobs(&filter).await.unwrap().remove(0);
    assert_eq!((task.assignee.as_deref(), task.variables["number"].clone()), (Some("ann"), json!(3)));
}

/// A user task alone.
fn user_task(process: &str) -> String {
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:userTask id="t"/><bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "t", "e"])
    );
    bpmn(process, "", &body)
}
