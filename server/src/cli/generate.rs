//! `procos generate`: a process from text.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use das::generate::{Context, Evaluation, evaluate_directory, generate, refine_with_model};

use super::{Found, Output, Session, now_ms, read_file};
use crate::failure::Failure;
use crate::wiring::packs;

/// Draft a process from text: sound BPMN with a diagram, by rules, or by a model where one is configured.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos generate \"Build a process to ingest data and train a model\" -o train.bpmn
  procos generate \"...\" --labels \"Ingest data,Train model\" --candidates 3
  procos generate --refine order.bpmn \"add an approval before shipping, and remove the second check\" -o order.bpmn
  procos generate --refine order.bpmn \"this step may fail, retry twice\" --selected ship_goods
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
    /// Change this BPMN file as the text says; what is not touched keeps its place in the drawing.
    #[arg(long, value_name = "FILE.bpmn", conflicts_with = "evaluate")]
    refine: Option<PathBuf>,
    /// Ids of elements that "this step" means in a change, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "ID,ID", requires = "refine")]
    selected: Vec<String>,
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
        if let Some(file) = self.refine.clone() {
            return self.change(&file, output, session).await;
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
        let context = Context {
            labels: self.labels,
            candidates: self.candidates,
            // Packs are files: they are read whoever holds the directory.
            trade: Some(packs::trade(&session.data_directory)),
            now_ms: now_ms(),
            ..Context::default()
        };
        let drafted = generate(&text, &context, model.as_deref(), memory.as_deref()).await;
        if let Some(assembly) = assembly {
            assembly.close().await;
        }
        let drafted = drafted?;
        let written = write(self.output.as_deref(), &drafted.xml)?;
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

impl Generate {
    /// A change in words to a file.
    async fn change(self, file: &Path, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let definitions = bpmn::xml::read(&read_file(file)?)
            .map_err(|error| Failure::wrong_call(error.code(), &error, error.hint()))?;
        let assembly = match session.data_directory.exists() {
            true => match session.at_rest().await? {
                Found::Here(assembly) => Some(assembly),
                Found::There(_) => None,
            },
            false => None,
        };
        let model = assembly.as_ref().and_then(|assembly| assembly.model.clone());
        let mut context = Context { selected: self.selected, ..Context::default() };
        if !context.selected.is_empty() {
            context.notes.push(format!("the person has selected: {}", context.selected.join(", ")));
        }
        let text = self.text.unwrap_or_default();
        let made = refine_with_model(&definitions, None, &text, &context, model.as_deref()).await;
        if let Some(assembly) = assembly {
            assembly.close().await;
        }
        let made = made?;
        let written = write(self.output.as_deref(), &made.xml)?;
        if output.is_json() {
            output.value(&serde_json::json!({
                "file": written, "changes": made.changes, "elements": made.elements, "source": made.source,
                "notes": made.notes, "rounds": made.rounds, "usage": made.usage, "elapsed_ms": made.elapsed_ms,
                "xml": made.xml,
            }));
            return Ok(ExitCode::SUCCESS);
        }
        if written.is_none() {
            output.line(&made.xml);
        }
        for change in made.changes.iter().chain(&made.notes) {
            match written {
                Some(_) => output.line(change),
                None => output.remark(change),
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the BPMN where it was asked for; gives where that is.
fn write(path: Option<&Path>, xml: &str) -> Result<Option<PathBuf>, Failure> {
    let Some(path) = path else { return Ok(None) };
    std::fs::write(path, xml).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Failure::wrong_call("CLI-0006", message, "choose a folder that exists and may be written")
    })?;
    Ok(Some(path.to_owned()))
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
