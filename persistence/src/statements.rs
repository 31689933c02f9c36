//! The SQL that both databases understand: rows in and out in bulk, and the end of the hash chain.

use sea_orm::{ConnectionTrait, ExecResult, Statement, Value};
use trail::{GENESIS, Hash, NewEvent};

use crate::Error;
use crate::rows::Row;

/// Rows in one INSERT or keys in one DELETE, most first: few statement texts, so that all stay prepared.
const BULKS: [usize; 4] = [64, 16, 4, 1];

/// How many of `left` rows the next statement takes.
fn bulk(left: usize) -> usize {
    BULKS.into_iter().find(|size| *size <= left).unwrap_or(1)
}

/// `($1, $2), ($3, $4)`: places for rows of `width` values each.
fn places(rows: usize, width: usize) -> String {
    let mut text = String::with_capacity(rows * width * 6);
    for number in 0..rows * width {
        text.push_str(if number == 0 {
            "($"
        } else if number % width == 0 {
            "), ($"
        } else {
            ", $"
        });
        text.push_str(&(number + 1).to_string());
    }
    text.push(')');
    text
}

/// A whole number.
pub(crate) fn int(value: i64) -> Value {
    Value::BigInt(Some(value))
}

/// A whole number or nothing.
pub(crate) fn int_or_null(value: Option<i64>) -> Value {
    Value::BigInt(value)
}

/// A truth value.
pub(crate) fn truth(value: bool) -> Value {
    Value::BigInt(Some(i64::from(value)))
}

/// A floating-point number.
pub(crate) fn real(value: f64) -> Value {
    Value::Double(Some(value))
}

/// A text.
pub(crate) fn text(value: impl Into<String>) -> Value {
    Value::String(Some(value.into()))
}

/// A text or nothing.
pub(crate) fn text_or_null(value: Option<String>) -> Value {
    Value::String(value)
}

/// A value as JSON text.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<Value, Error> {
    Ok(text(serde_json::to_string(value).map_err(|error| Error::Failed(error.to_string()))?))
}

/// Runs one statement.
pub(crate) async fn execute(
    connection: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: Vec<Value>,
) -> Result<ExecResult, Error> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    Ok(connection.execute_raw(statement).await?)
}

/// Inserts rows of `width` values each: `head` is the text before VALUES, `tail` what follows the rows.
pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    head: &str,
    width: usize,
    tail: &str,
    mut values: Vec<Value>,
) -> Result<(), Error> {
    while !values.is_empty() {
        let rows = bulk(values.len() / width);
        let rest = values.split_off((width * rows).min(values.len()));
        execute(connection, format!("{head} VALUES {} {tail}", places(rows, width)), values).await?;
        values = rest;
    }
    Ok(())
}

/// Deletes rows by their key column.
pub(crate) async fn delete(
    connection: &impl ConnectionTrait,
    table: &str,
    column: &str,
    mut keys: &[i64],
) -> Result<(), Error> {
    while !keys.is_empty() {
        let (some, rest) = keys.split_at(bulk(keys.len()));
        let sql = format!("DELETE FROM {table} WHERE {column} IN {}", places(1, some.len()));
        execute(connection, sql, some.iter().map(|key| int(*key)).collect()).await?;
        keys = rest;
    }
    Ok(())
}

/// Deletes rows by instance and number.
pub(crate) async fn delete_numbered(
    connection: &impl ConnectionTrait,
    table: &str,
    mut keys: &[(i64, u32)],
) -> Result<(), Error> {
    while !keys.is_empty() {
        let (some, rest) = keys.split_at(bulk(keys.len()));
        let sql =
            format!("DELETE FROM {table} WHERE (instance, number) IN (VALUES {})", places(some.len(), 2));
        let values = some.iter().flat_map(|(instance, number)| [int(*instance), int((*number).into())]);
        execute(connection, sql, values.collect()).await?;
        keys = rest;
    }
    Ok(())
}

/// The end of the trail's hash chain, and the entries of the running transaction that are not written yet.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    position: i64,
    hash: Hash,
    unwritten: Vec<Linked>,
}

/// An entry that is not written yet.
#[derive(Clone, Debug)]
struct Linked {
    position: i64,
    previous_hash: Hash,
    hash: Hash,
    content: NewEvent,
    /// The canonical JSON of its data: hashed and stored.
    data: String,
}

impl Chain {
    /// Reads where the trail ends.
    pub(crate) async fn load(connection: &impl ConnectionTrait) -> Result<Self, Error> {
        let sql = "SELECT position, hash FROM trail_events ORDER BY position DESC LIMIT 1";
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let (position, hash) = match connection.query_one_raw(statement).await? {
            Some(row) => (Row(&row).int("position")?, Row(&row).text("hash")?),
            None => (0, GENESIS.to_owned()),
        };
        Ok(Self { position, hash, unwritten: Vec::new() })
    }

    /// The newest position.
    pub(crate) fn position(&self) -> i64 {
        self.position
    }

    /// Links an entry to the one before.
    pub(crate) fn append(&mut self, content: NewEvent) {
        let position = self.position + 1;
        let data = trail::canonical_json(&content.data);
        let hash = trail::link_data(&self.hash, position, &content, &data);
        let previous_hash = std::mem::replace(&mut self.hash, hash.clone());
        self.position = position;
        self.unwritten.push(Linked { position, previous_hash, hash, content, data });
    }

    /// Writes the entries of the running transaction.
    pub(crate) async fn flush(&mut self, connection: &impl ConnectionTrait) -> Result<(), Error> {
        const HEAD: &str = "INSERT INTO trail_events (position, previous_hash, hash, kind, at_ms, organisation, \
             actor, instance, definition, element, subject, data)";
        const WIDTH: usize = 12;
        let mut values = Vec::with_capacity(self.unwritten.len() * WIDTH);
        for event in self.unwritten.drain(..) {
            let content = event.content;
            values.extend([
                int(event.position),
                text(event.previous_hash),
                text(event.hash),
                text(content.kind),
                int(content.at_ms),
                text(content.organisation),
                text(content.actor),
                int_or_null(content.instance),
                int_or_null(content.definition),
                text_or_null(content.element),
                text_or_null(content.subject),
                text(event.data),
            ]);
        }
        insert(connection, HEAD, WIDTH, "", values).await
    }
}
