//! What needs no simulation: where routing does not depend on time, the way of a case is an absorbing Markov chain.
//!
//! With P(i, j) the share of tokens that go from operation i to j (1 for each way of a fork, 1/k for each of k flows
//! into a join), expected visits are V = e₀ + Pᵀ V and the value of reaching an end is x = P x + r. Both hold with
//! contention too; only waiting needs the simulation. One forward and one backward solve give every derivative:
//! ∂x₀/∂pᵢ = Vᵢ (x_a − x_rest).

use serde::Serialize;

use super::estimate::quantile;
use super::model::{Model, Op};

/// Operations at most; the solve is cubic in them.
const MAX_OPS: usize = 600;
/// Draws from the posterior behind an exact interval, and the multiplications spent on them at most.
const DRAWS: usize = 2_000;
const WORK_LIMIT: usize = 2_000_000_000;

/// Why a number is not known exactly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Inexact {
    /// Routing depends on waiting.
    #[error(
        "a timer ends {0} also while it waits for a resource, so the way of a case depends on how long it waits"
    )]
    Deadline(String),
    /// Too many values to go through.
    #[error(
        "the gateway {gateway} decides by {attribute}, a number of any size: declare its values instead (values=\"…\")"
    )]
    Data {
        /// The gateway.
        gateway: String,
        /// What it reads.
        attribute: String,
    },
    /// Too many combinations of values to go through.
    #[error("gateways decide by more than {0} combinations of attributes")]
    Combinations(usize),
    /// Too large to solve.
    #[error("the process has more than {0} steps")]
    Size(usize),
    /// What a case has done depends on which branch is quicker.
    #[error(
        "a terminate end event stands beside parallel branches, so what a case still does depends on time"
    )]
    Terminate,
    /// Cases end more than once, or never.
    #[error(
        "not every case ends exactly once: parallel branches end on their own, a join waits for a token that does not \
         come, or a gateway has no way for some cases"
    )]
    Ends,
    /// A loop without a way out.
    #[error("some cases go round for ever")]
    Loop,
    /// There is no table to solve.
    #[error("the process runs by the engine's own rules, not from a table that could be solved")]
    ByEngine,
    /// The size of a batch depends on time.
    #[error("{0} begins before its batch is full, so how many cases share an execution depends on time")]
    Batch(String),
}

impl Serialize for Inexact {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Results that carry no Monte Carlo error.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exact {
    /// Probability of each end, in the order of [`Model::ends`].
    pub ends: Vec<f64>,
    /// Expected visits of each activity.
    pub visits: Vec<f64>,
    /// How the probability of an end changes with the share of a way, by choice, way and end.
    pub gradients: Vec<Gradient>,
    /// What the work comes to; `None` where that depends on time, though the way of a case does not.
    #[serde(flatten)]
    pub load: Option<Load>,
    /// Why `load` is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_load: Option<Inexact>,
}

/// What the work comes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Load {
    /// Expected work of a case, seconds, by activity.
    pub work: Vec<f64>,
    /// Expected cost of a case.
    pub cost: f64,
    /// Utilisation of each resource, where cases arrive; 1 and above means that its queue grows without bound.
    pub utilisation: Vec<f64>,
    /// By how many pieces of work the backlog of each resource grows in an hour; 0 where it keeps up.
    pub backlog_per_hour: Vec<f64>,
}

/// The derivative of an end's probability by a way's share, the other ways giving way in proportion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gradient {
    /// Element id of the choice.
    pub choice: String,
    /// The way.
    pub way: String,
    /// Element id of the end.
    pub end: String,
    /// Change of the end's probability for a change of the share by 1.
    pub slope: f64,
}

impl Exact {
    /// The exact results of a model. Gateways that decide by data are solved for each combination of values.
    ///
    /// # Errors
    /// Why there are none.
    pub fn of(model: &Model) -> Result<Self, Inexact> {
        Self::solved(model, true)
    }

