//! What every store must do, run on each.

use bpmn::exec::SubscriptionKind;
use bpmn::program::{JobKind, Variables};
use engine::MemoryStore;
use engine::port::{
    Attempt, DecisionDefinition, DecisionRequirements, Definition, Instance, InstanceFilter, Status, TaskRun,
};
use engine::store::{
    Commit, FollowUp, JobLease, ScoreFilter, Store, StoredFollowUp, StoredInstance, StoredJob, StoredMessage,
    StoredSubscription, StoredTimer, Waiting,
};
use serde_json::json;
use trail::{Filter, NewEvent, Outbox, OutboxItem, Trail};

use super::{Bench, NOW_MS};

/// All that a store is.
pub(super) trait Everything: Store + Trail + Outbox {}
impl<T: Store + Trail + Outbox> Everything for T {}

macro_rules! on_every_store {
    ($($test:ident),+ $(,)?) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&super::MemoryStore::new()).await;
            })+
        }
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                let bench = super::Bench::sqlite().await;
                super::$test(&bench.database).await;
                bench.remove().await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $test() {
                if let Some(bench) = super::Bench::postgres().await {
                    super::$test(&bench.database).await;
                    bench.remove().await;
                }
            })+
        }
    };
}

on_every_store!(
    keys_are_given_once_and_begin_at_one,
    definitions_come_back_as_they_were,
    decisions_come_back_as_they_were,
    instances_are_replaced_and_listed_newest_first,
    what_waits_comes_back_and_what_ended_does_not,
    a_lease_changes_only_a_job_that_is_there,
    an_idempotency_key_refuses_the_whole_second_commit,
    scores_add_up_attempts,
    task_runs_come_back_in_order,
    the_trail_is_read_by_filter_and_verifies,
    numbers_and_odd_texts_keep_their_hash,
    the_outbox_keeps_order_until_delivery,
    many_rows_go_into_one_commit,
);

pub(super) fn variables(value: serde_json::Value) -> Variables {
    match value {
        serde_json::Value::Object(map) => map,
        _ => Variables::new(),
    }
}

