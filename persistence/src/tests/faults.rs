//! What must not go wrong: tampering is found, a second opener refused, a full disk never acknowledged.

use async_trait::async_trait;
use engine::port::Status;
use engine::store::{Commit, Store};
use sea_orm::DatabaseTransaction;
use serde_json::json;
use trail::{NewEvent, Trail};

use super::suite::instance;
use super::{Bench, NOW_MS};
use crate::statements::execute;
use crate::writer::{Write, Written};
use crate::{Database, Error};

fn events(count: i64) -> Vec<NewEvent> {
    (0..count).map(|n| NewEvent { data: json!({"n": n}), ..NewEvent::new("x", NOW_MS) }).collect()
}

#[tokio::test]
async fn a_changed_entry_of_the_trail_is_named() {
    for bench in Bench::all().await {
        bench.database.append(events(1_500)).await.unwrap();
        bench.tamper("UPDATE trail_events SET data = '{\"n\": 99}' WHERE position = 1203").await;
        bench.tamper("UPDATE trail_events SET actor = 'mallory' WHERE position = 1300").await;
        let found = bench.database.verify().await.unwrap();
        assert_eq!((found.entries, found.broken.map(|broken| broken.position)), (1_202, Some(1_203)));
        bench.remove().await;
    }
}

#[tokio::test]
async fn a_deleted_entry_and_one_that_is_no_json_are_named() {
    for bench in Bench::all().await {
        bench.database.append(events(5)).await.unwrap();
        bench.tamper("UPDATE trail_events SET data = 'no json' WHERE position = 4").await;
        assert_eq!(bench.database.verify().await.unwrap().broken.unwrap().position, 4);
        bench.tamper("DELETE FROM trail_events WHERE position = 2").await;
        assert_eq!(bench.database.verify().await.unwrap().broken.unwrap().position, 2);
        bench.remove().await;
    }
}

