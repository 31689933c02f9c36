//! Outages, crashes and late answers, against a scripted server that speaks the part of Camunda's REST API that is
//! used for jobs.

mod eight;
mod scripted;

use std::sync::Arc;
use std::time::Duration;

use bpmn::program::Variables;
use engine::clock::{Clock, ManualClock};
use engine::port::{ActivateJobs, Attempt, Job, Notice, Record, Status};
use engine::store::ScoreFilter;
use engine::{Error, MemoryStore, ProcessEngine, Store};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use trail::{NewEvent, Trail};

use crate::{Camunda, Settings};
use scripted::Scripted;

const NOW_MS: i64 = 1_700_000_000_000;

/// The adapter over a scripted Camunda.
struct Bed {
    camunda: Scripted,
    store: Arc<MemoryStore>,
    clock: ManualClock,
    engine: Camunda,
    stop: CancellationToken,
    loops: tokio::task::JoinHandle<()>,
}

impl Bed {
    async fn new() -> Self {
        Self::over(Scripted::start(NOW_MS).await, Arc::new(MemoryStore::new())).await
    }

    async fn over(camunda: Scripted, store: Arc<MemoryStore>) -> Self {
        let clock = ManualClock::at(NOW_MS);
        let settings =
            Settings { poll_ms: 10, long_poll_ms: 20, retry_ms: 10, ..Settings::camunda7(&camunda.url) };
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let engine = Camunda::open(settings, store.clone(), store.clone(), shared).await.unwrap();
        let stop = CancellationToken::new();
        let loops = tokio::spawn({
            let (engine, stop) = (engine.clone(), stop.clone());
            async move { engine.run(stop).await }
        });
        Self { camunda, store, clock, engine, stop, loops }
    }

    /// Ends everything at once, as a crash would, and begins again on the same records.
    async fn crash(self) -> Self {
        self.loops.abort();
        let _aborted = self.loops.await;
        drop(self.engine);
        Self::over(self.camunda, self.store).await
    }

    async fn job(&self) -> Job {
        let request = ActivateJobs {
            worker: "test".to_owned(),
            max: 1,
            lease_ms: 30_000,
            wait_ms: 10_000,
            ..ActivateJobs::default()
        };
        let mut jobs = self.engine.activate_jobs(request).await.unwrap();
        assert_eq!(jobs.len(), 1, "a job is there");
        jobs.remove(0)
    }

    async fn complete(&self, job: &Job) -> Result<(), Error> {
        let variables = Variables::from_iter([("done".to_owned(), json!(true))]);
        self.engine.complete_job(job.key, job.attempt, variables, record(job)).await
    }

    async fn attempts(&self) -> u64 {
        let counts = self.store.score_counts(&ScoreFilter::default()).await.unwrap();
        counts.iter().map(|count| count.attempts).sum()
    }

    async fn close(self) {
        self.stop.cancel();
        self.loops.await.unwrap();
    }
}

fn record(job: &Job) -> Record {
    let attempt = Attempt {
        subject_kind: "task".to_owned(),
        subject: "p/work".to_owned(),
        version: Some(1),
        success: true,
        instance: Some(job.instance),
        duration_ms: 1,
        cost: 0.0,
        at_ms: NOW_MS,
        actor: "tde".to_owned(),
    };
    let events = vec![NewEvent::new("task.completed", NOW_MS)];
    Record { events, attempts: vec![attempt], ..Record::default() }
}

/// Looks again and again, for as long as patience lasts.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = tokio::time::timeout(Duration::from_secs(10), async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    });
    assert!(wait.await.is_ok(), "still waiting until {what}");
}

#[tokio::test]
async fn an_answer_while_camunda_is_down_is_recorded_and_told_later_and_uses_up_no_retry() {
    let bed = Bed::new().await;
    bed.camunda.add_task("t1");
    let job = bed.job().await;
    assert_eq!((job.element.as_str(), job.attempt, job.retries), ("work", 1, 3));
    bed.camunda.down(true);
    // A minute without Camunda: the lease is renewed as ever, the result is taken.
    for _ in 0..6 {
        bed.clock.advance(10_000);
        bed.engine.extend_lease(job.key, job.attempt, 30_000).await.unwrap();
    }
    bed.complete(&job).await.unwrap();
    assert_eq!((bed.attempts().await, bed.engine.owed()), (1, 1));
    bed.camunda.down(false);
    until("Camunda has heard", || bed.camunda.completed() == ["t1"]).await;
    until("nothing is owed", || bed.engine.owed() == 0).await;
    assert_eq!(bed.camunda.failures(), 0);
    assert_eq!(bed.camunda.variables("t1")["done"], json!({"value": true, "type": "Boolean"}));
    bed.close().await;
}

#[tokio::test]
async fn what_a_crash_cut_off_between_recording_and_telling_is_told_after_the_restart_and_never_done_twice() {
    let bed = Bed::new().await;
    bed.camunda.add_task("t1");
    let job = bed.job().await;
    bed.camunda.refuse_completions(true);
    bed.complete(&job).await.unwrap();
    assert_eq!(bed.camunda.completed().len(), 0);
    let bed = bed.crash().await;
    bed.camunda.refuse_completions(false);
    until("Camunda has heard", || bed.camunda.completed() == ["t1"]).await;
    bed.camunda.add_task("t2");
    assert_ne!(bed.job().await.key, job.key);
    assert_eq!(bed.attempts().await, 1);
    until("the record of it is gone", || bed.engine.owed() == 0).await;
    bed.close().await;
}

