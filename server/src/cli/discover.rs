//! `procos discover`: a process from an event log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use das::experience::{EventLog, discover};
use engine::Store;

use super::{Found, Output, Session, read_file};
use crate::failure::Failure;

/// Find a process in an event log (XES or CSV): sound BPMN with a diagram that accepts what the log shows.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos discover orders.xes -o orders.bpmn
  procos discover tickets.csv --noise 0.2 > tickets.bpmn
  procos discover trail:order -o order-as-it-runs.bpmn

A CSV has a header line with a column each for case, activity and time. A log says which way was taken, not why: the
conditions in the result ask variables that you set or replace.")]
pub(crate) struct Discover {
    /// The event log: a file, or trail:PROCESS for what ProcOS itself ran of a process.
    log: PathBuf,
    /// Write the BPMN here instead of to stdout.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Leave out behaviour rarer than this share of the most frequent one; 0 keeps everything.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    noise: f64,
    /// Name of the process; the name of the file where not given.
    #[arg(long)]
    name: Option<String>,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..1.0).contains(&value) => Ok(value),
        _ => Err("a number from 0 to below 1".to_owned()),
    }
}

/// Reads an event log named on the command line.
pub(super) async fn read_log(log: &Path, session: &Session) -> Result<EventLog, Failure> {
    if let Some(process) = trail_of(log) {
        return log_of_trail(process, session).await;
    }
    das::experience::log::read_log(&read_file(log)?).map_err(|error| {
        let mut failure = Failure::from(error);
        failure.message = format!("{}: {}", log.display(), failure.message);
        failure
    })
}

/// The process whose runs are the log.
fn trail_of(log: &Path) -> Option<&str> {
    log.to_str()?.strip_prefix("trail:")
}

/// Makes a log of what all versions of a process did, as the trail has it.
async fn log_of_trail(process: &str, session: &Session) -> Result<EventLog, Failure> {
    let database = match session.database().await? {
        Found::Here(database) => database,
        Found::There(_) => return Err(session.needs_directory("reading its trail as a log")),
    };
    let found = Store::definitions(database.as_ref()).await?;
    let versions: Vec<_> = found.iter().filter(|(definition, _)| definition.process_id == process).collect();
    let keys: Vec<i64> = versions.iter().map(|(definition, _)| definition.key).collect();
    // Of several versions, the newest says what an element is called.
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for definitions in versions.iter().filter_map(|(_, xml)| bpmn::xml::read(xml.as_bytes()).ok()) {
        for node in definitions.processes.into_iter().flat_map(|process| process.nodes) {
            names.extend(node.element.name.map(|name| (node.element.id, name)));
        }
    }
    // No key would mean all processes.
    let log = if keys.is_empty() {
        Err(das::Error::Log { why: format!("there is no process '{process}'") })
    } else {
        das::experience::log::read_trail(database.as_ref(), &keys, &names).await
    };
    database.close().await;
    Ok(log?)
}

impl Discover {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let log = read_log(&self.log, &session).await?;
        let tree = discover(&log, self.noise)?;
        let name = self.name.unwrap_or_else(|| match trail_of(&self.log) {
            Some(process) => process.to_owned(),
            None => self
                .log
                .file_stem()
                .map_or_else(|| "process".to_owned(), |stem| stem.to_string_lossy().into_owned()),
        });
        let (definitions, process) = das::experience::draw(&tree, &name)?;
        let xml = bpmn::xml::write(&definitions);
        if let Some(path) = &self.output {
            std::fs::write(path, &xml).map_err(|error| {
                let message = format!("cannot write {}: {error}", path.display());
                Failure::wrong_call("CLI-0006", message, "choose a folder that exists and may be written")
            })?;
        }
        if output.is_json() {
            let xml = self.output.is_none().then_some(xml);
            output.value(&serde_json::json!({
                "process": process, "name": name, "file": self.output, "cases": log.cases(), "events": log.events(),
                "activities": log.activities().len(), "variants": log.variants().len(), "xml": xml,
            }));
        } else {
            match &self.output {
                Some(path) => output.line(&format!("{name} written to {}", path.display())),
                None => output.line(&xml),
            }
            output.remark(&format!(
                "from {} cases with {} events of {} activities, in {} variants",
                log.cases(),
                log.events(),
                log.activities().len(),
                log.variants().len()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}
