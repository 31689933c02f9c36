//! A real Camunda 7, where `PROCOS_TEST_CAMUNDA7` says its address: what the port promises, and the aircraft process
//! from a start in Camunda itself to the same end as on the embedded engine.

pub(crate) mod by_hand;
mod differential;
mod outage;
mod proxy;
mod random_model;
mod same_trail;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use camunda::{Camunda, Settings};
use engine::clock::SystemClock;
use engine::port::{DeployFile, Instance, StartInstance, Status};
use engine::{Embedded, MemoryStore, ProcessEngine, Store};
use kernel::{Microkernel, Parts};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use self::by_hand::trail_of;
use crate::engine_contract::{self, Bench};
use crate::procos::{Place, example};

const AIRCRAFT: &str = include_str!("../../examples/light-aircraft/size-aircraft.bpmn");

/// Whoever works on Camunda takes all tasks for ProcOS that are there: one test at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The address of a real Camunda 7; says so where there is none.
#[expect(clippy::disallowed_methods, reason = "the test script says by it where the engine is")]
fn address() -> Option<String> {
    let address = std::env::var("PROCOS_TEST_CAMUNDA7").ok().filter(|address| !address.is_empty());
    if address.is_none() {
        println!("skipped: PROCOS_TEST_CAMUNDA7 names no Camunda 7");
    }
    address
}

/// Camunda behind the port, with its loops.
struct Remote {
    engine: Camunda,
    store: Arc<MemoryStore>,
    stop: CancellationToken,
    loops: tokio::task::JoinHandle<()>,
}

impl Remote {
    /// Looks after everything that is in Camunda.
    async fn open(address: &str) -> Self {
        Self::with(Settings { poll_ms: 100, long_poll_ms: 200, ..Settings::camunda7(address) }).await
    }

    /// Looks after what it starts itself.
    async fn of_its_own(address: &str) -> Self {
        let settings =
            Settings { only_own: true, poll_ms: 100, long_poll_ms: 500, ..Settings::camunda7(address) };
        Self::with(settings).await
    }

    async fn with(settings: Settings) -> Self {
        let store = Arc::new(MemoryStore::new());
        let engine =
            Camunda::open(settings, store.clone(), store.clone(), Arc::new(SystemClock)).await.unwrap();
        let stop = CancellationToken::new();
        let loops = tokio::spawn({
            let (engine, stop) = (engine.clone(), stop.clone());
            async move { engine.run(stop).await }
        });
        Self { engine, store, stop, loops }
    }

