//! How well a log agrees with a process: token-replay fitness, escaping-edges precision, and where each case deviates.
//!
//! - Fitness (Rozinat, van der Aalst 2008): f = ½(1 − Σm/Σc) + ½(1 − Σr/Σp) over all cases, with missing, consumed,
//!   remaining and produced tokens. A case that the process accepts counts with m = r = 0: unseen steps are searched,
//!   not guessed. An activity that the process does not have counts as one token missing and one remaining.
//! - Precision (Muñoz-Gama, Carmona 2010): 1 − Σ w·|allowed − seen| / Σ w·|allowed| over the beginnings of cases that
//!   can be replayed, w being how many cases go on from there.
//! - Quality is their harmonic mean.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bpmn::program::{Node, Program};
use serde::Serialize;

use super::log::{EventLog, Variant};
use super::net::{Marking, Net, key};

/// Most deviating variants that are listed.
pub const MAX_LISTED: usize = 1_000;
/// Most markings looked at between two events.
const WIDTH: usize = 2_000;
/// Most firings of one replay; beyond it only [`NARROW`] markings are looked at between two events.
const MAX_FIRINGS: u64 = 20_000_000;
/// See [`MAX_FIRINGS`].
const NARROW: usize = 30;
/// Most activities named as expected in a deviation.
const MAX_EXPECTED: usize = 6;

/// How a log and a process agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conformance {
    /// Cases in the log.
    pub cases: usize,
    /// Cases that the process accepts from beginning to end.
    pub fitting: usize,
    /// Token-replay fitness, in 0..=1.
    pub fitness: f64,
    /// Escaping-edges precision, in 0..=1.
    pub precision: f64,
    /// Harmonic mean of fitness and precision.
    pub f1: f64,
    /// Tokens that were missing, in all cases.
    pub missing: u64,
    /// Tokens that were consumed.
    pub consumed: u64,
    /// Tokens that remained.
    pub remaining: u64,
    /// Tokens that were produced.
    pub produced: u64,
    /// Activities of the log that the process does not have.
    pub only_in_log: Vec<String>,
    /// Activities of the process that the log never shows.
    pub only_in_process: Vec<String>,
    /// Ways through the process that deviate, the most frequent first, at most [`MAX_LISTED`].
    pub deviating: Vec<TraceFit>,
    /// False where the search was cut short: then a case may be called deviating that is not.
    pub exact: bool,
}

/// How one way that cases took deviates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TraceFit {
    /// Names of the first few cases.
    pub cases: Vec<String>,
    /// How many cases took it.
    pub count: usize,
    /// Its own token-replay fitness.
    pub fitness: f64,
    /// What was not as the process has it, in order.
    pub deviations: Vec<Deviation>,
}

/// One deviation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deviation {
    /// What kind.
    pub kind: DeviationKind,
    /// Place of the event in the case, from 1; one past the last for [`DeviationKind::Unfinished`].
    pub position: usize,
    /// The activity; empty for [`DeviationKind::Unfinished`].
    pub activity: String,
    /// What the process would allow there.
    pub expected: Vec<String>,
}

/// Kinds of deviations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviationKind {
    /// The process has no such activity.
    Unknown,
    /// The process does not allow it there.
    NotAllowed,
    /// The case stopped before the process can end.
    Unfinished,
}

impl std::fmt::Display for Deviation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (at, what) = (self.position, &self.activity);
        match self.kind {
            DeviationKind::Unknown => write!(f, "step {at}: the process has no '{what}'")?,
            DeviationKind::NotAllowed => write!(f, "step {at}: '{what}' is not allowed there")?,
            DeviationKind::Unfinished => {
                write!(f, "after step {}: it stops too early", at.saturating_sub(1))?
            }
        }
        if !self.expected.is_empty() {
            write!(f, " (expected: {})", self.expected.join(", "))?;
        }
        Ok(())
    }
}

