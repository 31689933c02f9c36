//! Messages and signals: who receives them, and what is buffered until somebody does.

use std::sync::Arc;

use bpmn::exec::Input;
use bpmn::program::Variables;
use futures::StreamExt;
use serde_json::json;
use trail::NewEvent;

use super::command::{self, Command};
use super::start::{self, Start};
use super::{Core, follow_ups};
use crate::Error;
use crate::limits::{self, MESSAGE_LIMIT};
use crate::port::{Message, Record, StartInstance};
use crate::store::{Commit, StoredMessage, StoredSubscription};

/// How often a message looks for a receiver again because the one it found was gone.
const MATCH_LIMIT: usize = 16;
/// Instances that a signal reaches at the same time.
const SIGNAL_WIDTH: usize = 64;

/// Publishes a message: to who waits for it, otherwise into the buffer.
pub(crate) async fn publish(core: &Arc<Core>, message: Message) -> Result<(), Error> {
    core.check_running()?;
    limits::check_variables(&message.variables)?;
    for (what, text) in [
        ("the message name", Some(&message.name)),
        ("the correlation key", message.correlation_key.as_ref()),
        ("the message id", message.message_id.as_ref()),
    ] {
        limits::check_text(what, text.map_or("", String::as_str))?;
    }
    let now_ms = core.now_ms();
    if message.message_id.as_ref().is_some_and(|id| core.index.lock().messages.has_id(id)) {
        return Ok(());
    }
    let stored = StoredMessage {
        key: core.keys(1).await?.first().copied().unwrap_or_default(),
        name: message.name,
        correlation_key: message.correlation_key,
        variables: message.variables,
        expires_ms: now_ms.saturating_add(message.time_to_live_ms.max(0)),
        message_id: message.message_id,
    };
    if deliver_to_all(core, &stored, false).await? || message.time_to_live_ms <= 0 {
        return Ok(());
    }
    if core.index.lock().messages.buffered() >= MESSAGE_LIMIT {
        return Err(Error::Limit {
            limit: "MESSAGE_LIMIT",
            detail: format!("{MESSAGE_LIMIT} messages wait for a receiver already"),
        });
    }
    let event = message_event("message.buffered", &stored, now_ms);
    core.commit(Commit { messages: vec![stored.clone()], events: vec![event], ..Commit::default() }).await?;
    let key = stored.key;
    let next_due = {
        let mut index = core.index.lock();
        index.messages.buffer(stored);
        index.next_due()
    };
    core.wake_timers(next_due);
    // Somebody may have begun to wait while the message was written.
    rematch(core, key).await
}

fn message_event(kind: &str, message: &StoredMessage, now_ms: i64) -> NewEvent {
    NewEvent {
        actor: "engine".to_owned(),
        subject: Some(message.name.clone()),
        data: json!({"message": message.key, "correlation_key": message.correlation_key}),
        ..NewEvent::new(kind, now_ms)
    }
}

