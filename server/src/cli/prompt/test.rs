//! `procos prompt test`: trials until the gate decides, with a model or on its recorded answers.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use context::{Progress, Stamp, TestReport, Verdict, junit};
use serde_json::json;

use super::super::{Output, now_ms, write_file};
use super::{ORGANISATION, model_of, selector, suite_of};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Test a version with the configured model until the gate decides; exit code 1 unless it passes.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
#[command(after_help = "\
The cases: {\"cases\": [{\"name\": \"short\", \"variables\": {\"who\": \"Ada\"},
            \"assertions\": [{\"assert\": \"contains\", \"text\": \"Ada\"}]}]}
Assertions: contains, lacks, equals, one_of, matches (regex), at (JSON pointer), fits (JSON Schema), number (with
tolerance), at_most (characters), cost_at_most, latency_at_most, judged (by the model); each may have a weight.

Examples:
  procos prompt test greeting --cases cases.json --keep
  procos prompt test greeting --junit report.xml
  procos prompt test greeting --recorded            without a model, on the answers it gave before")]
pub(super) struct Test {
    /// Name of the prompt.
    pub(super) name: String,
    /// The version, by the start of its hash or by a label.
    #[arg(long, default_value = "latest")]
    pub(super) version: String,
    /// The file of cases; those kept with the prompt where it is left out.
    #[arg(long, value_name = "FILE")]
    pub(super) cases: Option<PathBuf>,
    /// Keep these cases with the prompt.
    #[arg(long, requires = "cases")]
    pub(super) keep: bool,
    /// Ask no model: run on the answers recorded before, of exactly this version, model and parameters.
    #[arg(long)]
    pub(super) recorded: bool,
    /// One of the models configured as `models.NAME`; with --recorded also the name of a model that answered before.
    #[arg(long, value_name = "NAME")]
    pub(super) model: Option<String>,
    /// Write the result as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Who tests it.
    #[arg(long, default_value = "local")]
    actor: String,
}

impl Test {
    pub(super) async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let suite = suite_of(assembly, &self.name, self.cases.as_deref()).await?;
        let stamp = Stamp::new(&self.actor, now_ms());
        let contexts = &assembly.contexts;
        if self.keep {
            contexts.save_suite(&self.name, &suite, &stamp).await?;
        }
        let version = selector(&self.version);
        let report = if self.recorded {
            let model = self.recorded_model(assembly).await?;
            contexts.replay(&self.name, &version, &suite, &model, &stamp).await?
        } else {
            let model = match &self.model {
                Some(name) => named(assembly, name)?,
                None => model_of(assembly)?,
            };
            let says = !output.is_json();
            let watch = move |at: Progress| {
                if says && at.trials.is_multiple_of(10) {
                    output.remark(&format!("{} of {} trials passed", at.passed, at.trials));
                }
            };
            contexts.test_watched(&self.name, &version, &suite, model, &stamp, &watch).await?
        };
        self.show(output, &report)
    }

    /// Shows a report, and writes it where that is wanted; gives the exit code: 1 unless it passed.
    pub(super) fn show(&self, output: Output, report: &TestReport) -> Result<ExitCode, Failure> {
        if let Some(file) = &self.junit {
            write_file(file, junit(std::slice::from_ref(report)).as_bytes())?;
        }
        show(output, report);
        Ok(ExitCode::from(u8::from(report.verdict != Verdict::Pass)))
    }

    /// The model whose answers are used: the one that is named, the one that is configured, or the only one recorded.
    async fn recorded_model(&self, assembly: &Assembly) -> Result<String, Failure> {
        if let Some(name) = &self.model {
            return Ok(assembly
                .models
                .get(name)
                .map_or_else(|| name.clone(), |model| model.name().to_owned()));
        }
        if let Some(model) = &assembly.model {
            return Ok(model.name().to_owned());
        }
        let version = assembly.contexts.get(ORGANISATION, &self.name, &selector(&self.version)).await?;
        let mut found = assembly.contexts.recorded_models(ORGANISATION, &version).await?;
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            (None, _) => Err(Failure::work(
                "CTX-0009",
                format!("no answers to {} are recorded", self.name),
                "run the test once with the model; its answers are recorded",
            )),
            (Some(last), false) => Err(Failure::wrong_call(
                "CTX-0009",
                format!("answers of several models are recorded: {}, {last}", found.join(", ")),
                "say whose with --model",
            )),
        }
    }
}

/// One of the models configured besides the first.
pub(super) fn named<'a>(assembly: &'a Assembly, name: &str) -> Result<&'a dyn llm::Model, Failure> {
    assembly.models.get(name).map(AsRef::as_ref).ok_or_else(|| {
        let known: Vec<&str> = assembly.models.keys().map(String::as_str).collect();
        let hint = format!("configured are: {}; docs/configuration.md says how", known.join(", "));
        Failure::wrong_call("CLI-0017", format!("no model is configured as models.{name}"), &hint)
    })
}

fn show(output: Output, report: &TestReport) {
    if output.is_json() {
        output.value(&json!(report));
        return;
    }
    let verdict = json!(report.verdict);
    output.line(&format!(
        "{}: {} of {} trials passed ({:.0} %, {:.0} to {:.0} %) with {}{}",
        verdict.as_str().unwrap_or_default(),
        report.passed,
        report.trials,
        report.rate * 100.0,
        report.low * 100.0,
        report.high * 100.0,
        report.model,
        if report.recorded { ", on recorded answers" } else { "" }
    ));
    if let Some(trial) = report.details.iter().rev().find(|trial| !trial.passed) {
        output.line(&format!(
            "last failed: {} (seed {}): {}",
            trial.case,
            trial.seed,
            trial.findings.join("; ")
        ));
    }
    output.line(&format!(
        "cost {:.4}, half of the answers within {} ms, 95 % within {} ms",
        report.cost,
        report.latency_ms(0.5),
        report.latency_ms(0.95)
    ));
    if !report.recorded {
        output.line(&format!("report {}", report.id));
    }
}
