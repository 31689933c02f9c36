//! Takes a variant in: nothing that is here is overwritten.

use std::collections::BTreeMap;

use context::Stamp;
use das::{Proposal, ProposalState, Proposals as _};
use engine::Store;
use engine::port::{Attempt, DeployFile};
use engine::store::Commit;
use kernel::{ScoreFilter, Scores as _};
use ontology::model::{ChangeSet, Node};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use trail::NewEvent;

use super::super::export::SystemFile;
use super::super::{Output, now_ms};
use super::pack::{ORGANISATION, forget_key};
use super::{Evidence, GrownDecisions, GrownProcess, VARIANT_FILE, VariantFile};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Attempts of one subject that are taken in; of more, as many with the same share of successes.
const ATTEMPTS_LIMIT: u64 = 10_000;
/// Names tried for a system that differs from one here.
const NAMES_LIMIT: usize = 100;
/// Who took it in, in trail and scores.
const ACTOR: &str = "local";

/// Takes a variant in and says what became of each part.
pub(in super::super) async fn unpack(file: VariantFile, assembly: &Assembly) -> Result<Value, Failure> {
    if file.format != VARIANT_FILE {
        let message = format!("its format is {}, not {VARIANT_FILE}", file.format);
        return Err(Failure::wrong_call(
            "CLI-0014",
            message,
            "write one with `procos export --variant FILE`",
        ));
    }
    let mut taken = json!({"variant": file.made_ms});
    taken["decisions"] = decisions(file.decisions, assembly).await?;
    taken["processes"] = processes(file.processes, assembly).await?;
    let mut systems = Vec::new();
    for system in file.systems {
        systems.push(self::system(system, assembly).await?);
    }
    taken["systems"] = json!(systems);
    taken["prompts"] = prompts(file.prompts, assembly).await?;
    taken["scores"] = scores(file.scores, assembly).await?;
    let mut fresh = Vec::new();
    for entry in file.memory {
        if assembly.memory.get(&entry.organisation, &entry.id).await?.is_none() {
            fresh.push(entry);
        }
    }
    taken["memory"] = json!(fresh.len());
    while !fresh.is_empty() {
        let batch = fresh.drain(..fresh.len().min(memory::BATCH_LIMIT)).collect();
        assembly.memory.store(batch).await?;
    }
    Ok(taken)
}

/// Before the processes that ask them. A file that differs from one here is left out: which of the two decides is not
/// for a file to say.
async fn decisions(found: Vec<GrownDecisions>, assembly: &Assembly) -> Result<Value, Failure> {
    let here = Store::decisions(&assembly.database).await?;
    let is_here = |id: &str| here.iter().any(|(file, _)| file.id == id);
    let newest: BTreeMap<&str, &str> =
        found.iter().map(|file| (file.id.as_str(), file.xml.as_str())).collect();
    let differs =
        |id: &str, xml: &str| is_here(id) && !here.iter().any(|(file, text)| file.id == id && text == xml);
    let kept: Vec<&str> = newest.iter().filter(|(id, xml)| differs(id, xml)).map(|(id, _)| *id).collect();
    let mut fresh = Vec::new();
    for file in found.iter().filter(|file| !is_here(&file.id)) {
        let deployed = DeployFile { name: file.resource.clone(), content: file.xml.clone().into_bytes() };
        assembly.engine.deploy(vec![deployed]).await?;
        if !fresh.contains(&file.id) {
            fresh.push(file.id.clone());
        }
    }
    Ok(json!({"new": fresh, "kept": kept}))
}

