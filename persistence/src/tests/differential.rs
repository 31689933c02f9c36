//! The same random commits on the store in memory and on databases give the same answers.

use engine::MemoryStore;
use engine::port::{InstanceFilter, Status};
use engine::store::{Commit, JobLease, Store, StoredTimer};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use trail::{Filter, NewEvent, Trail};

use super::suite::{end_of_the_first, instance, job, the_second_of_each, two_of_each};
use super::{Bench, NOW_MS};
use crate::chain::Chain;
use crate::state_store::{changes_of, touches_once};
use crate::{Database, at_once};

/// Every so many of the cases that a property has elsewhere.
const SHARE: u32 = 16;

#[derive(Clone, Debug)]
enum Change {
    Instance(i64, bool),
    Job(i64),
    EndJob(i64),
    Lease(i64, u32),
    Timer(u32, i64),
    EndTimer(u32),
    Once(u8),
    Event,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (1..6_i64, any::<bool>()).prop_map(|(key, ended)| Change::Instance(key, ended)),
        (1..9_i64).prop_map(Change::Job),
        (1..9_i64).prop_map(Change::EndJob),
        (1..9_i64, 0..4_u32).prop_map(|(key, attempt)| Change::Lease(key, attempt)),
        (1..4_u32, 0..100_i64).prop_map(|(number, due)| Change::Timer(number, due)),
        (1..4_u32).prop_map(Change::EndTimer),
        (0..4_u8).prop_map(Change::Once),
        Just(Change::Event),
    ]
}

/// One commit holds each row at most once, as the engine's do.
fn commit_of(changes: &[Change]) -> Commit {
    let mut commit = Commit::default();
    for change in changes {
        match *change {
            Change::Instance(key, ended) => {
                let status = if ended { Status::Completed } else { Status::Active };
                if commit.instances.iter().all(|one| one.instance.key != key) {
                    commit.instances.push(instance(key, status));
                }
            }
            Change::Job(key) if !commit.ended_jobs.contains(&key) => {
                if commit.jobs.iter().all(|one| one.key != key) {
                    commit.jobs.push(job(key));
                }
            }
            Change::EndJob(key) if commit.jobs.iter().all(|one| one.key != key) => {
                commit.ended_jobs.push(key)
            }
            Change::Lease(key, attempt) if commit.leases.iter().all(|one| one.key != key) => {
                commit.leases.push(JobLease {
                    key,
                    attempt,
                    retries: 1,
                    worker: None,
                    lease_until_ms: None,
                    not_before_ms: 3,
                });
            }
            Change::Timer(number, due) => {
                commit.timers.retain(|one| one.number != number);
                let due_ms = NOW_MS + due;
                commit.timers.push(StoredTimer { instance: 1, number, due_ms, repetitions_left: 0 });
            }
            Change::EndTimer(number) => commit.ended_timers.push((1, number)),
            Change::Once(key) => commit.idempotent = Some((format!("key-{key}"), i64::from(key))),
            Change::Event => commit.events.push(NewEvent::new("x", NOW_MS)),
            Change::Job(_) | Change::EndJob(_) | Change::Lease(..) => {}
        }
    }
    commit
}

/// Runs a property on random commits, each a list of changes.
fn for_any_commits(property: impl AsyncFn(Vec<Commit>)) {
    // Each case opens a database.
    let cases = Config::default().cases.div_ceil(SHARE);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let commits = prop::collection::vec(prop::collection::vec(change(), 0..6), 1..20);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runner.run(&commits, |commits| {
        runtime.block_on(property(commits.iter().map(|changes| commit_of(changes)).collect()));
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
}

async fn assert_alike(memory: &MemoryStore, database: &Database) {
    let mut expected = memory.load_waiting().await.unwrap();
    expected.timers.sort_by_key(|timer| (timer.due_ms, timer.number));
    assert_eq!(expected, database.load_waiting().await.unwrap());
    let all = InstanceFilter::default();
    assert_eq!(memory.instances(&all).await.unwrap(), database.instances(&all).await.unwrap());
    let filter = Filter::default();
    let expected = memory.read(&filter, 0, 1_000).await.unwrap();
    assert_eq!(expected, database.read(&filter, 0, 1_000).await.unwrap());
    let expected = memory.read_back(&filter, 9, 5).await.unwrap();
    assert_eq!(expected, database.read_back(&filter, 9, 5).await.unwrap());
}

#[test]
fn memory_and_sqlite_answer_alike_after_any_commits() {
    for_any_commits(async |commits| {
        let memory = MemoryStore::new();
        let bench = Bench::sqlite().await;
        for commit in commits {
            let expected = memory.commit(commit.clone()).await;
            assert_eq!(expected.ok(), bench.database.commit(commit).await.ok());
        }
        assert_alike(&memory, &bench.database).await;
        bench.remove().await;
    });
}

#[test]
fn commits_that_come_at_once_do_what_they_do_one_after_the_other() {
    for_any_commits(async |commits| {
        let memory = MemoryStore::new();
        let mut expected = Vec::new();
        for commit in &commits {
            expected.push(memory.commit(commit.clone()).await.ok());
        }
        for bench in Bench::all().await {
            let at_once = commits.iter().map(|commit| bench.database.commit(commit.clone()));
            let found = futures::future::join_all(at_once).await;
            let found: Vec<_> = found.into_iter().map(Result::ok).collect();
            assert_eq!(found, expected, "{}", bench.database.kind());
            assert_alike(&memory, &bench.database).await;
            bench.remove().await;
        }
    });
}

/// The writer falls back on the ordinary way where it is refused, so nothing else would tell that it is.
#[tokio::test]
async fn rows_of_every_kind_are_taken_at_once() {
    for bench in Bench::all().await {
        let connection = sea_orm::Database::connect(bench.address()).await.unwrap();
        let mut chain = Chain::load(&connection).await.unwrap();
        let mut write = async |commit: &Commit| {
            chain.link(&commit.events);
            let rows = changes_of(&[commit]).unwrap();
            at_once::write(&connection, rows, chain.take_unwritten()).await.unwrap()
        };
        let events = vec![NewEvent::new("x", NOW_MS); 3];
        let lease =
            JobLease { key: 2, attempt: 0, retries: 3, worker: None, lease_until_ms: None, not_before_ms: 0 };
        let idempotent = Some(("once".to_owned(), 1));
        let first =
            Commit { instances: vec![instance(1, Status::Active)], events, idempotent, ..two_of_each() };
        let second = Commit { instances: vec![instance(1, Status::Completed)], ..end_of_the_first() };
        let second = Commit { leases: vec![lease], ..second };
        for commit in [&first, &second] {
            assert!(touches_once(commit));
            assert!(write(commit).await, "{}", bench.database.kind());
        }
        // A message that is there already: nothing of it is kept.
        let again = Commit { instances: vec![instance(9, Status::Active)], ..first };
        assert!(!write(&again).await, "{}", bench.database.kind());
        assert_eq!(bench.database.load_instance(9).await.unwrap(), None);
        assert_eq!(bench.database.load_waiting().await.unwrap(), the_second_of_each());
        assert_eq!(bench.database.load_instance(1).await.unwrap(), Some(instance(1, Status::Completed)));
        assert_eq!(bench.database.verify().await.unwrap().entries, 3);
        connection.close().await.unwrap();
        bench.remove().await;
    }
}
