//! Packs what was grown in a data directory.

use engine::Store;
use kernel::{ScoreFilter, Scores as _};
use memory::{HITS_LIMIT, Kind, Query};
use ontology::model::Node;

use super::super::export::{SYSTEM_FILE, SystemFile};
use super::super::now_ms;
use super::{Evidence, GrownDecisions, GrownProcess, VARIANT_FILE, VariantFile};
use crate::failure::Failure;
use crate::wiring::Assembly;

/// Organisation of prompts made on this machine.
pub(super) const ORGANISATION: &str = "local";
/// Score rows that are packed.
const SCORES_LIMIT: usize = 10_000;
/// What of memory was grown; what tasks did stays with the runs it belongs to.
const KINDS: [Kind; 5] = [Kind::Bpmn, Kind::Prompt, Kind::Error, Kind::Ontology, Kind::Build];
/// Sources of what every installation has from the start.
const FROM_THE_START: [&str; 2] = ["starting set", "sample"];

/// Everything that was grown here.
pub(in super::super) async fn pack(assembly: &Assembly) -> Result<VariantFile, Failure> {
    let mut prompts = Vec::new();
    for name in assembly.contexts.names(ORGANISATION).await? {
        let mut versions = assembly.contexts.versions(ORGANISATION, &name).await?;
        versions.sort_by_key(|version| version.at_ms);
        prompts.push(versions);
    }
    Ok(VariantFile {
        format: VARIANT_FILE.to_owned(),
        made_ms: now_ms(),
        processes: processes(assembly).await?,
        decisions: decisions(assembly).await?,
        systems: systems(assembly)?,
        prompts,
        scores: scores(assembly).await?,
        memory: memory(assembly).await?,
    })
}

/// Processes in the order of their first deployment.
async fn processes(assembly: &Assembly) -> Result<Vec<GrownProcess>, Failure> {
    let mut found: Vec<GrownProcess> = Vec::new();
    // Oldest first.
    for (definition, xml) in Store::definitions(&assembly.database).await? {
        match found.iter_mut().find(|process| process.process_id == definition.process_id) {
            Some(process) => process.versions.push(xml),
            None => {
                found.push(GrownProcess { process_id: definition.process_id, versions: vec![xml] });
            }
        }
    }
    Ok(found)
}

/// DMN files with all their versions, oldest first.
async fn decisions(assembly: &Assembly) -> Result<Vec<GrownDecisions>, Failure> {
    let found = Store::decisions(&assembly.database).await?.into_iter();
    Ok(found.map(|(file, xml)| GrownDecisions { id: file.id, resource: file.resource, xml }).collect())
}

fn systems(assembly: &Assembly) -> Result<Vec<SystemFile>, Failure> {
    let names = assembly.ontology.systems().into_iter().map(|system| system.name);
    names
        .map(|name| {
            let index = assembly.ontology.snapshot(&name)?;
            let mut nodes: Vec<Node> = index.nodes().map(|node| node.as_ref().clone()).collect();
            nodes.iter_mut().for_each(forget_key);
            Ok(SystemFile {
                format: SYSTEM_FILE.to_owned(),
                system: name,
                source_hash: index.source_hash.clone(),
                nodes,
                processes: std::collections::BTreeMap::new(),
            })
        })
        .collect()
}

/// Keys belong to the engine that gave them.
pub(super) fn forget_key(node: &mut Node) {
    if let Node::Process(process) = node {
        process.definition = None;
    }
}

async fn scores(assembly: &Assembly) -> Result<Vec<Evidence>, Failure> {
    let filter = ScoreFilter { limit: SCORES_LIMIT, ..ScoreFilter::default() };
    let rows = assembly.database.scores(&filter).await?.into_iter();
    Ok(rows
        .map(|row| Evidence {
            kind: row.kind,
            subject: row.subject,
            attempts: row.attempts,
            successes: row.successes,
            mean_duration_ms: row.mean_duration_ms,
            cost: row.cost,
            last_used_ms: row.last_used_ms,
        })
        .collect())
}

async fn memory(assembly: &Assembly) -> Result<Vec<memory::Entry>, Failure> {
    let mut found = Vec::new();
    for kind in KINDS {
        let query = Query::new("").of_kinds(&[kind]).at_most(HITS_LIMIT);
        let hits = assembly.memory.recall(query).await?.hits.into_iter();
        found.extend(
            hits.map(|hit| hit.entry).filter(|entry| !FROM_THE_START.contains(&entry.source.as_str())),
        );
    }
    Ok(found)
}
