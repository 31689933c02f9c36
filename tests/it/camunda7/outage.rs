//! A real Camunda 7 that goes away for a minute, and a ProcOS that dies between recording a result and telling it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use camunda::{Camunda, Settings};
use engine::clock::{Clock, ManualClock, SystemClock};
use engine::port::{ActivateJobs, Attempt, DeployFile, Job, Record, StartInstance, Status};
use engine::store::ScoreFilter;
use engine::{ProcessEngine, Store};
use persistence::Database;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use trail::Trail;

use super::by_hand::trail_of;
use super::proxy::{Cut, Proxy};
use super::{TURN, address};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

const PROCESS: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t">
  <bpmn:process id="outage" isExecutable="true"><bpmn:startEvent id="s"/><bpmn:parallelGateway id="fork"/>
    <bpmn:serviceTask id="a"/><bpmn:serviceTask id="b"/><bpmn:parallelGateway id="join"/><bpmn:serviceTask id="c"/>
    <bpmn:endEvent id="z"/>
    <bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="fork"/><bpmn:sequenceFlow id="f2" sourceRef="fork" targetRef="a"/>
    <bpmn:sequenceFlow id="f3" sourceRef="fork" targetRef="b"/><bpmn:sequenceFlow id="f4" sourceRef="a" targetRef="join"/>
    <bpmn:sequenceFlow id="f5" sourceRef="b" targetRef="join"/><bpmn:sequenceFlow id="f6" sourceRef="join" targetRef="c"/>
    <bpmn:sequenceFlow id="f7" sourceRef="c" targetRef="z"/></bpmn:process></bpmn:definitions>"#;

/// The adapter on a database in a file.
struct Station {
    engine: Camunda,
    database: Database,
    stop: CancellationToken,
    loops: tokio::task::JoinHandle<()>,
}

impl Station {
    async fn open(url: &str, file: &Path, clock: Arc<dyn Clock>, lock_ms: i64) -> Self {
        let database = Database::open_sqlite(file).await.unwrap();
        let settings = Settings {
            poll_ms: 50,
            long_poll_ms: 500,
            retry_ms: 50,
            lock_ms,
            only_own: true,
            ..Settings::camunda7(url)
        };
        let (store, trail) = (Arc::new(database.clone()), Arc::new(database.clone()));
        let engine = Camunda::open(settings, store, trail, clock).await.unwrap();
        let stop = CancellationToken::new();
        let loops = tokio::spawn({
            let (engine, stop) = (engine.clone(), stop.clone());
            async move { engine.run(stop).await }
        });
        Self { engine, database, stop, loops }
    }

    async fn start(&self) -> i64 {
        let file = DeployFile { name: "outage.bpmn".to_owned(), content: PROCESS.as_bytes().to_vec() };
        self.engine.deploy(vec![file]).await.unwrap();
        let process_id = Some("outage".to_owned());
        self.engine.start(StartInstance { process_id, ..StartInstance::default() }).await.unwrap()
    }

    async fn jobs(&self, instance: i64, count: usize) -> Vec<Job> {
        let mut jobs = Vec::new();
        let found = tokio::time::timeout(PATIENCE, async {
            while jobs.len() < count {
                let request = ActivateJobs {
                    worker: "test".to_owned(),
                    instance: Some(instance),
                    max: count,
                    lease_ms: 30_000,
                    wait_ms: 500,
                    ..ActivateJobs::default()
                };
                jobs.extend(self.engine.activate_jobs(request).await.unwrap());
            }
        });
        found.await.expect("the jobs are there");
        jobs.sort_by_key(|job| job.element.clone());
        jobs
    }

    async fn complete(&self, job: &Job) {
        let attempt = Attempt {
            subject_kind: "task".to_owned(),
            subject: format!("outage/{}", job.element),
            version: Some(job.version),
            success: true,
            instance: Some(job.instance),
            duration_ms: 1,
            cost: 0.0,
            at_ms: 1,
            actor: "test".to_owned(),
        };
        let record = Record { attempts: vec![attempt], ..Record::default() };
        let result = [(job.element.clone(), json!(true))].into_iter().collect();
        self.engine.complete_job(job.key, job.attempt, result, record).await.unwrap();
    }

    async fn ends(&self, instance: i64) {
        let ended = tokio::time::timeout(PATIENCE, async {
            while self.engine.instance(instance).await.unwrap().status == Status::Active {}
        });
        ended.await.expect("the instance ends");
        let done = self.engine.instance(instance).await.unwrap();
        assert_eq!(done.status, Status::Completed);
        assert_eq!(Value::Object(done.variables), json!({"a": true, "b": true, "c": true}));
    }

