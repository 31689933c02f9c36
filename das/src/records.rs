//! Small things that DAS keeps beside proposals and offers: what people agreed to, their policies, the last weeks of
//! the machine. One port for all of them, because none needs more than a key.

use std::collections::BTreeMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;
use trail::NewEvent;

use crate::error::Error;

/// Most records that one call lists.
pub const RECORDS_LIMIT: usize = 1_000;

/// Keeps JSON by collection and key.
#[async_trait]
pub trait Records: Send + Sync {
    /// Writes a record over a former one with the same key, together with trail events, in one transaction.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    async fn put(
        &self,
        collection: &str,
        key: &str,
        content: &Value,
        now_ms: i64,
        events: Vec<NewEvent>,
    ) -> Result<(), Error>;
    /// One record.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    async fn get(&self, collection: &str, key: &str) -> Result<Option<Value>, Error>;
    /// The records of a collection by key, at most [`RECORDS_LIMIT`].
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    async fn list(&self, collection: &str) -> Result<Vec<Value>, Error>;
}

/// Records kept in memory only: for sandboxes and tests. Events are kept beside them.
#[derive(Debug, Default)]
pub struct VolatileRecords {
    kept: Mutex<BTreeMap<(String, String), Value>>,
    events: Mutex<Vec<NewEvent>>,
}

impl VolatileRecords {
    /// The events that came with records, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<NewEvent> {
        self.events.lock().clone()
    }
}

#[async_trait]
impl Records for VolatileRecords {
    async fn put(
        &self,
        collection: &str,
        key: &str,
        content: &Value,
        _now_ms: i64,
        events: Vec<NewEvent>,
    ) -> Result<(), Error> {
        self.kept.lock().insert((collection.to_owned(), key.to_owned()), content.clone());
        self.events.lock().extend(events);
        Ok(())
    }

    async fn get(&self, collection: &str, key: &str) -> Result<Option<Value>, Error> {
        Ok(self.kept.lock().get(&(collection.to_owned(), key.to_owned())).cloned())
    }

    async fn list(&self, collection: &str) -> Result<Vec<Value>, Error> {
        let kept = self.kept.lock();
        let found = kept.iter().filter(|((of, _), _)| of == collection).map(|(_, content)| content.clone());
        Ok(found.take(RECORDS_LIMIT).collect())
    }
}

/// Reads a record as what it is.
pub(crate) fn read<T: serde::de::DeserializeOwned>(content: Value) -> Result<T, Error> {
    serde_json::from_value(content)
        .map_err(|error| Error::Stopped(format!("a record is not readable: {error}")))
}

/// Writes something as a record.
pub(crate) fn write<T: serde::Serialize>(content: &T) -> Result<Value, Error> {
    serde_json::to_value(content)
        .map_err(|error| Error::Stopped(format!("a record is not writable: {error}")))
}