async fn processes(found: Vec<GrownProcess>, assembly: &Assembly) -> Result<Value, Failure> {
    let mut here: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (definition, xml) in Store::definitions(&assembly.database).await? {
        here.entry(definition.process_id).or_default().push(xml);
    }
    let (mut fresh, mut proposed, mut unchanged) = (Vec::new(), Vec::new(), Vec::new());
    for process in found {
        let Some(newest) = process.versions.last() else { continue };
        match here.get(&process.process_id) {
            None => fresh.push(process),
            // What was here before is in the history already.
            Some(versions) if versions.contains(newest) => unchanged.push(process.process_id),
            Some(versions) => {
                propose(&process, newest, versions.last(), assembly).await?;
                proposed.push(process.process_id);
            }
        }
    }
    // Round by round, so that what calls another process finds it.
    let rounds = fresh.iter().map(|process| process.versions.len()).max().unwrap_or_default();
    for round in 0..rounds {
        let mut files: Vec<DeployFile> = Vec::new();
        for process in &fresh {
            let Some(xml) = process.versions.get(round) else { continue };
            // Processes of one file share its text.
            if files.iter().all(|file| file.content != xml.as_bytes()) {
                let name = format!("{}.bpmn", process.process_id);
                files.push(DeployFile { name, content: xml.clone().into_bytes() });
            }
        }
        assembly.engine.deploy(files).await?;
    }
    let fresh: Vec<Value> = fresh
        .iter()
        .map(|process| json!({"process": process.process_id, "versions": process.versions.len()}))
        .collect();
    Ok(json!({"new": fresh, "proposed": proposed, "unchanged": unchanged}))
}

/// What differs waits for a person; the same version again is the same proposal.
async fn propose(
    process: &GrownProcess,
    newest: &str,
    here: Option<&String>,
    assembly: &Assembly,
) -> Result<(), Failure> {
    let proposals = persistence::Proposals::new(assembly.database.documents());
    let hash = hex::encode(Sha256::digest(format!("{}\n{newest}", process.process_id).as_bytes()));
    let id = format!("variant-{}", &hash[..16]);
    if proposals.get(&id).await?.is_some() {
        return Ok(());
    }
    let title = format!("Take '{}' over from a variant", process.process_id);
    let proposal = Proposal {
        id: id.clone(),
        title: title.clone(),
        source: "variant".to_owned(),
        xml: newest.to_owned(),
        base_xml: here.cloned(),
        process_id: process.process_id.clone(),
        request: title,
        notes: vec![format!(
            "it has {} versions there; the newest differs from yours",
            process.versions.len()
        )],
        state: ProposalState::Open,
        actor: ACTOR.to_owned(),
        created_ms: now_ms(),
        ..Proposal::default()
    };
    let event = NewEvent {
        actor: ACTOR.to_owned(),
        subject: Some(process.process_id.clone()),
        data: json!({"id": id, "title": proposal.title}),
        ..NewEvent::new("proposal.made", now_ms())
    };
    Ok(proposals.put(&proposal, event).await?)
}

/// Stores a system under its name, or beside a different one under a name of its own.
async fn system(file: SystemFile, assembly: &Assembly) -> Result<Value, Failure> {
    let mut nodes = file.nodes;
    for place in 0..NAMES_LIMIT {
        let name = match place {
            0 => file.system.clone(),
            1 => format!("{} (variant)", file.system),
            more => format!("{} (variant {more})", file.system),
        };
        match assembly.ontology.snapshot(&name) {
            Ok(known) => {
                let mut here: Vec<Node> = known.nodes().map(|node| node.as_ref().clone()).collect();
                here.iter_mut().for_each(forget_key);
                if same(&mut here, &mut nodes) {
                    return Ok(json!({"system": name, "is": "unchanged"}));
                }
            }
            Err(_) => {
                let newest: BTreeMap<String, i64> = Store::definitions(&assembly.database)
                    .await?
                    .into_iter()
                    .map(|(definition, _)| (definition.process_id, definition.key))
                    .collect();
                for node in &mut nodes {
                    if let Node::Process(process) = node {
                        process.definition = newest.get(&process.process_id).copied();
                    }
                }
                let change = ChangeSet {
                    system: name.clone(),
                    author: ACTOR.to_owned(),
                    message: "taken in from a variant".to_owned(),
                    at_ms: now_ms(),
                    source_hash: file.source_hash,
                    put: nodes,
                    ..ChangeSet::default()
                };
                assembly.ontology.commit(change, 0).await?;
                return Ok(json!({"system": name, "is": if place == 0 { "new" } else { "beside yours" }}));
            }
        }
    }
    let message = format!("there are {NAMES_LIMIT} systems named like {} already", file.system);
    Err(Failure::wrong_call("CLI-0014", message, "remove or rename some of them"))
}

fn same(here: &mut [Node], there: &mut [Node]) -> bool {
    here.sort_by(|a, b| a.id().cmp(b.id()));
    there.sort_by(|a, b| a.id().cmp(b.id()));
    here == there
}

