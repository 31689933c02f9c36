//! The trail and the outbox in tables.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use trail::{Event, Filter, NewEvent, Outbox, OutboxItem, PendingItem, Trail, Verification, Verifier};

use crate::changes::Change;
use crate::rows::Row;
use crate::statements::{execute, int, make, text};
use crate::writer::{Write, Written};
use crate::{Database, Error};

/// Entries read at once while the chain is checked.
const VERIFY_PAGE: usize = 1_000;
/// Most entries or items that one call gives.
const PAGE_LIMIT: usize = 10_000;

struct Append(Vec<NewEvent>);

#[async_trait]
impl Write for Append {
    async fn write(&mut self, _: &DatabaseTransaction) -> Result<Written, Error> {
        Ok(Written { result: None, events: std::mem::take(&mut self.0) })
    }
}

fn event(row: &Row<'_>) -> Result<Event, Error> {
    Ok(Event {
        position: row.int("position")?,
        previous_hash: row.text("previous_hash")?,
        hash: row.text("hash")?,
        content: NewEvent {
            kind: row.text("kind")?,
            at_ms: row.int("at_ms")?,
            organisation: row.text("organisation")?,
            actor: row.text("actor")?,
            instance: row.int_or_null("instance")?,
            definition: row.int_or_null("definition")?,
            element: row.text_or_null("element")?,
            subject: row.text_or_null("subject")?,
            data: row.json("data")?,
        },
    })
}

impl Database {
    /// Events on this side of a position, the nearest first.
    async fn read_trail(&self, filter: &Filter, from: Side, limit: usize) -> Result<Vec<Event>, Error> {
        let (position, side, order) = match from {
            Side::After(position) => (position, ">", "ASC"),
            Side::Before(position) => (position, "<", "DESC"),
        };
        let mut values = vec![int(position)];
        let mut conditions = format!("position {side} $1");
        let mut and = |column: &str, value| {
            values.push(value);
            conditions.push_str(&format!(" AND {column} = ${}", values.len()));
        };
        if let Some(instance) = filter.instance {
            and("instance", int(instance));
        }
        if let Some(definition) = filter.definition {
            and("definition", int(definition));
        }
        if let Some(element) = &filter.element {
            and("element", text(element.clone()));
        }
        if let Some(subject) = &filter.subject {
            and("subject", text(subject.clone()));
        }
        if let Some(prefix) = &filter.kind_prefix {
            and(&format!("substr(kind, 1, {})", prefix.chars().count()), text(prefix.clone()));
        }
        if !filter.kinds.is_empty() {
            let mut one_of = |kind: &String| {
                values.push(text(kind.clone()));
                match kind.ends_with('.') {
                    true => format!("substr(kind, 1, {}) = ${}", kind.chars().count(), values.len()),
                    false => format!("kind = ${}", values.len()),
                }
            };
            let wanted: Vec<String> = filter.kinds.iter().map(&mut one_of).collect();
            conditions.push_str(&format!(" AND ({})", wanted.join(" OR ")));
        }
        let limit = limit.min(PAGE_LIMIT);
        let sql =
            format!("SELECT * FROM trail_events WHERE {conditions} ORDER BY position {order} LIMIT {limit}");
        self.query(sql, values).await?.iter().map(|row| event(&Row(row))).collect()
    }

    async fn verify_trail(&self) -> Result<Verification, Error> {
        let mut verifier = Verifier::default();
        let mut after = 0;
        loop {
            let sql = format!(
                "SELECT * FROM trail_events WHERE position > $1 ORDER BY position LIMIT {VERIFY_PAGE}"
            );
            let rows = self.query(sql, vec![int(after)]).await?;
            for row in &rows {
                let row = Row(row);
                after = row.int("position")?;
                // What cannot be read any more was changed as well: an entry with other content says so.
                let event = event(&row).unwrap_or_else(|_| Event {
                    position: after,
                    previous_hash: row.text("previous_hash").unwrap_or_default(),
                    hash: row.text("hash").unwrap_or_default(),
                    content: NewEvent::default(),
                });
                if !verifier.push(&event) {
                    return Ok(verifier.finish());
                }
            }
            if rows.len() < VERIFY_PAGE {
                return Ok(verifier.finish());
            }
        }
    }
}

