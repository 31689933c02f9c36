//! Watches which instances there are in Camunda, also those that ProcOS did not start, and which have ended.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use engine::Error as EngineError;
use engine::port::Notice;
use engine::store::Commit;
use serde_json::json;
use trail::NewEvent;

use crate::core::Core;
use crate::keys::key_of;
use crate::remote::{InstanceQuery, Order, RemoteInstance, RemoteState};
use crate::{catalogue, course, ended};

/// Instances asked for at once.
const PAGE: usize = 500;
/// Ended instances looked at after a restart, newest first.
const CATCH_UP_LIMIT: usize = 20_000;
/// Ended instances that are known to be recorded and need not be looked up.
const DONE_LIMIT: usize = 50_000;

/// An open instance.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) id: String,
    pub(crate) definition_id: String,
}

/// Notes an instance that is open; gives its key.
pub(crate) async fn see(core: &Arc<Core>, id: &str, definition_id: &str) -> Result<i64, EngineError> {
    let key = core.keys.see(id);
    if core.open.lock().contains_key(&key) {
        return Ok(key);
    }
    let deployed = catalogue::known(core, definition_id).await?;
    let process_id = &deployed.definition.process_id;
    if record_start(core, id, key, deployed.definition.key, process_id).await? {
        // Its trail begins now: there is nothing to remember. Its first steps come before what its PDO does.
        core.course(key).lock().await.get_or_insert_default();
        tell(core, key, id, definition_id).await;
    }
    let open = Open { id: id.to_owned(), definition_id: definition_id.to_owned() };
    if core.open.lock().insert(key, open).is_none() {
        core.notify(Notice::Started { instance: key });
    }
    Ok(key)
}

/// Brings the trail of an open instance up to date. Where that cannot be done now, the next look does it.
pub(crate) async fn follow(core: &Arc<Core>, instance: i64) {
    let open = core.open.lock().get(&instance).cloned();
    if let Some(open) = open {
        tell(core, instance, &open.id, &open.definition_id).await;
    }
}

