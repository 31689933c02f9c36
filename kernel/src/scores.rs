//! The port by which scores are read: how often what was tried, and how often it worked.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Which scores to read; every field that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreFilter {
    /// `process`, `task`, `prompt`, `tool`, `model`.
    pub kind: Option<String>,
    /// This subject alone: a process id, `process id/element id`, a prompt, tool or model name.
    pub subject: Option<String>,
    /// Subjects that start with this text.
    pub subject_prefix: Option<String>,
    /// At most so many; 0 means 100.
    pub limit: usize,
}

/// What is known about one subject (and version, where it has one).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// `process`, `task`, `prompt`, `tool`, `model`.
    pub kind: String,
    /// Which.
    pub subject: String,
    /// Version, where there is one.
    pub version: Option<i32>,
    /// Finished attempts.
    pub attempts: u64,
    /// Those that succeeded.
    pub successes: u64,
    /// When it was used last, milliseconds since the Unix epoch.
    pub last_used_ms: i64,
    /// Mean duration of an attempt, milliseconds.
    pub mean_duration_ms: f64,
    /// What all attempts cost, in the endpoint's currency.
    pub cost: f64,
}

/// Scores that are kept, about 3 MB of them.
const MAX_KNOWN: usize = 50_000;
/// Scores by attempts and successes: each takes a search for two roots, and a ranking asks for the same ones again.
static KNOWN: LazyLock<Mutex<HashMap<(u64, u64), scoring::Score>>> = LazyLock::new(Mutex::default);

impl ScoreRow {
    /// The batting average with its interval.
    #[must_use]
    pub fn score(&self) -> scoring::Score {
        let counts = (self.attempts, self.successes);
        let mut known = KNOWN.lock();
        if known.len() > MAX_KNOWN {
            known.clear();
        }
        *known.entry(counts).or_insert_with(|| scoring::Score::new(self.attempts, self.successes))
    }
}

/// Reads scores.
#[async_trait]
pub trait Scores: Send + Sync {
    /// Rows that match, by kind, subject and version.
    async fn scores(&self, filter: &ScoreFilter) -> Result<Vec<ScoreRow>, Error>;
}
