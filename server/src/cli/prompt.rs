//! `procos prompt`: prompts from a file to production and back.

mod compare;
mod experiment;
mod folders;
mod remote;
mod test;
mod use_in_processes;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use context::{
    Decision, PRODUCTION, Posterior, Prompt as Content, PromptVersion, Selector, Stamp, TestSuite,
};
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

/// Save, test, compare, approve, try out and roll back prompts.
#[derive(Debug, Args)]
#[command(after_help = "\
A prompt goes into production only after a test has passed and somebody has approved it:
  procos prompt save greeting.json --note \"first\"
  procos prompt test greeting --cases cases.json --keep        (needs a configured model)
  procos prompt approve greeting --reason \"reads well\"
docs/context.md goes through all of it.

With --server, or where a server holds the data directory, it goes through that server: with its models, and in the name
of who is signed in there. What needs the directory itself says so: models, export, import, and test --recorded.")]
pub(crate) struct Prompt {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Show(Show),
    Save(Save),
    Test(test::Test),
    Compare(compare::Compare),
    Models(compare::Models),
    Approve(Approve),
    Label(Label),
    Rollback(Rollback),
    Experiment(experiment::Experiment),
    Processes(use_in_processes::Processes),
    Export(folders::Export),
    Import(folders::Import),
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

/// Approve a version on the evidence of a test; with enough approvals it goes into production.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
struct Approve {
    /// Name of the prompt.
    name: String,
    /// The version, by the start of its hash or by a label.
    #[arg(long, default_value = "latest")]
    version: String,
    /// Id of the test report; the newest one of the version that passed where it is left out.
    #[arg(long, value_name = "ID")]
    report: Option<String>,
    /// Why.
    #[arg(long)]
    reason: String,
    /// Who approves it.
    #[arg(long, default_value = "local")]
    actor: String,
}

/// Show one version as it is sent, with what is known about it, and how it differs from another.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
struct Show {
    /// Name of the prompt.
    name: String,
    /// The version, by the start of its hash or by a label.
    #[arg(long, default_value = "latest")]
    version: String,
    /// Show the difference from this version instead: lines that left begin with -, lines that came with +.
    #[arg(long, value_name = "VERSION")]
    against: Option<String>,
}

/// Put a label on a version; `production` needs an approval, `latest` moves by itself.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
struct Label {
    /// Name of the prompt.
    name: String,
    /// The label.
    label: String,
    /// The version, by the start of its hash or by a label.
    #[arg(long, default_value = "latest")]
    version: String,
    /// Who moves it.
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
                    Command::Show(command) => command.execute(output, &assembly).await,
                    Command::Test(command) => command.execute(output, &assembly).await,
                    Command::Compare(command) => command.execute(output, &assembly).await,
                    Command::Models(command) => command.execute(output, &assembly).await,
                    Command::Approve(command) => command.execute(output, &assembly).await,
                    Command::Label(command) => command.execute(output, &assembly).await,
                    Command::Rollback(command) => command.execute(output, &assembly).await,
                    Command::Experiment(command) => command.execute(output, &assembly).await,
                    Command::Processes(command) => command.execute(output, &assembly).await,
                    Command::Export(command) => command.execute(output, &assembly).await,
                    Command::Import(command) => command.execute(output, &assembly).await,
                };
                assembly.close().await;
                done
            }
            Found::There(client) => remote::execute(self.command, output, &client, &session).await,
        }
    }
}

impl List {
    async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let mut names = assembly.contexts.names(ORGANISATION).await?;
        names.retain(|name| self.name.as_ref().is_none_or(|wanted| wanted == name));
        if let (Some(wanted), true) = (&self.name, names.is_empty()) {
            return Err(no_prompt(wanted));
        }
        let mut prompts = Vec::new();
        for name in names {
            prompts.push(describe(assembly, &name).await?);
        }
        show_list(output, &prompts);
        Ok(ExitCode::SUCCESS)
    }
}

fn no_prompt(name: &str) -> Failure {
    let message = format!("prompt {name} does not exist");
    Failure::wrong_call("CTX-0001", message, "`procos prompt list` shows names")
}

fn show_list(output: Output, prompts: &[Value]) {
    if output.is_json() {
        output.value(&json!({"prompts": prompts}));
        return;
    }
    if prompts.is_empty() {
        output.line("no prompts yet: `procos prompt save FILE`");
    }
    for prompt in prompts {
        output.line(prompt["name"].as_str().unwrap_or_default());
        prompt["versions"].as_array().into_iter().flatten().for_each(|version| output.line(&line(version)));
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
            "labels": marks, "tests": tests, "approved_by": approved, "pass_rate": posterior(assembly, &version).await?}),
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
    let known = serde_json::from_value::<Posterior>(version["pass_rate"].clone());
    format!(
        "  {}  {}  by {}  [{}]  {tests} tests, {}  approved by: {}  {}",
        short(text("version")),
        point_in_time(version["at_ms"].as_i64().unwrap_or_default()),
        text("author"),
        joined("labels"),
        known.map_or_else(|_| "not tried yet".to_owned(), |known| rate(&known)),
        joined("approved_by"),
        text("note")
    )
}

