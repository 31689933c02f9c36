//! What is worth looking at: weak scores, incidents, requirements that nothing answers for. Pure; the same sight
//! gives the same suggestions with the same ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::port::Incident;
use kernel::ScoreRow;
use ontology::{SystemIndex, coverage};
use serde::{Deserialize, Serialize};

/// Most suggestions made at once; the most pressing come first.
pub const SUGGESTIONS_LIMIT: usize = 100;
/// Attempts before a score says enough to suggest anything.
const ENOUGH_ATTEMPTS: u64 = 5;
/// A subject whose whole interval lies below this is weak.
const WEAK_BELOW: f64 = 0.8;
/// Incidents or requirements named one by one.
const NAMED: usize = 5;

/// A suggestion with what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// Its id; the same suggestion keeps it.
    pub id: String,
    /// What to do, in a line.
    pub title: String,
    /// What it rests on, a line each.
    pub evidence: Vec<String>,
    /// What it is about: a process, `process id/element id`, a system.
    pub subject: Option<String>,
    /// When what it rests on happened last, milliseconds since the Unix epoch.
    pub made_ms: i64,
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Scores.
    pub scores: &'a [ScoreRow],
    /// Open incidents.
    pub incidents: &'a [Incident],
    /// Systems.
    pub systems: &'a [Arc<SystemIndex>],
}

/// What is worth looking at, incidents first, then weak scores (weakest first), then gaps; at most
/// [`SUGGESTIONS_LIMIT`].
#[must_use]
pub fn suggest(seen: &Seen<'_>) -> Vec<Suggestion> {
    let mut found = of_incidents(seen.incidents);
    found.extend(of_scores(seen.scores));
    found.extend(seen.systems.iter().filter_map(|system| of_coverage(system)));
    found.truncate(SUGGESTIONS_LIMIT);
    found
}

fn of_incidents(incidents: &[Incident]) -> Vec<Suggestion> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Incident>> = BTreeMap::new();
    for incident in incidents {
        groups.entry((&incident.element, &incident.code)).or_default().push(incident);
    }
    let mut found: Vec<(usize, Suggestion)> = groups
        .into_iter()
        .map(|((element, code), group)| {
            let count = group.len();
            let lines = group.iter().take(NAMED);
            let mut evidence: Vec<String> = lines
                .map(|incident| format!("instance {}: {}", incident.instance, incident.message))
                .collect();
            if count > NAMED {
                evidence.push(format!("and {} more", count - NAMED));
            }
            let times =
                if count == 1 { "an instance waits".to_owned() } else { format!("{count} instances wait") };
            let suggestion = Suggestion {
                id: format!("incident/{element}/{code}"),
                title: format!("Look at \"{element}\": {times} there with {code}"),
                evidence,
                subject: Some(element.to_owned()),
                made_ms: group.iter().map(|incident| incident.raised_ms).max().unwrap_or_default(),
            };
            (count, suggestion)
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| b.cmp(a));
    found.into_iter().map(|(_, suggestion)| suggestion).collect()
}

fn of_scores(scores: &[ScoreRow]) -> Vec<Suggestion> {
    let mut weak: Vec<(f64, Suggestion)> = scores
        .iter()
        .filter(|row| row.attempts >= ENOUGH_ATTEMPTS)
        .map(|row| (row, row.score()))
        .filter(|(_, score)| score.high < WEAK_BELOW)
        .map(|(row, score)| {
            let suggestion = Suggestion {
                id: format!("score/{}/{}", row.kind, row.subject),
                title: format!("Improve the {} \"{}\": it often does not succeed", row.kind, row.subject),
                evidence: vec![format!(
                    "{} of {} attempts succeeded: {:.0} % (95 % interval {:.0} to {:.0} %)",
                    score.successes,
                    score.attempts,
                    score.average * 100.0,
                    score.low * 100.0,
                    score.high * 100.0
                )],
                subject: Some(row.subject.clone()),
                made_ms: row.last_used_ms,
            };
            (score.high, suggestion)
        })
        .collect();
    weak.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    weak.into_iter().map(|(_, suggestion)| suggestion).collect()
}

fn of_coverage(system: &SystemIndex) -> Option<Suggestion> {
    let covered = coverage::coverage(system);
    let missing = covered.unallocated.len();
    if missing == 0 {
        return None;
    }
    let lines = covered.unallocated.iter().take(NAMED);
    let mut evidence: Vec<String> = lines.map(|gap| format!("{}: {}", gap.id, gap.reason)).collect();
    if missing > NAMED {
        evidence.push(format!("and {} more", missing - NAMED));
    }
    Some(Suggestion {
        id: format!("coverage/{}", system.name),
        title: format!("Allocate {missing} of {} requirements of \"{}\"", covered.requirements, system.name),
        evidence,
        subject: Some(system.name.clone()),
        made_ms: system.changed_ms,
    })
}

#[cfg(test)]
mod tests {
    use ontology::model::{ChangeSet, Node, Requirement};

    use super::*;

    fn row(subject: &str, attempts: u64, successes: u64) -> ScoreRow {
        ScoreRow {
            kind: "process".to_owned(),
            subject: subject.to_owned(),
            version: None,
            attempts,
            successes,
            last_used_ms: 7,
            mean_duration_ms: 1.0,
            cost: 0.0,
        }
    }

    #[test]
    fn only_what_is_surely_weak_is_suggested() {
        let scores = [row("strong", 50, 50), row("young", 2, 0), row("weak", 40, 10), row("weaker", 40, 2)];
        let found = suggest(&Seen { scores: &scores, incidents: &[], systems: &[] });
        let subjects: Vec<&str> = found.iter().filter_map(|s| s.subject.as_deref()).collect();
        assert_eq!(subjects, ["weaker", "weak"]);
        assert!(found[0].evidence[0].contains("2 of 40"), "{:?}", found[0].evidence);
    }

    #[test]
    fn incidents_of_one_kind_are_one_suggestion() {
        let incident = |key| Incident {
            key,
            instance: key,
            element: "weigh".to_owned(),
            code: "FEEL-0001".to_owned(),
            message: "no mass".to_owned(),
            raised_ms: key,
        };
        let incidents: Vec<Incident> = (1..=8).map(incident).collect();
        let found = suggest(&Seen { scores: &[], incidents: &incidents, systems: &[] });
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].made_ms, 8);
        assert_eq!(found[0].evidence.last().map(String::as_str), Some("and 3 more"));
    }

    #[test]
    fn requirements_that_nothing_answers_for_are_named() {
        let mut system = SystemIndex::default();
        let put = vec![Node::Requirement(Requirement { id: "R-1".to_owned(), ..Requirement::default() })];
        system.apply(&ChangeSet { number: 1, system: "pump".to_owned(), put, ..ChangeSet::default() });
        let found = suggest(&Seen { scores: &[], incidents: &[], systems: &[Arc::new(system)] });
        assert_eq!(found[0].title, "Allocate 1 of 1 requirements of \"pump\"");
    }
}
