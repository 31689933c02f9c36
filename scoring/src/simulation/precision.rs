//! Replications until the numbers are as precise as asked for.

use serde::Serialize;

use super::estimate::Estimate;
use super::exact::{Exact, Inexact, Posterior};
use super::measure::{Measure, Unit, measures, values};
use super::model::Model;
use super::replication::replicate;
use super::warm_up::{WarmUp, warm_up};
use super::{Calendar, Law};

/// Cases of one simulation at most.
pub const MAX_CASES: u64 = 50_000_000;
/// The same of a process that runs by the engine's own rules, step by step.
const MAX_CASES_STEPWISE: u64 = 2_000_000;
/// Replications before the first look, so that Student's t has something to work with.
const FIRST: usize = 10;
/// Replications from which the quantiles of a parameter interval mean something.
const PAIRED: usize = 400;
/// The simulation's half-width as a part of the parameters', below which more simulation would not tell more.
const DOMINATED: f64 = 0.1;
/// Cases of a replication.
const CASES: u32 = 1_000;
/// Pilot replications that find the warm-up, and the cases of each.
const PILOTS: u64 = 5;
const PILOT_CASES: u32 = 5_000;
/// A replication is at least so many times as long as its warm-up.
const PER_WARM_UP: u32 = 10;
/// Where resources keep hours, a replication lasts at least so long, in seconds: four weeks, of at most so many cases.
const CALENDAR_S: f64 = 4.0 * 604_800.0;
const CALENDAR_CASES: f64 = 500_000.0;
/// Replications of pilots have numbers of their own.
const PILOT_FROM: u64 = 1 << 40;

/// How long to simulate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    /// So many cases.
    Cases(u64),
    /// Until the mean duration is known to this part of itself, and each end's share to this much, with 95 %
    /// confidence.
    Precision(f64),
}

/// How to simulate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How long.
    pub plan: Plan,
    /// The seed: the same seed gives the same result, on any number of threads.
    pub seed: u64,
    /// Threads, at least 1.
    pub threads: usize,
    /// The duration beyond which a case is late, in seconds.
    pub limit: Option<f64>,
}

/// The half-width at one look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HalfWidth {
    /// Cases simulated so far.
    pub cases: u64,
    /// Mean duration in seconds.
    pub mean: f64,
    /// Half of its 95 % interval's width, in seconds.
    pub half_width: f64,
}

/// Why a simulation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It has as many cases as were asked for.
    Cases,
    /// It is as precise as was asked for.
    Precise,
    /// The observations behind the parameters leave so much more open than the simulation that more of it would not
    /// tell more.
    ParametersDominate,
    /// [`MAX_CASES`] were not enough, or two million where a process runs by the engine's own rules.
    Limit,
}

/// What a simulation found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Result {
    /// Name of the process.
    pub name: String,
    /// Cases counted.
    pub cases: u64,
    /// Of them, cases that can never end.
    pub stuck: u64,
    /// Replications.
    pub replications: usize,
    /// Cases of each, after the warm-up.
    pub replication_cases: u32,
    /// The seed.
    pub seed: u64,
    /// What was left out at the start of each replication.
    pub warm_up: WarmUp,
    /// Why it ended.
    pub ended: Ended,
    /// How the half-width of the mean duration shrank.
    pub trace: Vec<HalfWidth>,
    /// Why the process ran by the engine's own rules, step by step; `None` where a table says it, which is quicker.
    pub by_engine: Option<String>,
    /// What is known without simulation, where it is.
    pub exact: Option<Exact>,
    /// Why `exact`, or its load, is missing.
    pub inexact: Option<Inexact>,
    /// What the observations leave open of that.
    pub posterior: Option<Posterior>,
    /// The measures with their estimates.
    pub measures: Vec<(Measure, Estimate)>,
    /// Every case's duration of the first replications, in seconds, at most 10,000, for a picture.
    pub durations: Vec<f64>,
    /// Currency of costs.
    pub currency: String,
}

impl Result {
    /// The estimate of a measure.
    #[must_use]
    pub fn estimate(&self, what: &str, of: &str) -> Option<&Estimate> {
        self.measures
            .iter()
            .find(|(measure, _)| measure.what == what && measure.of == of)
            .map(|(_, estimate)| estimate)
    }
}

/// Durations kept for a picture.
const PICTURE: usize = 10_000;

