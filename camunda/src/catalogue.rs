//! Process definitions: deployed with the original beside the rewritten model, and read back.

use std::sync::Arc;

use bpmn::program::{JobKind, NodeKind, Program};
use engine::port::{Definition, DeployFile, Notice};
use engine::store::Commit;
use engine::{Error as EngineError, limits};
use serde_json::json;
use sha2::{Digest, Sha256};
use trail::NewEvent;

use crate::core::Core;
use crate::keys::key_of;
use crate::remote::Resource;
use crate::topic::outside_type;

/// Files in one deployment.
const FILE_LIMIT: usize = 1_000;
/// Definitions listed.
const DEFINITION_LIMIT: usize = 10_000;
/// Definitions kept in memory.
const CACHE_LIMIT: usize = 2_000;

/// A definition as it is deployed.
#[derive(Debug)]
pub(crate) struct Deployed {
    /// What everybody sees.
    pub(crate) definition: Definition,
    /// The model as it was given to ProcOS, or Camunda's own where somebody else deployed it.
    pub(crate) xml: String,
    /// Ready to run; `None` where ProcOS cannot run it (Java delegates and the like).
    pub(crate) program: Option<Program>,
}

impl Deployed {
    /// Whether any of its tasks is the kernel's.
    pub(crate) fn has_kernel_tasks(&self) -> bool {
        match &self.program {
            Some(program) => program.nodes.iter().any(|node| {
                matches!(node.kind, NodeKind::Job(JobKind::Service)) && outside_type(&node.task).is_none()
            }),
            None => self.xml.contains("\"procos\""),
        }
    }
}

