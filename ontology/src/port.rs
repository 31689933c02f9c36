//! The port by which change sets are kept; implemented in SQL by `persistence`.

use async_trait::async_trait;

use crate::Error;
use crate::model::ChangeSet;

/// Keeps change sets, the source of truth behind the index.
#[async_trait]
pub trait ChangeSets: Send + Sync {
    /// Appends a change set together with its trail event in one transaction; `expected` is the number of the
    /// system's newest change set as the author saw it (0: none), and a mismatch is [`Error::Conflict`].
    /// Returns its number.
    async fn append(&self, change: ChangeSet, expected: i64, event: trail::NewEvent) -> Result<i64, Error>;
    /// All change sets with a number greater than `after`, oldest first, at most `limit`.
    async fn read(&self, after: i64, limit: usize) -> Result<Vec<ChangeSet>, Error>;
    /// The change sets of one system with a number greater than `after`, oldest first, at most `limit`.
    async fn of_system(&self, system: &str, after: i64, limit: usize) -> Result<Vec<ChangeSet>, Error>;
}
