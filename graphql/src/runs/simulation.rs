//! Many dry runs of a process with different seeds: how it ends, how often each element is passed, what
//! probabilistic tasks decide.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::SimpleObject;
use bpmn::program::Variables;
use engine::clock::Clock;
use engine::port::DeployFile;
use kernel::{DryRun, DryRunOptions, DryRunState, dry_run};
use scoring::simulation::Evidence;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::Outcome;
use super::timed::{self, TimedSimulation};
use crate::Error;

/// Most cases of a simulation.
pub(crate) const CASES_LIMIT: i32 = 10_000;
/// How long a simulation may take; what is done by then is the result.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Simulations at once, in the whole program.
static SLOTS: Semaphore = Semaphore::const_new(2);
/// Notes of a simulation.
const NOTES_LIMIT: usize = 20;

/// How an element did in a simulation.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub(crate) struct ElementVisits {
    /// Id of the BPMN element.
    element_id: String,
    /// Its name, the id where there is none.
    name: String,
    /// Mean number of times it was entered in a case.
    visits: f64,
    /// What it decided, where it is probabilistic: winners by case.
    outcomes: Vec<Outcome>,
}

/// Result of many runs without side effects.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub(crate) struct Simulation {
    /// Cases that were run.
    cases: u64,
    /// The seed: the same seed gives the same cases.
    seed: String,
    /// Cases that completed.
    completed: u64,
    /// How cases ended, by end event or state.
    endings: Vec<Outcome>,
    /// Elements in order of their ids.
    elements: Vec<ElementVisits>,
    /// The same process simulated in time; null where nothing says how long its tasks take (a note says why).
    timed: Option<TimedSimulation>,
    /// What one should know.
    notes: Vec<String>,
}

/// What to simulate.
pub(crate) struct Case {
    pub(crate) file: DeployFile,
    pub(crate) process_id: String,
    pub(crate) variables: Variables,
    pub(crate) cases: u64,
    pub(crate) seed: u64,
    pub(crate) clock: Arc<dyn Clock>,
    /// Cases simulated in time; `None` where nobody asks for that.
    pub(crate) timed_cases: Option<u64>,
    /// What recorded cases showed.
    pub(crate) evidence: Evidence,
}

#[derive(Default)]
struct Counts {
    cases: u64,
    completed: u64,
    endings: BTreeMap<String, u64>,
    visits: BTreeMap<String, u64>,
    winners: BTreeMap<String, BTreeMap<String, u64>>,
    incidents: BTreeMap<String, u64>,
}

/// Runs the cases one after the other, at most [`TIME_LIMIT`] long.
///
/// # Errors
/// [`Error::Limit`] where too many simulations run; [`Error::Kernel`] where the process cannot be run at all.
pub(crate) async fn simulate(case: Case) -> Result<Simulation, Error> {
    let _slot = SLOTS.try_acquire().map_err(|_| Error::Limit {
        limit: "SLOTS",
        detail: "two simulations are running; try again shortly".to_owned(),
    })?;
    let names = names(&case.file.content);
    let in_time = in_time(&case).await?;
    let now_ms = case.clock.now_ms();
    let began = tokio::time::Instant::now();
    let mut counts = Counts::default();
    while counts.cases < case.cases && began.elapsed() < TIME_LIMIT {
        let options = DryRunOptions {
            process_id: Some(case.process_id.clone()),
            variables: case.variables.clone(),
            seed: case.seed.wrapping_add(counts.cases),
            now_ms,
            ..DryRunOptions::default()
        };
        let run = tokio::time::timeout(TIME_LIMIT, dry_run(vec![case.file.clone()], options)).await;
        match run {
            Ok(run) => counts.add(&run?),
            Err(_) => break,
        }
        tokio::task::yield_now().await;
    }
    let mut found = counts.finish(case.cases, case.seed, &names);
    (found.timed, found.notes) = (in_time.0, [found.notes, in_time.1].concat());
    Ok(found)
}

