//! The machine is sampled on the way, and what is wrong with it becomes a suggestion that goes away by itself.

use super::*;

fn healthy() -> Sample {
    let ok = Health { ok: true, ..Health::default() };
    Sample {
        disk_total: Some(1_000_000_000_000),
        disk_free: Some(600_000_000_000),
        engine: ok.clone(),
        memory: ok,
        ..Sample::default()
    }
}

#[tokio::test]
async fn an_engine_that_does_not_answer_is_told_soon_and_settled_when_it_is_back() {
    let bed = Bed::new().await;
    *bed.machine.0.lock() = healthy();
    bed.look().await;
    bed.machine.0.lock().engine = Health { ok: false, detail: Some("refused".to_owned()), answered_ms: 0 };
    for round in 0..3 {
        assert!(bed.open().await.is_empty(), "{round}: one miss is a hiccup");
        bed.clock.advance(SAMPLE_EVERY_MS);
        bed.watcher.look().await.unwrap();
    }
    let open = bed.open().await;
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!(open[0].id, "engine-unreachable:engine");
    bed.machine.0.lock().engine.ok = true;
    bed.clock.advance(SAMPLE_EVERY_MS);
    bed.watcher.look().await.unwrap();
    assert!(bed.open().await.is_empty());
    let kept = bed.offers.get("engine-unreachable:engine").await.unwrap().unwrap();
    assert_eq!(kept.state, OfferState::Settled);
}

#[tokio::test]
async fn the_hours_of_the_disk_outlive_a_restart_and_what_is_kept_is_bounded() {
    let bed = Bed::new().await;
    *bed.machine.0.lock() = healthy();
    for hour in 0..30_u64 {
        bed.machine.0.lock().disk_free = Some(600_000_000_000 - hour * 2_000_000_000);
        bed.clock.advance(3_600_000);
        bed.watcher.look().await.unwrap();
    }
    let open = bed.open().await;
    assert_eq!(open[0].id, "disk-filling:disk", "{open:#?}");
    assert!(open[0].title.contains("it is full on 2023-11-"), "{}", open[0].title);
    let again = WatchDeps { vitals: Vitals::default(), ..bed.deps.clone() };
    let vitals = again.vitals.clone();
    Watcher::new(again).look().await.unwrap();
    assert_eq!(vitals.hours().len(), 30, "the restart samples within the same hour");
    assert_eq!(vitals.hours()[..30], bed.deps.vitals.hours()[..30]);
    for at in 0..2_000 {
        vitals.take(Sample { at_ms: at * 3_600_000 + 2_000_000_000_000, ..healthy() });
    }
    assert_eq!(vitals.recent().len(), RECENT_LIMIT);
    assert_eq!(vitals.hours().len(), HOURS_LIMIT);
}

#[tokio::test]
async fn between_samples_the_machine_is_left_alone() {
    let bed = Bed::new().await;
    for _ in 0..10 {
        bed.clock.advance(SAMPLE_EVERY_MS / 10);
        bed.watcher.look().await.unwrap();
    }
    assert_eq!(bed.deps.vitals.recent().len(), 1);
}
