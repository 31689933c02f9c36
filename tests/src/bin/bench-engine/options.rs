//! What the caller wants measured.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::model::{MODELS, Model};

/// Kinds of rows.
const ROWS: [&str; 5] = ["raw", "embedded", "http", "camunda7", "operaton"];

/// What `--help` says.
pub(crate) const HELP: &str = "\
Process instances a second on the embedded engine, beside the raw writer below it and beside real Camundas.
make bench-engine builds it and starts what it needs.

  --seconds N      how long each row is measured, after a fifth of it (at least 2 s) unmeasured [10]
  --clients N      clients at work at once [64]
  --rows A,B       which rows: raw, embedded, http, camunda7, operaton [all]
  --models A,B     which processes: one_task, ten_tasks, five_parallel, loop_timer_message [all]
  --postgres URL   a PostgreSQL with empty databases bench_engine, bench_server, bench_raw, bench_camunda, bench_operaton
  --camunda7 FILE  the jar of a Camunda 7
  --operaton FILE  the jar of an Operaton
  --scale WHAT     instead of all that, how the engine bears many instances: open, waiting or timers
  --instances N    how many of them [100000, 1000000, 10000]

Example:
  tests/bench-engine.sh --seconds 3 --rows http,camunda7 --models one_task";

/// The options of a run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// How long each row is measured.
    pub(crate) measured: Duration,
    /// How long each row runs before it is measured: caches fill, a JVM compiles.
    pub(crate) unmeasured: Duration,
    /// Clients at work at once.
    pub(crate) clients: usize,
    /// Address of a PostgreSQL, without a database name.
    pub(crate) postgres: Option<String>,
    /// The jar of a Camunda 7.
    pub(crate) camunda7: Option<PathBuf>,
    /// The jar of an Operaton.
    pub(crate) operaton: Option<PathBuf>,
    /// What is measured instead of throughput: `open`, `waiting`, `timers`.
    pub(crate) scale: Option<String>,
    /// How many instances where `scale` says what; none: as many as its aim names.
    pub(crate) instances: Option<usize>,
    /// Which rows are measured; empty: all.
    rows: Vec<String>,
    /// Which processes are run; empty: all.
    models: Vec<String>,
}

impl Options {
    /// Reads the command line.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            measured: Duration::from_secs(10),
            unmeasured: Duration::from_secs(2),
            clients: 64,
            postgres: None,
            camunda7: None,
            operaton: None,
            scale: None,
            instances: None,
            rows: Vec::new(),
            models: Vec::new(),
        };
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("{word} needs a value"))?;
            match word.as_str() {
                "--seconds" => {
                    options.measured = Duration::from_secs(value.parse().context("--seconds")?);
                    options.unmeasured = (options.measured / 5).max(Duration::from_secs(2));
                }
                "--clients" => options.clients = value.parse().context("--clients")?,
                "--postgres" => options.postgres = Some(value.trim_end_matches('/').to_owned()),
                "--camunda7" => options.camunda7 = Some(value.into()),
                "--operaton" => options.operaton = Some(value.into()),
                "--scale" => options.scale = Some(value),
                "--instances" => options.instances = Some(value.parse().context("--instances")?),
                "--rows" => options.rows = chosen(&value, &ROWS)?,
                "--models" => options.models = chosen(&value, &MODELS.map(|model| model.id))?,
                _ => bail!(
                    "{word} is no option: --seconds, --clients, --rows, --models, --postgres, --camunda7, --operaton, \
                     --scale, --instances"
                ),
            }
        }
        Ok(options)
    }

    /// Whether rows of this kind, one of [`ROWS`], are wanted.
    pub(crate) fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|wanted| wanted == row)
    }

    /// The processes that are wanted.
    pub(crate) fn models(&self) -> impl Iterator<Item = &'static Model> {
        let wanted = |model: &&Model| self.models.is_empty() || self.models.iter().any(|id| id == model.id);
        MODELS.iter().filter(wanted)
    }
}

/// The words of a list, each of them one of `known`.
fn chosen(list: &str, known: &[&str]) -> Result<Vec<String>> {
    let words: Vec<String> = list.split(',').map(str::to_owned).collect();
    match words.iter().find(|word| !known.contains(&word.as_str())) {
        Some(word) => bail!("{word} is none of {}", known.join(", ")),
        None => Ok(words),
    }
}
