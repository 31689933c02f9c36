//! A log of what ProcOS itself ran: the tasks that each instance of a definition completed, as the trail has them.

use std::collections::BTreeMap;

use bpmn::xes::{Event, Trace};
use trail::{Filter, Trail};

use super::EventLog;
use crate::error::Error;

/// Most trail entries read.
pub const MAX_TRAIL_EVENTS: usize = 2_000_000;
/// Entries read at once.
const PAGE: usize = 1_000;
/// What counts as an activity: what an engine does by itself between tasks does not.
const TASKS: [&str; 9] = [
    "task",
    "manualTask",
    "serviceTask",
    "userTask",
    "scriptTask",
    "sendTask",
    "receiveTask",
    "businessRuleTask",
    "callActivity",
];

/// Reads the completed tasks of all instances of a definition, or of all definitions; `names` gives the name of an
/// element by its id, where it has one.
///
/// # Errors
/// `DAS-0010` where the trail cannot be read, holds more than [`MAX_TRAIL_EVENTS`] or exceeds a limit of logs.
pub async fn read_trail(
    trail: &dyn Trail,
    definition: Option<i64>,
    names: &BTreeMap<String, String>,
) -> Result<EventLog, Error> {
    let filter =
        Filter { definition, kind_prefix: Some("element.completed".to_owned()), ..Filter::default() };
    let mut cases: BTreeMap<i64, Vec<Event>> = BTreeMap::new();
    let mut after = 0;
    let mut read = 0;
    loop {
        let events = trail
            .read(&filter, after, PAGE)
            .await
            .map_err(|error| Error::Log { why: format!("the trail: {error}") })?;
        let Some(last) = events.last() else { break };
        after = last.position;
        read += events.len();
        if read > MAX_TRAIL_EVENTS {
            let why = format!("the trail has more than {MAX_TRAIL_EVENTS} completed elements");
            return Err(Error::Log { why });
        }
        for event in events {
            let content = event.content;
            let text = |field: &str| content.data.get(field).and_then(|value| value.as_str());
            let is_task = text("kind").is_some_and(|kind| TASKS.contains(&kind));
            let is_body = content.data.get("body").and_then(serde_json::Value::as_bool) == Some(true);
            let (Some(instance), Some(node)) =
                (content.instance, content.element.as_deref().or(text("node")))
            else {
                continue;
            };
            if is_task && !is_body {
                let activity = names.get(node).map_or(node, String::as_str).to_owned();
                cases.entry(instance).or_default().push(Event {
                    activity,
                    at_ms: Some(content.at_ms),
                    resource: None,
                });
            }
        }
    }
    let traces = cases
        .into_iter()
        .map(|(instance, events)| Trace { case: Some(instance.to_string()), events })
        .collect();
    EventLog::from_traces(traces)
}
