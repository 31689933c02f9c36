//! `procos conform`: how well an event log agrees with a process.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use das::experience::{Conformance, conformance};

use super::discover::read_log;
use super::{Output, Session, read_file};
use crate::failure::Failure;

/// Replay an event log (XES or CSV) on a process: fitness, precision, and where cases deviate.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos conform orders.xes orders.bpmn
  procos conform tickets.csv tickets.bpmn --json
  procos conform trail:order order.bpmn

Activities are matched by name. Exit code 0 where every case fits, 1 where one deviates.")]
pub(crate) struct Conform {
    /// The event log: a file, or trail:PROCESS for what ProcOS itself ran of a process.
    log: PathBuf,
    /// The BPMN file.
    file: PathBuf,
    /// The process in it; the first one where not given.
    #[arg(long, value_name = "ID")]
    process: Option<String>,
    /// Deviating variants to show.
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    limit: usize,
}

impl Conform {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let log = read_log(&self.log, &session).await?;
        let definitions = bpmn::xml::read(&read_file(&self.file)?)
            .map_err(|error| Failure::wrong_call(error.code(), &error, error.hint()))?;
        let programs = bpmn::compile::compile(&definitions, self.process.as_deref())
            .map_err(|problems| Failure::wrong_call(problems.code(), &problems, problems.hint()))?;
        let program = match &self.process {
            Some(id) => programs.iter().find(|program| program.process_id == *id),
            None => programs.first(),
        };
        let Some(program) = program else {
            let message = format!("{} holds no such process", self.file.display());
            return Err(Failure::wrong_call("BPMN-0010", message, "name a process that is in the file"));
        };
        let result = conformance(&log, program);
        if output.is_json() {
            output.value(&serde_json::json!(result));
        } else {
            show(output, &result, self.limit);
        }
        Ok(ExitCode::from(u8::from(result.fitting < result.cases)))
    }
}

fn show(output: Output, result: &Conformance, limit: usize) {
    output.line(&format!("cases      {} of {} fit", result.fitting, result.cases));
    output.line(&format!("fitness    {:.3}", result.fitness));
    output.line(&format!("precision  {:.3}", result.precision));
    output.line(&format!("F1         {:.3}", result.f1));
    for (title, names) in
        [("only in the log", &result.only_in_log), ("only in the process", &result.only_in_process)]
    {
        if !names.is_empty() {
            output.line(&format!("{title}: {}", names.join(", ")));
        }
    }
    for fit in result.deviating.iter().take(limit) {
        let more = if fit.count > fit.cases.len() { ", …" } else { "" };
        output.line(&format!(
            "{} cases ({}{more}), fitness {:.3}:",
            fit.count,
            fit.cases.join(", "),
            fit.fitness
        ));
        for deviation in &fit.deviations {
            output.line(&format!("  {deviation}"));
        }
    }
    if result.deviating.len() > limit {
        output.line(&format!("and {} more variants that deviate", result.deviating.len() - limit));
    }
    if !result.exact {
        output.remark("the search for unseen steps was cut short: some deviations may not be real");
    }
}
