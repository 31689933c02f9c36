//! The verdict on a task: who wins or that nobody does, the shares with intervals, why it stopped, what it cost.

use serde::{Deserialize, Serialize};

use crate::posterior::draw_shares;
use crate::{
    BEST_DRAWS, Beta, Decision, Drift, Entropy, Exhausted, GroupedBy, INVALID, Plan, PprWinner, REFUSED,
    Rule, Spent, Stream, Tally, confidence_sequence, drift, entropy, probability_best, unseen_mass,
};

/// A share with its interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The outcome.
    pub label: String,
    /// Posterior mean under a uniform prior, in [0, 1]. It measures how consistent the source is, not how true.
    pub share: f64,
    /// Lower end of the 95 % confidence sequence (valid at any time).
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Samples with this outcome.
    pub count: u64,
}

/// Probability that an outcome has the largest share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelProbability {
    /// The outcome.
    pub label: String,
    /// Probability, by Monte Carlo over the posterior.
    pub probability: f64,
}

/// Why sampling stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The rule was met.
    Converged,
    /// The rule was met, but what it promises is not a winner and none is certain.
    NoCertainWinner,
    /// The budget in samples was used up.
    Samples,
    /// The budget in tokens was used up.
    Tokens,
    /// The budget in money was used up.
    Cost,
    /// The budget in time was used up.
    Time,
    /// Most answers could not be read or were refusals.
    InvalidAnswers,
    /// The source has nothing more to give.
    Ended,
}

/// How many samples the rule would still need, by simulation from the posterior.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectedFurther {
    /// Mean; a run that is cut off counts as the horizon, so it is a lower bound then.
    pub mean: f64,
    /// 95 % of the simulated runs need at most so many.
    pub high: u64,
    /// Runs were cut off at this many samples.
    pub horizon: u64,
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The winner; `None` where it is undecided.
    pub winner: Option<String>,
    /// The most frequent outcome, certain or not.
    pub leader: Option<String>,
    /// True where no outcome is certain enough.
    pub undecided: bool,
    /// True where the rule was met, false where the budget ended it.
    pub converged: bool,
    /// Why sampling stopped.
    pub reason: Reason,
    /// Samples taken.
    pub samples: u64,
    /// Shares, in order of declaration, then of appearance.
    pub shares: Vec<Share>,
    /// P(largest share) for each.
    pub probability_best: Vec<LabelProbability>,
    /// Stop rule.
    pub rule: String,
    /// Its error probability.
    pub delta: f64,
    /// What it cost, in the endpoint's currency.
    pub cost: f64,
    /// Tokens used.
    pub tokens: u64,
    /// Good–Turing estimate of the mass of unseen outcomes; `None` where all outcomes are declared.
    pub unseen: Option<f64>,
    /// How scattered the answers are.
    pub entropy: Entropy,
    /// Whether the source changed while it was sampled.
    pub drift: Option<Drift>,
    /// What it would still take where it is undecided.
    pub expected_further: Option<ExpectedFurther>,
    /// By what open answers were grouped before they were counted; `None` where outcomes are declared or drawn.
    #[serde(default)]
    pub grouping: Option<GroupedBy>,
}

/// Simulated continuations behind [`ExpectedFurther`].
const CONTINUATIONS: u64 = 64;

