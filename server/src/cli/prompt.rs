//! `procos prompt`: lists, saves, tests, approves and rolls back prompts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use context::{Decision, PRODUCTION, Prompt as Content, Selector, Stamp, TestSuite};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::output::point_in_time;
use super::{Found, Output, Session, now_ms, read_file};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Organisation of prompts made on this machine.
const ORGANISATION: &str = "local";
/// Characters of a version's hash that people see.
const SHORT: usize = 12;

/// List, save, test, approve and roll back prompts.
#[derive(Debug, Args)]
#[command(after_help = "\
A prompt goes into production only after a test has passed and somebody has approved it:
  procos prompt save greeting.json --note \"first\"
  procos prompt test greeting --cases cases.json        (needs a configured model)
  procos prompt approve greeting --report ID --reason \"reads well\"")]
pub(crate) struct Prompt {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Save(Save),
    Test(Test),
    Approve(Approve),
    Rollback(Rollback),
}

/// List prompts with their versions, labels, tests and approvals.
#[derive(Debug, Args)]
struct List {
    /// Only this prompt.
    name: Option<String>,
}

/// Save a prompt from a JSON file as a new version; the same content again is the same version.
#[derive(Debug, Args)]
#[command(after_help = "\
The file: {\"name\": \"greeting\", \"purpose\": \"greets\", \"messages\": [{\"role\": \"user\", \"text\": \"Greet {{who}}.\"}],
           \"variables\": [{\"name\": \"who\", \"type\": \"text\"}], \"output_schema\": null, \"parameters\": {}}")]
struct Save {
    /// The file.
    file: PathBuf,
    /// What changed.
    #[arg(long, default_value = "")]
    note: String,
    /// Who saves it.
    #[arg(long, default_value = "local")]
    actor: String,
}

/// Test a version with the configured model until the gate decides; exit code 1 unless it passes.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
#[command(after_help = "\
The cases: {\"cases\": [{\"name\": \"short\", \"variables\": {\"who\": \"Ada\"},
            \"assertions\": [{\"assert\": \"contains\", \"text\": \"Ada\"}]}]}")]
struct Test {
    /// Name of the prompt.
    name: String,
    /// The version, by the start of its hash or by a label.
    #[arg(long, default_value = "latest")]
    version: String,
    /// The file of cases.
    #[arg(long, value_name = "FILE")]
    cases: PathBuf,
    /// Who tests it.
    #[arg(long, default_value = "local")]
    actor: String,
}

/// Approve a version on the evidence of a test; with enough approvals it goes into production.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
struct Approve {
    /// Name of the prompt.
    name: String,
    /// The version, by the start of its hash or by a label.
    #[arg(long, default_value = "latest")]
    version: String,
    /// Id of the test report.
    #[arg(long, value_name = "ID")]
    report: String,
    /// Why.
    #[arg(long)]
    reason: String,
    /// Who approves it.
    #[arg(long, default_value = "local")]
    actor: String,
}

/// Put the version into production that was there before.
#[derive(Debug, Args)]
struct Rollback {
    /// Name of the prompt.
    name: String,
    /// Who rolls back.
    #[arg(long, default_value = "local")]
    actor: String,
}

impl Prompt {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        match session.at_rest().await? {
            Found::Here(assembly) => {
                let done = match self.command {
                    Command::List(command) => command.execute(output, &assembly).await,
                    Command::Save(command) => command.execute(output, &assembly).await,
                    Command::Test(command) => command.execute(output, &assembly).await,
                    Command::Approve(command) => command.execute(output, &assembly).await,
                    Command::Rollback(command) => command.execute(output, &assembly).await,
                };
                assembly.close().await;
                done
            }
            Found::There(_) => Err(session.needs_directory("`procos prompt`")),
        }
    }
}

