//! What DAS offered and what became of it, with the watcher's running summary, as documents.

use async_trait::async_trait;
use das::Error as DasError;
use das::watch::{OFFERS_LIMIT, Offer, Offers as Port, Summary};
use trail::NewEvent;

use crate::{Documents, Error};

/// The collection offers are kept in.
const COLLECTION: &str = "offer";
/// The collection of the running summary, and its key there.
const WATCH: (&str, &str) = ("watch", "summary");

/// A store of offers in the database.
#[derive(Clone, Debug)]
pub struct Offers {
    documents: Documents,
}

impl Offers {
    /// Offers kept in these documents.
    #[must_use]
    pub fn new(documents: Documents) -> Self {
        Self { documents }
    }
}

fn failed(error: Error) -> DasError {
    DasError::Engine(engine::Error::from(error))
}

fn unreadable(error: serde_json::Error) -> DasError {
    DasError::Engine(engine::Error::Store(error.to_string()))
}

#[async_trait]
impl Port for Offers {
    async fn put(&self, offer: &Offer, event: NewEvent) -> Result<(), DasError> {
        let content = serde_json::to_value(offer).map_err(unreadable)?;
        let now_ms = offer.decided_ms.unwrap_or(offer.made_ms);
        self.documents.put(COLLECTION, &offer.id, &content, now_ms, vec![event]).await.map_err(failed)
    }

    async fn get(&self, id: &str) -> Result<Option<Offer>, DasError> {
        let found = self.documents.get(COLLECTION, id).await.map_err(failed)?;
        found.map(serde_json::from_value).transpose().map_err(unreadable)
    }

    async fn list(&self) -> Result<Vec<Offer>, DasError> {
        let found = self.documents.list(COLLECTION, "", OFFERS_LIMIT).await.map_err(failed)?;
        found
            .into_iter()
            .map(|document| serde_json::from_value(document.content).map_err(unreadable))
            .collect()
    }

    async fn keep_summary(&self, summary: &Summary, now_ms: i64) -> Result<(), DasError> {
        let content = serde_json::to_value(summary).map_err(unreadable)?;
        self.documents.put(WATCH.0, WATCH.1, &content, now_ms, Vec::new()).await.map_err(failed)
    }

    async fn summary(&self) -> Result<Option<Summary>, DasError> {
        let found = self.documents.get(WATCH.0, WATCH.1).await.map_err(failed)?;
        // What another version wrote and this one cannot read is rebuilt from the trail.
        Ok(found.and_then(|content| {
            serde_json::from_value(content)
                .inspect_err(|error| tracing::warn!(%error, "the running summary is rebuilt from the trail"))
                .ok()
        }))
    }
}
