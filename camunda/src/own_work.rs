//! What the embedded engine does inside a step and Camunda cannot: FEEL mappings, FEEL scripts, messages between
//! processes.

use std::sync::Arc;

use bpmn::expression::{Expression, Limits};
use bpmn::program::{Mapping, Node, NodeKind, Throw, Variables};
use engine::Error as EngineError;
use engine::limits::THROWN_MESSAGE_TTL_MS;
use engine::port::{Message, Record};
use serde_json::{Map, Value};

use crate::answer::{self, Answer};
use crate::core::Core;
use crate::job::Held;
use crate::{catalogue, fetch, messages};

/// Evaluates mappings one after the other; later ones see what earlier ones set.
pub(crate) fn map(mappings: &[Mapping], seen: &Variables, now_ms: i64) -> Result<Variables, EngineError> {
    let mut view = seen.clone();
    let mut mapped = Variables::new();
    for mapping in mappings {
        let value = evaluate(&mapping.source, &view, now_ms)?;
        let (name, value) = match mapping.target.split_once('.') {
            None => (mapping.target.as_str(), value),
            Some((name, path)) => {
                let known = mapped.get(name).or_else(|| seen.get(name)).cloned();
                (name, with_member(known, path, value))
            }
        };
        view.insert(name.to_owned(), value.clone());
        mapped.insert(name.to_owned(), value);
    }
    Ok(mapped)
}

/// `context` with the member at the dotted `path` set.
fn with_member(context: Option<Value>, path: &str, value: Value) -> Value {
    let mut root = context.filter(Value::is_object).unwrap_or_else(|| Value::Object(Map::new()));
    let mut at = &mut root;
    for name in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[name];
    }
    *at = value;
    root
}

/// Of what a job sees, what its input mappings declare.
pub(crate) fn declared(node: &Node, seen: &Variables) -> Variables {
    let own = |name: &String| {
        node.inputs.iter().any(|mapping| mapping.target.split('.').next() == Some(name.as_str()))
    };
    seen.iter().filter(|(name, _)| own(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

pub(crate) fn evaluate(expression: &Expression, seen: &Variables, now_ms: i64) -> Result<Value, EngineError> {
    expression
        .evaluate(seen, Limits::at(now_ms))
        .map_err(|error| EngineError::Invalid(format!("`{}`: {error}", expression.source())))
}

/// What a task's result is for the process: through its output mappings, or without what its input mappings keep to
/// the task.
pub(crate) fn results(
    node: &Node,
    seen: &Variables,
    results: Variables,
    now_ms: i64,
) -> Result<Variables, EngineError> {
    let own = |mapping: &Mapping| mapping.target.split('.').next().unwrap_or("").to_owned();
    if node.outputs.is_empty() {
        let mut results = results;
        for mapping in &node.inputs {
            results.remove(&own(mapping));
        }
        return Ok(results);
    }
    let mut view = seen.clone();
    if !node.inputs.is_empty() {
        view.extend(map(&node.inputs, seen, now_ms)?);
    }
    view.extend(results);
    map(&node.outputs, &view, now_ms)
}

/// Does a script or message job itself.
pub(crate) async fn work(core: &Arc<Core>, key: i64) {
    let until_ms = core.clock.now_ms() + core.settings.lock_ms;
    let Some(held) = core.jobs.lock().lease_one(key, "engine", until_ms) else { return };
    let given = match perform(core, &held).await {
        Ok(variables) => {
            answer::give(core, key, held.attempt, Answer::Complete { variables }, Record::default()).await
        }
        Err(error @ (EngineError::Remote { .. } | EngineError::Store(_) | EngineError::Full)) => Err(error),
        Err(error) => {
            refuse(core, key, held.attempt, &error).await;
            Ok(())
        }
    };
    if let Err(error) = given {
        tracing::debug!(task = held.id, %error, "it is done again when its lease is over");
    }
}

async fn perform(core: &Arc<Core>, held: &Held) -> Result<Variables, EngineError> {
    let deployed = catalogue::deployed(core, &held.definition_id).await?;
    let node = deployed.program.as_ref().and_then(|program| fetch::node_of(program, &held.element));
    let Some(node) = node else {
        return Err(EngineError::Invalid(format!("element {} is not in the model any more", held.element)));
    };
    let now_ms = core.clock.now_ms();
    let mut seen = held.variables.clone();
    let inputs = match core.remote.evaluates() {
        // They stand among what the job sees.
        true => declared(node, &held.variables),
        false => map(&node.inputs, &seen, now_ms)?,
    };
    seen.extend(inputs.clone());
    match &node.kind {
        NodeKind::Script { expression, result } => {
            let value = evaluate(expression, &seen, now_ms)?;
            let found = result.iter().map(|name| (name.clone(), value.clone())).collect();
            results(node, &held.variables, found, now_ms)
        }
        NodeKind::End(Throw::Message { name, correlation_key })
        | NodeKind::Throw(Throw::Message { name, correlation_key }) => {
            let correlation_key = match correlation_key {
                Some(key) => Some(as_text(&evaluate(key, &seen, now_ms)?)),
                None => None,
            };
            let message = Message {
                name: as_text(&evaluate(name, &seen, now_ms)?),
                correlation_key,
                variables: if node.inputs.is_empty() { seen } else { inputs },
                time_to_live_ms: THROWN_MESSAGE_TTL_MS,
                // The same throw twice, after a crash, is one message.
                message_id: Some(format!("{}/{}", core.name(), held.id)),
            };
            messages::publish(core, message).await?;
            Ok(Variables::new())
        }
        _ => {
            Err(EngineError::Invalid(format!("element {} is no script and throws no message", held.element)))
        }
    }
}

pub(crate) fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Gives a job back with an incident.
pub(crate) async fn refuse(core: &Arc<Core>, key: i64, attempt: u32, error: &EngineError) {
    let code = if matches!(error, EngineError::Invalid(_)) { "EXEC-0101" } else { error.code() };
    let message = format!("{error}; set the variables it reads, then resolve the incident");
    let answer = answer::failure(code, &message, 0, 0);
    if let Err(error) = answer::give(core, key, attempt, answer, Record::default()).await {
        tracing::debug!(job = key, %error, "a refused job could not be reported");
    }
}
