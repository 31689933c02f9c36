//! `procos ps`: which process instances there are.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use engine::Store;
use engine::port::{InstanceFilter, Status};
use serde_json::{Value, json};

use super::client::{Client, key};
use super::output::{age, table};
use super::{Found, Output, Session, now_ms};
use crate::failure::Failure;

/// Most instances that one call shows.
const LIMIT: u16 = 1_000;

/// Show process instances, newest first: those that run or wait, or all of them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  procos ps
  procos ps --all --process size-aircraft --json")]
pub(crate) struct Ps {
    /// Also those that have ended.
    #[arg(long)]
    all: bool,
    /// Only in this state.
    #[arg(long, value_enum, conflicts_with = "all")]
    state: Option<State>,
    /// Only of this process id.
    #[arg(long, value_name = "ID")]
    process: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=i64::from(LIMIT)))]
    limit: u16,
}

/// State of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum State {
    /// Runs or waits.
    Active,
    /// Open, but nothing begins until it is resumed.
    Suspended,
    /// Ended well.
    Completed,
    /// Was cancelled.
    Terminated,
    /// Ended by an error.
    Failed,
}

impl Ps {
    pub(crate) async fn execute(self, output: Output, session: Session) -> Result<ExitCode, Failure> {
        let rows = match session.database().await? {
            Found::Here(database) => {
                let status = self.status().map(|state| match state {
                    State::Active => Status::Active,
                    State::Suspended => Status::Suspended,
                    State::Completed => Status::Completed,
                    State::Terminated => Status::Terminated,
                    State::Failed => Status::Failed,
                });
                let process_id = self.process.clone();
                let limit = usize::from(self.limit);
                let filter = InstanceFilter { process_id, status, limit, ..InstanceFilter::default() };
                let found = database.instances(&filter).await;
                database.close().await;
                let row = |it: &engine::port::Instance| {
                    json!({"key": it.key, "process": it.process_id, "version": it.version, "state": it.status,
                        "incidents": it.incidents, "started_ms": it.started_ms, "ended_ms": it.ended_ms})
                };
                found?.iter().map(row).collect()
            }
            Found::There(client) => self.through(&client).await?,
        };
        if output.is_json() {
            output.value(&json!({"instances": rows}));
            return Ok(ExitCode::SUCCESS);
        }
        if rows.is_empty() {
            output.line(if self.all {
                "no instances"
            } else {
                "nothing runs or waits (--all shows what has ended)"
            });
            return Ok(ExitCode::SUCCESS);
        }
        let now = now_ms();
        let lines = rows.iter().map(|row| {
            let incidents = row["incidents"].as_u64().unwrap_or_default();
            let state = row["state"].as_str().unwrap_or_default();
            let state =
                if incidents > 0 { format!("{state}, {incidents} incidents") } else { state.to_owned() };
            let started = age(now, row["started_ms"].as_i64().unwrap_or_default());
            vec![
                row["key"].to_string(),
                row["process"].as_str().unwrap_or_default().to_owned(),
                format!("v{}", row["version"]),
                state,
                started,
            ]
        });
        output.line(&table(&["KEY", "PROCESS", "VERSION", "STATE", "STARTED"], lines.collect()));
        Ok(ExitCode::SUCCESS)
    }

    fn status(&self) -> Option<State> {
        if self.all { None } else { self.state.or(Some(State::Active)) }
    }

    async fn through(&self, client: &Client) -> Result<Vec<Value>, Failure> {
        let query = "query($process: String, $status: InstanceStatus, $first: Int) { \
            processInstances(processId: $process, status: $status, first: $first) { \
            nodes { key processId version status incidents { key } startedAt endedAt } } }";
        let status = self.status().map(|state| format!("{state:?}").to_uppercase());
        let asked = json!({"process": self.process, "status": status, "first": self.limit});
        let answer = client.ask(query, asked).await?;
        let row = |node: &Value| {
            json!({"key": key(&node["key"]), "process": node["processId"], "version": node["version"],
                "state": node["status"].as_str().unwrap_or_default().to_lowercase(),
                "incidents": node["incidents"].as_array().map_or(0, Vec::len),
                "started_ms": node["startedAt"], "ended_ms": node["endedAt"]})
        };
        Ok(answer["processInstances"]["nodes"].as_array().into_iter().flatten().map(row).collect())
    }
}
