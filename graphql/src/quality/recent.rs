//! What the newest attempts of a subject show.

use async_graphql::SimpleObject;
use scoring::{Attempted, Quantiles as Found, Recent as Measured, Score};

/// What the newest attempts of a subject show.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RecentScore {
    /// Attempts looked at, the newest.
    attempts: u64,
    /// Those that succeeded.
    successes: u64,
    /// Success rate with forgetting, 0 to 1: half of the weight is on the newest seven; null without attempts.
    trend: Option<f64>,
    /// Durations in milliseconds; null without attempts.
    durations_ms: Option<Quantiles>,
    /// Costs in the endpoint's currency; null without attempts.
    costs: Option<Quantiles>,
    /// By whom, the most frequent first.
    by: Vec<UsedBy>,
    /// By version, where versions are known.
    versions: Vec<VersionScore>,
    /// Whether they have become worse than they were; null with fewer than 40 attempts.
    drift: Option<Drift>,
}

/// Quantiles of something.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Quantiles {
    /// One in ten is at most this.
    p10: f64,
    /// Half are at most this.
    p50: f64,
    /// Nine in ten are at most this.
    p90: f64,
    /// Ninety-nine in a hundred are at most this.
    p99: f64,
}

/// How often somebody used it.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct UsedBy {
    /// Who.
    actor: String,
    /// How often.
    attempts: u64,
}

/// How a version did.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct VersionScore {
    /// The version.
    version: i32,
    /// Finished attempts.
    attempts: u64,
    /// Those that succeeded.
    successes: u64,
    /// Posterior mean under a uniform prior, 0 to 1.
    average: f64,
    /// 95 % confidence sequence, lower end.
    low: f64,
    /// Upper end.
    high: f64,
}

/// Whether attempts have become worse: a sequential alarm with at most one false alarm in 1,000 attempts on average.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Drift {
    /// The success rate that the older half of the attempts lies above with 95 % probability.
    line: f64,
    /// Attempts of the newer half that were watched.
    watched: u64,
    /// The evidence that their rate lies below the line; an alarm from 1,000 on.
    evidence: f64,
    /// How many attempts ago the alarm was raised; null without one.
    raised_ago: Option<u64>,
}

impl From<Found> for Quantiles {
    fn from(found: Found) -> Self {
        Self { p10: found.p10, p50: found.p50, p90: found.p90, p99: found.p99 }
    }
}

impl RecentScore {
    /// Of these attempts, newest first.
    pub(crate) fn of(attempts: Vec<engine::port::Attempt>) -> Self {
        let attempts: Vec<Attempted> = attempts
            .into_iter()
            .map(|attempt| Attempted {
                success: attempt.success,
                duration_ms: attempt.duration_ms as f64,
                cost: attempt.cost,
                version: attempt.version,
                actor: attempt.actor,
            })
            .collect();
        let found = Measured::of(&attempts);
        let mut by: Vec<UsedBy> =
            found.by.into_iter().map(|(actor, attempts)| UsedBy { actor, attempts }).collect();
        by.sort_by(|a, b| b.attempts.cmp(&a.attempts).then_with(|| a.actor.cmp(&b.actor)));
        let versions = found.versions.into_iter().map(|(version, tried)| {
            let score = Score::new(tried.attempts, tried.successes);
            VersionScore {
                version,
                attempts: tried.attempts,
                successes: tried.successes,
                average: score.average,
                low: score.low,
                high: score.high,
            }
        });
        Self {
            attempts: found.attempts,
            successes: found.successes,
            trend: found.trend,
            durations_ms: found.durations.map(Quantiles::from),
            costs: found.costs.map(Quantiles::from),
            by,
            versions: versions.collect(),
            drift: found.drift.map(|drift| Drift {
                line: drift.line,
                watched: drift.watched,
                evidence: drift.evidence,
                raised_ago: drift.raised_ago,
            }),
        }
    }
}
