//! `make bench-workers`: ten thousand TDEs that wait at once for a language model, each with a PDO of its own. Prints
//! what they take in memory and in processor time beside what the engine alone takes for the same instances, how long
//! a new instance waits for its turn among them, and that nobody is left in the end.
//!
//! The model is a stand-in that answers when it is told to, so that the task's own time is nothing but waiting.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use bpmn::program::Variables;
use engine::clock::SystemClock;
use engine::port::{DeployFile, StartInstance, Status};
use engine::{Embedded, MemoryStore, ProcessEngine};
use kernel::isolation::processor_time;
use kernel::{Limits, Microkernel, Parts};
use llm::{Audio, Capabilities, ChatAnswer, ChatRequest, Content, Embeddings, Sample, Transcript, Usage};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// TDEs that wait at once.
const WAITING: usize = 10_000;
/// New instances that are started among them.
const NEWCOMERS: usize = 50;
/// How long they are watched while nothing happens.
const WATCHED: Duration = Duration::from_secs(3);
/// Longest time for any phase.
const PATIENCE: Duration = Duration::from_secs(300);
const MIB: f64 = 1024.0 * 1024.0;

/// A process of one task.
fn model(id: &str, task: &str) -> Vec<u8> {
    format!(
        r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:procos="https://w3id.org/procos/bpmn/1.0" id="d_{id}" targetNamespace="t"><bpmn:process id="{id}" isExecutable="true">
        <bpmn:startEvent id="start"/><bpmn:serviceTask id="work"><bpmn:extensionElements>{task}</bpmn:extensionElements>
        </bpmn:serviceTask><bpmn:endEvent id="end"/><bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
        <bpmn:sequenceFlow id="f2" sourceRef="work" targetRef="end"/></bpmn:process></bpmn:definitions>"#
    )
    .into_bytes()
}

const ASKS: &str = r#"<procos:task by="model"><procos:outcome label="done"/><procos:stop rule="fixed" samples="1"/></procos:task>"#;
const QUICK: &str =
    r#"<procos:task by="feel"><procos:compute variable="y" expression="=1 + 1"/></procos:task>"#;

/// Answers once it is told to.
struct Patient(watch::Receiver<bool>);

#[async_trait]
impl llm::Model for Patient {
    fn name(&self) -> &str {
        "patient"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatAnswer, llm::Error> {
        let mut told = self.0.clone();
        // The sender lives as long as the benchmark.
        let _told = told.wait_for(|told| *told).await;
        let content = Content::Json { value: serde_json::json!({"outcome": "done"}) };
        let sample = Sample { content, seed: None, repairs: 0 };
        Ok(ChatAnswer {
            samples: vec![sample; request.samples as usize],
            failures: Vec::new(),
            model: "patient".to_owned(),
            fingerprint: None,
            usage: Usage::default(),
            cost: 0.0,
            requests: 1,
            elapsed_ms: 0,
            warnings: Vec::new(),
        })
    }

    async fn embed(&self, _: &[String]) -> Result<Embeddings, llm::Error> {
        Ok(Embeddings { vectors: Vec::new(), model: String::new(), usage: Usage::default(), cost: 0.0 })
    }

    async fn transcribe(&self, _: Audio) -> Result<Transcript, llm::Error> {
        Err(llm::Error::Configuration("no model for speech".to_owned()))
    }
}

/// Resident memory, bytes.
fn resident() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = text.split_whitespace().nth(1).context("statm has a second field")?.parse()?;
    Ok(pages * 4_096.0)
}

async fn start(engine: &Embedded, process: &str) -> Result<i64> {
    let request = StartInstance {
        process_id: Some(process.to_owned()),
        variables: Variables::new(),
        ..StartInstance::default()
    };
    Ok(engine.start(request).await?)
}

