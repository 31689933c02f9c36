//! Deploying BPMN files, after the DMN files among them: all or nothing, the same bytes once, start events registered for the newest version only.

use std::collections::HashMap;
use std::sync::Arc;

use bpmn::check::{Target, portability};
use bpmn::exec::SubscriptionKind;
use bpmn::exec::schedule::first_due;
use bpmn::expression::{Expression, Limits};
use bpmn::program::{Node, NodeKind, Program, Trigger};
use sha2::{Digest, Sha256};
use trail::NewEvent;

use super::decisions::DeployedModel;
use super::deploy_decisions::{self, Decided, is_decision};
use super::deployed::Deployed;
use super::index::Changes;
use super::{Core, command, timers};
use crate::Error;
use crate::limits;
use crate::port::{Definition, DeployFile, Deployment, Notice};
use crate::store::{Commit, StoredSubscription};

/// Files in one deployment.
const FILE_LIMIT: usize = 1_000;

/// What a deployment adds.
#[derive(Default)]
struct Addition {
    answer: Vec<Definition>,
    decided: Decided,
    added: Vec<Arc<Deployed>>,
    changes: Changes,
    problems: Vec<String>,
}

/// Deploys files.
pub(crate) async fn deploy(core: &Arc<Core>, files: Vec<DeployFile>) -> Result<Deployment, Error> {
    core.check_running()?;
    if files.len() > FILE_LIMIT {
        let detail = format!("{} files in one deployment, {FILE_LIMIT} are allowed", files.len());
        return Err(Error::Limit { limit: "FILE_LIMIT", detail });
    }
    for file in &files {
        limits::check_text("the file name", &file.name)?;
    }
    let core = Arc::clone(core);
    let task = tokio::spawn(async move { deploy_here(&core, files).await });
    task.await.map_err(|error| Error::Store(format!("a deployment was lost: {error}")))?
}

async fn deploy_here(core: &Arc<Core>, files: Vec<DeployFile>) -> Result<Deployment, Error> {
    let _turn = core.deploying.lock().await;
    let now_ms = core.now_ms();
    let decided = deploy_decisions::decide(core, &files, now_ms).await?;
    let mut addition = Addition { decided, ..Addition::default() };
    addition.problems.append(&mut addition.decided.problems);
    let mut versions: HashMap<String, i32> = HashMap::new();
    let mut written = Vec::new();
    for file in files.iter().filter(|file| !is_decision(file)) {
        match compile(file) {
            Ok((programs, xml)) => {
                if let Some(inspector) = core.inspector.get()
                    && let Err(problem) = inspector.inspect(&xml)
                {
                    addition.problems.push(format!("{}: {problem}", file.name));
                }
                written.push(Arc::clone(&xml));
                let checksum = hex::encode(Sha256::digest(&file.content));
                for program in programs {
                    let Addition { decided, problems, .. } = &mut addition;
                    deploy_decisions::missing(&program, &decided.catalogue, &file.name, problems);
                    let is_bound = deploy_decisions::is_bound_to(&program, &decided.added);
                    if let Some(same) = unchanged(core, &program, &checksum).filter(|_| !is_bound) {
                        addition.answer.push(same);
                        continue;
                    }
                    let version = next_version(core, &mut versions, &program.process_id);
                    let key = core.keys(1).await?.first().copied().unwrap_or_default();
                    let definition = Definition {
                        key,
                        process_id: program.process_id.clone(),
                        name: program.name.clone().unwrap_or_else(|| program.process_id.clone()),
                        version,
                        resource: file.name.clone(),
                        checksum: checksum.clone(),
                        deployed_ms: now_ms,
                    };
                    add(
                        core,
                        &mut addition,
                        Arc::new(Deployed::new(definition, program, Arc::clone(&xml))),
                        now_ms,
                    );
                }
            }
            Err(problems) => addition.problems.extend(problems),
        }
    }
    if !addition.problems.is_empty() {
        return Err(Error::Refused { problems: addition.problems });
    }
    let Addition { answer, decided, added, changes, .. } = addition;
    let decisions = decided.answer;
    if !added.is_empty() || !decided.added.is_empty() {
        publish(core, added, decided.added, changes, now_ms).await?;
    }
    if let Some(inspector) = core.inspector.get() {
        written.iter().for_each(|xml| inspector.deployed(xml));
    }
    Ok(Deployment { definitions: answer, decisions })
}

fn unchanged(core: &Core, program: &Program, checksum: &str) -> Option<Definition> {
    let newest = core.catalogue.read().newest(&program.process_id)?;
    let same = newest.definition.checksum == checksum && newest.check().is_ok();
    same.then(|| newest.definition.clone())
}

fn next_version(core: &Core, versions: &mut HashMap<String, i32>, process_id: &str) -> i32 {
    let deployed = core.catalogue.read().newest(process_id).map_or(0, |newest| newest.definition.version);
    let version = versions.entry(process_id.to_owned()).or_insert(deployed);
    *version += 1;
    *version
}

/// Reads and compiles a file; the problems name it.
fn compile(file: &DeployFile) -> Result<(Vec<Program>, Arc<str>), Vec<String>> {
    let definitions = bpmn::xml::read(&file.content)
        .map_err(|error| vec![problem(&file.name, error.code(), &error, error.hint())])?;
    let programs = bpmn::compile::compile(&definitions, None).map_err(|problems| {
        let all = problems.0.iter();
        all.map(|error| problem(&file.name, error.code(), error, error.hint())).collect::<Vec<_>>()
    })?;
    if programs.is_empty() {
        return Err(vec![format!("{}: there is no process in it", file.name)]);
    }
    let inert = portability(&definitions, Target::Embedded);
    let here = |id: &String| programs.iter().any(|program| program.find(id).is_some());
    let inert: Vec<String> = inert
        .into_iter()
        .filter(|finding| finding.element.as_ref().is_some_and(here))
        .map(|finding| {
            let element = finding.element.unwrap_or_default();
            let said = format!("{} (element {element}, line {})", finding.message, finding.line);
            problem(&file.name, finding.code, &said, finding.hint)
        })
        .collect();
    if !inert.is_empty() {
        return Err(inert);
    }
    // Kept as written where it is UTF-8, which it nearly always is.
    let xml = match std::str::from_utf8(&file.content) {
        Ok(text) if !text.contains('\0') => Arc::from(text),
        _ => Arc::from(bpmn::xml::write(&definitions)),
    };
    Ok((programs, xml))
}

