//! `make bench-scale`: how the engine bears many instances at once, on SQLite.
//!
//! | what | instances | aim |
//! | --- | --- | --- |
//! | `open` | 100,000 that wait for a message or an hour, and as many that wait for a worker | ready within 1 s: the engine, and the whole server |
//! | `waiting` | 1,000,000 of each kind | at most 1 GiB of memory |
//! | `timers` | 10,000 whose timers are due at the same moment | all have fired within 10 s |
//!
//! The instances are written straight into the tables, with the rows that their start writes. They are then opened by
//! a process of their own, so that its memory is theirs alone; there one of them is brought to its end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use engine::clock::{Clock, ManualClock, SystemClock};
use engine::port::{InstanceFilter, Status};
use engine::store::Commit;
use engine::{Embedded, ProcessEngine, Store};
use futures::{StreamExt, TryStreamExt};
use persistence::Database;

use crate::embedded::{self, InProcess};
use crate::http::Server;
use crate::measure::Engine;
use crate::model::{MODELS, Model, WAITS};
use crate::process::Load;
use crate::raw;

/// First word of the command line of the process that holds the instances.
pub(crate) const HOLD: &str = "hold";
/// Instances in one commit while the tables are filled.
const WRITTEN_AT_ONCE: usize = 1_000;
/// Starts at the same time where the engine itself starts the instances.
const STARTS: usize = 64;
/// The case of the instance that is copied; as long as the cases of the copies.
const CASE: &str = "case-0000000000";

const READY_AIM_S: f64 = 1.0;
const MEMORY_AIM_MB: f64 = 1024.0;
const TIMERS_AIM_S: f64 = 10.0;

/// Measures one of the three.
pub(crate) async fn measured(what: &str, instances: Option<usize>, folder: &Path) -> Result<()> {
    match what {
        "open" => held(instances.unwrap_or(100_000), folder).await,
        "waiting" => held(instances.unwrap_or(1_000_000), folder).await,
        "timers" => timers(instances.unwrap_or(10_000), folder).await,
        _ => bail!("--scale measures open, waiting or timers"),
    }
}

async fn held(instances: usize, folder: &Path) -> Result<()> {
    println!("| {instances} instances wait for | in | ready s | memory MB |\n| --- | --- | ---: | ---: |");
    for (model, wait) in [(&WAITS, "a message or an hour"), (&MODELS[0], "a worker")] {
        let folder = folder.join(model.id);
        // A data directory that was served before: its first start makes what belongs to none of the instances.
        std::fs::create_dir_all(&folder)?;
        Server::on(&folder, None).await?.stop()?;
        fill(&folder, model, instances).await?;
        let mut hold = Command::new(std::env::current_exe()?);
        hold.arg(HOLD).arg(&folder).arg(model.id).stdin(Stdio::null());
        let said = hold.output()?;
        ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
        println!("| {wait} | an engine | {} |", String::from_utf8_lossy(&said.stdout).trim());
        let began = Instant::now();
        let server = Server::on(&folder, None).await?;
        let ready_s = began.elapsed().as_secs_f64();
        println!("| {wait} | a server | {ready_s:.2} | {:.0} |", server.load()?.memory_mb);
        server.stop()?;
        std::fs::remove_dir_all(&folder)?;
    }
    println!("\naims: ready within {READY_AIM_S:.0} s with 100,000; {MEMORY_AIM_MB:.0} MB with 1,000,000");
    Ok(())
}

fn records(folder: &Path) -> PathBuf {
    folder.join("procos.db")
}

/// Writes instances into the tables, as their start does.
async fn fill(folder: &Path, model: &Model, instances: usize) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let database = Database::open_sqlite(&records(folder)).await?;
    let engine = Embedded::open(Arc::new(database.clone()), Arc::new(SystemClock)).await?;
    let definition = embedded::deploy(&engine, model).await?;
    engine.stop().await;
    let pattern = raw::start_commit(model, CASE).await?;
    let first = database.reserve_keys(u32::try_from(instances)?).await?;
    let keys: Vec<i64> = (first..).take(instances).collect();
    for keys in keys.chunks(WRITTEN_AT_ONCE) {
        let mut all = Commit::default();
        for key in keys {
            let commit = of_case(raw::moved(pattern.clone(), *key), *key, definition);
            all.instances.extend(commit.instances);
            all.jobs.extend(commit.jobs);
            all.timers.extend(commit.timers);
            all.subscriptions.extend(commit.subscriptions);
        }
        database.commit(all).await?;
    }
    database.close().await;
    Ok(())
}

