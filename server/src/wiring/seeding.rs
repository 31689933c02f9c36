//! What memory knows from the start: the starting processes and the reference architectures, written once for each
//! version of their content.

use memory::{Entry, Kind};
use serde_json::json;

use super::Assembly;
use crate::failure::Failure;

/// Puts the a-priori memory in; entries have stable ids, so that a second start changes nothing.
pub(super) async fn seed(assembly: &Assembly) -> Result<(), Failure> {
    let now_ms = assembly.clock.now_ms();
    let mut entries = Vec::new();
    for process in das::starting_processes() {
        let id = format!("starting/{}", process.name);
        let title = process.name.replace('_', " ");
        let mut entry = Entry::new(&id, Kind::Bpmn, &title, process.description, now_ms);
        entry.payload = json!({"process": process.name, "xml": process.xml});
        entry.source = "starting set".to_owned();
        entries.push(entry);
    }
    for (name, turtle) in das::bootstrap::reference_architectures() {
        let id = format!("architecture/{name}");
        let mut entry = Entry::new(&id, Kind::Ontology, &name.replace('-', " "), turtle, now_ms);
        entry.payload = json!({"architecture": name});
        entry.source = "starting set".to_owned();
        entries.push(entry);
    }
    let mut fresh = Vec::new();
    for entry in entries {
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