impl List {
    async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let mut names = assembly.contexts.names(ORGANISATION).await?;
        names.retain(|name| self.name.as_ref().is_none_or(|wanted| wanted == name));
        if let (Some(wanted), true) = (&self.name, names.is_empty()) {
            let message = format!("prompt {wanted} does not exist");
            return Err(Failure::wrong_call("CTX-0001", message, "`procos prompt list` shows names"));
        }
        let mut prompts = Vec::new();
        for name in names {
            prompts.push(describe(assembly, &name).await?);
        }
        if output.is_json() {
            output.value(&json!({"prompts": prompts}));
            return Ok(ExitCode::SUCCESS);
        }
        if prompts.is_empty() {
            output.line("no prompts yet: `procos prompt save FILE`");
        }
        for prompt in &prompts {
            output.line(prompt["name"].as_str().unwrap_or_default());
            prompt["versions"]
                .as_array()
                .into_iter()
                .flatten()
                .for_each(|version| output.line(&line(version)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn describe(assembly: &Assembly, name: &str) -> Result<Value, Failure> {
    let contexts = &assembly.contexts;
    let labels = contexts.labels(ORGANISATION, name).await?;
    let approvals = contexts.approvals(ORGANISATION, name).await?;
    let reports = contexts.reports(ORGANISATION, name).await?;
    let mut versions = Vec::new();
    for version in contexts.versions(ORGANISATION, name).await? {
        let hash = &version.hash;
        let marks: Vec<&String> =
            labels.iter().filter(|(_, labelled)| *labelled == hash).map(|(label, _)| label).collect();
        let tests: Vec<Value> = reports
            .iter()
            .filter(|report| report.hash == *hash)
            .map(|report| json!({"report": report.id, "verdict": report.verdict, "trials": report.trials, "passed": report.passed}))
            .collect();
        let approved: Vec<&String> =
            approvals.iter().filter(|approval| approval.hash == *hash).map(|it| &it.stamp.actor).collect();
        versions.push(
            json!({"version": hash, "note": version.note, "author": version.author, "at_ms": version.at_ms,
            "labels": marks, "tests": tests, "approved_by": approved}),
        );
    }
    Ok(json!({"name": name, "production": labels.get(PRODUCTION), "versions": versions}))
}

fn line(version: &Value) -> String {
    let joined = |name: &str| {
        let words = version[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        words.collect::<Vec<_>>().join(", ")
    };
    let text = |name: &str| version[name].as_str().unwrap_or_default();
    let tests = version["tests"].as_array().map_or(0, Vec::len);
    format!(
        "  {}  {}  by {}  [{}]  {tests} tests  approved by: {}  {}",
        short(text("version")),
        point_in_time(version["at_ms"].as_i64().unwrap_or_default()),
        text("author"),
        joined("labels"),
        joined("approved_by"),
        text("note")
    )
}

impl Save {
    async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let prompt: Content = parsed(&self.file)?;
        let stamp = Stamp::new(&self.actor, now_ms());
        let version = assembly.contexts.save(prompt, &self.note, &stamp).await?;
        if output.is_json() {
            output.value(&json!({"name": version.prompt.name, "version": version.hash}));
        } else {
            output.line(&format!("{} saved as version {}", version.prompt.name, short(&version.hash)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Test {
    async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let suite: TestSuite = parsed(&self.cases)?;
        let Some(model) = &assembly.model else {
            let hint = "set model.base_url and model.model; docs/configuration.md says how";
            return Err(Failure::wrong_call("CLI-0017", "no language model is configured", hint));
        };
        let stamp = Stamp::new(&self.actor, now_ms());
        let contexts = &assembly.contexts;
        let report =
            contexts.test(&self.name, &selector(&self.version), &suite, model.as_ref(), &stamp).await?;
        let passed = report.verdict == context::Verdict::Pass;
        if output.is_json() {
            output.value(&json!(report));
        } else {
            output.line(&format!(
                "{}: {} of {} trials passed ({:.0} %, {:.0} to {:.0} %); report {}",
                json!(report.verdict).as_str().unwrap_or_default(),
                report.passed,
                report.trials,
                report.rate * 100.0,
                report.low * 100.0,
                report.high * 100.0,
                report.id
            ));
        }
        Ok(ExitCode::from(u8::from(!passed)))
    }
}

impl Approve {
    async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let stamp = Stamp::new(&self.actor, now_ms());
        let version = selector(&self.version);
        let contexts = &assembly.contexts;
        let decision = contexts.approve(&self.name, &version, &self.report, &self.reason, &stamp).await?;
        let missing = match decision {
            Decision::Approved => {
                contexts.move_label(&self.name, PRODUCTION, &version, &stamp).await?;
                0
            }
            Decision::Waiting { missing } => missing,
            // `approve` gives a refusal as an error already.
            Decision::Refused { reason } => {
                return Err(Failure::work("CTX-0005", reason, "somebody else must approve it"));
            }
        };
        if output.is_json() {
            output.value(
                &json!({"name": self.name, "in_production": missing == 0, "missing_approvals": missing}),
            );
        } else if missing == 0 {
            output.line(&format!("{} is approved and in production", self.name));
        } else {
            output.line(&format!("the approval counts; {missing} more are needed"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Rollback {
    async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let stamp = Stamp::new(&self.actor, now_ms());
        let version = assembly.contexts.roll_back(&self.name, &stamp).await?;
        if output.is_json() {
            output.value(&json!({"name": self.name, "version": version.hash}));
        } else {
            output.line(&format!("{} is back at version {}", self.name, short(&version.hash)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A label, or the start of a hash.
fn selector(text: &str) -> Selector {
    let is_hash = text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { Selector::Hash(text.to_owned()) } else { Selector::Label(text.to_owned()) }
}

fn short(hash: &str) -> &str {
    hash.get(..SHORT).unwrap_or(hash)
}

fn parsed<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    serde_json::from_slice(&read_file(path)?).map_err(|error| {
        let message = format!("{} does not fit: {error}", path.display());
        Failure::wrong_call(
            "CLI-0018",
            message,
            "`procos prompt save --help` and `procos prompt test --help` show the form",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_named_by_its_hash_or_by_a_label() {
        assert_eq!(selector("0123abcd9"), Selector::Hash("0123abcd9".to_owned()));
        assert_eq!(selector("latest"), Selector::latest());
        assert_eq!(selector("deadbeat"), Selector::Label("deadbeat".to_owned()));
    }
}
