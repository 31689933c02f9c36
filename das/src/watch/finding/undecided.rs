//! Tasks that often end undecided.
//!
//! Rule: at least [`ENOUGH`] verdicts, and the 95 % confidence sequence of the share of undecided ones lies above
//! [`OFTEN`]. Where most continuations simulated from the posterior decide within [`AFFORDABLE`] times the samples,
//! a larger budget is proposed; otherwise a person decides what the samples cannot.

use super::{Finding, FindingKind, Gain, count, share};
use crate::watch::remedy::{Edit, Remedy};
use crate::watch::sight::Sight;
use crate::watch::summary::{TaskCounts, VerdictBrief};

/// Fewer verdicts say nothing.
const ENOUGH: u64 = 5;
/// A share of undecided verdicts that is surely above this is often.
const OFTEN: f64 = 0.2;
/// A budget may grow so many times.
const AFFORDABLE: u64 = 4;
/// Largest budget that is proposed, samples.
const BUDGET_LIMIT: u64 = 100_000;

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut found = Vec::new();
    for process in &sight.processes {
        for (element, task) in &process.counts.tasks {
            let score = scoring::Score::new(task.verdicts, task.undecided);
            let Some(spec) = process.profile.spec(element) else { continue };
            if task.verdicts < ENOUGH || score.low <= OFTEN {
                continue;
            }
            let name = process.profile.label(element);
            let mut evidence = vec![share("undecided", task.verdicts, task.undecided)];
            let (title, edit) = match larger_budget(task) {
                Some(samples) => {
                    evidence.push(format!(
                        "simulated continuations: 95 % of them decide within {samples} samples in most of the runs"
                    ));
                    (
                        format!("Give '{name}' more samples: it often ends undecided"),
                        Edit::SampleBudget(samples),
                    )
                }
                None => {
                    evidence.push(
                        "simulated continuations do not decide within an affordable budget: the outcomes are too close"
                            .to_owned(),
                    );
                    let title = format!("Let a person decide '{name}' where it stays undecided");
                    (title, Edit::AskPersonIfUndecided)
                }
            };
            let asks_already =
                edit == Edit::AskPersonIfUndecided && spec.undecided.as_deref() == Some("person");
            if asks_already {
                continue;
            }
            let gain = Gain {
                what: "runs that end with a decision".to_owned(),
                mean: score.average,
                low: score.low,
                high: score.high,
            };
            evidence.push(gain.line());
            found.push(Finding {
                kind: FindingKind::Undecided,
                subject: process.subject(element),
                title,
                evidence,
                weight: task.verdicts,
                importance: score.average * (1.0 - 1.0 / count(task.verdicts + 1)),
                gain: Some(gain),
                definition: Some(process.definition.key),
                remedy: Some(Remedy::Edit { element: element.clone(), edit }),
            });
        }
    }
    found
}

/// A budget within which most of the undecided runs would have decided.
fn larger_budget(task: &TaskCounts) -> Option<u64> {
    let mut needed: Vec<Option<u64>> =
        task.recent.iter().filter(|verdict| verdict.undecided).map(|verdict| reachable(*verdict)).collect();
    // Those that are out of reach come last.
    needed.sort_by_key(|samples| samples.unwrap_or(u64::MAX));
    let median = needed.get(needed.len() / 2).copied().flatten()?;
    (median <= BUDGET_LIMIT).then(|| rounded(median))
}

fn reachable(verdict: VerdictBrief) -> Option<u64> {
    let wanted = verdict.samples + verdict.further;
    (verdict.further > 0 && !verdict.cut_off && wanted <= AFFORDABLE * verdict.samples).then_some(wanted)
}

/// Two digits are enough.
pub(super) fn rounded(samples: u64) -> u64 {
    let step = 10_u64.pow(samples.max(1).ilog10().saturating_sub(1));
    samples.div_ceil(step) * step
}
