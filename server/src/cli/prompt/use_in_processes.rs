//! `procos prompt processes`: what prompts make of the success of the processes that use them.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;
use das::prompts::ProcessPrompts;
use serde_json::json;

use super::super::Output;
use super::{ORGANISATION, rate};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Show the processes that use prompts, how sure their success is for it, and which prompt matters most.
#[derive(Debug, Args)]
pub(super) struct Processes {
    /// Only those that use this prompt.
    pub(super) name: Option<String>,
}

impl Processes {
    pub(super) async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let scores = assembly.scores();
        let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
        for definition in assembly.engine.definitions().await? {
            if !seen.insert(definition.process_id.clone()) {
                continue;
            }
            let xml = assembly.engine.definition_xml(definition.key).await?;
            let made = das::prompts::of_definition(
                &xml,
                &definition.process_id,
                &assembly.contexts,
                scores.as_ref(),
                ORGANISATION,
            );
            found.extend(made.await?);
        }
        if let Some(name) = &self.name {
            found.retain(|process| process.tasks.iter().any(|task| task.prompt == *name));
        }
        if output.is_json() {
            output.value(&json!({"processes": found}));
            return Ok(ExitCode::SUCCESS);
        }
        if found.is_empty() {
            output.line("no deployed process uses it");
        }
        for process in &found {
            show(output, process);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(output: Output, process: &ProcessPrompts) {
    let success = &process.success;
    output.line(&format!(
        "{}: its prompts let {:.0} % of cases through ({:.0} to {:.0} %)",
        process.process_id,
        success.mean * 100.0,
        success.interval.low * 100.0,
        success.interval.high * 100.0
    ));
    for task in &process.tasks {
        let known = task.posterior.as_ref().map_or_else(|| "not in production".to_owned(), rate);
        output.line(&format!("  {} uses {}: {known}", task.element, task.prompt));
    }
    for part in &success.parts {
        output.line(&format!(
            "  {}: {:.0} % of what is not known; never wrong, it would gain {:.0} points",
            part.name,
            part.uncertainty * 100.0,
            part.gain * 100.0
        ));
    }
}