/// Simulates a model; `progress` is told the cases so far and the half-width relative to the mean at every look.
///
/// Replications come in pairs that share one draw of the uncertain parameters, so that the two uncertainties can be
/// told apart ([`Estimate::over`]). Looks are after 10, 15, 23, … replications, never between, so that the number of
/// threads changes nothing.
pub fn simulate(model: &Model, settings: &Settings, progress: &dyn Fn(u64, f64)) -> Result {
    let (exact, inexact) = match Exact::of(model) {
        Ok(exact) => {
            let inexact = exact.no_load.clone();
            (Some(exact), inexact)
        }
        Err(inexact) => (None, Some(inexact)),
    };
    let saturated = exact.as_ref().is_some_and(|exact| exact.is_saturated());
    let warm_up = if model.is_contended() && !saturated {
        pilot(model, settings.seed)
    } else {
        WarmUp { cases: 0, settled: !saturated }
    };
    let cases = replication_cases(model, settings.plan, warm_up);
    let mut run = Run {
        model,
        settings,
        cases,
        warm_up,
        rows: Vec::new(),
        stuck: 0,
        counted: 0,
        durations: Vec::new(),
    };
    let mut trace = Vec::new();
    let most = if model.by_engine().is_some() { MAX_CASES_STEPWISE } else { MAX_CASES };
    let wanted = match settings.plan {
        Plan::Cases(all) => (all.clamp(1, most).div_ceil(u64::from(cases)) as usize).max(2),
        Plan::Precision(_) => ((most / u64::from(cases)) as usize).max(2),
    };
    let names = measures(model, settings.limit);
    let mut next = FIRST.min(wanted);
    let ended = loop {
        run.until(next);
        let mean = Estimate::over(&run.column(0), model.is_uncertain());
        trace.push(HalfWidth { cases: run.counted, mean: mean.value, half_width: mean.half_width() });
        progress(run.counted, if mean.value > 0.0 { mean.half_width() / mean.value } else { 0.0 });
        match settings.plan {
            Plan::Precision(precision) if run.is_precise(&names, precision) => break Ended::Precise,
            Plan::Precision(_) if next >= PAIRED && run.parameters_dominate(&mean) => {
                break Ended::ParametersDominate;
            }
            Plan::Precision(_) if next >= wanted => break Ended::Limit,
            Plan::Cases(_) if next >= wanted => break Ended::Cases,
            _ => next = (next + next.div_ceil(2)).next_multiple_of(2).min(wanted),
        }
    };
    let posterior = exact.as_ref().map(|exact| exact.posterior(model, settings.seed));
    let estimates = run.estimates(&names, posterior.as_ref());
    Result {
        name: model.name.clone(),
        cases: run.counted,
        stuck: run.stuck,
        replications: run.rows.len(),
        replication_cases: cases,
        seed: settings.seed,
        warm_up,
        ended,
        trace,
        by_engine: model.by_engine().map(str::to_owned),
        exact,
        inexact,
        posterior,
        measures: names.into_iter().zip(estimates).collect(),
        durations: run.durations,
        currency: model.currency.clone(),
    }
}

/// How many cases a replication counts: long beside its warm-up and, with calendars, some weeks.
fn replication_cases(model: &Model, plan: Plan, warm_up: WarmUp) -> u32 {
    let weeks = calendar_cases(model);
    match plan {
        Plan::Cases(cases) => {
            let cases = u32::try_from(cases.clamp(1, MAX_CASES)).unwrap_or(u32::MAX);
            (cases / FIRST as u32).clamp(1, CASES).max(weeks.min(cases / 2))
        }
        Plan::Precision(_) => CASES.max(warm_up.cases.saturating_mul(PER_WARM_UP)).max(weeks),
    }
}

/// Cases that arrive while the calendars go round some times; 0 without calendars.
fn calendar_cases(model: &Model) -> u32 {
    let keeps_hours = model.arrival_calendar.is_some()
        || model.resources.iter().any(|resource| resource.calendar.is_some());
    let gap = model.arrivals.as_ref().map_or(f64::INFINITY, Law::mean);
    let open = model.arrival_calendar.as_ref().map_or(1.0, Calendar::open_share);
    if keeps_hours { (CALENDAR_S * open / gap).ceil().min(CALENDAR_CASES) as u32 } else { 0 }
}

