//! Brings the trail of an instance up to what Camunda has done with it, look by look.

use std::sync::Arc;

use engine::Error as EngineError;
use engine::port::Notice;
use engine::store::Commit;
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
use trail::{Filter, NewEvent};

use crate::camunda7::Core;
use crate::catalogue::{self, Deployed};
use crate::rest::{encode, query_time, text};
use crate::retell::{self, Entry};
use crate::steps::Steps;
use crate::watch::OVERLAP_MS;

/// Steps asked for at once.
const PAGE: usize = 20_000;
/// Entries of a trail read at once.
const ENTRIES: usize = 1_000;
/// Instances whose steps are kept in memory, beside those that are being looked at.
const COURSE_LIMIT: usize = 1_000;

/// The steps of an instance and how much of them is told; `None` until the trail has been read.
pub(crate) type Course = Arc<Mutex<Option<Steps>>>;

impl Core {
    /// The course of an instance.
    pub(crate) fn course(&self, instance: i64) -> Course {
        let mut courses = self.courses.lock();
        if courses.len() >= COURSE_LIMIT && !courses.contains_key(&instance) {
            courses.retain(|_, course| Arc::strong_count(course) > 1);
        }
        Arc::clone(courses.entry(instance).or_default())
    }
}

/// Writes into the trail what the instance did since the last look; gives its steps, which nobody else can look at
/// meanwhile.
pub(crate) async fn catch_up(
    core: &Core,
    instance: i64,
    id: &str,
    deployed: &Deployed,
) -> Result<OwnedMutexGuard<Option<Steps>>, EngineError> {
    let mut course = core.course(instance).lock_owned().await;
    let since_ms = course.as_ref().and_then(Steps::since_ms);
    let found = history(core, id, since_ms).await?;
    let events = news(core, instance, deployed, &mut course, &found).await?;
    if !events.is_empty() {
        match core.store.commit(Commit { events, ..Commit::default() }).await {
            Ok(position) => core.notify(Notice::TrailAppended { position }),
            Err(error) => {
                // Nothing of it is told: the trail says again how far it is.
                *course = None;
                return Err(error);
            }
        }
    }
    Ok(course)
}

/// Which visit of its element an external task or user task is, as its instance's steps say; looks at Camunda where
/// they do not say it yet.
pub(crate) async fn visit(
    core: &Arc<Core>,
    task: &Value,
    visit: impl Fn(&Steps) -> Option<u32>,
) -> Result<u32, EngineError> {
    let id = text(task, "processInstanceId");
    let instance = core.keys.see(id);
    let known = core.course(instance).lock().await.as_ref().and_then(&visit);
    if let Some(known) = known {
        return Ok(known);
    }
    let deployed = catalogue::deployed(core, text(task, "processDefinitionId")).await?;
    let steps = catch_up(core, instance, id, &deployed).await?;
    // A history that is not kept counts nothing.
    Ok(steps.as_ref().and_then(visit).unwrap_or(1))
}

/// What Camunda's history says of the elements of an instance, in its order; all, or those that began at a time or
/// later.
pub(crate) async fn history(
    core: &Core,
    id: &str,
    since_ms: Option<i64>,
) -> Result<Vec<Value>, crate::Error> {
    let mut path = format!(
        "/history/activity-instance?processInstanceId={}&sortBy=occurrence&sortOrder=asc&maxResults={PAGE}",
        encode(id)
    );
    if let Some(since_ms) = since_ms {
        path.push_str(&format!("&startedAfter={}", query_time(since_ms - OVERLAP_MS)));
    }
    core.rest.list(&path).await
}

/// What the history tells that the trail does not know yet; counts as told from here on.
pub(crate) async fn news(
    core: &Core,
    instance: i64,
    deployed: &Deployed,
    course: &mut Option<Steps>,
    found: &[Value],
) -> Result<Vec<NewEvent>, EngineError> {
    let steps = match course {
        Some(steps) => steps,
        None => course.insert(remembered(core, instance).await?),
    };
    let program = deployed.program.as_ref();
    steps.take_in(program, found);
    let event = |entry: Entry| NewEvent {
        actor: "engine".to_owned(),
        instance: Some(instance),
        definition: Some(deployed.definition.key),
        element: entry.element,
        data: entry.data,
        ..NewEvent::new(entry.kind, entry.at_ms)
    };
    Ok(retell::news(program, steps).into_iter().map(event).collect())
}

/// How far the trail of an instance is.
async fn remembered(core: &Core, instance: i64) -> Result<Steps, EngineError> {
    let mut steps = Steps::default();
    let filter = Filter { instance: Some(instance), ..Filter::default() };
    let mut after = 0;
    loop {
        let events = core.trail.read(&filter, after, ENTRIES).await;
        let events = events.map_err(|error| EngineError::Store(error.to_string()))?;
        let Some(last) = events.last() else { return Ok(steps) };
        after = last.position;
        for event in &events {
            steps.remember(&event.content.kind, &event.content.data);
        }
    }
}
