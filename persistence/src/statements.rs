//! The SQL that both databases understand: rows in and out in bulk, and the end of the hash chain.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, Statement, Value};
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
        let arrays =
            |first: usize| format!("{head} SELECT * FROM {} {tail}", from_arrays(first, width, &values));
        match self {
            Self::Joined(joined) => joined.add(&arrays(joined.next()), columns(width, &values)),
            Self::Each(on) if on.get_database_backend() == DbBackend::Postgres => {
                execute(*on, arrays(1), columns(width, &values)).await?;
            }
            Self::Each(on) => {
                while !values.is_empty() {
                    let rows = bulk(values.len() / width);
                    let rest = values.split_off((width * rows).min(values.len()));
                    let sql = format!("{head} VALUES {} {tail}", places(rows, width));
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
        let sql = |condition: &str| format!("DELETE FROM {table} WHERE {condition}");
        match self {
            Self::Joined(joined) => {
                let (condition, value) = is_one_of(DbBackend::Postgres, column, joined.next(), keys);
                joined.add(&sql(&condition), vec![value]);
            }
            Self::Each(on) => {
                let (condition, value) = is_one_of(on.get_database_backend(), column, 1, keys);
                execute(*on, sql(&condition), vec![value]).await?;
            }
        }
        Ok(())
    }

    /// Deletes rows by instance and number.
    pub(crate) async fn delete_numbered(&mut self, table: &str, keys: &[(i64, u32)]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let sql = |pairs: &str| format!("DELETE FROM {table} WHERE (instance, number) IN ({pairs})");
        let arrays = |first: usize| {
            let second = first + 1;
            sql(&format!("SELECT * FROM UNNEST(${first}::text::bigint[], ${second}::text::bigint[])"))
        };
        let instances = || keys.iter().map(|(instance, _)| *instance);
        let numbers = || keys.iter().map(|(_, number)| i64::from(*number));
        let both = || vec![text(array::of_numbers(instances())), text(array::of_numbers(numbers()))];
        match self {
            Self::Joined(joined) => joined.add(&arrays(joined.next()), both()),
            Self::Each(on) if on.get_database_backend() == DbBackend::Postgres => {
                execute(*on, arrays(1), both()).await?;
            }
            Self::Each(on) => {
                let pairs: Vec<[i64; 2]> = instances().zip(numbers()).map(<[i64; 2]>::from).collect();
                execute(*on, sql("SELECT value ->> 0, value ->> 1 FROM json_each($1)"), vec![json(&pairs)?])
                    .await?;
            }
        }
        Ok(())
    }
}

/// Statements about different rows as one, which is a transaction of its own: one way to the server and back. Each of
/// them sees the rows as they were before all.
#[derive(Default)]
pub(crate) struct Joined {
    /// `WITH part1 AS (…), part2 AS (…)`.
    sql: String,
    values: Vec<Value>,
    parts: usize,
}

impl Joined {
    /// The number of the next statement's first parameter.
    fn next(&self) -> usize {
        self.values.len() + 1
    }

    /// Adds a statement whose parameters are numbered from [`Joined::next`] on.
    fn add(&mut self, statement: &str, values: Vec<Value>) {
        let before = if self.parts == 0 { "WITH" } else { "," };
        self.parts += 1;
        // Writing to a text does not fail.
        let _ = write!(self.sql, "{before} part{} AS ({statement})", self.parts);
        self.values.extend(values);
    }

    /// Runs them.
    pub(crate) async fn run(self, on: &impl ConnectionTrait) -> Result<(), DbErr> {
        if self.parts == 0 {
            return Ok(());
        }
        let sql = self.sql + " SELECT 1";
        on.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, self.values)).await?;
        Ok(())
    }
}

/// Rows of `width` values as PostgreSQL takes them apart fastest: an array for each column, however many rows there
/// are; `first` is the number of the first one's parameter.
fn from_arrays(first: usize, width: usize, values: &[Value]) -> String {
    let (mut sources, mut names) = (String::new(), String::new());
    for (column, value) in values.iter().take(width).enumerate() {
        let comma = if column == 0 { "" } else { ", " };
        let (parameter, name) = (first + column, column + 1);
        // Writing to a text does not fail.
        let _ = write!(sources, "{comma}${parameter}::text::{}[]", array::element_type(value));
        let _ = write!(names, "{comma}column{name}");
    }
    format!("UNNEST({sources}) AS arrays ({names})")
}

/// The arrays of [`from_arrays`].
fn columns(width: usize, values: &[Value]) -> Vec<Value> {
    (0..width).map(|column| text(array::literal(values.iter().skip(column).step_by(width)))).collect()
}

/// The condition that a column holds one of these keys, however many they are, and the value of its parameter, which
/// has this number.
pub(crate) fn is_one_of(backend: DbBackend, column: &str, number: usize, keys: &[i64]) -> (String, Value) {
    match backend {
        DbBackend::Postgres => {
            let keys = array::of_numbers(keys.iter().copied());
            (format!("{column} = ANY(${number}::text::bigint[])"), text(keys))
        }
        _ => {
            // Plain numbers always serialise.
            let keys = serde_json::to_string(keys).unwrap_or_default();
            (format!("{column} IN (SELECT value FROM json_each(${number}))"), text(keys))
        }
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
