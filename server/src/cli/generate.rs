//! `procos generate`: a process from text.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use das::generate::{Context, Evaluation, evaluate_directory, generate};

use super::{Found, Output, Session};
use crate::failure::Failure;

/// Draft a process from text: sound BPMN with a diagram, by rules, or by a model where one is configured.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos generate \"Build a process to ingest data and train a model\" -o train.bpmn
  procos generate \"...\" --labels \"Ingest data,Train model\" --candidates 3
  procos generate --evaluate texts/     (NAME.txt with NAME.bpmn, NAME.xes or NAME.csv)")]
pub(crate) struct Generate {
    /// What the process should do.
    #[arg(required_unless_present = "evaluate")]
    text: Option<String>,
    /// Write the BPMN here instead of to stdout.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Labels that activities must have, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "LABEL,LABEL")]
    labels: Vec<String>,
    /// Candidates that a model writes, of which the one that most others agree with is taken.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=5))]
    candidates: u32,
    /// Compare what is generated from NAME.txt with NAME.bpmn, and with the log NAME.xes or NAME.csv where there is one,
    /// for all texts in a folder.
    #[arg(long, value_name = "FOLDER")]
    evaluate: Option<PathBuf>,
}

impl Generate {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        if let Some(folder) = &self.evaluate {
            let evaluation = evaluate_directory(folder)?;
            if output.is_json() {
                output.value(&serde_json::json!(evaluation));
            } else {
                show(output, &evaluation);
            }
            return Ok(ExitCode::SUCCESS);
        }
        let text = self.text.unwrap_or_default();
        // Without a data directory there is no memory to ask, and none is made for a question. A server that holds
        // it goes on undisturbed: the draft is then written here, without its memory.
        let assembly = match session.data_directory.exists() {
            true => match session.at_rest().await? {
                Found::Here(assembly) => Some(assembly),
                Found::There(_) => {
                    output.remark("a server holds the data directory: drafted without its memory and model");
                    None
                }
            },
            false => None,
        };
        let model = assembly.as_ref().and_then(|assembly| assembly.model.clone());
        let memory = assembly.as_ref().map(|assembly| assembly.memory.clone());
        let context = Context { labels: self.labels, candidates: self.candidates, ..Context::default() };
        let drafted = generate(&text, &context, model.as_deref(), memory.as_deref()).await;
        if let Some(assembly) = assembly {
            assembly.close().await;
        }
        let drafted = drafted?;
        let written = match &self.output {
            Some(path) => {
                std::fs::write(path, &drafted.xml).map_err(|error| {
                    let message = format!("cannot write {}: {error}", path.display());
                    Failure::wrong_call("CLI-0006", message, "choose a folder that exists and may be written")
                })?;
                Some(path.clone())
            }
            None => None,
        };
        if output.is_json() {
            output.value(&serde_json::json!({
                "process": drafted.process_id, "name": drafted.name, "source": drafted.source, "file": written,
                "assumptions": drafted.assumptions, "notes": drafted.notes, "origins": drafted.origins,
                "rounds": drafted.rounds, "candidates": drafted.candidates, "agreement": drafted.agreement,
                "usage": drafted.usage, "elapsed_ms": drafted.elapsed_ms, "xml": drafted.xml,
            }));
            return Ok(ExitCode::SUCCESS);
        }
        match written {
            Some(path) => output.line(&format!("{} written to {}", drafted.name, path.display())),
            None => output.line(&drafted.xml),
        }
        for assumption in &drafted.assumptions {
            output.remark(&format!("assumed: {assumption}"));
        }
        if drafted.rounds > 0 {
            output.remark(&format!(
                "the model took {} rounds, {} + {} tokens, {:.1} s",
                drafted.rounds,
                drafted.usage.input_tokens,
                drafted.usage.output_tokens,
                Duration::from_millis(drafted.elapsed_ms).as_secs_f64()
            ));
        }
        for note in &drafted.notes {
            output.remark(note);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The means, and what failed.
fn show(output: Output, evaluation: &Evaluation) {
    for (name, mean) in [
        ("activities F1", evaluation.activities_f1),
        ("gateways F1", evaluation.gateways_f1),
        ("footprint", evaluation.footprint),
        ("graph edit similarity", evaluation.graph),
        ("fitness", evaluation.fitness),
        ("precision", evaluation.precision),
        ("fitness and precision F1", evaluation.quality),
    ] {
        output.line(&format!("{name:<25} {mean}"));
    }
    for (name, why) in &evaluation.failed {
        output.line(&format!("failed: {name}: {why}"));
    }
}
