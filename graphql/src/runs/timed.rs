//! A process simulated in time, on what it declares and what recorded cases showed in its place.

use async_graphql::SimpleObject;
use scoring::simulation::bpsim::Declared;
use scoring::simulation::{
    Estimate, Evidence, Model, Plan, Result as Simulated, Settings, bottleneck, shadow_prices, simulate,
};

use crate::Error;

/// Most cases simulated in time.
pub(crate) const TIMED_CASES_LIMIT: i32 = 1_000_000;
/// Cases of each run behind what one more of a resource is worth, and how many runs.
const PRICED: (usize, u32) = (40, 1_000);

/// A simulated number with its two uncertainties, both 95 %.
#[derive(Clone, Copy, Debug, PartialEq, SimpleObject)]
pub(crate) struct SimulatedNumber {
    /// The number.
    value: f64,
    /// Lower end of what the finite simulation leaves open.
    low: f64,
    /// Upper end of what the finite simulation leaves open.
    high: f64,
    /// Lower end of what the observations behind the parameters leave open; null where every parameter is taken as given.
    parameter_low: Option<f64>,
    /// Upper end of what the observations behind the parameters leave open.
    parameter_high: Option<f64>,
}

/// How often cases come to an end.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub(crate) struct SimulatedEnd {
    /// Id of the end event.
    element_id: String,
    /// Its name, the id where there is none.
    name: String,
    /// Share of cases that end there.
    share: SimulatedNumber,
    /// The share without simulation error, where it can be computed.
    exact: Option<f64>,
}

/// A quantile of the duration.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub(crate) struct SimulatedQuantile {
    /// The share of cases that take no longer.
    share: f64,
    /// Seconds.
    duration: SimulatedNumber,
}

/// How a step did.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub(crate) struct SimulatedTask {
    /// Id of the BPMN element.
    element_id: String,
    /// Its name, the id where there is none.
    name: String,
    /// Mean duration of an execution, seconds, without waiting.
    takes: f64,
    /// Recorded executions behind it; null where it is taken as given.
    observed: Option<u64>,
    /// Executions in a case.
    visits: SimulatedNumber,
    /// The same without simulation error, where it can be computed.
    exact_visits: Option<f64>,
    /// Mean wait for its resource, seconds; null where it needs none.
    wait: Option<SimulatedNumber>,
}

/// How busy a resource was.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub(crate) struct SimulatedResource {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// How many there are.
    capacity: u32,
    /// Share of its time it works.
    utilisation: SimulatedNumber,
    /// The same without simulation error, where it can be computed; 1 and above means that its queue grows without bound.
    exact_utilisation: Option<f64>,
    /// Mean number of executions that wait for it.
    queue: SimulatedNumber,
}

/// The resource that most work waits for.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub(crate) struct Bottleneck {
    /// Its id.
    resource_id: String,
    /// Its name.
    name: String,
    /// Change of a case's mean duration in seconds with one more of it.
    one_more: Option<SimulatedNumber>,
}

/// A process simulated in time.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub(crate) struct TimedSimulation {
    /// Cases that were simulated.
    cases: u64,
    /// Of them, cases that can never end.
    stuck: u64,
    /// Recorded cases that took the place of what the process assumes.
    recorded_cases: u64,
    /// How cases end.
    ends: Vec<SimulatedEnd>,
    /// Mean duration of a case, seconds.
    duration: SimulatedNumber,
    /// Half, 90 %, 95 % and 99 % of the cases take no longer.
    quantiles: Vec<SimulatedQuantile>,
    /// Mean wait for resources in a case, seconds.
    waiting: SimulatedNumber,
    /// Mean cost of a case.
    cost: SimulatedNumber,
    /// Currency of the cost, empty where none is declared.
    currency: String,
    /// Steps in their order in the process.
    tasks: Vec<SimulatedTask>,
    /// Resources; none where cases do not meet.
    resources: Vec<SimulatedResource>,
    /// The resource that most work waits for.
    bottleneck: Option<Bottleneck>,
    /// Why the process ran by the engine's own rules, step by step; null where a table says it, which is quicker.
    by_engine: Option<String>,
    /// Why exact values are missing where they are.
    inexact: Option<String>,
}

impl From<&Estimate> for SimulatedNumber {
    fn from(estimate: &Estimate) -> Self {
        let parameter = estimate.parameter.filter(|(low, high)| low.is_finite() && high.is_finite());
        Self {
            value: estimate.value,
            low: estimate.monte_carlo.0,
            high: estimate.monte_carlo.1,
            parameter_low: parameter.map(|(low, _)| low),
            parameter_high: parameter.map(|(_, high)| high),
        }
    }
}

/// What can be simulated in time, and what one should know about it.
pub(crate) struct Prepared {
    pub(crate) model: Option<Model>,
    pub(crate) recorded_cases: u64,
    pub(crate) notes: Vec<String>,
}

