//! `procos prompt` through a running server: the same commands over its API, with its models.

use std::process::ExitCode;

use context::{Comparison, Posterior, TestReport, TestSuite};
use serde_json::{Value, json};

use super::super::client::Client;
use super::super::{Output, Session, remote_job};
use super::{
    Approve, Command, Content, Label, List, Rollback, Save, Show, compare, experiment, no_pass, no_prompt,
    parsed, plain_text, rate, short, show_approved, show_difference, show_list, show_saved, test,
    use_in_processes,
};
use crate::failure::Failure;

const PROMPTS: &str = "{ prompts { name production { version } reports { report version decision runs passes } \
    versions { version note author savedAt labels approvals \
    passRate { attempts successes average low high } } } }";
const PROMPT: &str = "query($name: String!) { prompt(name: $name) { production { version } \
    reports { report version decision } versions { version labels definition messages { role text } \
    declared { name type default } fragments { name version } outputSchema parameters \
    passRate { attempts successes average low high } } } }";

/// Does one command through the server.
pub(super) async fn execute(
    command: Command,
    output: Output,
    client: &Client,
    session: &Session,
) -> Result<ExitCode, Failure> {
    match command {
        Command::List(command) => command.there(output, client).await?,
        Command::Save(command) => command.there(output, client).await?,
        Command::Show(command) => command.there(output, client).await?,
        Command::Test(command) => return tested(command, output, client, session).await,
        Command::Compare(command) => return compared(command, output, client).await,
        Command::Approve(command) => command.there(output, client).await?,
        Command::Label(command) => command.there(output, client).await?,
        Command::Rollback(command) => command.there(output, client).await?,
        Command::Experiment(command) => experimented(command, output, client).await?,
        Command::Processes(command) => processes(command, output, client).await?,
        Command::Models(_) => return Err(session.needs_directory("`procos prompt models`")),
        Command::Export(_) => return Err(session.needs_directory("`procos prompt export`")),
        Command::Import(_) => return Err(session.needs_directory("`procos prompt import`")),
    }
    Ok(ExitCode::SUCCESS)
}

fn items<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

/// The pass rate of a version as the API gives it.
fn known(version: &Value) -> Posterior {
    let found = &version["passRate"];
    let count = |name: &str| found[name].as_u64().unwrap_or_default();
    let share = |name: &str| found[name].as_f64().unwrap_or_default();
    Posterior {
        hash: text(version, "version").to_owned(),
        attempts: count("attempts"),
        successes: count("successes"),
        rate: share("average"),
        low: share("low"),
        high: share("high"),
    }
}

async fn prompt(client: &Client, name: &str) -> Result<Value, Failure> {
    let found = client.ask(PROMPT, json!({"name": name})).await?["prompt"].take();
    if found.is_null() { Err(no_prompt(name)) } else { Ok(found) }
}

/// The version of a prompt that a label or the start of a hash means.
fn version<'a>(prompt: &'a Value, name: &str, wanted: &str) -> Result<&'a Value, Failure> {
    let is_it = |version: &&Value| {
        let labelled = items(version, "labels").iter().any(|label| label == wanted);
        labelled || (wanted.len() >= 8 && text(version, "version").starts_with(wanted))
    };
    let message = format!("prompt {name} has no version {wanted}");
    let failed =
        || Failure::wrong_call("CTX-0001", message, "`procos prompt list` shows versions and labels");
    items(prompt, "versions").iter().find(is_it).ok_or_else(failed)
}

impl List {
    async fn there(self, output: Output, client: &Client) -> Result<(), Failure> {
        let answer = client.ask(PROMPTS, json!({})).await?;
        let wanted = |prompt: &&Value| self.name.as_ref().is_none_or(|name| prompt["name"] == name.as_str());
        let found: Vec<Value> = items(&answer, "prompts").iter().filter(wanted).map(listed).collect();
        if let (Some(name), true) = (&self.name, found.is_empty()) {
            return Err(no_prompt(name));
        }
        show_list(output, &found);
        Ok(())
    }
}

/// A prompt of the API in the form of `procos prompt list --json`.
fn listed(prompt: &Value) -> Value {
    let versions: Vec<Value> = items(prompt, "versions")
        .iter()
        .map(|version| {
            let tests: Vec<Value> = items(prompt, "reports")
                .iter()
                .filter(|report| report["version"] == version["version"])
                .map(|report| json!({"report": report["report"], "verdict": report["decision"], "trials": report["runs"], "passed": report["passes"]}))
                .collect();
            json!({"version": version["version"], "note": version["note"], "author": version["author"],
                "at_ms": version["savedAt"], "labels": version["labels"], "tests": tests,
                "approved_by": version["approvals"], "pass_rate": known(version)})
        })
        .collect();
    json!({"name": prompt["name"], "production": prompt["production"]["version"], "versions": versions})
}

