//! Tasks and prompts that converge slowly.
//!
//! Rule: at least [`ENOUGH`] verdicts of a task that declares how many samples it may take, rarely undecided, but in
//! at least half of the newest ones it took [`NEAR`] of its budget or more: the next one may not decide. Twice the
//! budget is proposed, unless the words of its prompt can be made better ([`weak_prompt`]).

use super::undecided::rounded;
use super::{Finding, FindingKind, Gain, count, share, weak_prompt};
use crate::watch::remedy::{Edit, Remedy};
use crate::watch::sight::Sight;

/// Fewer verdicts say nothing.
const ENOUGH: usize = 5;
/// So much of the budget is near its end.
const NEAR: f64 = 0.8;
/// Largest budget that is proposed, samples.
const BUDGET_LIMIT: u64 = 100_000;

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut found = Vec::new();
    for process in &sight.processes {
        for (element, task) in &process.counts.tasks {
            let Some(spec) = process.profile.spec(element) else { continue };
            let Some(budget) = spec.stop.as_ref().and_then(|stop| stop.samples) else { continue };
            let fixed = spec.stop.as_ref().and_then(|stop| stop.rule.as_deref()) == Some("fixed");
            let newest = task.recent.len();
            let near =
                task.recent.iter().filter(|verdict| count(verdict.samples) >= NEAR * count(budget)).count();
            let open = task.recent.iter().filter(|verdict| verdict.undecided).count();
            // What ends undecided as often as not is the business of another rule.
            if fixed || newest < ENOUGH || 2 * near < newest || 2 * open >= near || 2 * budget > BUDGET_LIMIT
            {
                continue;
            }
            let prompt = spec.reference.as_deref().filter(|_| spec.by == bpmn::program::ExecutedBy::Model);
            // Better words come before more of them.
            if prompt.is_some_and(|prompt| weak_prompt::answers_for(sight, prompt)) {
                continue;
            }
            let name = process.profile.label(element);
            let most = task.recent.iter().map(|verdict| verdict.samples).max().unwrap_or_default();
            let what =
                prompt.map_or_else(|| format!("'{name}'"), |prompt| format!("prompt '{prompt}' of '{name}'"));
            let (n, undecided) = (newest as u64, open as u64);
            let score = scoring::Score::new(n, undecided);
            let gain = Gain {
                what: "runs that end with a decision".to_owned(),
                mean: score.average,
                low: score.low,
                high: score.high,
            };
            found.push(Finding {
                kind: FindingKind::SlowConvergence,
                subject: process.subject(element),
                title: format!("Give {what} a larger budget: it converges slowly"),
                evidence: vec![
                    share("verdicts that took 80 % of their budget or more", n, near as u64),
                    format!("budget {budget} samples, most taken {most}"),
                    share("undecided", n, undecided),
                    gain.line(),
                ],
                weight: task.verdicts,
                importance: 0.5 * near as f64 / newest as f64,
                gain: Some(gain),
                definition: Some(process.definition.key),
                remedy: Some(Remedy::Edit {
                    element: element.clone(),
                    edit: Edit::SampleBudget(rounded(2 * budget)),
                }),
            });
        }
    }
    found
}