    fn solved(model: &Model, gradients: bool) -> Result<Self, Inexact> {
        if model.engine.is_some() {
            return Err(Inexact::ByEngine);
        }
        // Where a queue decides whether the timer comes first, routing depends on time.
        let waits = |activity: &&super::Activity| activity.deadline.is_some() && activity.resource.is_some();
        if let Some(activity) = model.activities.iter().find(waits).filter(|_| model.is_contended()) {
            return Err(Inexact::Deadline(activity.name.clone()));
        }
        let mut found = Self {
            ends: vec![0.0; model.ends.len()],
            visits: vec![0.0; model.activities.len()],
            gradients: Vec::new(),
            load: None,
            no_load: None,
        };
        if model.decides_by_data() {
            for (share, model) in model.by_data()? {
                found.add(share, &model, gradients)?;
            }
        } else {
            found.add(1.0, model, gradients)?;
        }
        let may_be_short =
            |activity: &&super::Activity| activity.batch.is_some_and(|batch| batch.longest_wait.is_finite());
        match model.activities.iter().find(may_be_short).filter(|_| model.has_batches()) {
            Some(activity) => found.no_load = Some(Inexact::Batch(activity.name.clone())),
            None => found.load = Some(Load::of(model, &found.visits)),
        }
        Ok(found)
    }

    /// Adds what a share of the cases does, whose way depends on nothing but chance.
    fn add(&mut self, share: f64, model: &Model, gradients: bool) -> Result<(), Inexact> {
        let chain = Chain::of(model)?;
        let visits = chain.visits()?;
        for (sum, end) in self.ends.iter_mut().zip(chain.ends(model, &visits)?) {
            *sum += share * end;
        }
        for (op, visits) in chain.ops.iter().zip(&visits) {
            if let Some(Op::Work { activity, .. }) = model.ops.get(*op) {
                self.visits[usize::from(*activity)] += share * visits;
            }
        }
        for found in if gradients { chain.gradients(model, &visits) } else { Vec::new() } {
            let same = |known: &&mut Gradient| {
                (&known.choice, &known.way, &known.end) == (&found.choice, &found.way, &found.end)
            };
            match self.gradients.iter_mut().find(same) {
                Some(known) => known.slope += share * found.slope,
                None => self.gradients.push(Gradient { slope: share * found.slope, ..found }),
            }
        }
        Ok(())
    }

    /// Whether some resource cannot keep up, so that there is no steady state.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        let load = self.load.iter().flat_map(|load| &load.utilisation);
        load.into_iter().any(|utilisation| *utilisation >= 1.0)
    }

    /// What the observations leave open, each posterior draw solved exactly: no inner Monte Carlo error widens it.
    #[must_use]
    pub fn posterior(&self, model: &Model, seed: u64) -> Posterior {
        if !model.is_uncertain() {
            let saturated = if self.is_saturated() { 1.0 } else { 0.0 };
            return Posterior { ends: self.ends.iter().map(|end| (*end, *end)).collect(), saturated };
        }
        let n = model.ops.len().max(1);
        let solves = if model.decides_by_data() { model.by_data().map_or(1, |each| each.len()) } else { 1 };
        let draws = DRAWS.min(WORK_LIMIT / (n * n * n * solves)).max(50);
        let mut columns: Vec<Vec<f64>> = vec![Vec::with_capacity(draws); self.ends.len()];
        let mut saturated = 0.0;
        for draw in 0..draws {
            let drawn = model.drawn(seed, draw as u64);
            let Ok(found) = Self::solved(&drawn, false) else { continue };
            saturated += if found.is_saturated() { 1.0 } else { 0.0 };
            for (column, value) in columns.iter_mut().zip(found.ends) {
                column.push(value);
            }
        }
        let ends = columns
            .into_iter()
            .map(|mut column| {
                column.sort_by(f64::total_cmp);
                (quantile(&column, 0.025), quantile(&column, 0.975))
            })
            .collect();
        Posterior { ends, saturated: saturated / draws as f64 }
    }
}

