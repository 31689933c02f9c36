//! Tasks that fail, and incidents that recur at one element.
//!
//! Rule: at least [`ENOUGH`] incidents at one element of the newest version, and the 95 % confidence sequence of
//! their share of its visits lies above [`OFTEN`]. Where attempts fail and a later attempt of the same job succeeds,
//! more attempts are proposed, with the gain computed from the share of attempts that fail; where they do not, a
//! person looks at what the task gets before it runs.

use scoring::credible;

use super::{Finding, FindingKind, Gain, count, share};
use crate::watch::remedy::{Edit, Remedy};
use crate::watch::sight::Sight;
use crate::watch::summary::TaskCounts;

/// Fewer incidents at one element may be chance.
const ENOUGH: u64 = 3;
/// A share of visits that surely lies above this is often.
const OFTEN: f64 = 0.05;
/// Attempts of a task that says nothing.
const DEFAULT_ATTEMPTS: u32 = 3;
/// Attempts that are added.
const MORE_ATTEMPTS: u32 = 3;
/// Attempts beyond which more are not proposed.
const ATTEMPTS_LIMIT: u32 = 12;
/// Points at which a gain is computed over an interval.
const GRID: u32 = 64;

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut found = Vec::new();
    for process in &sight.processes {
        for (element, task) in &process.counts.tasks {
            let visits = task.completed + task.incidents;
            let score = scoring::Score::new(visits, task.incidents);
            if task.incidents < ENOUGH || score.low <= OFTEN {
                continue;
            }
            let name = process.profile.label(element);
            let mut evidence = vec![share("incidents per visit", visits, task.incidents)];
            let codes: Vec<String> =
                task.codes.iter().map(|(code, times)| format!("{code} {times} times")).collect();
            evidence.push(format!("failures by code: {}", codes.join(", ")));
            if !task.message.is_empty() {
                evidence.push(format!("the newest: {}", task.message));
            }
            let attempts = process
                .profile
                .spec(element)
                .and_then(|spec| spec.retries)
                .unwrap_or(DEFAULT_ATTEMPTS)
                .max(1);
            let passes = passes_by_itself(task) && attempts < ATTEMPTS_LIMIT;
            let (title, remedy, gain) = if passes {
                let more = attempts + MORE_ATTEMPTS;
                evidence.push(share("attempts that fail", task.completed + task.failures, task.failures));
                let remedy = Remedy::Edit { element: element.clone(), edit: Edit::Attempts(more) };
                (
                    format!("Try '{name}' up to {more} times: it fails and then succeeds"),
                    remedy,
                    retried(task, attempts, more),
                )
            } else {
                let gain = Gain {
                    what: "visits that do not stop there".to_owned(),
                    mean: score.average,
                    low: score.low,
                    high: score.high,
                };
                let remedy = Remedy::Instruct(format!("add an approval before {element}"));
                (format!("Let a person look before '{name}': it fails again and again"), remedy, gain)
            };
            evidence.push(gain.line());
            if !passes {
                evidence.push("at best: only where the person finds what is wrong".to_owned());
            }
            found.push(Finding {
                kind: FindingKind::FailingTask,
                subject: process.subject(element),
                title,
                evidence,
                weight: task.incidents,
                importance: (0.4 + 0.6 * score.average) * (1.0 - 1.0 / count(task.incidents + 1)),
                gain: Some(gain),
                definition: Some(process.definition.key),
                remedy: Some(remedy),
            });
        }
    }
    found
}

/// Whether failures pass: more attempts failed than those that an incident ended, each of which used up all attempts.
fn passes_by_itself(task: &TaskCounts) -> bool {
    task.completed > 0 && task.failures > task.incidents * u64::from(DEFAULT_ATTEMPTS)
}

/// Share of visits that no longer stop where an attempt fails with share q: q^before − q^after, smallest and largest
/// over the 95 % interval of q. Attempts are taken as independent.
fn retried(task: &TaskCounts, before: u32, after: u32) -> Gain {
    let (failed, worked) = (count(task.failures), count(task.completed));
    let interval = credible(failed + 1.0, worked + 1.0, 0.05);
    let less =
        |q: f64| q.powi(i32::try_from(before).unwrap_or(1)) - q.powi(i32::try_from(after).unwrap_or(1));
    let values: Vec<f64> = (0..=GRID)
        .map(|at| less(interval.low + (interval.high - interval.low) * f64::from(at) / f64::from(GRID)))
        .collect();
    Gain {
        what: "visits that do not stop there".to_owned(),
        mean: less((failed + 1.0) / (failed + worked + 2.0)),
        low: values.iter().copied().fold(f64::INFINITY, f64::min),
        high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}
