//! What a client does, and how its time is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, ensure};
use async_trait::async_trait;

use crate::model::Model;
use crate::options::Options;
use crate::process::Load;
use crate::table::Row;

/// An engine as a client sees it.
#[async_trait]
pub(crate) trait Engine: Send + Sync + 'static {
    /// Starts an instance of a case; gives what names it.
    async fn start(&self, model: &Model, case: &str) -> Result<String>;
    /// Leases at most `most` jobs that are ready, of the instance where the engine can tell them apart.
    async fn lease(&self, model: &Model, instance: &str, case: &str, most: usize) -> Result<Vec<Leased>>;
    /// Completes a job; `count` is how many of the instance are done with it.
    async fn complete(&self, job: &Leased, case: &str, count: usize) -> Result<()>;
    /// Sends the message that the case waits for.
    async fn publish(&self, instance: &str, case: &str) -> Result<()>;
}

/// A job in hand.
pub(crate) struct Leased {
    /// What names it.
    pub(crate) key: String,
    /// Its attempt, where the engine wants it back.
    pub(crate) attempt: u32,
}

/// One instance, from its start to its end.
pub(crate) async fn one(engine: &impl Engine, model: &Model, case: &str) -> Result<()> {
    let instance = engine.start(model, case).await?;
    let mut done = 0;
    while done < model.jobs {
        // No more than are its own: where a worker gets jobs of any instance, another one waits for those too many.
        let most = model.at_once.min(model.jobs - done);
        let jobs = engine.lease(model, &instance, case, most).await?;
        ensure!(!jobs.is_empty(), "no job of {instance} after {done} of {}", model.jobs);
        for job in jobs {
            done += 1;
            engine.complete(&job, case, done).await?;
        }
    }
    if model.message {
        engine.publish(&instance, case).await?;
    }
    Ok(())
}

/// As [`measured`], with all clients on one thread, which leaves the machine to the engine in its own process.
pub(crate) async fn measured_from_one_thread(
    name: String,
    engine: impl Engine,
    model: &'static Model,
    options: &Options,
    pid: u32,
) -> Result<Row> {
    let options = options.clone();
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(measured(&name, engine, model, &options, pid))
    })
    .await?
}

/// Lets clients work; gives the row.
pub(crate) async fn measured(
    name: &str,
    engine: impl Engine,
    model: &'static Model,
    options: &Options,
    pid: u32,
) -> Result<Row> {
    let engine = Arc::new(engine);
    let cases = Arc::new(AtomicUsize::new(0));
    let from = Instant::now() + options.unmeasured;
    let until = from + options.measured;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..options.clients {
        let (engine, cases) = (Arc::clone(&engine), Arc::clone(&cases));
        clients.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < until {
                let case = format!("{}-{}", model.id, cases.fetch_add(1, Ordering::Relaxed));
                let began = Instant::now();
                one(engine.as_ref(), model, &case).await?;
                let ended = Instant::now();
                if ended >= from && ended < until {
                    times.push(ended - began);
                }
            }
            anyhow::Ok(times)
        });
    }
    tokio::time::sleep_until(from.into()).await;
    let before = Load::of(pid)?;
    tokio::time::sleep_until(until.into()).await;
    let after = Load::of(pid)?;
    let mut times = Vec::new();
    while let Some(client) = clients.join_next().await {
        times.extend(client??);
    }
    Ok(Row::new(name, model.id, times, options.measured, after.since(before)))
}
