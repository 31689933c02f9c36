//! Process definitions: deployed with the original beside the rewritten model, and read back.

use std::sync::Arc;

use bpmn::program::{JobKind, NodeKind, Program};
use engine::port::{Definition, DeployFile, Notice};
use engine::store::Commit;
use engine::{Error as EngineError, limits};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use trail::NewEvent;

use crate::camunda7::Core;
use crate::keys::key_of;
use crate::rest::{Resource, encode, optional, text, time_ms};
use crate::rewrite::{self, outside_type};

/// Files in one deployment.
const FILE_LIMIT: usize = 1_000;
/// Definitions listed.
const DEFINITION_LIMIT: usize = 10_000;
/// Definitions kept in memory.
const CACHE_LIMIT: usize = 2_000;
/// Ending of the name under which the original stands beside the rewritten model.
const ORIGINAL: &str = ".procos-original";

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
    let mut names = Vec::new();
    let mut written = Vec::new();
    for file in files {
        limits::check_text("the file name", &file.name)?;
        if bpmn::dmn::is_dmn(&file.content) {
            // Camunda decides by itself; what it does not know it refuses.
            let name = file.name;
            resources.push(Resource { name: name.clone(), content: file.content });
            names.push(name);
            continue;
        }
        match prepare(&file).and_then(|rewritten| inspect(core, &file).map(|()| rewritten)) {
            Ok(rewritten) => {
                written.push(String::from_utf8_lossy(&file.content).into_owned());
                let name = resource_name(&file.name);
                resources.push(Resource { name: format!("{name}{ORIGINAL}"), content: file.content });
                resources.push(Resource { name: name.clone(), content: rewritten.into_bytes() });
                names.push(name);
            }
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(EngineError::Refused { problems });
    }
    names.sort();
    let answer = core.rest.deploy(&names.join(", "), resources).await.map_err(refused)?;
    let deployment = text(&answer, "id").to_owned();
    let is_known = answer.get("deployedProcessDefinitions").is_none_or(Value::is_null);
    let path =
        format!("/process-definition?deploymentId={}&maxResults={DEFINITION_LIMIT}", encode(&deployment));
    let mut definitions = Vec::new();
    for found in core.rest.list(&path).await? {
        definitions.push(deployed(core, text(&found, "id")).await?.definition.clone());
    }
    if !is_known {
        record(core, &definitions).await?;
        core.notify(Notice::Deployed { definitions: definitions.iter().map(|one| one.key).collect() });
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
        crate::Error::Refused { detail, .. } if detail.contains("ENGINE-09") => {
            EngineError::Refused { problems: vec![format!("Camunda: {detail}")] }
        }
        other => other.into(),
    }
}

async fn record(core: &Core, definitions: &[Definition]) -> Result<(), EngineError> {
    let now_ms = core.clock.now_ms();
    let events = definitions.iter().map(|definition| NewEvent {
        definition: Some(definition.key),
        subject: Some(definition.process_id.clone()),
        actor: "engine".to_owned(),
        data: json!({
            "version": definition.version, "resource": definition.resource, "checksum": definition.checksum,
        }),
        ..NewEvent::new("definition.deployed", now_ms)
    });
    core.store.commit(Commit { events: events.collect(), ..Commit::default() }).await?;
    Ok(())
}

/// Camunda reads only files whose names end so.
fn resource_name(name: &str) -> String {
    if name.ends_with(".bpmn") || name.ends_with(".bpmn20.xml") {
        name.to_owned()
    } else {
        format!("{name}.bpmn")
    }
}

fn prepare(file: &DeployFile) -> Result<String, Vec<String>> {
    let line = |code: &str, error: &dyn std::fmt::Display, hint: &str| {
        format!("{}: {code} {error}; {hint}", file.name)
    };
    let definitions =
        bpmn::xml::read(&file.content).map_err(|error| vec![line(error.code(), &error, error.hint())])?;
    let programs = bpmn::compile::compile(&definitions, None).map_err(|problems| {
        problems.0.iter().map(|error| line(error.code(), error, error.hint())).collect::<Vec<_>>()
    })?;
    let rewritten = rewrite::rewrite(&file.name, &definitions, &programs)?;
    Ok(bpmn::xml::write(&rewritten))
}

/// All definitions, the newest version of each process first.
pub(crate) async fn definitions(core: &Arc<Core>) -> Result<Vec<Definition>, EngineError> {
    let path = format!("/process-definition?sortBy=version&sortOrder=desc&maxResults={DEFINITION_LIMIT}");
    let mut found = Vec::new();
    for one in core.rest.list(&path).await? {
        found.push(deployed(core, text(&one, "id")).await?.definition.clone());
    }
    Ok(found)
}

/// The definition with this Camunda id.
pub(crate) async fn deployed(core: &Arc<Core>, id: &str) -> Result<Arc<Deployed>, EngineError> {
    if let Some(known) = core.deployed.lock().get(id) {
        return Ok(Arc::clone(known));
    }
    let described = core.rest.get(&format!("/process-definition/{}", encode(id))).await?;
    let deployment = encode(text(&described, "deploymentId"));
    let deployed_at = core.rest.get(&format!("/deployment/{deployment}")).await?;
    let (content, resource) =
        (original(core, &deployment, text(&described, "resource")).await?, text(&described, "resource"));
    let content = match content {
        Some(content) => content,
        None => {
            let answer = core.rest.get(&format!("/process-definition/{}/xml", encode(id))).await?;
            text(&answer, "bpmn20Xml").as_bytes().to_vec()
        }
    };
    let process_id = text(&described, "key").to_owned();
    let program = compile(&content, &process_id);
    let definition = Definition {
        key: core.keys.see(id),
        name: optional(&described, "name").unwrap_or_else(|| process_id.clone()),
        process_id,
        version: described
            .get("version")
            .and_then(Value::as_i64)
            .and_then(|v| i32::try_from(v).ok())
            .unwrap_or(1),
        resource: resource.to_owned(),
        checksum: hex::encode(Sha256::digest(&content)),
        deployed_ms: time_ms(&deployed_at, "deploymentTime").unwrap_or_default(),
    };
    let xml = String::from_utf8(content)
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

async fn original(core: &Core, deployment: &str, resource: &str) -> Result<Option<Vec<u8>>, EngineError> {
    let wanted = format!("{resource}{ORIGINAL}");
    let resources = core.rest.list(&format!("/deployment/{deployment}/resources")).await?;
    let Some(found) = resources.iter().find(|one| text(one, "name") == wanted) else { return Ok(None) };
    let path = format!("/deployment/{deployment}/resources/{}/data", encode(text(found, "id")));
    Ok(Some(core.rest.bytes(&path).await?))
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
    if let Some(id) = core.keys.id(key) {
        return Ok(id);
    }
    let path = format!("/process-definition?maxResults={DEFINITION_LIMIT}");
    let all = core.rest.list(&path).await?;
    let id = all.iter().map(|one| text(one, "id")).find(|id| key_of(id) == key);
    match id {
        Some(id) => {
            core.keys.see(id);
            Ok(id.to_owned())
        }
        None => Err(EngineError::NotFound { what: "definition", id: key.to_string() }),
    }
}
