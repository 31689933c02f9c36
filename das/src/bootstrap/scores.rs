//! Scores of processes and their tasks, read through the kernel's port.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{ScoreFilter, Scores};

use super::ScoreSource;
use super::report::ScoreLine;
use crate::Error;

/// Most rows read for one process.
const MAX_ROWS: usize = 1_000;

/// Reads scores through the kernel's port; versions of one subject count together.
pub struct KernelScores(pub Arc<dyn Scores>);

#[async_trait]
impl ScoreSource for KernelScores {
    async fn scores(&self, process_ids: &[String]) -> Result<Vec<ScoreLine>, Error> {
        let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for id in process_ids {
            let whole = ScoreFilter {
                kind: Some("process".to_owned()),
                subject: Some(id.clone()),
                limit: MAX_ROWS,
                ..ScoreFilter::default()
            };
            let tasks = ScoreFilter {
                kind: Some("task".to_owned()),
                subject_prefix: Some(format!("{id}/")),
                limit: MAX_ROWS,
                ..ScoreFilter::default()
            };
            for filter in [whole, tasks] {
                for row in self.0.scores(&filter).await? {
                    let sum = sums.entry(row.subject).or_default();
                    sum.0 += row.attempts;
                    sum.1 += row.successes;
                }
            }
        }
        Ok(sums
            .into_iter()
            .map(|(subject, (attempts, successes))| {
                let score = scoring::Score::new(attempts, successes);
                ScoreLine {
                    subject,
                    attempts,
                    successes,
                    average: score.average,
                    low: score.low,
                    high: score.high,
                }
            })
            .collect())
    }
}
