//! The ceiling: the rows of an instance through the same writer, without an engine.
//!
//! One instance is run on the embedded engine over a store that keeps the commits; then the clients write these
//! commits again and again, each time with the keys of another instance.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use async_trait::async_trait;
use engine::clock::SystemClock;
use engine::port::{Attempt, Definition, Instance, InstanceFilter, TaskRun};
use engine::store::{Commit, ScoreCount, ScoreFilter, StoredInstance, Waiting};
use engine::{Embedded, MemoryStore, Store};
use tokio::sync::Mutex;

use crate::embedded::{self, InProcess};
use crate::measure::{self, Engine, Leased};
use crate::model::Model;
use crate::options::Options;
use crate::table::Row;

/// Bits of a key that number things inside an instance.
const LOCAL_BITS: u32 = 20;

/// The row of a model.
#[expect(clippy::print_stdout, reason = "a benchmark says what is in its rows")]
pub(crate) async fn measured(
    options: &Options,
    folder: &Path,
    postgres: Option<&str>,
    model: &'static Model,
) -> Result<Row> {
    let commits = recorded(model).await?;
    let (database, kind) = embedded::open(folder, postgres, "bench_raw").await?;
    // Keys are never used twice, not even by the rows of an earlier model.
    let next_key = AtomicI64::new(database.reserve_keys(1_000_000).await?);
    let writer = Raw { store: database.clone(), commits, next_key };
    println!(
        "(the raw writer's clients copy the commits of an instance in {:.2} ms)",
        copying_ms(&writer.commits)
    );
    let name = format!("raw writer, {kind}");
    let row = measure::measured(&name, writer, model, options, std::process::id()).await?;
    database.close().await;
    Ok(row)
}

/// Processor milliseconds that go into the copies of an instance's commits: the row holds them, and no engine has them.
fn copying_ms(commits: &[Commit]) -> f64 {
    const COPIES: u32 = 1_000;
    let began = Instant::now();
    for copy in 0..COPIES {
        for commit in commits {
            drop(std::hint::black_box(moved(commit.clone(), i64::from(copy))));
        }
    }
    began.elapsed().as_secs_f64() * 1000.0 / f64::from(COPIES)
}

/// The commits of one instance.
async fn recorded(model: &Model) -> Result<Vec<Commit>> {
    let recorder = Arc::new(Recorder::default());
    let store: Arc<dyn Store> = Arc::<Recorder>::clone(&recorder);
    let engine = Embedded::open(store, Arc::new(SystemClock)).await?;
    embedded::deploy(&engine, model).await?;
    recorder.commits.lock().await.clear();
    measure::one(&InProcess(engine.clone()), model, "recorded").await?;
    engine.stop().await;
    let commits = std::mem::take(&mut *recorder.commits.lock().await);
    Ok(commits)
}

struct Raw {
    store: persistence::Database,
    commits: Vec<Commit>,
    next_key: AtomicI64,
}

#[async_trait]
impl Engine for Raw {
    /// Writes all commits of one instance, each after the one before is durable.
    async fn start(&self, _: &Model, _: &str) -> Result<String> {
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        for commit in &self.commits {
            self.store.commit(moved(commit.clone(), key)).await?;
        }
        Ok(key.to_string())
    }

    async fn lease(&self, model: &Model, _: &str, _: &str, _: usize) -> Result<Vec<Leased>> {
        Ok((0..model.jobs).map(|_| Leased { key: String::new(), attempt: 0 }).collect())
    }

    async fn complete(&self, _: &Leased, _: &str, _: usize) -> Result<()> {
        Ok(())
    }

    async fn publish(&self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }
}

/// The commit that starts an instance of a case.
pub(crate) async fn start_commit(model: &Model, case: &str) -> Result<Commit> {
    let recorder = Arc::new(Recorder::default());
    let store: Arc<dyn Store> = Arc::<Recorder>::clone(&recorder);
    let engine = Embedded::open(store, Arc::new(SystemClock)).await?;
    embedded::deploy(&engine, model).await?;
    recorder.commits.lock().await.clear();
    InProcess(engine.clone()).start(model, case).await?;
    engine.stop().await;
    recorder.commits.lock().await.pop().context("a start makes a commit")
}

/// A commit with the keys of another instance.
pub(crate) fn moved(mut commit: Commit, to: i64) -> Commit {
    let inside = |key: &mut i64| *key = (to << LOCAL_BITS) | (*key & ((1 << LOCAL_BITS) - 1));
    for stored in &mut commit.instances {
        stored.instance.key = to;
    }
    for job in &mut commit.jobs {
        job.instance = to;
        inside(&mut job.key);
    }
    commit.leases.iter_mut().for_each(|lease| inside(&mut lease.key));
    commit.ended_jobs.iter_mut().for_each(inside);
    commit.timers.iter_mut().for_each(|timer| timer.instance = to);
    commit.ended_timers.iter_mut().for_each(|(instance, _)| *instance = to);
    commit.subscriptions.iter_mut().for_each(|one| one.instance = to);
    commit.ended_subscriptions.iter_mut().for_each(|(instance, _)| *instance = to);
    // Messages are matched in memory; only the row counts here, and it needs a key of its own.
    commit.messages.iter_mut().for_each(|message| message.key = to);
    commit.ended_messages.iter_mut().for_each(|key| *key = to);
    commit.events.iter_mut().for_each(|event| event.instance = Some(to));
    commit.attempts.iter_mut().for_each(|attempt| attempt.instance = Some(to));
    for item in &mut commit.outbox {
        item.key = format!("instance-{to}-ended");
    }
    commit
}

/// A store in memory that keeps what is committed.
#[derive(Default)]
struct Recorder {
    store: MemoryStore,
    commits: Mutex<Vec<Commit>>,
}

#[async_trait]
impl Store for Recorder {
    async fn commit(&self, commit: Commit) -> Result<i64, engine::Error> {
        self.commits.lock().await.push(commit.clone());
        self.store.commit(commit).await
    }

    async fn reserve_keys(&self, count: u32) -> Result<i64, engine::Error> {
        self.store.reserve_keys(count).await
    }

    async fn definitions(&self) -> Result<Vec<(Definition, String)>, engine::Error> {
        self.store.definitions().await
    }

    async fn load_instance(&self, key: i64) -> Result<Option<StoredInstance>, engine::Error> {
        self.store.load_instance(key).await
    }

    async fn instances(&self, filter: &InstanceFilter) -> Result<Vec<Instance>, engine::Error> {
        self.store.instances(filter).await
    }

    async fn load_waiting(&self) -> Result<Waiting, engine::Error> {
        self.store.load_waiting().await
    }

    async fn find_idempotent(&self, key: &str) -> Result<Option<i64>, engine::Error> {
        self.store.find_idempotent(key).await
    }

    async fn task_runs(&self, instance: i64) -> Result<Vec<TaskRun>, engine::Error> {
        self.store.task_runs(instance).await
    }

    async fn version_counts(
        &self,
        subject_kind: &str,
        subject: &str,
        limit: usize,
    ) -> Result<Vec<ScoreCount>, engine::Error> {
        self.store.version_counts(subject_kind, subject, limit).await
    }

    async fn score_counts(&self, filter: &ScoreFilter) -> Result<Vec<ScoreCount>, engine::Error> {
        self.store.score_counts(filter).await
    }

    async fn attempts(
        &self,
        subject_kind: &str,
        subject: &str,
        limit: usize,
    ) -> Result<Vec<Attempt>, engine::Error> {
        self.store.attempts(subject_kind, subject, limit).await
    }
}
