//! `procos simulate`: what a process would do many times over.
//!
//! | what the file declares | how it is simulated |
//! | --- | --- |
//! | durations, shares, resources or arrivals (`procos:simulation`) | in time, by `scoring::simulation` |
//! | nothing of that, but its cases were recorded | in time, by what they showed |
//! | nothing of that either: it decides by its data | many dry runs on the engine |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bpmn::program::Variables;
use clap::Args;
use engine::port::DeployFile;
use kernel::DryRunOptions;
use scoring::simulation::Evidence;

use super::{Output, Session, now_ms, object, read_file, run, seed};
use crate::failure::Failure;

mod dry_runs;
mod files;
mod history;
mod report;
mod timed;

pub(crate) use report::seconds;
use timed::{Prepared, Reading};

/// Dry runs where nothing is said.
const DRY_RUNS: u64 = 200;
/// Most dry runs.
const DRY_RUNS_LIMIT: u64 = 100_000;

/// Run a process many times without side effects: how it ends, how long it takes, what it costs, where it waits.
#[derive(Debug, Args)]
#[command(after_help = "\
A process that declares durations, shares, resources or arrivals (procos:simulation or BPSim, see docs/simulation.md) is simulated
in time, until every number is as precise as --precision says or for --cases. Every number comes with two intervals: ±
is what the finite simulation leaves open, [ ] what the observations behind the parameters leave open.

What a table of steps can say runs from one, everything else by the engine's own rules, which the first lines say and
which is slower. Where it is not known what an element would do (an event without a time, a loop
without a share), it is named with the way out.

With --data-dir or --server, what the cases recorded there showed takes the place of what the file assumes: durations
(running cases count as censored), outcomes of tasks, ways taken at gateways; what was replaced is listed first.

A process that declares none of that and was not recorded decides by its data, as does one that is given --vars or
--result: it is run --cases times on the engine; tasks with effects
complete with their --result, or with nothing; case k draws with seed S + k.

The same seed gives the same answer, on any number of threads.

Examples:
  procos simulate examples/credit-application.bpmn
  procos simulate examples/credit-application.bpmn --precision 0.5% --late-after 4h --sensitivity
  procos simulate today.bpmn --against proposal.bpmn
  procos simulate today.bpmn --log today.xes --log-cases 5000
  procos simulate from-another-tool.bpmn               with its BPSim parameters
  procos simulate order.bpmn --data-dir shop --bpsim order-bpsim.bpmn
  procos simulate order.bpmn --data-dir shop          with what its tasks have really done
  procos simulate examples/light-aircraft/size-aircraft.bpmn --cases 500 --seed 1 --vars '{\"range_km\": 1100}'")]
pub(crate) struct Simulate {
    /// The BPMN file.
    file: PathBuf,
    /// How many cases; otherwise in time until --precision is reached, on data 200.
    #[arg(long, conflicts_with = "precision")]
    cases: Option<u64>,
    /// Simulate until the mean duration is known to this part of itself and each end's share to this much, with 95 %
    /// confidence [default in time: 1%].
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    precision: Option<f64>,
    /// The seed; chosen at random where it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Time between two cases instead of the declared one, e.g. exponential(30min); `none`: cases do not meet.
    #[arg(long, value_name = "DISTRIBUTION")]
    arrivals: Option<String>,
    /// Duration beyond which a case is late, e.g. 4h.
    #[arg(long, value_name = "DURATION")]
    late_after: Option<String>,
    /// Another version of the process, simulated under the same random numbers and compared.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Which parameters matter most, and what one more of each resource is worth.
    #[arg(long)]
    sensitivity: bool,
    /// Write the event log of a run: a file that ends in .xes or .csv.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Cases in the event log.
    #[arg(long, value_name = "CASES", default_value_t = 1_000, requires = "log",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(scoring::simulation::MAX_LOG_CASES)))]
    log_cases: u32,
    /// Write the file with its parameters (and what was recorded in their place) as a BPSim scenario for other tools.
    #[arg(long, value_name = "FILE")]
    bpsim: Option<PathBuf>,
    /// Threads [default: as many as the machine has].
    #[arg(long)]
    threads: Option<usize>,
    /// Variables of the process, a JSON object (or @FILE).
    #[arg(long, value_name = "JSON")]
    vars: Option<String>,
    /// Result of a task: ELEMENT={"variable": value}.
    #[arg(long, value_name = "ELEMENT=JSON")]
    result: Vec<String>,
}

