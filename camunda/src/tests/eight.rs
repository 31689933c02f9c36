//! Outages, crashes, back-pressure and searches that lag, against a scripted Camunda 8.

mod cluster;

use std::sync::Arc;
use std::time::Duration;

use bpmn::program::Variables;
use engine::clock::{Clock, ManualClock};
use engine::port::{ActivateJobs, Job, Notice, Record, StartInstance, Status};
use engine::store::ScoreFilter;
use engine::{Error, MemoryStore, ProcessEngine, Store};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{NOW_MS, record, until};
use crate::{Camunda, Settings};
use cluster::{Answers, Cluster};

/// The adapter over a scripted Camunda 8.
struct Bed {
    cluster: Cluster,
    store: Arc<MemoryStore>,
    clock: ManualClock,
    engine: Camunda,
    stop: CancellationToken,
    loops: tokio::task::JoinHandle<()>,
}

impl Bed {
    async fn new() -> Self {
        Self::over(Cluster::start(NOW_MS).await, Arc::new(MemoryStore::new())).await
    }

    /// One whose searches show what has happened one look later.
    async fn lagging() -> Self {
        let cluster = Cluster::start(NOW_MS).await;
        cluster.lag(true);
        Self::over(cluster, Arc::new(MemoryStore::new())).await
    }

    async fn over(cluster: Cluster, store: Arc<MemoryStore>) -> Self {
        let clock = ManualClock::at(NOW_MS);
        let settings = Settings {
            poll_ms: 10,
            long_poll_ms: 20,
            retry_ms: 10,
            lag_ms: 10_000,
            token: Some("secret".to_owned()),
            ..Settings::camunda8(&cluster.url)
        };
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let engine = Camunda::open(settings, store.clone(), store.clone(), shared).await.unwrap();
        let stop = CancellationToken::new();
        let loops = tokio::spawn({
            let (engine, stop) = (engine.clone(), stop.clone());
            async move { engine.run(stop).await }
        });
        Self { cluster, store, clock, engine, stop, loops }
    }

