//! Starting an instance: by command, or by a start event that a timer, message or signal triggers.

use std::sync::Arc;

use bpmn::exec::Input;
use bpmn::program::Variables;

use super::batch::{Batch, fresh_instance};
use super::deployed::Deployed;
use super::live::{Kept, Live};
use super::{Core, command};
use crate::port::{Instance, StartInstance};
use crate::store::StoredTimer;
use crate::{Error, limits};

/// What is started, and what is committed with it.
#[derive(Default)]
pub(crate) struct Start {
    /// Id of the start event; `None`: the none start event.
    pub(crate) event: Option<String>,
    /// Who, with what.
    pub(crate) request: StartInstance,
    /// The buffered message that starts it.
    pub(crate) message: Option<i64>,
    /// The start timer that fired: ended, and set again if it repeats.
    pub(crate) timer: Option<((i64, u32), Option<StoredTimer>)>,
}

/// Starts an instance as a caller asks; the same idempotency key gives the instance that was started first.
pub(crate) async fn start(core: &Arc<Core>, request: StartInstance) -> Result<i64, Error> {
    core.check_running()?;
    limits::check_variables(&request.variables)?;
    for (what, text) in [
        ("the business key", &request.business_key),
        ("the idempotency key", &request.idempotency_key),
        ("the actor", &request.actor),
    ] {
        limits::check_text(what, text.as_deref().unwrap_or_default())?;
    }
    let deployed = {
        let catalogue = core.catalogue.read();
        match (request.definition, &request.process_id) {
            (Some(key), _) => catalogue.get(key)?,
            (None, Some(id)) => catalogue.find(id, request.version)?,
            (None, None) => return Err(Error::Invalid("name a process id or a definition key".to_owned())),
        }
    };
    let Some(key) = request.idempotency_key.clone() else {
        return begin(core, deployed, Start { request, ..Start::default() }).await;
    };
    if let Some(instance) = core.store.find_idempotent(&key).await? {
        return same_start(core, &key, instance, &deployed).await;
    }
    match begin(core, Arc::clone(&deployed), Start { request, ..Start::default() }).await {
        Err(Error::Conflict(reason)) => match core.store.find_idempotent(&key).await? {
            Some(instance) => same_start(core, &key, instance, &deployed).await,
            None => Err(Error::Conflict(reason)),
        },
        other => other,
    }
}

/// The same key for another process is a mistake of the caller.
async fn same_start(core: &Core, key: &str, instance: i64, deployed: &Deployed) -> Result<i64, Error> {
    let started = core.store.load_instance(instance).await?;
    let process = started.map(|stored| stored.instance.process_id);
    if process.as_ref().is_some_and(|process| *process != deployed.definition.process_id) {
        return Err(Error::Conflict(format!(
            "the idempotency key {key} was used for instance {instance} of another process"
        )));
    }
    Ok(instance)
}

/// Starts an instance of a definition.
pub(crate) async fn begin(core: &Arc<Core>, deployed: Arc<Deployed>, start: Start) -> Result<i64, Error> {
    deployed.check()?;
    let core = Arc::clone(core);
    let task = tokio::spawn(async move { begin_here(&core, deployed, start).await });
    task.await.map_err(|error| Error::Store(format!("a start was lost: {error}")))?
}

async fn begin_here(core: &Arc<Core>, deployed: Arc<Deployed>, start: Start) -> Result<i64, Error> {
    let now_ms = core.now_ms();
    let key = core.instance_key().await?;
    let request = start.request;
    let actor = request.actor.unwrap_or_default();
    let instance = Instance {
        business_key: request.business_key,
        seed: request.seed,
        dry_run: request.dry_run,
        ..fresh_instance(key, &deployed.definition, now_ms)
    };
    let mut batch = Batch::new(core, now_ms);
    batch.commit.actor.clone_from(&actor);
    batch.commit.ended_messages.extend(start.message);
    batch.commit.idempotent = request.idempotency_key.map(|text| (text, key));
    if let Some((ended, next)) = start.timer {
        batch.changes.ended_timers.push(ended);
        batch.changes.timers.extend(next);
    }
    let process_id = deployed.definition.process_id.clone();
    let at = batch.add_instance(Live { instance, deployed, kept: Kept { actor, ..Kept::default() } });
    let variables: Variables = request.variables;
    match batch.run(at, Input::Start { start: start.event, variables }).await {
        Ok(Ok(())) => {}
        Ok(Err(refusal)) => {
            batch.give_up();
            return Err(Error::Invalid(format!("process {process_id}: {refusal}; {}", refusal.hint())));
        }
        Err(error) => {
            batch.give_up();
            return Err(error);
        }
    }
    // A child of this instance may answer it as soon as the commit is published: the slot is taken before.
    let slot = core.slot(key);
    let mut place = slot.live.lock().await;
    *place = command::finish(core, batch).await?;
    Ok(key)
}
