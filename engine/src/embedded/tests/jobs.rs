//! Jobs: leases, fencing, back-off, priorities, fairness, long polling, user tasks.

use std::time::Duration;

use bpmn::program::JobKind;
use serde_json::json;

use super::*;
use crate::port::{JobFilter, Notice};

#[tokio::test]
async fn a_second_answer_is_refused() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a", "b"])).await;
    bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    bench.complete(&job, empty()).await;
    let second = bench.engine.complete_job(job.key, job.attempt, object(empty()), Record::default()).await;
    assert!(matches!(second, Err(Error::Stale { .. })), "{second:?}");
}

#[tokio::test]
async fn a_job_whose_incident_is_resolved_sees_the_corrected_variables() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    let key = bench.start("p", serde_json::json!({"rate": -1})).await;
    let job = bench.lease_one().await;
    let failure = crate::port::JobFailure {
        code: "X-1".to_owned(),
        message: "rate is negative".to_owned(),
        retries_left: 0,
        backoff_ms: 0,
    };
    bench.engine.fail_job(job.key, job.attempt, failure, Record::default()).await.unwrap();
    bench.engine.set_variables(key, None, object(serde_json::json!({"rate": 3}))).await.unwrap();
    let incident = bench.engine.incidents(Some(key)).await.unwrap()[0].key;
    bench.engine.resolve_incident(incident).await.unwrap();
    let again = bench.lease_one().await;
    assert_eq!((again.attempt, again.variables["rate"].clone()), (2, serde_json::json!(3)));
    bench.complete(&again, empty()).await;
    assert_eq!(bench.engine.instance(key).await.unwrap().status, crate::port::Status::Completed);
}

#[tokio::test]
async fn an_expired_lease_counts_as_a_failed_attempt_and_the_late_answer_is_refused() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    let key = bench.start("p", empty()).await;
    let late = bench.lease_one().await;
    assert_eq!((late.attempt, late.retries), (1, 3));
    bench.pass(59_999).await;
    assert!(bench.lease(1).await.is_empty());
    bench.pass(1).await;
    let job = bench.lease_one().await;
    assert_eq!((job.attempt, job.retries), (2, 2));
    let refused = bench.engine.complete_job(late.key, late.attempt, object(empty()), Record::default()).await;
    assert!(matches!(refused, Err(Error::Stale { attempt: 1, .. })), "{refused:?}");
    bench.pass(60_000).await;
    bench.lease_one().await;
    bench.pass(60_000).await;
    assert!(bench.lease(1).await.is_empty());
    let incidents = bench.engine.incidents(Some(key)).await.unwrap();
    assert_eq!((incidents.len(), incidents[0].element.as_str()), (1, "a"));
    bench.engine.resolve_incident(incidents[0].key).await.unwrap();
    let job = bench.lease_one().await;
    assert_eq!((job.attempt, job.retries), (4, 3));
    bench.complete(&job, empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
}

#[tokio::test]
async fn a_lease_can_be_extended_by_who_holds_it() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    bench.pass(50_000).await;
    bench.engine.extend_lease(job.key, job.attempt, 60_000).await.unwrap();
    bench.pass(30_000).await;
    assert!(bench.lease(1).await.is_empty());
    assert!(matches!(bench.engine.extend_lease(job.key, 7, 1).await, Err(Error::Stale { attempt: 7, .. })));
    bench.complete(&job, empty()).await;
}

#[tokio::test]
async fn a_failed_job_comes_back_after_its_back_off() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    bench.fail(&job, 2, 1_000).await;
    assert!(bench.lease(1).await.is_empty());
    bench.pass(1_000).await;
    let again = bench.lease_one().await;
    assert_eq!((again.attempt, again.retries), (2, 2));
}

#[tokio::test]
async fn higher_priority_is_served_first_and_instances_take_turns() {
    let bench = Bench::new().await;
    let many = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:serviceTask id="m"><bpmn:multiInstanceLoopCharacteristics id="mi">
        <bpmn:loopCardinality>5</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>
        <bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "m", "e"])
    );
    bench.deploy(&bpmn("many", "", &many)).await;
    bench.deploy(&sequence("one", &["a"])).await;
    let urgent = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:serviceTask id="u"><bpmn:extensionElements>
        <zeebe:priorityDefinition priority="90"/></bpmn:extensionElements></bpmn:serviceTask><bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "u", "e"])
    );
    bench.deploy(&bpmn("urgent", "", &urgent)).await;
    bench.start("many", empty()).await;
    bench.start("one", empty()).await;
    bench.start("urgent", empty()).await;
    let jobs = bench.lease(3).await;
    let elements: Vec<&str> = jobs.iter().map(|job| job.element.as_str()).collect();
    assert_eq!(elements, ["u", "m", "a"]);
    assert_eq!(bench.lease(10).await.len(), 4);
}

#[tokio::test]
async fn outside_job_types_are_left_to_outside_workers() {
    let bench = Bench::new().await;
    bench.deploy(&typed("p", "mail")).await;
    bench.start("p", empty()).await;
    assert!(bench.lease(10).await.is_empty());
    let wanted = ActivateJobs { job_types: Some(vec!["mail".to_owned()]), ..request(10) };
    let jobs = bench.engine.activate_jobs(wanted).await.unwrap();
    assert_eq!((jobs.len(), jobs[0].retries, jobs[0].spec.job_type.as_deref()), (1, 2, Some("mail")));
}

