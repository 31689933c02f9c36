//! A process that declares how long its tasks take, simulated in time.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use scoring::simulation::bpsim::Declared;
use scoring::simulation::{
    Declaration, Evidence, Influence, Law, Learnt, Model, Plan, Result as Simulated, Settings, ShadowPrice,
    compare, shadow_prices, simulate, tornado,
};
use serde_json::json;

use super::super::Output;
use super::{files, report};
use crate::failure::Failure;

/// Precision where nothing is said.
const PRECISION: f64 = 0.01;
/// Replications behind a comparison, and behind each bar of the tornado.
const COMPARED: usize = 200;
const MOVED: usize = 20;
/// How often progress is shown.
const PROGRESS_PAUSE: Duration = Duration::from_secs(1);

/// A process ready to be simulated, and what of it was learnt from recorded cases.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) model: Model,
    pub(super) learnt: Learnt,
    /// What was read from BPSim, in lines.
    pub(super) notes: Vec<String>,
    pub(super) process_id: String,
    /// What is declared, with what was learnt in its place.
    pub(super) declaration: Declaration,
}

/// What a file and recorded cases say about a process.
pub(super) enum Reading {
    /// It can be simulated in time.
    Timed(Box<Prepared>),
    /// Nothing is declared or recorded that could be simulated in time.
    Nothing,
    /// The file declares nothing, and what is recorded is not enough: why.
    NotEnough(Failure),
}

/// Ids of the processes in a file; none where it cannot be read.
pub(super) fn processes(content: &[u8]) -> Vec<String> {
    let definitions = bpmn::xml::read(content).ok();
    let processes = definitions.into_iter().flat_map(|definitions| definitions.processes);
    processes.map(|process| process.element.id).collect()
}

/// The model of the first process of a file that declares anything to simulate in time, with what was recorded of it in
/// the place of what it assumes; where none declares anything, of the first one that was recorded.
pub(super) fn read(
    path: &Path,
    content: &[u8],
    arrivals: Option<&str>,
    evidence: &BTreeMap<String, Evidence>,
) -> Result<Reading, Failure> {
    let in_file = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let definitions = bpmn::xml::read(content)
        .map_err(|error| Failure::wrong_call(error.code(), in_file(&error), error.hint()))?;
    let mut declared = Vec::new();
    for process in &definitions.processes {
        let found = Declared::read(&definitions, process).map_err(|error| failure(path, &error))?;
        declared.push((process.element.id.as_str(), found));
    }
    let says = declared.iter().position(|(_, found)| !found.declaration.is_empty());
    let recorded = |(id, _): &(&str, Declared)| evidence.get(*id).is_some_and(|seen| seen.cases > 0);
    let Some(place) = says.or_else(|| declared.iter().position(recorded)) else {
        return Ok(Reading::Nothing);
    };
    let (id, declared) = declared.swap_remove(place);
    let notes = declared.lines();
    let mut declaration = declared.declaration;
    if let Some(text) = arrivals {
        declaration.arrivals = match text {
            "none" => None,
            text => Some(Law::parse(text).map_err(|problem| {
                Failure::wrong_call(
                    "CLI-0001",
                    format!("--arrivals: {problem}"),
                    "write e.g. exponential(30min)",
                )
            })?),
        };
    }
    let programs = bpmn::compile::compile(&definitions, Some(id));
    let programs = programs.map_err(|problems| match problems.0.first() {
        Some(first) => Failure::wrong_call(first.code(), in_file(first), first.hint()),
        None => Failure::wrong_call("BPMN-0007", in_file(&"cannot be compiled"), ""),
    })?;
    let Some(program) = programs.first() else { return Ok(Reading::Nothing) };
    let seen = evidence.get(id).cloned().unwrap_or_default();
    let learnt = declaration.learn(program, &seen);
    match Model::build(program, &declaration) {
        Ok(_) if says.is_none() && learnt.is_empty() => Ok(Reading::Nothing),
        Ok(model) => {
            let process_id = id.to_owned();
            Ok(Reading::Timed(Box::new(Prepared { model, learnt, notes, process_id, declaration })))
        }
        Err(error) if says.is_none() => Ok(Reading::NotEnough(failure(path, &error))),
        Err(error) => Err(failure(path, &error)),
    }
}

fn failure(path: &Path, error: &scoring::Error) -> Failure {
    Failure::wrong_call(error.code(), format!("{}: {error}", path.display()), error.hint())
}

