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
use kernel::{Outside, Receiver, Unreached};
use serde_json::json;
use sha2::{Digest, Sha256};
use trail::{NewEvent, OutboxItem, Trail};

use crate::configuration::Webhook;

/// Deliveries that are tried: with pauses that double up to 6.4 s, some two minutes.
const DELIVERIES_LIMIT: i32 = 25;
/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

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
        let signature =
            hmac_sha256(self.hook.secret.reveal().as_bytes(), format!("{timestamp}.{body}").as_bytes());
        let headers = [
            ("content-type".to_owned(), "application/json".to_owned()),
            ("procos-webhook-id".to_owned(), hex::encode(Sha256::digest(item.key.as_bytes()))),
            ("procos-webhook-timestamp".to_owned(), timestamp),
            ("procos-webhook-signature".to_owned(), format!("sha256={}", hex::encode(signature))),
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

/// HMAC (RFC 2104) with SHA-256: H((key ⊕ opad) ‖ H((key ⊕ ipad) ‖ message)).
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK];
    let hashed: [u8; 32];
    let short = if key.len() > BLOCK {
        hashed = Sha256::digest(key).into();
        &hashed[..]
    } else {
        key
    };
    for (place, byte) in block.iter_mut().zip(short) {
        *place = *byte;
    }
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests;
