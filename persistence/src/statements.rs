//! The SQL that both databases understand: rows in and out in bulk, and the end of the hash chain.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DbBackend, ExecResult, Statement, Value};
use trail::{GENESIS, Hash, NewEvent};

use crate::rows::Row;
use crate::{Error, array};

/// Most rows in one INSERT; smaller ones are powers of two: few statement texts, so that all
/// stay prepared, and few statements for any number of rows.
const BULK_LIMIT: usize = 256;

/// Prepared statements that a connection keeps: nine sizes of some twenty statements, and the queries.
pub(crate) const STATEMENTS: usize = 512;

/// How many of `left` rows the next statement takes.
fn bulk(left: usize) -> usize {
    let fits = left.clamp(1, BULK_LIMIT);
    1 << fits.ilog2()
}

/// `(?, ?), (?, ?)`: places for rows of `width` values each.
///
/// Without numbers: a number is a name to SQLite, and it looks for each name among all those of the statement. With a
/// few hundred values that takes longer than writing them.
fn places(rows: usize, width: usize) -> String {
    let mut text = String::with_capacity(rows * width * 4);
    for number in 0..rows * width {
        text.push_str(match number {
            0 => "(?",
            _ if number % width == 0 => "), (?",
            _ => ", ?",
        });
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

/// Inserts rows of `width` values each: `head` is the text before the rows, `tail` what follows them.
pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    head: &str,
    width: usize,
    tail: &str,
    mut values: Vec<Value>,
) -> Result<(), Error> {
    if connection.get_database_backend() == DbBackend::Postgres {
        return insert_arrays(connection, head, width, tail, &values).await;
    }
    while !values.is_empty() {
        let rows = bulk(values.len() / width);
        let rest = values.split_off((width * rows).min(values.len()));
        execute(connection, format!("{head} VALUES {} {tail}", places(rows, width)), values).await?;
        values = rest;
    }
    Ok(())
}

/// The same with an array for each column: one short statement, however many rows there are. PostgreSQL takes it
/// apart faster than a list of rows with a parameter for each value.
async fn insert_arrays(
    connection: &impl ConnectionTrait,
    head: &str,
    width: usize,
    tail: &str,
    values: &[Value],
) -> Result<(), Error> {
    if values.is_empty() {
        return Ok(());
    }
    let (mut sources, mut names, mut arrays) = (String::new(), String::new(), Vec::with_capacity(width));
    for (column, first) in values.iter().take(width).enumerate() {
        let comma = if column == 0 { "" } else { ", " };
        let number = column + 1;
        // Writing to a text does not fail.
        let _ = write!(sources, "{comma}${number}::text::{}[]", array::element_type(first));
        let _ = write!(names, "{comma}column{number}");
        arrays.push(text(array::literal(values.iter().skip(column).step_by(width))));
    }
    let sql = format!("{head} SELECT * FROM UNNEST({sources}) AS arrays ({names}) {tail}");
    execute(connection, sql, arrays).await?;
    Ok(())
}

/// The condition that a column holds one of these keys, however many they are, and the value of its `$1`.
pub(crate) fn is_one_of(backend: DbBackend, column: &str, keys: &[i64]) -> (String, Value) {
    match backend {
        DbBackend::Postgres => {
            let keys = array::of_numbers(keys.iter().copied());
            (format!("{column} = ANY($1::text::bigint[])"), text(keys))
        }
        _ => {
            // Plain numbers always serialise.
            let keys = serde_json::to_string(keys).unwrap_or_default();
            (format!("{column} IN (SELECT value FROM json_each($1))"), text(keys))
        }
    }
}

/// Deletes rows by their key column.
pub(crate) async fn delete(
    connection: &impl ConnectionTrait,
    table: &str,
    column: &str,
    keys: &[i64],
) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let (condition, keys) = is_one_of(connection.get_database_backend(), column, keys);
    execute(connection, format!("DELETE FROM {table} WHERE {condition}"), vec![keys]).await?;
    Ok(())
}

/// Deletes rows by instance and number.
pub(crate) async fn delete_numbered(
    connection: &impl ConnectionTrait,
    table: &str,
    keys: &[(i64, u32)],
) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let instances = || keys.iter().map(|(instance, _)| *instance);
    let numbers = || keys.iter().map(|(_, number)| i64::from(*number));
    let (pairs, values) = match connection.get_database_backend() {
        DbBackend::Postgres => (
            "SELECT * FROM UNNEST($1::text::bigint[], $2::text::bigint[])",
            vec![text(array::of_numbers(instances())), text(array::of_numbers(numbers()))],
        ),
        _ => {
            let pairs: Vec<[i64; 2]> = instances().zip(numbers()).map(<[i64; 2]>::from).collect();
            ("SELECT value ->> 0, value ->> 1 FROM json_each($1)", vec![json(&pairs)?])
        }
    };
    execute(connection, format!("DELETE FROM {table} WHERE (instance, number) IN ({pairs})"), values).await?;
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
