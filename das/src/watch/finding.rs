//! What is found in what was watched: one kind of finding per file, each with its rule, its thresholds and its
//! evidence.

mod bottleneck;
mod duplicate;
mod edited_again;
mod failing_task;
mod falling_score;
mod left_lying;
pub(super) mod machine;
mod passing_through;
mod slow_convergence;
mod undecided;
mod unshown_requirement;
mod unused_definition;
mod weak_prompt;

use std::collections::BTreeMap;
pub(super) use weak_prompt::is_of_draft;

use scoring::credible;
use serde::{Deserialize, Serialize};

use super::people::{ActKind, occasions};
use super::remedy::Remedy;
use super::sight::Sight;

pub(super) use falling_score::{Fall, Stretch};

/// Findings that one look keeps, the most important of each kind first.
pub const FINDINGS_LIMIT: usize = 500;
/// More occasions on which people looked at a process make its findings no more important.
const LOOKS: u64 = 10;

/// Kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A score is falling.
    FallingScore,
    /// A task often ends undecided.
    Undecided,
    /// A task fails, or incidents recur at it.
    FailingTask,
    /// A task needs nearly its whole budget of samples.
    SlowConvergence,
    /// Steps pass through: nothing is done in them.
    PassingThrough,
    /// A definition is not used.
    UnusedDefinition,
    /// Two definitions say the same.
    Duplicate,
    /// No completed run has shown that a requirement holds.
    UnshownRequirement,
    /// Most work waits for one resource.
    Bottleneck,
    /// A prompt converges slowly, gives answers that cannot be used, or fails its tests.
    WeakPrompt,
    /// People change the same place again and again.
    EditedAgain,
    /// What people begin stays undone.
    LeftLying,
    /// The disk is full or becomes so.
    DiskFilling,
    /// More and more waits in a queue.
    GrowingQueue,
    /// The process engine does not answer.
    EngineUnreachable,
    /// Memory does not answer, or worse than it could.
    MemoryDegraded,
    /// Processors or memory of the machine are used up.
    Overloaded,
}

impl FindingKind {
    /// All kinds.
    pub const ALL: [Self; 17] = [
        Self::FallingScore,
        Self::Undecided,
        Self::FailingTask,
        Self::SlowConvergence,
        Self::PassingThrough,
        Self::UnusedDefinition,
        Self::Duplicate,
        Self::UnshownRequirement,
        Self::Bottleneck,
        Self::WeakPrompt,
        Self::EditedAgain,
        Self::LeftLying,
        Self::DiskFilling,
        Self::GrowingQueue,
        Self::EngineUnreachable,
        Self::MemoryDegraded,
        Self::Overloaded,
    ];

    /// The word for it, as in ids.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FallingScore => "falling-score",
            Self::Undecided => "undecided",
            Self::FailingTask => "failing-task",
            Self::SlowConvergence => "slow-convergence",
            Self::PassingThrough => "passing-through",
            Self::UnusedDefinition => "unused-definition",
            Self::Duplicate => "duplicate",
            Self::UnshownRequirement => "unshown-requirement",
            Self::Bottleneck => "bottleneck",
            Self::WeakPrompt => "weak-prompt",
            Self::EditedAgain => "edited-again",
            Self::LeftLying => "left-lying",
            Self::DiskFilling => "disk-filling",
            Self::GrowingQueue => "growing-queue",
            Self::EngineUnreachable => "engine-unreachable",
            Self::MemoryDegraded => "memory-degraded",
            Self::Overloaded => "overloaded",
        }
    }
}

