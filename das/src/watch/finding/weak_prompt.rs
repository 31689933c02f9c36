//! Prompts that do worse than they could.
//!
//! Rule, for the version in use (in production, else the latest) where no newer one waits: at least [`ENOUGH`] of its
//! task's newest answers took [`NEAR`] of their budget in half of the cases; or more than [`INVALID_SHARE`] of its
//! samples were surely no usable answer; or its newest test failed, or an earlier version's test surely passed more
//! often. What is proposed is a diff of the prompt, by [`draft`]'s rules; what no rule can mend is no finding.

mod draft;

use std::collections::BTreeSet;

use bpmn::program::ExecutedBy;
use context::{TestReport, Verdict};
use scoring::Score;

use super::{Finding, FindingKind, count, share};
use crate::proposals::PromptChange;
use crate::watch::remedy::Remedy;
use crate::watch::sight::{PromptSight, Sight};

/// Fewer answers say nothing about convergence.
const ENOUGH: usize = 5;
/// So much of the budget is near its end.
const NEAR: f64 = 0.8;
/// Fewer samples say nothing about validity.
const ENOUGH_SAMPLES: u64 = 20;
/// Answers that cannot be used, as a share of the samples.
const INVALID_SHARE: f64 = 0.05;

/// How the line about the length of a draft begins.
const MORE_TOKENS: &str = "tokens of the draft: about ";

/// Whether a line of the evidence speaks of what the rules drafted, not of what was seen.
pub(in crate::watch) fn is_of_draft(line: &str) -> bool {
    draft::REASONS.iter().chain(&[MORE_TOKENS]).any(|start| line.starts_with(start))
}

/// What was seen of one prompt.
#[derive(Debug, Default)]
struct Seen {
    /// Outcomes that the tasks which use it declare.
    outcomes: BTreeSet<String>,
    /// Executions of those tasks that sampled it, and how many of them came near their budget.
    answers: usize,
    near: usize,
    /// Samples, and those that were no usable answer.
    samples: u64,
    invalid: u64,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Trouble {
    slow: bool,
    invalid: bool,
    failing: bool,
}

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    sight.prompts.iter().filter(|prompt| !prompt.waiting).filter_map(|prompt| of(sight, prompt)).collect()
}

/// Whether a prompt's slow convergence is answered by a diff of it: then no larger budget is offered.
pub(super) fn answers_for(sight: &Sight, name: &str) -> bool {
    let found = sight.prompts.iter().find(|prompt| prompt.version.prompt.name == name);
    found.is_some_and(|prompt| prompt.waiting || of(sight, prompt).is_some())
}