impl Load {
    fn of(model: &Model, visits: &[f64]) -> Self {
        let each = model.activities.iter().zip(visits);
        let work = each
            .map(|(activity, visits)| visits * activity.mean_work() / served_together(model, activity))
            .collect();
        let mut load = Self { work, ..Self::default() };
        let rate = model.arrivals.as_ref().map_or(0.0, |law| {
            model.arrival_calendar.as_ref().map_or(1.0, super::Calendar::open_share) / law.mean()
        });
        for (place, resource) in model.resources.iter().enumerate() {
            let served = |activity: &super::Activity| activity.resource.map(usize::from) == Some(place);
            let each = model.activities.iter().zip(load.work.iter().zip(visits));
            let (work, visits) = each
                .filter(|(activity, _)| served(activity))
                .fold((0.0, 0.0), |(work, visits), (_, (w, v))| (work + w, visits + v));
            let open = resource.calendar.as_ref().map_or(1.0, super::Calendar::open_share);
            let utilisation = rate * work / (f64::from(resource.capacity) * open);
            load.utilisation.push(utilisation);
            let growth =
                if utilisation > 1.0 { rate * visits * (1.0 - 1.0 / utilisation) * 3600.0 } else { 0.0 };
            load.backlog_per_hour.push(growth);
            load.cost += work * resource.hourly_cost / 3600.0;
        }
        let fixed = model.activities.iter().zip(visits).map(|(activity, visits)| visits * activity.cost);
        load.cost += fixed.sum::<f64>();
        load
    }
}

/// Cases that one execution serves.
fn served_together(model: &Model, activity: &super::Activity) -> f64 {
    activity.batch.filter(|_| model.has_batches()).map_or(1.0, |batch| f64::from(batch.size))
}

/// Whether every token at the start of a model comes to exactly one end: its branches join before they end.
pub(super) fn ends_once(model: &Model) -> bool {
    let ends = Chain::of(model).and_then(|chain| chain.ends(model, &chain.visits()?));
    ends.is_ok()
}

/// What the observations behind the parameters leave open.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Posterior {
    /// The 95 % interval of each end's probability, in the order of [`Model::ends`].
    pub ends: Vec<(f64, f64)>,
    /// Probability that some resource cannot keep up, so that there is no steady state.
    pub saturated: f64,
}

/// The operations that can be reached, with where tokens go from each.
struct Chain {
    /// Places in the model.
    ops: Vec<usize>,
    /// For each, (place in `ops`, weight).
    ways: Vec<Vec<(usize, f64)>>,
}

impl Chain {
    fn of(model: &Model) -> Result<Self, Inexact> {
        let mut place = vec![usize::MAX; model.ops.len()];
        let mut ops = vec![usize::from(model.start)];
        place[usize::from(model.start)] = 0;
        let mut done = 0;
        while let Some(op) = ops.get(done).copied() {
            done += 1;
            let ways = model.ops.get(op).map(|op| model.ways(*op)).unwrap_or_default();
            for (next, share) in ways {
                let next = usize::from(next);
                if share > 0.0 && place.get(next) == Some(&usize::MAX) {
                    place[next] = ops.len();
                    ops.push(next);
                }
            }
            if ops.len() > MAX_OPS {
                return Err(Inexact::Size(MAX_OPS));
            }
        }
        let way = |op: &usize| {
            let ways = model.ways(model.ops[*op]);
            ways.into_iter()
                .filter(|(_, share)| *share > 0.0)
                .map(|(next, share)| (place[usize::from(next)], share))
                .collect()
        };
        let forks = ops.iter().any(|op| matches!(model.ops[*op], Op::Fork { count, .. } if count > 1));
        if forks && ops.iter().any(|op| matches!(model.ops[*op], Op::Halt { .. })) {
            return Err(Inexact::Terminate);
        }
        let ways = ops.iter().map(way).collect();
        Ok(Self { ops, ways })
    }

    /// Expected visits of each operation.
    fn visits(&self) -> Result<Vec<f64>, Inexact> {
        let n = self.ops.len();
        let mut matrix = vec![0.0; n * n];
        for (from, ways) in self.ways.iter().enumerate() {
            matrix[from * n + from] += 1.0;
            for (to, weight) in ways {
                matrix[to * n + from] -= weight;
            }
        }
        let mut right = vec![0.0; n];
        right[0] = 1.0;
        solve(matrix, right).ok_or(Inexact::Loop)
    }