/// Waits until something holds, looking every few milliseconds.
async fn until(what: &str, holds: impl Fn() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !holds() {
        ensure!(begun.elapsed() < PATIENCE, "{what} took longer than {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let clock = Arc::new(SystemClock);
    let engine = Embedded::open(Arc::new(MemoryStore::new()), clock.clone()).await?;
    for (id, task) in [("asks", ASKS), ("quick", QUICK)] {
        let name = format!("{id}.bpmn");
        engine.deploy(vec![DeployFile { name, content: model(id, task) }]).await?;
    }
    let empty = resident()?;
    let begun = processor_time()?;
    for _ in 0..WAITING {
        start(&engine, "asks").await?;
    }
    let (engine_memory, engine_time) = (resident()? - empty, processor_time()? - begun);

    let (tell, told) = watch::channel(false);
    let mut parts = Parts::new(Arc::new(engine.clone()), clock)?
        .with_limits(Limits { executors: 2 * WAITING, ..Limits::default() });
    parts.model = Some(Arc::new(Patient(told)));
    let (census, stop) = (parts.census.clone(), CancellationToken::new());
    let begun = processor_time()?;
    let kernel = tokio::spawn(Microkernel::new(Arc::new(parts), stop.clone()).run());
    until("spawning", || census.tdes() >= WAITING).await?;
    let (all_memory, spawn_time) = (resident()?, processor_time()? - begun);
    let per_tde = |time: Duration| time.as_secs_f64() * 1e6 / WAITING as f64;

    // The task's own part: nothing but waiting, which should take no processor at all.
    let (waiting_since, begun) = (Instant::now(), processor_time()?);
    tokio::time::sleep(WATCHED).await;
    let idle_time = processor_time()? - begun;

    let mut waits = Vec::new();
    for _ in 0..NEWCOMERS {
        let begun = Instant::now();
        let mut notices = engine.notices();
        let key = start(&engine, "quick").await?;
        while engine.instance(key).await?.status == Status::Active {
            let _missed = tokio::time::timeout(Duration::from_millis(20), notices.recv()).await;
        }
        waits.push(begun.elapsed());
    }
    waits.sort();
    let own = waiting_since.elapsed();
    let begun = processor_time()?;
    tell.send(true)?;
    until("finishing", || census.tdes() == 0 && census.pdos() == 0).await?;
    let finish_time = processor_time()? - begun;
    let open = engine.open_instances(0, 1).await?.len();
    stop.cancel();
    kernel.await??;

    println!("| {WAITING} TDEs waiting at once, each with its PDO | measured | aim |\n| --- | ---: | ---: |");
    println!("| memory of the whole process | {:.0} MiB | ≤ 600 MiB |", all_memory / MIB);
    println!("| of that, the engine's instances | {:.0} MiB | |", engine_memory / MIB);
    println!(
        "| processor, spawn and dispatch, per TDE with its PDO | {:.0} µs | ≤ 100 µs |",
        per_tde(spawn_time)
    );
    println!("| processor, engine alone, per instance started | {:.0} µs | |", per_tde(engine_time));
    println!(
        "| processor, answer, verdict, record, completion, per TDE | {:.0} µs | |",
        per_tde(finish_time)
    );
    println!(
        "| the task's own time, per TDE: waiting for its model, by the clock | {:.1} s | |",
        own.as_secs_f64()
    );
    println!(
        "| processor of that waiting, per TDE and second | {:.1} µs | |",
        per_tde(idle_time) / WATCHED.as_secs_f64()
    );
    let at = |part: usize| waits.get(NEWCOMERS * part / 100).copied().unwrap_or_default().as_secs_f64() * 1e3;
    println!("| a new instance among them, start to end, median | {:.1} ms | |", at(50));
    println!("| the same, worst but one of {NEWCOMERS} | {:.1} ms | no starvation |", at(96));
    println!("| PDOs, TDEs and instances left | {} | 0 |", census.pdos() + census.tdes() + open);
    Ok(())
}
