//! The trail as an event log: the steps of the cases of a process as XES or as a table, for tools of process mining.

use std::collections::BTreeMap;

use ::trail::{Filter, NewEvent, Trail};
use bpmn::event_log::{Execution, Format, Label, Writer};
use engine::Store;
use engine::port::InstanceFilter;
use serde_json::Value;

use super::trail::TASKS;
use crate::error::Error;

/// Cases that are written, the newest.
const MAX_LOG_CASES: usize = 100_000;
/// Entries and instances read at once.
const PAGE: usize = 1_000;

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Cases.
    pub cases: usize,
    /// Executions.
    pub executions: usize,
}

/// An execution as the trail tells it.
struct Step {
    element: String,
    enabled_ms: i64,
    began_ms: i64,
    ended_ms: Option<i64>,
    broken_off: bool,
    actor: Option<String>,
}

/// Writes the steps of the newest cases of a process, oldest case first; `names` gives the name of an element by its id.
/// A step began when work on it began, where that is known, otherwise when the case came to it; what has not ended has no
/// end. Dry runs are left out.
///
/// # Errors
/// Where the store, the trail or `sink` fails.
pub async fn write_trail(
    store: &dyn Store,
    trail: &dyn Trail,
    (process_id, names): (&str, &BTreeMap<String, String>),
    format: Format,
    sink: &mut (dyn FnMut(&str) -> std::io::Result<()> + Send),
) -> Result<Written, Error> {
    let broken = |error: std::io::Error| Error::Stopped(format!("the log could not be written: {error}"));
    let mut writer = Writer::new(format, process_id);
    let mut written = Written::default();
    let mut labels: BTreeMap<String, Label> = BTreeMap::new();
    for case in cases(store, process_id).await?.into_iter().rev() {
        let steps = steps(trail, case).await?;
        writer.open_case(&case.to_string());
        for step in &steps {
            let name = names.get(&step.element).unwrap_or(&step.element);
            for text in [Some(name), step.actor.as_ref()].into_iter().flatten() {
                if !labels.contains_key(text) {
                    labels.insert(text.clone(), Label::new(text));
                }
            }
            let Some(activity) = labels.get(name) else { continue };
            writer.execution(&Execution {
                activity,
                resource: step.actor.as_ref().and_then(|actor| labels.get(actor)),
                enabled_ms: step.enabled_ms,
                began_ms: step.began_ms,
                ended_ms: step.ended_ms,
                broken_off: step.broken_off,
            });
        }
        writer.close_case();
        written.cases += 1;
        written.executions += steps.len();
        sink(&writer.take()).map_err(broken)?;
    }
    sink(&writer.finish()).map_err(broken)?;
    Ok(written)
}

/// Keys of the newest cases, newest first.
async fn cases(store: &dyn Store, process_id: &str) -> Result<Vec<i64>, Error> {
    let mut filter =
        InstanceFilter { process_id: Some(process_id.to_owned()), limit: PAGE, ..InstanceFilter::default() };
    let mut found = Vec::new();
    loop {
        let page = store.instances(&filter).await?;
        filter.before = page.last().map(|instance| instance.key);
        let is_last = page.len() < PAGE;
        found.extend(page.into_iter().filter(|instance| !instance.dry_run).map(|instance| instance.key));
        if is_last || found.len() >= MAX_LOG_CASES {
            found.truncate(MAX_LOG_CASES);
            return Ok(found);
        }
    }
}

async fn steps(trail: &dyn Trail, case: i64) -> Result<Vec<Step>, Error> {
    let filter = Filter { instance: Some(case), ..Filter::default() };
    let mut found: Vec<Step> = Vec::new();
    // Where the step of an element instance stands.
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    let mut after = 0;
    loop {
        let events =
            trail.read(&filter, after, PAGE).await.map_err(|error| Error::Stopped(error.to_string()))?;
        let Some(last) = events.last() else { return Ok(found) };
        after = last.position;
        events.iter().for_each(|event| fold(&event.content, &mut found, &mut places));
    }
}

