//! A resource that most work waits for.
//!
//! Rule: at least [`ENOUGH`] recorded cases of a process that declares arrivals and resources; simulated on what they
//! showed, the resource with the longest queue is surely (lower end of the 95 % interval) busier than [`BUSY`], and one
//! more of it surely saves more than [`WORTH`] of a case's mean duration. Nothing in the model changes: it is a matter
//! of people and machines, so there is no proposal.

use super::{Finding, FindingKind, Gain, count};
use crate::watch::sight::Sight;

/// Fewer cases may be chance.
const ENOUGH: u64 = 20;
/// What works so much of its time has others wait.
const BUSY: f64 = 0.75;
/// A part of the mean duration that is worth telling.
const WORTH: f64 = 0.1;

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut found = Vec::new();
    for process in &sight.processes {
        let Some(waits) = &process.waits else { continue };
        let (busy, busy_low, busy_high) = waits.utilisation;
        let (saved, saved_low, saved_high) = waits.saved;
        if waits.cases < ENOUGH || busy_low <= BUSY || saved_low <= WORTH {
            continue;
        }
        let gain = Gain {
            what: "mean duration of a case, shorter".to_owned(),
            mean: saved,
            low: saved_low,
            high: saved_high,
        };
        let percent = |share: f64| 100.0 * share;
        let mut evidence = vec![
            format!(
                "simulated: {} is busy {:.0} % of its time (95 % interval {:.0} to {:.0} %)",
                waits.name,
                percent(busy),
                percent(busy_low),
                percent(busy_high.min(1.0))
            ),
            format!(
                "simulated: a case takes {} and waits {} of it",
                span(waits.duration),
                span(waits.waiting)
            ),
        ];
        evidence.extend(waits.learnt.iter().map(|line| line.trim().to_owned()));
        evidence.push(gain.line());
        found.push(Finding {
            kind: FindingKind::Bottleneck,
            subject: process.subject(&waits.resource),
            title: format!(
                "Have {} instead of {} of '{}' in '{}': most work waits for it",
                waits.capacity + 1,
                waits.capacity,
                waits.name,
                process.definition.name
            ),
            evidence,
            weight: waits.cases,
            importance: saved.clamp(0.0, 1.0) * (1.0 - 1.0 / count(waits.cases + 1)),
            gain: Some(gain),
            definition: Some(process.definition.key),
            remedy: None,
        });
    }
    found
}

/// A duration in its natural unit.
fn span(seconds: f64) -> String {
    match seconds {
        short if short < 120.0 => format!("{short:.1} s"),
        minutes if minutes < 7_200.0 => format!("{:.1} min", minutes / 60.0),
        hours if hours < 172_800.0 => format!("{:.1} h", hours / 3_600.0),
        days => format!("{:.1} d", days / 86_400.0),
    }
}
