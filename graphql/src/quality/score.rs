//! A score: the batting average with its uncertainty.

use async_graphql::{Context, Enum, Object, SimpleObject};
use kernel::ScoreRow;

use super::recent::RecentScore;
use crate::error::Result;
use crate::scalar::Timestamp;
use crate::{Error, State};

/// Attempts that a trend looks back on.
const TREND_ATTEMPTS: usize = 200;
/// Attempts that are looked at where nobody says how many, and at most.
const RECENT_ATTEMPTS: i32 = 1_000;
const RECENT_ATTEMPTS_LIMIT: i32 = 10_000;

/// What is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ScoreKind {
    /// A process.
    Process,
    /// A task of a process.
    Task,
    /// A prompt.
    Prompt,
    /// A tool.
    Tool,
    /// A language model.
    Model,
}

impl ScoreKind {
    /// The word of the port.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Task => "task",
            Self::Prompt => "prompt",
            Self::Tool => "tool",
            Self::Model => "model",
        }
    }

    fn parse(word: &str) -> Self {
        match word {
            "task" => Self::Task,
            "prompt" => Self::Prompt,
            "tool" => Self::Tool,
            "model" => Self::Model,
            _ => Self::Process,
        }
    }
}

/// How much something was used.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Usage {
    /// When it was used last.
    last_used_at: Option<Timestamp>,
    /// Mean duration of an attempt, in milliseconds.
    mean_duration_ms: Option<f64>,
    /// What all attempts cost, in the endpoint's currency.
    cost: f64,
}

#[derive(Clone)]
pub(crate) struct Score(pub(crate) ScoreRow);

/// How well something does: its batting average.
#[Object]
impl Score {
    /// What kind of thing it scores.
    async fn kind(&self) -> ScoreKind {
        ScoreKind::parse(&self.0.kind)
    }

    /// Which one: a process id, `process id/element id`, or the name of a prompt, tool or model.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The version, where versions are scored apart.
    async fn version(&self) -> Option<i32> {
        self.0.version
    }

    /// Finished attempts.
    async fn attempts(&self) -> u64 {
        self.0.attempts
    }

    /// Those that succeeded.
    async fn successes(&self) -> u64 {
        self.0.successes
    }

    /// Posterior mean under a uniform prior, in 0..=1.
    async fn average(&self) -> f64 {
        self.0.score().average
    }

    /// 95 % prior-posterior-ratio confidence sequence, lower end.
    async fn low(&self) -> f64 {
        self.0.score().low
    }

    /// Upper end.
    async fn high(&self) -> f64 {
        self.0.score().high
    }

    /// Recent average with forgetting, in 0..=1; null without attempts.
    async fn trend(&self, ctx: &Context<'_>) -> Result<Option<f64>> {
        let store = &ctx.data::<State>()?.store;
        let attempts = store.attempts(&self.0.kind, &self.0.subject, TREND_ATTEMPTS).await?;
        Ok(scoring::trend(attempts.iter().map(|attempt| attempt.success)))
    }

    /// What its newest attempts show: trend, quantiles of duration and cost, by whom, by version, drift.
    #[graphql(complexity = "100 + child_complexity")]
    async fn recent(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(RECENT_ATTEMPTS)", desc = "How many are looked at, at most 10,000.")]
        attempts: Option<i32>,
    ) -> Result<RecentScore> {
        let wanted = attempts.unwrap_or(RECENT_ATTEMPTS);
        if !(1..=RECENT_ATTEMPTS_LIMIT).contains(&wanted) {
            let problem = format!("{wanted} is not in 1..={RECENT_ATTEMPTS_LIMIT}");
            return Err(Error::Argument { argument: "attempts", problem }.into());
        }
        let store = &ctx.data::<State>()?.store;
        let wanted = usize::try_from(wanted).unwrap_or_default();
        Ok(RecentScore::of(store.attempts(&self.0.kind, &self.0.subject, wanted).await?))
    }

    /// How much it was used.
    async fn usage(&self) -> Usage {
        Usage {
            last_used_at: (self.0.attempts > 0).then_some(Timestamp(self.0.last_used_ms)),
            mean_duration_ms: (self.0.attempts > 0).then_some(self.0.mean_duration_ms),
            cost: self.0.cost,
        }
    }
}
