//! Migration beside leases of the same instance's jobs: one of the two waits, and no job is lost or handed out twice.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::port::Migration;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An instance of `p` at its task `a`, and a newer version whose task is called `a2`.
async fn before_migration() -> (Bench, i64, Migration) {
    let bench = Bench::new().await;
    bench.deploy(&sequence("p", &["a"])).await;
    let key = bench.start("p", json!({"x": 1})).await;
    let newer = bench.deploy(&sequence("p", &["a2"])).await;
    let elements = BTreeMap::from([("a".to_owned(), "a2".to_owned())]);
    (bench, key, Migration { definition: newer.key, elements })
}

/// Lets a command go on until its commit waits.
async fn until_held(bench: &Bench) {
    let held = tokio::time::timeout(PATIENCE, async {
        while bench.store.held_commits() == 0 {
            tokio::task::yield_now().await;
        }
    });
    held.await.expect("the command commits");
}

#[tokio::test]
async fn an_instance_whose_job_is_being_leased_is_not_migrated() {
    let (bench, key, migration) = before_migration().await;
    bench.store.hold_commits(true);
    let engine = bench.engine.clone();
    let leasing = tokio::spawn(async move { engine.activate_jobs(request(1)).await });
    until_held(&bench).await;
    let migrated = tokio::time::timeout(PATIENCE, bench.engine.migrate(key, migration.clone(), "mia"));
    let refused = migrated.await.expect("it is refused at once").unwrap_err();
    assert!(refused.to_string().contains("being leased"), "{refused}");
    bench.store.hold_commits(false);
    let job = leasing.await.unwrap().unwrap().remove(0);
    assert_eq!((job.element.as_str(), job.version, job.attempt), ("a", 1, 1));
    // The lease is written: now it can be migrated, and who holds the job answers it.
    bench.engine.migrate(key, migration, "mia").await.unwrap();
    assert!(bench.lease(10).await.is_empty(), "it is leased already");
    bench.complete(&job, empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
}

#[tokio::test]
async fn no_job_is_leased_while_its_instance_is_migrated() {
    let (bench, key, migration) = before_migration().await;
    bench.store.hold_commits(true);
    let engine = bench.engine.clone();
    let migrating = tokio::spawn(async move { engine.migrate(key, migration, "mia").await });
    until_held(&bench).await;
    let meanwhile = tokio::time::timeout(PATIENCE, bench.lease(10)).await;
    assert!(meanwhile.is_ok_and(|jobs| jobs.is_empty()), "a job of the old version was handed out");
    bench.store.hold_commits(false);
    migrating.await.unwrap().unwrap();
    let job = bench.lease_one().await;
    assert_eq!((job.element.as_str(), job.version, job.attempt), ("a2", 2, 1));
    assert_eq!(job.variables["x"], json!(1));
    bench.complete(&job, empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
}

#[tokio::test]
async fn a_migration_that_is_refused_or_fails_leaves_its_jobs_to_workers() {
    let (bench, key, migration) = before_migration().await;
    let unmapped = Migration { elements: BTreeMap::new(), ..migration.clone() };
    assert!(matches!(bench.engine.migrate(key, unmapped, "mia").await, Err(Error::Conflict(_))));
    let job = bench.lease_one().await;
    assert_eq!((job.element.as_str(), job.version), ("a", 1));
    bench.fail(&job, 2, 0).await;
    bench.store.refuse_commits(true);
    assert!(matches!(bench.engine.migrate(key, migration, "mia").await, Err(Error::Store(_))));
    bench.store.refuse_commits(false);
    let job = bench.lease_one().await;
    assert_eq!((job.element.as_str(), job.version, job.attempt), ("a", 1, 2));
    bench.complete(&job, empty()).await;
    assert_eq!(bench.status(key).await, Status::Completed);
}