/// On which side of a position, which is not among them.
#[derive(Clone, Copy)]
enum Side {
    After(i64),
    Before(i64),
}

#[async_trait]
impl Trail for Database {
    async fn append(&self, events: Vec<NewEvent>) -> Result<i64, trail::Error> {
        Ok(self.write(Append(events)).await?)
    }

    async fn read(&self, filter: &Filter, after: i64, limit: usize) -> Result<Vec<Event>, trail::Error> {
        Ok(self.read_trail(filter, Side::After(after), limit).await?)
    }

    async fn read_back(
        &self,
        filter: &Filter,
        before: i64,
        limit: usize,
    ) -> Result<Vec<Event>, trail::Error> {
        Ok(self.read_trail(filter, Side::Before(before), limit).await?)
    }

    async fn head(&self) -> Result<i64, trail::Error> {
        let sql = "SELECT COALESCE(MAX(position), 0) AS position FROM trail_events";
        let rows = self.query(sql, Vec::new()).await?;
        Ok(rows.first().map_or(Ok(0), |row| Row(row).int("position"))?)
    }

    async fn verify(&self) -> Result<Verification, trail::Error> {
        Ok(self.verify_trail().await?)
    }
}

struct Delivered(Vec<i64>);

#[async_trait]
impl Write for Delivered {
    async fn write(&mut self, on: &DatabaseTransaction) -> Result<Written, Error> {
        make(on, vec![Change::Delete { table: "outbox", column: "id", keys: self.0.clone() }]).await?;
        Ok(Written { result: None, events: Vec::new() })
    }
}

struct DeliveryFailed {
    id: i64,
    reason: String,
}

#[async_trait]
impl Write for DeliveryFailed {
    async fn write(&mut self, on: &DatabaseTransaction) -> Result<Written, Error> {
        let sql = "UPDATE outbox SET attempts = attempts + 1, reason = $1 WHERE id = $2";
        execute(on, sql, vec![text(std::mem::take(&mut self.reason)), int(self.id)]).await?;
        Ok(Written { result: None, events: Vec::new() })
    }
}

fn pending_item(row: &Row<'_>) -> Result<PendingItem, Error> {
    Ok(PendingItem {
        id: row.int("id")?,
        attempts: row.small("attempts")?,
        item: OutboxItem {
            topic: row.text("topic")?,
            key: row.text("item_key")?,
            payload: row.json("payload")?,
        },
    })
}

impl Database {
    /// Items of all topics that wait in the outbox.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Unreadable`].
    pub async fn outbox_depth(&self) -> Result<u64, Error> {
        let rows = self.query("SELECT COUNT(*) AS waiting FROM outbox", Vec::new()).await?;
        let waiting = rows.first().map(|row| Row(row).int("waiting")).transpose()?.unwrap_or_default();
        Ok(u64::try_from(waiting).unwrap_or_default())
    }
}

#[async_trait]
impl Outbox for Database {
    async fn pending(&self, topic: &str, limit: usize) -> Result<Vec<PendingItem>, trail::Error> {
        let limit = limit.min(PAGE_LIMIT);
        let sql = format!("SELECT * FROM outbox WHERE topic = $1 ORDER BY id LIMIT {limit}");
        let rows = self.query(sql, vec![text(topic)]).await?;
        Ok(rows.iter().map(|row| pending_item(&Row(row))).collect::<Result<_, _>>()?)
    }

    async fn delivered(&self, ids: &[i64]) -> Result<(), trail::Error> {
        self.write(Delivered(ids.to_vec())).await?;
        Ok(())
    }

    async fn failed(&self, id: i64, reason: &str) -> Result<(), trail::Error> {
        self.write(DeliveryFailed { id, reason: reason.replace('\0', " ") }).await?;
        Ok(())
    }
}