async fn tell(core: &Arc<Core>, instance: i64, id: &str, definition_id: &str) {
    let told = match catalogue::deployed(core, definition_id).await {
        Ok(deployed) => course::catch_up(core, instance, id, &deployed).await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = told {
        tracing::debug!(instance, %error, "the trail of an instance is brought up to date later");
    }
}

/// Records the start of an instance; false where that was done before.
async fn record_start(
    core: &Core,
    id: &str,
    instance: i64,
    definition: i64,
    process_id: &str,
) -> Result<bool, EngineError> {
    let name = format!("{}/started/{id}", core.name());
    if core.store.find_idempotent(&name).await?.is_some() {
        return Ok(false);
    }
    let event = NewEvent {
        actor: "engine".to_owned(),
        instance: Some(instance),
        definition: Some(definition),
        data: json!({"camunda": id, "process_id": process_id}),
        ..NewEvent::new("instance.started", core.clock.now_ms())
    };
    let commit = Commit { events: vec![event], idempotent: Some((name, instance)), ..Commit::default() };
    match core.store.commit(commit).await {
        Ok(_) => Ok(true),
        Err(EngineError::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Watches for ever.
pub(crate) async fn keep_watching(core: &Arc<Core>) {
    let mut seen = Seen::default();
    loop {
        match look(core, &mut seen).await {
            Ok(()) => {
                core.mark(Ok(()));
                tokio::time::sleep(Duration::from_millis(core.settings.poll_ms)).await;
            }
            Err(error) => {
                tracing::debug!(%error, "instances cannot be watched now");
                core.pause().await;
            }
        }
    }
}

/// How far Camunda's history has been looked through, milliseconds since the Unix epoch.
#[derive(Debug, Default)]
struct Seen {
    started_ms: Option<i64>,
    moved_ms: Option<i64>,
    ended_ms: Option<i64>,
    /// Ended instances that are recorded.
    done: HashSet<String>,
}

async fn look(core: &Arc<Core>, seen: &mut Seen) -> Result<(), EngineError> {
    look_for_started(core, &mut seen.started_ms).await?;
    look_for_moves(core, &mut seen.moved_ms).await?;
    if seen.done.len() > DONE_LIMIT {
        seen.done.clear();
    }
    match seen.ended_ms {
        None => catch_up(core, seen).await,
        Some(since_ms) => look_for_ended(core, seen, since_ms).await,
    }
}

/// Brings the trails of open instances up to date in which Camunda did something by itself: a timer, a message that
/// came to it, a person. Whatever it does, a step ends. What is more than a page is told at the next job or end.
async fn look_for_moves(core: &Arc<Core>, since_ms: &mut Option<i64>) -> Result<(), EngineError> {
    let mut moved = BTreeSet::new();
    let looked_since_ms = since_ms.map(|since_ms| since_ms - core.remote.overlap_ms());
    for step in core.remote.moves(looked_since_ms).await? {
        *since_ms = step.ended_ms.max(*since_ms);
        let instance = key_of(&step.instance);
        if !core.open.lock().contains_key(&instance) {
            continue;
        }
        let course = core.course(instance);
        // Whoever holds it is telling.
        let is_told = course
            .try_lock()
            .map_or(true, |steps| steps.as_ref().is_some_and(|steps| steps.has_ended(&step.id)));
        if !is_told {
            moved.insert(instance);
        }
    }
    for instance in moved {
        follow(core, instance).await;
        core.notify(Notice::Changed { instance });
    }
    Ok(())
}

/// The run whose instances are looked after, where it is not all of them.
fn own(core: &Core) -> Option<String> {
    core.settings.only_own.then(|| core.worker.clone())
}

async fn look_for_started(core: &Arc<Core>, since_ms: &mut Option<i64>) -> Result<(), EngineError> {
    let mut first = 0;
    let mut newest = since_ms.unwrap_or(0);
    loop {
        let query = InstanceQuery {
            open: Some(true),
            started_since_ms: since_ms.map(|since_ms| since_ms - core.remote.overlap_ms()),
            run: own(core),
            order: Order::OldestStart,
            first,
            limit: PAGE,
            ..InstanceQuery::default()
        };
        let page = core.remote.instances(&query).await?;
        for instance in &page {
            newest = newest.max(instance.started_ms);
            // A search that lags may still show as open what is known to have ended.
            let is_known = core.remote.lag_ms() > 0 && has_ended(core, &instance.id).await?;
            if !is_known && is_ours(core, &instance.definition).await? {
                see(core, &instance.id, &instance.definition).await?;
            }
        }
        if page.len() < PAGE {
            break;
        }
        first += PAGE;
    }
    *since_ms = Some(newest);
    Ok(())
}

async fn has_ended(core: &Core, id: &str) -> Result<bool, EngineError> {
    if core.open.lock().contains_key(&key_of(id)) {
        return Ok(false);
    }
    Ok(core.store.find_idempotent(&format!("{}/ended/{id}", core.name())).await?.is_some())
}

/// ProcOS looks after processes that it can read or that have tasks for its kernel.
async fn is_ours(core: &Arc<Core>, definition_id: &str) -> Result<bool, EngineError> {
    let deployed = catalogue::known(core, definition_id).await?;
    Ok(deployed.program.is_some() || deployed.has_kernel_tasks())
}

async fn look_for_ended(core: &Arc<Core>, seen: &mut Seen, since_ms: i64) -> Result<(), EngineError> {
    let mut first = 0;
    loop {
        let query = InstanceQuery {
            open: Some(false),
            ended_since_ms: Some(since_ms - core.remote.overlap_ms()),
            run: own(core),
            order: Order::OldestEnd,
            first,
            limit: PAGE,
            ..InstanceQuery::default()
        };
        let page = core.remote.instances(&query).await?;
        for instance in &page {
            end(core, seen, instance).await?;
            seen.ended_ms = seen.ended_ms.max(instance.ended_ms);
        }
        if page.len() < PAGE {
            return Ok(());
        }
        first += PAGE;
    }
}

/// What ended while nobody watched: newest first, until a page holds nothing that is not known.
async fn catch_up(core: &Arc<Core>, seen: &mut Seen) -> Result<(), EngineError> {
    let mut newest = core.since_ms;
    for first in (0..CATCH_UP_LIMIT).step_by(PAGE) {
        let query = InstanceQuery {
            open: Some(false),
            ended_since_ms: Some(core.since_ms - core.remote.overlap_ms()),
            run: own(core),
            order: Order::NewestEnd,
            first,
            limit: PAGE,
            ..InstanceQuery::default()
        };
        let page = core.remote.instances(&query).await?;
        let mut is_news = false;
        for instance in &page {
            newest = newest.max(instance.ended_ms.unwrap_or(0));
            is_news |= end(core, seen, instance).await?;
        }
        if page.len() < PAGE || !is_news {
            break;
        }
    }
    seen.ended_ms = Some(newest);
    Ok(())
}

/// Notes that an instance ended; true where that was not known.
async fn end(core: &Arc<Core>, seen: &mut Seen, instance: &RemoteInstance) -> Result<bool, EngineError> {
    if seen.done.contains(&instance.id) {
        return Ok(false);
    }
    let is_news = is_ours(core, &instance.definition).await? && ended::finish(core, instance, None).await?;
    seen.done.insert(instance.id.clone());
    Ok(is_news)
}

/// Looks whether one instance has ended, at once.
pub(crate) async fn look_at(core: &Arc<Core>, id: &str, reason: Option<&str>) -> Result<(), EngineError> {
    let has_ended = |found: &Result<RemoteInstance, crate::Error>| {
        reason.is_none() || found.as_ref().is_ok_and(|found| found.ended_ms.is_some())
    };
    let instance = core.until(|| core.remote.instance(id), has_ended).await?;
    if instance.ended_ms.is_some() || matches!(instance.state, RemoteState::Terminated) {
        ended::finish(core, &instance, reason).await?;
    }
    Ok(())
}