/// The name of an instance's case.
fn case_of(key: i64) -> String {
    format!("case-{key:010}")
}

/// A commit with a case of its own.
fn of_case(mut commit: Commit, key: i64, definition: i64) -> Commit {
    let case = case_of(key);
    for stored in &mut commit.instances {
        stored.instance.definition = definition;
        stored.instance.business_key = Some(case.clone());
        stored.instance.variables.insert("case".to_owned(), case.clone().into());
        stored.state = stored.state.replace(CASE, &case);
    }
    for job in &mut commit.jobs {
        job.definition = definition;
        job.variables.insert("case".to_owned(), case.clone().into());
    }
    for subscription in &mut commit.subscriptions {
        subscription.correlation_key = Some(case.clone());
    }
    commit
}

/// The process that holds the instances of a folder: says how long it took to be ready and what memory it has, and
/// sees that one of them still comes to its end.
#[tokio::main]
pub(crate) async fn hold() -> Result<()> {
    let mut words = std::env::args().skip(2);
    let (folder, id) = words.next().zip(words.next()).context("hold FOLDER MODEL")?;
    let model = MODELS.iter().chain([&WAITS]).find(|model| model.id == id).context("no such model")?;
    let began = Instant::now();
    let database = Database::open_sqlite(&records(Path::new(&folder))).await?;
    let engine = Embedded::open(Arc::new(database.clone()), Arc::new(SystemClock)).await?;
    let ready_s = began.elapsed().as_secs_f64();
    let memory_mb = Load::of(std::process::id())?.memory_mb;
    let open = engine.open_instances(0, usize::MAX).await?;
    let key = *open.last().context("instances are open")?;
    let (client, case) = (InProcess(engine.clone()), case_of(key));
    if model.message {
        client.publish(&key.to_string(), &case).await?;
    } else {
        for job in client.lease(model, &key.to_string(), &case, 1).await? {
            client.complete(&job, &case, 1).await?;
        }
    }
    let ended = engine.instance(key).await?.status;
    ensure!(ended == Status::Completed, "instance {key} is {ended:?}");
    engine.stop().await;
    database.close().await;
    println!("{ready_s:.2} | {memory_mb:.0}");
    Ok(())
}

/// Timers that are all due at the same moment; the clock is moved by hand.
async fn timers(instances: usize, folder: &Path) -> Result<()> {
    let database = Database::open_sqlite(&records(folder)).await?;
    let clock = ManualClock::at(SystemClock.now_ms());
    let engine = Embedded::open(Arc::new(database.clone()), Arc::new(clock.clone())).await?;
    embedded::deploy(&engine, &WAITS).await?;
    let client = InProcess(engine.clone());
    futures::stream::iter((0..instances).map(|number| case_of(i64::try_from(number).unwrap_or_default())))
        .map(|case| {
            let client = &client;
            async move { client.start(&WAITS, &case).await }
        })
        .buffer_unordered(STARTS)
        .try_collect::<Vec<String>>()
        .await?;
    clock.advance(3_600_000);
    let began = Instant::now();
    engine.tick(clock.now_ms()).await?;
    engine.settle().await;
    let fired_s = began.elapsed().as_secs_f64();
    let left = engine.open_instances(0, 1).await?;
    ensure!(left.is_empty(), "{left:?} did not end");
    let all = InstanceFilter { limit: 1, status: Some(Status::Completed), ..InstanceFilter::default() };
    ensure!(engine.instances(&all).await?.len() == 1, "nothing was kept");
    engine.stop().await;
    database.close().await;
    println!(
        "{instances} timers that were due at once have fired after {fired_s:.2} s (aim: {TIMERS_AIM_S:.0} s)"
    );
    Ok(())
}