#[tokio::test]
async fn a_job_that_was_leased_when_a_crash_came_is_free_again_at_once() {
    let bed = Bed::new().await;
    bed.camunda.add_task("t1");
    let before = bed.job().await;
    let bed = bed.crash().await;
    let again = bed.job().await;
    assert_eq!(again.key, before.key);
    bed.complete(&again).await.unwrap();
    until("Camunda has heard", || bed.camunda.completed() == ["t1"]).await;
    bed.close().await;
}

#[tokio::test]
async fn who_stops_gives_its_locks_back_but_those_of_answers_that_camunda_did_not_hear() {
    let bed = Bed::new().await;
    bed.camunda.add_task("answered");
    let job = bed.job().await;
    bed.camunda.refuse_completions(true);
    bed.complete(&job).await.unwrap();
    bed.camunda.add_task("leased");
    bed.job().await;
    assert!(bed.camunda.is_locked("leased"));
    bed.stop.cancel();
    bed.loops.await.unwrap();
    assert!(bed.camunda.is_locked("answered"), "it would be fetched and done again");
    assert!(!bed.camunda.is_locked("leased"));
}

#[tokio::test]
async fn a_late_answer_is_refused_and_nothing_of_it_is_recorded() {
    let bed = Bed::new().await;
    bed.camunda.add_task("t1");
    let job = bed.job().await;
    bed.camunda.remove_task("t1");
    assert!(matches!(bed.complete(&job).await, Err(Error::Stale { .. })));
    assert!(matches!(bed.complete(&job).await, Err(Error::Stale { .. })));
    assert_eq!(bed.attempts().await, 0);
    bed.close().await;
}

#[tokio::test]
async fn the_same_answer_twice_at_once_is_recorded_once() {
    let bed = Bed::new().await;
    bed.camunda.add_task("t1");
    let job = bed.job().await;
    let (one, two) = tokio::join!(bed.complete(&job), bed.complete(&job));
    assert_ne!(one.is_ok(), two.is_ok(), "{one:?} {two:?}");
    assert_eq!(bed.attempts().await, 1);
    bed.close().await;
}

#[tokio::test]
async fn a_lease_that_is_over_is_a_failed_attempt_and_the_next_one_has_the_next_number() {
    let bed = Bed::new().await;
    bed.camunda.add_task("t1");
    let job = bed.job().await;
    bed.clock.advance(31_000);
    until("the lease has ended", || bed.camunda.failures() == 1).await;
    let next = bed.job().await;
    assert_eq!((next.key, next.attempt, next.retries), (job.key, 2, 2));
    assert!(matches!(bed.complete(&job).await, Err(Error::Stale { .. })));
    bed.complete(&next).await.unwrap();
    bed.close().await;
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_job_leased_and_camunda_untold() {
    let bed = Bed::new().await;
    bed.camunda.add_task("t1");
    let job = bed.job().await;
    bed.store.refuse_commits(true);
    assert!(matches!(bed.complete(&job).await, Err(Error::Store(_))));
    assert_eq!(bed.camunda.completed().len(), 0);
    bed.store.refuse_commits(false);
    bed.complete(&job).await.unwrap();
    assert_eq!(bed.attempts().await, 1);
    bed.close().await;
}

#[tokio::test]
async fn a_result_that_camunda_cannot_go_on_with_becomes_an_incident_at_the_task() {
    let bed = Bed::new().await;
    bed.camunda.add_task("t1");
    let job = bed.job().await;
    bed.camunda.reject_results(true);
    bed.complete(&job).await.unwrap();
    assert_eq!((bed.camunda.failures(), bed.camunda.completed().len()), (1, 0));
    assert!(bed.camunda.last_failure()["errorMessage"].as_str().unwrap().contains("CAMUNDA-0003"));
    assert_eq!(bed.camunda.last_failure()["retries"], 0);
    bed.close().await;
}

#[tokio::test]
async fn an_instance_is_detected_and_its_end_counts_once_also_over_a_restart() {
    let bed = Bed::new().await;
    let mut notices = bed.engine.notices();
    bed.camunda.start_instance("i1");
    let started = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            if let Notice::Started { instance } = notices.recv().await.unwrap() {
                return instance;
            }
        }
    });
    let key = started.await.unwrap();
    assert_eq!(bed.engine.open_instances(0, 10).await.unwrap(), [key]);
    bed.camunda.end_instance("i1");
    let ended = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            if let Notice::Ended { instance, status } = notices.recv().await.unwrap() {
                return (instance, status);
            }
        }
    });
    assert_eq!(ended.await.unwrap(), (key, Status::Completed));
    let bed = bed.crash().await;
    let looked = bed.camunda.looks();
    until("it has looked around again", || bed.camunda.looks() > looked + 4).await;
    assert_eq!((bed.attempts().await, bed.engine.open_instances(0, 10).await.unwrap().len()), (1, 0));
    let kinds: Vec<String> = bed
        .store
        .read(&trail::Filter::default(), 0, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|event| event.content.kind)
        .collect();
    assert_eq!(kinds, ["instance.started", "instance.completed"]);
    bed.close().await;
}

#[tokio::test]
async fn an_address_where_nobody_answers_says_so() {
    let store = Arc::new(MemoryStore::new());
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW_MS));
    let engine =
        Camunda::open(Settings::camunda7("http://127.0.0.1:1/engine-rest"), store.clone(), store, clock)
            .await
            .unwrap();
    let error = engine.definitions().await.unwrap_err();
    assert_eq!(error.code(), "ENGINE-0008");
}