/// Replays a log on a process; activities are matched by name, whatever their case and spacing.
#[must_use]
pub fn conformance(log: &EventLog, program: &Program) -> Conformance {
    conformance_as(log, program, &|_| None)
}

/// As [`conformance`], but `rename` may give nodes another name: that of the activity they stand for in the log.
#[must_use]
pub fn conformance_as(
    log: &EventLog,
    program: &Program,
    rename: &dyn Fn(&Node) -> Option<String>,
) -> Conformance {
    let seen: BTreeSet<String> = log.activities().iter().map(|name| key(name)).collect();
    let net = Net::of(program, rename, &|name| seen.contains(&key(name)));
    let labels: Vec<Option<usize>> = log.activities().iter().map(|name| net.label(name)).collect();
    let mut replay = Replay { log, net: &net, labels: &labels, firings: 0, exact: true };
    let mut total = Tokens::default();
    let mut precision = Precision::default();
    let mut deviating = Vec::new();
    let mut fitting = 0;
    let mut variants: Vec<&Variant> = log.variants().iter().collect();
    variants.sort_by(|a, b| a.steps.cmp(&b.steps));
    let mut prefix: Vec<Vec<State>> = vec![replay.closure(vec![State::at(&net)])];
    let mut before: &[usize] = &[];
    for variant in variants {
        let shared = before.iter().zip(&variant.steps).take_while(|(a, b)| a == b).count();
        prefix.truncate(shared + 1);
        let one = replay.variant(variant, &mut prefix, &mut precision);
        before = &variant.steps;
        let count = variant.count as u64;
        total.add(&one.tokens, count);
        if one.deviations.is_empty() {
            fitting += variant.count;
        } else {
            deviating.push(TraceFit {
                cases: variant.cases.clone(),
                count: variant.count,
                fitness: one.tokens.fitness(),
                deviations: one.deviations,
            });
        }
    }
    deviating.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.cases.cmp(&b.cases)));
    deviating.truncate(MAX_LISTED);
    let (fitness, precision) = (total.fitness(), precision.value());
    let known: BTreeSet<usize> = labels.iter().flatten().copied().collect();
    let missing_names = |at: &usize| labels.get(*at).is_some_and(Option::is_none);
    Conformance {
        cases: log.cases(),
        fitting,
        fitness,
        precision,
        f1: harmonic(fitness, precision),
        missing: total.missing,
        consumed: total.consumed,
        remaining: total.remaining,
        produced: total.produced,
        only_in_log: (0..labels.len())
            .filter(missing_names)
            .filter_map(|at| log.activities().get(at).cloned())
            .collect(),
        only_in_process: (0..net.labels.len())
            .filter(|at| !known.contains(at))
            .filter_map(|at| net.labels.get(at).cloned())
            .collect(),
        deviating,
        exact: replay.exact,
    }
}

/// Harmonic mean; 0 where one of them is.
pub(crate) fn harmonic(one: f64, other: f64) -> f64 {
    if one <= 0.0 || other <= 0.0 { 0.0 } else { 2.0 * one * other / (one + other) }
}

/// Tokens counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tokens {
    missing: u64,
    consumed: u64,
    remaining: u64,
    produced: u64,
}

impl Tokens {
    fn add(&mut self, other: &Self, times: u64) {
        self.missing += other.missing * times;
        self.consumed += other.consumed * times;
        self.remaining += other.remaining * times;
        self.produced += other.produced * times;
    }

    fn fitness(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts of tokens stay far below 2^52")]
        let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        0.5 * (1.0 - ratio(self.missing, self.consumed)) + 0.5 * (1.0 - ratio(self.remaining, self.produced))
    }
}

/// A marking and what it took to get there.
#[derive(Clone, Debug)]
struct State {
    marking: Marking,
    tokens: Tokens,
}

