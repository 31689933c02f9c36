//! `procos prompt compare` and `procos prompt models`: versions and models beside each other, on the same cases.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use context::{Comparison, Stamp, model_rows};
use scoring::Better;
use serde_json::json;

use super::super::{Output, now_ms};
use super::{model_of, selector, short, suite_of, test::named};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Compare a version with the one in use on the same cases, pair by pair, until one is better; exit code 1 if it is
/// worse.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub(super) struct Compare {
    /// Name of the prompt.
    pub(super) name: String,
    /// The version that would come, by the start of its hash or by a label.
    #[arg(long, default_value = "latest")]
    pub(super) version: String,
    /// The version it is compared with.
    #[arg(long, default_value = "production", value_name = "VERSION")]
    pub(super) with: String,
    /// The file of cases; those kept with the prompt where it is left out.
    #[arg(long, value_name = "FILE")]
    pub(super) cases: Option<PathBuf>,
    /// One of the models configured as `models.NAME`.
    #[arg(long, value_name = "NAME")]
    pub(super) model: Option<String>,
    /// Who compares.
    #[arg(long, default_value = "local")]
    actor: String,
}

impl Compare {
    pub(super) async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let suite = suite_of(assembly, &self.name, self.cases.as_deref()).await?;
        let model = match &self.model {
            Some(name) => named(assembly, name)?,
            None => model_of(assembly)?,
        };
        let stamp = Stamp::new(&self.actor, now_ms());
        let pair = (&selector(&self.version), &selector(&self.with));
        let found = assembly.contexts.compare(&self.name, pair, &suite, model, &stamp).await?;
        Ok(show(output, &found))
    }
}

/// Shows a comparison; gives the exit code: 1 where the version that would come is worse.
pub(super) fn show(output: Output, found: &Comparison) -> ExitCode {
    if output.is_json() {
        output.value(&json!(found));
    } else {
        let (candidate, baseline) = (short(&found.candidate), short(&found.baseline));
        output.line(&match found.better {
            Better::First => format!("{candidate} is better than {baseline}"),
            Better::Second => format!("{candidate} is worse than {baseline}"),
            Better::Undecided => format!("{candidate} and {baseline} cannot be told apart"),
        });
        let pairs = found.paired;
        output.line(&format!(
            "{} pairs: both passed {}, only {candidate} {}, only {baseline} {}, neither {}",
            pairs.pairs(),
            pairs.both,
            pairs.only_first,
            pairs.only_second,
            pairs.neither
        ));
        output.line(&format!(
            "difference of the pass rates {:+.0} points ({:+.0} to {:+.0}), exact McNemar p = {:.4}",
            found.difference * 100.0,
            found.low * 100.0,
            found.high * 100.0,
            found.exact_p
        ));
    }
    ExitCode::from(u8::from(found.better == Better::Second))
}

/// Test a version with several models on the same cases and show them beside each other.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
#[command(after_help = "\
Models are configured as [models.NAME], each with the settings of [model]; without names all of them are asked, the
model of [model] first.

Example:
  procos prompt models greeting openai ollama")]
pub(super) struct Models {
    /// Name of the prompt.
    name: String,
    /// Names of the models; the first is what the others are compared with.
    models: Vec<String>,
    /// The version, by the start of its hash or by a label.
    #[arg(long, default_value = "latest")]
    version: String,
    /// The file of cases; those kept with the prompt where it is left out.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// Who compares.
    #[arg(long, default_value = "local")]
    actor: String,
}

impl Models {
    pub(super) async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let suite = suite_of(assembly, &self.name, self.cases.as_deref()).await?;
        let mut asked: Vec<(&str, &dyn llm::Model)> = Vec::new();
        if self.models.is_empty() {
            asked.extend(assembly.model.as_deref().map(|model| ("model", model)));
            asked.extend(assembly.models.iter().map(|(name, model)| (name.as_str(), model.as_ref())));
        }
        for name in &self.models {
            asked.push((name, named(assembly, name)?));
        }
        if asked.is_empty() {
            model_of(assembly)?;
        }
        let stamp = Stamp::new(&self.actor, now_ms());
        let mut reports = Vec::new();
        for (_, model) in &asked {
            let version = selector(&self.version);
            reports.push(assembly.contexts.test(&self.name, &version, &suite, *model, &stamp).await?);
        }
        let rows = model_rows(&reports);
        if output.is_json() {
            output.value(&json!({"models": rows}));
            return Ok(ExitCode::SUCCESS);
        }
        output.line(&format!(
            "{:<12} {:<20} {:>9} {:>6} {:>15} {:>10} {:>8} {:>8} {:>16}",
            "configured", "model", "passed", "rate", "95 %", "cost", "p50 ms", "p95 ms", "p against first"
        ));
        for ((name, _), row) in asked.iter().zip(&rows) {
            output.line(&format!(
                "{name:<12} {:<20} {:>9} {:>5.0}% {:>15} {:>10.6} {:>8} {:>8} {:>16}",
                row.model,
                format!("{}/{}", row.passed, row.trials),
                row.rate * 100.0,
                format!("{:.0} to {:.0} %", row.low * 100.0, row.high * 100.0),
                row.mean_cost,
                row.p50_ms,
                row.p95_ms,
                row.exact_p.map_or_else(|| "–".to_owned(), |p| format!("{p:.4}"))
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}
