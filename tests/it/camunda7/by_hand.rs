//! Instances moved on by hand, the same way on every engine: whenever one stands still, the first of all jobs that are
//! ready is answered.

use std::collections::BTreeMap;
use std::time::Duration;

use bpmn::program::{JobKind, Variables};
use engine::ProcessEngine;
use engine::port::{ActivateJobs, Instance, InstanceState, Job, JobFilter, Record, StartInstance, Status};
use serde_json::json;
use trail::{Filter, Trail};

/// How long one instance may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts an instance and answers its jobs until it has ended.
pub(crate) async fn run(
    engine: &dyn ProcessEngine,
    process_id: &str,
    variables: Variables,
    answer: &(dyn Fn(&Job) -> Variables + Sync),
) -> Instance {
    let request =
        StartInstance { process_id: Some(process_id.to_owned()), variables, ..StartInstance::default() };
    let key = engine.start(request).await.unwrap();
    let moved = tokio::time::timeout(PATIENCE, async {
        let mut held = Vec::new();
        loop {
            let state = engine.state(key).await.unwrap();
            if state.current.is_empty() {
                let instance = engine.instance(key).await.unwrap();
                if instance.status != Status::Active {
                    return instance;
                }
            }
            held.extend(lease(engine, key).await);
            let mut ready: Vec<Job> = held.clone();
            ready.extend(people(engine, key, &state).await);
            if !stands_still(&state, &ready) {
                continue;
            }
            ready.sort_by_key(|job| {
                (job.element.clone(), job.variables.get("loopCounter").and_then(|it| it.as_i64()))
            });
            let job = ready.remove(0);
            held.retain(|other| other.key != job.key);
            let result = answer(&job);
            match job.kind {
                JobKind::User => engine.complete_user_task(job.key, "mia", result).await.unwrap(),
                JobKind::Service => {
                    engine.complete_job(job.key, job.attempt, result, Record::default()).await.unwrap();
                }
            }
        }
    });
    match moved.await {
        Ok(instance) => instance,
        Err(_) => panic!(
            "{process_id} on {} does not end: {:?} {:?}",
            engine.name(),
            engine.state(key).await,
            engine.incidents(Some(key)).await
        ),
    }
}

/// What says how many times the instance came to the element.
pub(crate) fn visits(job: &Job) -> Variables {
    Variables::from_iter([(job.element.clone(), json!(job.visit))])
}

async fn lease(engine: &dyn ProcessEngine, instance: i64) -> Vec<Job> {
    let request = ActivateJobs {
        worker: "by hand".to_owned(),
        instance: Some(instance),
        max: 100,
        lease_ms: 120_000,
        wait_ms: 20,
        ..ActivateJobs::default()
    };
    engine.activate_jobs(request).await.unwrap()
}

async fn people(engine: &dyn ProcessEngine, instance: i64, state: &InstanceState) -> Vec<Job> {
    if !state.current.iter().any(|one| one.kind == "userTask") {
        return Vec::new();
    }
    let filter = JobFilter { instance: Some(instance), kind: Some(JobKind::User), ..JobFilter::default() };
    engine.jobs(&filter).await.unwrap()
}

/// Whether nothing happens until a job is answered, and all jobs are there.
fn stands_still(state: &InstanceState, ready: &[Job]) -> bool {
    let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
    for one in &state.current {
        match one.kind.as_str() {
            "serviceTask" | "userTask" => *wanted.entry(&one.node).or_default() += 1,
            "scriptTask" => return false,
            _ => {}
        }
    }
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for job in ready {
        *found.entry(&job.element).or_default() += 1;
    }
    !wanted.is_empty() && wanted == found
}

/// The trail of an instance in order: kind, and element where the token rules name one.
pub(crate) async fn trail_of(trail: &dyn Trail, instance: i64) -> Vec<(String, String)> {
    let filter = Filter { instance: Some(instance), ..Filter::default() };
    let events = trail.read(&filter, 0, 100_000).await.unwrap();
    let told =
        events.into_iter().map(|event| (event.content.kind, event.content.element.unwrap_or_default()));
    told.map(|(kind, element)| match kind.as_str() {
        "job.ended" | "job.failed" | "job.cancelled" | "variables.set" => (kind, String::new()),
        _ => (kind, element),
    })
    .collect()
}
