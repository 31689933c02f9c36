//! Migration: an instance goes on by another version of its process.

use std::sync::Arc;

use serde_json::json;
use trail::NewEvent;

use super::deployed::Deployed;
use super::job_index::Arrival;
use super::live::Live;
use super::{Core, command, jobs, recover};
use crate::port::{Migration, Notice};
use crate::store::{Commit, StoredJob};
use crate::{Error, limits};

/// Migrates an instance; refused, with nothing changed, where something active has no counterpart.
pub(crate) async fn migrate(
    core: &Arc<Core>,
    key: i64,
    migration: Migration,
    actor: &str,
) -> Result<(), Error> {
    core.check_running()?;
    limits::check_text("the actor", actor)?;
    let target = core.catalogue.read().get(migration.definition)?;
    target.check()?;
    let (core, actor) = (Arc::clone(core), actor.to_owned());
    let task = tokio::spawn(async move { migrate_here(&core, key, &migration, target, &actor).await });
    task.await.map_err(|error| Error::Store(format!("a command was lost: {error}")))?
}

async fn migrate_here(
    core: &Arc<Core>,
    key: i64,
    migration: &Migration,
    target: Arc<Deployed>,
    actor: &str,
) -> Result<(), Error> {
    let slot = core.slot(key);
    let mut place = slot.live.lock().await;
    recover::check_suspect(core, key, &mut place).await?;
    let mut live = match place.take() {
        Some(live) => live,
        None => command::load(core, key).await?,
    };
    let jobs = match withheld(core, key).await {
        Ok(jobs) => jobs,
        Err(error) => {
            *place = Some(live).filter(|live| live.instance.status.is_open());
            return Err(error);
        }
    };
    let keys: Vec<i64> = jobs.iter().map(|job| job.key).collect();
    let put_back = || {
        let mut index = core.index.lock();
        index.jobs.put_back(&keys, core.now_ms());
        index.tell_waiters();
    };
    let (event, jobs) = match moved(&mut live, migration, &target, jobs) {
        Ok(moved) => moved,
        Err(error) => {
            put_back();
            *place = Some(live).filter(|live| live.instance.status.is_open());
            return Err(error);
        }
    };
    let now_ms = core.now_ms();
    let asked = NewEvent {
        instance: Some(key),
        definition: Some(target.definition.key),
        actor: actor.to_owned(),
        data: json!({"definition": target.definition.key, "elements": migration.elements}),
        ..NewEvent::new("instance.migrated", now_ms)
    };
    // The trail has every event of the token rules, whole: their fold is the state. An event is plain data.
    let moved = NewEvent {
        actor: actor.to_owned(),
        data: serde_json::to_value(&event).unwrap_or_default(),
        instance: Some(key),
        definition: Some(target.definition.key),
        ..NewEvent::new("step.migrated", now_ms)
    };
    let stored = match live.store() {
        Ok(stored) => stored,
        Err(error) => {
            put_back();
            return Err(error);
        }
    };
    let commit = Commit {
        instances: vec![stored],
        jobs: jobs.clone(),
        events: vec![asked, moved],
        actor: actor.to_owned(),
        ..Commit::default()
    };
    // On failure the instance is read again: what was changed above is in no one's memory.
    if let Err(error) = core.commit(commit).await {
        core.suspects.lock().insert(key);
        put_back();
        return Err(error);
    }
    let meta = live.meta();
    {
        let mut index = core.index.lock();
        index.open.insert(key, Arc::clone(&meta));
        index.incidents.extend(live.kept.incidents.values().map(|one| (one.key, one.clone())));
        for job in jobs {
            index.jobs.insert(Arrival { job, element: None, meta: Arc::clone(&meta) }, now_ms);
        }
        index.tell_waiters();
    }
    *place = Some(live);
    core.notice(Notice::Changed { instance: key });
    Ok(())
}

/// The jobs of an instance, out of their queues, so that none is leased while they are changed.
async fn withheld(core: &Core, key: i64) -> Result<Vec<StoredJob>, Error> {
    let outlines = {
        let mut index = core.index.lock();
        if index.jobs.is_leasing(key) {
            let text = "a job of it is being leased this moment; give the command again";
            return Err(Error::Conflict(format!("instance {key} cannot be migrated now: {text}")));
        }
        index.jobs.withhold(key);
        index.jobs.all_of(key)
    };
    let keys: Vec<i64> = outlines.iter().map(|job| job.key).collect();
    let read = futures::future::try_join_all(outlines.into_iter().map(|job| jobs::whole(core, job))).await;
    if read.is_err() {
        let mut index = core.index.lock();
        index.jobs.put_back(&keys, core.now_ms());
        index.tell_waiters();
    }
    read
}

/// Changes what is loaded of the instance; on an error nothing of it.
fn moved(
    live: &mut Live,
    migration: &Migration,
    target: &Arc<Deployed>,
    mut jobs: Vec<StoredJob>,
) -> Result<(bpmn::exec::Event, Vec<StoredJob>), Error> {
    let key = live.instance.key;
    if target.definition.process_id != live.instance.process_id {
        return Err(Error::Conflict(format!(
            "instance {key} runs process {}, and definition {} is of process {}: only versions of one process are \
             migrated between",
            live.instance.process_id, target.definition.key, target.definition.process_id
        )));
    }
    let ids = &migration.elements;
    let event = bpmn::exec::migrate(&live.deployed.program, &target.program, &mut live.kept.exec, ids)
        .map_err(|refusal| command::refused(key, &refusal))?;
    let renamed = |id: &mut String| {
        if let Some(new) = ids.get(id) {
            id.clone_from(new);
        }
    };
    live.deployed = Arc::clone(target);
    live.instance.definition = target.definition.key;
    live.instance.version = target.definition.version;
    for state in live.kept.current.values_mut() {
        renamed(&mut state.node);
        state.name = target.name_of(&state.node);
    }
    live.kept.incidents.values_mut().for_each(|incident| renamed(&mut incident.element));
    for job in &mut jobs {
        renamed(&mut job.element);
        job.definition = target.definition.key;
    }
    Ok((event, jobs))
}
