//! `/api/scores`: how well processes, tasks, prompts, tools and models do, as plain JSON.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use kernel::ScoreFilter;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refusal, Shared};

/// Most scores in an answer.
const SCORES_MAX: usize = 1_000;
const SCORES_DEFAULT: usize = 100;
/// Scores that are looked at.
const SCORES_READ: usize = 10_000;

/// Which scores.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    kind: Option<String>,
    subject: Option<String>,
    prefix: Option<String>,
    min_attempts: Option<u64>,
    after: Option<usize>,
    limit: Option<usize>,
}

/// Scores that match.
pub(super) async fn list(
    State(shared): State<Shared>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let wrong = |message: String| {
        let hint = "the parameters are kind, subject, prefix, min_attempts, after and limit (1 to 1000); see /openapi.json";
        Refusal::new(StatusCode::BAD_REQUEST, "HTTP-0008", message, hint)
    };
    let Query(asked) = asked.map_err(|error| wrong(error.body_text()))?;
    let limit = asked.limit.unwrap_or(SCORES_DEFAULT);
    if !(1..=SCORES_MAX).contains(&limit) {
        return Err(wrong(format!("limit {limit} is not between 1 and {SCORES_MAX}")));
    }
    let filter = ScoreFilter {
        kind: asked.kind,
        subject: asked.subject,
        subject_prefix: asked.prefix,
        limit: SCORES_READ,
    };
    let rows = shared.ports.scores.scores(&filter).await.map_err(|error| {
        tracing::error!(%error, "scores could not be read");
        let hint = "the log of the server says why";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.code(), "the scores could not be read", hint)
    })?;
    let least = asked.min_attempts.unwrap_or_default();
    let after = asked.after.unwrap_or_default();
    let fitting: Vec<_> = rows.iter().filter(|row| row.attempts >= least).collect();
    let total = fitting.len();
    let scores: Vec<Value> = fitting
        .into_iter()
        .skip(after)
        .take(limit)
        .map(|row| {
            let score = row.score();
            json!({
                "kind": row.kind, "subject": row.subject, "version": row.version,
                "attempts": score.attempts, "successes": score.successes,
                "average": score.average, "low": score.low, "high": score.high,
                "lastUsedMs": row.last_used_ms, "meanDurationMs": row.mean_duration_ms, "cost": row.cost,
            })
        })
        .collect();
    let reached = after.saturating_add(scores.len());
    Ok(Json(json!({"scores": scores, "total": total, "after": (reached < total).then_some(reached)})))
}
