//! `procos versions`: versions of a process side by side.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use das::version_trial::{self, VersionTrial};
use serde_json::{Value, json};

use super::client::Client;
use super::output::table;
use super::{Found, Output, Session, now_ms};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Try versions of a process side by side: each start takes one, the more often the better it does.
#[derive(Debug, Args)]
pub(crate) struct Versions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Try(Try),
    Show(Show),
    End(End),
}

/// Set versions side by side, in the place of an earlier trial.
#[derive(Debug, Args)]
#[command(after_help = "\
A start that names the process alone takes one of the versions by Thompson sampling on what ended since the trial began;
which one and why stands in the trail (version.chosen).

Example:
  procos versions try order 3 4 --floor 0.05")]
struct Try {
    /// Id of the process.
    process: String,
    /// Two versions or more.
    #[arg(required = true, num_args = 2..)]
    versions: Vec<i32>,
    /// Least probability with which each is taken.
    #[arg(long, default_value_t = scoring::DEFAULT_FLOOR)]
    floor: f64,
}

/// Show how the versions of a trial do.
#[derive(Debug, Args)]
struct Show {
    /// Id of the process.
    process: String,
}

/// End a trial: starts take the newest version again.
#[derive(Debug, Args)]
struct End {
    /// Id of the process.
    process: String,
}

/// Fields of a trial in GraphQL.
const FIELDS: &str =
    "processId floor since actor versions { version attempts successes average low high probabilityBest }";

impl Versions {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        if !session.names_server() {
            session.must_exist()?;
        }
        let found = match session.at_rest().await? {
            Found::Here(assembly) => {
                let found = self.here(&assembly).await;
                assembly.close().await;
                found?
            }
            Found::There(client) => self.through(&client).await?,
        };
        if output.is_json() {
            output.value(&found);
        } else {
            show(output, &found);
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn here(&self, assembly: &Assembly) -> Result<Value, Failure> {
        let database = &assembly.database;
        let by = ("local", now_ms());
        match &self.command {
            Command::Try(set) => {
                let deployed = assembly.engine.definitions().await?;
                for version in &set.versions {
                    if !deployed.iter().any(|each| each.process_id == set.process && each.version == *version)
                    {
                        let why = format!("version {version} is not deployed");
                        return Err(das::Error::Trial { process: set.process.clone(), why }.into());
                    }
                }
                let found =
                    version_trial::set(database, &set.process, set.versions.clone(), set.floor, by).await?;
                value(assembly, &found).await
            }
            Command::Show(show) => match version_trial::current(database, &show.process).await? {
                Some(found) => value(assembly, &found).await,
                None => Ok(Value::Null),
            },
            Command::End(end) => Ok(json!({"ended": version_trial::end(database, &end.process, by).await?})),
        }
    }

    async fn through(&self, client: &Client) -> Result<Value, Failure> {
        match &self.command {
            Command::Try(set) => {
                let query = format!(
                    "mutation($input: TryVersionsInput!) {{ tryVersions(input: $input) {{ {FIELDS} }} }}"
                );
                let input = json!({"processId": set.process, "versions": set.versions, "floor": set.floor});
                Ok(client.ask(&query, json!({"input": input})).await?["tryVersions"].take())
            }
            Command::Show(show) => {
                let query = format!(
                    "query($process: String!) {{ versionTrial(processId: $process) {{ {FIELDS} }} }}"
                );
                Ok(client.ask(&query, json!({"process": show.process})).await?["versionTrial"].take())
            }
            Command::End(end) => {
                let query = "mutation($process: String!) { endVersionTrial(processId: $process) }";
                let answer = client.ask(query, json!({"process": end.process})).await?;
                Ok(json!({"ended": answer["endVersionTrial"]}))
            }
        }
    }
}

/// The same form as the API gives.
async fn value(assembly: &Assembly, found: &VersionTrial) -> Result<Value, Failure> {
    let rivals = version_trial::rivals(&assembly.database, found).await?;
    let versions = rivals.iter().map(|rival| {
        let score = &rival.score;
        json!({"version": rival.version, "attempts": score.attempts, "successes": score.successes,
            "average": score.average, "low": score.low, "high": score.high,
            "probabilityBest": rival.probability_best})
    });
    Ok(
        json!({"processId": found.process_id, "floor": found.floor, "since": found.since_ms, "actor": found.actor,
        "versions": versions.collect::<Vec<_>>()}),
    )
}

fn show(output: Output, found: &Value) {
    if let Some(ended) = found["ended"].as_bool() {
        output.line(if ended { "the trial has ended" } else { "there was no trial" });
        return;
    }
    if found.is_null() {
        output.line("no versions of it are tried side by side");
        return;
    }
    let percent = |value: &Value| format!("{:.1} %", value.as_f64().unwrap_or_default() * 100.0);
    let rows = found["versions"].as_array().into_iter().flatten().map(|each| {
        vec![
            format!("v{}", each["version"]),
            format!("{}/{}", each["successes"], each["attempts"]),
            percent(&each["average"]),
            format!("{} to {}", percent(&each["low"]), percent(&each["high"])),
            percent(&each["probabilityBest"]),
        ]
    });
    output.line(&table(&["VERSION", "SUCCESSES", "AVERAGE", "95 % INTERVAL", "P(BEST)"], rows.collect()));
    let process = found["processId"].as_str().unwrap_or_default();
    output.line(&format!("a start of {process} takes each with at least {}", percent(&found["floor"])));
}
