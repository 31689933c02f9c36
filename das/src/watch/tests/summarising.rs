//! The fold over the trail.

use proptest::prelude::*;
use trail::Event;

use super::*;

fn event(position: i64, kind: &str, definition: i64, instance: i64, data: Value) -> Event {
    let content = NewEvent {
        definition: Some(definition),
        instance: Some(instance),
        element: Some("work".to_owned()),
        data,
        ..NewEvent::new(kind, START_MS + position)
    };
    Event { position, previous_hash: String::new(), hash: String::new(), content }
}

fn story() -> impl Strategy<Value = Vec<Event>> {
    let kinds = prop::sample::select(vec![
        ("instance.started", Value::Null),
        ("task.started", json!({"by": "pass_through"})),
        ("task.decided", verdict(true, 60, Some((10, 240)))),
        ("task.completed", Value::Null),
        ("task.failed", json!({"code": "KERNEL-0007", "message": "gone"})),
        ("incident.raised", json!({"code": "KERNEL-0007", "message": "gone"})),
        ("instance.started", json!({"dry_run": true})),
        ("instance.completed", Value::Null),
        ("instance.failed", Value::Null),
        ("instance.cancelled", Value::Null),
        ("task.sampled", json!({"samples": 3, "counts": {}})),
        ("task.error", json!({"code": "X", "message": "thrown"})),
        ("element.completed", Value::Null),
        ("variables.set", Value::Null),
    ]);
    prop::collection::vec((kinds, 1..4_i64, 1..6_i64), 0..80).prop_map(|steps| {
        let events = steps.into_iter().zip(1..).map(|(((kind, data), definition, instance), position)| {
            event(position, kind, definition, instance, data)
        });
        events.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn a_summary_does_not_depend_on_where_it_was_interrupted_or_what_was_read_twice(
        events in story(), cut in 0..80_usize, again in 0..80_usize,
    ) {
        let mut whole = Summary::default();
        events.iter().for_each(|event| { whole.fold(event); });
        let cut = cut.min(events.len());
        let mut first = Summary::default();
        events[..cut].iter().for_each(|event| { first.fold(event); });
        let kept = serde_json::to_string(&first).unwrap();
        let mut second: Summary = serde_json::from_str(&kept).unwrap();
        events[cut.saturating_sub(again)..].iter().for_each(|event| { second.fold(event); });
        prop_assert_eq!(whole, second);
    }

    #[test]
    fn what_is_not_read_changes_no_summary(events in story()) {
        let (mut whole, mut read) = (Summary::default(), Summary::default());
        for event in &events {
            whole.fold(event);
            if Summary::reads().matches(&event.content) {
                read.fold(event);
            }
        }
        read.position = whole.position;
        // A definition of which nothing was counted says nothing.
        for summary in [&mut whole, &mut read] {
            summary.definitions.retain(|_, counts| *counts != DefinitionCounts::default());
        }
        prop_assert_eq!(whole, read);
    }
}

#[test]
fn a_dry_run_and_a_question_to_a_person_count_for_nothing() {
    let mut summary = Summary::default();
    summary.fold(&event(1, "instance.started", 1, 7, json!({"dry_run": true})));
    summary.fold(&event(2, "task.failed", 1, 7, json!({"code": "KERNEL-0007"})));
    assert!(summary.definitions.is_empty());
    summary.fold(&event(3, "instance.completed", 1, 7, Value::Null));
    assert!(summary.dry_runs.is_empty());
    summary.fold(&event(4, "incident.raised", 1, 8, json!({"code": "KERNEL-0010"})));
    assert_eq!(summary.definitions[&1].tasks["work"].incidents, 0);
}

#[test]
fn only_the_newest_verdicts_are_kept_singly() {
    let mut summary = Summary::default();
    for position in 1..=200 {
        summary.fold(&event(position, "task.decided", 1, 7, verdict(position % 2 == 0, 60, None)));
    }
    let task = &summary.definitions[&1].tasks["work"];
    assert_eq!(
        (task.verdicts, task.undecided, task.recent.len()),
        (200, 100, super::super::summary::VERDICTS_LIMIT)
    );
}

#[tokio::test]
async fn a_restarted_watcher_goes_on_from_the_position_that_was_kept() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.5", 60)).await;
    for _ in 0..3 {
        bed.instance(key, "work", &[("task.completed", Value::Null)]).await;
    }
    assert_eq!(bed.look().await.events, 10);
    let kept = bed.offers.summary().await.unwrap().unwrap();
    assert_eq!(kept.definitions[&key].tasks["work"].completed, 3);
    let again = Watcher::new(bed.deps.clone());
    assert_eq!(again.look().await.unwrap().events, 0);
    bed.instance(key, "work", &[("task.completed", Value::Null)]).await;
    assert_eq!(again.look().await.unwrap().events, 3);
}

#[tokio::test]
async fn start_and_stop_leave_nothing_running_and_keep_the_summary() {
    let bed = Bed::new().await;
    bed.deploy(&coin("coin", "0.5", 60)).await;
    bed.watcher.start().await;
    bed.watcher.start().await;
    tokio::time::timeout(Duration::from_secs(10), async {
        while bed.offers.summary().await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    bed.watcher.stop().await;
    bed.watcher.stop().await;
    assert_eq!(bed.offers.summary().await.unwrap().unwrap().position, 1);
}
