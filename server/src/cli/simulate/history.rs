//! What the tasks of a process really did, from a data directory or from the server that holds it.

use std::collections::BTreeMap;

use das::experience::read_evidence;
use scoring::simulation::{Evidence, Executions};
use serde_json::{Value, json};

use super::super::client::Client;
use super::super::{Found, Session, now_ms};
use crate::failure::Failure;

/// Evidence by process id, for these processes. Nothing where no directory and no server is named.
pub(super) async fn evidence(
    session: &Session,
    processes: &[String],
) -> Result<BTreeMap<String, Evidence>, Failure> {
    let mut found = BTreeMap::new();
    if !session.is_given() || processes.is_empty() {
        return Ok(found);
    }
    match session.database().await? {
        Found::Here(database) => {
            for process in processes {
                let seen = read_evidence(database.as_ref(), database.as_ref(), process, now_ms()).await;
                match seen {
                    Ok(seen) => found.insert(process.clone(), seen),
                    Err(error) => {
                        database.close().await;
                        return Err(error.into());
                    }
                };
            }
            database.close().await;
        }
        Found::There(client) => {
            for process in processes {
                found.insert(process.clone(), through(&client, process).await?);
            }
        }
    }
    Ok(found)
}

async fn through(client: &Client, process: &str) -> Result<Evidence, Failure> {
    let query = "query($process: String!) { experience(processId: $process) { cases \
        elements { elementId finished open withWaiting outcomes { label count } } flows { flowId count } } }";
    let answer = client.ask(query, json!({"process": process})).await?;
    let seen = &answer["experience"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let seconds = |value: &Value| list(value).iter().filter_map(Value::as_f64).collect();
    let elements = list(&seen["elements"]).into_iter().map(|element| {
        let outcomes = list(&element["outcomes"]).into_iter();
        let executions = Executions {
            finished: seconds(&element["finished"]),
            open: seconds(&element["open"]),
            with_waiting: element["withWaiting"] == true,
            outcomes: outcomes.map(|each| (text(&each["label"]), count(&each["count"]))).collect(),
        };
        (text(&element["elementId"]), executions)
    });
    let flows = list(&seen["flows"]).into_iter().map(|flow| (text(&flow["flowId"]), count(&flow["count"])));
    Ok(Evidence { cases: count(&seen["cases"]), elements: elements.collect(), flows: flows.collect() })
}
