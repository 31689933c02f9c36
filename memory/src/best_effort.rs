//! Memory that never stops its user: where it is down, a recall is empty and says why.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Entry, Error, Filter, Kind, Memory, Query, Recall};

/// Turns a failing recall into an empty one that names the reason; everything else passes through, so that what is
/// to be stored waits in the outbox until memory is back.
#[derive(Clone)]
pub struct BestEffort(Arc<dyn Memory>);

impl BestEffort {
    /// Wraps a memory.
    #[must_use]
    pub fn new(memory: Arc<dyn Memory>) -> Self {
        Self(memory)
    }
}

#[async_trait]
impl Memory for BestEffort {
    async fn store(&self, entries: Vec<Entry>) -> Result<(), Error> {
        self.0.store(entries).await
    }

    async fn recall(&self, query: Query) -> Result<Recall, Error> {
        match self.0.recall(query).await {
            Err(error @ Error::Store { .. }) => {
                tracing::warn!(%error, "answering without memory");
                Ok(Recall { hits: Vec::new(), degraded: Some(error.to_string()) })
            }
            other => other,
        }
    }

    async fn get(&self, organisation: &str, id: &str) -> Result<Option<Entry>, Error> {
        self.0.get(organisation, id).await
    }

    async fn forget(&self, filter: Filter) -> Result<usize, Error> {
        self.0.forget(filter).await
    }

    async fn count(&self, kind: Option<Kind>) -> Result<usize, Error> {
        self.0.count(kind).await
    }

    fn notice(&self) -> Option<String> {
        self.0.notice()
    }
}
