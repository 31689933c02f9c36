//! What is written, as data: rows and keys of tables, before any database's SQL.

use std::sync::Arc;

use sea_orm::Value;

use crate::Error;

/// A value of a row. Texts are shared, not copied: the same names stand in very many rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Int(Option<i64>),
    Real(f64),
    Text(Option<Arc<str>>),
}

/// A whole number.
pub(crate) fn int(value: i64) -> Cell {
    Cell::Int(Some(value))
}

/// A whole number or nothing.
pub(crate) fn int_or_null(value: Option<i64>) -> Cell {
    Cell::Int(value)
}

/// A truth value.
pub(crate) fn truth(value: bool) -> Cell {
    Cell::Int(Some(i64::from(value)))
}

/// A floating-point number.
pub(crate) fn real(value: f64) -> Cell {
    Cell::Real(value)
}

/// A text.
pub(crate) fn text(value: &str) -> Cell {
    Cell::Text(Some(value.into()))
}

/// A text that is shared.
pub(crate) fn shared(value: &Arc<str>) -> Cell {
    Cell::Text(Some(value.clone()))
}

/// A text or nothing.
pub(crate) fn text_or_null(value: Option<&str>) -> Cell {
    Cell::Text(value.map(Arc::from))
}

/// A value as JSON text.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<Cell, Error> {
    let written = serde_json::to_string(value).map_err(|error| Error::Failed(error.to_string()))?;
    Ok(Cell::Text(Some(written.into())))
}

impl From<Cell> for Value {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Int(value) => Self::BigInt(value),
            Cell::Real(value) => Self::Double(Some(value)),
            Cell::Text(value) => Self::String(value.map(|value| value.as_ref().to_owned())),
        }
    }
}

/// Rows of one table that come or go.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Rows of `width` cells each: `head` is the SQL before the rows, `tail` what follows them.
    Insert { head: &'static str, width: usize, tail: &'static str, cells: Vec<Cell> },
    /// The rows whose column holds one of the keys go.
    Delete { table: &'static str, column: &'static str, keys: Vec<i64> },
    /// The rows with these instances and numbers go.
    DeleteNumbered { table: &'static str, keys: Vec<(i64, u32)> },
}

impl Change {
    /// Whether it changes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Insert { cells, .. } => cells.is_empty(),
            Self::Delete { keys, .. } => keys.is_empty(),
            Self::DeleteNumbered { keys, .. } => keys.is_empty(),
        }
    }
}
