//! Small things kept as JSON by collection and key: what ports with few, small rows are built on.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use serde_json::Value as Json;
use trail::NewEvent;

use crate::rows::Row;
use crate::statements::{execute, int, text};
use crate::writer::{Write, Written};
use crate::{Database, Error};

/// Bytes that one document may have as JSON.
pub const DOCUMENT_LIMIT: usize = 16 * 1024 * 1024;
/// Documents that one call of [`Documents::list`] gives at most.
pub const LIST_LIMIT: usize = 10_000;

/// JSON documents in collections; cheap to clone.
#[derive(Clone, Debug)]
pub struct Documents {
    database: Database,
}

/// A document as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its key in the collection.
    pub key: String,
    /// Its content.
    pub content: Json,
    /// When it was written, milliseconds since the Unix epoch.
    pub updated_ms: i64,
}

impl Documents {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Writes a document, over an earlier one with the same key, together with trail events (may be empty) in one
    /// transaction.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a document over [`DOCUMENT_LIMIT`]; [`Error::Failed`], [`Error::Full`].
    pub async fn put(
        &self,
        collection: &str,
        key: &str,
        content: &Json,
        now_ms: i64,
        events: Vec<NewEvent>,
    ) -> Result<(), Error> {
        let content = content.to_string();
        if content.len() > DOCUMENT_LIMIT {
            let size = content.len();
            return Err(Error::Unsupported(format!(
                "document {collection}/{key} has {size} bytes, DOCUMENT_LIMIT is {DOCUMENT_LIMIT}"
            )));
        }
        let change = Change {
            sql: "INSERT INTO documents (collection, key, content, updated_ms) VALUES ($1, $2, $3, $4) \
                  ON CONFLICT (collection, key) DO UPDATE SET content = excluded.content, \
                  updated_ms = excluded.updated_ms",
            values: vec![text(collection), text(key), text(content), int(now_ms)],
            events,
        };
        self.database.write(change).await?;
        Ok(())
    }

    /// One document.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Unreadable`].
    pub async fn get(&self, collection: &str, key: &str) -> Result<Option<Json>, Error> {
        let sql = "SELECT content FROM documents WHERE collection = $1 AND key = $2";
        let rows = self.database.query(sql, vec![text(collection), text(key)]).await?;
        rows.first().map(|row| Row(row).json("content")).transpose()
    }

    /// The documents of a collection with keys greater than `after` (empty: from the start), by key, at most
    /// `limit` and [`LIST_LIMIT`].
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Unreadable`].
    pub async fn list(&self, collection: &str, after: &str, limit: usize) -> Result<Vec<Document>, Error> {
        let limit = limit.min(LIST_LIMIT);
        let sql = format!(
            "SELECT key, content, updated_ms FROM documents WHERE collection = $1 AND key > $2 \
             ORDER BY key LIMIT {limit}"
        );
        let rows = self.database.query(sql, vec![text(collection), text(after)]).await?;
        rows.iter()
            .map(|row| {
                let row = Row(row);
                Ok(Document {
                    key: row.text("key")?,
                    content: row.json("content")?,
                    updated_ms: row.int("updated_ms")?,
                })
            })
            .collect()
    }

    /// Deletes a document together with trail events; one that is not there is no error.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Full`].
    pub async fn delete(&self, collection: &str, key: &str, events: Vec<NewEvent>) -> Result<(), Error> {
        let change = Change {
            sql: "DELETE FROM documents WHERE collection = $1 AND key = $2",
            values: vec![text(collection), text(key)],
            events,
        };
        self.database.write(change).await?;
        Ok(())
    }
}

struct Change {
    sql: &'static str,
    values: Vec<sea_orm::Value>,
    events: Vec<NewEvent>,
}

#[async_trait]
impl Write for Change {
    async fn write(&mut self, on: &DatabaseTransaction) -> Result<Written, Error> {
        execute(on, self.sql, std::mem::take(&mut self.values)).await?;
        Ok(Written { result: None, events: std::mem::take(&mut self.events) })
    }
}
