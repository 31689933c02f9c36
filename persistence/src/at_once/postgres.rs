//! PostgreSQL: one statement, which is a transaction of its own: one way to the server and back. Each part of it sees
//! the rows as they were before all.
//!
//! Rows are sent column by column, each an array in binary form, which the server takes apart without reading text letter
//! by letter.

use std::fmt::Write;

use sqlx::postgres::{PgArguments, PgPool};
use sqlx::{Arguments, AssertSqlSafe, Encode, Postgres, Type};

use crate::changes::{Cell, Change};
use crate::{Error, error};

pub(super) async fn write(on: &PgPool, rows: Vec<Change>, trail: Change) -> Result<bool, Error> {
    let mut joined = Joined::default();
    for change in rows.iter().chain([&trail]).filter(|change| !change.is_empty()) {
        joined.add(change).map_err(sqlx::Error::Encode)?;
    }
    if joined.parts == 0 {
        return Ok(true);
    }
    // The text is made of names in this program; what comes from outside is in the arguments.
    let statement = sqlx::query_with(AssertSqlSafe(joined.sql + " SELECT 1"), joined.arguments);
    match statement.execute(on).await {
        Ok(_) => Ok(true),
        Err(error) if error::is_refusal(&error) => {
            tracing::debug!(%error, "commits are written one by one");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Statements that are gathered, and the values of their parameters.
#[derive(Default)]
struct Joined {
    /// `WITH part1 AS (…), part2 AS (…)`.
    sql: String,
    arguments: PgArguments,
    parts: usize,
}

/// Why a value could not be given to a parameter.
type NotEncoded = Box<dyn std::error::Error + Send + Sync>;

impl Joined {
    fn add(&mut self, change: &Change) -> Result<(), NotEncoded> {
        let statement = match change {
            Change::Insert { head, width, tail, cells } => {
                let (mut sources, mut names) = (String::new(), String::new());
                for column in 0..*width {
                    let parameter = self.bind_column(cells.iter().skip(column).step_by(*width))?;
                    let comma = if column == 0 { "" } else { ", " };
                    // Writing to a text does not fail.
                    let _ = write!(sources, "{comma}${parameter}");
                    let _ = write!(names, "{comma}column{}", column + 1);
                }
                format!("{head} SELECT * FROM UNNEST({sources}) AS arrays ({names}) {tail}")
            }
            Change::Delete { table, column, keys } => {
                let keys = self.bind(keys)?;
                format!("DELETE FROM {table} WHERE {column} = ANY(${keys})")
            }
            Change::DeleteNumbered { table, keys } => {
                let (instances, numbers): (Vec<i64>, Vec<i64>) =
                    keys.iter().map(|(instance, number)| (*instance, i64::from(*number))).unzip();
                let (instances, numbers) = (self.bind(instances)?, self.bind(numbers)?);
                let pairs = format!("SELECT * FROM UNNEST(${instances}, ${numbers})");
                format!("DELETE FROM {table} WHERE (instance, number) IN ({pairs})")
            }
        };
        let before = if self.parts == 0 { "WITH" } else { "," };
        self.parts += 1;
        // Writing to a text does not fail.
        let _ = write!(self.sql, "{before} part{} AS ({statement})", self.parts);
        Ok(())
    }

    /// Gives a column, whose cells have one type, to the next parameter; says its number.
    fn bind_column<'a>(&mut self, cells: impl Iterator<Item = &'a Cell>) -> Result<usize, NotEncoded> {
        let mut cells = cells.peekable();
        match cells.peek() {
            Some(Cell::Int(_)) => {
                let whole = |cell: &Cell| if let Cell::Int(value) = cell { *value } else { None };
                self.bind(cells.map(whole).collect::<Vec<Option<i64>>>())
            }
            Some(Cell::Real(_)) => {
                let real = |cell: &Cell| if let Cell::Real(value) = cell { Some(*value) } else { None };
                self.bind(cells.map(real).collect::<Vec<Option<f64>>>())
            }
            _ => {
                let text =
                    |cell: &'a Cell| if let Cell::Text(value) = cell { value.as_deref() } else { None };
                self.bind(cells.map(text).collect::<Vec<Option<&str>>>())
            }
        }
    }

    /// Gives a value to the next parameter; says its number.
    fn bind<'a>(&mut self, value: impl Encode<'a, Postgres> + Type<Postgres>) -> Result<usize, NotEncoded> {
        self.arguments.add(value)?;
        Ok(self.arguments.len())
    }
}