#[tokio::test]
async fn a_second_opener_is_refused_until_the_first_has_closed() {
    for bench in Bench::all().await {
        let second = bench.open().await;
        assert!(matches!(&second, Err(error @ Error::Locked { .. }) if error.hint().is_some()), "{second:?}");
        bench.database.close().await;
        let again = bench.open().await.unwrap();
        again.append(events(1)).await.unwrap();
        again.close().await;
        bench.remove().await;
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening_and_keys_go_on() {
    for mut bench in Bench::all().await {
        bench.database.reserve_keys(7).await.unwrap();
        let commit =
            Commit { instances: vec![instance(1, Status::Active)], events: events(3), ..Commit::default() };
        bench.database.commit(commit).await.unwrap();
        bench.reopen().await;
        assert_eq!(bench.database.load_instance(1).await.unwrap(), Some(instance(1, Status::Active)));
        assert_eq!(bench.database.reserve_keys(1).await.unwrap(), 8);
        assert_eq!(bench.database.append(events(1)).await.unwrap(), 4);
        assert!(bench.database.verify().await.unwrap().broken.is_none());
        bench.remove().await;
    }
}

#[tokio::test]
async fn a_closed_database_refuses_writes() {
    let bench = Bench::sqlite().await;
    bench.database.close().await;
    let refused = bench.database.commit(Commit::default()).await;
    assert!(matches!(refused, Err(engine::Error::Stopping)), "{refused:?}");
}

/// Bounds the file's size, as a full disk does.
struct PageLimit(i64);

#[async_trait]
impl Write for PageLimit {
    async fn write(&mut self, on: &DatabaseTransaction) -> Result<Written, Error> {
        execute(on, format!("PRAGMA max_page_count = {}", self.0), Vec::new()).await?;
        Ok(Written { result: None, events: Vec::new() })
    }
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_the_writer_goes_on_when_there_is_space() {
    let bench = Bench::sqlite().await;
    let database = &bench.database;
    database.append(events(2)).await.unwrap();
    database.write(PageLimit(1)).await.unwrap();
    let large = || NewEvent { data: json!("x".repeat(3_000_000)), ..NewEvent::new("x", NOW_MS) };
    let refused = database.append(vec![large()]).await;
    assert!(refused.is_err(), "{refused:?}");
    // The limit went with the connection, which is a new one after each loss.
    database.write(PageLimit(1)).await.unwrap();
    let mut large_instance = instance(1, Status::Active);
    large_instance.state = "x".repeat(3_000_000);
    let refused = database
        .write(crate::state_store::commit_write(Commit {
            instances: vec![large_instance],
            ..Commit::default()
        }))
        .await;
    assert!(matches!(refused, Err(Error::Full(_))), "{refused:?}");
    assert_eq!(database.head().await.unwrap(), 2);
    assert!(database.load_instance(1).await.unwrap().is_none());
    let small = Commit { instances: vec![instance(2, Status::Active)], ..Commit::default() };
    assert_eq!(database.commit(small).await.unwrap(), 2);
    assert_eq!(database.append(vec![large()]).await.unwrap(), 3);
    assert!(database.verify().await.unwrap().broken.is_none());
}

#[tokio::test]
async fn a_server_that_ends_the_connection_costs_what_was_under_way_and_no_more() {
    let Some(bench) = Bench::postgres().await else { return };
    let database = &bench.database;
    let commit = |key: i64| Commit {
        instances: vec![instance(key, Status::Active)],
        events: events(1),
        ..Commit::default()
    };
    let mut acknowledged = Vec::new();
    for key in 1..=9 {
        if key % 3 == 0 {
            let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE pid <> pg_backend_pid() AND datname = current_database()";
            bench.tamper(others).await;
        }
        if database.commit(commit(key)).await.is_ok() {
            acknowledged.push(key);
        }
    }
    assert!(acknowledged.len() >= 6, "{acknowledged:?}");
    for key in &acknowledged {
        assert!(database.load_instance(*key).await.unwrap().is_some(), "{key} was acknowledged");
    }
    let found = database.verify().await.unwrap();
    assert_eq!((found.entries, found.broken), (acknowledged.len() as i64, None));
    bench.remove().await;
}

#[tokio::test]
async fn a_failed_write_does_not_touch_its_neighbours_in_the_batch() {
    for bench in Bench::all().await {
        let database = &bench.database;
        // A NUL character cannot be stored by PostgreSQL; the primary key refuses on both.
        let definition = |key: i64| {
            let definition = engine::port::Definition {
                key,
                process_id: "p".to_owned(),
                name: "p".to_owned(),
                version: 1,
                resource: "r".to_owned(),
                checksum: "c".to_owned(),
                deployed_ms: NOW_MS,
            };
            Commit {
                definitions: vec![(definition, "<x/>".to_owned())],
                events: events(1),
                ..Commit::default()
            }
        };
        let commits = (1..=50).map(|key| database.commit(definition(key)));
        let outcomes = futures::future::join_all(commits).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let others = (1..=50).map(|key| {
            let instances = vec![instance(key, Status::Active)];
            database.commit(Commit { instances, events: events(1), ..Commit::default() })
        });
        let (others, twice) = tokio::join!(futures::future::join_all(others), database.commit(definition(9)));
        assert!(others.iter().all(Result::is_ok));
        assert!(twice.is_err());
        let found = database.verify().await.unwrap();
        assert_eq!((found.entries, found.broken), (51, None));
        bench.remove().await;
    }
}

#[tokio::test]
async fn a_backup_is_a_database_of_its_own() {
    let bench = Bench::sqlite().await;
    bench.database.append(events(10)).await.unwrap();
    let copy = bench.file().with_file_name("copy.db");
    bench.database.backup(&copy).await.unwrap();
    bench.database.append(events(1)).await.unwrap();
    let restored = Database::open_sqlite(&copy).await.unwrap();
    assert_eq!(restored.verify().await.unwrap().entries, 10);
    restored.close().await;
    assert!(bench.database.backup(&copy).await.is_err(), "a backup never overwrites");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("procos.db");
    std::fs::write(&path, "this is no database, however long it may be ".repeat(100)).unwrap();
    let refused = Database::open_sqlite(&path).await;
    assert!(matches!(refused, Err(Error::Open { .. } | Error::Failed(_))), "{refused:?}");
    let missing = Database::open_sqlite(&folder.path().join("none/procos.db")).await;
    assert!(matches!(missing, Err(Error::Open { .. })), "{missing:?}");
}
