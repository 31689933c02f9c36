//! Scores: counters that every commit keeps up to date, read back by kind and subject.

use async_trait::async_trait;
use kernel::{Error as KernelError, ScoreFilter, ScoreRow, Scores};

use crate::rows::Row;
use crate::statements::text;
use crate::{Database, Error};

/// Rows that one call gives at most.
const PAGE_LIMIT: usize = 10_000;
/// Rows where the filter names no limit.
const PAGE: usize = 100;

impl Database {
    async fn read_scores(&self, filter: &ScoreFilter) -> Result<Vec<ScoreRow>, Error> {
        let mut values = Vec::new();
        let mut conditions = String::from("1 = 1");
        if let Some(kind) = &filter.kind {
            values.push(text(kind.clone()));
            conditions.push_str(&format!(" AND subject_kind = ${}", values.len()));
        }
        if let Some(subject) = &filter.subject {
            values.push(text(subject.clone()));
            conditions.push_str(&format!(" AND subject = ${}", values.len()));
        }
        if let Some(prefix) = &filter.subject_prefix {
            let length = prefix.chars().count();
            values.push(text(prefix.clone()));
            conditions.push_str(&format!(" AND substr(subject, 1, {length}) = ${}", values.len()));
        }
        let limit = if filter.limit == 0 { PAGE } else { filter.limit.min(PAGE_LIMIT) };
        let sql =
            format!("SELECT * FROM scores WHERE {conditions} ORDER BY subject_kind, subject LIMIT {limit}");
        self.query(sql, values).await?.iter().map(|row| score(&Row(row))).collect()
    }
}

fn score(row: &Row<'_>) -> Result<ScoreRow, Error> {
    let attempts: u64 = row.small("attempts")?;
    let total_ms: u32 = row.small("duration_ms").unwrap_or(u32::MAX);
    let counted = u32::try_from(attempts.max(1)).unwrap_or(u32::MAX);
    Ok(ScoreRow {
        kind: row.text("subject_kind")?,
        subject: row.text("subject")?,
        version: None,
        attempts,
        successes: row.small("successes")?,
        last_used_ms: row.int("last_ms")?,
        mean_duration_ms: f64::from(total_ms) / f64::from(counted),
        cost: row.real("cost")?,
    })
}

#[async_trait]
impl Scores for Database {
    async fn scores(&self, filter: &ScoreFilter) -> Result<Vec<ScoreRow>, KernelError> {
        self.read_scores(filter).await.map_err(|error| KernelError::from(engine::Error::from(error)))
    }
}