fn fold(content: &NewEvent, found: &mut Vec<Step>, places: &mut BTreeMap<u64, usize>) {
    let Some(element) = content.element.as_deref() else { return };
    let number = content.data.get("element").and_then(Value::as_u64);
    match content.kind.as_str() {
        "element.activated" => {
            let is_task = content.data["kind"].as_str().is_some_and(|kind| TASKS.contains(&kind));
            if let (Some(number), true, false) = (number, is_task, content.data["body"] == true) {
                places.insert(number, found.len());
                found.push(Step {
                    element: element.to_owned(),
                    enabled_ms: content.at_ms,
                    began_ms: content.at_ms,
                    ended_ms: None,
                    broken_off: false,
                    actor: None,
                });
            }
        }
        "element.completed" | "element.terminated" => {
            let step =
                number.and_then(|number| places.remove(&number)).and_then(|place| found.get_mut(place));
            if let Some(step) = step {
                step.ended_ms = Some(content.at_ms);
                step.broken_off = content.kind == "element.terminated";
            }
        }
        // The newest step of the element that has not ended is the one that somebody works on.
        "task.started" | "user_task.completed" => {
            let starts = content.kind == "task.started";
            let fits = |step: &&mut Step| {
                step.element == element && if starts { step.ended_ms.is_none() } else { step.actor.is_none() }
            };
            match found.iter_mut().rev().find(fits) {
                Some(step) if starts => step.began_ms = content.at_ms,
                Some(step) => step.actor = Some(content.actor.clone()),
                None => {}
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bpmn::program::Variables;
    use engine::clock::ManualClock;
    use engine::port::{DeployFile, JobFilter, StartInstance};
    use engine::{Embedded, MemoryStore, ProcessEngine};

    use super::*;

    const REVIEW: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="x">
        <process id="review" isExecutable="true"><startEvent id="s"/><userTask id="read" name="Read it"/><endEvent id="e"/>
        <sequenceFlow id="a" sourceRef="s" targetRef="read"/><sequenceFlow id="b" sourceRef="read" targetRef="e"/>
        </process></definitions>"#;

    #[tokio::test]
    async fn what_people_did_is_written_as_a_log_that_is_read_back() {
        let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::at(1_767_600_000_000));
        let engine = Embedded::open(store.clone(), Arc::new(clock.clone())).await.unwrap();
        let file = DeployFile { name: "review.bpmn".to_owned(), content: REVIEW.as_bytes().to_vec() };
        engine.deploy(vec![file]).await.unwrap();
        for _ in 0..2 {
            let process_id = Some("review".to_owned());
            let case = engine.start(StartInstance { process_id, ..StartInstance::default() }).await.unwrap();
            clock.advance(60_000);
            let jobs =
                engine.jobs(&JobFilter { instance: Some(case), ..JobFilter::default() }).await.unwrap();
            engine.complete_user_task(jobs[0].key, "ann", Variables::new()).await.unwrap();
        }
        let process_id = Some("review".to_owned());
        engine.start(StartInstance { process_id, ..StartInstance::default() }).await.unwrap();
        let names = BTreeMap::from([("read".to_owned(), "Read it".to_owned())]);
        let written = |format| {
            let (store, names) = (store.clone(), names.clone());
            async move {
                let mut text = String::new();
                let mut sink = |part: &str| {
                    text.push_str(part);
                    Ok(())
                };
                let (store, about) = (store.as_ref(), ("review", &names));
                let written = write_trail(store, store, about, format, &mut sink).await.unwrap();
                (written, text)
            }
        };
        let (counted, xes) = written(Format::Xes).await;
        assert_eq!(counted, Written { cases: 3, executions: 3 });
        let traces = bpmn::xes::read(xes.as_bytes()).unwrap();
        let [first, _, open] = traces.as_slice() else { panic!("{traces:?}") };
        let [event] = first.events.as_slice() else { panic!("{traces:?}") };
        assert_eq!(
            (event.activity.as_str(), event.at_ms, event.resource.as_deref()),
            ("Read it", Some(1_767_600_060_000), Some("ann"))
        );
        assert!(open.events.is_empty(), "what has not ended is no completed event");
        let (_, table) = written(Format::Csv).await;
        let row = table.lines().nth(1).unwrap();
        assert!(
            row.ends_with(
                "Read it,2026-01-05T08:00:00.000Z,2026-01-05T08:00:00.000Z,2026-01-05T08:01:00.000Z,ann"
            ),
            "{row}"
        );
    }
}