impl Verdict {
    /// Judges a tally. `seed` addresses the Monte Carlo draws of the report: the same tally and seed give the same
    /// verdict, bit for bit.
    #[must_use]
    pub fn reach(tally: &Tally, plan: &Plan, spent: &Spent, seed: u64) -> Self {
        let decision = plan.rule.decide(tally);
        let delta = plan.rule.delta();
        let leader = tally.leader().map(|(place, ..)| place);
        let certain = match (decision, plan.rule) {
            (Decision::Winner(place), _) => Some(place),
            // A rule about shares may be met without a winner; that question has its own rule.
            (Decision::Enough, Rule::Fixed(_)) => {
                tally.leader().filter(|(_, a, b)| Beta::leads(*a, *b) >= 1.0 - delta).map(|(place, ..)| place)
            }
            (Decision::Enough, _) => match (PprWinner { delta }).decide(tally) {
                Decision::Winner(place) => Some(place),
                _ => None,
            },
            (Decision::Continue, _) => None,
        };
        let label = |place: usize| tally.labels().get(place).cloned();
        let unreadable = certain.and_then(label).is_some_and(|name| name == INVALID || name == REFUSED);
        let winner = certain.and_then(label).filter(|_| !unreadable);
        let converged = decision != Decision::Continue;
        let reason = match (converged, unreadable, winner.is_some()) {
            (_, true, _) => Reason::InvalidAnswers,
            (true, _, true) => Reason::Converged,
            (true, ..) => Reason::NoCertainWinner,
            (false, ..) => plan.budget.exhausted(spent).map_or(Reason::Ended, Reason::from),
        };
        let mut stream = Stream::seeded(seed);
        let best = probability_best(tally, &mut stream, BEST_DRAWS);
        let probability_best = (tally.labels().iter().cloned().zip(best))
            .map(|(label, probability)| LabelProbability { label, probability })
            .collect();
        Self {
            undecided: winner.is_none(),
            winner,
            leader: leader.and_then(label),
            converged,
            reason,
            samples: tally.samples(),
            shares: shares(tally),
            probability_best,
            rule: plan.rule.name().to_owned(),
            delta,
            cost: spent.cost,
            tokens: spent.tokens,
            unseen: tally.is_open().then(|| unseen_mass(tally)),
            entropy: entropy(tally),
            drift: drift(tally),
            expected_further: (!converged && tally.samples() > 0)
                .then(|| expected_further(tally, &plan.rule, &mut stream)),
            grouping: None,
        }
    }

    /// The share of an outcome, if it is known.
    #[must_use]
    pub fn share(&self, label: &str) -> Option<&Share> {
        self.shares.iter().find(|share| share.label == label)
    }
}

impl From<Exhausted> for Reason {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::Samples => Self::Samples,
            Exhausted::Tokens => Self::Tokens,
            Exhausted::Cost => Self::Cost,
            Exhausted::Time => Self::Time,
        }
    }
}

fn shares(tally: &Tally) -> Vec<Share> {
    let (n, k) = (tally.effective(), tally.labels().len() as f64);
    let counts = tally.labels().iter().zip(tally.pseudo_counts()).zip(tally.counts());
    counts
        .map(|((label, pseudo), count)| {
            let interval = confidence_sequence(pseudo, n, 0.05);
            Share {
                label: label.clone(),
                share: (pseudo + 1.0) / (n + k),
                low: interval.low,
                high: interval.high,
                count: *count,
            }
        })
        .collect()
}

/// Continues the tally with shares drawn from its posterior until the rule is met or the horizon is reached.
fn expected_further(tally: &Tally, rule: &Rule, stream: &mut Stream) -> ExpectedFurther {
    let horizon = (4 * tally.samples()).clamp(40, 1_000);
    let mut needed: Vec<u64> = (0..CONTINUATIONS)
        .map(|_| {
            let shares = draw_shares(tally, stream);
            let mut continued = tally.clone();
            for step in 1..=horizon {
                let mut left = stream.uniform();
                let place = shares.iter().position(|share| {
                    left -= share;
                    left < 0.0
                });
                let label = place.and_then(|place| tally.labels().get(place)).or(tally.labels().last());
                let full = label.is_none_or(|label| continued.add(label).is_err());
                if full || rule.decide(&continued) != Decision::Continue {
                    return step;
                }
            }
            horizon
        })
        .collect();
    needed.sort_unstable();
    let high = needed.get((needed.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(horizon);
    ExpectedFurther { mean: needed.iter().sum::<u64>() as f64 / CONTINUATIONS as f64, high, horizon }
}