impl State {
    fn at(net: &Net) -> Self {
        let tokens = Tokens { produced: 1, ..Tokens::default() };
        Self { marking: vec![net.source], tokens }
    }

    fn after(&self, net: &Net, transition: u32) -> Self {
        let fired = net.fire(transition, &self.marking);
        let mut tokens = self.tokens;
        tokens.consumed += fired.consumed;
        tokens.produced += fired.produced;
        Self { marking: fired.marking, tokens }
    }
}

/// What was allowed and what was seen after each beginning of a case.
#[derive(Default)]
struct Precision {
    /// By beginning: labels allowed, labels seen, cases that go on.
    places: BTreeMap<Vec<usize>, (BTreeSet<usize>, BTreeSet<usize>, usize)>,
}

impl Precision {
    fn value(&self) -> f64 {
        let (mut escaping, mut allowed) = (0_usize, 0_usize);
        for (enabled, seen, weight) in self.places.values() {
            escaping += weight * enabled.difference(seen).count();
            allowed += weight * enabled.len();
        }
        if allowed == 0 { 0.0 } else { 1.0 - super::share(escaping, allowed) }
    }
}

struct Outcome {
    tokens: Tokens,
    deviations: Vec<Deviation>,
}

struct Replay<'a> {
    log: &'a EventLog,
    net: &'a Net,
    labels: &'a [Option<usize>],
    firings: u64,
    exact: bool,
}