pub(super) fn problem(file: &str, code: &str, error: &dyn std::fmt::Display, hint: &str) -> String {
    format!("{file}: {code} {error}; {hint}")
}

/// Compiles one process of a stored definition again, at start-up.
pub(crate) fn recompile(definition: &Definition, xml: &str) -> Result<Program, String> {
    let definitions = bpmn::xml::read(xml.as_bytes()).map_err(|error| error.to_string())?;
    let programs = bpmn::compile::compile(&definitions, Some(&definition.process_id))
        .map_err(|problems| problems.to_string())?;
    let found = programs.into_iter().find(|program| program.process_id == definition.process_id);
    found.ok_or_else(|| format!("its file holds no process {}", definition.process_id))
}

/// Adds a definition and replaces the start events of the version before.
fn add(core: &Core, addition: &mut Addition, deployed: Arc<Deployed>, now_ms: i64) {
    let process_id = &deployed.definition.process_id;
    if let Some(before) = core.catalogue.read().newest(process_id) {
        let key = before.definition.key;
        let index = core.index.lock();
        addition.changes.ended_timers.extend(index.timers.of(key));
        addition.changes.ended_subscriptions.extend(index.messages.starts_of(key));
    }
    for (place, node) in deployed.program.children(None) {
        // A program has far fewer nodes than 2^32.
        let number = u32::try_from(place).unwrap_or(u32::MAX);
        if let Err(reason) = register_start(&mut addition.changes, &deployed, number, node, now_ms) {
            addition.problems.push(format!(
                "{}: start event {} (line {}): {reason}",
                deployed.definition.resource, node.id, node.line
            ));
        }
    }
    addition.answer.push(deployed.definition.clone());
    addition.added.push(deployed);
}

fn register_start(
    changes: &mut Changes,
    deployed: &Deployed,
    number: u32,
    node: &Node,
    now_ms: i64,
) -> Result<(), String> {
    let NodeKind::Start { trigger: Some(trigger), .. } = &node.kind else { return Ok(()) };
    let (kind, name) = match trigger {
        Trigger::Timer(timer) => {
            let due = first_due(timer, &(), Limits::at(now_ms))?;
            let key = deployed.definition.key;
            changes.timers.push(timers::start_timer(key, number, due.due_ms, due.repetition.as_ref()));
            return Ok(());
        }
        Trigger::Message { name, .. } => (SubscriptionKind::Message, name),
        Trigger::Signal { name } => (SubscriptionKind::Signal, name),
        _ => return Ok(()),
    };
    changes.subscriptions.push(StoredSubscription {
        instance: deployed.definition.key,
        number,
        kind,
        name: fixed_name(name, now_ms)?,
        correlation_key: None,
        start: Some(node.id.clone()),
    });
    Ok(())
}

/// A name that must not depend on variables, because there is no instance yet.
fn fixed_name(name: &Expression, now_ms: i64) -> Result<String, String> {
    match name.evaluate(&(), Limits::at(now_ms)) {
        Ok(serde_json::Value::String(name)) if !name.is_empty() => Ok(name),
        Ok(other) => Err(format!("the name {} gives {other} where a text is needed", name.source())),
        Err(error) => Err(error.to_string()),
    }
}

async fn publish(
    core: &Arc<Core>,
    added: Vec<Arc<Deployed>>,
    decided: Vec<Arc<DeployedModel>>,
    changes: Changes,
    now_ms: i64,
) -> Result<(), Error> {
    let event = |deployed: &Arc<Deployed>| {
        let definition = &deployed.definition;
        NewEvent {
            definition: Some(definition.key),
            subject: Some(definition.process_id.clone()),
            actor: "engine".to_owned(),
            data: serde_json::json!({
                "version": definition.version,
                "resource": definition.resource,
                "checksum": definition.checksum,
            }),
            ..NewEvent::new("definition.deployed", now_ms)
        }
    };
    let commit = Commit {
        decisions: decided.iter().map(|one| (one.requirements.clone(), one.xml.to_string())).collect(),
        definitions: added.iter().map(|one| (one.definition.clone(), one.xml.to_string())).collect(),
        timers: changes.timers.clone(),
        ended_timers: changes.ended_timers.clone(),
        subscriptions: changes.subscriptions.clone(),
        ended_subscriptions: changes.ended_subscriptions.clone(),
        events: decided
            .iter()
            .map(|one| deploy_decisions::event(one, now_ms))
            .chain(added.iter().map(event))
            .collect(),
        ..Commit::default()
    };
    core.commit(commit).await?;
    let definitions: Vec<i64> = added.iter().map(|one| one.definition.key).collect();
    {
        let mut decisions = core.decisions.write();
        decided.into_iter().for_each(|model| decisions.insert(model));
    }
    {
        let mut catalogue = core.catalogue.write();
        for deployed in added {
            catalogue.insert(deployed);
        }
    }
    let notices = if definitions.is_empty() { Vec::new() } else { vec![Notice::Deployed { definitions }] };
    command::publish(core, changes, Vec::new(), notices, now_ms);
    Ok(())
}