#[tokio::test]
async fn a_waiting_worker_gets_the_job_as_soon_as_it_is_there() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a", "b"])).await;
    let key = bench.start("p", empty()).await;
    let first = bench.lease_one().await;
    let engine = bench.engine.clone();
    let waiting = tokio::spawn(async move {
        let wanted = ActivateJobs { instance: Some(key), wait_ms: 30_000, ..request(1) };
        engine.activate_jobs(wanted).await.unwrap()
    });
    tokio::task::yield_now().await;
    bench.complete(&first, empty()).await;
    let jobs = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    assert_eq!(jobs[0].element, "b");
    let engine = bench.engine.clone();
    let waiting = tokio::spawn(async move {
        let wanted = ActivateJobs { instance: Some(key), wait_ms: 30_000, ..request(1) };
        engine.activate_jobs(wanted).await.unwrap()
    });
    tokio::task::yield_now().await;
    bench.complete(&jobs[0], empty()).await;
    // The end of the instance wakes who waits for its jobs.
    assert!(tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap().is_empty());
}

#[tokio::test]
async fn a_user_task_is_completed_by_a_person_without_a_lease() {
    let bench = Bench::new().await;
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:userTask id="u" name="Check it"><bpmn:extensionElements>
        <zeebe:userTask/><zeebe:assignmentDefinition assignee="ada"/></bpmn:extensionElements></bpmn:userTask>
        <bpmn:endEvent id="e"/>{}"#,
        chain(&["s", "u", "e"])
    );
    bench.deploy(&bpmn("p", "", &body)).await;
    let key = bench.start("p", empty()).await;
    assert!(bench.lease(10).await.is_empty());
    let filter = JobFilter { kind: Some(JobKind::User), ..JobFilter::default() };
    let task = bench.engine.jobs(&filter).await.unwrap().remove(0);
    assert_eq!((task.element_name.as_str(), task.assignee.as_deref()), ("Check it", Some("ada")));
    bench.engine.complete_user_task(task.key, "ada", object(json!({"ok": true}))).await.unwrap();
    assert_eq!(bench.status(key).await, Status::Completed);
    let again = bench.engine.complete_user_task(task.key, "ada", object(empty())).await;
    assert!(matches!(again, Err(Error::NotFound { .. })), "{again:?}");
}

#[tokio::test]
async fn the_record_of_a_job_is_kept_with_its_completion() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    let key = bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    let run = crate::port::TaskRun {
        job: job.key,
        attempt: job.attempt,
        instance: key,
        element: "a".to_owned(),
        executed_by: "tool".to_owned(),
        state: "completed".to_owned(),
        verdict: json!(null),
        inputs: object(empty()),
        outputs: object(json!({"r": 1})),
        notes: vec![],
        started_ms: START_MS,
        ended_ms: START_MS,
    };
    let record = Record {
        events: vec![trail::NewEvent::new("task.decided", START_MS)],
        task_run: Some(run.clone()),
        ..Record::default()
    };
    bench.engine.complete_job(job.key, job.attempt, object(json!({"r": 1})), record).await.unwrap();
    assert_eq!(crate::Store::task_runs(&*bench.store, key).await.unwrap(), [run]);
}

#[tokio::test]
async fn listeners_hear_of_start_change_and_end() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    let mut notices = bench.engine.notices();
    let key = bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    bench.complete(&job, empty()).await;
    let mut heard = Vec::new();
    while let Ok(notice) = notices.try_recv() {
        if !matches!(notice, Notice::TrailAppended { .. }) {
            heard.push(notice);
        }
    }
    let expected = [
        Notice::Started { instance: key },
        Notice::Changed { instance: key },
        Notice::Ended { instance: key, status: Status::Completed },
    ];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn a_variable_over_its_limit_is_refused_and_the_job_stays_leased() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    let big = json!({"big": "x".repeat(crate::limits::VARIABLE_LIMIT + 1)});
    let refused = bench.engine.complete_job(job.key, job.attempt, object(big), Record::default()).await;
    assert!(matches!(refused, Err(Error::Limit { limit: "VARIABLE_LIMIT", .. })), "{refused:?}");
    bench.complete(&job, empty()).await;
}

/// Asks for one job of these types, and waits long.
fn waiting(bench: &Bench, types: &[&str]) -> tokio::task::JoinHandle<Vec<Job>> {
    let engine = bench.engine.clone();
    let job_types = Some(types.iter().map(|one| (*one).to_owned()).collect());
    let request = ActivateJobs { job_types, wait_ms: 60_000, ..request(1) };
    tokio::spawn(async move { engine.activate_jobs(request).await.unwrap() })
}

#[tokio::test]
async fn who_is_woken_for_one_job_and_takes_a_better_one_leaves_the_first_to_others() {
    let bench = Bench::new().await;
    let task = |id: &str, priority: u32| {
        format!(
            r#"<bpmn:serviceTask id="{id}"><bpmn:extensionElements><zeebe:taskDefinition type="{id}"/>
            <zeebe:priorityDefinition priority="{priority}"/></bpmn:extensionElements></bpmn:serviceTask>
            <bpmn:endEvent id="e_{id}"/>"#
        )
    };
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:parallelGateway id="g"/>{}{}{}{}"#,
        task("a", 1),
        task("b", 5),
        chain(&["s", "g", "a", "e_a"]),
        chain(&["g", "b", "e_b"])
    );
    bench.deploy(&bpmn("p", "", &body)).await;
    let (both, one) = (waiting(&bench, &["a", "b"]), waiting(&bench, &["a"]));
    while bench.engine.core.index.lock().waiters.waiting() < 3 {
        tokio::task::yield_now().await;
    }
    bench.start("p", empty()).await;
    let got = tokio::time::timeout(Duration::from_secs(30), async { (both.await, one.await) }).await;
    let (both, one) = got.expect("there is a job for each of the two");
    assert_eq!((both.unwrap()[0].element.as_str(), one.unwrap()[0].element.as_str()), ("b", "a"));
}
