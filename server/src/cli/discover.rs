//! `procos discover`: a process from an event log.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use das::experience::{EventLog, discover};

use super::{Output, read_file};
use crate::failure::Failure;

/// Find a process in an event log (XES or CSV): sound BPMN with a diagram that accepts what the log shows.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos discover orders.xes -o orders.bpmn
  procos discover tickets.csv --noise 0.2 > tickets.bpmn

A CSV has a header line with a column each for case, activity and time. A log says which way was taken, not why: the
conditions in the result ask variables that you set or replace.")]
pub(crate) struct Discover {
    /// The event log.
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
pub(super) fn read_log(path: &std::path::Path) -> Result<EventLog, Failure> {
    das::experience::log::read_log(&read_file(path)?).map_err(|error| {
        let mut failure = Failure::from(error);
        failure.message = format!("{}: {}", path.display(), failure.message);
        failure
    })
}

impl Discover {
    pub(crate) fn execute(self, output: Output) -> Result<ExitCode, Failure> {
        let log = read_log(&self.log)?;
        let tree = discover(&log, self.noise)?;
        let name = self.name.unwrap_or_else(|| {
            self.log
                .file_stem()
                .map_or_else(|| "process".to_owned(), |stem| stem.to_string_lossy().into_owned())
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