    /// The expected value of a token at each operation that earns `reward` at the ends.
    fn value(&self, reward: impl Fn(usize) -> f64) -> Option<Vec<f64>> {
        let n = self.ops.len();
        let mut matrix = vec![0.0; n * n];
        for (from, ways) in self.ways.iter().enumerate() {
            matrix[from * n + from] += 1.0;
            for (to, weight) in ways {
                matrix[from * n + to] -= weight;
            }
        }
        solve(matrix, self.ops.iter().map(|op| reward(*op)).collect())
    }

    /// Probability of each end, where every case ends exactly once.
    fn ends(&self, model: &Model, visits: &[f64]) -> Result<Vec<f64>, Inexact> {
        let mut ends = vec![0.0; model.ends.len()];
        let mut joins: Vec<Vec<f64>> = vec![Vec::new(); model.joins.len()];
        for (op, visits) in self.ops.iter().zip(visits) {
            match model.ops[*op] {
                Op::End { end } | Op::Halt { end } => ends[usize::from(end)] += visits,
                Op::Join { join, .. } => joins[usize::from(join)].push(*visits),
                _ => {}
            }
        }
        // A join whose flows bring different numbers of tokens deadlocks.
        let even = joins.iter().zip(&model.joins).all(|(flows, join)| {
            flows.is_empty()
                || (flows.len() == usize::from(join.count)
                    && flows.iter().all(|flow| (flow - flows[0]).abs() < 1e-9 * flow.abs().max(1.0)))
        });
        let once = (ends.iter().sum::<f64>() - 1.0).abs() < 1e-6 && ends.iter().all(|end| *end > -1e-9);
        if even && once { Ok(ends) } else { Err(Inexact::Ends) }
    }

    fn gradients(&self, model: &Model, visits: &[f64]) -> Vec<Gradient> {
        let mut found = Vec::new();
        for (number, (end, _)) in model.ends.iter().enumerate() {
            let reached = |op: usize| match model.ops[op] {
                Op::End { end } | Op::Halt { end } if usize::from(end) == number => 1.0,
                _ => 0.0,
            };
            let Some(value) = self.value(reached) else { continue };
            for (at, op) in self.ops.iter().enumerate() {
                let (Op::Toss { choice, .. } | Op::Choose { choice }) = model.ops[*op] else { continue };
                let choice = &model.choices[usize::from(choice)];
                let places: Vec<Option<usize>> = choice
                    .targets
                    .iter()
                    .map(|target| self.ops.iter().position(|op| *op == usize::from(*target)))
                    .collect();
                let worth = |way: usize| places.get(way).copied().flatten().map_or(0.0, |place| value[place]);
                let mean: f64 = choice.shares.iter().enumerate().map(|(way, share)| share * worth(way)).sum();
                for (way, share) in choice.shares.iter().enumerate().filter(|(_, share)| **share < 1.0) {
                    let rest = (mean - share * worth(way)) / (1.0 - share);
                    found.push(Gradient {
                        choice: choice.id.clone(),
                        way: choice.labels.get(way).cloned().unwrap_or_default(),
                        end: end.clone(),
                        slope: visits[at] * (worth(way) - rest),
                    });
                }
            }
        }
        found
    }
}

/// Solves a dense system by Gaussian elimination with partial pivoting; `None` where it is singular.
fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for column in 0..n {
        let pivot = (column..n)
            .max_by(|a, b| matrix[a * n + column].abs().total_cmp(&matrix[b * n + column].abs()))?;
        if matrix[pivot * n + column].abs() < 1e-12 {
            return None;
        }
        if pivot != column {
            for k in 0..n {
                matrix.swap(pivot * n + k, column * n + k);
            }
            right.swap(pivot, column);
        }
        for row in column + 1..n {
            let factor = matrix[row * n + column] / matrix[column * n + column];
            if factor != 0.0 {
                for k in column..n {
                    matrix[row * n + k] -= factor * matrix[column * n + k];
                }
                right[row] -= factor * right[column];
            }
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|k| matrix[row * n + k] * right[k]).sum();
        right[row] = (right[row] - known) / matrix[row * n + row];
    }
    Some(right)
}
