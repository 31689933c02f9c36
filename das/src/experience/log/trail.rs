//! A log of what ProcOS itself ran: the tasks that each instance of a definition completed, as the trail has them.

use std::collections::BTreeMap;

use ::trail::{Filter, Trail};
use bpmn::xes::{Event, Trace};

use super::EventLog;
use crate::error::Error;

/// Most trail entries read.
pub const MAX_TRAIL_EVENTS: usize = 2_000_000;
/// Entries read at once.
const PAGE: usize = 1_000;
/// What counts as an activity: what an engine does by itself between tasks does not.
pub(super) const TASKS: [&str; 9] = [
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

/// Reads the completed tasks of all instances of these definitions, or of all where none is named; `names` gives the name
/// of an element by its id, where it has one.
///
/// # Errors
/// `DAS-0010` where the trail cannot be read, holds more than [`MAX_TRAIL_EVENTS`] or exceeds a limit of logs.
pub async fn read_trail(
    trail: &dyn Trail,
    definitions: &[i64],
    names: &BTreeMap<String, String>,
) -> Result<EventLog, Error> {
    let mut cases: BTreeMap<i64, Vec<Event>> = BTreeMap::new();
    let mut read = 0;
    let each: Vec<Option<i64>> =
        if definitions.is_empty() { vec![None] } else { definitions.iter().copied().map(Some).collect() };
    for definition in each {
        let kind_prefix = Some("element.completed".to_owned());
        let filter = Filter { definition, kind_prefix, ..Filter::default() };
        let mut after = 0;
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
                if let Some((instance, event)) = completed_task(event.content, names) {
                    cases.entry(instance).or_default().push(event);
                }
            }
        }
    }
    let traces = cases
        .into_iter()
        .map(|(instance, events)| Trace { case: Some(instance.to_string()), events })
        .collect();
    EventLog::from_traces(traces)
}

/// The instance and the event of a completed task.
fn completed_task(content: ::trail::NewEvent, names: &BTreeMap<String, String>) -> Option<(i64, Event)> {
    let text = |field: &str| content.data.get(field).and_then(|value| value.as_str());
    let is_task = text("kind").is_some_and(|kind| TASKS.contains(&kind));
    let is_body = content.data.get("body").and_then(serde_json::Value::as_bool) == Some(true);
    let node = content.element.as_deref().or(text("node"))?;
    if !is_task || is_body {
        return None;
    }
    let activity = names.get(node).map_or(node, String::as_str).to_owned();
    Some((content.instance?, Event { activity, at_ms: Some(content.at_ms), resource: None }))
}
