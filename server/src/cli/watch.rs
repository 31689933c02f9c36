//! `procos watch`: what DAS watches besides processes (the machine, and people where they agreed), and what it suggests.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::asking::ask;
use super::output::{point_in_time, table};
use super::{Output, Session};
use crate::failure::Failure;

/// Show the state of the machine and what DAS suggests, and say whether what people do in the web admin is watched.
#[derive(Debug, Args)]
#[command(after_help = "\
Watching people is off until somebody switches it on. What they did then stays in this installation's memory, under
the source 'web admin', for thirty days: procos memory export --source \"web admin\" shows all of it.

Examples:
  procos watch
  procos watch suggestions
  procos watch dismiss disk-filling:disk --reason \"a bigger disk is on its way\"
  procos watch consent
  procos watch consent on
  procos watch consent off --forget
  procos watch forget")]
pub(crate) struct Watch {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the state of the machine and of the parts.
    State,
    /// Show what DAS suggests, with what it rests on.
    Suggestions,
    /// Take up a suggestion that has no proposal.
    Take(Decided),
    /// Dismiss a suggestion that has no proposal; it returns only with twice the evidence.
    Dismiss(Decided),
    /// Show, give or withdraw the consent to watch people.
    Consent(Consent),
    /// Forget what people did.
    Forget,
}

/// A decision on a suggestion.
#[derive(Debug, Args)]
struct Decided {
    /// Its id.
    id: String,
    /// Why; DAS learns from it.
    #[arg(long)]
    reason: Option<String>,
}

/// The consent.
#[derive(Debug, Args)]
struct Consent {
    /// Gives or withdraws it; shows it where left out.
    given: Option<Given>,
    /// With `off`: forget what is kept, too.
    #[arg(long)]
    forget: bool,
}

/// Whether consent is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Given {
    /// Watch.
    On,
    /// Do not watch.
    Off,
}

const CONSENT: &str = "given by at kept";

impl Watch {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        match self.command.unwrap_or(Command::State) {
            Command::State => {
                let query = "{ server { vitals { at processor memoryTotalBytes memoryAvailableBytes ownMemoryBytes \
                    diskTotalBytes diskFreeBytes outbox jobs incidents engine { ok detail answeredMs } \
                    memory { ok detail answeredMs } } } }";
                let found = ask(&session, query, json!({})).await?;
                state(output, &found["server"]["vitals"]);
            }
            Command::Suggestions => {
                let query = "{ suggestions { id title evidence subject proposal { id } } }";
                let found = ask(&session, query, json!({})).await?;
                suggestions(output, &found["suggestions"]);
            }
            Command::Take(decided) => decide(output, &session, decided, true).await?,
            Command::Dismiss(decided) => decide(output, &session, decided, false).await?,
            Command::Consent(consent) => {
                let mut found = match consent.given {
                    None => {
                        ask(&session, &format!("{{ consent {{ {CONSENT} }} }}"), json!({})).await?["consent"]
                            .take()
                    }
                    Some(given) => {
                        let query = format!(
                            "mutation($input: SetConsentInput!) {{ setConsent(input: $input) {{ {CONSENT} }} }}"
                        );
                        let input = json!({"given": given == Given::On, "forget": consent.forget});
                        ask(&session, &query, json!({"input": input})).await?["setConsent"].take()
                    }
                };
                show_consent(output, &mut found);
            }
            Command::Forget => {
                let found = ask(&session, "mutation { forgetActs }", json!({})).await?;
                if output.is_json() {
                    output.value(&json!({"forgotten": found["forgetActs"]}));
                } else {
                    output.line(&format!("{} entries forgotten", found["forgetActs"]));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn decide(output: Output, session: &Session, decided: Decided, accept: bool) -> Result<(), Failure> {
    let query = "mutation($input: DecideSuggestionInput!) { decideSuggestion(input: $input) { id title } }";
    let input = json!({"id": decided.id, "accept": accept, "reason": decided.reason});
    let found = ask(session, query, json!({"input": input})).await?;
    let suggestion = &found["decideSuggestion"];
    if output.is_json() {
        output.value(suggestion);
    } else {
        let title = suggestion["title"].as_str().unwrap_or_default();
        output.line(&format!("{title}: {}", if accept { "taken up" } else { "dismissed" }));
    }
    Ok(())
}

fn suggestions(output: Output, suggestions: &Value) {
    if output.is_json() {
        return output.value(&json!({"suggestions": suggestions}));
    }
    let all = suggestions.as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        output.line("DAS suggests nothing");
    }
    for suggestion in all {
        let text = |name: &str| suggestion[name].as_str().unwrap_or_default();
        output.line(&format!("{}  ({})", text("title"), text("id")));
        for line in suggestion["evidence"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            output.line(&format!("  {line}"));
        }
        if let Some(id) = suggestion["proposal"]["id"].as_str() {
            output.line(&format!("  its draft: procos proposals show {id}"));
        }
    }
}

fn show_consent(output: Output, consent: &mut Value) {
    if output.is_json() {
        return output.value(&consent.take());
    }
    let by = match (consent["by"].as_str(), consent["at"].as_i64()) {
        (Some(by), Some(at)) => format!(" ({by}, {})", point_in_time(at)),
        _ => String::new(),
    };
    let word = if consent["given"] == true { "on" } else { "off" };
    output
        .line(&format!("watching people in the web admin is {word}{by}; {} acts are kept", consent["kept"]));
}

fn state(output: Output, vitals: &Value) {
    if output.is_json() {
        return output.value(vitals);
    }
    let bytes = |name: &str| match vitals[name].as_f64() {
        Some(bytes) => format!("{:.1} GB", bytes / 1e9),
        None => "not known".to_owned(),
    };
    let number = |name: &str| vitals[name].as_u64().map_or_else(|| "not known".to_owned(), |n| n.to_string());
    let part = |name: &str| {
        let (part, ms) = (&vitals[name], &vitals[name]["answeredMs"]);
        match part["detail"].as_str() {
            Some(why) => format!("not as it should be: {why}"),
            None => format!("answers in {ms} ms"),
        }
    };
    let processor = match vitals["processor"].as_f64() {
        Some(busy) => format!("{:.0} % busy", busy * 100.0),
        None => "not known before the second look".to_owned(),
    };
    let rows = vec![
        ("processor", processor),
        ("memory", format!("{} of {} available", bytes("memoryAvailableBytes"), bytes("memoryTotalBytes"))),
        ("this program", bytes("ownMemoryBytes")),
        ("disk", format!("{} of {} free", bytes("diskFreeBytes"), bytes("diskTotalBytes"))),
        ("outbox", number("outbox")),
        ("waiting jobs", number("jobs")),
        ("open incidents", number("incidents")),
        ("process engine", part("engine")),
        ("vector memory", part("memory")),
    ];
    let rows = rows.into_iter().map(|(name, text)| vec![name.to_owned(), text]).collect();
    output.line(&table(&["WHAT", "STATE"], rows));
}
