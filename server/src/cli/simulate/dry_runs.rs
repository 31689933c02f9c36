//! A process that decides by data: many dry runs of it, and what they have in common.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use engine::port::DeployFile;
use kernel::{DryRun, DryRunOptions, dry_run};
use scoring::Score;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::super::output::table;
use super::super::{Output, run};
use crate::failure::Failure;

/// Different values of a variable that are told apart.
const VALUES_LIMIT: usize = 12;
/// How often progress is shown.
const PROGRESS_PAUSE: Duration = Duration::from_secs(1);

/// What to run, and how often.
pub(super) struct DryRuns {
    /// The process.
    pub(super) files: Vec<DeployFile>,
    /// Variables and results.
    pub(super) options: DryRunOptions,
    /// How many runs.
    pub(super) cases: u32,
    /// Seed of the first run.
    pub(super) seed: u64,
}

impl DryRuns {
    /// Runs them all and shows what they have in common.
    pub(super) async fn execute(self, output: Output) -> Result<ExitCode, Failure> {
        let began = Instant::now();
        let tally = self.draw(output).await?;
        let mut found = tally.value(self.cases);
        found["seed"] = json!(self.seed);
        found["seconds"] = json!(began.elapsed().as_secs_f64());
        if output.is_json() {
            output.value(&found);
        } else {
            show(output, &found);
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn draw(&self, output: Output) -> Result<Tally, Failure> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let mut tally = Tally::default();
        let mut running = JoinSet::new();
        let mut shown = Instant::now();
        let mut next = 0;
        loop {
            while next < self.cases && running.len() < workers {
                let options =
                    DryRunOptions { seed: self.seed.wrapping_add(u64::from(next)), ..self.options.clone() };
                running.spawn(dry_run(self.files.clone(), options));
                next += 1;
            }
            let Some(ended) = running.join_next().await else { return Ok(tally) };
            let ended = ended
                .map_err(|error| Failure::work("SERVER-0001", format!("a run broke off: {error}"), ""))?;
            tally.add(&ended.map_err(run::refused)?);
            if shown.elapsed() > PROGRESS_PAUSE && !output.is_json() {
                shown = Instant::now();
                output.remark(&format!("  {} of {} runs", tally.cases, self.cases));
            }
        }
    }
}

/// What the runs had in common. Sums do not depend on the order in which runs end.
#[derive(Default)]
struct Tally {
    cases: u64,
    states: BTreeMap<String, u64>,
    numbers: BTreeMap<String, Vec<f64>>,
    values: BTreeMap<String, BTreeMap<String, u64>>,
    visits: BTreeMap<String, u64>,
}

impl Tally {
    fn add(&mut self, run: &DryRun) {
        self.cases += 1;
        let state = json!(run.state).as_str().unwrap_or_default().to_owned();
        *self.states.entry(state).or_default() += 1;
        for (name, value) in &run.variables {
            match value {
                Value::Number(number) => {
                    self.numbers.entry(name.clone()).or_default().extend(number.as_f64());
                }
                Value::String(_) | Value::Bool(_) => {
                    let seen = self.values.entry(name.clone()).or_default();
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    *seen.entry(text).or_default() += 1;
                }
                _ => {}
            }
        }
        for line in run.trace.iter().filter(|line| line.event == "completed") {
            *self.visits.entry(line.element.clone()).or_default() += 1;
        }
    }

    fn value(mut self, cases: u32) -> Value {
        let all = self.cases;
        let share = |count: u64| {
            let score = Score::new(all, count);
            json!({"count": count, "share": count as f64 / all.max(1) as f64, "low": score.low, "high": score.high})
        };
        let labelled = |key: &str, label: &str, count: u64| {
            let mut row = share(count);
            row[key] = json!(label);
            row
        };
        let states: Vec<Value> =
            self.states.iter().map(|(state, count)| labelled("state", state, *count)).collect();
        let numbers: Vec<Value> =
            self.numbers.iter_mut().filter_map(|(name, values)| numbers(name, values)).collect();
        // What is different in nearly every run (a text, a time) says nothing about shares.
        self.values.retain(|_, seen| seen.len() <= VALUES_LIMIT);
        let values: Vec<Value> = self
            .values
            .iter()
            .map(|(name, seen)| {
                let shares: Vec<Value> =
                    seen.iter().map(|(value, count)| labelled("value", value, *count)).collect();
                json!({"variable": name, "shares": shares})
            })
            .collect();
        let visits = self.visits.iter();
        let elements: Vec<Value> = visits
            .map(|(id, count)| json!({"element": id, "visits": *count as f64 / all.max(1) as f64}))
            .collect();
        json!({"cases": cases, "states": states, "numbers": numbers, "values": values, "elements": elements})
    }
}

/// Mean, spread and percentiles of a variable.
fn numbers(name: &str, values: &mut [f64]) -> Option<Value> {
    values.sort_by(f64::total_cmp);
    let count = values.len();
    let at = |share: f64| values.get(((count as f64 - 1.0) * share).round() as usize).copied();
    let mean = values.iter().sum::<f64>() / count.max(1) as f64;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let sd = if count > 1 { (squares / (count as f64 - 1.0)).sqrt() } else { 0.0 };
    Some(
        json!({"variable": name, "count": count, "mean": mean, "sd": sd, "p5": at(0.05)?, "p50": at(0.5)?, "p95": at(0.95)?}),
    )
}

fn show(output: Output, found: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| format!("{:.4}", value.as_f64().unwrap_or_default());
    let percent = |value: &Value| format!("{:.1} %", value.as_f64().unwrap_or_default() * 100.0);
    output.line(&format!("{} runs, seed {}", found["cases"], found["seed"]));
    let mut shares = Vec::new();
    let row = |what: String, share: &Value| {
        vec![
            what,
            percent(&share["share"]),
            format!("{} to {}", percent(&share["low"]), percent(&share["high"])),
        ]
    };
    for state in found["states"].as_array().into_iter().flatten() {
        shares.push(row(format!("ends {}", text(&state["state"])), state));
    }
    for variable in found["values"].as_array().into_iter().flatten() {
        for share in variable["shares"].as_array().into_iter().flatten() {
            shares.push(row(format!("{} = {}", text(&variable["variable"]), text(&share["value"])), share));
        }
    }
    output.line(&table(&["", "SHARE", "95 % INTERVAL"], shares));
    // What never differs was given, not drawn.
    let differs = |it: &&Value| it["sd"].as_f64().is_some_and(|sd| sd > 0.0);
    let rows = found["numbers"].as_array().into_iter().flatten().filter(differs).map(|it| {
        let columns = ["mean", "sd", "p5", "p50", "p95"].iter().map(|column| number(&it[column]));
        std::iter::once(text(&it["variable"])).chain(columns).collect()
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        output.line(&table(&["VARIABLE", "MEAN", "SD", "5 %", "MEDIAN", "95 %"], rows));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_come_from_the_sorted_values() {
        let mut values: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        let found = numbers("x", &mut values).unwrap();
        assert_eq!(
            (found["p5"].as_f64(), found["p50"].as_f64(), found["mean"].as_f64()),
            (Some(5.0), Some(50.0), Some(50.0))
        );
    }

    #[test]
    fn one_value_has_no_spread() {
        assert_eq!(numbers("x", &mut [3.0]).unwrap()["sd"], 0.0);
    }
}
