//! Running a test: trials of the cases in turn until the gate decides.

use sha2::{Digest, Sha256};

use llm::{ChatRequest, Content, Model, Sample};
use scoring::{Sprt, SprtDecision};
use serde_json::Value;

use crate::report::TRIALS_LIMIT;
use crate::{
    Assertion, Error, PromptVersion, TestCase, TestReport, TestSuite, Trial, Verdict, assemble,
    pass_rate_interval,
};

/// Most cases of a suite.
pub(crate) const CASES_LIMIT: usize = 1_000;

/// Characters of an answer that are kept in a report.
const ANSWER_LIMIT: usize = 2_000;

/// Tests `version` with `model`.
pub(crate) async fn run(
    version: &PromptVersion,
    suite: &TestSuite,
    model: &dyn Model,
    at_ms: i64,
) -> Result<TestReport, Error> {
    let mut gate = check(version, suite)?;
    let requests = suite
        .cases
        .iter()
        .map(|case| Ok(assemble(version, &case.variables, &case.items, suite.budget)?.request))
        .collect::<Result<Vec<ChatRequest>, Error>>()?;
    let mut report = blank(version, suite, model, at_ms);
    let mut verdict = None;
    while verdict.is_none() && report.trials < suite.gate.trials.min(TRIALS_LIMIT) {
        let turn = report.trials as usize % suite.cases.len();
        let seed = suite.seed.wrapping_add(u64::from(report.trials));
        let request = ChatRequest { seed: Some(seed), samples: 1, ..requests[turn].clone() };
        let answer = model.chat(request).await?;
        report.usage += answer.usage;
        report.cost += answer.cost;
        let Some(sample) = answer.samples.first() else { continue_without(version, &answer.failures)? };
        let trial = judge(&suite.cases[turn], sample, seed);
        report.trials += 1;
        report.passed += u32::from(trial.passed);
        verdict = match gate.push(trial.passed) {
            SprtDecision::Accept => Some(Verdict::Pass),
            SprtDecision::Reject => Some(Verdict::Fail),
            SprtDecision::Continue => None,
        };
        report.details.push(trial);
        report.log_ratio = suite.gate.log_ratio(report.passed, report.trials);
    }
    report.verdict = verdict.unwrap_or(Verdict::Undecided);
    (report.rate, report.low, report.high) = pass_rate_interval(report.passed, report.trials);
    report.id = digest(&report);
    Ok(report)
}

/// A call without a sample is no trial: the test stops, because what is missing may not be missing at random.
fn continue_without<T>(version: &PromptVersion, failures: &[String]) -> Result<T, Error> {
    let reason = failures.first().map_or("the model gave no sample", String::as_str);
    Err(Error::Suite { name: version.prompt.name.clone(), reason: reason.to_owned() })
}

fn check(version: &PromptVersion, suite: &TestSuite) -> Result<Sprt, Error> {
    let refuse =
        |reason: String| Err::<Sprt, Error>(Error::Suite { name: version.prompt.name.clone(), reason });
    if suite.cases.is_empty() || suite.cases.len() > CASES_LIMIT {
        return refuse(format!("it must have 1 to {CASES_LIMIT} cases"));
    }
    for case in &suite.cases {
        if case.assertions.is_empty()
            || case.assertions.iter().any(|a| !(a.weight > 0.0 && a.weight.is_finite()))
        {
            return refuse(format!("case {} needs assertions with weights above 0", case.name));
        }
        if !(case.threshold > 0.0 && case.threshold <= 1.0) {
            return refuse(format!("the threshold of case {} must be above 0 and at most 1", case.name));
        }
        for weighted in &case.assertions {
            if let Assertion::Fits { schema } = &weighted.assertion
                && let Err(error) = jsonschema::validator_for(schema)
            {
                return refuse(format!("a schema of case {} is not a JSON Schema: {error}", case.name));
            }
        }
    }
    suite.gate.sprt().or_else(refuse)
}

fn blank(version: &PromptVersion, suite: &TestSuite, model: &dyn Model, at_ms: i64) -> TestReport {
    TestReport {
        id: String::new(),
        name: version.prompt.name.clone(),
        hash: version.hash.clone(),
        model: version.prompt.parameters.model.clone().unwrap_or_else(|| model.name().to_owned()),
        verdict: Verdict::Undecided,
        gate: suite.gate,
        trials: 0,
        passed: 0,
        log_ratio: 0.0,
        rate: 0.5,
        low: 0.0,
        high: 1.0,
        details: Vec::new(),
        usage: llm::Usage::default(),
        cost: 0.0,
        at_ms,
    }
}

fn digest(report: &TestReport) -> String {
    let value = serde_json::to_value(report).unwrap_or_default();
    hex::encode(Sha256::digest(trail::canonical_json(&value).as_bytes()))
}

fn judge(case: &TestCase, sample: &Sample, seed: u64) -> Trial {
    let text = sample.content.text();
    let usable = sample.content.is_usable();
    let total: f64 = case.assertions.iter().map(|a| a.weight).sum();
    let mut held = 0.0;
    let mut findings = Vec::new();
    if !usable {
        findings.push(format!("the answer ended as {}", sample.content.ending()));
    }
    for weighted in case.assertions.iter().filter(|_| usable) {
        match breach(&weighted.assertion, &text, &sample.content) {
            Some(finding) => findings.push(finding),
            None => held += weighted.weight,
        }
    }
    let score = held / total;
    Trial {
        case: case.name.clone(),
        seed,
        // Sums of weights are compared with a margin far below any weight a person writes.
        passed: score + 1e-9 >= case.threshold,
        score,
        ending: sample.content.ending().to_owned(),
        answer: text.chars().take(ANSWER_LIMIT).collect(),
        findings,
    }
}

/// What does not hold, in words; none where the assertion holds.
fn breach(assertion: &Assertion, text: &str, content: &Content) -> Option<String> {
    let has = |part: &str| text.to_lowercase().contains(&part.to_lowercase());
    match assertion {
        Assertion::Contains { text: part } => (!has(part)).then(|| format!("it does not contain {part:?}")),
        Assertion::Lacks { text: part } => has(part).then(|| format!("it contains {part:?}")),
        Assertion::Equals { text: whole } => {
            (text.trim() != whole.trim()).then(|| format!("it is not {whole:?}"))
        }
        Assertion::OneOf { texts } => (!texts.iter().any(|whole| whole.trim() == text.trim()))
            .then(|| format!("it is none of {}", texts.join(", "))),
        Assertion::At { pointer, value } => match parsed(text, content) {
            None => Some("it is not JSON".to_owned()),
            Some(json) => match json.pointer(pointer) {
                Some(found) if found == value => None,
                Some(found) => Some(format!("at {pointer} stands {found}, not {value}")),
                None => Some(format!("there is nothing at {pointer}")),
            },
        },
        Assertion::Fits { schema } => match parsed(text, content) {
            None => Some("it is not JSON".to_owned()),
            Some(json) => jsonschema::validate(schema, &json).err().map(|e| format!("it does not fit: {e}")),
        },
        Assertion::AtMost { characters } => {
            let length = text.chars().count();
            (length > *characters).then(|| format!("it has {length} characters, not at most {characters}"))
        }
    }
}

fn parsed(text: &str, content: &Content) -> Option<Value> {
    content.value().cloned().or_else(|| serde_json::from_str(text).ok())
}
