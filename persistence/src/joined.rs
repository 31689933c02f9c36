//! Statements about different rows as one of PostgreSQL's, which is a transaction of its own: one way to the server and
//! back. Each of them sees the rows as they were before all.
//!
//! Rows are sent column by column, each an array in binary form: the server takes them apart in half the time that it
//! needs for the same arrays as text. SeaORM knows no arrays that hold nothing in places, so they go by sqlx.

use std::fmt::Write;
use std::sync::Arc;

use sea_orm::{DatabaseConnection, DbErr, RuntimeErr, Value};
use sqlx::postgres::PgArguments;
use sqlx::{Arguments, AssertSqlSafe, Encode, Postgres, Type};

use crate::Error;

/// Statements that are gathered, and the values of their parameters.
#[derive(Default)]
pub(crate) struct Joined {
    /// `WITH part1 AS (…), part2 AS (…)`.
    sql: String,
    arguments: PgArguments,
    parts: usize,
}

impl Joined {
    /// Inserts rows of `width` values each, of which there is one at least.
    pub(crate) fn insert(
        &mut self,
        head: &str,
        width: usize,
        tail: &str,
        values: &[Value],
    ) -> Result<(), Error> {
        let (mut sources, mut names) = (String::new(), String::new());
        for column in 0..width {
            let parameter = self.bind_column(values.iter().skip(column).step_by(width))?;
            let comma = if column == 0 { "" } else { ", " };
            // Writing to a text does not fail.
            let _ = write!(sources, "{comma}${parameter}");
            let _ = write!(names, "{comma}column{}", column + 1);
        }
        self.add(&format!("{head} SELECT * FROM UNNEST({sources}) AS arrays ({names}) {tail}"));
        Ok(())
    }

    /// Deletes rows by their key column.
    pub(crate) fn delete(&mut self, table: &str, column: &str, keys: &[i64]) -> Result<(), Error> {
        let keys = self.bind(keys)?;
        self.add(&format!("DELETE FROM {table} WHERE {column} = ANY(${keys})"));
        Ok(())
    }

    /// Deletes rows by instance and number.
    pub(crate) fn delete_numbered(&mut self, table: &str, keys: &[(i64, u32)]) -> Result<(), Error> {
        let (instances, numbers): (Vec<i64>, Vec<i64>) =
            keys.iter().map(|(instance, number)| (*instance, i64::from(*number))).unzip();
        let (instances, numbers) = (self.bind(instances)?, self.bind(numbers)?);
        let pairs = format!("SELECT * FROM UNNEST(${instances}, ${numbers})");
        self.add(&format!("DELETE FROM {table} WHERE (instance, number) IN ({pairs})"));
        Ok(())
    }

    /// Runs them.
    pub(crate) async fn run(self, on: &DatabaseConnection) -> Result<(), DbErr> {
        if self.parts == 0 {
            return Ok(());
        }
        // The text is made of names in this program; what comes from outside is in the arguments.
        let statement = sqlx::query_with(AssertSqlSafe(self.sql + " SELECT 1"), self.arguments);
        match statement.execute(on.get_postgres_connection_pool()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))),
        }
    }

    fn add(&mut self, statement: &str) {
        let before = if self.parts == 0 { "WITH" } else { "," };
        self.parts += 1;
        // Writing to a text does not fail.
        let _ = write!(self.sql, "{before} part{} AS ({statement})", self.parts);
    }

    /// Gives a column, whose values have one type, also those that are nothing, to the next parameter; says its number.
    fn bind_column<'a>(&mut self, values: impl Iterator<Item = &'a Value>) -> Result<usize, Error> {
        let mut values = values.peekable();
        match values.peek() {
            Some(Value::BigInt(_)) => self.bind(
                values
                    .map(|value| if let Value::BigInt(it) = value { *it } else { None })
                    .collect::<Vec<_>>(),
            ),
            Some(Value::Double(_)) => self.bind(
                values
                    .map(|value| if let Value::Double(it) = value { *it } else { None })
                    .collect::<Vec<_>>(),
            ),
            _ => self.bind(
                values
                    .map(|value| if let Value::String(it) = value { it.as_deref() } else { None })
                    .collect::<Vec<_>>(),
            ),
        }
    }

    /// Gives a value to the next parameter; says its number.
    fn bind<'a>(&mut self, value: impl Encode<'a, Postgres> + Type<Postgres>) -> Result<usize, Error> {
        self.arguments.add(value).map_err(|error| Error::Failed(error.to_string()))?;
        Ok(self.arguments.len())
    }
}
