//! Start-up: memory is filled from the store, and what the former process left over is taken up.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;

use super::decisions::DeployedModel;
use super::deployed::Deployed;
use super::index::Index;
use super::job_index::{Arrival, Meta};
use super::live::Live;
use super::{Core, command, deploy, follow_ups, jobs, messages};
use crate::Error;
use crate::port::Status;
use crate::store::FollowUp;

/// Instances read at once.
const PAGE: usize = 10_000;
/// Things taken up at the same time.
const WIDTH: usize = 64;

/// Fills memory and goes on with what waits.
pub(crate) async fn recover(core: &Arc<Core>) -> Result<(), Error> {
    load_decisions(core).await?;
    load_definitions(core).await?;
    let (mut with_incidents, suspended, waiting) = futures::try_join!(
        load_instances(core, Status::Active),
        load_instances(core, Status::Suspended),
        core.store.load_waiting_besides_jobs(),
    )?;
    with_incidents.extend(suspended);
    load_jobs(core).await?;
    let (held, buffered) = {
        let mut index = core.index.lock();
        for timer in waiting.timers {
            index.timers.insert(timer);
        }
        for subscription in waiting.subscriptions {
            let process = match index.open.get(&subscription.instance) {
                Some(meta) => Some(meta.deployed.definition.process_id.clone()),
                None => {
                    let catalogue = core.catalogue.read();
                    catalogue.get(subscription.instance).ok().map(|one| one.definition.process_id.clone())
                }
            };
            if let Some(process) = process {
                index.open_subscription(subscription, &process);
            }
        }
        for message in waiting.messages {
            index.messages.buffer(message);
        }
        (index.jobs.held(), index.messages.keys())
    };
    for instance in with_incidents {
        match command::look(core, instance, |live| live.kept.incidents.values().cloned().collect::<Vec<_>>())
            .await
        {
            Ok(incidents) => {
                let mut index = core.index.lock();
                index.incidents.extend(incidents.into_iter().map(|incident| (incident.key, incident)));
            }
            Err(error) => tracing::error!(instance, %error, "an instance with incidents cannot be read"),
        }
    }
    // Leases of the former process are not waited for: nobody is left to answer them.
    let ended: Vec<Result<(), Error>> = futures::stream::iter(held)
        .map(|(key, attempt)| jobs::expire(core, key, attempt, "the engine was restarted"))
        .buffer_unordered(WIDTH)
        .collect()
        .await;
    for outcome in ended {
        // One instance that cannot go on must not keep the others from it.
        if let Err(error) = outcome {
            tracing::error!(%error, "a lease of the former process could not be ended");
        }
    }
    for follow_up in waiting.follow_ups {
        follow_ups::spawn(core, follow_up);
    }
    for key in buffered {
        messages::match_later(core, key);
    }
    Ok(())
}

async fn load_decisions(core: &Core) -> Result<(), Error> {
    for (requirements, xml) in core.store.decisions().await? {
        match bpmn::dmn::read(xml.as_bytes()) {
            Ok(model) => {
                core.decisions.write().insert(DeployedModel::new(requirements, model, Arc::from(xml)));
            }
            // Tasks that ask it raise an incident that says it is not deployed.
            Err(problems) => {
                tracing::error!(key = requirements.key, %problems, "a DMN file cannot decide in this release");
            }
        }
    }
    Ok(())
}

async fn load_definitions(core: &Core) -> Result<(), Error> {
    let mut texts: HashMap<String, Arc<str>> = HashMap::new();
    for (definition, xml) in core.store.definitions().await? {
        let xml = Arc::clone(texts.entry(definition.checksum.clone()).or_insert_with(|| Arc::from(xml)));
        let deployed = match deploy::recompile(&definition, &xml) {
            Ok(program) => Deployed::new(definition, program, xml),
            Err(reason) => {
                tracing::error!(key = definition.key, %reason, "a definition cannot run in this release");
                Deployed::broken(definition, xml, reason)
            }
        };
        core.catalogue.write().insert(Arc::new(deployed));
    }
    Ok(())
}

