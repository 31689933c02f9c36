//! Webhooks: what happened, posted to declared addresses, signed, retried with growing pauses up to a limit.
//!
//! | header | holds |
//! | --- | --- |
//! | `procos-webhook-id` | identity of the message: the same one may come twice, and means once |
//! | `procos-webhook-timestamp` | when it was signed, seconds since the Unix epoch |
//! | `procos-webhook-signature` | `sha256=` and the HMAC-SHA256 of `timestamp.body` under the secret, in hexadecimal |
//!
//! A receiver computes the signature over what it got and refuses what differs or is old. Hosts must be declared in
//! `network.hosts` (or `network.private_hosts`), as for tasks: an address that resolves to something else is not reached.

use std::sync::Arc;

use async_trait::async_trait;
use engine::clock::Clock;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Outside, Receiver, Unreached};
use serde_json::json;
use sha2::{Digest, Sha256};
use trail::{NewEvent, OutboxItem, Trail};

use crate::configuration::Webhook;

/// Deliveries that are tried: with pauses that double up to 6.4 s, some two minutes.
const DELIVERIES_LIMIT: i32 = 25;

/// The topic of the outbox whose items go to a webhook.
pub(super) fn topic(name: &str) -> String {
    format!("webhook {name}")
}

/// Posts the items of one webhook.
pub(super) struct Post {
    topic: String,
    hook: Webhook,
    outside: Outside,
    trail: Arc<dyn Trail>,
    clock: Arc<dyn Clock>,
}

impl Post {
    pub(super) fn new(hook: Webhook, outside: Outside, trail: Arc<dyn Trail>, clock: Arc<dyn Clock>) -> Self {
        Self { topic: topic(&hook.name), hook, outside, trail, clock }
    }
}

#[async_trait]
impl Receiver for Post {
    fn topic(&self) -> &str {
        &self.topic
    }

    fn deliveries_limit(&self) -> Option<i32> {
        Some(DELIVERIES_LIMIT)
    }

    async fn deliver(&self, item: &OutboxItem) -> Result<(), String> {
        let body = item.payload.to_string();
        let timestamp = (self.clock.now_ms() / 1_000).to_string();
        let signature = signature(self.hook.secret.reveal(), &timestamp, &body)?;
        let headers = [
            ("content-type".to_owned(), "application/json".to_owned()),
            ("procos-webhook-id".to_owned(), hex::encode(Sha256::digest(item.key.as_bytes()))),
            ("procos-webhook-timestamp".to_owned(), timestamp),
            ("procos-webhook-signature".to_owned(), format!("sha256={signature}")),
        ];
        match self.outside.post(&self.hook.url, &headers, body).await {
            Ok(200..=299) => Ok(()),
            Ok(status) => Err(format!("the receiver answered {status}")),
            Err(Unreached::Refused(why) | Unreached::Failed(why)) => Err(why),
        }
    }

    async fn given_up(&self, item: &OutboxItem, reason: &str) {
        let event = NewEvent {
            actor: "outbox".to_owned(),
            subject: Some(self.hook.name.clone()),
            data: json!({"key": item.key, "deliveries": DELIVERIES_LIMIT, "reason": reason}),
            ..NewEvent::new("webhook.given_up", self.clock.now_ms())
        };
        if let Err(error) = self.trail.append(vec![event]).await {
            tracing::error!(%error, webhook = self.hook.name, "a webhook was given up, and the trail did not take it");
        }
    }
}

/// The signature of a body that is sent at this time, in hexadecimal.
fn signature(secret: &str, timestamp: &str, body: &str) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|error| error.to_string())?;
    mac.update(format!("{timestamp}.{body}").as_bytes());
    Ok(hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests;