/// The simulation in time with its notes.
async fn in_time(case: &Case) -> Result<(Option<TimedSimulation>, Vec<String>), Error> {
    let Some(cases) = case.timed_cases else { return Ok((None, Vec::new())) };
    let prepared = timed::prepare(&case.file.content, &case.process_id, &case.evidence)?;
    let (seed, recorded_cases) = (case.seed, prepared.recorded_cases);
    let Some(model) = prepared.model else { return Ok((None, prepared.notes)) };
    let work = tokio::task::spawn_blocking(move || timed::run(&model, cases, seed, recorded_cases));
    Ok((work.await.map_err(|_| Error::Broken("the simulation"))?, prepared.notes))
}

/// Names of elements by id.
fn names(xml: &[u8]) -> BTreeMap<String, String> {
    let Ok(definitions) = bpmn::xml::read(xml) else { return BTreeMap::new() };
    let Ok(programs) = bpmn::compile::compile(&definitions, None) else { return BTreeMap::new() };
    let nodes = programs.iter().flat_map(|program| program.nodes.iter());
    nodes.filter_map(|node| Some((node.id.clone(), node.name.clone()?))).collect()
}

impl Counts {
    fn add(&mut self, run: &DryRun) {
        self.cases += 1;
        let ending = match run.state {
            DryRunState::Completed => {
                self.completed += 1;
                let last = run.trace.iter().rev();
                let end = last.into_iter().find(|line| line.kind == "endEvent" && line.event == "completed");
                end.map_or_else(|| "completed".to_owned(), |line| line.element.clone())
            }
            DryRunState::Terminated => "terminated".to_owned(),
            DryRunState::Failed => "failed".to_owned(),
            DryRunState::Waiting => "waiting".to_owned(),
        };
        *self.endings.entry(ending).or_default() += 1;
        for line in run.trace.iter().filter(|line| line.event == "activated") {
            *self.visits.entry(line.element.clone()).or_default() += 1;
        }
        for task in run.task_runs.iter().filter(|task| !task.verdict.is_null()) {
            let winner = task.verdict.get("winner").and_then(Value::as_str).unwrap_or("undecided");
            let winners = self.winners.entry(task.element.clone()).or_default();
            *winners.entry(winner.to_owned()).or_default() += 1;
        }
        for incident in &run.incidents {
            let what = format!("{}: {}: {}", incident.element, incident.code, incident.message);
            *self.incidents.entry(what).or_default() += 1;
        }
    }

    fn finish(self, asked: u64, seed: u64, names: &BTreeMap<String, String>) -> Simulation {
        let name =
            |id: &str| names.get(id).filter(|name| !name.is_empty()).map_or(id, String::as_str).to_owned();
        let mut notes = Vec::new();
        if asked > 0 {
            notes.push(
                "each case is a dry run with a seed of its own: FEEL and draws execute, tasks with effects complete \
                 with nothing"
                    .to_owned(),
            );
        }
        if self.cases < asked {
            notes.push(format!(
                "{} of {asked} cases were run: the time limit of {} s was reached",
                self.cases,
                TIME_LIMIT.as_secs()
            ));
        }
        let stopped = self.incidents.iter().take(NOTES_LIMIT);
        notes.extend(stopped.map(|(what, count)| format!("{count} cases stopped at {what}")));
        let cases = self.cases;
        let endings = self.endings.iter().map(|(end, count)| Outcome::counted(&name(end), *count, cases));
        let elements = self.visits.iter().map(|(element, visits)| {
            let winners = self.winners.get(element);
            let all: u64 = winners.map_or(0, |winners| winners.values().sum());
            let outcomes = winners.into_iter().flatten();
            ElementVisits {
                element_id: element.clone(),
                name: name(element),
                visits: *visits as f64 / cases.max(1) as f64,
                outcomes: outcomes.map(|(label, count)| Outcome::counted(label, *count, all)).collect(),
            }
        });
        Simulation {
            cases,
            seed: seed.to_string(),
            completed: self.completed,
            endings: endings.collect(),
            elements: elements.collect(),
            timed: None,
            notes,
        }
    }
}
