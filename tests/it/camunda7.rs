//! A real Camunda 7, where `PROCOS_TEST_CAMUNDA7` says its address: what the port promises, and the aircraft process
//! from a start in Camunda itself to the same end as on the embedded engine.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use camunda::{Camunda7, Settings};
use engine::clock::SystemClock;
use engine::port::{DeployFile, Instance, StartInstance, Status};
use engine::{Embedded, MemoryStore, ProcessEngine, Store};
use kernel::{Microkernel, Parts};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use trail::{Filter, Trail};

use crate::engine_contract::{self, Bench};

const AIRCRAFT: &str = include_str!("../../examples/light-aircraft/size-aircraft.bpmn");

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
    engine: Camunda7,
    store: Arc<MemoryStore>,
    stop: CancellationToken,
    loops: tokio::task::JoinHandle<()>,
}

impl Remote {
    async fn open(address: &str) -> Self {
        let store = Arc::new(MemoryStore::new());
        let settings = Settings { poll_ms: 100, long_poll_ms: 2_000, ..Settings::at(address) };
        let engine = Camunda7::open(settings, store.clone(), Arc::new(SystemClock)).await.unwrap();
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
    // One worker for all of them, as in the server: the jobs of one would be fetched by the other.
    let remote = Remote::open(&address).await;
    engine_contract::all(&Bench::over(Arc::new(remote.engine.clone()))).await;
    aircraft(&address, &remote).await;
    remote.close().await;
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
    assert_eq!(comparable(&done), comparable(&same));
    assert_eq!(scores(&remote.store, "size-aircraft").await, scores(&store, "size-aircraft").await);
    let (theirs, ours) = (kinds(&*remote.store, key).await, kinds(&*store, same.key).await);
    // Camunda's history does not tell which flows were taken.
    let unknown = BTreeSet::from(["flow.taken".to_owned()]);
    assert_eq!(theirs, ours.difference(&unknown).cloned().collect::<BTreeSet<_>>());
    let runs = |key, store: Arc<MemoryStore>| async move {
        let runs = store.task_runs(key).await.unwrap();
        runs.into_iter().map(|run| (run.element, run.executed_by, run.state)).collect::<Vec<_>>()
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
        while parts.census.pdos() + parts.census.tdes() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    stop.cancel();
    kernel.await.unwrap().unwrap();
}

/// Its variables without what was drawn: a draw depends on the number of the job, which each engine gives itself.
fn comparable(instance: &Instance) -> Value {
    let mut variables = instance.variables.clone();
    for drawn in ["samples", "shares"] {
        assert!(variables.remove(drawn).is_some(), "{drawn}");
    }
    let margin = variables.remove("range_margin").unwrap();
    variables
        .insert("range_margin".to_owned(), json!([margin["outcome"], margin["winner"], margin["undecided"]]));
    Value::Object(variables)
}

fn aircraft_file() -> DeployFile {
    DeployFile { name: "size-aircraft.bpmn".to_owned(), content: AIRCRAFT.as_bytes().to_vec() }
}

/// The key of the open or ended instance with this business key.
async fn detected(engine: &Camunda7, business_key: &str) -> i64 {
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

async fn ended(engine: &dyn ProcessEngine, key: i64) -> Instance {
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

async fn embedded(seed: u64) -> (Instance, Arc<MemoryStore>) {
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
async fn scores(store: &MemoryStore, process: &str) -> Vec<(String, String, u64, u64)> {
    let counts = store.score_counts(&engine::store::ScoreFilter::default()).await.unwrap();
    let own = counts.into_iter().filter(|count| count.subject.starts_with(process));
    own.map(|count| (count.subject_kind, count.subject, count.attempts, count.successes)).collect()
}

async fn kinds(trail: &dyn Trail, instance: i64) -> BTreeSet<String> {
    let filter = Filter { instance: Some(instance), ..Filter::default() };
    let events = trail.read(&filter, 0, 100_000).await.unwrap();
    events.into_iter().map(|event| event.content.kind).collect()
}