/// Finds the warm-up in the mean course of some long replications.
fn pilot(model: &Model, seed: u64) -> WarmUp {
    let cases = PILOT_CASES.max(calendar_cases(model));
    let mut course = vec![0.0; cases as usize];
    for number in 0..PILOTS {
        let run = replicate(model, seed, PILOT_FROM + number, cases, 0);
        course.truncate(run.durations.len());
        course.iter_mut().zip(&run.durations).for_each(|(sum, duration)| *sum += duration / PILOTS as f64);
    }
    warm_up(&course)
}

struct Run<'a> {
    model: &'a Model,
    settings: &'a Settings,
    cases: u32,
    warm_up: WarmUp,
    /// One row of values for each replication.
    rows: Vec<Vec<f64>>,
    stuck: u64,
    counted: u64,
    durations: Vec<f64>,
}

/// What a thread brings back of one replication.
struct Row {
    values: Vec<f64>,
    stuck: u64,
    cases: u64,
    durations: Vec<f64>,
}

impl Run<'_> {
    /// Adds replications until there are `count`, on all threads.
    fn until(&mut self, count: usize) {
        let from = self.rows.len();
        let threads = self.settings.threads.clamp(1, count.saturating_sub(from).max(1));
        let next = std::sync::atomic::AtomicUsize::new(from);
        let this = &*self;
        let work = || {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if number >= count {
                    return done;
                }
                done.push((number, this.row(number)));
            }
        };
        let mut rows: Vec<(usize, Row)> = if threads == 1 {
            work()
        } else {
            std::thread::scope(|scope| {
                let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                running.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
            })
        };
        rows.sort_by_key(|(number, _)| *number);
        for (_, row) in rows {
            self.stuck += row.stuck;
            self.counted += row.cases + row.stuck;
            let room = PICTURE.saturating_sub(self.durations.len());
            self.durations.extend(row.durations.into_iter().take(room));
            self.rows.push(row.values);
        }
    }

    fn row(&self, number: usize) -> Row {
        let seed = self.settings.seed;
        let drawn = self.model.is_uncertain().then(|| self.model.drawn(seed, number as u64 / 2));
        let model = drawn.as_ref().unwrap_or(self.model);
        let mut run = replicate(model, seed, number as u64, self.cases, self.warm_up.cases);
        let values = values(model, &mut run, self.settings.limit);
        let durations = if number * (self.cases as usize) < PICTURE { run.durations } else { Vec::new() };
        Row { values, stuck: run.stuck, cases: run.cases, durations }
    }

    fn column(&self, place: usize) -> Vec<f64> {
        self.rows.iter().map(|row| row.get(place).copied().unwrap_or(f64::NAN)).collect()
    }

    fn is_precise(&self, names: &[Measure], precision: f64) -> bool {
        let pairs = self.model.is_uncertain();
        names.iter().enumerate().all(|(place, measure)| {
            let estimate = || Estimate::over(&self.column(place), pairs);
            match measure.what {
                "duration" => {
                    let found = estimate();
                    // γ/(1 + γ) bounds the error relative to the truth, not to the estimate.
                    found.value <= 0.0 || found.half_width() / found.value <= precision / (1.0 + precision)
                }
                "end" => estimate().at_least_wilson(self.counted as f64).half_width() <= precision,
                _ => true,
            }
        })
    }

    /// Whether the simulation's error is small beside what the observations leave open.
    fn parameters_dominate(&self, mean: &Estimate) -> bool {
        mean.parameter.is_some_and(|(low, high)| mean.half_width() <= DOMINATED * (high - low) / 2.0)
    }

    fn estimates(&self, names: &[Measure], posterior: Option<&Posterior>) -> Vec<Estimate> {
        let pairs = self.model.is_uncertain();
        let mut end = 0;
        names
            .iter()
            .enumerate()
            .map(|(place, measure)| {
                let mut found = Estimate::over(&self.column(place), pairs);
                if measure.unit == Unit::Share && matches!(measure.what, "end" | "tail") {
                    found = found.at_least_wilson(self.counted as f64);
                }
                if measure.what == "end" {
                    if let Some(interval) = posterior.and_then(|posterior| posterior.ends.get(end).copied()) {
                        found.parameter = pairs.then_some(interval);
                    }
                    end += 1;
                }
                found
            })
            .collect()
    }
}
