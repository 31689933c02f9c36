//! What the caller wants measured.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

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
                _ => bail!(
                    "{word} is no option: --seconds, --clients, --postgres, --camunda7, --operaton, --scale, \
                     --instances"
                ),
            }
        }
        Ok(options)
    }
}
