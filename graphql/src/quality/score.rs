//! A score: the batting average with its uncertainty.

use async_graphql::{Context, Enum, Object, SimpleObject};
use kernel::ScoreRow;

use crate::State;
use crate::error::Result;
use crate::scalar::Timestamp;

/// Attempts that a trend looks back on.
const TREND_ATTEMPTS: usize = 200;
/// What an attempt weighs compared with the next newer one: half of the weight is on the newest seven.
const FORGETTING: f64 = 0.9;

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
        Ok(trend(attempts.iter().map(|attempt| attempt.success)))
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

/// Mean of attempts, newest first, each weighing [`FORGETTING`] of the one after it.
fn trend(newest_first: impl Iterator<Item = bool>) -> Option<f64> {
    let (mut weight, mut sum, mut all) = (1.0, 0.0, 0.0);
    for success in newest_first {
        sum += if success { weight } else { 0.0 };
        all += weight;
        weight *= FORGETTING;
    }
    (all > 0.0).then(|| sum / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trend_follows_what_happened_lately() {
        assert_eq!(trend([].into_iter()), None);
        assert_eq!(trend([true; 9].into_iter()), Some(1.0));
        let better = trend((0..40).map(|age| age < 20)).unwrap();
        assert!(better > 0.85, "{better}");
    }
}