/// What is expected to be gained, with a 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Of what, in words.
    pub what: String,
    /// Estimate, a share in −1..=1.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Gain {
    /// In a line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "expected gain: {} by {:.0} percentage points (95 % interval {:.0} to {:.0})",
            self.what,
            self.mean * 100.0,
            self.low * 100.0,
            self.high * 100.0
        )
    }

    /// What is gained where the share `good` of `(n, successes)` takes the place of the share `bad`: the difference
    /// of two posteriors. Its interval is that of two 97.5 % intervals, so it holds at 95 % or better.
    pub(super) fn difference(what: &str, good: (u64, u64), bad: (u64, u64)) -> Self {
        let interval = |(n, s): (u64, u64)| credible(count(s) + 1.0, count(n - s.min(n)) + 1.0, 0.025);
        let mean = |(n, s): (u64, u64)| (count(s) + 1.0) / (count(n) + 2.0);
        let (better, worse) = (interval(good), interval(bad));
        Self {
            what: what.to_owned(),
            mean: mean(good) - mean(bad),
            low: better.low - worse.high,
            high: better.high - worse.low,
        }
    }
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its kind.
    pub kind: FindingKind,
    /// What it is about: a process id, `process id/element id`, a system.
    pub subject: String,
    /// What to do, in a line.
    pub title: String,
    /// What it rests on, a line each, with numbers and intervals.
    pub evidence: Vec<String>,
    /// How much it rests on, in observations: a rejected finding returns when this has doubled.
    pub weight: u64,
    /// How much it matters, in 0..=1, before what is known of its kind's acceptance.
    pub importance: f64,
    /// What may be gained, where that can be computed.
    pub gain: Option<Gain>,
    /// Definition it is about.
    pub definition: Option<i64>,
    /// What would change the process, where that is known.
    pub remedy: Option<Remedy>,
}

impl Finding {
    /// The same kind about the same subject has the same id.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}:{}", self.kind.as_str(), self.subject)
    }
}

/// All findings, each kind's by its own rule, the most important first.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut found = falling_score::find(sight);
    found.extend(undecided::find(sight));
    found.extend(failing_task::find(sight));
    found.extend(slow_convergence::find(sight));
    found.extend(passing_through::find(sight));
    found.extend(unused_definition::find(sight));
    found.extend(duplicate::find(sight));
    found.extend(unshown_requirement::find(sight));
    found.extend(bottleneck::find(sight));
    found.extend(weak_prompt::find(sight));
    found.extend(edited_again::find(sight));
    found.extend(left_lying::find(sight));
    found.extend(machine::find(&sight.recent, &sight.hours));
    looked_at(sight, &mut found);
    found.sort_by(|a, b| b.importance.total_cmp(&a.importance).then_with(|| a.id().cmp(&b.id())));
    found.truncate(FINDINGS_LIMIT);
    found
}

/// What people look at often matters more: with each occasion of the last thirty days in which they looked at its
/// process, up to [`LOOKS`], a finding's importance comes closer to 1, at most half the way.
fn looked_at(sight: &Sight, found: &mut [Finding]) {
    let mut views: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for act in sight.acts.iter().filter(|act| act.kind == ActKind::View) {
        views.entry(&act.subject).or_default().push(act.at_ms);
    }
    let looks: BTreeMap<&str, u64> =
        views.into_iter().map(|(subject, mut times)| (subject, occasions(&mut times) as u64)).collect();
    for finding in found.iter_mut().filter(|finding| finding.definition.is_some()) {
        let process = finding.subject.split('/').next().unwrap_or_default();
        let Some(&times) = looks.get(process).filter(|times| **times > 1) else { continue };
        let share = count(times.min(LOOKS)) / count(LOOKS);
        finding.importance += (1.0 - finding.importance) * 0.5 * share;
        finding.evidence.push(format!("people looked at this process on {times} occasions in thirty days"));
    }
}

/// `successes` of `n` with the share and its 95 % confidence sequence, in words.
pub(super) fn share(what: &str, n: u64, successes: u64) -> String {
    let score = scoring::Score::new(n, successes);
    format!(
        "{what}: {successes} of {n}, {:.0} % (95 % interval {:.0} to {:.0} %)",
        score.average * 100.0,
        score.low * 100.0,
        score.high * 100.0
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub(super) fn count(n: u64) -> f64 {
    n as f64
}