/// Hands a message to its receivers; true if one of them took it.
async fn deliver_to_all(core: &Arc<Core>, message: &StoredMessage, buffered: bool) -> Result<bool, Error> {
    for _ in 0..MATCH_LIMIT {
        let key = message.correlation_key.as_deref();
        let receivers = core.index.lock().messages.receivers(&message.name, key);
        if receivers.is_empty() {
            return Ok(false);
        }
        let mut delivered = false;
        for receiver in receivers {
            match deliver(core, message, &receiver, buffered).await {
                Ok(()) => delivered = true,
                Err(Error::Conflict(reason)) => {
                    tracing::debug!(message = %message.name, %reason, "receiver gone")
                }
                Err(error) if delivered => {
                    tracing::warn!(message = %message.name, %error, "one of several receivers missed a message");
                }
                Err(error) => return Err(error),
            }
        }
        if delivered {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Hands a message to one subscription.
async fn deliver(
    core: &Arc<Core>,
    message: &StoredMessage,
    to: &StoredSubscription,
    buffered: bool,
) -> Result<(), Error> {
    let buffered = buffered.then_some(message.key);
    if let Some(event) = &to.start {
        let deployed = core.catalogue.read().get(to.instance)?;
        let request = StartInstance { variables: message.variables.clone(), ..StartInstance::default() };
        let start = Start { event: Some(event.clone()), request, message: buffered, timer: None };
        return start::begin(core, deployed, start).await.map(|_| ());
    }
    let now_ms = core.now_ms();
    let mut event = message_event("message.correlated", message, now_ms);
    event.instance = Some(to.instance);
    let command = Command {
        record: Record { events: vec![event], ..Record::default() },
        message: buffered,
        ..Command::new(Input::Correlate { subscription: to.number, variables: message.variables.clone() })
    };
    command::run(core, to.instance, command).await
}

/// Delivers a message that left the buffer for a subscription; if that is gone, looks for another receiver.
pub(crate) fn deliver_later(core: &Arc<Core>, message: StoredMessage, to: StoredSubscription) {
    let own = Arc::clone(core);
    follow_ups::background(core, async move {
        match deliver(&own, &message, &to, true).await {
            Ok(()) => {}
            Err(error) => {
                tracing::debug!(message = %message.name, %error, "a message goes back to the buffer");
                let key = message.key;
                own.index.lock().messages.buffer(message);
                if matches!(error, Error::Conflict(_))
                    && let Err(error) = rematch(&own, key).await
                {
                    tracing::warn!(%error, "a buffered message stays in the buffer");
                }
            }
        }
    });
}

/// Looks for receivers of a buffered message in the background.
pub(crate) fn match_later(core: &Arc<Core>, key: i64) {
    let own = Arc::clone(core);
    follow_ups::background(core, async move {
        if let Err(error) = rematch(&own, key).await {
            tracing::warn!(%error, "a buffered message stays in the buffer");
        }
    });
}

/// Takes a message out of the buffer if somebody waits for it, and puts it back if nobody took it.
pub(crate) async fn rematch(core: &Arc<Core>, key: i64) -> Result<(), Error> {
    for _ in 0..MATCH_LIMIT {
        let taken = {
            let mut index = core.index.lock();
            let waited_for = index.messages.message(key).is_some_and(|message| {
                !index.messages.receivers(&message.name, message.correlation_key.as_deref()).is_empty()
            });
            if waited_for { index.messages.take(key) } else { None }
        };
        let Some(message) = taken else { return Ok(()) };
        let outcome = deliver_to_all(core, &message, true).await;
        if matches!(outcome, Ok(true)) {
            return Ok(());
        }
        core.index.lock().messages.buffer(message);
        // Nobody took it; somebody may have begun to wait while it was out of the buffer.
        outcome?;
    }
    Ok(())
}

/// Broadcasts a signal to everybody who waits for it now.
pub(crate) async fn broadcast(core: &Arc<Core>, name: &str, variables: &Variables) -> Result<(), Error> {
    let listeners = core.index.lock().messages.listeners(name);
    let outcomes: Vec<Result<(), Error>> = futures::stream::iter(listeners)
        .map(|to| async move {
            if let Some(event) = &to.start {
                let deployed = core.catalogue.read().get(to.instance)?;
                let request = StartInstance { variables: variables.clone(), ..StartInstance::default() };
                let start = Start { event: Some(event.clone()), request, ..Start::default() };
                return start::begin(core, deployed, start).await.map(|_| ());
            }
            let input = Input::Correlate { subscription: to.number, variables: variables.clone() };
            match command::run(core, to.instance, Command::new(input)).await {
                // It stopped waiting in the meantime.
                Err(Error::Conflict(_)) => Ok(()),
                other => other,
            }
        })
        .buffer_unordered(SIGNAL_WIDTH)
        .collect()
        .await;
    outcomes.into_iter().collect()
}
