//! `procos memory` through a server that holds the directory.

use memory::{Entry, Filter, HITS_LIMIT, Kind};
use serde_json::{Value, json};

use super::super::client::Client;
use super::super::{Output, remote_job};
use super::{
    Command, Entries, ORGANISATION, Recall, Show, show_entry, show_forgotten, show_hits, show_rebuilt,
};
use crate::failure::Failure;

pub(super) async fn execute(command: Command, client: &Client, output: Output) -> Result<(), Failure> {
    match command {
        Command::Recall(command) => show_hits(output, &recall(command, client).await?),
        Command::Show(Show { id }) => show_entry(output, &id, entry(&id, client).await?)?,
        Command::Forget(command) => show_forgotten(output, forget(command.filter()?, client).await?),
        Command::Export(command) => {
            let mut entries = Entries::default();
            for kind in command.kinds() {
                let found = newest(kind, command.source.as_deref(), client).await?;
                entries.add(kind, found.into_iter(), output);
            }
            entries.write(command.output, output)?;
        }
        Command::Log(command) => command.there(output, client).await?,
        Command::Rebuild(_) => {
            let mut started = client.ask("mutation { rebuildMemory { id } }", json!({})).await?;
            let job = started["rebuildMemory"]["id"].take();
            show_rebuilt(output, &remote_job::follow(&job, client, output).await?);
        }
    }
    Ok(())
}

async fn recall(command: Recall, client: &Client) -> Result<Value, Failure> {
    let query = "query($text: String!, $kinds: [MemoryKind!], $system: String, $since: Timestamp, $limit: Int) { \
        recall(text: $text, kinds: $kinds, system: $system, since: $since, limit: $limit) { degraded \
        hits { id kind title text score source storedAt payload } } }";
    let kinds = (!command.kind.is_empty()).then(|| words(&command.kind));
    let asked = json!({"text": command.text, "kinds": kinds, "system": command.system, "since": command.since,
        "limit": command.limit});
    let mut found = client.ask(query, asked).await?["recall"].take();
    for hit in found["hits"].as_array_mut().into_iter().flatten() {
        as_kept(hit);
    }
    Ok(found)
}

async fn entry(id: &str, client: &Client) -> Result<Option<Entry>, Failure> {
    let query =
        "query($id: ID!) { memoryEntry(id: $id) { id kind title text system source storedAt payload } }";
    let found = client.ask(query, json!({"id": id})).await?["memoryEntry"].take();
    if found.is_null() { Ok(None) } else { read(found).map(Some) }
}

async fn newest(kind: Kind, source: Option<&str>, client: &Client) -> Result<Vec<Entry>, Failure> {
    let query = "query($kinds: [MemoryKind!], $source: String, $limit: Int) { \
        recall(text: \"\", kinds: $kinds, source: $source, limit: $limit) { \
        hits { id kind title text system source storedAt payload } } }";
    let asked = json!({"kinds": words(&[kind]), "source": source, "limit": HITS_LIMIT});
    let mut found = client.ask(query, asked).await?["recall"]["hits"].take();
    found.as_array_mut().into_iter().flatten().map(|hit| read(hit.take())).collect()
}

async fn forget(filter: Filter, client: &Client) -> Result<usize, Failure> {
    let query = "mutation($input: ForgetMemoryInput!) { forgetMemory(input: $input) }";
    let input = json!({"ids": filter.ids, "kinds": words(&filter.kinds), "system": filter.system,
        "source": filter.source, "before": filter.before_ms, "about": filter.about});
    let forgotten = &client.ask(query, json!({"input": input})).await?["forgetMemory"];
    Ok(forgotten.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default())
}

/// Kinds as the API calls them.
fn words(kinds: &[Kind]) -> Vec<String> {
    kinds.iter().map(|kind| kind.as_str().to_uppercase()).collect()
}

/// Names kind and time as memory itself does.
fn as_kept(entry: &mut Value) {
    entry["kind"] = json!(entry["kind"].as_str().unwrap_or_default().to_lowercase());
    let at = entry.as_object_mut().and_then(|entry| entry.remove("storedAt"));
    entry["at_ms"] = at.unwrap_or_default();
}

fn read(mut entry: Value) -> Result<Entry, Failure> {
    as_kept(&mut entry);
    entry["organisation"] = json!(ORGANISATION);
    serde_json::from_value(entry).map_err(|error| {
        let message = format!("an entry of the server's memory cannot be read: {error}");
        Failure::work("CLI-0011", message, "is the server of the same version?")
    })
}
