//! `procos proposals`: what waits for a decision, and what was decided.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::asking::ask;
use super::output::{point_in_time, table};
use super::{Output, Session};
use crate::failure::Failure;

/// Show what DAS and others propose, accept or reject it, and take back what was accepted.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos proposals
  procos proposals show das-0123456789ab-12
  procos proposals accept das-0123456789ab-12 --reason \"worth it\"
  procos proposals back das-0123456789ab-12        (what it replaced is in force again)")]
pub(crate) struct Proposals {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List proposals that wait.
    List(List),
    /// Show one with what it changes.
    Show(One),
    /// Accept one: a process is deployed, a prompt saved, a system built.
    Accept(Decided),
    /// Reject one.
    Reject(Decided),
    /// Take an accepted one back: what it replaced is in force again, as a new version.
    Back(Decided),
}

/// What is listed.
#[derive(Debug, Default, Args)]
struct List {
    /// Those that were decided, too.
    #[arg(long)]
    all: bool,
}

/// One proposal.
#[derive(Debug, Args)]
struct One {
    /// Its id.
    id: String,
}

/// A decision.
#[derive(Debug, Args)]
struct Decided {
    /// Its id.
    id: String,
    /// Why; it is kept in the trail, and DAS learns from it.
    #[arg(long)]
    reason: Option<String>,
}

const FIELDS: &str = "id title source state processId notes assumptions reason decidedBy change createdAt \
    canBeTakenBack prompt { name lines { effect text } } build { system nodes { effect kind localId label } \
    processes { effect process } } definition { key version }";

impl Proposals {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        match self.command.unwrap_or(Command::List(List::default())) {
            Command::List(list) => {
                let query = "query($state: ProposalState) { proposals(state: $state) { id title source state \
                    processId decidedBy createdAt } }";
                let state = (!list.all).then_some("OPEN");
                let mut found = ask(&session, query, json!({"state": state})).await?;
                show_all(output, &found["proposals"].take());
            }
            Command::Show(one) => {
                let query = format!("{{ proposals {{ {FIELDS} }} }}");
                let found = ask(&session, &query, json!({})).await?;
                let all = found["proposals"].as_array().map(Vec::as_slice).unwrap_or_default();
                let proposal = all.iter().find(|proposal| proposal["id"] == one.id.as_str());
                let proposal = proposal.ok_or_else(|| {
                    let message = format!("proposal {} does not exist", one.id);
                    Failure::wrong_call("API-0001", message, "`procos proposals list --all` shows ids")
                })?;
                show(output, proposal);
            }
            Command::Accept(decided) => decide(output, &session, decided, true).await?,
            Command::Reject(decided) => decide(output, &session, decided, false).await?,
            Command::Back(decided) => {
                let query = format!(
                    "mutation($input: TakeBackProposalInput!) {{ takeBackProposal(input: $input) {{ {FIELDS} }} }}"
                );
                let input = json!({"id": decided.id, "reason": decided.reason});
                let mut found = ask(&session, &query, json!({"input": input})).await?;
                show_decided(output, &found["takeBackProposal"].take());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn decide(output: Output, session: &Session, decided: Decided, accept: bool) -> Result<(), Failure> {
    let query =
        format!("mutation($input: DecideProposalInput!) {{ decideProposal(input: $input) {{ {FIELDS} }} }}");
    let input = json!({"id": decided.id, "accept": accept, "reason": decided.reason});
    let mut found = ask(session, &query, json!({"input": input})).await?;
    show_decided(output, &found["decideProposal"].take());
    Ok(())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn state(proposal: &Value) -> String {
    text(proposal, "state").to_lowercase().replace('_', " ")
}

fn show_all(output: Output, proposals: &Value) {
    if output.is_json() {
        return output.value(&json!({"proposals": proposals}));
    }
    let all = proposals.as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        return output.line("nothing waits for a decision");
    }
    let row = |proposal: &Value| {
        let made = point_in_time(proposal["createdAt"].as_i64().unwrap_or_default());
        let by = proposal["decidedBy"].as_str().map(|by| format!(" by {by}")).unwrap_or_default();
        vec![
            text(proposal, "id").to_owned(),
            format!("{}{by}", state(proposal)),
            made,
            text(proposal, "title").to_owned(),
        ]
    };
    output.line(&table(&["ID", "STATE", "MADE", "TITLE"], all.iter().map(row).collect()));
}

fn show(output: Output, proposal: &Value) {
    if output.is_json() {
        return output.value(proposal);
    }
    output.line(&format!("{}: {}", text(proposal, "id"), text(proposal, "title")));
    output.line(&format!("{}, by {}", state(proposal), text(proposal, "source")));
    if let Some(by) = proposal["decidedBy"].as_str() {
        output
            .line(&format!("decided by {by}: {}", proposal["reason"].as_str().unwrap_or("no reason given")));
    }
    for note in proposal["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        output.line(&format!("  {note}"));
    }
    for line in proposal["prompt"]["lines"].as_array().into_iter().flatten() {
        output.line(&format!("{} {}", sign(text(line, "effect")), text(line, "text")));
    }
    for node in proposal["build"]["nodes"].as_array().into_iter().flatten() {
        let (kind, id, label) = (text(node, "kind"), text(node, "localId"), text(node, "label"));
        output.line(&format!("{} {kind:<12} {id}: {label}", sign(text(node, "effect"))));
    }
    for process in proposal["build"]["processes"].as_array().into_iter().flatten() {
        output.line(&format!("{} process      {}", sign(text(process, "effect")), text(process, "process")));
    }
    if proposal["canBeTakenBack"] == true {
        output.line(&format!("take it back: procos proposals back {}", text(proposal, "id")));
    }
}

fn sign(effect: &str) -> &'static str {
    match effect.to_lowercase().as_str() {
        "added" => "+",
        "removed" => "-",
        "changed" => "~",
        "kept" => " ",
        _ => "?",
    }
}

fn show_decided(output: Output, proposal: &Value) {
    if output.is_json() {
        return output.value(proposal);
    }
    output.line(&format!("{}: {}", text(proposal, "title"), state(proposal)));
    if let Some(version) =
        proposal["definition"]["version"].as_i64().filter(|_| proposal["state"] == "ACCEPTED")
    {
        output.line(&format!("process {}: version {version}", text(proposal, "processId")));
    }
}