/// Deploys files in one deployment of Camunda.
pub(crate) async fn deploy(core: &Arc<Core>, files: Vec<DeployFile>) -> Result<Vec<Definition>, EngineError> {
    if files.len() > FILE_LIMIT {
        let detail = format!("{} files in one deployment, {FILE_LIMIT} are allowed", files.len());
        return Err(EngineError::Limit { limit: "FILE_LIMIT", detail });
    }
    let mut problems = Vec::new();
    let mut resources = Vec::new();
    let mut written = Vec::new();
    for file in files {
        limits::check_text("the file name", &file.name)?;
        if bpmn::dmn::is_dmn(&file.content) {
            // Camunda decides by itself; what it does not know it refuses.
            resources.push(Resource { name: file.name, content: file.content, is_main: true });
            continue;
        }
        match prepare(core, &file).and_then(|prepared| inspect(core, &file).map(|()| prepared)) {
            Ok(prepared) => {
                written.push(String::from_utf8_lossy(&file.content).into_owned());
                resources.extend(prepared);
            }
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(EngineError::Refused { problems });
    }
    let ids = core.remote.deploy(resources).await.map_err(refused)?;
    let mut definitions = Vec::new();
    let mut fresh = Vec::new();
    for id in ids {
        let definition = known(core, &id).await?.definition.clone();
        if record(core, &id, &definition).await? {
            fresh.push(definition.key);
        }
        definitions.push(definition);
    }
    if !fresh.is_empty() {
        core.notify(Notice::Deployed { definitions: fresh });
    }
    if let Some(inspector) = core.inspector.get() {
        written.iter().for_each(|xml| inspector.deployed(xml));
    }
    Ok(definitions)
}

/// Asks whoever has a say in what is deployed.
fn inspect(core: &Core, file: &DeployFile) -> Result<(), Vec<String>> {
    let Some(inspector) = core.inspector.get() else { return Ok(()) };
    let said = inspector.inspect(&String::from_utf8_lossy(&file.content));
    said.map_err(|problem| vec![format!("{}: {problem}", file.name)])
}

/// What Camunda does not take in a deployment is a refusal of the file, not of the call.
fn refused(error: crate::Error) -> EngineError {
    match error {
        // Camunda 7 numbers the complaints of its parser; Camunda 8 takes files apart from the call.
        crate::Error::Refused { status, detail, .. } if detail.contains("ENGINE-09") || status == 400 => {
            EngineError::Refused { problems: vec![format!("Camunda: {detail}")] }
        }
        other => other.into(),
    }
}

/// Records that a definition is there; false where that was done before.
async fn record(core: &Core, id: &str, definition: &Definition) -> Result<bool, EngineError> {
    let event = NewEvent {
        definition: Some(definition.key),
        subject: Some(definition.process_id.clone()),
        actor: "engine".to_owned(),
        data: json!({
            "version": definition.version, "resource": definition.resource, "checksum": definition.checksum,
        }),
        ..NewEvent::new("definition.deployed", core.clock.now_ms())
    };
    let idempotent = Some((format!("{}/deployed/{id}", core.name()), definition.key));
    match core.store.commit(Commit { events: vec![event], idempotent, ..Commit::default() }).await {
        Ok(_) => Ok(true),
        Err(EngineError::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn prepare(core: &Core, file: &DeployFile) -> Result<Vec<Resource>, Vec<String>> {
    let line = |code: &str, error: &dyn std::fmt::Display, hint: &str| {
        format!("{}: {code} {error}; {hint}", file.name)
    };
    let definitions =
        bpmn::xml::read(&file.content).map_err(|error| vec![line(error.code(), &error, error.hint())])?;
    let programs = bpmn::compile::compile(&definitions, None).map_err(|problems| {
        problems.0.iter().map(|error| line(error.code(), error, error.hint())).collect::<Vec<_>>()
    })?;
    core.remote.prepare(file, &definitions, &programs)
}

/// All definitions, the newest version of each process first.
pub(crate) async fn definitions(core: &Arc<Core>) -> Result<Vec<Definition>, EngineError> {
    let mut found = Vec::new();
    for id in core.remote.definitions(DEFINITION_LIMIT).await? {
        found.push(deployed(core, &id).await?.definition.clone());
    }
    Ok(found)
}

/// The definition with this id, which is known to be there: where searches lag it is waited for.
pub(crate) async fn known(core: &Arc<Core>, id: &str) -> Result<Arc<Deployed>, EngineError> {
    if let Some(known) = core.deployed.lock().get(id) {
        return Ok(Arc::clone(known));
    }
    let is_visible = |found: &Result<_, _>| !matches!(found, Err(crate::Error::Missing { .. }));
    core.until(|| core.remote.definition(id), is_visible).await?;
    deployed(core, id).await
}

/// The definition with this Camunda id.
pub(crate) async fn deployed(core: &Arc<Core>, id: &str) -> Result<Arc<Deployed>, EngineError> {
    if let Some(known) = core.deployed.lock().get(id) {
        return Ok(Arc::clone(known));
    }
    let found = core.remote.definition(id).await?;
    let program = compile(&found.content, &found.process_id);
    let definition = Definition {
        key: core.keys.see(id),
        name: found.name.unwrap_or_else(|| found.process_id.clone()),
        process_id: found.process_id,
        version: found.version,
        resource: found.resource,
        checksum: hex::encode(Sha256::digest(&found.content)),
        // Camunda 8 does not say it: since when ProcOS knows it.
        deployed_ms: found.deployed_ms.unwrap_or_else(|| core.clock.now_ms()),
    };
    let xml = String::from_utf8(found.content)
        .or_else(|error| bpmn::xml::read(error.as_bytes()).map(|model| bpmn::xml::write(&model)))
        .map_err(|error| EngineError::Invalid(error.to_string()))?;
    let deployed = Arc::new(Deployed { definition, xml, program });
    let mut cache = core.deployed.lock();
    if cache.len() >= CACHE_LIMIT {
        cache.clear();
    }
    cache.insert(id.to_owned(), Arc::clone(&deployed));
    Ok(deployed)
}

fn compile(content: &[u8], process_id: &str) -> Option<Program> {
    let definitions = bpmn::xml::read(content).ok()?;
    match bpmn::compile::compile(&definitions, Some(process_id)) {
        Ok(programs) => programs.into_iter().next(),
        Err(problems) => {
            tracing::info!(process = process_id, %problems, "a process of Camunda is only watched");
            None
        }
    }
}

/// Camunda's id of a definition key.
pub(crate) async fn id_of(core: &Arc<Core>, key: i64) -> Result<String, EngineError> {
    if let Some(id) = core.remote.id_of(key).or_else(|| core.keys.id(key)) {
        return Ok(id);
    }
    let all = core.remote.definitions(DEFINITION_LIMIT).await?;
    match all.into_iter().find(|id| key_of(id) == key) {
        Some(id) => {
            core.keys.see(&id);
            Ok(id)
        }
        None => Err(EngineError::NotFound { what: "definition", id: key.to_string() }),
    }
}
