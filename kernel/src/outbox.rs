//! The relay: delivers what commits left in the outbox to its receivers, at least once and in order.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use trail::{Outbox, OutboxItem, PendingItem};

use crate::Error;

/// Items read at once.
const BATCH: usize = 256;
/// Failed deliveries after which an item no longer holds up those behind it.
const PATIENCE: i32 = 20;
/// Longest pause after a failed delivery, in rounds.
const LONGEST_PAUSE: u32 = 64;

/// Receives the items of one topic; must be idempotent in the item's key.
#[async_trait]
pub trait Receiver: Send + Sync {
    /// The topic it receives.
    fn topic(&self) -> &str;
    /// Hears what is about to be delivered, one by one: what is the same for many items can be read once for all of
    /// them.
    async fn expect(&self, _: &[PendingItem]) {}
    /// Takes an item; the reason where it cannot.
    async fn deliver(&self, item: &OutboxItem) -> Result<(), String>;
    /// Deliveries of one item after which it is given up; `None`: it is tried for ever.
    fn deliveries_limit(&self) -> Option<i32> {
        None
    }
    /// Is told that an item was given up, and why the last delivery failed.
    async fn given_up(&self, _item: &OutboxItem, _reason: &str) {}
}

/// Delivers to receivers.
pub struct Relay {
    outbox: Arc<dyn Outbox>,
    receivers: Vec<Arc<dyn Receiver>>,
    pauses: HashMap<String, (u32, u32)>,
}

impl Relay {
    /// A relay from this outbox to these receivers.
    #[must_use]
    pub fn new(outbox: Arc<dyn Outbox>, receivers: Vec<Arc<dyn Receiver>>) -> Self {
        Self { outbox, receivers, pauses: HashMap::new() }
    }

    /// Delivers once what waits, topic by topic; returns how many items were delivered. An item that fails holds up
    /// its topic until it is delivered, has failed [`PATIENCE`] times or is given up; a topic that fails pauses ever
    /// longer. What was given up counts among the delivered.
    ///
    /// # Errors
    /// Where the outbox itself fails.
    pub async fn deliver(&mut self) -> Result<usize, Error> {
        let mut delivered = 0;
        for receiver in &self.receivers {
            let (left, length) = self.pauses.get(receiver.topic()).copied().unwrap_or((0, 0));
            if left > 0 {
                self.pauses.insert(receiver.topic().to_owned(), (left - 1, length));
                continue;
            }
            let mut taken = Vec::new();
            let mut failed = false;
            let waiting = self.outbox.pending(receiver.topic(), BATCH).await?;
            if !waiting.is_empty() {
                receiver.expect(&waiting).await;
            }
            for pending in waiting {
                match receiver.deliver(&pending.item).await {
                    Ok(()) => taken.push(pending.id),
                    Err(reason) => {
                        tracing::warn!(
                            topic = receiver.topic(),
                            key = pending.item.key,
                            reason,
                            "not delivered"
                        );
                        failed = true;
                        let tried = pending.attempts.saturating_add(1);
                        if receiver.deliveries_limit().is_some_and(|limit| tried >= limit) {
                            receiver.given_up(&pending.item, &reason).await;
                            taken.push(pending.id);
                            continue;
                        }
                        self.outbox.failed(pending.id, &reason).await?;
                        if pending.attempts < PATIENCE {
                            break;
                        }
                    }
                }
            }
            delivered += taken.len();
            if !taken.is_empty() {
                self.outbox.delivered(&taken).await?;
            }
            let length = if failed { (length * 2).clamp(1, LONGEST_PAUSE) } else { 0 };
            self.pauses.insert(receiver.topic().to_owned(), (length, length));
        }
        Ok(delivered)
    }

    /// Delivers until it is stopped, looking every `pause`.
    pub async fn run(mut self, pause: Duration, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.deliver().await {
                Ok(BATCH..) => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the outbox did not answer"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}
