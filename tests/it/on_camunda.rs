//! What tests of both Camunda ports share: Camunda behind the port, runs beside the embedded engine, wrong addresses.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use camunda::{Camunda, Settings};
use engine::clock::SystemClock;
use engine::port::{DeployFile, Instance, StartInstance, Status};
use engine::{Embedded, MemoryStore, ProcessEngine, Store};
use kernel::{Microkernel, Parts};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::camunda7::by_hand::trail_of;
use crate::procos::{Place, example};

const AIRCRAFT: &str = include_str!("../../examples/light-aircraft/size-aircraft.bpmn");

/// Camunda behind the port, with its loops.
pub(crate) struct Remote {
    pub(crate) engine: Camunda,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) stop: CancellationToken,
    loops: tokio::task::JoinHandle<()>,
}

impl Remote {
    pub(crate) async fn with(settings: Settings) -> Self {
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

    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.loops.await.unwrap();
    }
}

/// Runs from the command line end on a Camunda as on the embedded engine; `on_camunda` are the options that name it.
pub(crate) fn same_runs(on_camunda: &[&str]) {
    let place = Place::empty();
    let file = example("light-aircraft/size-aircraft.bpmn");
    for directory in [&[][..], &["--data-dir", "kept"]] {
        let run = |more: &[&str]| {
            let seeded = ["run", &file, "--seed", "11", "--json"];
            place.procos(&[&seeded[..], directory, more].concat()).fine().json()
        };
        let (theirs, ours) = (run(on_camunda), run(&[]));
        assert_eq!(theirs["state"], "completed");
        assert_eq!(theirs, ours);
    }
}

/// An instance that waits or fails on a Camunda ends the run as on the embedded engine.
pub(crate) fn waits_and_fails(on_camunda: &[&str]) {
    let place = Place::empty();
    let person = place.file("person.bpmn", line_of("person", r#"<bpmn:userTask id="t"/>"#));
    let waits = place.procos(&[&["run", &person, "--json"][..], on_camunda].concat()).fine().json();
    assert_eq!(waits["state"], "waiting");
    let wrong = r#"<bpmn:serviceTask id="t"><bpmn:extensionElements><procos:task by="feel">
        <procos:compute variable="x" expression="=assert(1, false, &quot;never&quot;)"/></procos:task>
        </bpmn:extensionElements></bpmn:serviceTask>"#;
    let wrong = place.file("wrong.bpmn", line_of("wrong", wrong));
    let failed = place.procos(&[&["run", &wrong, "--json"][..], on_camunda].concat());
    assert_eq!((failed.code, &failed.json()["state"]), (1, &json!("failed")), "{failed:?}");
}

/// A run on this engine with more options is refused with this exit code and error code, and the way out is named.
pub(crate) fn refused(engine: &str, more: &[&str], exit: i32, code: &str, way_out: &str) {
    let place = Place::empty();
    let file = example("light-aircraft/size-aircraft.bpmn");
    let ended = place.procos(&[&["run", &file, "--engine", engine][..], more].concat());
    assert_eq!((ended.code, ended.error_code().as_str()), (exit, code), "{}", ended.stderr);
    assert!(ended.stderr.contains(way_out), "{}", ended.stderr);
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

pub(crate) fn aircraft_file() -> DeployFile {
    DeployFile { name: "size-aircraft.bpmn".to_owned(), content: AIRCRAFT.as_bytes().to_vec() }
}

/// The aircraft ended on a Camunda as it does on the embedded engine with the same seed.
pub(crate) async fn same_aircraft(remote: &Remote, done: &Instance) {
    let key = done.key;
    assert_eq!(done.status, Status::Completed, "{:?}", remote.engine.incidents(Some(key)).await);
    let (same, store) = embedded(done.seed).await;
    assert_eq!(done.variables, same.variables);
    assert_eq!(scores(&remote.store, "size-aircraft").await, scores(&store, "size-aircraft").await);
    assert_eq!(trail_of(&*remote.store, key).await, trail_of(&*store, same.key).await, "entry by entry");
    let runs = |key, store: Arc<MemoryStore>| async move {
        let runs = store.task_runs(key).await.unwrap();
        let seen = runs.into_iter().map(|run| {
            (run.element, run.attempt, run.executed_by, run.state, run.verdict, run.inputs, run.outputs)
        });
        seen.collect::<Vec<_>>()
    };
    assert_eq!(runs(key, remote.store.clone()).await, runs(same.key, store).await);
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
