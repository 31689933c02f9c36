//! Small things that DAS keeps beside proposals and offers, as documents.

use async_trait::async_trait;
use das::Error as DasError;
use das::records::{RECORDS_LIMIT, Records as Port};
use serde_json::Value;
use trail::NewEvent;

use crate::{Documents, Error};

/// Before the collections of DAS, so that they do not meet those of other parts.
const PREFIX: &str = "das.";

/// A store of records in the database.
#[derive(Clone, Debug)]
pub struct Records {
    documents: Documents,
}

impl Records {
    /// Records kept in these documents.
    #[must_use]
    pub fn new(documents: Documents) -> Self {
        Self { documents }
    }
}

fn failed(error: Error) -> DasError {
    DasError::Engine(engine::Error::from(error))
}

#[async_trait]
impl Port for Records {
    async fn put(
        &self,
        collection: &str,
        key: &str,
        content: &Value,
        now_ms: i64,
        events: Vec<NewEvent>,
    ) -> Result<(), DasError> {
        let collection = format!("{PREFIX}{collection}");
        self.documents.put(&collection, key, content, now_ms, events).await.map_err(failed)
    }

    async fn get(&self, collection: &str, key: &str) -> Result<Option<Value>, DasError> {
        self.documents.get(&format!("{PREFIX}{collection}"), key).await.map_err(failed)
    }

    async fn list(&self, collection: &str) -> Result<Vec<Value>, DasError> {
        let found = self.documents.list(&format!("{PREFIX}{collection}"), "", RECORDS_LIMIT).await;
        Ok(found.map_err(failed)?.into_iter().map(|document| document.content).collect())
    }
}
