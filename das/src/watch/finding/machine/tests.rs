//! The machine's findings, by their rules, on made-up samples.

use super::disk::forecast;
use super::*;
use crate::watch::finding::FindingKind;
use crate::watch::machine::{Health, SAMPLE_EVERY_MS};

const HOUR_MS: i64 = 3_600_000;
const GB: u64 = 1_000_000_000;

fn healthy(at: i64) -> Sample {
    let ok = Health { ok: true, ..Health::default() };
    Sample {
        at_ms: at * SAMPLE_EVERY_MS,
        processor: Some(0.2),
        memory_total: Some(8 * GB),
        memory_available: Some(4 * GB),
        disk_total: Some(100 * GB),
        disk_free: Some(60 * GB),
        outbox: Some(3),
        jobs: Some(2),
        incidents: Some(0),
        engine: ok.clone(),
        memory: ok,
        ..Sample::default()
    }
}

fn samples(change: impl Fn(i64, &mut Sample)) -> Vec<Sample> {
    let one = |at| {
        let mut sample = healthy(at);
        change(at, &mut sample);
        sample
    };
    (0..40).map(one).collect()
}

fn kinds(recent: &[Sample], hours: &[Hour]) -> Vec<(FindingKind, String)> {
    find(recent, hours).into_iter().map(|finding| (finding.kind, finding.subject)).collect()
}

fn hours(of: impl Fn(i64) -> u64) -> Vec<Hour> {
    (0..48).map(|at| Hour { at_ms: at * HOUR_MS, free: of(at) }).collect()
}

#[test]
fn a_healthy_machine_is_no_finding() {
    assert!(kinds(&samples(|_, _| {}), &hours(|_| 60 * GB)).is_empty());
    assert!(kinds(&[], &[]).is_empty());
}

#[test]
fn a_disk_that_fills_is_told_with_the_day() {
    let seen = hours(|at| {
        60 * GB - u64::try_from(at).unwrap() * GB / 4 + u64::try_from(at % 3).unwrap() * 1_000_000
    });
    let found = forecast(&seen).unwrap();
    assert!((found.per_day / 1e9 + 6.0).abs() < 0.01, "{found:?}");
    assert!((found.days - 48.25 / 6.0).abs() < 0.02, "{found:?}");
    assert!(found.earliest < found.days && found.days < found.latest, "{found:?}");
    let findings = find(&samples(|_, _| {}), &seen);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].kind, FindingKind::DiskFilling);
    assert!(findings[0].title.contains("it is full on 1970-01-0"), "{}", findings[0].title);
    assert!(findings[0].evidence[1].contains("95 % interval"), "{:?}", findings[0].evidence);
}

#[test]
fn a_disk_that_goes_up_and_down_or_fills_slowly_is_not() {
    let swings = hours(|at| if at % 2 == 0 { 60 * GB } else { 50 * GB });
    assert_eq!(forecast(&swings), None);
    assert!(
        kinds(&samples(|_, _| {}), &hours(|at| 60 * GB - u64::try_from(at).unwrap() * 1_000_000)).is_empty()
    );
    assert_eq!(forecast(&swings[..4]), None, "a few hours say nothing");
}

#[test]
fn a_disk_that_is_nearly_full_is_told_without_a_forecast() {
    let full = samples(|_, sample| sample.disk_free = Some(2 * GB));
    assert_eq!(kinds(&full, &[]), [(FindingKind::DiskFilling, "disk".to_owned())]);
}

#[test]
fn a_queue_that_grows_is_told_and_one_that_is_only_long_is_not() {
    let grows = samples(|at, sample| sample.outbox = Some(u64::try_from(at).unwrap().pow(2)));
    assert_eq!(kinds(&grows, &[]), [(FindingKind::GrowingQueue, "outbox".to_owned())]);
    let long = samples(|at, sample| sample.jobs = Some(500 + u64::try_from(at % 2).unwrap()));
    assert!(kinds(&long, &[]).is_empty());
    let shrinks = samples(|at, sample| sample.jobs = Some(1_000 - 20 * u64::try_from(at).unwrap()));
    assert!(kinds(&shrinks, &[]).is_empty());
}

#[test]
fn a_part_that_is_down_for_a_while_is_told() {
    let down = Health { ok: false, detail: Some("connection refused".to_owned()), answered_ms: 0 };
    for (times, told) in [(2, false), (3, true)] {
        let seen = samples(|at, sample| {
            if at >= 40 - times {
                (sample.engine, sample.memory) = (down.clone(), down.clone());
            }
        });
        let found = find(&seen, &[]);
        assert_eq!(found.len(), if told { 2 } else { 0 }, "{times}");
        assert!(found.iter().all(|one| one.evidence[0].contains("connection refused")), "{found:?}");
    }
}

#[test]
fn a_machine_without_anything_left_is_told() {
    let busy = samples(|_, sample| sample.processor = Some(0.99));
    assert_eq!(kinds(&busy, &[]), [(FindingKind::Overloaded, "processor".to_owned())]);
    let once = samples(|at, sample| sample.processor = Some(if at == 35 { 0.5 } else { 0.99 }));
    assert!(kinds(&once, &[]).is_empty());
    let short = samples(|_, sample| sample.memory_available = Some(GB / 10));
    assert_eq!(kinds(&short, &[]), [(FindingKind::Overloaded, "machine memory".to_owned())]);
}
