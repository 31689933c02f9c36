//! The trace matrix: which components, functions or processes answer which requirement.

use serde::{Deserialize, Serialize};

use crate::index::SystemIndex;
use crate::trace::trace;

/// What stands in the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Components.
    Components,
    /// Functions.
    Functions,
    /// Processes.
    Processes,
}

/// A row: a requirement and the ids of what answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Id of the requirement.
    pub requirement: String,
    /// Ids in natural order.
    pub answers: Vec<String>,
}

/// The row of one requirement.
#[must_use]
pub fn row(system: &SystemIndex, requirement: &str, columns: Columns) -> Row {
    let line = trace(system, requirement).unwrap_or_default();
    let answers = match columns {
        Columns::Components => line.components,
        Columns::Functions => line.functions,
        Columns::Processes => line.processes,
    };
    Row { requirement: requirement.to_owned(), answers }
}

/// The rows after a requirement, at most `limit`.
#[must_use]
pub fn rows(system: &SystemIndex, columns: Columns, after: Option<&str>, limit: usize) -> Vec<Row> {
    system.page("requirement", after, limit).map(|node| row(system, node.id(), columns)).collect()
}
