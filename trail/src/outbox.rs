//! The outbox: effects on other parts that must follow a commit, delivered at least once.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

/// An effect to be delivered after the commit it belongs to; the receiver must be idempotent in `key`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxItem {
    /// Who receives it: `ontology`, `memory`, `subscriptions`.
    pub topic: String,
    /// Identity of the effect: the same key delivered twice has the effect of once.
    pub key: String,
    /// What to deliver.
    pub payload: Value,
}

/// An item that waits for delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingItem {
    /// Its number in the outbox; items of a topic are delivered in this order.
    pub id: i64,
    /// Deliveries that failed so far.
    pub attempts: i32,
    /// The item.
    pub item: OutboxItem,
}

/// Reads the outbox and marks what was delivered; items enter it by the commit they belong to.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// The oldest items of `topic` that wait, at most `limit`.
    async fn pending(&self, topic: &str, limit: usize) -> Result<Vec<PendingItem>, Error>;
    /// Marks items as delivered.
    async fn delivered(&self, ids: &[i64]) -> Result<(), Error>;
    /// Records that delivering an item failed, with the reason.
    async fn failed(&self, id: i64, reason: &str) -> Result<(), Error>;
}
