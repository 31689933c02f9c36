//! The SQL that both databases understand: rows in and out in bulk.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, ExecResult, Statement, Value};

use crate::Error;
use crate::changes::{self, Cell, Change};

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

/// A text.
pub(crate) fn text(value: impl Into<String>) -> Value {
    Value::String(Some(value.into()))
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

/// Makes changes, one after the other.
pub(crate) async fn make(on: &DatabaseTransaction, all: Vec<Change>) -> Result<(), Error> {
    for change in all {
        for (sql, cells) in statements(on.get_database_backend(), change) {
            execute(on, sql, cells.into_iter().map(Value::from).collect()).await?;
        }
    }
    Ok(())
}

/// The statements that make a change, with what their parameters hold; none where it is empty.
pub(crate) fn statements(backend: DbBackend, change: Change) -> Vec<(String, Vec<Cell>)> {
    if change.is_empty() {
        return Vec::new();
    }
    match change {
        Change::Insert { head, width, tail, mut cells } => {
            let mut found = Vec::new();
            while !cells.is_empty() {
                let rows = bulk(cells.len() / width);
                let rest = cells.split_off((width * rows).min(cells.len()));
                found.push((format!("{head} VALUES {} {tail}", places(backend, rows, width)), cells));
                cells = rest;
            }
            found
        }
        Change::Delete { table, column, keys } => {
            let (condition, keys) = is_one_of(backend, column, &keys);
            vec![(format!("DELETE FROM {table} WHERE {condition}"), vec![changes::text(&keys)])]
        }
        Change::DeleteNumbered { table, keys } => {
            let listed = match backend {
                DbBackend::Postgres => {
                    "SELECT (value ->> 0)::bigint, (value ->> 1)::bigint FROM json_array_elements($1::json)"
                }
                _ => "SELECT value ->> 0, value ->> 1 FROM json_each($1)",
            };
            let pairs: Vec<String> =
                keys.iter().map(|(instance, number)| format!("[{instance},{number}]")).collect();
            let pairs = format!("[{}]", pairs.join(","));
            let sql = format!("DELETE FROM {table} WHERE (instance, number) IN ({listed})");
            vec![(sql, vec![changes::text(&pairs)])]
        }
    }
}

/// The condition that a column holds one of these keys, however many they are, and what its one parameter holds.
pub(crate) fn is_one_of(backend: DbBackend, column: &str, keys: &[i64]) -> (String, String) {
    let list = keys.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    match backend {
        DbBackend::Postgres => (format!("{column} = ANY($1::text::bigint[])"), format!("{{{list}}}")),
        _ => (format!("{column} IN (SELECT value FROM json_each($1))"), format!("[{list}]")),
    }
}
