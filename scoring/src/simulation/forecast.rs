//! Forecasts for running cases, from where they stand: how much longer, and how they end.
//!
//! A forecast is the posterior predictive distribution: each draw of the parameters is simulated from the state of the
//! case, so its quantiles hold what chance leaves open and what the observations leave open. The part of a duration that
//! has passed counts: what is left of the law is drawn (`F(t) + u (1 − F(t))`), not the whole of it anew. Where resources
//! are shared, the other running cases stand in the queues before it and new ones arrive behind it; whether work that has
//! begun is being done or waits is not known, so those that came first are taken to be at work.

use std::collections::BTreeSet;
use std::sync::Arc;

use bpmn::exec::State;
use serde::Serialize;

use super::by_engine::{self, ByEngine};
use super::estimate::{Estimate, quantile};
use super::model::{Model, Op};
use super::queueing::{Left, resume};

/// Shares of [`Forecast::quantiles`].
pub const FORECAST_SHARES: [f64; 7] = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975];

/// Where a running case stands, by element ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveCase {
    /// Elements under way, with the seconds since the token came there.
    pub elements: Vec<(String, f64)>,
    /// Sequence flows with a token that waits at a join.
    pub flows: Vec<String>,
    /// All of it as the engine keeps it, where it does, and when that was, in milliseconds since the Unix epoch: needed
    /// where a table does not say all of the process ([`Model::needs_state`]).
    pub state: Option<(Arc<State>, i64)>,
}

/// A token in a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) place: u16,
    pub(super) elapsed: f64,
}

/// Where a running case stands in a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Standing {
    pub(super) tokens: Vec<Token>,
}

/// How many simulations a forecast takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Draws of the parameters, at least 2.
    pub draws: u32,
    /// Simulations of each, in two halves that tell chance from parameters; at least 2.
    pub runs: u32,
}

impl Default for Effort {
    fn default() -> Self {
        Self { draws: 200, runs: 20 }
    }
}

/// How a running case goes on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Mean seconds that are left.
    pub remaining: Estimate,
    /// Seconds that are left at most with these probabilities: (share, seconds) for each of [`FORECAST_SHARES`].
    pub quantiles: Vec<(f64, f64)>,
    /// How it ends: (element id, name, probability).
    pub ends: Vec<(String, String, Estimate)>,
    /// Probability that it never ends: a token waits at a join for one that does not come.
    pub stuck: f64,
    /// Elements that have been going on for longer than anything the model knows of them; what is left of them is taken
    /// from a law without memory.
    pub beyond: Vec<String>,
    /// Simulations behind it.
    pub runs: u32,
}

impl Forecast {
    /// The seconds at this share, where it is one of [`FORECAST_SHARES`].
    #[must_use]
    pub fn at(&self, share: f64) -> Option<f64> {
        self.quantiles.iter().find(|(known, _)| (known - share).abs() < 1e-9).map(|(_, seconds)| *seconds)
    }

    /// The end with the highest probability.
    #[must_use]
    pub fn likeliest(&self) -> Option<&(String, String, Estimate)> {
        self.ends.iter().max_by(|a, b| a.2.value.total_cmp(&b.2.value))
    }
}

impl Model {
    /// Where a case stands in this model; empty where none of its tokens is known to it.
    fn standing(&self, case: &LiveCase) -> Standing {
        // Of one that is done several times in a row it is not known how many are done.
        let activity = |id: &str| self.activities.iter().position(|activity| activity.id == id);
        let known = |id: &str| activity(self.waits.get(id).map_or(id, String::as_str));
        let in_a_row = |at: usize| self.activities.get(at).is_some_and(|activity| activity.in_a_row);
        if case.elements.iter().any(|(id, _)| known(id).is_some_and(in_a_row)) {
            return Standing { tokens: Vec::new() };
        }
        let mut at_work: Vec<Token> = Vec::new();
        for (id, elapsed) in &case.elements {
            let Some(activity) = known(id) else { continue };
            let is_it = |op: &Op| matches!(op, Op::Work { activity: at, .. } if usize::from(*at) == activity);
            let places: Vec<u16> =
                (0_u16..).zip(&self.ops).filter(|(_, op)| is_it(op)).map(|(place, _)| place).collect();
            // Of several executions at the same time each stands on a branch of its own.
            let free = places.iter().find(|place| at_work.iter().all(|token| token.place != **place));
            let place = free.or(places.first());
            at_work.extend(place.map(|place| Token { place: *place, elapsed: elapsed.max(0.0) }));
        }
        let on_flows =
            case.flows.iter().filter_map(|id| Some(Token { place: *self.entries.get(id)?, elapsed: 0.0 }));
        let mut tokens = at_work;
        tokens.extend(on_flows);
        for block in self.blocks.iter() {
            let holds = |(joined, operations): &(u16, BTreeSet<u16>)| {
                tokens.iter().any(|token| token.place == *joined || operations.contains(&token.place))
            };
            let held: Vec<bool> = block.branches.iter().map(holds).collect();
            // Nothing is waited for on ways that were not taken, or are done.
            if held.contains(&true) {
                let empty = block.branches.iter().zip(held).filter(|(_, held)| !held);
                tokens.extend(empty.map(|((place, _), _)| Token { place: *place, elapsed: 0.0 }));
            }
        }
        Standing { tokens }
    }
}

