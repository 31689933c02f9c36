//! Comparing: two versions, or several models, on the same cases with the same seeds.

use std::collections::BTreeMap;

use scoring::{Better, Paired};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::recording::Answers;
use crate::report::TRIALS_LIMIT;
use crate::{Error, PromptVersion, TestReport, TestSuite, pass_rate_interval, trial};

/// Probability with which a comparison may call one better that is not.
pub const COMPARISON_ERROR: f64 = 0.05;

/// Two versions of a prompt on the same cases: is the candidate better than what is in use?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// SHA-256 of the rest: the comparison's name.
    pub id: String,
    /// The prompt.
    pub name: String,
    /// The version that would come.
    pub candidate: String,
    /// The version it is compared with.
    pub baseline: String,
    /// The model that answered.
    pub model: String,
    /// Pairs by who passed; the candidate is the first.
    pub paired: Paired,
    /// Which is better, by the sequential sign test at [`COMPARISON_ERROR`]; the candidate is the first.
    pub better: Better,
    /// Pass rate of the candidate less that of the baseline.
    pub difference: f64,
    /// Low end of its interval (95 %, valid however often one looks).
    pub low: f64,
    /// High end of it.
    pub high: f64,
    /// Two-sided p-value of the exact McNemar test at the last pair.
    pub exact_p: f64,
    /// Cost of both.
    pub cost: f64,
    /// When it ended, milliseconds since the Unix epoch (UTC).
    pub at_ms: i64,
}

impl Comparison {
    fn of(paired: Paired) -> Self {
        let (difference, interval) = paired.difference(COMPARISON_ERROR);
        Self {
            id: String::new(),
            name: String::new(),
            candidate: String::new(),
            baseline: String::new(),
            model: String::new(),
            paired,
            better: paired.better(COMPARISON_ERROR),
            difference,
            low: interval.low,
            high: interval.high,
            exact_p: paired.exact_p(),
            cost: 0.0,
            at_ms: 0,
        }
    }
}

/// Runs pairs until one is better or the trials of the suite's gate are used up.
pub(crate) async fn versions(
    (candidate, baseline): (&PromptVersion, &PromptVersion),
    suite: &TestSuite,
    answers: &Answers<'_>,
    at_ms: i64,
) -> Result<Comparison, Error> {
    trial::check(candidate, suite)?;
    let requests = (trial::requests(candidate, suite)?, trial::requests(baseline, suite)?);
    let (mut paired, mut usage, mut cost) = (Paired::default(), llm::Usage::default(), 0.0);
    let most = suite.gate.trials.min(TRIALS_LIMIT);
    while paired.pairs() < most && paired.better(COMPARISON_ERROR) == Better::Undecided {
        let at = (paired.pairs() as usize % suite.cases.len(), paired.pairs());
        let first = trial::one(candidate, suite, &requests.0, at, answers, &mut usage).await?;
        let second = trial::one(baseline, suite, &requests.1, at, answers, &mut usage).await?;
        cost += first.cost + second.cost;
        paired.push(first.passed, second.passed);
    }
    let mut found = Comparison {
        name: candidate.prompt.name.clone(),
        candidate: candidate.hash.clone(),
        baseline: baseline.hash.clone(),
        model: answers.model_of(candidate),
        cost,
        at_ms,
        ..Comparison::of(paired)
    };
    let value = serde_json::to_value(&found).unwrap_or_default();
    found.id = hex::encode(Sha256::digest(trail::canonical_json(&value).as_bytes()));
    Ok(found)
}

/// One model in a comparison of several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRow {
    /// The model.
    pub model: String,
    /// Trials made, and passed.
    pub trials: u32,
    /// Trials passed.
    pub passed: u32,
    /// Posterior mean of the pass rate.
    pub rate: f64,
    /// Low end of its interval (95 %, valid however often one looks).
    pub low: f64,
    /// High end of it.
    pub high: f64,
    /// Mean cost of an answer, by the prices of its endpoint.
    pub mean_cost: f64,
    /// Median time until an answer was there, milliseconds.
    pub p50_ms: u64,
    /// The time within which 95 % were there, milliseconds.
    pub p95_ms: u64,
    /// Against the first model, on the pairs that both have; none for the first.
    pub against_first: Option<Paired>,
    /// Two-sided p-value of the exact McNemar test against the first.
    pub exact_p: Option<f64>,
}

/// The models beside each other; each report is of the same version and suite.
#[must_use]
pub fn model_rows(reports: &[TestReport]) -> Vec<ModelRow> {
    let passes = |report: &TestReport| -> BTreeMap<(String, u64), bool> {
        report.details.iter().map(|trial| ((trial.case.clone(), trial.seed), trial.passed)).collect()
    };
    let first = reports.first().map(&passes).unwrap_or_default();
    let row = |(place, report): (usize, &TestReport)| {
        let against_first = (place > 0).then(|| {
            let mut paired = Paired::default();
            for (key, passed) in passes(report) {
                if let Some(other) = first.get(&key) {
                    paired.push(passed, *other);
                }
            }
            paired
        });
        let (rate, low, high) = pass_rate_interval(report.passed, report.trials);
        ModelRow {
            model: report.model.clone(),
            trials: report.trials,
            passed: report.passed,
            rate,
            low,
            high,
            mean_cost: report.mean_cost(),
            p50_ms: report.latency_ms(0.5),
            p95_ms: report.latency_ms(0.95),
            against_first,
            exact_p: against_first.map(|paired| paired.exact_p()),
        }
    };
    reports.iter().enumerate().map(row).collect()
}
