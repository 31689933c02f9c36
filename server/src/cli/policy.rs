//! `procos policy`: by which proposals of DAS are accepted without asking.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use das::policies::ChangeKind;
use das::watch::FindingKind;
use serde_json::{Value, json};

use super::asking::ask;
use super::output::{point_in_time, table};
use super::{Output, Session};
use crate::failure::Failure;

/// Say which proposals of DAS are accepted without asking; each acceptance is in the trail and can be taken back.
#[derive(Debug, Args)]
#[command(after_help = "\
A proposal is accepted where a policy in force names its kind and its sort of change, the sandbox's paired runs show
that it is surely not worse than allowed, no person refused the same before, and the day's number is not used up.
Kinds: falling-score, undecided, failing-task, slow-convergence, … (docs/das.md); all where none is named.
Sorts of changes: budget, attempts, ask-person, way-back, instruction, prompt (never tried, so never accepted).

Examples:
  procos policy
  procos policy save budgets --change budget --per-day 2 --why \"samples are cheap here\"
  procos policy off budgets
  procos policy show budgets                       (all its versions)")]
pub(crate) struct Policy {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List policies.
    List,
    /// Show all versions of one.
    Show(Named),
    /// Write one, or a new version of it, and put it into force.
    Save(Save),
    /// Put one into force again.
    On(Named),
    /// Switch one off.
    Off(Named),
}

/// One policy.
#[derive(Debug, Args)]
struct Named {
    /// Its name.
    name: String,
}

/// What a policy allows.
#[derive(Debug, Args)]
struct Save {
    /// Its name: letters, digits, '-' and '_'.
    name: String,
    /// A sort of change; may be given several times.
    #[arg(long, required = true, value_parser = change)]
    change: Vec<ChangeKind>,
    /// A kind of finding; may be given several times, all kinds where none is given.
    #[arg(long, value_parser = kind)]
    kind: Vec<FindingKind>,
    /// The share of runs that may become worse, at most (95 %, over 40 paired runs in the sandbox).
    #[arg(long, default_value_t = 0.1)]
    worse_at_most: f64,
    /// Proposals that it may accept in 24 hours, 1 to 50.
    #[arg(long, default_value_t = 3)]
    per_day: u32,
    /// Why it is there.
    #[arg(long, default_value = "")]
    why: String,
}

fn change(word: &str) -> Result<ChangeKind, String> {
    let all = ChangeKind::ALL.map(ChangeKind::as_str).join(", ");
    ChangeKind::ALL.into_iter().find(|one| one.as_str() == word).ok_or(format!("it is none of {all}"))
}

fn kind(word: &str) -> Result<FindingKind, String> {
    let all = FindingKind::ALL.map(FindingKind::as_str).join(", ");
    FindingKind::ALL.into_iter().find(|one| one.as_str() == word).ok_or(format!("it is none of {all}"))
}

/// A word of a kind as GraphQL writes it.
fn upper(word: &str) -> String {
    word.to_uppercase().replace('-', "_")
}

const FIELDS: &str = "name version enabled kinds changes worseAtMost perDay why author at";

impl Policy {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        match self.command.unwrap_or(Command::List) {
            Command::List => {
                let found = ask(&session, &format!("{{ policies {{ {FIELDS} }} }}"), json!({})).await?;
                show(output, &found["policies"]);
            }
            Command::Show(named) => {
                let query = format!("query($name: String!) {{ policyVersions(name: $name) {{ {FIELDS} }} }}");
                let found = ask(&session, &query, json!({"name": named.name})).await?;
                show(output, &found["policyVersions"]);
            }
            Command::Save(save) => {
                let query = format!(
                    "mutation($input: SavePolicyInput!) {{ savePolicy(input: $input) {{ {FIELDS} }} }}"
                );
                let kinds: Vec<String> = save.kind.iter().map(|kind| upper(kind.as_str())).collect();
                let changes: Vec<String> = save.change.iter().map(|change| upper(change.as_str())).collect();
                let input = json!({
                    "name": save.name, "kinds": kinds, "changes": changes, "worseAtMost": save.worse_at_most,
                    "perDay": save.per_day, "why": save.why,
                });
                let mut found = ask(&session, &query, json!({"input": input})).await?;
                show(output, &json!([found["savePolicy"].take()]));
            }
            Command::On(named) => switch(output, &session, named, true).await?,
            Command::Off(named) => switch(output, &session, named, false).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn switch(output: Output, session: &Session, named: Named, enabled: bool) -> Result<(), Failure> {
    let query =
        format!("mutation($input: SwitchPolicyInput!) {{ switchPolicy(input: $input) {{ {FIELDS} }} }}");
    let input = json!({"name": named.name, "enabled": enabled});
    let mut found = ask(session, &query, json!({"input": input})).await?;
    show(output, &json!([found["switchPolicy"].take()]));
    Ok(())
}

fn show(output: Output, policies: &Value) {
    if output.is_json() {
        return output.value(&json!({"policies": policies}));
    }
    let all = policies.as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        return output.line("no policy: a person decides on everything");
    }
    let words = |value: &Value| {
        let words: Vec<String> = (value.as_array().into_iter().flatten())
            .filter_map(Value::as_str)
            .map(|word| word.to_lowercase().replace('_', "-"))
            .collect();
        if words.is_empty() { "all".to_owned() } else { words.join(", ") }
    };
    let row = |policy: &Value| {
        let text = |name: &str| policy[name].as_str().unwrap_or_default().to_owned();
        vec![
            text("name"),
            policy["version"].to_string(),
            if policy["enabled"] == true { "on" } else { "off" }.to_owned(),
            words(&policy["changes"]),
            words(&policy["kinds"]),
            format!("{:.1} %", policy["worseAtMost"].as_f64().unwrap_or_default() * 100.0),
            policy["perDay"].to_string(),
            format!("{}, {}", text("author"), point_in_time(policy["at"].as_i64().unwrap_or_default())),
            text("why"),
        ]
    };
    let heading = ["NAME", "VERSION", "STATE", "CHANGES", "KINDS", "WORSE AT MOST", "A DAY", "BY", "WHY"];
    output.line(&table(&heading, all.iter().map(row).collect()));
}
