//! What memory knows from the start: the starting processes, samples and reference architectures, written once for each
//! version of their content.

use memory::{Entry, Kind};
use serde_json::json;

use super::Assembly;
use crate::failure::Failure;

/// The samples: name, what they show, the file.
const SAMPLES: [(&str, &str, &str); 4] = [
    (
        "size-aircraft",
        "Sizes a light aircraft in a feedback loop until its take-off mass converges, then samples the range margin.",
        include_str!("../../../examples/light-aircraft/size-aircraft.bpmn"),
    ),
    (
        "parallel-file-write",
        "Writes three files in parallel, reads them back and joins them.",
        include_str!("../../../examples/parallel-file-write.bpmn"),
    ),
    (
        "trading-order",
        "Checks an order against risk limits, samples slippage, asks for approval above a limit.",
        include_str!("../../../examples/trading-order.bpmn"),
    ),
    (
        "supply-chain-reorder",
        "Finds a reorder point by drawing demand over the lead time until the service level is met.",
        include_str!("../../../examples/supply-chain-reorder.bpmn"),
    ),
];

/// The a-priori memory, with this time.
pub(super) fn entries(now_ms: i64) -> Vec<Entry> {
    let mut entries = Vec::new();
    for process in das::starting_processes() {
        let id = format!("starting/{}", process.name);
        let title = process.name.replace('_', " ");
        let mut entry = Entry::new(&id, Kind::Bpmn, &title, process.description, now_ms);
        entry.payload = json!({"process": process.name, "xml": process.xml});
        entry.source = "starting set".to_owned();
        entries.push(entry);
    }
    for (name, description, xml) in SAMPLES {
        let id = format!("sample/{name}");
        let mut entry = Entry::new(&id, Kind::Bpmn, &name.replace('-', " "), description, now_ms);
        entry.payload = json!({"sample": name, "xml": xml});
        entry.source = "sample".to_owned();
        entries.push(entry);
    }
    for (name, turtle) in das::bootstrap::reference_architectures() {
        let id = format!("architecture/{name}");
        let mut entry = Entry::new(&id, Kind::Ontology, &name.replace('-', " "), turtle, now_ms);
        entry.payload = json!({"architecture": name});
        entry.source = "starting set".to_owned();
        entries.push(entry);
    }
    entries
}

/// Puts the a-priori memory in; entries have stable ids, so that a second start changes nothing.
pub(super) async fn seed(assembly: &Assembly) -> Result<(), Failure> {
    let mut fresh = Vec::new();
    for entry in entries(assembly.clock.now_ms()) {
        let known = assembly.memory.get(&entry.organisation, &entry.id).await.ok().flatten();
        if known.is_none_or(|known| known.text != entry.text || known.payload != entry.payload) {
            fresh.push(entry);
        }
    }
    if !fresh.is_empty()
        && let Err(error) = assembly.memory.store(fresh).await
    {
        // Memory that is down must not keep processes from running.
        tracing::warn!(%error, "the a-priori memory could not be written");
    }
    Ok(())
}