/// Versions that are not here; the label `latest` stays where it was.
async fn prompts(found: Vec<Vec<context::PromptVersion>>, assembly: &Assembly) -> Result<Value, Failure> {
    let stamp = Stamp::new(ACTOR, now_ms());
    let (mut fresh, mut newest) = (Vec::new(), Vec::new());
    for versions in found {
        let Some(last) = versions.last().cloned() else { continue };
        let known = assembly.contexts.versions(ORGANISATION, &last.prompt.name).await?;
        if known.is_empty() {
            newest.push(last);
        }
        fresh.extend(
            versions
                .into_iter()
                .filter(|version| known.iter().all(|here| here.hash != version.prompt.hash())),
        );
    }
    let count = fresh.len();
    // A version waits for the fragments that it pins; a round without any that could go ends it.
    while !fresh.is_empty() {
        let (before, mut waiting, mut refused) = (fresh.len(), Vec::new(), None);
        for version in fresh {
            match assembly.contexts.keep(version.prompt.clone(), &version.note, &stamp).await {
                Ok(_) => {}
                Err(error @ context::Error::Invalid { .. }) if !version.prompt.fragments.is_empty() => {
                    refused = Some(error);
                    waiting.push(version);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(error) = refused.filter(|_| waiting.len() == before) {
            return Err(error.into());
        }
        fresh = waiting;
    }
    for version in newest {
        assembly.contexts.save(version.prompt, &version.note, &stamp).await?;
    }
    Ok(json!(count))
}

/// Evidence about subjects that have none here.
async fn scores(found: Vec<Evidence>, assembly: &Assembly) -> Result<Value, Failure> {
    let mut attempts = Vec::new();
    let mut subjects = 0;
    for each in found.into_iter().filter(|each| each.attempts > 0) {
        let filter = ScoreFilter {
            kind: Some(each.kind.clone()),
            subject: Some(each.subject.clone()),
            limit: 1,
            ..ScoreFilter::default()
        };
        if !assembly.database.scores(&filter).await?.is_empty() {
            continue;
        }
        subjects += 1;
        attempts.extend(again(&each));
    }
    let commit = Commit { attempts, ..Commit::default() };
    if subjects > 0 {
        assembly.database.commit(commit).await?;
    }
    Ok(json!(subjects))
}

/// Attempts with the counts, the mean duration and the cost that were packed.
fn again(evidence: &Evidence) -> Vec<Attempt> {
    let count = evidence.attempts.min(ATTEMPTS_LIMIT);
    let successes = (u128::from(evidence.successes.min(evidence.attempts)) * u128::from(count)
        / u128::from(evidence.attempts.max(1))) as u64;
    let cost = evidence.cost / evidence.attempts.max(1) as f64;
    (0..count)
        .map(|place| Attempt {
            subject_kind: evidence.kind.clone(),
            subject: evidence.subject.clone(),
            version: None,
            success: place < successes,
            instance: None,
            duration_ms: evidence.mean_duration_ms.round() as i64,
            cost,
            at_ms: evidence.last_used_ms,
            actor: ACTOR.to_owned(),
        })
        .collect()
}

/// What became of each part, for a person.
pub(in super::super) fn show(output: Output, taken: &Value) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let processes = &taken["processes"];
    for id in list(&taken["decisions"]["new"]) {
        output.line(&format!("decisions {}: new", text(&id)));
    }
    for id in list(&taken["decisions"]["kept"]) {
        output.line(&format!("decisions {}: differ from yours, which stay", text(&id)));
    }
    for process in list(&processes["new"]) {
        output.line(&format!("process {}: new, {} versions", text(&process["process"]), process["versions"]));
    }
    for process in list(&processes["proposed"]) {
        output.line(&format!("process {}: differs from yours, waits as a proposal", text(&process)));
    }
    for system in list(&taken["systems"]) {
        output.line(&format!("system  {}: {}", text(&system["system"]), text(&system["is"])));
    }
    let unchanged = list(&processes["unchanged"]).len();
    output.line(&format!(
        "{unchanged} processes unchanged, {} prompt versions, scores of {} subjects and {} memory entries taken in",
        taken["prompts"], taken["scores"], taken["memory"]
    ));
}