    async fn close(self) {
        self.stop.cancel();
        self.loops.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn camunda_keeps_the_contract_of_the_port() {
    let Some(address) = address() else { return };
    let _turn = TURN.lock().await;
    let remote = Remote::open(&address).await;
    engine_contract::all(&Bench::over(Arc::new(remote.engine.clone()))).await;
    aircraft(&address, &remote).await;
    remote.close().await;
}

#[test]
fn a_run_from_the_command_line_ends_on_camunda_as_on_the_embedded_engine() {
    let Some(address) = address() else { return };
    let _turn = TURN.blocking_lock();
    let place = Place::empty();
    let file = example("light-aircraft/size-aircraft.bpmn");
    let on_camunda = ["--engine", "camunda7", "--engine-url", &address];
    for directory in [&[][..], &["--data-dir", "kept"]] {
        let run = |more: &[&str]| {
            let seeded = ["run", &file, "--seed", "11", "--json"];
            place.procos(&[&seeded[..], directory, more].concat()).fine().json()
        };
        let (theirs, ours) = (run(&on_camunda), run(&[]));
        assert_eq!(theirs["state"], "completed");
        assert_eq!(theirs, ours);
    }
}

#[test]
fn an_instance_that_waits_or_fails_on_camunda_ends_the_run_as_on_the_embedded_engine() {
    let Some(address) = address() else { return };
    let _turn = TURN.blocking_lock();
    let place = Place::empty();
    let on_camunda = ["--engine", "camunda7", "--engine-url", &address, "--json"];
    let person = place.file("person.bpmn", line_of("person", r#"<bpmn:userTask id="t"/>"#));
    let waits = place.procos(&[&["run", &person][..], &on_camunda].concat()).fine().json();
    assert_eq!(waits["state"], "waiting");
    let wrong = r#"<bpmn:serviceTask id="t"><bpmn:extensionElements><procos:task by="feel">
        <procos:compute variable="x" expression="=assert(1, false, &quot;never&quot;)"/></procos:task>
        </bpmn:extensionElements></bpmn:serviceTask>"#;
    let wrong = place.file("wrong.bpmn", line_of("wrong", wrong));
    let failed = place.procos(&[&["run", &wrong][..], &on_camunda].concat());
    assert_eq!(failed.code, 1, "{failed:?}");
    assert_eq!(failed.json()["state"], "failed");
}

#[test]
fn an_engine_that_cannot_be_used_is_named_with_the_way_out() {
    let place = Place::empty();
    let file = example("light-aircraft/size-aircraft.bpmn");
    let refused = |more: &[&str], exit: i32, code: &str, way_out: &str| {
        let ended = place.procos(&[&["run", &file, "--engine", "camunda7"][..], more].concat());
        assert_eq!((ended.code, ended.error_code().as_str()), (exit, code), "{}", ended.stderr);
        assert!(ended.stderr.contains(way_out), "{}", ended.stderr);
    };
    refused(&[], 2, "SERVER-0004", "--engine-url");
    refused(&["--engine-url", "http://127.0.0.1:1/engine-rest"], 1, "CAMUNDA-0001", "start Camunda");
    refused(&["--engine-url", "no address"], 2, "CAMUNDA-0006", "http://");
    refused(&["--dry-run"], 2, "CLI-0008", "--dry-run");
    for (answer, code, way_out) in [
        ("404 Not Found\r\n\r\n<html>", "CAMUNDA-0004", "/engine-rest"),
        ("200 OK\r\n\r\n{\"hello\": 1}", "CAMUNDA-0004", "/engine-rest"),
        ("401 Unauthorized\r\n\r\n", "CAMUNDA-0003", "http://USER:PASSWORD@"),
    ] {
        let url = answering(answer);
        refused(&["--engine-url", &url], 1, code, way_out);
    }
}

/// A server that gives every caller this answer; its address.
pub(crate) fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/engine-rest", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for caller in listener.incoming() {
            let mut caller = caller.unwrap();
            let _ = caller.read(&mut [0; 4_096]);
            let _ = caller.write_all(format!("HTTP/1.1 {answer}").as_bytes());
        }
    });
    url
}

/// A process of one activity `t`.
pub(crate) fn line_of(id: &str, activity: &str) -> String {
    format!(
        r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
            xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="https://example.org/tests">
          <bpmn:process id="{id}" isExecutable="true"><bpmn:startEvent id="s"/>{activity}<bpmn:endEvent id="e"/>
            <bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="t"/>
            <bpmn:sequenceFlow id="f2" sourceRef="t" targetRef="e"/></bpmn:process></bpmn:definitions>"#
    )
}

