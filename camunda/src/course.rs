//! Brings the trail of an instance up to what Camunda has done with it, look by look.

use std::sync::Arc;
use std::time::Duration;

use engine::Error as EngineError;
use engine::port::Notice;
use engine::store::Commit;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;
use trail::{Filter, NewEvent};

use crate::catalogue::{self, Deployed};
use crate::core::{Core, VISIBLE_PAUSE};
use crate::remote::RemoteStep;
use crate::retell::{self, Entry};
use crate::steps::Steps;

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
    let found = history(core, instance, id, since_ms, deployed).await?;
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

/// Which visit of its element a job or user task is, as its instance's steps say; looks at Camunda where they do not
/// say it yet, for as long as `wait_ms` says.
pub(crate) async fn visit(
    core: &Arc<Core>,
    instance: &str,
    definition: &str,
    wait_ms: u64,
    visit: impl Fn(&Steps) -> Option<u32>,
) -> Result<u32, EngineError> {
    let key = core.keys.see(instance);
    let known = core.course(key).lock().await.as_ref().and_then(&visit);
    if let Some(known) = known {
        return Ok(known);
    }
    let deployed = catalogue::deployed(core, definition).await?;
    let deadline = Instant::now() + Duration::from_millis(wait_ms);
    loop {
        let steps = catch_up(core, key, instance, &deployed).await?;
        let found = steps.as_ref().and_then(&visit);
        drop(steps);
        match found {
            Some(visit) => return Ok(visit),
            None if Instant::now() < deadline => tokio::time::sleep(VISIBLE_PAUSE).await,
            // A history that is not kept counts nothing.
            None if wait_ms == 0 => return Ok(1),
            None => {
                let detail = format!("its history does not show yet what happened in instance {instance}");
                return Err(EngineError::Remote { url: core.remote.url().to_owned(), detail });
            }
        }
    }
}

/// What Camunda's history says of the elements of an instance, in its order; all, or those that began at a time or
/// later. Where searches lag, it is waited for until it shows the answers that Camunda has heard.
pub(crate) async fn history(
    core: &Core,
    instance: i64,
    id: &str,
    since_ms: Option<i64>,
    deployed: &Deployed,
) -> Result<Vec<RemoteStep>, crate::Error> {
    let since_ms = since_ms.map(|since_ms| since_ms - core.remote.overlap_ms());
    let heard = core.heard.lock().get(&instance).cloned().unwrap_or_default();
    let shows = |found: &Result<Vec<RemoteStep>, crate::Error>| match found {
        Ok(found) => !found.iter().any(|step| step.ended_ms.is_none() && heard.contains(&step.id)),
        Err(_) => true,
    };
    let ask = || core.remote.steps(id, since_ms, deployed.program.as_ref());
    let found = core.until(ask, &shows).await;
    if shows(&found)
        && found.is_ok()
        && let Some(waiting) = core.heard.lock().get_mut(&instance)
    {
        waiting.retain(|step| !heard.contains(step));
    }
    found
}

/// What the history tells that the trail does not know yet; counts as told from here on.
pub(crate) async fn news(
    core: &Core,
    instance: i64,
    deployed: &Deployed,
    course: &mut Option<Steps>,
    found: &[RemoteStep],
) -> Result<Vec<NewEvent>, EngineError> {
    let steps = match course {
        Some(steps) => steps,
        None => course.insert(remembered(core, instance).await?),
    };
    let program = deployed.program.as_ref();
    steps.take_in(program, found, core.remote.merges_joins());
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
