//! A run through a server: deploys, starts, and follows the instance by its trail until it ends or stands still.

use std::time::Duration;

use bpmn::exec::Event;
use engine::port::Incident;
use kernel::{DryRun, DryRunState, TraceEntry};
use serde_json::{Value, json};

use super::client::{Client, key};
use super::live::{LiveRun, OnLine};
use crate::failure::Failure;

const PAUSE: Duration = Duration::from_millis(100);
/// Rounds without a new entry in the instance's trail after which it counts as waiting.
const STILL_ROUNDS: u32 = 15;
const MESSAGE_TIME_TO_LIVE_MS: i64 = 86_400_000;
const ENTRIES: i64 = 500;

const DEPLOY: &str = "mutation($input: DeployProcessInput!) { deployProcess(input: $input) { definitions { key processId } } }";
const START: &str = "mutation($input: StartProcessInput!) { startProcess(input: $input) { key } }";
const MESSAGE: &str = "mutation($input: CorrelateMessageInput!) { correlateMessage(input: $input) }";
const LOOK: &str = "query($key: Key!, $first: Int, $after: String) { processInstance(key: $key) { status variables \
    incidents { key instance elementId code message raisedAt } \
    trail(first: $first, after: $after) { nodes { data } pageInfo { endCursor } } } }";

/// Runs through the server.
pub(crate) async fn run(run: LiveRun, client: &Client, on_line: OnLine<'_>) -> Result<DryRun, Failure> {
    if !run.signals.is_empty() {
        let hint = "stop the server, or leave --data-dir out";
        return Err(Failure::wrong_call("CLI-0009", "--signal does not go through a server", hint));
    }
    let mut definition = Value::Null;
    // What the process asks and calls first, itself last.
    for file in run.files.into_iter().rev() {
        let xml = String::from_utf8_lossy(&file.content).into_owned();
        let input = json!({"fileName": file.name, "xml": xml});
        let answer = client.ask(DEPLOY, json!({"input": input})).await?;
        definition = answer["deployProcess"]["definitions"][0]["key"].clone();
    }
    for (name, variables) in run.messages {
        let input = json!({"name": name, "variables": variables, "timeToLiveMs": MESSAGE_TIME_TO_LIVE_MS});
        client.ask(MESSAGE, json!({"input": input})).await?;
    }
    let input =
        json!({"definitionKey": definition, "variables": run.variables, "seed": run.seed.to_string()});
    let started = client.ask(START, json!({"input": input})).await?;
    follow(client, started["startProcess"]["key"].clone(), on_line).await
}

async fn follow(client: &Client, instance: Value, on_line: OnLine<'_>) -> Result<DryRun, Failure> {
    let mut trace: Vec<TraceEntry> = Vec::new();
    let (mut after, mut still) = (Value::Null, 0);
    loop {
        let asked = json!({"key": instance, "first": ENTRIES, "after": after});
        let mut answer = client.ask(LOOK, asked).await?;
        let mut found = answer["processInstance"].take();
        let entries = found["trail"]["nodes"].take();
        let moved = entries.as_array().is_some_and(|entries| !entries.is_empty());
        for entry in entries.as_array().into_iter().flatten() {
            let line = serde_json::from_value::<Event>(entry["data"].clone()).ok();
            if let Some(line) = line.as_ref().and_then(Event::trace_line) {
                let seq = trace.len() as u64 + 1;
                trace.push(TraceEntry {
                    seq,
                    element: line.element,
                    kind: line.kind,
                    event: line.event.to_owned(),
                });
                trace.last().into_iter().for_each(&mut *on_line);
            }
        }
        if moved {
            after = found["trail"]["pageInfo"]["endCursor"].take();
            still = 0;
            continue;
        }
        still += 1;
        if found["status"] != "ACTIVE" || still >= STILL_ROUNDS {
            return Ok(ended(&mut found, trace));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn ended(found: &mut Value, trace: Vec<TraceEntry>) -> DryRun {
    let incidents: Vec<Incident> =
        found["incidents"].as_array().into_iter().flatten().map(incident).collect();
    let state = match found["status"].as_str().unwrap_or_default() {
        "COMPLETED" => DryRunState::Completed,
        "TERMINATED" => DryRunState::Terminated,
        "FAILED" => DryRunState::Failed,
        _ if !incidents.is_empty() => DryRunState::Failed,
        _ => DryRunState::Waiting,
    };
    let variables = serde_json::from_value(found["variables"].take()).unwrap_or_default();
    DryRun { state, variables, trace, incidents, task_runs: Vec::new() }
}

fn incident(value: &Value) -> Incident {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Incident {
        key: key(&value["key"]),
        instance: key(&value["instance"]),
        element: text("elementId"),
        code: text("code"),
        message: text("message"),
        raised_ms: value["raisedAt"].as_i64().unwrap_or_default(),
    }
}
