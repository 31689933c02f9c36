//! `make bench`: how many process instances a second the embedded engine completes, beside the raw writer that it
//! writes through and, where `PROCOS_BENCH_CAMUNDA7` names one, a real Camunda 7 by its REST API.
//!
//! Every row runs the same BPMN with the same number of clients in the same run; a client starts an instance,
//! serves its jobs and goes on when the instance has ended. Prints p50 and p99 from start to end.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bpmn::program::Variables;
use engine::clock::SystemClock;
use engine::port::{ActivateJobs, DeployFile, Record, StartInstance};
use engine::store::Commit;
use engine::{Embedded, ProcessEngine, Store};
use persistence::Database;
use trail::NewEvent;

/// How long each row is measured.
const MEASURED: Duration = Duration::from_secs(10);
/// Clients that work at once.
const CLIENTS: usize = 64;

/// A row of the table.
struct Row {
    name: String,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// A process of `tasks` external service tasks, in sequence or in parallel.
fn model(id: &str, tasks: usize, parallel: bool) -> String {
    let mut flows = Vec::new();
    let mut nodes = String::new();
    let ids: Vec<String> = (0..tasks).map(|task| format!("task_{task}")).collect();
    for task in &ids {
        nodes.push_str(&format!(
            "<bpmn:serviceTask id=\"{task}\" camunda:type=\"external\" camunda:topic=\"{id}\"/>"
        ));
    }
    if parallel {
        nodes.push_str("<bpmn:parallelGateway id=\"split\"/><bpmn:parallelGateway id=\"join\"/>");
        flows.push(("start", "split"));
        for task in &ids {
            flows.push(("split", task));
            flows.push((task, "join"));
        }
        flows.push(("join", "end"));
    } else {
        let mut last = "start";
        for task in &ids {
            flows.push((last, task));
            last = task;
        }
        flows.push((last, "end"));
    }
    for (number, (source, target)) in flows.iter().enumerate() {
        nodes.push_str(&format!(
            "<bpmn:sequenceFlow id=\"flow_{number}\" sourceRef=\"{source}\" targetRef=\"{target}\"/>"
        ));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><bpmn:definitions \
         xmlns:bpmn=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" \
         xmlns:camunda=\"http://camunda.org/schema/1.0/bpmn\" id=\"d\" targetNamespace=\"bench\">\
         <bpmn:process id=\"{id}\" isExecutable=\"true\" camunda:historyTimeToLive=\"1\">\
         <bpmn:startEvent id=\"start\"/><bpmn:endEvent id=\"end\"/>{nodes}</bpmn:process></bpmn:definitions>"
    )
}

const MODELS: [(&str, usize, bool); 3] =
    [("one_task", 1, false), ("ten_tasks", 10, false), ("five_parallel", 5, true)];

fn row(name: String, mut times: Vec<Duration>, took: Duration) -> Row {
    times.sort_unstable();
    let at = |share: f64| {
        let place = ((times.len() as f64 - 1.0) * share).max(0.0) as usize;
        times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    };
    Row { name, per_second: times.len() as f64 / took.as_secs_f64(), p50_ms: at(0.5), p99_ms: at(0.99) }
}

/// Lets clients work for the measured time; each call of `one` is one instance.
async fn measure<F, W>(name: String, one: F) -> Result<Row>
where
    F: Fn(usize) -> W + Send + Sync + 'static,
    W: Future<Output = Result<()>> + Send,
{
    let one = Arc::new(one);
    let began = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let one = Arc::clone(&one);
        clients.spawn(async move {
            let mut times = Vec::new();
            while began.elapsed() < MEASURED {
                let from = Instant::now();
                one(client).await?;
                times.push(from.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = clients.join_next().await {
        times.extend(done??);
    }
    Ok(row(name, times, began.elapsed()))
}

/// The same rows through the same writer, without an engine: what one instance of one task costs at least.
async fn ceiling(folder: &Path) -> Result<Row> {
    let database = Database::open_sqlite(&folder.join("ceiling.db")).await?;
    let store: Arc<dyn Store> = Arc::new(database.clone());
    let row = measure("raw writer, two commits".to_owned(), move |_| {
        let store = Arc::clone(&store);
        async move {
            // A start and a completion, each with the trail events that one task makes.
            for events in [7, 8] {
                let event = NewEvent {
                    data: serde_json::json!({"node": "task_0"}),
                    ..NewEvent::new("element.activated", 1)
                };
                store.commit(Commit { events: vec![event; events], ..Commit::default() }).await?;
            }
            Ok(())
        }
    })
    .await?;
    database.close().await;
    Ok(row)
}

async fn embedded(folder: &Path, (id, tasks, parallel): (&'static str, usize, bool)) -> Result<Row> {
    let database = Database::open_sqlite(&folder.join(format!("{id}.db"))).await?;
    let engine = Embedded::open(Arc::new(database.clone()), Arc::new(SystemClock)).await?;
    let content = model(id, tasks, parallel).into_bytes();
    engine.deploy(vec![DeployFile { name: format!("{id}.bpmn"), content }]).await?;
    let served = engine.clone();
    let row = measure(format!("embedded, SQLite FULL, {id}"), move |client| {
        let engine = served.clone();
        async move {
            let request = StartInstance { process_id: Some(id.to_owned()), ..StartInstance::default() };
            let instance = engine.start(request).await?;
            let mut left = tasks;
            while left > 0 {
                let request = ActivateJobs {
                    worker: format!("client {client}"),
                    instance: Some(instance),
                    job_types: Some(vec![id.to_owned()]),
                    max: tasks,
                    lease_ms: 60_000,
                    wait_ms: 1_000,
                };
                let jobs = engine.activate_jobs(request).await?;
                left -= jobs.len();
                for job in jobs {
                    engine.complete_job(job.key, job.attempt, Variables::new(), Record::default()).await?;
                }
            }
            Ok(())
        }
    })
    .await?;
    engine.stop().await;
    database.close().await;
    Ok(row)
}

async fn camunda7(url: &str, (id, tasks, parallel): (&'static str, usize, bool)) -> Result<Row> {
    let client = reqwest::Client::new();
    let part = reqwest::multipart::Part::text(model(id, tasks, parallel)).file_name(format!("{id}.bpmn"));
    let form = reqwest::multipart::Form::new().text("deployment-name", id).part("file", part);
    client.post(format!("{url}/deployment/create")).multipart(form).send().await?.error_for_status()?;
    let url = url.to_owned();
    let started = Arc::new(AtomicUsize::new(0));
    measure(format!("Camunda 7.24 by REST, H2, {id}"), move |_| {
        let (client, url) = (client.clone(), url.clone());
        let worker = format!("client {}", started.fetch_add(1, Ordering::Relaxed));
        async move {
            let key = serde_json::json!({"businessKey": worker});
            let start = client.post(format!("{url}/process-definition/key/{id}/start")).json(&key);
            start.send().await?.error_for_status()?;
            let mut left = tasks;
            while left > 0 {
                let fetch = serde_json::json!({
                    "workerId": worker, "maxTasks": tasks, "asyncResponseTimeout": 1000,
                    "topics": [{"topicName": id, "lockDuration": 60000, "businessKey": worker}],
                });
                let answer =
                    client.post(format!("{url}/external-task/fetchAndLock")).json(&fetch).send().await?;
                let jobs: Vec<serde_json::Value> = answer.error_for_status()?.json().await?;
                left -= jobs.len();
                for job in jobs {
                    let job = job["id"].as_str().context("an external task has an id")?;
                    let complete = client.post(format!("{url}/external-task/{job}/complete"));
                    let body = serde_json::json!({"workerId": worker});
                    complete.json(&body).send().await?.error_for_status()?;
                }
            }
            Ok(())
        }
    })
    .await
}

#[tokio::main]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    println!(
        "{CLIENTS} clients, {} s a row; instances completed a second, from start to end\n",
        MEASURED.as_secs()
    );
    let mut rows = vec![ceiling(folder.path()).await?];
    for model in MODELS {
        rows.push(embedded(folder.path(), model).await?);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a benchmark is told by its caller which engine to compare with"
    )]
    if let Ok(url) = std::env::var("PROCOS_BENCH_CAMUNDA7") {
        for model in MODELS {
            rows.push(camunda7(&url, model).await?);
        }
    }
    println!("| what | instances/s | p50 ms | p99 ms |\n| --- | ---: | ---: | ---: |");
    for row in rows {
        println!("| {} | {:.0} | {:.1} | {:.1} |", row.name, row.per_second, row.p50_ms, row.p99_ms);
    }
    Ok(())
}