async fn aircraft(address: &str, remote: &Remote) {
    let stop = CancellationToken::new();
    let parts = Arc::new(Parts::new(Arc::new(remote.engine.clone()), Arc::new(SystemClock)).unwrap());
    let kernel = tokio::spawn(Microkernel::new(parts.clone(), stop.clone()).run());
    remote.engine.deploy(vec![aircraft_file()]).await.unwrap();

    // Started in Camunda itself, by nobody of ours.
    let http = reqwest::Client::new();
    let started: Value = http
        .post(format!("{address}/process-definition/key/size-aircraft/start"))
        .json(&json!({"variables": {}, "businessKey": "from outside"}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let id = started["id"].as_str().unwrap().to_owned();
    let key = detected(&remote.engine, "from outside").await;
    let done = ended(&remote.engine, key).await;
    assert_eq!(done.status, Status::Completed, "{:?}", remote.engine.incidents(Some(key)).await);

    // The same on the embedded engine, with the same seed.
    let (same, store) = embedded(done.seed).await;
    assert_eq!(done.variables, same.variables);
    assert_eq!(scores(&remote.store, "size-aircraft").await, scores(&store, "size-aircraft").await);
    let (theirs, ours) = (trail_of(&*remote.store, key).await, trail_of(&*store, same.key).await);
    assert_eq!(theirs, ours, "entry by entry");
    let runs = |key, store: Arc<MemoryStore>| async move {
        let runs = store.task_runs(key).await.unwrap();
        let seen = runs.into_iter().map(|run| {
            (run.element, run.attempt, run.executed_by, run.state, run.verdict, run.inputs, run.outputs)
        });
        seen.collect::<Vec<_>>()
    };
    assert_eq!(runs(key, remote.store.clone()).await, runs(same.key, store).await);

    // Camunda's own history agrees, and nobody lives on.
    let history: Value = http
        .get(format!("{address}/history/process-instance/{id}"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(history["state"], "COMPLETED");
    tokio::time::timeout(Duration::from_secs(10), async {
        // What other tests left waiting in Camunda is looked after as well.
        while parts.census.pdos() > remote.engine.open_instances(0, 1_000).await.unwrap().len()
            || parts.census.tdes() > 0
        {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    stop.cancel();
    kernel.await.unwrap().unwrap();
}

pub(crate) fn aircraft_file() -> DeployFile {
    DeployFile { name: "size-aircraft.bpmn".to_owned(), content: AIRCRAFT.as_bytes().to_vec() }
}

/// The key of the open or ended instance with this business key.
async fn detected(engine: &Camunda, business_key: &str) -> i64 {
    let found = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            for instance in engine.instances(&engine::port::InstanceFilter::default()).await.unwrap() {
                if instance.business_key.as_deref() == Some(business_key) {
                    return instance.key;
                }
            }
        }
    });
    found.await.expect("the instance is detected")
}

pub(crate) async fn ended(engine: &dyn ProcessEngine, key: i64) -> Instance {
    let mut notices = engine.notices();
    let waited = tokio::time::timeout(Duration::from_secs(120), async {
        loop {
            let instance = engine.instance(key).await.unwrap();
            if instance.status != Status::Active || instance.incidents > 0 {
                return instance;
            }
            let _ = tokio::time::timeout(Duration::from_millis(500), notices.recv()).await;
        }
    });
    waited.await.expect("the instance ends")
}

pub(crate) async fn embedded(seed: u64) -> (Instance, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    let engine = Embedded::open(store.clone(), Arc::new(SystemClock)).await.unwrap();
    let parts = Arc::new(Parts::new(Arc::new(engine.clone()), Arc::new(SystemClock)).unwrap());
    let stop = CancellationToken::new();
    let kernel = tokio::spawn(Microkernel::new(parts, stop.clone()).run());
    engine.deploy(vec![aircraft_file()]).await.unwrap();
    let request =
        StartInstance { process_id: Some("size-aircraft".to_owned()), seed, ..StartInstance::default() };
    let key = engine.start(request).await.unwrap();
    let done = ended(&engine, key).await;
    stop.cancel();
    kernel.await.unwrap().unwrap();
    (done, store)
}

/// Attempts and successes by subject.
pub(crate) async fn scores(store: &MemoryStore, process: &str) -> Vec<(String, String, u64, u64)> {
    let counts = store.score_counts(&engine::store::ScoreFilter::default()).await.unwrap();
    let own = counts.into_iter().filter(|count| count.subject.starts_with(process));
    own.map(|count| (count.subject_kind, count.subject, count.attempts, count.successes)).collect()
}
