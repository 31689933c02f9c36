//! Memory, rebuilt from the trail: every entry it would hold had it never been lost.
//!
//! | trail event | what it gives |
//! | --- | --- |
//! | `memory.stored` | the entry it holds |
//! | `task.started`, `task.decided`, `task.completed`, `task.failed`, `task.error` | the entry of that task |
//! | `memory.forgotten` | what matches is left out, as it was |
//!
//! What comes with the program (starting processes, samples, architectures) is not in the trail; the caller stores it
//! again.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use kernel::TaskMemory;
use memory::{BATCH_LIMIT, Entry, Filter, Kind, Memory};
use serde_json::Value;
use trail::{Event, Trail};

use crate::Error;

/// Events read at once.
const BATCH: usize = 1_000;

/// Entries stored at once.
const STORED_AT_ONCE: usize = if BATCH_LIMIT < 500 { BATCH_LIMIT } else { 500 };

/// What a rebuild did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Trail events that were read.
    pub events: usize,
    /// Entries that were stored.
    pub entries: usize,
    /// Entries that had been forgotten, and stay so.
    pub forgotten: usize,
}

/// Puts into `memory` what the trail says it held. Entries have stable ids: doing it again changes nothing.
///
/// # Errors
/// Where the trail or memory fails; what was stored until then stays.
pub async fn rebuild(trail: &dyn Trail, memory: &dyn Memory) -> Result<Rebuilt, Error> {
    let stopped = |error: &dyn std::fmt::Display| Error::Stopped(error.to_string());
    let mut rebuilt = Rebuilt::default();
    let (mut held, mut tasks, mut after) = (BTreeMap::new(), BTreeMap::new(), 0);
    loop {
        let filter = trail::Filter::default();
        let events = trail.read(&filter, after, BATCH).await.map_err(|error| stopped(&error))?;
        let Some(last) = events.last() else { break };
        after = last.position;
        rebuilt.events += events.len();
        for event in &events {
            take(event, &mut held, &mut tasks, &mut rebuilt);
        }
    }
    let mut entries = held.into_values();
    loop {
        let batch: Vec<Entry> = entries.by_ref().take(STORED_AT_ONCE).collect();
        if batch.is_empty() {
            return Ok(rebuilt);
        }
        rebuilt.entries += batch.len();
        memory.store(batch).await.map_err(|error| stopped(&error))?;
    }
}

type Held = BTreeMap<(String, String), Entry>;

fn take(event: &Event, held: &mut Held, tasks: &mut BTreeMap<i64, TaskMemory>, rebuilt: &mut Rebuilt) {
    let content = &event.content;
    let data = &content.data;
    match content.kind.as_str() {
        context::STORED => {
            if let Ok(entry) = serde_json::from_value::<Entry>(data.clone()) {
                held.insert((entry.organisation.clone(), entry.id.clone()), entry);
            }
        }
        context::FORGOTTEN => {
            if let Ok(filter) = serde_json::from_value::<Filter>(data.clone()) {
                let before = held.len();
                held.retain(|_, entry| !filter.matches(entry));
                rebuilt.forgotten += before - held.len();
            }
        }
        kind => {
            let Some(job) = kind.starts_with("task.").then(|| data["job"].as_i64()).flatten() else { return };
            if let Some(task) = task(event, tasks.entry(job).or_default()) {
                tasks.remove(&job);
                if let Some(entry) = entry_of(&task) {
                    held.insert((entry.organisation.clone(), entry.id.clone()), entry);
                }
            }
        }
    }
}

/// Adds what an event says about a task; gives the task where the event is its end. Dry runs are not remembered.
fn task(event: &Event, task: &mut TaskMemory) -> Option<TaskMemory> {
    let (content, data) = (&event.content, &event.content.data);
    let text = |name: &str| data[name].as_str().map(str::to_owned);
    match content.kind.as_str() {
        "task.started" => {
            task.by = text("by").unwrap_or_default();
            task.notes = data["notes"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            task.started_ms = content.at_ms;
            None
        }
        "task.decided" => {
            task.verdict = data["verdict"].clone();
            None
        }
        "task.completed" | "task.failed" | "task.error" => {
            let mut task = std::mem::take(task);
            if data["dry_run"].as_bool() == Some(true) {
                return Some(TaskMemory::default());
            }
            let element = content.element.clone().unwrap_or_default();
            task.job = data["job"].as_i64().unwrap_or_default();
            task.attempt = data["attempt"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or_default();
            task.instance = content.instance.unwrap_or_default();
            task.definition = content.definition.unwrap_or_default();
            task.process_id = text("process_id").unwrap_or_default();
            task.version = data["version"].as_i64().and_then(|n| i32::try_from(n).ok()).unwrap_or_default();
            task.name = text("name").unwrap_or_else(|| element.clone());
            task.element = element;
            task.state = content.kind.trim_start_matches("task.").to_owned();
            task.outcome = text("outcome");
            task.success = data["success"].as_bool().unwrap_or(task.state == "completed");
            task.ended_ms = content.at_ms;
            Some(task)
        }
        _ => None,
    }
}

/// The entry of a finished task, as the outbox gives it.
fn entry_of(task: &TaskMemory) -> Option<Entry> {
    // A dry run leaves nothing.
    (task.attempt > 0).then(|| delivered(&task.key(), &task.entry()))?
}

/// The entry of what a part tells memory by the outbox; none where its kind is unknown.
#[must_use]
pub fn delivered(key: &str, payload: &Value) -> Option<Entry> {
    let kind: Kind = serde_json::from_value(payload["kind"].clone()).ok()?;
    let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
    let mut entry =
        Entry::new(key, kind, &text("title"), &text("text"), payload["at_ms"].as_i64().unwrap_or_default());
    entry.payload = payload["run"].clone();
    entry.source = "trail".to_owned();
    Some(entry)
}