impl Save {
    async fn there(self, output: Output, client: &Client) -> Result<(), Failure> {
        let prompt: Content = parsed(&self.file)?;
        let (name, hash) = (prompt.name.clone(), prompt.hash());
        let query = "mutation($input: SavePromptInput!) { savePrompt(input: $input) { name } }";
        let input = json!({"name": name, "definition": prompt, "note": self.note});
        client.ask(query, json!({"input": input})).await?;
        let saved = self::prompt(client, &name).await?;
        // Fragments are pinned when it is saved, which makes it another version than the file alone.
        let newest = items(&saved, "versions").last().map_or(hash, |last| text(last, "version").to_owned());
        let latest = version(&saved, &name, context::LATEST);
        show_saved(output, &name, latest.map_or(&newest, |latest| text(latest, "version")));
        Ok(())
    }
}

impl Show {
    async fn there(self, output: Output, client: &Client) -> Result<(), Failure> {
        let prompt = prompt(client, &self.name).await?;
        let shown = version(&prompt, &self.name, &self.version)?;
        if let Some(against) = &self.against {
            let other = version(&prompt, &self.name, against)?;
            let of = |version| (text(version, "version"), plain_text(version));
            let (from, to) = (of(other), of(shown));
            show_difference(output, (from.0, &from.1), (to.0, &to.1));
        } else if output.is_json() {
            let version = json!({"hash": shown["version"], "prompt": shown["definition"]});
            output.value(&json!({"version": version, "pass_rate": known(shown)}));
        } else {
            output.line(&plain_text(shown));
            output.line(&format!("pass rate: {}", rate(&known(shown))));
        }
        Ok(())
    }
}

async fn tested(
    command: test::Test,
    output: Output,
    client: &Client,
    session: &Session,
) -> Result<ExitCode, Failure> {
    if command.recorded {
        return Err(session.needs_directory("`procos prompt test --recorded`"));
    }
    if let Some(file) = &command.cases {
        if !command.keep {
            let message = "a server tests with the cases that are kept with the prompt";
            return Err(Failure::wrong_call(
                "CLI-0009",
                message,
                "add --keep, which keeps those of the file",
            ));
        }
        let suite: TestSuite = parsed(file)?;
        let query = "mutation($name: String!, $tests: JSON!) { savePromptTests(name: $name, tests: $tests) { name } }";
        client.ask(query, json!({"name": command.name, "tests": suite})).await?;
    }
    let query = "mutation($input: TestPromptInput!) { startPromptTest(input: $input) { id } }";
    let input = json!({"name": command.name, "version": command.version, "model": command.model});
    let job = client.ask(query, json!({"input": input})).await?["startPromptTest"]["id"].take();
    let report: TestReport = made(remote_job::follow(&job, client, output).await?, client)?;
    command.show(output, &report)
}

async fn compared(command: compare::Compare, output: Output, client: &Client) -> Result<ExitCode, Failure> {
    if command.cases.is_some() || command.model.is_some() {
        let message = "a server compares on the cases that are kept with the prompt, with its first model";
        let hint = "leave --cases and --model out; `procos prompt test --cases FILE --keep` keeps cases";
        return Err(Failure::wrong_call("CLI-0009", message, hint));
    }
    let query = "mutation($input: ComparePromptInput!) { comparePrompt(input: $input) { id } }";
    let input = json!({"name": command.name, "candidate": command.version, "baseline": command.with});
    let job = client.ask(query, json!({"input": input})).await?["comparePrompt"]["id"].take();
    let found: Comparison = made(remote_job::follow(&job, client, output).await?, client)?;
    Ok(compare::show(output, &found))
}

/// What a job made.
fn made<T: serde::de::DeserializeOwned>(result: Value, client: &Client) -> Result<T, Failure> {
    serde_json::from_value(result).map_err(|error| {
        let message = format!("the server at {} answers in another form: {error}", client.address());
        Failure::work("CLI-0010", message, "use the same version of procos as the server")
    })
}

impl Approve {
    async fn there(self, output: Output, client: &Client) -> Result<(), Failure> {
        let prompt = prompt(client, &self.name).await?;
        let hash = text(version(&prompt, &self.name, &self.version)?, "version");
        let passed = |report: &&Value| report["version"] == hash && report["decision"] == "pass";
        let newest = || items(&prompt, "reports").iter().find(passed).map(|it| text(it, "report").to_owned());
        let evidence = self.report.or_else(newest).ok_or_else(|| no_pass(&self.name, hash))?;
        let query = "mutation($input: ApprovePromptInput!) { approvePrompt(input: $input) { production { version } } }";
        let input = json!({"name": self.name, "version": hash, "actor": self.actor, "evidence": evidence,
            "reason": self.reason});
        let answer = client.ask(query, json!({"input": input})).await?;
        let is_in_use = answer["approvePrompt"]["production"]["version"] == hash;
        show_approved(output, &self.name, is_in_use.then_some(0));
        Ok(())
    }
}