impl Simulate {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let content = read_file(&self.file)?;
        let asks_for_data = self.vars.is_some() || !self.result.is_empty();
        let evidence = match asks_for_data {
            true => BTreeMap::new(),
            false => history::evidence(&session, &timed::processes(&content)).await?,
        };
        match timed::read(&self.file, &content, self.arrivals.as_deref(), &evidence)? {
            Reading::Timed(first) => {
                if let Some(path) = &self.bpsim {
                    files::write_bpsim(&self.file, &content, &first, path)?;
                }
                let other = self.other(&evidence)?;
                let work = move || self.timed(&first, other.as_deref(), output);
                return tokio::task::spawn_blocking(work).await.map_err(|error| {
                    Failure::work("SERVER-0001", format!("the simulation broke off: {error}"), "")
                })?;
            }
            Reading::NotEnough(why) => output.remark(&format!(
                "the recorded cases do not tell enough to simulate in time ({}); it is run on its data instead",
                why.message
            )),
            Reading::Nothing => {}
        }
        for (given, option) in [
            (self.against.is_some(), "--against"),
            (self.precision.is_some(), "--precision"),
            (self.arrivals.is_some(), "--arrivals"),
            (self.late_after.is_some(), "--late-after"),
            (self.sensitivity, "--sensitivity"),
            (self.log.is_some(), "--log"),
            (self.bpsim.is_some(), "--bpsim"),
        ] {
            if given {
                let message = format!("{option} needs a process that declares how long its tasks take");
                let hint = "add <procos:simulation duration=\"exponential(10min)\"/> to its tasks; see docs/simulation.md";
                return Err(Failure::wrong_call("CLI-0001", message, hint));
            }
        }
        self.dry(content, output).await
    }

    /// The other version, which learns from the same cases.
    fn other(&self, evidence: &BTreeMap<String, Evidence>) -> Result<Option<Box<Prepared>>, Failure> {
        let Some(path) = &self.against else { return Ok(None) };
        match timed::read(path, &read_file(path)?, self.arrivals.as_deref(), evidence)? {
            Reading::Timed(other) => Ok(Some(other)),
            Reading::Nothing | Reading::NotEnough(_) => {
                let message = format!("{} declares nothing to simulate in time", path.display());
                Err(Failure::wrong_call(
                    "CLI-0001",
                    message,
                    "compare two versions that both declare durations",
                ))
            }
        }
    }

    fn timed(&self, first: &Prepared, other: Option<&Prepared>, output: Output) -> Result<ExitCode, Failure> {
        let run = timed::Timed {
            prepared: first,
            cases: self.cases,
            precision: self.precision,
            seed: self.seed.unwrap_or_else(seed),
            threads: self
                .threads
                .or_else(|| std::thread::available_parallelism().ok().map(usize::from))
                .unwrap_or(1),
            late_after: self.late_after.as_deref(),
            sensitivity: self.sensitivity,
            log: self.log.as_deref().map(|path| (path, self.log_cases)),
        };
        match other {
            None => run.execute(output),
            Some(other) => run.compare(&other.model, output),
        }
    }

    async fn dry(self, content: Vec<u8>, output: Output) -> Result<ExitCode, Failure> {
        let variables =
            self.vars.as_deref().map_or_else(|| Ok(Variables::new()), |text| object("--vars", text))?;
        let results =
            self.result.iter().map(|text| run::result(text)).collect::<Result<BTreeMap<_, _>, _>>()?;
        let cases = self.cases.unwrap_or(DRY_RUNS);
        if !(1..=DRY_RUNS_LIMIT).contains(&cases) {
            let message =
                format!("--cases {cases}: a process that decides by data is run 1 to {DRY_RUNS_LIMIT} times");
            return Err(Failure::wrong_call("CLI-0001", message, "lower --cases"));
        }
        let runs = dry_runs::DryRuns {
            files: vec![DeployFile { name: file_name(&self.file), content }],
            options: DryRunOptions { variables, results, now_ms: now_ms(), ..DryRunOptions::default() },
            cases: u32::try_from(cases).unwrap_or(u32::MAX),
            seed: self.seed.unwrap_or_else(seed),
        };
        runs.execute(output).await
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// `1%`, `0.5 %` or `0.01`, as a part of one.
fn percent(text: &str) -> Result<f64, String> {
    let (number, scale) = match text.trim().strip_suffix('%') {
        Some(number) => (number.trim(), 0.01),
        None => (text.trim(), 1.0),
    };
    match number.parse::<f64>() {
        Ok(number) if (0.000_1..=0.5).contains(&(number * scale)) => Ok(number * scale),
        _ => Err("write 0.01% to 50%, e.g. 1%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precision_is_written_in_percent_or_as_a_part_of_one() {
        assert_eq!((percent("1%"), percent("0.05"), percent("2.5 %")), (Ok(0.01), Ok(0.05), Ok(0.025)));
        assert!(percent("0").is_err() && percent("60%").is_err() && percent("much").is_err());
    }
}