fn of(sight: &Sight, prompt: &PromptSight) -> Option<Finding> {
    let (name, hash) = (&prompt.version.prompt.name, &prompt.version.hash);
    let seen = seen(sight, name, hash);
    let own: Vec<&TestReport> = prompt.reports.iter().filter(|report| report.hash == *hash).collect();
    let newest = own.last().copied();
    let better = newest.and_then(|newest| {
        let others = prompt.reports.iter().filter(|report| report.hash != *hash);
        others.filter(|other| other.low > newest.high).max_by(|a, b| a.low.total_cmp(&b.low))
    });
    let wrong = Score::new(seen.samples, seen.invalid);
    let trouble = Trouble {
        slow: seen.answers >= ENOUGH && 2 * seen.near >= seen.answers,
        invalid: seen.samples >= ENOUGH_SAMPLES && wrong.low > INVALID_SHARE,
        failing: better.is_some() || newest.is_some_and(|report| report.verdict == Verdict::Fail),
    };
    if trouble == Trouble::default() {
        return None;
    }
    let drafted = draft::draft(&prompt.version.prompt, &seen.outcomes, newest, trouble)?;
    let mut evidence = Vec::new();
    if trouble.slow {
        evidence.push(share(
            "answers that took 80 % of their budget or more",
            seen.answers as u64,
            seen.near as u64,
        ));
    }
    if trouble.invalid {
        evidence.push(share("samples that were no usable answer", seen.samples, seen.invalid));
    }
    if let Some(report) = newest.filter(|_| trouble.failing) {
        evidence.push(test_line("test of this version", report));
    }
    evidence.extend(better.map(|report| test_line("test of an earlier version", report)));
    evidence.extend(drafted.reasons);
    evidence.extend(recorded(&own, &seen));
    let added =
        drafted.prompt.messages.iter().map(|message| context::estimate_tokens(&message.text)).sum::<usize>();
    let before: usize =
        prompt.version.prompt.messages.iter().map(|message| context::estimate_tokens(&message.text)).sum();
    evidence.push(format!("{MORE_TOKENS}{} more in each call", added.saturating_sub(before)));
    evidence.push(format!(
        "no label moves but 'latest': test it with procos prompt test {name}, then approve it; production stays until then"
    ));
    let weight =
        seen.samples.max(newest.map_or(0, |report| u64::from(report.trials))).max(seen.answers as u64);
    let importance = [
        if trouble.failing { 0.6 } else { 0.0 },
        if trouble.invalid { 0.4 + wrong.average / 2.0 } else { 0.0 },
        if trouble.slow { 0.5 * count(seen.near as u64) / count(seen.answers.max(1) as u64) } else { 0.0 },
    ];
    let short = hash.get(..8).unwrap_or(hash);
    Some(Finding {
        kind: FindingKind::WeakPrompt,
        // Another version is another subject: what was decided about this one says nothing about that.
        subject: format!("prompt:{name}@{short}"),
        title: format!("Change the prompt '{name}': {}", words(trouble)),
        evidence,
        weight,
        importance: importance.into_iter().fold(0.0, f64::max),
        gain: None,
        definition: None,
        remedy: Some(Remedy::Prompt(Box::new(PromptChange::between(
            hash,
            &prompt.version.prompt,
            drafted.prompt,
        )))),
    })
}

fn seen(sight: &Sight, name: &str, hash: &str) -> Seen {
    let mut seen = Seen::default();
    for process in &sight.processes {
        for (element, spec) in process.profile.specs() {
            if spec.by != ExecutedBy::Model || spec.reference.as_deref() != Some(name) {
                continue;
            }
            seen.outcomes.extend(spec.outcomes.iter().map(|outcome| outcome.label.clone()));
            let Some(task) = process.counts.tasks.get(element) else { continue };
            if task.prompt != hash {
                continue;
            }
            let budget = spec.stop.as_ref().and_then(|stop| stop.samples);
            for answer in &task.answers {
                seen.samples += answer.samples;
                seen.invalid += answer.invalid;
                if let Some(budget) = budget {
                    seen.answers += 1;
                    seen.near += usize::from(count(answer.samples) >= NEAR * count(budget));
                }
            }
        }
    }
    seen
}

/// What recorded answers say about the draft: those of tests are kept in words.
fn recorded(reports: &[&TestReport], seen: &Seen) -> Vec<String> {
    let answers: Vec<&str> =
        reports.iter().flat_map(|report| &report.details).map(|trial| trial.answer.as_str()).collect();
    if answers.is_empty() || seen.outcomes.is_empty() {
        return vec![
            "recorded answers are of the version as it is: how the change answers, only a test can tell"
                .to_owned(),
        ];
    }
    let named = answers.iter().filter(|answer| {
        let plain = answer.trim().trim_matches(|c: char| !c.is_alphanumeric());
        seen.outcomes.iter().any(|label| label.eq_ignore_ascii_case(plain))
    });
    let n = answers.len() as u64;
    vec![share("recorded answers that were none of the declared outcomes", n, n - named.count() as u64)]
}

fn test_line(what: &str, report: &TestReport) -> String {
    format!(
        "{what}: {} of {} passed, {:.0} % (95 % interval {:.0} to {:.0} %)",
        report.passed,
        report.trials,
        report.rate * 100.0,
        report.low * 100.0,
        report.high * 100.0
    )
}

fn words(trouble: Trouble) -> String {
    let parts = [
        (trouble.failing, "its tests fail"),
        (trouble.invalid, "its answers are often not usable"),
        (trouble.slow, "it converges slowly"),
    ];
    let said: Vec<&str> = parts.iter().filter(|(is, _)| *is).map(|(_, words)| *words).collect();
    said.join(", ")
}
