//! Messages and signals. Camunda keeps no message that nobody waits for: ProcOS does, until its time to live is over.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bpmn::program::{NodeKind, Trigger, Variables};
use engine::port::Message;
use engine::store::{Commit, StoredMessage};
use engine::{Error as EngineError, limits};
use serde_json::{Map, Value, json};
use trail::NewEvent;

use crate::camunda7::Core;
use crate::instances::run_variable;
use crate::rest::{encode, optional, text};
use crate::{catalogue, fetch, own_work, value};

/// Subscriptions looked through for one message.
const SUBSCRIPTION_LIMIT: usize = 10_000;
/// A correlation key that no instance has, so that only start events are found.
const NOBODY: &str = "procosInstanceNobody";

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
    let path = format!(
        "/event-subscription?eventType=message&eventName={}&sortBy=created&sortOrder=asc&maxResults={SUBSCRIPTION_LIMIT}",
        encode(&message.name)
    );
    let subscriptions = core.rest.list(&path).await?;
    let mut served = BTreeSet::new();
    let mut is_start = false;
    for subscription in &subscriptions {
        let Some(instance) = optional(subscription, "processInstanceId") else {
            is_start = true;
            continue;
        };
        let Some(process) = matching(core, message, subscription, &instance).await? else { continue };
        if served.contains(&process) {
            continue;
        }
        let path = format!(
            "/execution/{}/messageSubscriptions/{}/trigger",
            encode(text(subscription, "executionId")),
            encode(&message.name)
        );
        let body = json!({"variables": value::to_camunda(&message.variables)});
        match core.rest.post(&path, &body).await {
            Ok(_) => {
                served.insert(process);
                core.notify(engine::port::Notice::Changed { instance: core.keys.see(&instance) });
            }
            // It stopped waiting in the meantime.
            Err(crate::Error::Missing { .. }) => {}
            Err(error) if error.is_collision() || error.is_suspended() => {}
            Err(crate::Error::Refused { status: 500, detail, .. }) if detail.contains("subscription") => {}
            Err(error) => return Err(error.into()),
        }
    }
    if is_start {
        let nobody = json!({NOBODY: {"value": "nobody", "type": "String"}});
        let mut variables = message.variables.clone();
        if core.settings.only_own {
            variables.insert(run_variable(), json!(core.worker));
        }
        let body = json!({"messageName": message.name, "correlationKeys": nobody,
            "processVariables": value::to_camunda(&variables)});
        core.rest.post("/message", &body).await?;
    }
    Ok(is_start || !served.is_empty())
}

/// The process id of the instance, if the subscription takes the message.
async fn matching(
    core: &Arc<Core>,
    message: &StoredMessage,
    subscription: &Value,
    instance: &str,
) -> Result<Option<String>, EngineError> {
    let found = match core.rest.get(&format!("/process-instance/{}", encode(instance))).await {
        Ok(found) => found,
        Err(crate::Error::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let deployed = catalogue::deployed(core, text(&found, "definitionId")).await?;
    let process = deployed.definition.process_id.clone();
    let node = deployed
        .program
        .as_ref()
        .and_then(|program| fetch::node_of(program, text(subscription, "activityId")));
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
    let path = format!("/process-instance/{}/variables?deserializeValues=false", encode(instance));
    let typed = core.rest.get(&path).await?;
    let seen = value::visible(typed.as_object().unwrap_or(&Map::new()));
    let own = own_work::evaluate(&key, &seen, core.clock.now_ms());
    Ok(own.ok().filter(|own| own_work::as_text(own) == *wanted).map(|_| process))
}

/// Offers buffered messages until somebody takes them or their time is over.
pub(crate) async fn keep_delivering(core: &Arc<Core>) {
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
    let body = json!({"name": name, "variables": value::to_camunda(&variables)});
    core.rest.post("/signal", &body).await?;
    Ok(())
}
