//! What a person does to running instances: suspend, resume, modify, migrate, assign, escalate.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::port::{Assignment, Escalation, JobFilter, Message, Migration, Modification};

const DAY_MS: i64 = 24 * 3_600_000;

/// A user task beside which an hour passes; an escalation `late` from it goes to the task `help`.
fn approval() -> String {
    let roots = r#"<bpmn:escalation id="x" escalationCode="late"/>"#;
    let body = format!(
        r#"<bpmn:startEvent id="s"/><bpmn:userTask id="ask"/><bpmn:serviceTask id="help"/>
        <bpmn:boundaryEvent id="up" attachedToRef="ask" cancelActivity="false">
        <bpmn:escalationEventDefinition id="xd" escalationRef="x"/></bpmn:boundaryEvent>
        <bpmn:boundaryEvent id="hour" attachedToRef="ask"><bpmn:timerEventDefinition id="td">
        <bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
        <bpmn:endEvent id="e"/><bpmn:endEvent id="late"/>{}{}{}"#,
        chain(&["s", "ask", "e"]),
        flow("hour", "late"),
        flow("up", "help"),
    );
    bpmn("approval", roots, &body)
}

async fn user_task(bench: &Bench) -> Job {
    let filter = JobFilter { kind: Some(bpmn::program::JobKind::User), ..JobFilter::default() };
    bench.engine.jobs(&filter).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_suspended_instance_leases_no_job_and_takes_an_answer_that_was_under_way() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a", "b"])).await;
    let key = bench.start("p", empty()).await;
    let job = bench.lease_one().await;
    bench.engine.suspend(key, "mia").await.unwrap();
    assert_eq!(bench.status(key).await, Status::Suspended);
    assert!(matches!(bench.engine.suspend(key, "mia").await, Err(Error::Conflict(_))));
    bench.complete(&job, json!({"done": 1})).await;
    assert_eq!(bench.current(key).await, ["b"]);
    assert!(bench.lease(10).await.is_empty(), "nothing begins while it is suspended");

    // A restart changes nothing of that.
    let bench = bench.restart().await;
    assert_eq!(bench.status(key).await, Status::Suspended);
    assert!(bench.lease(10).await.is_empty());
    assert_eq!(bench.engine.open_instances(0, 10).await.unwrap(), [key]);
    bench.engine.resume(key, "mia").await.unwrap();
    let job = bench.lease_one().await;
    bench.complete(&job, empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
    let kinds = trail_kinds(&bench).await;
    assert!(kinds.contains(&("instance.suspended".to_owned(), "mia".to_owned())), "{kinds:?}");
    assert!(kinds.contains(&("instance.resumed".to_owned(), "mia".to_owned())));
}

async fn trail_kinds(bench: &Bench) -> Vec<(String, String)> {
    use trail::Trail;
    let events = bench.store.read(&trail::Filter::default(), 0, 10_000).await.unwrap();
    events.into_iter().map(|event| (event.content.kind, event.content.actor)).collect()
}

#[tokio::test]
async fn a_timer_that_becomes_due_while_suspended_fires_on_resumption() {
    let bench = Bench::new().await;
    bench.deploy(&approval()).await;
    let key = bench.start("approval", empty()).await;
    bench.engine.suspend(key, "mia").await.unwrap();
    bench.pass(DAY_MS).await;
    assert_eq!(bench.status(key).await, Status::Suspended);
    let task = user_task(&bench).await;
    let refused = bench.engine.complete_user_task(task.key, "kim", Variables::new()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    bench.engine.resume(key, "mia").await.unwrap();
    bench.pass(0).await;
    assert_eq!(bench.status(key).await, Status::Completed);
}

#[tokio::test]
async fn a_message_waits_in_the_buffer_for_a_suspended_receiver() {
    let bench = Bench::new().await;
    bench.deploy(&waits_for_message("waits")).await;
    let key = bench.start("waits", json!({"key": "a"})).await;
    bench.engine.suspend(key, "mia").await.unwrap();
    let message = Message {
        name: "paid".to_owned(),
        correlation_key: Some("a".to_owned()),
        time_to_live_ms: DAY_MS,
        ..Message::default()
    };
    bench.engine.publish_message(message).await.unwrap();
    bench.engine.settle().await;
    assert_eq!(bench.status(key).await, Status::Suspended);
    let bench = bench.restart().await;
    bench.engine.settle().await;
    assert_eq!(bench.status(key).await, Status::Suspended);
    bench.engine.resume(key, "mia").await.unwrap();
    bench.engine.settle().await;
    assert_eq!(bench.status(key).await, Status::Completed);
}

#[tokio::test]
async fn a_token_is_moved_and_its_job_goes_with_it() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a", "b", "c"])).await;
    let key = bench.start("p", empty()).await;
    let stands = bench.engine.state(key).await.unwrap().current.remove(0).element;
    let unknown = Modification { activate: vec!["nowhere".to_owned()], ..Modification::default() };
    assert!(matches!(bench.engine.modify(key, unknown, "mia").await, Err(Error::Conflict(_))));
    let modification = Modification { terminate: vec![stands], activate: vec!["c".to_owned()] };
    bench.engine.modify(key, modification, "mia").await.unwrap();
    assert_eq!(bench.current(key).await, ["c"]);
    let job = bench.lease_one().await;
    assert_eq!(job.element, "c");
    bench.complete(&job, empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
}

#[tokio::test]
async fn an_instance_goes_on_by_the_new_version_also_after_a_restart() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a", "b"])).await;
    let key = bench.start("p", json!({"x": 1})).await;
    let held = bench.lease_one().await;
    let newer = bench.deploy(&sequence("p", &["a2", "check", "b"])).await;
    let to = |elements: &[(&str, &str)]| Migration {
        definition: newer.key,
        elements: elements.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect(),
    };
    let refused = bench.engine.migrate(key, to(&[]), "mia").await.unwrap_err();
    assert!(refused.to_string().contains("`a`") && refused.to_string().contains("EXEC-0007"), "{refused}");
    assert_eq!(bench.engine.instance(key).await.unwrap().version, 1, "a refusal changes nothing");
    bench.engine.migrate(key, to(&[("a", "a2")]), "mia").await.unwrap();
    let moved = bench.engine.instance(key).await.unwrap();
    assert_eq!((moved.version, moved.definition), (2, newer.key));
    assert_eq!(bench.current(key).await, ["a2"]);
    // The worker that held the job before the migration answers it after.
    bench.complete(&held, empty()).await;
    let bench = bench.restart().await;
    let job = bench.lease_one().await;
    assert_eq!((job.element.as_str(), job.version), ("check", 2));
    bench.complete(&job, empty()).await;
    let job = bench.lease_one().await;
    bench.complete(&job, empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
}

#[tokio::test]
async fn an_instance_of_another_process_or_with_another_kind_of_element_is_not_migrated() {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    let key = bench.start("p", empty()).await;
    let other = bench.deploy(&sequence("q", &["a"])).await;
    let migration = |definition| Migration { definition, elements: BTreeMap::new() };
    let refused = bench.engine.migrate(key, migration(other.key), "mia").await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let person = sequence("p", &["a"]).replace("serviceTask", "userTask");
    let newer = bench.deploy(&person).await;
    let refused = bench.engine.migrate(key, migration(newer.key), "mia").await.unwrap_err();
    assert!(refused.to_string().contains("serviceTask"), "{refused}");
    let job = bench.lease_one().await;
    bench.complete(&job, empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
}

#[tokio::test]
async fn a_user_task_is_claimed_by_one_and_taken_over_only_on_purpose() {
    let bench = Bench::new().await;
    bench.deploy(&approval()).await;
    bench.start("approval", empty()).await;
    let task = user_task(&bench).await.key;
    let claim = |who: &str| Assignment { assignee: Some(who.to_owned()), take_over: false };
    bench.engine.assign(task, claim("kim"), "kim").await.unwrap();
    bench.engine.assign(task, claim("kim"), "kim").await.unwrap();
    let refused = bench.engine.assign(task, claim("lee"), "lee").await.unwrap_err();
    assert!(refused.to_string().contains("kim"), "{refused}");
    let bench = bench.restart().await;
    assert_eq!(user_task(&bench).await.assignee.as_deref(), Some("kim"));
    let over = Assignment { take_over: true, ..claim("lee") };
    bench.engine.assign(task, over, "boss").await.unwrap();
    assert_eq!(user_task(&bench).await.assignee.as_deref(), Some("lee"));
    let back = Assignment { assignee: None, take_over: true };
    bench.engine.assign(task, back, "lee").await.unwrap();
    assert_eq!(user_task(&bench).await.assignee, None);
}

#[tokio::test]
async fn a_person_escalates_and_the_task_stays_open() {
    let bench = Bench::new().await;
    bench.deploy(&approval()).await;
    let key = bench.start("approval", empty()).await;
    let task = user_task(&bench).await.key;
    let escalation = Escalation { code: "late".to_owned(), variables: object(json!({"why": "ill"})) };
    bench.engine.escalate(task, None, escalation, "kim").await.unwrap();
    let help = bench.lease_one().await;
    assert_eq!(help.element, "help");
    assert_eq!(bench.variable(key, "why").await, json!("ill"));
    bench.complete(&help, empty()).await;
    bench.engine.complete_user_task(task, "kim", Variables::new()).await.unwrap();
    assert_eq!(bench.status(key).await, Status::Completed);
}

#[tokio::test]
async fn a_clock_that_jumps_fires_each_timer_once_and_ends_leases() {
    let bench = Bench::new().await;
    bench.deploy(&approval()).await;
    bench.deploy(&sequence("p", &["a"])).await;
    let waiting = bench.start("approval", empty()).await;
    let key = bench.start("p", empty()).await;
    let held = bench.lease_one().await;
    // Back by a day: nothing is due that was not due before.
    bench.pass(-DAY_MS).await;
    assert_eq!(bench.status(waiting).await, Status::Active);
    assert!(bench.lease(10).await.is_empty());
    // Forward by a year: the timer fires, the lease is over, and its holder's answer comes too late.
    bench.pass(366 * DAY_MS).await;
    assert_eq!(bench.status(waiting).await, Status::Completed);
    let late = bench.engine.complete_job(held.key, held.attempt, Variables::new(), Record::default()).await;
    assert!(matches!(late, Err(Error::Stale { .. })), "{late:?}");
    let job = bench.lease_one().await;
    assert_eq!((job.attempt, job.retries), (2, 2));
    bench.complete(&job, empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
}