/// The model of a process with what recorded cases showed; none where neither says how long anything takes, or where an
/// element cannot be simulated in time, which the notes say.
pub(crate) fn prepare(xml: &[u8], process_id: &str, evidence: &Evidence) -> Result<Prepared, Error> {
    let nothing = |notes| Prepared { model: None, recorded_cases: 0, notes };
    let Ok(definitions) = bpmn::xml::read(xml) else { return Ok(nothing(Vec::new())) };
    let process = definitions.processes.iter().find(|process| process.element.id == process_id);
    let program = bpmn::compile::compile(&definitions, Some(process_id)).ok();
    let (Some(process), Some(program)) = (process, program.as_ref().and_then(|all| all.first())) else {
        return Ok(nothing(Vec::new()));
    };
    let declared = match Declared::read(&definitions, process) {
        Ok(declared) => declared,
        Err(error) => return Ok(nothing(vec![format!("not simulated in time: {error}; {}", error.hint())])),
    };
    let said = declared.lines();
    let mut declaration = declared.declaration;
    let learnt = declaration.learn(program, evidence);
    if declaration.is_empty() {
        return Ok(nothing(vec![
            "not simulated in time: nothing says how long its tasks take, neither the file nor recorded cases".to_owned(),
        ]));
    }
    Ok(match Model::build(program, &declaration) {
        Ok(model) => {
            let recorded_cases = if learnt.is_empty() { 0 } else { learnt.cases };
            Prepared { model: Some(model), recorded_cases, notes: [said, learnt.lines()].concat() }
        }
        Err(error) => nothing(vec![format!("not simulated in time: {error}; {}", error.hint())]),
    })
}

/// Simulates so many cases on one thread; takes a while, so not on an asynchronous one.
pub(crate) fn run(model: &Model, cases: u64, seed: u64, recorded_cases: u64) -> Option<TimedSimulation> {
    let settings = Settings { plan: Plan::Cases(cases), seed, threads: 1, limit: None };
    let found = simulate(model, &settings, &|_, _| {});
    let of = |what: &str, of: &str| {
        let estimate = found.estimate(what, of).filter(|estimate| estimate.value.is_finite());
        estimate.map(SimulatedNumber::from)
    };
    let exact = found.exact.as_ref().map(|exact| exact.ends.as_slice()).unwrap_or_default();
    let ends = model.ends.iter().enumerate().filter_map(|(place, (id, name))| {
        let share = of("end", id)?;
        Some(SimulatedEnd {
            element_id: id.clone(),
            name: name.clone(),
            share,
            exact: exact.get(place).copied(),
        })
    });
    let quantiles =
        [("duration p50", 0.5), ("duration p90", 0.9), ("duration p95", 0.95), ("duration p99", 0.99)];
    let quantiles = quantiles
        .into_iter()
        .filter_map(|(what, share)| Some(SimulatedQuantile { share, duration: of(what, "")? }));
    let tasks = model.activities.iter().enumerate().filter_map(|(place, activity)| {
        Some(SimulatedTask {
            element_id: activity.id.clone(),
            name: activity.name.clone(),
            takes: activity.law.mean(),
            observed: activity.observed,
            visits: of("visits", &activity.id)?,
            exact_visits: found.exact.as_ref().and_then(|exact| exact.visits.get(place).copied()),
            wait: activity.resource.and_then(|_| of("wait", &activity.id)),
        })
    });
    let exact_load = found.exact.as_ref().and_then(|exact| exact.load.as_ref());
    let resources = model.resources.iter().enumerate().filter_map(|(place, resource)| {
        Some(SimulatedResource {
            id: resource.id.clone(),
            name: resource.name.clone(),
            capacity: resource.capacity,
            utilisation: of("utilisation", &resource.id)?,
            exact_utilisation: exact_load.and_then(|load| load.utilisation.get(place).copied()),
            queue: of("queue", &resource.id)?,
        })
    });
    Some(TimedSimulation {
        cases: found.cases,
        stuck: found.stuck,
        recorded_cases,
        ends: ends.collect(),
        duration: of("duration", "")?,
        quantiles: quantiles.collect(),
        waiting: of("waiting", "")?,
        cost: of("cost", "")?,
        currency: found.currency.clone(),
        tasks: tasks.collect(),
        resources: if model.is_contended() { resources.collect() } else { Vec::new() },
        bottleneck: narrowest(model, &found, seed),
        by_engine: found.by_engine.clone(),
        inexact: found.inexact.as_ref().map(ToString::to_string),
    })
}

fn narrowest(model: &Model, found: &Simulated, seed: u64) -> Option<Bottleneck> {
    let resource = bottleneck(model, found)?;
    let size = (PRICED.0, PRICED.1, found.warm_up.cases);
    let price = shadow_prices(model, seed, size).into_iter().find(|price| price.of == resource.id);
    Some(Bottleneck {
        resource_id: resource.id.clone(),
        name: resource.name.clone(),
        one_more: price.map(|price| SimulatedNumber::from(&price.duration)),
    })
}