impl Label {
    async fn there(self, output: Output, client: &Client) -> Result<(), Failure> {
        let query = "mutation($name: String!, $label: String!, $version: String!) { \
            labelPrompt(name: $name, label: $label, version: $version) { versions { version labels } } }";
        let asked = json!({"name": self.name, "label": self.label, "version": self.version});
        let moved = client.ask(query, asked).await?["labelPrompt"].take();
        self.show(output, text(version(&moved, &self.name, &self.label)?, "version"));
        Ok(())
    }
}

impl Rollback {
    async fn there(self, output: Output, client: &Client) -> Result<(), Failure> {
        let query = "mutation($name: String!) { rollBackPrompt(name: $name) { production { version } } }";
        let back = client.ask(query, json!({"name": self.name})).await?;
        self.show(output, text(&back["rollBackPrompt"]["production"], "version"));
        Ok(())
    }
}

async fn experimented(
    command: experiment::Experiment,
    output: Output,
    client: &Client,
) -> Result<(), Failure> {
    const SHOWN: &str = "{ experiment { open winner floor enough promote begunAt \
        arms { label version tasks successes probabilityBest } } }";
    let name = json!({"name": command.name});
    let (query, asked, field) = if command.end {
        (
            format!("mutation($name: String!) {{ endPromptExperiment(name: $name) {SHOWN} }}"),
            name,
            "endPromptExperiment",
        )
    } else if command.labels.is_empty() {
        (format!("query($name: String!) {{ prompt(name: $name) {SHOWN} }}"), name, "prompt")
    } else {
        let input = json!({"name": command.name, "labels": command.labels, "floor": command.floor,
            "enough": command.enough, "fewest": command.fewest, "promote": command.promote});
        let query = "mutation($input: PromptExperimentInput!) { beginPromptExperiment(input: $input)";
        (format!("{query} {SHOWN} }}"), json!({"input": input}), "beginPromptExperiment")
    };
    let mut answer = client.ask(&query, asked).await?[field].take();
    if answer.is_null() {
        return Err(no_prompt(&command.name));
    }
    let found = answer["experiment"].take();
    if output.is_json() {
        output.value(&json!({"experiment": found}));
        return Ok(());
    }
    if found.is_null() {
        output.line(&format!("no experiment with {} yet", command.name));
        return Ok(());
    }
    for arm in items(&found, "arms") {
        output.line(&format!(
            "{:<16} {}  {} of {} tasks succeeded, best with probability {:.2}",
            text(arm, "label"),
            short(text(arm, "version")),
            arm["successes"],
            arm["tasks"],
            arm["probabilityBest"].as_f64().unwrap_or_default()
        ));
    }
    output.line(&match (found["open"].as_bool(), found["winner"].as_str()) {
        (Some(true), _) => {
            format!("open; it stops when one is the best with probability {}", found["enough"])
        }
        (_, Some(winner)) => format!("ended: {} is the best", short(winner)),
        (_, None) => "ended without a winner".to_owned(),
    });
    Ok(())
}

async fn processes(
    command: use_in_processes::Processes,
    output: Output,
    client: &Client,
) -> Result<(), Failure> {
    let query = "query($prompt: String) { promptProcesses(prompt: $prompt) { processId average low high \
        tasks { element prompt visits passRate { attempts successes average low high } } \
        influences { prompt uncertainty gain } } }";
    let found = client.ask(query, json!({"prompt": command.name})).await?;
    let found = items(&found, "promptProcesses");
    if output.is_json() {
        output.value(&json!({"processes": found}));
        return Ok(());
    }
    if found.is_empty() {
        output.line("no deployed process uses it");
    }
    let percent = |of: &Value, name: &str| of[name].as_f64().unwrap_or_default() * 100.0;
    for process in found {
        output.line(&format!(
            "{}: its prompts let {:.0} % of cases through ({:.0} to {:.0} %)",
            text(process, "processId"),
            percent(process, "average"),
            percent(process, "low"),
            percent(process, "high")
        ));
        for task in items(process, "tasks") {
            let is_known = !task["passRate"].is_null();
            let known = if is_known { rate(&known(task)) } else { "not in production".to_owned() };
            output.line(&format!("  {} uses {}: {known}", text(task, "element"), text(task, "prompt")));
        }
        for part in items(process, "influences") {
            output.line(&format!(
                "  {}: {:.0} % of what is not known; never wrong, it would gain {:.0} points",
                text(part, "prompt"),
                percent(part, "uncertainty"),
                percent(part, "gain")
            ));
        }
    }
    Ok(())
}
