//! Falling scores.
//!
//! Rule: of the newest attempts of one version, the later half succeeds less often than the earlier one, by the χ²
//! comparison of halves that `scoring` uses for drift (1 % false alarms per look, one look for every
//! [`super::super::sight::RECHECK`] attempts), and by at least [`DROP`]. Or: a former version was surely better, that
//! is, its whole interval lies above that of the newest one.

use scoring::{Score, Tally, drift};

use super::{Finding, FindingKind, Gain, count, share};
use crate::watch::remedy::Remedy;
use crate::watch::sight::Sight;

/// A drop in the share of successes below this is not worth a word.
pub(in crate::watch) const DROP: f64 = 0.1;

/// Attempts and successes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::watch) struct Stretch {
    pub(in crate::watch) attempts: u64,
    pub(in crate::watch) successes: u64,
}

impl Stretch {
    pub(in crate::watch) fn of(outcomes: &[bool]) -> Self {
        let successes = outcomes.iter().filter(|success| **success).count() as u64;
        Self { attempts: outcomes.len() as u64, successes }
    }

    fn pair(self) -> (u64, u64) {
        (self.attempts, self.successes)
    }

    fn score(self) -> Score {
        Score::new(self.attempts, self.successes)
    }
}

/// How a score fell.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::watch) enum Fall {
    /// Within one version.
    Drift { before: Stretch, after: Stretch, p_value: f64 },
    /// Against a former version: its number and definition.
    Version { version: i32, definition: i64, before: Stretch, after: Stretch },
}

impl Fall {
    /// Whether outcomes, oldest first, drift down.
    pub(in crate::watch) fn within(outcomes: &[bool]) -> Option<Self> {
        let mut tally = Tally::new(["success".to_owned(), "failure".to_owned()], false).ok()?;
        for success in outcomes {
            tally.add(if *success { "success" } else { "failure" }).ok()?;
        }
        let found = drift(&tally).filter(|drift| drift.suspected)?;
        let (early, late) = outcomes.split_at(outcomes.len() / 2);
        let (before, after) = (Stretch::of(early), Stretch::of(late));
        let fell = before.score().average - after.score().average;
        (fell >= DROP).then_some(Self::Drift { before, after, p_value: found.p_value })
    }

    /// Whether a former version was surely better.
    pub(in crate::watch) fn against(former: &[(i32, i64, Stretch)], newest: Stretch) -> Option<Self> {
        let best = former.iter().max_by(|a, b| a.2.score().low.total_cmp(&b.2.score().low))?;
        let (version, definition, before) = *best;
        (newest.attempts > 0 && before.score().low > newest.score().high).then_some(Self::Version {
            version,
            definition,
            before,
            after: newest,
        })
    }
}

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut found = Vec::new();
    for process in &sight.processes {
        for (subject, fall) in &process.falls {
            let name = process.name_of(subject);
            let (before, after) = match fall {
                Fall::Drift { before, after, .. } | Fall::Version { before, after, .. } => (*before, *after),
            };
            let mut evidence = Vec::new();
            let (title, remedy) = match fall {
                Fall::Drift { p_value, .. } => {
                    evidence.push(share(
                        "earlier half of the newest attempts",
                        before.attempts,
                        before.successes,
                    ));
                    evidence.push(share("later half", after.attempts, after.successes));
                    evidence.push(format!("chance of such a difference if nothing changed: {p_value:.2e}"));
                    (format!("Look at '{name}': it succeeds less and less often"), None)
                }
                Fall::Version { version, definition, .. } => {
                    evidence.push(share(&format!("version {version}"), before.attempts, before.successes));
                    let newest = process.definition.version;
                    evidence.push(share(&format!("version {newest}"), after.attempts, after.successes));
                    let title = format!("Go back to version {version} of '{name}': it succeeded more often");
                    (title, Some(Remedy::Restore { definition: *definition, version: *version }))
                }
            };
            let gain = Gain::difference("success", before.pair(), after.pair());
            evidence.push(gain.line());
            found.push(Finding {
                kind: FindingKind::FallingScore,
                subject: subject.clone(),
                title,
                evidence,
                weight: after.attempts,
                importance: (0.5 + gain.mean / 2.0).clamp(0.0, 1.0) * (1.0 - 1.0 / count(after.attempts + 1)),
                gain: Some(gain),
                definition: Some(process.definition.key),
                remedy,
            });
        }
    }
    found
}
