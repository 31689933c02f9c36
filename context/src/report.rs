//! Tests of a prompt: the cases, what is asserted of each answer, and the report.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Item;

/// Most trials of one test, whatever the suite says.
pub const TRIALS_LIMIT: u32 = 2_000;

/// A set of cases, and how sure the gate must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestSuite {
    /// The cases, tried in turn until the gate decides.
    pub cases: Vec<TestCase>,
    /// How the gate decides.
    #[serde(default)]
    pub gate: Gate,
    /// Seed of the first trial; the k-th gets seed + k.
    #[serde(default)]
    pub seed: u64,
    /// Tokens the assembled prompt may take.
    #[serde(default = "default_budget")]
    pub budget: usize,
}

const fn default_budget() -> usize {
    8_000
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestCase {
    /// Its name.
    pub name: String,
    /// Values of the variables.
    #[serde(default)]
    pub variables: Map<String, Value>,
    /// Retrieved items.
    #[serde(default)]
    pub items: Vec<Item>,
    /// What is asserted of the answer.
    pub assertions: Vec<WeightedAssertion>,
    /// Share of the weight that must hold for the trial to pass, 0 to 1.
    #[serde(default = "default_threshold")]
    pub threshold: f64,
}

const fn default_threshold() -> f64 {
    1.0
}

/// An assertion and how much it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightedAssertion {
    /// What must hold.
    #[serde(flatten)]
    pub assertion: Assertion,
    /// Its weight, above 0.
    #[serde(default = "default_weight")]
    pub weight: f64,
}

const fn default_weight() -> f64 {
    1.0
}

/// What must hold for an answer. A refused, cut off, empty or invalid answer fails every one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "assert", rename_all = "snake_case")]
pub enum Assertion {
    /// The text contains this, upper and lower case alike.
    Contains {
        /// What it contains.
        text: String,
    },
    /// The text does not contain this, upper and lower case alike.
    Lacks {
        /// What it must not contain.
        text: String,
    },
    /// The text is this, white space around it aside.
    Equals {
        /// What it is.
        text: String,
    },
    /// The text is one of these, white space around it aside.
    OneOf {
        /// What it may be.
        texts: Vec<String>,
    },
    /// The answer is JSON, and at this pointer (RFC 6901) stands this value.
    At {
        /// Where.
        pointer: String,
        /// What stands there.
        value: Value,
    },
    /// The answer is JSON that fits this schema.
    Fits {
        /// The JSON Schema.
        schema: Value,
    },
    /// The text has at most so many characters.
    AtMost {
        /// How many.
        characters: usize,
    },
    /// The text matches this regular expression somewhere; `^` and `$` bind it to its ends.
    Matches {
        /// The expression.
        regex: String,
    },
    /// The number in the answer is this one: at a pointer where the answer is JSON, else the first number in the text.
    Number {
        /// What it should be.
        value: f64,
        /// How far it may be off.
        #[serde(default)]
        tolerance: f64,
        /// Where it stands (RFC 6901).
        #[serde(default)]
        pointer: Option<String>,
    },
    /// The answer cost at most so much, by the prices of the endpoint.
    CostAtMost {
        /// How much.
        cost: f64,
    },
    /// The answer came within this time.
    LatencyAtMost {
        /// Milliseconds.
        milliseconds: u64,
    },
    /// A model that is shown the answer says that this holds of it. Asked once, at temperature 0.
    Judged {
        /// What must hold, in a sentence.
        criterion: String,
    },
}

/// Wald's sequential probability ratio test of a pass rate (reference R8): trials go on until it decides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// A prompt with this pass rate must fail the gate.
    pub fail_rate: f64,
    /// A prompt with this pass rate must pass the gate.
    pub pass_rate: f64,
    /// Probability that the gate passes one at the fail rate.
    pub false_pass: f64,
    /// Probability that the gate fails one at the pass rate.
    pub false_fail: f64,
    /// Most trials; without a decision by then the verdict is undecided.
    pub trials: u32,
}

impl Default for Gate {
    fn default() -> Self {
        Self { fail_rate: 0.7, pass_rate: 0.9, false_pass: 0.05, false_fail: 0.1, trials: 200 }
    }
}

/// What the gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The pass rate is good enough.
    Pass,
    /// It is not.
    Fail,
    /// The trials ran out before it could be told.
    Undecided,
}

/// One trial of one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Name of the case.
    pub case: String,
    /// Seed it was drawn with.
    pub seed: u64,
    /// Whether it passed.
    pub passed: bool,
    /// Share of the weight that held, 0 to 1.
    pub score: f64,
    /// How the answer ended: `text`, `json`, `refusal`, `length`, `empty`, `invalid`.
    pub ending: String,
    /// The answer, cut at 2,000 characters.
    pub answer: String,
    /// What did not hold, a line per assertion.
    pub findings: Vec<String>,
    /// What the answer cost, by the prices of the endpoint.
    #[serde(default)]
    pub cost: f64,
    /// Milliseconds until the answer was there.
    #[serde(default)]
    pub elapsed_ms: u64,
}

/// The result of a test: the evidence an approval rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    /// SHA-256 of the rest: the report's name.
    pub id: String,
    /// The prompt.
    pub name: String,
    /// The version tested.
    pub hash: String,
    /// The model that answered.
    pub model: String,
    /// What the gate says.
    pub verdict: Verdict,
    /// The gate.
    pub gate: Gate,
    /// Trials made.
    pub trials: u32,
    /// Trials passed.
    pub passed: u32,
    /// Log-likelihood ratio of pass rate to fail rate after the last trial.
    pub log_ratio: f64,
    /// Posterior mean of the pass rate under a uniform prior.
    pub rate: f64,
    /// Low end of its interval (95 %, see [`crate::pass_rate_interval`]).
    pub low: f64,
    /// High end of it.
    pub high: f64,
    /// Each trial, in order.
    pub details: Vec<Trial>,
    /// Tokens sent and received.
    pub usage: llm::Usage,
    /// Cost by the prices of the endpoint.
    pub cost: f64,
    /// When it ended, milliseconds since the Unix epoch (UTC).
    pub at_ms: i64,
    /// True where no model was asked: the answers are those that were recorded when one was.
    #[serde(default)]
    pub recorded: bool,
}

impl TestReport {
    /// What an answer cost on average, by the prices of the endpoint.
    #[must_use]
    pub fn mean_cost(&self) -> f64 {
        self.cost / f64::from(self.trials.max(1))
    }

    /// The time within which this share of the answers was there, milliseconds; 0 without trials.
    #[must_use]
    pub fn latency_ms(&self, share: f64) -> u64 {
        let mut times: Vec<u64> = self.details.iter().map(|trial| trial.elapsed_ms).collect();
        times.sort_unstable();
        let last = times.len().saturating_sub(1);
        times.get(((last as f64) * share.clamp(0.0, 1.0)).round() as usize).copied().unwrap_or_default()
    }
}
