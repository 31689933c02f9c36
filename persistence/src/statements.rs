//! The SQL that both databases understand: rows in and out in bulk, and the end of the hash chain.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, ExecResult, Statement, Value};
use trail::{GENESIS, Hash, NewEvent};

use crate::Error;
use crate::joined::Joined;
use crate::rows::Row;

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

/// `(?, ?), (?, ?)` or `($1, $2), ($3, $4)`: places for rows of `width` values each.
///
/// SQLite gets them without numbers: a number is a name to it, and it looks for each name among all those of the
/// statement. With a few hundred values that takes longer than writing them.
fn places(backend: DbBackend, rows: usize, width: usize) -> String {
    let mut text = String::with_capacity(rows * width * 4);
    for number in 0..rows * width {
        text.push_str(match number {
            0 => "(",
            _ if number % width == 0 => "), (",
            _ => ", ",
        });
        // Writing to a text does not fail.
        let _ = match backend {
            DbBackend::Postgres => write!(text, "${}", number + 1),
            _ => write!(text, "?"),
        };
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

/// Where the statements of commits go.
pub(crate) enum Target<'a> {
    /// To the database, one after the other.
    Each(&'a DatabaseTransaction),
    /// Into one statement, which only PostgreSQL understands.
    Joined(Joined),
}

impl Target<'_> {
    /// Inserts rows of `width` values each: `head` is the text before the rows, `tail` what follows them.
    pub(crate) async fn insert(
        &mut self,
        head: &str,
        width: usize,
        tail: &str,
        mut values: Vec<Value>,
    ) -> Result<(), Error> {
        if values.is_empty() {
            return Ok(());
        }
        match self {
            Self::Joined(joined) => joined.insert(head, width, tail, &values)?,
            Self::Each(on) => {
                while !values.is_empty() {
                    let rows = bulk(values.len() / width);
                    let rest = values.split_off((width * rows).min(values.len()));
                    let sql =
                        format!("{head} VALUES {} {tail}", places(on.get_database_backend(), rows, width));
                    execute(*on, sql, values).await?;
                    values = rest;
                }
            }
        }
        Ok(())
    }

    /// Deletes rows by their key column.
    pub(crate) async fn delete(&mut self, table: &str, column: &str, keys: &[i64]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        match self {
            Self::Joined(joined) => joined.delete(table, column, keys),
            Self::Each(on) => {
                let (condition, value) = is_one_of(on.get_database_backend(), column, keys);
                execute(*on, format!("DELETE FROM {table} WHERE {condition}"), vec![value]).await?;
                Ok(())
            }
        }
    }

    /// Deletes rows by instance and number.
    pub(crate) async fn delete_numbered(&mut self, table: &str, keys: &[(i64, u32)]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        match self {
            Self::Joined(joined) => joined.delete_numbered(table, keys),
            Self::Each(on) => {
                let pairs: Vec<[i64; 2]> =
                    keys.iter().map(|(instance, number)| [*instance, i64::from(*number)]).collect();
                let listed = match on.get_database_backend() {
                    DbBackend::Postgres => {
                        "SELECT (value ->> 0)::bigint, (value ->> 1)::bigint FROM json_array_elements($1::json)"
                    }
                    _ => "SELECT value ->> 0, value ->> 1 FROM json_each($1)",
                };
                let sql = format!("DELETE FROM {table} WHERE (instance, number) IN ({listed})");
                execute(*on, sql, vec![json(&pairs)?]).await?;
                Ok(())
            }
        }
    }
}

/// The condition that a column holds one of these keys, however many they are, and the value of its one parameter.
pub(crate) fn is_one_of(backend: DbBackend, column: &str, keys: &[i64]) -> (String, Value) {
    let list = keys.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    match backend {
        DbBackend::Postgres => (format!("{column} = ANY($1::text::bigint[])"), text(format!("{{{list}}}"))),
        _ => (format!("{column} IN (SELECT value FROM json_each($1))"), text(format!("[{list}]"))),
    }
}

/// The end of the trail's hash chain, and the rows of the running transaction that are not written yet.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    position: i64,
    hash: Hash,
    unwritten: Vec<Value>,
}

impl Chain {
    const HEAD: &str = "INSERT INTO trail_events (position, previous_hash, hash, kind, at_ms, organisation, \
         actor, instance, definition, element, subject, data)";
    const WIDTH: usize = 12;

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

    /// Links entries to those before; gives the newest position.
    pub(crate) fn link(&mut self, events: &[NewEvent]) -> i64 {
        self.unwritten.reserve(events.len() * Self::WIDTH);
        for event in events {
            self.position += 1;
            let data = trail::canonical_json(&event.data);
            let hash = trail::link_data(&self.hash, self.position, event, &data);
            let previous_hash = std::mem::replace(&mut self.hash, hash.clone());
            self.unwritten.extend([
                int(self.position),
                text(previous_hash),
                text(hash),
                text(event.kind.clone()),
                int(event.at_ms),
                text(event.organisation.clone()),
                text(event.actor.clone()),
                int_or_null(event.instance),
                int_or_null(event.definition),
                text_or_null(event.element.clone()),
                text_or_null(event.subject.clone()),
                text(data),
            ]);
        }
        self.position
    }

    /// Writes the entries of the running transaction.
    pub(crate) async fn flush(&mut self, target: &mut Target<'_>) -> Result<(), Error> {
        target.insert(Self::HEAD, Self::WIDTH, "", std::mem::take(&mut self.unwritten)).await
    }
}
