//! The DMN files of a deployment: read and given versions before the processes that ask them.

use std::sync::Arc;

use bpmn::dmn::Model;
use bpmn::program::{Binding, NodeKind, Program};
use serde_json::json;
use sha2::{Digest, Sha256};
use trail::NewEvent;

use super::Core;
use super::decisions::{DecisionCatalogue, DeployedModel};
use crate::Error;
use crate::port::{DecisionDefinition, DecisionRequirements, DeployFile};

/// The DMN files of one deployment.
#[derive(Default)]
pub(super) struct Decided {
    /// What is answered: new files, and those that were there already.
    pub(super) answer: Vec<DecisionRequirements>,
    /// What is new.
    pub(super) added: Vec<Arc<DeployedModel>>,
    /// All decisions as they will be.
    pub(super) catalogue: DecisionCatalogue,
    /// What is wrong with the files.
    pub(super) problems: Vec<String>,
}

/// Whether a file holds decisions rather than processes.
pub(super) fn is_decision(file: &DeployFile) -> bool {
    let has_ending =
        std::path::Path::new(&file.name).extension().is_some_and(|it| it.eq_ignore_ascii_case("dmn"));
    has_ending || bpmn::dmn::is_dmn(&file.content)
}

/// Reads the DMN files and gives them keys and versions.
pub(super) async fn decide(core: &Core, files: &[DeployFile], now_ms: i64) -> Result<Decided, Error> {
    let mut decided = Decided { catalogue: core.decisions.read().clone(), ..Decided::default() };
    let mut owners: Vec<(String, &str)> = Vec::new();
    for file in files.iter().filter(|file| is_decision(file)) {
        let model = match bpmn::dmn::read(&file.content) {
            Ok(model) => model,
            Err(problems) => {
                let lines = problems.0.iter();
                decided.problems.extend(
                    lines.map(|error| super::deploy::problem(&file.name, error.code(), error, error.hint())),
                );
                continue;
            }
        };
        for decision in &model.decisions {
            if let Some((_, other)) = owners.iter().find(|(id, _)| *id == decision.id) {
                decided.problems.push(format!("{}: decision {} is in {other} too", file.name, decision.id));
            }
            owners.push((decision.id.clone(), &file.name));
        }
        let checksum = hex::encode(Sha256::digest(&file.content));
        if let Some(same) = unchanged(&decided.catalogue, &model, &checksum) {
            decided.answer.push(same);
            continue;
        }
        let keys = core.keys(1 + model.decisions.len()).await?;
        let deployed = deployed(&decided.catalogue, file, model, checksum, &keys, now_ms);
        decided.catalogue.insert(Arc::clone(&deployed));
        decided.answer.push(deployed.requirements.clone());
        decided.added.push(deployed);
    }
    Ok(decided)
}

/// The file that is there already with the same bytes and still decides for all its decisions.
fn unchanged(catalogue: &DecisionCatalogue, model: &Model, checksum: &str) -> Option<DecisionRequirements> {
    let newest = &catalogue.newest(&model.id)?.requirements;
    let decides =
        newest.decisions.iter().all(|one| catalogue.newest_decision(&one.decision_id).as_ref() == Some(one));
    (newest.checksum == checksum && decides).then(|| newest.clone())
}

fn deployed(
    catalogue: &DecisionCatalogue,
    file: &DeployFile,
    model: Model,
    checksum: String,
    keys: &[i64],
    now_ms: i64,
) -> Arc<DeployedModel> {
    let decisions =
        model.decisions.iter().zip(keys.iter().skip(1)).map(|(decision, key)| DecisionDefinition {
            key: *key,
            decision_id: decision.id.clone(),
            name: decision.name.clone(),
            version: 1 + catalogue.newest_decision(&decision.id).map_or(0, |newest| newest.version),
            version_tag: decision.version_tag.clone(),
        });
    let requirements = DecisionRequirements {
        key: keys.first().copied().unwrap_or_default(),
        id: model.id.clone(),
        name: model.name.clone().unwrap_or_else(|| model.id.clone()),
        version: 1 + catalogue.newest(&model.id).map_or(0, |newest| newest.requirements.version),
        resource: file.name.clone(),
        checksum,
        deployed_ms: now_ms,
        decisions: decisions.collect(),
    };
    // What is not UTF-8 was read by its declared encoding; as text it is kept in the one that databases hold.
    let xml = String::from_utf8_lossy(&file.content);
    DeployedModel::new(requirements, model, Arc::from(xml.as_ref()))
}

/// The decisions that a process names and nobody has deployed; ids that variables give are looked for when they are
/// asked.
pub(super) fn missing(
    program: &Program,
    catalogue: &DecisionCatalogue,
    file: &str,
    problems: &mut Vec<String>,
) {
    for node in &program.nodes {
        let NodeKind::Decision(call) = &node.kind else { continue };
        let Some(id) = call.decision.as_literal().and_then(|id| id.as_str()) else { continue };
        if catalogue.find(id, &call.binding, i64::MAX).is_none() {
            problems.push(format!(
                "{file}: DMN-0003 decision {id}{} is not deployed (element {}, line {}); deploy the DMN file that \
                 holds it before the process or together with it",
                call.binding, node.id, node.line
            ));
        }
    }
}

/// Whether a process is bound to what is deployed with it, and that is new.
pub(super) fn is_bound_to(program: &Program, added: &[Arc<DeployedModel>]) -> bool {
    program.nodes.iter().any(|node| match &node.kind {
        NodeKind::Decision(call) if call.binding == Binding::Deployment => {
            let id = call.decision.as_literal().and_then(|id| id.as_str());
            added.iter().any(|model| id.is_none_or(|id| model.model.decision(id).is_some()))
        }
        _ => false,
    })
}

/// What the trail says of a deployed file.
pub(super) fn event(deployed: &DeployedModel, now_ms: i64) -> NewEvent {
    let requirements = &deployed.requirements;
    NewEvent {
        subject: Some(requirements.id.clone()),
        actor: "engine".to_owned(),
        data: json!({
            "key": requirements.key,
            "version": requirements.version,
            "resource": requirements.resource,
            "checksum": requirements.checksum,
            "decisions": requirements.decisions,
        }),
        ..NewEvent::new("decision.deployed", now_ms)
    }
}