    /// Ends everything at once, as a crash would, and begins again on the same records.
    async fn crash(self) -> Self {
        self.loops.abort();
        let _aborted = self.loops.await;
        drop(self.engine);
        Self::over(self.cluster, self.store).await
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

    async fn attempts(&self, kind: &str) -> u64 {
        let counts = self.store.score_counts(&ScoreFilter::default()).await.unwrap();
        counts.iter().filter(|count| count.subject_kind == kind).map(|count| count.attempts).sum()
    }

    async fn close(self) {
        self.stop.cancel();
        self.loops.await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_while_camunda_is_down_is_recorded_and_told_later_and_uses_up_no_retry() {
    let bed = Bed::new().await;
    let instance = bed.cluster.begin();
    let job = bed.job().await;
    assert_eq!((job.element.as_str(), job.attempt, job.retries, job.visit), ("work", 1, 3, 1));
    assert_eq!(job.instance, instance);
    bed.cluster.answers(Answers::Nothing);
    // A minute without Camunda: the lease is renewed as ever, the result is taken.
    for _ in 0..6 {
        bed.clock.advance(10_000);
        bed.engine.extend_lease(job.key, job.attempt, 30_000).await.unwrap();
    }
    bed.complete(&job).await.unwrap();
    assert_eq!((bed.attempts("task").await, bed.engine.owed()), (1, 1));
    bed.cluster.answers(Answers::Well);
    until("Camunda has heard", || bed.cluster.completed() == 1).await;
    until("nothing is owed", || bed.engine.owed() == 0).await;
    assert_eq!(bed.cluster.failures(), 0);
    assert_eq!(bed.cluster.variable(instance, "done"), json!(true));
    bed.close().await;
}

#[tokio::test]
async fn back_pressure_is_waited_out() {
    let bed = Bed::new().await;
    bed.cluster.answers(Answers::TooMany);
    bed.cluster.begin();
    bed.cluster.answers(Answers::Well);
    let job = bed.job().await;
    bed.cluster.answers(Answers::TooMany);
    bed.complete(&job).await.unwrap();
    assert_eq!((bed.cluster.completed(), bed.engine.owed()), (0, 1));
    bed.cluster.answers(Answers::Well);
    until("Camunda has heard", || bed.cluster.completed() == 1).await;
    assert_eq!(bed.cluster.failures(), 0, "no retry is used up");
    bed.close().await;
}

#[tokio::test]
async fn what_a_crash_cut_off_between_recording_and_telling_is_told_after_the_restart_and_never_done_twice() {
    let bed = Bed::new().await;
    bed.cluster.begin();
    let job = bed.job().await;
    bed.cluster.answers(Answers::Nothing);
    bed.complete(&job).await.unwrap();
    let bed = bed.crash().await;
    assert_eq!((bed.cluster.completed(), bed.engine.owed()), (0, 1));
    bed.cluster.answers(Answers::Well);
    until("Camunda has heard", || bed.cluster.completed() == 1).await;
    bed.cluster.begin();
    assert_ne!(bed.job().await.key, job.key);
    assert_eq!(bed.attempts("task").await, 1);
    until("the record of it is gone", || bed.engine.owed() == 0).await;
    bed.close().await;
}

#[tokio::test]
async fn an_answer_whose_job_ran_out_of_time_is_told_when_the_job_is_there_again() {
    let bed = Bed::new().await;
    bed.cluster.begin();
    let job = bed.job().await;
    bed.cluster.answers(Answers::Nothing);
    bed.complete(&job).await.unwrap();
    // Camunda comes back and has given the job up; it takes answers for jobs that somebody has.
    bed.cluster.time_out();
    bed.cluster.answers(Answers::Well);
    until("Camunda has heard", || bed.cluster.completed() == 1).await;
    until("nothing is owed", || bed.engine.owed() == 0).await;
    assert_eq!((bed.attempts("task").await, bed.cluster.failures()), (1, 0));
    bed.close().await;
}

#[tokio::test]
async fn a_job_that_was_leased_when_a_crash_came_is_free_again_at_once_with_all_its_retries() {
    let bed = Bed::new().await;
    bed.cluster.begin();
    let before = bed.job().await;
    let bed = bed.crash().await;
    let again = bed.job().await;
    assert_eq!((again.key, again.retries), (before.key, before.retries));
    bed.complete(&again).await.unwrap();
    until("Camunda has heard", || bed.cluster.completed() == 1).await;
    bed.close().await;
}

#[tokio::test]
async fn who_stops_gives_its_jobs_back() {
    let bed = Bed::new().await;
    bed.cluster.begin();
    bed.job().await;
    assert_eq!(bed.cluster.held(), 1);
    bed.stop.cancel();
    bed.loops.await.unwrap();
    assert_eq!((bed.cluster.held(), bed.cluster.retries()), (0, vec![3]));
}

#[tokio::test]
async fn a_late_answer_is_refused_and_nothing_of_it_is_recorded() {
    let bed = Bed::new().await;
    let instance = bed.cluster.begin();
    let job = bed.job().await;
    bed.cluster.end(instance, "TERMINATED");
    assert!(matches!(bed.complete(&job).await, Err(Error::Stale { .. })));
    assert_eq!(bed.attempts("task").await, 0);
    bed.close().await;
}

#[tokio::test]
async fn a_lease_that_is_over_is_a_failed_attempt_and_the_next_one_has_the_next_number() {
    let bed = Bed::new().await;
    bed.cluster.begin();
    let job = bed.job().await;
    bed.clock.advance(31_000);
    until("the lease has ended", || bed.cluster.failures() == 1).await;
    let next = bed.job().await;
    assert_eq!((next.key, next.attempt, next.retries), (job.key, 2, 2));
    assert!(matches!(bed.complete(&job).await, Err(Error::Stale { .. })));
    bed.complete(&next).await.unwrap();
    bed.close().await;
}

#[tokio::test]
async fn an_incident_is_raised_read_and_resolved_with_its_retries() {
    let bed = Bed::new().await;
    let instance = bed.cluster.begin();
    let job = bed.job().await;
    let failure = engine::port::JobFailure {
        code: "EXEC-0101".to_owned(),
        message: "the machine: it is off".to_owned(),
        retries_left: 0,
        backoff_ms: 0,
    };
    bed.engine.fail_job(job.key, job.attempt, failure, Record::default()).await.unwrap();
    let incident = bed.engine.incidents(Some(instance)).await.unwrap().remove(0);
    assert_eq!((incident.code.as_str(), incident.message.as_str()), ("EXEC-0101", "the machine: it is off"));
    assert_eq!(bed.engine.instance(instance).await.unwrap().incidents, 1);
    bed.engine.resolve_incident(incident.key).await.unwrap();
    assert_eq!(bed.job().await.retries, 3);
    bed.close().await;
}

#[tokio::test]
async fn what_searches_do_not_show_yet_is_waited_for() {
    let bed = Bed::lagging().await;
    let deployed = bed.engine.deploy(vec![cluster::file()]).await.unwrap().remove(0);
    assert_eq!((deployed.process_id.as_str(), deployed.version), ("p", 1));
    let xml = bed.engine.definition_xml(deployed.key).await.unwrap();
    assert_eq!(xml.as_bytes(), cluster::file().content, "the original can be had back");
    let request = StartInstance {
        process_id: Some("p".to_owned()),
        business_key: Some("order 7".to_owned()),
        seed: u64::MAX,
        ..StartInstance::default()
    };
    let key = bed.engine.start(request).await.unwrap();
    let instance = bed.engine.instance(key).await.unwrap();
    assert_eq!((instance.seed, instance.business_key.as_deref()), (u64::MAX, Some("order 7")));
    assert!(instance.variables.is_empty(), "{:?}", instance.variables);
    let first = bed.job().await;
    assert_eq!((first.seed, first.visit), (u64::MAX, 1));
    bed.complete(&first).await.unwrap();
    // The very next look shows the answer.
    let state = bed.engine.state(key).await.unwrap();
    assert_eq!(state.previous.iter().map(|one| one.node.as_str()).collect::<Vec<_>>(), ["work"]);
    let second = bed.job().await;
    assert_eq!((second.element.as_str(), second.visit), ("again", 1));
    bed.complete(&second).await.unwrap();
    let mut notices = bed.engine.notices();
    let ended = tokio::time::timeout(Duration::from_secs(10), async {
        while bed.engine.instance(key).await.unwrap().status == Status::Active {
            let _ = tokio::time::timeout(Duration::from_millis(20), notices.recv()).await;
        }
    });
    ended.await.expect("it ends");
    bed.close().await;
}

#[tokio::test]
async fn the_same_start_twice_is_one_instance_also_when_a_crash_came_between() {
    let bed = Bed::lagging().await;
    bed.engine.deploy(vec![cluster::file()]).await.unwrap();
    let request = StartInstance {
        process_id: Some("p".to_owned()),
        idempotency_key: Some("once".to_owned()),
        ..StartInstance::default()
    };
    // Camunda starts it, and nobody hears of it.
    bed.cluster.answers(Answers::Lost);
    let cut_off = bed.engine.start(request.clone()).await;
    assert!(cut_off.is_err(), "{cut_off:?}");
    bed.cluster.answers(Answers::Well);
    let bed = bed.crash().await;
    let key = bed.engine.start(request.clone()).await.unwrap();
    assert_eq!(bed.engine.start(request).await.unwrap(), key);
    assert_eq!(bed.cluster.instances(), 1);
    bed.close().await;
}

#[tokio::test]
async fn an_instance_is_detected_and_its_end_counts_once_also_over_a_restart() {
    let bed = Bed::lagging().await;
    let mut notices = bed.engine.notices();
    let instance = bed.cluster.begin();
    let mut next = async |wanted: fn(&Notice) -> bool| {
        let found = tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                let notice = notices.recv().await.unwrap();
                if wanted(&notice) {
                    return notice;
                }
            }
        });
        found.await.expect("it is noticed")
    };
    let started = next(|notice| matches!(notice, Notice::Started { .. })).await;
    assert_eq!(started, Notice::Started { instance });
    assert_eq!(bed.engine.open_instances(0, 10).await.unwrap(), [instance]);
    bed.cluster.end(instance, "COMPLETED");
    let ended = next(|notice| matches!(notice, Notice::Ended { .. })).await;
    assert_eq!(ended, Notice::Ended { instance, status: Status::Completed });
    let bed = bed.crash().await;
    let looked = bed.cluster.looks();
    until("it has looked around again", || bed.cluster.looks() > looked + 8).await;
    assert_eq!(
        (bed.attempts("process").await, bed.engine.open_instances(0, 10).await.unwrap().len()),
        (1, 0)
    );
    bed.close().await;
}