    async fn until_told(&self) {
        let told = tokio::time::timeout(PATIENCE, async {
            while self.engine.owed() > 0 {
                tokio::task::yield_now().await;
            }
        });
        told.await.expect("Camunda has heard");
    }

    /// Every task was completed once, scored once and told once, and nothing failed.
    async fn once(&self, instance: i64) {
        for element in ["a", "b", "c"] {
            let filter = ScoreFilter { subject: Some(format!("outage/{element}")), ..ScoreFilter::default() };
            let counts = self.database.score_counts(&filter).await.unwrap();
            assert_eq!(counts.iter().map(|count| count.attempts).collect::<Vec<_>>(), [1], "{element}");
        }
        let told = trail_of(&self.database, instance).await;
        let of = |kind: &str| told.iter().filter(|(other, _)| other == kind).count();
        for kind in ["job.created", "job.ended"] {
            assert_eq!(of(kind), 3, "{told:#?}");
        }
        assert_eq!(
            (of("element.completed"), of("job.failed"), of("job.lease_ended")),
            (7, 0, 0),
            "{told:#?}"
        );
        assert!(self.database.verify().await.unwrap().broken.is_none());
    }

    async fn close(self) {
        self.stop.cancel();
        self.loops.await.unwrap();
        drop(self.engine);
        self.database.close().await;
    }

    /// Ends everything at once.
    async fn crash(self) {
        self.loops.abort();
        let _aborted = self.loops.await;
        drop(self.engine);
        self.database.close().await;
    }
}

async fn asked(url: &str, path: &str) -> Value {
    reqwest::get(format!("{url}{path}")).await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_without_camunda_loses_nothing_and_uses_up_no_retry() {
    let Some(address) = address() else { return };
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let mut proxy = Proxy::before(&address).await;
    let clock = ManualClock::at(SystemClock.now_ms());
    // Camunda's locks run out meanwhile.
    let station =
        Station::open(&proxy.url(), &folder.path().join("procos.db"), Arc::new(clock.clone()), 1_000).await;
    let key = station.start().await;
    let jobs = station.jobs(key, 2).await;
    proxy.close().await;
    for _ in 0..6 {
        clock.advance(10_000);
        for job in &jobs {
            station.engine.extend_lease(job.key, job.attempt, 30_000).await.unwrap();
        }
    }
    assert!(station.engine.instance(key).await.is_err(), "nobody answers");
    station.complete(&jobs[0]).await;
    assert_eq!(station.engine.owed(), 1);
    let unlocked = tokio::time::timeout(PATIENCE, async {
        let path = "/external-task/count?notLocked=true&withRetriesLeft=true&topicName=procos&processDefinitionKey=outage";
        while asked(&address, path).await["count"].as_u64() < Some(2) {}
    });
    unlocked.await.expect("the locks run out");
    proxy.open().await;
    station.until_told().await;
    station.complete(&jobs[1]).await;
    let last = station.jobs(key, 1).await.remove(0);
    assert_eq!((last.element.as_str(), last.attempt, last.retries), ("c", 1, 3));
    station.complete(&last).await;
    station.ends(key).await;
    station.once(key).await;
    let failures = "/history/external-task-log/count?failureLog=true&processDefinitionKey=outage";
    assert_eq!(asked(&address, failures).await["count"], 0);
    station.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_recording_a_result_and_telling_it_is_made_good_at_the_next_start() {
    let Some(address) = address() else { return };
    let _turn = TURN.lock().await;
    for cut in [Cut::Call("/complete HTTP"), Cut::Answer("/complete HTTP")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("procos.db");
        let proxy = Proxy::before(&address).await;
        let station = Station::open(&proxy.url(), &file, Arc::new(SystemClock), 60_000).await;
        let key = station.start().await;
        let jobs = station.jobs(key, 2).await;
        proxy.cut(cut);
        station.complete(&jobs[0]).await;
        assert_eq!(station.engine.owed(), 1, "{cut:?}");
        station.crash().await;

        // At another address of the same engine.
        let station = Station::open(&address, &file, Arc::new(SystemClock), 60_000).await;
        let again = station.jobs(key, 1).await.remove(0);
        assert_eq!(again.key, jobs[1].key, "{cut:?}: what was recorded is not done again");
        station.complete(&again).await;
        let last = station.jobs(key, 1).await.remove(0);
        station.complete(&last).await;
        station.ends(key).await;
        station.until_told().await;
        station.once(key).await;
        station.close().await;
    }
}
