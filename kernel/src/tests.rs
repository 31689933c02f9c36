//! The kernel as a whole: instances run under microkernel, PDO and TDE on the embedded engine, in memory.

mod aircraft;
mod containers;
mod delivery;
mod fairness;
mod gateway;
mod grouping;
mod idle;
mod metered;
mod model;
mod outward;
mod restart;
mod tasks;
mod templates;

use std::sync::Arc;
use std::time::Duration;

use bpmn::program::Variables;
use engine::clock::ManualClock;
use engine::port::{DeployFile, Instance, Notice, StartInstance, Status};
use engine::{Embedded, MemoryStore, ProcessEngine, Store};
use tokio_util::sync::CancellationToken;

use crate::{Microkernel, Parts};

/// A kernel at work.
pub(crate) struct Bed {
    pub(crate) engine: Arc<Embedded>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) parts: Arc<Parts>,
    stop: CancellationToken,
    kernel: tokio::task::JoinHandle<Result<(), crate::Error>>,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        Self::with(|parts| parts).await
    }

    /// A kernel whose parts were completed by `adapt`.
    pub(crate) async fn with(adapt: impl FnOnce(Parts) -> Parts) -> Self {
        Self::over(Arc::new(MemoryStore::new()), adapt).await
    }

    pub(crate) async fn over(store: Arc<MemoryStore>, adapt: impl FnOnce(Parts) -> Parts) -> Self {
        let clock = ManualClock::at(1_700_000_000_000);
        let engine = Arc::new(Embedded::open(store.clone(), Arc::new(clock.clone())).await.unwrap());
        let parts = Arc::new(adapt(Parts::new(engine.clone(), Arc::new(clock)).unwrap()));
        let stop = CancellationToken::new();
        let kernel = tokio::spawn(Microkernel::new(Arc::clone(&parts), stop.clone()).run());
        Self { engine, store, parts, stop, kernel }
    }

    pub(crate) async fn deploy(&self, xml: &str) {
        let file = DeployFile { name: "test.bpmn".to_owned(), content: xml.as_bytes().to_vec() };
        self.engine.deploy(vec![file]).await.unwrap();
    }

    pub(crate) async fn start(&self, process: &str, variables: Variables, seed: u64) -> i64 {
        let request = StartInstance {
            process_id: Some(process.to_owned()),
            variables,
            seed,
            ..StartInstance::default()
        };
        self.engine.start(request).await.unwrap()
    }

    /// Waits for something to become true of the instance; looks again at every notice.
    pub(crate) async fn until(&self, key: i64, holds: impl Fn(&Instance) -> bool) -> Instance {
        let mut notices = self.engine.notices();
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                let instance = self.engine.instance(key).await.unwrap();
                if holds(&instance) {
                    return instance;
                }
                // A missed notice only means to look again.
                let _missed: Result<Notice, _> = notices.recv().await;
            }
        });
        match waited.await {
            Ok(instance) => instance,
            Err(_) => panic!(
                "still waiting: {:?}\n{:?}\n{:?}",
                self.engine.instance(key).await,
                self.engine.state(key).await,
                self.engine.incidents(Some(key)).await
            ),
        }
    }

    /// Runs an instance to its end.
    pub(crate) async fn run(&self, process: &str, variables: Variables, seed: u64) -> Instance {
        let key = self.start(process, variables, seed).await;
        self.until(key, |instance| instance.status != Status::Active || instance.incidents > 0).await
    }

    /// Waits until no PDO or TDE lives.
    pub(crate) async fn empty(&self) {
        let census = self.parts.census.clone();
        let gone = tokio::time::timeout(Duration::from_secs(10), async {
            while census.pdos() + census.tdes() > 0 {
                tokio::task::yield_now().await;
            }
        });
        assert!(gone.await.is_ok(), "{} PDOs and {} TDEs live on", census.pdos(), census.tdes());
    }

    /// Ends everything at once, as a crash would, and begins again on the same store.
    pub(crate) async fn crash(self) -> Self {
        self.kernel.abort();
        let _aborted = self.kernel.await;
        drop(self.engine);
        Self::over(self.store, |parts| parts).await
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.kernel.await.unwrap().unwrap();
        assert_eq!((self.parts.census.pdos(), self.parts.census.tdes()), (0, 0));
    }

    /// The last task run of an element.
    pub(crate) async fn task_run(&self, instance: i64, element: &str) -> engine::port::TaskRun {
        let runs = self.store.task_runs(instance).await.unwrap();
        runs.into_iter().rfind(|run| run.element == element).unwrap()
    }
}

pub(crate) fn variables(value: serde_json::Value) -> Variables {
    match value {
        serde_json::Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

/// A process with one service task `work` between start and end.
pub(crate) fn one_task(id: &str, extension: &str) -> String {
    process(
        id,
        &format!(
            r#"<bpmn:startEvent id="start"/>
        <bpmn:serviceTask id="work" name="Work"><bpmn:extensionElements>{extension}</bpmn:extensionElements></bpmn:serviceTask>
        <bpmn:endEvent id="end"/>
        <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
        <bpmn:sequenceFlow id="f2" sourceRef="work" targetRef="end"/>"#
        ),
    )
}

pub(crate) fn process(id: &str, content: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
        <bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
          xmlns:procos="https://w3id.org/procos/bpmn/1.0" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
          xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="definitions_of_test" targetNamespace="t">
          <bpmn:process id="{id}" isExecutable="true">{content}</bpmn:process>
        </bpmn:definitions>"#
    )
}