impl Replay<'_> {
    /// All markings that unseen steps lead to, those that were given first.
    fn closure(&mut self, mut states: Vec<State>) -> Vec<State> {
        let mut known: HashSet<Marking> = HashSet::new();
        states.retain(|state| known.insert(state.marking.clone()));
        let width = if self.firings > MAX_FIRINGS { NARROW } else { WIDTH };
        let mut at = 0;
        while at < states.len() {
            let Some(state) = states.get(at).cloned() else { break };
            for transition in self.net.candidates(&state.marking) {
                let is_silent =
                    self.net.transitions.get(transition as usize).is_some_and(|it| it.label.is_none());
                if !is_silent || !self.net.is_enabled(transition, &state.marking) {
                    continue;
                }
                self.firings += 1;
                let after = state.after(self.net, transition);
                if states.len() >= width {
                    self.exact = false;
                    return states;
                }
                if known.insert(after.marking.clone()) {
                    states.push(after);
                }
            }
            at += 1;
        }
        states
    }

    /// Markings right after an activity.
    fn step(&mut self, states: &[State], label: usize) -> Vec<State> {
        let mut next = Vec::new();
        for state in states {
            for &transition in self.net.of_label(label) {
                if self.net.is_enabled(transition, &state.marking) {
                    self.firings += 1;
                    next.push(state.after(self.net, transition));
                }
            }
        }
        next
    }

    fn allowed(&self, states: &[State]) -> BTreeSet<usize> {
        let mut allowed = BTreeSet::new();
        for state in states {
            for transition in self.net.candidates(&state.marking) {
                let label = self.net.transitions.get(transition as usize).and_then(|it| it.label);
                if let Some(label) = label
                    && !allowed.contains(&label)
                    && self.net.is_enabled(transition, &state.marking)
                {
                    allowed.insert(label);
                }
            }
        }
        allowed
    }

    fn expected(&self, states: &[State]) -> Vec<String> {
        let allowed = self.allowed(states);
        allowed.iter().take(MAX_EXPECTED).filter_map(|&label| self.net.labels.get(label).cloned()).collect()
    }

    /// Replays one way; `prefix` holds the markings after each step that it shares with the way before.
    fn variant(
        &mut self,
        variant: &Variant,
        prefix: &mut Vec<Vec<State>>,
        precision: &mut Precision,
    ) -> Outcome {
        let mut deviations = Vec::new();
        // What is not shared any more, once a step did not fit.
        let mut forced: Option<Vec<State>> = None;
        for (at, &activity) in variant.steps.iter().enumerate() {
            let label = self.labels.get(activity).copied().flatten();
            if forced.is_none() {
                if let Some(states) = prefix.get(at) {
                    let beginning = variant.steps.get(..at).unwrap_or_default();
                    self.look(states, beginning, label, variant.count, precision);
                }
                if prefix.len() > at + 1 {
                    continue;
                }
            }
            let states = match &forced {
                Some(states) => states.clone(),
                None => prefix.get(at).cloned().unwrap_or_default(),
            };
            let next = label.map(|label| self.step(&states, label)).unwrap_or_default();
            if next.is_empty() {
                let kind = if label.is_some() { DeviationKind::NotAllowed } else { DeviationKind::Unknown };
                let activity = self.log.activities().get(activity).cloned().unwrap_or_default();
                let expected = self.expected(&states);
                deviations.push(Deviation { kind, position: at + 1, activity, expected });
                forced = Some(self.force(states, label));
            } else {
                let next = self.closure(next);
                match &mut forced {
                    Some(states) => *states = next,
                    None => prefix.push(next),
                }
            }
        }
        let states = forced.or_else(|| prefix.get(variant.steps.len()).cloned()).unwrap_or_default();
        let (tokens, is_complete) = self.ending(&states);
        if !is_complete {
            let expected = self.expected(&states);
            let position = variant.steps.len() + 1;
            deviations.push(Deviation {
                kind: DeviationKind::Unfinished,
                position,
                activity: String::new(),
                expected,
            });
        }
        Outcome { tokens, deviations }
    }

    fn look(
        &self,
        states: &[State],
        beginning: &[usize],
        label: Option<usize>,
        count: usize,
        precision: &mut Precision,
    ) {
        let place = match precision.places.get_mut(beginning) {
            Some(place) => place,
            None => precision
                .places
                .entry(beginning.to_vec())
                .or_insert_with(|| (self.allowed(states), BTreeSet::new(), 0)),
        };
        place.1.extend(label);
        place.2 += count;
    }

    /// Does what is not allowed, from the marking that lacks the fewest tokens for it.
    fn force(&mut self, states: Vec<State>, label: Option<usize>) -> Vec<State> {
        let Some(label) = label else {
            // Unknown activities leave a token missing and one remaining, wherever one is.
            return states
                .into_iter()
                .map(|mut state| {
                    state.tokens.missing += 1;
                    state.tokens.consumed += 1;
                    state.tokens.produced += 1;
                    state.tokens.remaining += 1;
                    state
                })
                .collect();
        };
        let mut best: Option<(usize, &State, u32)> = None;
        for state in &states {
            for &transition in self.net.of_label(label) {
                let lacking = self.net.lacking(transition, &state.marking).len();
                if best.is_none_or(|(fewest, ..)| lacking < fewest) {
                    best = Some((lacking, state, transition));
                }
            }
        }
        let Some((lacking, state, transition)) = best else { return states };
        let mut after = state.after(self.net, transition);
        after.tokens.missing += lacking as u64;
        self.closure(vec![after])
    }

    /// The tokens of the best way to end, and whether nothing is left over or missing there.
    fn ending(&self, states: &[State]) -> (Tokens, bool) {
        let mut best: Option<(u64, Tokens)> = None;
        for state in states {
            let ended = state.marking.iter().filter(|&&place| place == self.net.sink).count() as u64;
            let left = state.marking.len() as u64 - ended;
            let lacking = u64::from(ended == 0);
            if best.is_none_or(|(fewest, _)| left + lacking < fewest) {
                let mut tokens = state.tokens;
                tokens.missing += lacking;
                tokens.remaining += left;
                // The end takes every token that got there, at least one.
                tokens.consumed += ended.max(1);
                best = Some((left + lacking, tokens));
            }
        }
        let (open, tokens) = best.unwrap_or((1, Tokens::default()));
        (tokens, open == 0)
    }
}