/// Takes in the jobs, page by page: a million of them are never there twice.
async fn load_jobs(core: &Core) -> Result<(), Error> {
    let now_ms = core.now_ms();
    let mut after = 0;
    loop {
        let page = core.store.job_outlines(after, PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map_or(after, |job| job.key);
        let mut index = core.index.lock();
        for job in page {
            if let Some(meta) = index.open.get(&job.instance).cloned() {
                index.jobs.restore(job, meta, now_ms);
            }
        }
        // Nobody can wait yet.
        index.jobs.take_news();
        if is_last {
            return Ok(());
        }
    }
}

/// Takes in the instances in a state; gives those that have incidents.
async fn load_instances(core: &Core, status: Status) -> Result<Vec<i64>, Error> {
    let mut with_incidents = Vec::new();
    let mut before = None;
    loop {
        let page = core.store.outlines(status, before, PAGE).await?;
        let last = page.len() < PAGE;
        before = page.last().map(|outline| outline.key);
        for outline in page {
            let deployed = match core.catalogue.read().get(outline.definition) {
                Ok(deployed) => deployed,
                Err(error) => {
                    tracing::error!(instance = outline.key, %error, "an instance has no definition");
                    continue;
                }
            };
            let key = outline.key;
            if outline.incidents > 0 {
                with_incidents.push(key);
            }
            let mut index = core.index.lock();
            index.open.insert(key, Arc::new(Meta::new(outline, deployed)));
            if status == Status::Suspended {
                index.suspend(key, core.now_ms());
            }
        }
        if last {
            return Ok(with_incidents);
        }
    }
}

/// Fills memory again for all instances whose last commit failed.
pub(crate) async fn check_suspects(core: &Arc<Core>) -> Result<(), Error> {
    let suspects: Vec<i64> = core.suspects.lock().iter().copied().collect();
    for instance in suspects {
        let slot = core.slot(instance);
        let mut place = slot.live.lock().await;
        check_suspect(core, instance, &mut place).await?;
    }
    Ok(())
}

/// Fills memory again for an instance whose last commit failed, under its lock. The failure may have been one of
/// the answer only (a connection lost while committing), and then the store is further than memory.
pub(crate) async fn check_suspect(
    core: &Arc<Core>,
    instance: i64,
    place: &mut Option<Live>,
) -> Result<(), Error> {
    if !core.suspects.lock().contains(&instance) {
        return Ok(());
    }
    *place = None;
    let live = match command::load(core, instance).await {
        Ok(live) => Some(live),
        Err(Error::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    let mut waiting = core.store.load_waiting_of(instance).await?;
    let now_ms = core.now_ms();
    // A signal twice would be two signals; one whose answer was lost waits for the next start.
    waiting.follow_ups.retain(|one| !matches!(one.action, FollowUp::Signal { .. }));
    let buffered = {
        let mut index = core.index.lock();
        forget(&mut index, instance);
        if let Some(live) = live.filter(|live| live.instance.status.is_open()) {
            let meta = live.meta();
            index.open.insert(instance, Arc::clone(&meta));
            if live.instance.status == Status::Suspended {
                index.suspend(instance, now_ms);
            }
            index.incidents.extend(live.kept.incidents.values().map(|one| (one.key, one.clone())));
            for job in waiting.jobs {
                index.jobs.insert(Arrival { job, element: None, meta: Arc::clone(&meta) }, now_ms);
            }
            for timer in waiting.timers {
                index.timers.insert(timer);
            }
            for subscription in waiting.subscriptions {
                index.open_subscription(subscription, &live.instance.process_id);
            }
        }
        index.waiters.wake_instance(instance);
        index.tell_waiters();
        index.messages.keys()
    };
    core.suspects.lock().remove(&instance);
    for key in buffered {
        messages::match_later(core, key);
    }
    // One that is being worked on already finds nothing left to do the second time.
    for follow_up in waiting.follow_ups {
        follow_ups::spawn(core, follow_up);
    }
    Ok(())
}

/// Removes all that memory holds of an instance.
fn forget(index: &mut Index, instance: i64) {
    index.open.remove(&instance);
    index.end_suspension(instance);
    for key in index.jobs.of(instance) {
        index.jobs.remove(key);
    }
    for id in index.timers.of(instance) {
        index.timers.remove(id);
    }
    for id in index.messages.of(instance) {
        index.messages.close(id);
    }
    index.incidents.retain(|_, incident| incident.instance != instance);
}