/// What to simulate, and how long.
pub(super) struct Timed<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) cases: Option<u64>,
    pub(super) precision: Option<f64>,
    pub(super) seed: u64,
    pub(super) threads: usize,
    pub(super) late_after: Option<&'a str>,
    pub(super) sensitivity: bool,
    /// Where the event log goes, and its cases.
    pub(super) log: Option<(&'a Path, u32)>,
}

/// What matters most.
pub(super) struct Sensitivity {
    pub(super) tornado: Vec<Influence>,
    pub(super) shadow_prices: Vec<ShadowPrice>,
}

impl Timed<'_> {
    fn limit(&self) -> Result<Option<f64>, Failure> {
        let read = |text: &str| match Law::parse(text) {
            Ok(Law::Constant(seconds)) if seconds > 0.0 => Ok(seconds),
            _ => {
                let message = format!("--late-after {text} is no duration");
                Err(Failure::wrong_call("CLI-0001", message, "write e.g. 90min, 4h or PT4H"))
            }
        };
        self.late_after.map(read).transpose()
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let plan = match self.cases {
            Some(cases) => Plan::Cases(cases),
            None => Plan::Precision(self.precision.unwrap_or(PRECISION)),
        };
        Ok(Settings { plan, seed: self.seed, threads: self.threads, limit: self.limit()? })
    }

    fn simulated(&self, settings: &Settings, output: Output) -> Simulated {
        let shown = Cell::new(Instant::now());
        simulate(&self.prepared.model, settings, &|cases, half| {
            if shown.get().elapsed() > PROGRESS_PAUSE && !output.is_json() {
                shown.set(Instant::now());
                output.remark(&format!("  {cases} cases, mean duration known to ± {:.2} %", 100.0 * half));
            }
        })
    }

    pub(super) fn execute(&self, output: Output) -> Result<ExitCode, Failure> {
        let settings = self.settings()?;
        let began = Instant::now();
        let found = self.simulated(&settings, output);
        let sensitivity = self.sensitivity.then(|| {
            let size = (MOVED, found.replication_cases, found.warm_up.cases);
            Sensitivity {
                tornado: tornado(&self.prepared.model, self.seed, size),
                shadow_prices: shadow_prices(&self.prepared.model, self.seed, size),
            }
        });
        let logged = match self.log {
            None => None,
            Some((path, cases)) => {
                let size = (cases, found.warm_up.cases);
                Some((path, files::write_log(&self.prepared.model, self.seed, size, path)?))
            }
        };
        if output.is_json() {
            let mut value = json!(found);
            value["log"] = json!(logged.map(|(_, logged)| logged));
            value["notes"] = json!(self.prepared.notes);
            value["seconds"] = json!(began.elapsed().as_secs_f64());
            value["learnt"] = json!(self.prepared.learnt);
            if let Some(found) = &sensitivity {
                value["tornado"] = json!(found.tornado);
                value["shadowPrices"] = json!(found.shadow_prices);
            }
            output.value(&value);
        } else {
            self.prepared.notes.iter().for_each(|line| output.line(line));
            self.prepared.learnt.lines().iter().for_each(|line| output.line(line));
            let text = report::simulation(&self.prepared.model, &settings, &found, sensitivity.as_ref());
            output.line(&text);
            if let Some((path, logged)) = logged {
                output.line(&format!(
                    "{} cases with {} executions are in {}",
                    logged.cases,
                    logged.executions,
                    path.display()
                ));
            }
            output.line(&format!("{:.2} s", began.elapsed().as_secs_f64()));
        }
        Ok(ExitCode::SUCCESS)
    }

    pub(super) fn compare(&self, other: &Model, output: Output) -> Result<ExitCode, Failure> {
        let settings = self.settings()?;
        // A short look at the first version finds its warm-up.
        let look =
            simulate(&self.prepared.model, &Settings { plan: Plan::Cases(1_000), ..settings }, &|_, _| {});
        let each = look.warm_up.cases.saturating_mul(10).max(1_000);
        let replications = self.cases.map_or(COMPARED, |cases| (cases / u64::from(each)) as usize);
        let size = (replications.max(10).next_multiple_of(2), each, look.warm_up.cases);
        let found = compare(&self.prepared.model, other, self.seed, size, settings.limit);
        if output.is_json() {
            let mut value = json!(found);
            value["seed"] = json!(self.seed);
            value["by_engine"] = json!([self.prepared.model.by_engine(), other.by_engine()]);
            value["learnt"] = json!(self.prepared.learnt);
            output.value(&value);
        } else {
            self.prepared.learnt.lines().iter().for_each(|line| output.line(line));
            output.line(&report::comparison(&self.prepared.model, other, self.seed, &found));
        }
        Ok(ExitCode::SUCCESS)
    }
}
