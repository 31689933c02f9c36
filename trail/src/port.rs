//! The port by which everybody appends to and reads the trail.

use async_trait::async_trait;

use crate::{Error, Event, Filter, NewEvent, Verification};

/// The append-only record. Appending returns after the entries are durable.
#[async_trait]
pub trait Trail: Send + Sync {
    /// Appends events in order, in one transaction; returns the position of the last.
    async fn append(&self, events: Vec<NewEvent>) -> Result<i64, Error>;
    /// Events after `position` that match, oldest first, at most `limit`.
    async fn read(&self, filter: &Filter, after: i64, limit: usize) -> Result<Vec<Event>, Error>;
    /// Events before `position` that match, newest first, at most `limit`.
    async fn read_back(&self, filter: &Filter, before: i64, limit: usize) -> Result<Vec<Event>, Error>;
    /// Position of the newest entry, 0 for an empty trail.
    async fn head(&self) -> Result<i64, Error>;
    /// Checks the whole chain.
    async fn verify(&self) -> Result<Verification, Error>;
}
