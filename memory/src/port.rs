//! The ports: vector memory, and the embeddings it may use.

use async_trait::async_trait;

use crate::{Entry, Error, Filter, Kind, Query, Recall};

/// Vector memory.
#[async_trait]
pub trait Memory: Send + Sync {
    /// Stores entries; one with a known id replaces the former. Durable on return.
    ///
    /// # Errors
    /// Where a limit is passed (nothing is stored then) or the store fails.
    async fn store(&self, entries: Vec<Entry>) -> Result<(), Error>;

    /// The entries that fit a query best.
    ///
    /// # Errors
    /// Where the store fails.
    async fn recall(&self, query: Query) -> Result<Recall, Error>;

    /// The entry with that id.
    ///
    /// # Errors
    /// Where the store fails.
    async fn get(&self, organisation: &str, id: &str) -> Result<Option<Entry>, Error>;

    /// Forgets what matches; returns how many entries that were.
    ///
    /// # Errors
    /// Where the filter is empty or the store fails.
    async fn forget(&self, filter: Filter) -> Result<usize, Error>;

    /// Entries of a kind, or of all.
    ///
    /// # Errors
    /// Where the store fails.
    async fn count(&self, kind: Option<Kind>) -> Result<usize, Error>;

    /// What a user should know about its state although it works, if anything: an index that is being built.
    fn notice(&self) -> Option<String> {
        None
    }
}

/// Turns texts into vectors whose distance is a distance in meaning.
#[async_trait]
pub trait Embed: Send + Sync {
    /// Name of the model; vectors of different models are never compared.
    fn name(&self) -> &str;

    /// Length of its vectors.
    fn dimension(&self) -> usize;

    /// The vectors of `texts`, in order.
    ///
    /// # Errors
    /// A sentence that says why there are none.
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, String>;
}