impl Save {
    async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let prompt: Content = parsed(&self.file)?;
        let stamp = Stamp::new(&self.actor, now_ms());
        let version = assembly.contexts.save(prompt, &self.note, &stamp).await?;
        show_saved(output, &version.prompt.name, &version.hash);
        Ok(ExitCode::SUCCESS)
    }
}

fn show_saved(output: Output, name: &str, hash: &str) {
    if output.is_json() {
        output.value(&json!({"name": name, "version": hash}));
    } else {
        output.line(&format!("{name} saved as version {}", short(hash)));
    }
}

impl Show {
    async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let contexts = &assembly.contexts;
        let version = contexts.get(ORGANISATION, &self.name, &selector(&self.version)).await?;
        if let Some(against) = &self.against {
            let other = contexts.get(ORGANISATION, &self.name, &selector(against)).await?;
            show_difference(output, (&other.hash, &plain(&other)), (&version.hash, &plain(&version)));
            return Ok(ExitCode::SUCCESS);
        }
        let known = posterior(assembly, &version).await?;
        if output.is_json() {
            output.value(&json!({"version": version, "pass_rate": known}));
        } else {
            output.line(&plain(&version));
            output.line(&format!("pass rate: {}", rate(&known)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show_difference(output: Output, from: (&str, &str), to: (&str, &str)) {
    let lines = difference(from.1, to.1);
    if output.is_json() {
        output.value(&json!({"from": from.0, "to": to.0, "lines": lines}));
    } else {
        output.line(&lines.join("\n"));
    }
}

/// A version as people read it: its messages, fragments filled in, then what is declared.
fn plain(version: &PromptVersion) -> String {
    let whole = version.whole();
    let messages = whole.messages.iter().map(|message| json!({"role": message.role, "text": message.text}));
    let variables = whole
        .variables
        .iter()
        .map(|variable| json!({"name": variable.name, "type": variable.kind, "default": variable.default}));
    let fragments =
        version.prompt.fragments.iter().map(|(name, hash)| json!({"name": name, "version": hash}));
    plain_text(&json!({
        "messages": messages.collect::<Vec<_>>(),
        "declared": variables.collect::<Vec<_>>(),
        "fragments": fragments.collect::<Vec<_>>(),
        "outputSchema": whole.output_schema,
        "parameters": whole.parameters,
    }))
}

/// The same of a version as the API gives it.
fn plain_text(version: &Value) -> String {
    let parts = |name: &str| version[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let field = |part: &Value, name: &str| part[name].as_str().unwrap_or_default().to_owned();
    let mut text = String::new();
    for message in parts("messages") {
        text.push_str(&format!("## {}\n{}\n\n", field(message, "role"), field(message, "text")));
    }
    for variable in parts("declared") {
        let default = &variable["default"];
        let default = if default.is_null() { String::new() } else { format!(" = {default}") };
        text.push_str(&format!(
            "variable {}: {}{default}\n",
            field(variable, "name"),
            field(variable, "type")
        ));
    }
    for fragment in parts("fragments") {
        let (name, hash) = (field(fragment, "name"), field(fragment, "version"));
        text.push_str(&format!("fragment {name}: {}\n", short(&hash)));
    }
    if !version["outputSchema"].is_null() {
        text.push_str(&format!("answer: {}\n", version["outputSchema"]));
    }
    text.push_str(&format!("parameters: {}", version["parameters"]));
    text
}

/// Lines of the longest common subsequence with a space before them, others with - or +.
fn difference(from: &str, to: &str) -> Vec<String> {
    let (a, b): (Vec<&str>, Vec<&str>) = (from.lines().collect(), to.lines().collect());
    let mut longest = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] = if a[i] == b[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            lines.push(format!("  {}", a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j < b.len() && (i == a.len() || longest[i][j + 1] > longest[i + 1][j]) {
            lines.push(format!("+ {}", b[j]));
            j += 1;
        } else {
            lines.push(format!("- {}", a[i]));
            i += 1;
        }
    }
    lines
}

/// What is known about a version from its tests and its use.
async fn posterior(assembly: &Assembly, version: &PromptVersion) -> Result<Posterior, Failure> {
    let (contexts, scores) = (&assembly.contexts, assembly.scores());
    let name = &version.prompt.name;
    Ok(das::prompts::posterior(contexts, scores.as_ref(), ORGANISATION, name, &version.hash).await?)
}

/// A pass rate in words.
fn rate(known: &Posterior) -> String {
    if known.attempts == 0 {
        return "not tried yet".to_owned();
    }
    format!(
        "{:.0} % ({:.0} to {:.0} %) of {} trials and tasks",
        known.rate * 100.0,
        known.low * 100.0,
        known.high * 100.0,
        known.attempts
    )
}

/// The tests of a file, else those kept with the prompt.
async fn suite_of(assembly: &Assembly, name: &str, cases: Option<&Path>) -> Result<TestSuite, Failure> {
    if let Some(file) = cases {
        return parsed(file);
    }
    let hint = "give a file with --cases, or keep one with the prompt: `procos prompt test NAME --cases FILE --keep`";
    let kept = assembly.contexts.suite(ORGANISATION, name).await?;
    kept.ok_or_else(|| Failure::wrong_call("CTX-0007", format!("no tests are kept with prompt {name}"), hint))
}

/// The configured model.
fn model_of(assembly: &Assembly) -> Result<&dyn llm::Model, Failure> {
    let hint = "set model.base_url and model.model; docs/configuration.md says how";
    let missing = || Failure::wrong_call("CLI-0017", "no language model is configured", hint);
    assembly.model.as_deref().ok_or_else(missing)
}

impl Approve {
    async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let stamp = Stamp::new(&self.actor, now_ms());
        let version = selector(&self.version);
        let contexts = &assembly.contexts;
        let report = match &self.report {
            Some(report) => report.clone(),
            None => newest_pass(assembly, &self.name, &version).await?,
        };
        let decision = contexts.approve(&self.name, &version, &report, &self.reason, &stamp).await?;
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
        show_approved(output, &self.name, Some(missing));
        Ok(ExitCode::SUCCESS)
    }
}

/// How many approvals are missing; none where that is not known but some are.
fn show_approved(output: Output, name: &str, missing: Option<usize>) {
    if output.is_json() {
        output
            .value(&json!({"name": name, "in_production": missing == Some(0), "missing_approvals": missing}));
    } else {
        output.line(&match missing {
            Some(0) => format!("{name} is approved and in production"),
            Some(missing) => format!("the approval counts; {missing} more are needed"),
            None => "the approval counts; more are needed".to_owned(),
        });
    }
}

/// The newest report of a version that passed.
async fn newest_pass(assembly: &Assembly, name: &str, version: &Selector) -> Result<String, Failure> {
    let hash = assembly.contexts.get(ORGANISATION, name, version).await?.hash;
    let reports = assembly.contexts.reports(ORGANISATION, name).await?;
    let passed =
        |report: &&context::TestReport| report.hash == hash && report.verdict == context::Verdict::Pass;
    let found = reports.iter().rev().find(passed).map(|report| report.id.clone());
    found.ok_or_else(|| no_pass(name, &hash))
}

fn no_pass(name: &str, hash: &str) -> Failure {
    let message = format!("no test of version {} of {name} has passed", short(hash));
    Failure::work("CTX-0005", message, "test the version first: `procos prompt test`")
}

impl Label {
    async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let stamp = Stamp::new(&self.actor, now_ms());
        let moved =
            assembly.contexts.move_label(&self.name, &self.label, &selector(&self.version), &stamp).await?;
        self.show(output, &moved.hash);
        Ok(ExitCode::SUCCESS)
    }

    fn show(&self, output: Output, hash: &str) {
        if output.is_json() {
            output.value(&json!({"name": self.name, "label": self.label, "version": hash}));
        } else {
            output.line(&format!("{} of {} is version {}", self.label, self.name, short(hash)));
        }
    }
}

impl Rollback {
    async fn execute(self, output: Output, assembly: &Assembly) -> Result<ExitCode, Failure> {
        let stamp = Stamp::new(&self.actor, now_ms());
        let version = assembly.contexts.roll_back(&self.name, &stamp).await?;
        self.show(output, &version.hash);
        Ok(ExitCode::SUCCESS)
    }

    fn show(&self, output: Output, hash: &str) {
        if output.is_json() {
            output.value(&json!({"name": self.name, "version": hash}));
        } else {
            output.line(&format!("{} is back at version {}", self.name, short(hash)));
        }
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
    fn a_difference_shows_what_left_and_what_came() {
        let lines = difference("a\nb\nc", "a\nx\nc\nd");
        assert_eq!(lines, ["  a", "- b", "+ x", "  c", "+ d"]);
        assert_eq!(difference("a", "a"), ["  a"]);
    }

    #[test]
    fn a_version_is_named_by_its_hash_or_by_a_label() {
        assert_eq!(selector("0123abcd9"), Selector::Hash("0123abcd9".to_owned()));
        assert_eq!(selector("latest"), Selector::latest());
        assert_eq!(selector("deadbeat"), Selector::Label("deadbeat".to_owned()));
    }
}
