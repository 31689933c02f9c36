//! What the trail tells a simulation about a process: how long its tasks took, what came out, which ways were taken.
//!
//! | in the trail | becomes |
//! | --- | --- |
//! | `task.started` and `task.completed` of one job | the time at work, and the outcome |
//! | `element.activated` and `element.completed` of what waits for somebody outside | the time until it went on |
//! | the same without an end, or broken off | a censored time; none where an incident holds it up |
//! | `flow.taken` | a token on that flow |
//!
//! Dry runs, steps that pass through and results that were given do not count.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use ::trail::{Event, Filter, Trail};
use engine::Store;
use engine::port::{Instance, InstanceFilter};
use scoring::simulation::{Evidence, Executions};
use serde_json::Value;

use crate::error::Error;

/// Newest cases that are read.
pub const CASES_LIMIT: usize = 2_000;
/// Trail entries that are read of them together.
const EVENTS_LIMIT: usize = 1_000_000;
/// Durations kept of one element, the newest.
const DURATIONS_LIMIT: usize = 2_000;
/// Entries and instances read at once.
const PAGE: usize = 1_000;
/// Instances looked at for one that counts: dry runs are passed over.
const LOOKED_LIMIT: usize = 20_000;
/// What waits for somebody outside: its whole time is recorded by the engine.
const WAITING: [&str; 8] = [
    "userTask",
    "serviceTask",
    "sendTask",
    "businessRuleTask",
    "scriptTask",
    "receiveTask",
    "callActivity",
    "intermediateCatchEvent",
];
/// Executors that do nothing themselves.
const IDLE: [&str; 2] = ["pass_through", "given"];

/// Reads what the newest cases of a process showed, all its versions together; `now_ms` says how long open ones have
/// been going on.
///
/// # Errors
/// Where the store or the trail fails.
pub async fn read_evidence(
    store: &dyn Store,
    trail: &dyn Trail,
    process_id: &str,
    now_ms: i64,
) -> Result<Evidence, Error> {
    let mut found = Recorded::default();
    let mut read = 0;
    for instance in cases(store, process_id).await? {
        if read >= EVENTS_LIMIT {
            break;
        }
        let filter = Filter { instance: Some(instance.key), ..Filter::default() };
        let (mut after, mut case) = (0, Case::default());
        loop {
            let events = trail.read(&filter, after, PAGE).await;
            let events = events.map_err(|error| Error::Stopped(error.to_string()))?;
            let Some(last) = events.last() else { break };
            after = last.position;
            read += events.len();
            events.iter().for_each(|event| case.fold(event, &mut found));
            if events.len() < PAGE {
                break;
            }
        }
        case.end(instance.status.is_open().then_some(now_ms), &mut found);
        found.evidence.cases += 1;
    }
    Ok(found.finish())
}

/// The newest instances that were no dry runs.
async fn cases(store: &dyn Store, process_id: &str) -> Result<Vec<Instance>, Error> {
    let mut found = Vec::new();
    let mut filter =
        InstanceFilter { process_id: Some(process_id.to_owned()), limit: PAGE, ..InstanceFilter::default() };
    let mut looked = 0;
    while found.len() < CASES_LIMIT && looked < LOOKED_LIMIT {
        let page = store.instances(&filter).await?;
        looked += page.len();
        filter.before = page.last().map(|instance| instance.key);
        let is_last = page.len() < PAGE;
        found.extend(page.into_iter().filter(|instance| !instance.dry_run));
        if is_last {
            break;
        }
    }
    found.truncate(CASES_LIMIT);
    Ok(found)
}

/// What all cases showed.
#[derive(Default)]
struct Recorded {
    evidence: Evidence,
    /// Elements that the kernel executed, so that their time at work is known, and those where nothing was done.
    at_work: BTreeSet<String>,
    idle: BTreeSet<String>,
    /// Durations of elements from reaching to leaving them.
    waited: BTreeMap<String, Executions>,
}

impl Recorded {
    /// Time at work where it is known, otherwise the whole time; nothing of what only passes through.
    fn finish(mut self) -> Evidence {
        for (element, whole) in self.waited {
            if self.at_work.contains(&element) {
                // What has not ended has not been at work for longer than that.
                self.evidence.elements.entry(element).or_default().open.extend(whole.open);
            } else if !self.idle.contains(&element) {
                let executions = self.evidence.elements.entry(element).or_default();
                executions.finished.extend(whole.finished);
                executions.open.extend(whole.open);
                executions.with_waiting = true;
            }
        }
        self.evidence
    }
}

/// One case.
#[derive(Default)]
struct Case {
    /// Element instances under way: (element, since, ms).
    open: BTreeMap<u64, (String, i64)>,
    /// When attempts of jobs began, ms; `None` where nothing was done.
    jobs: BTreeMap<u64, Option<i64>>,
}

impl Case {
    fn fold(&mut self, event: &Event, found: &mut Recorded) {
        let content = &event.content;
        let (data, at_ms) = (&content.data, content.at_ms);
        let Some(element) = content.element.as_deref() else { return };
        let number = |name: &str| data.get(name).and_then(Value::as_u64);
        match content.kind.as_str() {
            "flow.taken" => *found.evidence.flows.entry(element.to_owned()).or_default() += 1,
            "element.activated" => {
                let waits = data["kind"].as_str().is_some_and(|kind| WAITING.contains(&kind));
                if let (Some(instance), true, false) = (number("element"), waits, data["body"] == true) {
                    self.open.insert(instance, (element.to_owned(), at_ms));
                }
            }
            "element.completed" | "element.terminated" => {
                let Some((element, since_ms)) = number("element").and_then(|it| self.open.remove(&it)) else {
                    return;
                };
                let whole = found.waited.entry(element).or_default();
                let ended = content.kind == "element.completed";
                push(if ended { &mut whole.finished } else { &mut whole.open }, at_ms - since_ms);
            }
            "incident.raised" => {
                // It waits for a person to mend it, not for work to be done.
                if let Some(instance) = number("element") {
                    self.open.remove(&instance);
                }
            }
            "task.started" => {
                let Some(job) = number("job") else { return };
                let is_idle = data["by"].as_str().is_some_and(|by| IDLE.contains(&by));
                if is_idle {
                    found.idle.insert(element.to_owned());
                }
                self.jobs.insert(job, (!is_idle).then_some(at_ms));
            }
            "task.completed" => {
                let Some(started_ms) = number("job").and_then(|job| self.jobs.remove(&job)).flatten() else {
                    return;
                };
                found.at_work.insert(element.to_owned());
                let executions = found.evidence.elements.entry(element.to_owned()).or_default();
                push(&mut executions.finished, at_ms - started_ms);
                if let Some(outcome) = data["outcome"].as_str() {
                    *executions.outcomes.entry(outcome.to_owned()).or_default() += 1;
                }
            }
            _ => {}
        }
    }

    /// What is still under way at `now_ms`; of a case that has ended nothing is.
    fn end(self, now_ms: Option<i64>, found: &mut Recorded) {
        let Some(now_ms) = now_ms else { return };
        for (element, since_ms) in self.open.into_values() {
            push(&mut found.waited.entry(element).or_default().open, now_ms - since_ms);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "durations stay far below 2^52 ms")]
fn push(durations: &mut Vec<f64>, milliseconds: i64) {
    if durations.len() < DURATIONS_LIMIT {
        durations.push(milliseconds.max(0) as f64 / 1_000.0);
    }
}
