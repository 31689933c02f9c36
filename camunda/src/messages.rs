//! Messages and signals. Camunda 7 keeps no message that nobody waits for: ProcOS does, until its time to live is over.
//! Camunda 8 keeps them itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bpmn::program::{NodeKind, Trigger, Variables};
use engine::port::Message;
use engine::store::{Commit, StoredMessage};
use engine::{Error as EngineError, limits};
use serde_json::json;
use trail::NewEvent;

use crate::core::Core;
use crate::hidden::{run_variable, visible};
use crate::remote::Subscription;
use crate::{catalogue, fetch, own_work};

/// Publishes a message: to who waits for it, otherwise into the buffer.
pub(crate) async fn publish(core: &Arc<Core>, message: Message) -> Result<(), EngineError> {
    limits::check_variables(&message.variables)?;
    for (what, given) in [
        ("the message name", Some(&message.name)),
        ("the correlation key", message.correlation_key.as_ref()),
        ("the message id", message.message_id.as_ref()),
    ] {
        limits::check_text(what, given.map_or("", String::as_str))?;
    }
    let is_known = message.message_id.is_some()
        && core.buffered.lock().values().any(|buffered| buffered.message_id == message.message_id);
    if is_known {
        return Ok(());
    }
    let now_ms = core.clock.now_ms();
    let stored = StoredMessage {
        key: core.key().await?,
        name: message.name,
        correlation_key: message.correlation_key,
        variables: message.variables,
        expires_ms: now_ms.saturating_add(message.time_to_live_ms.max(0)),
        message_id: message.message_id,
    };
    if core.remote.keeps_messages() {
        let time_to_live_ms = message.time_to_live_ms.max(0);
        return Ok(core.remote.publish(&stored, time_to_live_ms).await?);
    }
    if deliver(core, &stored).await? || message.time_to_live_ms <= 0 {
        return Ok(());
    }
    if core.buffered.lock().len() >= limits::MESSAGE_LIMIT {
        return Err(EngineError::Limit {
            limit: "MESSAGE_LIMIT",
            detail: format!("{} messages wait for a receiver already", limits::MESSAGE_LIMIT),
        });
    }
    let events = vec![event("message.buffered", &stored, now_ms)];
    core.store.commit(Commit { messages: vec![stored.clone()], events, ..Commit::default() }).await?;
    core.buffered.lock().insert(stored.key, stored);
    Ok(())
}

fn event(kind: &str, message: &StoredMessage, now_ms: i64) -> NewEvent {
    NewEvent {
        actor: "engine".to_owned(),
        subject: Some(message.name.clone()),
        data: json!({"message": message.key, "correlation_key": message.correlation_key}),
        ..NewEvent::new(kind, now_ms)
    }
}

/// Hands a message to one instance of each process that waits for it, or starts one; false where nobody waits.
async fn deliver(core: &Arc<Core>, message: &StoredMessage) -> Result<bool, EngineError> {
    let mut served = BTreeSet::new();
    let mut is_start = false;
    for waiting in core.remote.waiting_for(&message.name).await? {
        let Some(instance) = &waiting.instance else {
            is_start = true;
            continue;
        };
        let Some(process) = matching(core, message, &waiting, instance).await? else { continue };
        if !served.contains(&process)
            && core.remote.hand_over(&waiting, &message.name, &message.variables).await?
        {
            served.insert(process);
            core.notify(engine::port::Notice::Changed { instance: core.keys.see(instance) });
        }
    }
    if is_start {
        let mut variables = message.variables.clone();
        if core.settings.only_own {
            variables.insert(run_variable(), json!(core.worker));
        }
        core.remote.start_by_message(&message.name, &variables).await?;
    }
    Ok(is_start || !served.is_empty())
}

/// The process id of the instance, if the subscription takes the message.
async fn matching(
    core: &Arc<Core>,
    message: &StoredMessage,
    waiting: &Subscription,
    instance: &str,
) -> Result<Option<String>, EngineError> {
    let found = match core.remote.instance(instance).await {
        Ok(found) if found.ended_ms.is_none() => found,
        Ok(_) | Err(crate::Error::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let deployed = catalogue::deployed(core, &found.definition).await?;
    let process = deployed.definition.process_id.clone();
    let node = deployed.program.as_ref().and_then(|program| fetch::node_of(program, &waiting.element));
    let key = node.and_then(|node| match &node.kind {
        NodeKind::Catch(trigger)
        | NodeKind::Receive(trigger)
        | NodeKind::Boundary { trigger, .. }
        | NodeKind::Start { trigger: Some(trigger), .. } => match trigger {
            Trigger::Message { correlation_key, .. } => correlation_key.clone(),
            _ => None,
        },
        _ => None,
    });
    let (Some(wanted), Some(key)) = (&message.correlation_key, key) else { return Ok(Some(process)) };
    let mut all = core.remote.variables(std::slice::from_ref(&found.id)).await?;
    let seen = visible(all.remove(&found.id).unwrap_or_default());
    let own = own_work::evaluate(&key, &seen, core.clock.now_ms());
    Ok(own.ok().filter(|own| own_work::as_text(own) == *wanted).map(|_| process))
}

/// Offers buffered messages until somebody takes them or their time is over.
pub(crate) async fn keep_delivering(core: &Arc<Core>) {
    if core.remote.keeps_messages() {
        return;
    }
    loop {
        tokio::time::sleep(Duration::from_millis(core.settings.poll_ms)).await;
        let all: Vec<StoredMessage> = core.buffered.lock().values().cloned().collect();
        for message in all {
            let now_ms = core.clock.now_ms();
            let kind = if message.expires_ms <= now_ms {
                "message.expired"
            } else {
                match deliver(core, &message).await {
                    Ok(true) => "message.correlated",
                    Ok(false) => continue,
                    Err(error) => {
                        tracing::debug!(message = message.name, %error, "a message stays in the buffer");
                        break;
                    }
                }
            };
            let events = vec![event(kind, &message, now_ms)];
            let commit = Commit { ended_messages: vec![message.key], events, ..Commit::default() };
            match core.store.commit(commit).await {
                Ok(_) => {
                    core.buffered.lock().remove(&message.key);
                }
                Err(error) => {
                    tracing::warn!(message = message.name, %error, "a delivered message may come twice")
                }
            }
        }
    }
}

/// Broadcasts a signal.
pub(crate) async fn broadcast(core: &Arc<Core>, name: &str, variables: Variables) -> Result<(), EngineError> {
    limits::check_text("the signal name", name)?;
    limits::check_variables(&variables)?;
    Ok(core.remote.broadcast(name, &variables).await?)
}
