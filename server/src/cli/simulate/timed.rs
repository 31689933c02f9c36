//! A process that declares how long its tasks take, simulated in time.

use std::cell::Cell;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use scoring::simulation::{
    Declaration, Influence, Law, Model, Plan, Result as Simulated, Settings, ShadowPrice, compare,
    shadow_prices, simulate, tornado,
};
use serde_json::json;

use super::super::Output;
use super::report;
use crate::failure::Failure;

/// Precision where nothing is said.
const PRECISION: f64 = 0.01;
/// Replications behind a comparison, and behind each bar of the tornado.
const COMPARED: usize = 200;
const MOVED: usize = 20;
/// How often progress is shown.
const PROGRESS_PAUSE: Duration = Duration::from_secs(1);

/// The model of a file, where it declares anything to simulate in time.
pub(super) fn model(path: &Path, content: &[u8], arrivals: Option<&str>) -> Result<Option<Model>, Failure> {
    let in_file = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let definitions = bpmn::xml::read(content)
        .map_err(|error| Failure::wrong_call(error.code(), in_file(&error), error.hint()))?;
    let mut declared = Vec::new();
    for process in &definitions.processes {
        let found = Declaration::read(process).map_err(|error| failure(path, &error))?;
        if !found.is_empty() {
            declared.push((process.element.id.clone(), found));
        }
    }
    let Some((id, mut declaration)) = declared.into_iter().next() else { return Ok(None) };
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
    let programs = bpmn::compile::compile(&definitions, Some(&id));
    let programs = programs.map_err(|problems| match problems.0.first() {
        Some(first) => Failure::wrong_call(first.code(), in_file(first), first.hint()),
        None => Failure::wrong_call("BPMN-0007", in_file(&"cannot be compiled"), ""),
    })?;
    let Some(program) = programs.first() else { return Ok(None) };
    Model::build(program, &declaration).map(Some).map_err(|error| failure(path, &error))
}

fn failure(path: &Path, error: &scoring::Error) -> Failure {
    Failure::wrong_call(error.code(), format!("{}: {error}", path.display()), error.hint())
}

/// What to simulate, and how long.
pub(super) struct Timed<'a> {
    pub(super) model: &'a Model,
    pub(super) cases: Option<u64>,
    pub(super) precision: Option<f64>,
    pub(super) seed: u64,
    pub(super) threads: usize,
    pub(super) late_after: Option<&'a str>,
    pub(super) sensitivity: bool,
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
        simulate(self.model, settings, &|cases, half| {
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
                tornado: tornado(self.model, self.seed, size),
                shadow_prices: shadow_prices(self.model, self.seed, size),
            }
        });
        if output.is_json() {
            let mut value = json!(found);
            value["seconds"] = json!(began.elapsed().as_secs_f64());
            if let Some(found) = &sensitivity {
                value["tornado"] = json!(found.tornado);
                value["shadowPrices"] = json!(found.shadow_prices);
            }
            output.value(&value);
        } else {
            let text = report::simulation(self.model, &settings, &found, sensitivity.as_ref());
            output.line(&text);
            output.line(&format!("{:.2} s", began.elapsed().as_secs_f64()));
        }
        Ok(ExitCode::SUCCESS)
    }

    pub(super) fn compare(&self, other: &Model, output: Output) -> Result<ExitCode, Failure> {
        let settings = self.settings()?;
        // A short look at the first version finds its warm-up.
        let look = simulate(self.model, &Settings { plan: Plan::Cases(1_000), ..settings }, &|_, _| {});
        let each = look.warm_up.cases.saturating_mul(10).max(1_000);
        let replications = self.cases.map_or(COMPARED, |cases| (cases / u64::from(each)) as usize);
        let size = (replications.max(10).next_multiple_of(2), each, look.warm_up.cases);
        let found = compare(self.model, other, self.seed, size, settings.limit);
        if output.is_json() {
            let mut value = json!(found);
            value["seed"] = json!(self.seed);
            output.value(&value);
        } else {
            output.line(&report::comparison(self.model, other, self.seed, &found));
        }
        Ok(ExitCode::SUCCESS)
    }
}