/// Where running cases stand, the first of them for certain.
enum Places<'a> {
    Table(Vec<Standing>),
    Engine(&'a ByEngine, Vec<&'a State>, i64),
}

impl<'a> Places<'a> {
    /// `None` where it is not known where the first stands.
    fn of(model: &'a Model, cases: &'a [LiveCase]) -> Option<Self> {
        let others = if model.is_contended() { cases } else { cases.get(..1)? };
        if let Some(engine) = &model.engine {
            let (_, at_ms) = others.first()?.state.as_ref()?;
            let states = others.iter().filter_map(|case| Some(&*case.state.as_ref()?.0));
            return Some(Self::Engine(engine, states.collect(), *at_ms));
        }
        let mut standings: Vec<Standing> = others.iter().map(|case| model.standing(case)).collect();
        if standings.first()?.tokens.is_empty() {
            return None;
        }
        standings.retain(|standing| !standing.tokens.is_empty());
        Some(Self::Table(standings))
    }

    /// How the first goes on; `model` is the one with its parameters drawn.
    fn resume(&self, model: &Model, seed: (u64, u64), now: f64) -> Option<Left> {
        match self {
            Self::Table(standings) => resume(model, seed, now, standings),
            Self::Engine(engine, states, at_ms) => {
                by_engine::resume((model, engine), seed, (now, *at_ms), states)
            }
        }
    }
}

/// Forecasts the first of these cases, among the others; `now` is the time in seconds since Monday, midnight, which
/// calendars need. `None` where the model knows none of its tokens, or no simulation came to an end.
#[must_use]
pub fn forecast(model: &Model, cases: &[LiveCase], now: f64, seed: u64, effort: Effort) -> Option<Forecast> {
    let Some(places) = Places::of(model, cases) else {
        let stepwise = model.stepwise.as_ref()?;
        return forecast(stepwise, cases, now, seed, effort);
    };
    let (draws, half) = (effort.draws.max(2), (effort.runs / 2).max(1));
    let mut all: Vec<f64> = Vec::with_capacity((draws * half * 2) as usize);
    let mut means = Vec::new();
    let mut shares = vec![Vec::new(); model.ends.len()];
    let (mut stuck, mut lost) = (0.0, 0.0);
    for draw in 0..draws {
        let drawn = model.is_uncertain().then(|| model.drawn(seed, u64::from(draw)));
        let drawn = drawn.as_ref().unwrap_or(model);
        for part in 0..2 {
            let first = u64::from((draw * 2 + part) * half);
            let runs = (0..u64::from(half)).map(|run| places.resume(drawn, (seed, first + run), now));
            let ended: Vec<Left> = runs.map(|left| left.unwrap_or((f64::NAN, None))).collect();
            let count = ended.len() as f64;
            let left: Vec<f64> = ended.iter().filter_map(|(left, end)| end.map(|_| *left)).collect();
            means.push(left.iter().sum::<f64>() / left.len() as f64);
            for (end, column) in shares.iter_mut().enumerate() {
                let hits = ended.iter().filter(|(_, at)| at.map(usize::from) == Some(end)).count();
                column.push(hits as f64 / count);
            }
            lost += ended.iter().filter(|(left, _)| left.is_nan()).count() as f64;
            stuck += ended.iter().filter(|(left, end)| end.is_none() && !left.is_nan()).count() as f64;
            all.extend(left);
        }
    }
    if all.is_empty() && stuck == 0.0 {
        return None;
    }
    all.sort_by(f64::total_cmp);
    let runs = f64::from(draws * half * 2);
    let pairs = model.is_uncertain();
    let ends = model.ends.iter().zip(&shares).map(|((id, name), column)| {
        (id.clone(), name.clone(), Estimate::over(column, pairs).at_least_wilson(runs))
    });
    Some(Forecast {
        remaining: Estimate::over(&means, pairs),
        quantiles: FORECAST_SHARES.iter().map(|share| (*share, quantile(&all, *share))).collect(),
        ends: ends.collect(),
        stuck: stuck / (runs - lost).max(1.0),
        beyond: beyond(model, cases),
        runs: draws * half * 2,
    })
}

fn beyond(model: &Model, cases: &[LiveCase]) -> Vec<String> {
    let elements = cases.first().map(|case| case.elements.as_slice()).unwrap_or_default();
    let known = |id: &str| model.activities.iter().find(|activity| activity.id == *id);
    let found = elements.iter().filter(|(id, elapsed)| {
        known(id).is_some_and(|activity| activity.deadline.is_none() && activity.law.is_beyond(*elapsed))
    });
    found.map(|(id, _)| id.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}
