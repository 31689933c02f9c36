//! How a TDE executed a task, and what a probabilistic task decided.

use async_graphql::{Object, SimpleObject};
use ontology::iri::node_iri;
use serde_json::Value;

use crate::scalar::{Iri, Json, Timestamp};

/// A possible result with its share and 95 % confidence sequence.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub(crate) struct Outcome {
    /// The outcome.
    pub(crate) label: String,
    /// Posterior mean of its share under a uniform prior, in 0..=1.
    pub(crate) share: f64,
    /// Lower end of the confidence sequence.
    pub(crate) low: f64,
    /// Upper end.
    pub(crate) high: f64,
    /// Samples with this outcome.
    pub(crate) count: f64,
}

impl Outcome {
    /// An outcome that was seen `count` times in `of`.
    pub(crate) fn counted(label: &str, count: u64, of: u64) -> Self {
        let score = scoring::Score::new(of, count);
        Self {
            label: label.to_owned(),
            share: score.average,
            low: score.low,
            high: score.high,
            count: count as f64,
        }
    }
}

/// What a probabilistic task decided. Shares say how consistent the samples are, not what is true.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Verdict {
    /// The winner; null where it is undecided.
    winner: Option<String>,
    /// True where no outcome is certain enough.
    undecided: bool,
    /// Why sampling stopped: `converged`, `no_certain_winner`, `samples`, `tokens`, `cost`, `time`,
    /// `invalid_answers` or `ended`.
    reason: String,
    /// Samples taken.
    samples: u64,
    /// By what open answers were grouped before they were counted: `words` or `embeddings`; null where outcomes are
    /// declared or drawn.
    grouping: Option<String>,
    /// The outcomes with their shares.
    outcomes: Vec<Outcome>,
}

impl Verdict {
    /// The verdict as the kernel records it; `None` where there is none.
    fn read(recorded: &Value) -> Option<Self> {
        if recorded.is_null() {
            return None;
        }
        let found: scoring::Verdict = serde_json::from_value(recorded.clone()).ok()?;
        let word = |value: serde_json::Result<Value>| Some(value.ok()?.as_str()?.to_owned());
        let outcomes = found.shares.into_iter().map(|share| Outcome {
            label: share.label,
            share: share.share,
            low: share.low,
            high: share.high,
            count: share.count as f64,
        });
        Some(Self {
            winner: found.winner,
            undecided: found.undecided,
            reason: word(serde_json::to_value(found.reason)).unwrap_or_default(),
            grouping: found.grouping.and_then(|by| word(serde_json::to_value(by))),
            samples: found.samples,
            outcomes: outcomes.collect(),
        })
    }
}

#[derive(Clone)]
pub(crate) struct TaskRun(pub(crate) engine::port::TaskRun);

/// How a TDE executed a task.
#[Object]
impl TaskRun {
    /// Its IRI.
    async fn id(&self) -> Iri {
        Iri(node_iri("runs", "task", &format!("{}-{}", self.0.job, self.0.attempt)))
    }

    /// Id of the BPMN element.
    async fn element_id(&self) -> &str {
        &self.0.element
    }

    /// Number of the attempt, from 1.
    async fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// `stochastic`, `model`, `tool`, `file`, `feel`, `person`, `pass_through`, … .
    async fn executed_by(&self) -> &str {
        &self.0.executed_by
    }

    /// `completed`, `failed`, `error` or `cancelled`.
    async fn state(&self) -> &str {
        &self.0.state
    }

    /// What it decided, where it is probabilistic.
    async fn verdict(&self) -> Option<Verdict> {
        Verdict::read(&self.0.verdict)
    }

    /// What the TDE saw.
    async fn inputs(&self) -> Json {
        Json(Value::Object(self.0.inputs.clone()))
    }

    /// Its result.
    async fn outputs(&self) -> Json {
        Json(Value::Object(self.0.outputs.clone()))
    }

    /// Why it was executed this way, what was assumed, errors.
    async fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// When it began.
    async fn started_at(&self) -> Timestamp {
        Timestamp(self.0.started_ms)
    }

    /// When it ended.
    async fn ended_at(&self) -> Timestamp {
        Timestamp(self.0.ended_ms)
    }
}