pub(super) fn instance(key: i64, status: Status) -> StoredInstance {
    let instance = Instance {
        key,
        definition: 1,
        process_id: if key % 2 == 0 { "even" } else { "odd" }.to_owned(),
        version: 3,
        status,
        incidents: 2,
        business_key: Some("B-1".to_owned()),
        parent: (key > 2).then_some((key - 1, 7)),
        variables: variables(json!({"x": 0.1, "text": "a'b\"c\\ü\n"})),
        seed: u64::MAX - 5,
        dry_run: key % 3 == 0,
        started_ms: NOW_MS,
        ended_ms: (status != Status::Active).then_some(NOW_MS + 1),
    };
    StoredInstance { instance, state: r#"{"exec":[1,2.5]}"#.to_owned() }
}

pub(super) fn job(key: i64) -> StoredJob {
    StoredJob {
        key,
        instance: key >> 20,
        definition: 1,
        element: "t".to_owned(),
        kind: if key % 2 == 0 { JobKind::User } else { JobKind::Service },
        job_type: (key % 3 == 0).then(|| "mail".to_owned()),
        variables: variables(json!({"in": [1, null, {"a": 1e300}]})),
        attempt: 0,
        visit: 2,
        retries: 3,
        priority: -4,
        worker: None,
        lease_until_ms: None,
        not_before_ms: 0,
        created_ms: NOW_MS,
        assignee: Some("ada".to_owned()),
    }
}

fn attempt(subject: &str, success: bool, at_ms: i64) -> Attempt {
    Attempt {
        subject_kind: "task".to_owned(),
        subject: subject.to_owned(),
        version: Some(2),
        success,
        instance: Some(9),
        duration_ms: 10,
        cost: 0.25,
        at_ms,
        actor: "ada".to_owned(),
    }
}

async fn keys_are_given_once_and_begin_at_one(store: &dyn Everything) {
    assert_eq!(store.reserve_keys(1).await.unwrap(), 1);
    assert_eq!(store.reserve_keys(10).await.unwrap(), 2);
    assert_eq!(store.reserve_keys(1).await.unwrap(), 12);
}

async fn definitions_come_back_as_they_were(store: &dyn Everything) {
    let definition = Definition {
        key: 4,
        process_id: "p".to_owned(),
        name: "P & Q".to_owned(),
        version: 1,
        resource: "p.bpmn".to_owned(),
        checksum: "00".to_owned(),
        deployed_ms: NOW_MS,
    };
    let pair = (definition, "<xml/>".to_owned());
    store.commit(Commit { definitions: vec![pair.clone()], ..Commit::default() }).await.unwrap();
    assert_eq!(store.definitions().await.unwrap(), [pair]);
}

async fn decisions_come_back_as_they_were(store: &dyn Everything) {
    let decision = DecisionDefinition {
        key: 8,
        decision_id: "limit".to_owned(),
        name: "Limit \"A\"".to_owned(),
        version: 1,
        version_tag: Some("1.0".to_owned()),
    };
    let requirements = DecisionRequirements {
        key: 7,
        id: "d".to_owned(),
        name: "D & E".to_owned(),
        version: 1,
        resource: "d.dmn".to_owned(),
        checksum: "00".to_owned(),
        deployed_ms: NOW_MS,
        decisions: vec![decision],
    };
    let pair = (requirements, "<xml/>".to_owned());
    store.commit(Commit { decisions: vec![pair.clone()], ..Commit::default() }).await.unwrap();
    assert_eq!(store.decisions().await.unwrap(), [pair]);
}

async fn instances_are_replaced_and_listed_newest_first(store: &dyn Everything) {
    let all = (1..=5).map(|key| instance(key, Status::Active)).collect();
    store.commit(Commit { instances: all, ..Commit::default() }).await.unwrap();
    let mut ended = instance(3, Status::Failed);
    ended.instance.variables = variables(json!({"y": 1}));
    ended.state = "{}".to_owned();
    store.commit(Commit { instances: vec![ended.clone()], ..Commit::default() }).await.unwrap();
    assert_eq!(store.load_instance(3).await.unwrap(), Some(ended));
    assert_eq!(store.load_instance(5).await.unwrap(), Some(instance(5, Status::Active)));
    assert_eq!(store.load_instance(6).await.unwrap(), None);
    let keys = async |filter: InstanceFilter| -> Vec<i64> {
        store.instances(&filter).await.unwrap().into_iter().map(|one| one.key).collect()
    };
    let any = InstanceFilter::default;
    assert_eq!(keys(any()).await, [5, 4, 3, 2, 1]);
    assert_eq!(keys(InstanceFilter { status: Some(Status::Active), limit: 2, ..any() }).await, [5, 4]);
    assert_eq!(keys(InstanceFilter { process_id: Some("odd".to_owned()), ..any() }).await, [5, 3, 1]);
    assert_eq!(keys(InstanceFilter { definition: Some(1), before: Some(3), ..any() }).await, [2, 1]);
    assert!(keys(InstanceFilter { definition: Some(2), ..any() }).await.is_empty());
    let oldest = || InstanceFilter { oldest_first: true, ..any() };
    assert_eq!(keys(InstanceFilter { limit: 2, ..oldest() }).await, [1, 2]);
    assert_eq!(keys(InstanceFilter { before: Some(2), ..oldest() }).await, [3, 4, 5]);
    let (since, before) = (Some(instance(1, Status::Active).instance.started_ms), Some(i64::MAX));
    assert_eq!(keys(InstanceFilter { started_since_ms: since, ..oldest() }).await, [1, 2, 3, 4, 5]);
    assert_eq!(keys(InstanceFilter { started_before_ms: before, ..oldest() }).await, [1, 2, 3, 4, 5]);
    assert!(keys(InstanceFilter { started_before_ms: since, ..any() }).await.is_empty());
    assert!(keys(InstanceFilter { started_since_ms: before, ..any() }).await.is_empty());
}

fn timer(number: u32) -> StoredTimer {
    StoredTimer { instance: 7, number, due_ms: NOW_MS, repetitions_left: -1 }
}

fn subscription(number: u32) -> StoredSubscription {
    StoredSubscription {
        instance: 7,
        number,
        kind: SubscriptionKind::Signal,
        name: "go".to_owned(),
        correlation_key: None,
        start: (number == 2).then(|| "s".to_owned()),
    }
}

fn message(key: i64) -> StoredMessage {
    StoredMessage {
        key,
        name: "paid".to_owned(),
        correlation_key: Some("k".to_owned()),
        variables: variables(json!({"a": 1})),
        expires_ms: NOW_MS,
        message_id: None,
    }
}

fn owed(key: i64) -> StoredFollowUp {
    StoredFollowUp { key, action: FollowUp::Continue { instance: key } }
}

/// Two rows of everything that waits.
pub(super) fn two_of_each() -> Commit {
    Commit {
        jobs: vec![job(1), job(2)],
        timers: vec![timer(1), timer(2)],
        subscriptions: vec![subscription(1), subscription(2)],
        messages: vec![message(1), message(2)],
        follow_ups: vec![owed(1), owed(2)],
        ..Commit::default()
    }
}

/// Ends the first of each.
pub(super) fn end_of_the_first() -> Commit {
    Commit {
        ended_jobs: vec![1],
        ended_timers: vec![(7, 1)],
        ended_subscriptions: vec![(7, 1)],
        ended_messages: vec![1],
        ended_follow_ups: vec![1],
        ..Commit::default()
    }
}

/// What is left then.
pub(super) fn the_second_of_each() -> Waiting {
    Waiting {
        jobs: vec![job(2)],
        timers: vec![timer(2)],
        subscriptions: vec![subscription(2)],
        messages: vec![message(2)],
        follow_ups: vec![owed(2)],
    }
}

async fn what_waits_comes_back_and_what_ended_does_not(store: &dyn Everything) {
    store.commit(two_of_each()).await.unwrap();
    let moved = StoredTimer { due_ms: NOW_MS + 5, ..timer(2) };
    let commit = Commit { ended_timers: vec![(7, 1), (7, 2)], timers: vec![moved], ..end_of_the_first() };
    store.commit(commit).await.unwrap();
    let expected = Waiting { timers: vec![moved], ..the_second_of_each() };
    assert_eq!(store.load_waiting().await.unwrap(), expected);
}

async fn a_lease_changes_only_a_job_that_is_there(store: &dyn Everything) {
    store.commit(Commit { jobs: vec![job(1)], ..Commit::default() }).await.unwrap();
    let lease = |key| JobLease {
        key,
        attempt: 2,
        retries: 1,
        worker: Some("w".to_owned()),
        lease_until_ms: Some(NOW_MS + 9),
        not_before_ms: 4,
    };
    store.commit(Commit { leases: vec![lease(1), lease(2)], ..Commit::default() }).await.unwrap();
    let expected = StoredJob {
        attempt: 2,
        retries: 1,
        worker: Some("w".to_owned()),
        lease_until_ms: Some(NOW_MS + 9),
        not_before_ms: 4,
        ..job(1)
    };
    assert_eq!(store.load_waiting().await.unwrap().jobs, [expected]);
}

async fn an_idempotency_key_refuses_the_whole_second_commit(store: &dyn Everything) {
    let commit = |key: i64| Commit {
        idempotent: Some(("once".to_owned(), key)),
        instances: vec![instance(key, Status::Active)],
        events: vec![NewEvent::new("x", NOW_MS)],
        ..Commit::default()
    };
    let (first, second, other) = tokio::join!(
        store.commit(commit(1)),
        store.commit(commit(2)),
        store.commit(Commit { instances: vec![instance(3, Status::Active)], ..Commit::default() }),
    );
    assert!(first.is_ok() && other.is_ok(), "{first:?} {other:?}");
    assert!(matches!(second, Err(engine::Error::Conflict(_))), "{second:?}");
    assert_eq!(store.find_idempotent("once").await.unwrap(), Some(1));
    assert_eq!(store.find_idempotent("twice").await.unwrap(), None);
    assert!(store.load_instance(2).await.unwrap().is_none());
    assert!(store.load_instance(3).await.unwrap().is_some());
    assert_eq!(store.head().await.unwrap(), 1);
    assert!(store.verify().await.unwrap().broken.is_none());
}

async fn scores_add_up_attempts(store: &dyn Everything) {
    let attempts = vec![attempt("p/a", true, 5), attempt("p/a", false, 9), attempt("p/b", true, 7)];
    store.commit(Commit { attempts, ..Commit::default() }).await.unwrap();
    store.commit(Commit { attempts: vec![attempt("p/a", true, 6)], ..Commit::default() }).await.unwrap();
    let all = store.score_counts(&ScoreFilter::default()).await.unwrap();
    assert_eq!(all.len(), 2);
    let one = ScoreFilter { subject_kind: Some("task".to_owned()), subject: Some("p/a".to_owned()) };
    let count = store.score_counts(&one).await.unwrap().remove(0);
    assert_eq!((count.attempts, count.successes, count.duration_ms, count.last_ms), (3, 2, 30, 9));
    assert!((count.cost - 0.75).abs() < 1e-12);
    let newest = store.attempts("task", "p/a", 2).await.unwrap();
    assert_eq!(newest, [attempt("p/a", true, 6), attempt("p/a", false, 9)]);
    let of = |version: Option<i32>, success: bool| Attempt { version, ..attempt("p/v", success, 4) };
    let attempts =
        vec![of(Some(1), true), of(Some(3), false), of(None, true), of(Some(2), true), of(Some(3), true)];
    store.commit(Commit { attempts, ..Commit::default() }).await.unwrap();
    let counts = store.version_counts("task", "p/v", 2).await.unwrap();
    let counts: Vec<_> = counts
        .iter()
        .map(|count| (count.version, count.attempts, count.successes, count.duration_ms, count.last_ms))
        .collect();
    let each = attempt("p/v", true, 4);
    assert_eq!(
        counts,
        [(Some(3), 2, 1, 2 * each.duration_ms, each.at_ms), (Some(2), 1, 1, each.duration_ms, each.at_ms)]
    );
}

async fn task_runs_come_back_in_order(store: &dyn Everything) {
    let run = |job: i64| TaskRun {
        job,
        attempt: 1,
        instance: 7,
        element: "t".to_owned(),
        executed_by: "tool".to_owned(),
        state: "completed".to_owned(),
        verdict: json!({"winner": "a", "shares": [0.1, 0.9]}),
        inputs: variables(json!({"i": 1})),
        outputs: variables(json!({"o": 2})),
        notes: vec!["because".to_owned()],
        started_ms: NOW_MS,
        ended_ms: NOW_MS + 1,
    };
    store.commit(Commit { task_runs: vec![run(2), run(1)], ..Commit::default() }).await.unwrap();
    assert_eq!(store.task_runs(7).await.unwrap(), [run(2), run(1)]);
    assert!(store.task_runs(8).await.unwrap().is_empty());
}

async fn the_trail_is_read_by_filter_and_verifies(store: &dyn Everything) {
    let event = |kind: &str, instance: i64| NewEvent {
        instance: Some(instance),
        definition: Some(1),
        element: Some(format!("e{instance}")),
        subject: Some("s".to_owned()),
        data: json!({"kind": kind}),
        ..NewEvent::new(kind, NOW_MS)
    };
    let events = vec![event("element.activated", 1), event("task.decided", 2), event("element.completed", 1)];
    assert_eq!(store.append(events).await.unwrap(), 3);
    let position = store.commit(Commit { events: vec![event("x", 3)], ..Commit::default() }).await.unwrap();
    assert_eq!((position, store.head().await.unwrap()), (4, 4));
    let positions = async |filter: Filter, after: i64| -> Vec<i64> {
        store.read(&filter, after, 10).await.unwrap().into_iter().map(|event| event.position).collect()
    };
    assert_eq!(positions(Filter::default(), 1).await, [2, 3, 4]);
    assert_eq!(positions(Filter { instance: Some(1), ..Filter::default() }, 0).await, [1, 3]);
    let prefix = Filter { kind_prefix: Some("element.".to_owned()), ..Filter::default() };
    assert_eq!(positions(prefix, 0).await, [1, 3]);
    let kinds = ["element.completed", "task.", "element.activ"].map(str::to_owned).to_vec();
    let kinds = Filter { kinds, ..Filter::default() };
    assert_eq!(positions(kinds.clone(), 0).await, [2, 3]);
    assert_eq!(positions(Filter { instance: Some(1), ..kinds }, 0).await, [3]);
    let several = Filter {
        definition: Some(1),
        element: Some("e2".to_owned()),
        subject: Some("s".to_owned()),
        ..Filter::default()
    };
    assert_eq!(positions(several, 0).await, [2]);
    assert_eq!(store.read(&Filter::default(), 0, 2).await.unwrap().len(), 2);
    let found = store.verify().await.unwrap();
    assert_eq!((found.entries, found.broken), (4, None));
}

async fn numbers_and_odd_texts_keep_their_hash(store: &dyn Everything) {
    let odd = json!({
        "floats": [0.1, 0.30000000000000004, 1e300, 5e-324, -0.0, 123_456_789.123_456_79, 1.0],
        "whole": [i64::MIN, u64::MAX, 0],
        "texts": ["\u{0}", "\u{1F600}", "a\\u0000", "'; DROP TABLE jobs; --", "\u{feff}"],
        "": null,
    });
    let event = NewEvent { data: odd.clone(), ..NewEvent::new("x", NOW_MS) };
    store.append(vec![event, NewEvent::new("y", NOW_MS)]).await.unwrap();
    assert_eq!(store.read(&Filter::default(), 0, 1).await.unwrap()[0].content.data, odd);
    assert_eq!(store.verify().await.unwrap().broken, None);
}

async fn the_outbox_keeps_order_until_delivery(store: &dyn Everything) {
    let item = |topic: &str, key: &str| OutboxItem {
        topic: topic.to_owned(),
        key: key.to_owned(),
        payload: json!({"k": key}),
    };
    let outbox = vec![item("memory", "a"), item("ontology", "b"), item("memory", "c")];
    store.commit(Commit { outbox, ..Commit::default() }).await.unwrap();
    let pending = store.pending("memory", 10).await.unwrap();
    assert_eq!(pending.iter().map(|one| one.item.key.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    store.failed(pending[0].id, "no answer\0").await.unwrap();
    assert_eq!(store.pending("memory", 1).await.unwrap()[0].attempts, 1);
    store.delivered(&[pending[0].id]).await.unwrap();
    assert_eq!(store.pending("memory", 10).await.unwrap()[0].item, item("memory", "c"));
    assert_eq!(store.pending("ontology", 10).await.unwrap().len(), 1);
}

async fn many_rows_go_into_one_commit(store: &dyn Everything) {
    let jobs: Vec<StoredJob> = (0..133).map(|number| job((5 << 20) + number)).collect();
    let events = (0..70).map(|_| NewEvent::new("x", NOW_MS)).collect();
    store.commit(Commit { jobs: jobs.clone(), events, ..Commit::default() }).await.unwrap();
    assert_eq!(store.load_waiting().await.unwrap().jobs, jobs);
    let outlines: Vec<_> = jobs.iter().map(|job| job.clone().parted().0).collect();
    assert_eq!(store.job_outlines(0, 100).await.unwrap(), outlines[..100]);
    assert_eq!(store.job_outlines(outlines[99].key, 100).await.unwrap(), outlines[100..]);
    let mut wanted = store.job_variables(&[jobs[3].key, 1, jobs[0].key]).await.unwrap();
    wanted.sort_by_key(|(key, _)| *key);
    assert_eq!(wanted, [0, 3].map(|at: usize| (jobs[at].key, jobs[at].variables.clone())));
    assert!(store.load_waiting_besides_jobs().await.unwrap().jobs.is_empty());
    let keys = jobs.iter().take(131).map(|job| job.key).collect();
    store.commit(Commit { ended_jobs: keys, ..Commit::default() }).await.unwrap();
    assert_eq!(store.load_waiting().await.unwrap().jobs, jobs[131..]);
    assert_eq!(store.verify().await.unwrap().entries, 70);
}
