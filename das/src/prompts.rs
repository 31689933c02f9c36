//! What the prompts of a process make of its success: each prompt's posterior, carried through to the whole.

use std::collections::BTreeMap;

use bpmn::program::{ExecutedBy, Program};
use context::{ContextManager, PRODUCTION, Posterior, version_subject};
use kernel::{ScoreFilter, Scores};
use scoring::{Arm, PROPAGATION_DRAWS, Part, Propagated, propagate};
use serde::Serialize;

use crate::Error;

/// Seed of the draws: the same evidence gives the same numbers.
const SEED: u64 = 0x70_72_6f_6d_70_74;

/// A process and what its prompts make of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessPrompts {
    /// Process id.
    pub process_id: String,
    /// The tasks that use prompts.
    pub tasks: Vec<PromptTask>,
    /// The share of cases that all of these tasks let through, and which prompt matters most.
    pub success: Propagated,
}

/// A task that uses a prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PromptTask {
    /// Element id.
    pub element: String,
    /// The prompt.
    pub prompt: String,
    /// How often a case comes by, from what was counted; 1 where nothing was.
    pub visits: f64,
    /// What is known about the version in production; none where none is.
    pub posterior: Option<Posterior>,
}

/// What tasks did with a version of a prompt.
///
/// # Errors
/// Where scores cannot be read.
pub async fn used(scores: &dyn Scores, name: &str, hash: &str) -> Result<Arm, Error> {
    let (attempts, successes) = counts(scores, "prompt", &version_subject(name, hash)).await?;
    Ok(Arm { successes, failures: attempts.saturating_sub(successes) })
}

/// What is known about a version: its tests and its use.
///
/// # Errors
/// Where scores or prompts cannot be read.
pub async fn posterior(
    contexts: &ContextManager,
    scores: &dyn Scores,
    organisation: &str,
    name: &str,
    hash: &str,
) -> Result<Posterior, Error> {
    let used = used(scores, name, hash).await?;
    contexts
        .posterior(organisation, name, hash, used)
        .await
        .map_err(|error| Error::Stopped(error.to_string()))
}

/// What the prompts of a process make of its success; none where no task names a prompt. Only these tasks are
/// looked at: what else may fail in the process is not in the number.
///
/// # Errors
/// Where scores or prompts cannot be read.
pub async fn of_process(
    program: &Program,
    contexts: &ContextManager,
    scores: &dyn Scores,
    organisation: &str,
) -> Result<Option<ProcessPrompts>, Error> {
    let stopped = |error: context::Error| Error::Stopped(error.to_string());
    let process_id = program.process_id.clone();
    let (cases, _) = counts(scores, "process", &process_id).await?;
    let mut tasks = Vec::new();
    for (element, prompt) in prompt_tasks(program) {
        let (visits, _) = counts(scores, "task", &format!("{process_id}/{element}")).await?;
        // A task that was never counted is taken to be on the way of every case.
        let visits = if cases == 0 || visits == 0 { 1.0 } else { visits as f64 / cases as f64 };
        let labels = contexts.labels(organisation, &prompt).await.map_err(stopped)?;
        let posterior = match labels.get(PRODUCTION) {
            Some(hash) => Some(posterior(contexts, scores, organisation, &prompt, hash).await?),
            None => None,
        };
        tasks.push(PromptTask { element, prompt, visits, posterior });
    }
    if tasks.is_empty() {
        return Ok(None);
    }
    let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
    for task in &tasks {
        let evidence = task.posterior.as_ref().map_or(Arm::default(), |known| Arm {
            successes: known.successes,
            failures: known.attempts.saturating_sub(known.successes),
        });
        let part = Part { name: task.prompt.clone(), evidence, visits: Vec::new() };
        parts.entry(&task.prompt).or_insert(part).visits.push(task.visits);
    }
    let parts: Vec<Part> = parts.into_values().collect();
    let success = propagate(&parts, PROPAGATION_DRAWS, SEED);
    Ok(Some(ProcessPrompts { process_id, tasks, success }))
}

/// Tasks of a program that are done by a model with a prompt: element and prompt.
#[must_use]
pub fn prompt_tasks(program: &Program) -> Vec<(String, String)> {
    let named = |node: &bpmn::program::Node| {
        let spec = &node.task;
        let prompt = spec.reference.clone().filter(|_| spec.by == ExecutedBy::Model)?;
        Some((node.id.clone(), prompt))
    };
    program.nodes.iter().filter_map(named).collect()
}

async fn counts(scores: &dyn Scores, kind: &str, subject: &str) -> Result<(u64, u64), Error> {
    let filter = ScoreFilter {
        kind: Some(kind.to_owned()),
        subject: Some(subject.to_owned()),
        ..ScoreFilter::default()
    };
    let rows = scores.scores(&filter).await.map_err(|error| Error::Stopped(error.to_string()))?;
    Ok(rows.iter().fold((0, 0), |(a, s), row| (a + row.attempts, s + row.successes)))
}

/// As [`of_process`], of a process in a BPMN file; none where the file cannot be run.
///
/// # Errors
/// As [`of_process`].
pub async fn of_definition(
    xml: &str,
    process_id: &str,
    contexts: &ContextManager,
    scores: &dyn Scores,
    organisation: &str,
) -> Result<Option<ProcessPrompts>, Error> {
    // What has no task of a model is not compiled: most processes have none.
    if !xml.contains("by=\"model\"") {
        return Ok(None);
    }
    let Ok(definitions) = bpmn::xml::read(xml.as_bytes()) else { return Ok(None) };
    let Ok(programs) = bpmn::compile::compile(&definitions, Some(process_id)) else { return Ok(None) };
    match programs.iter().find(|program| program.process_id == process_id) {
        Some(program) => of_process(program, contexts, scores, organisation).await,
        None => Ok(None),
    }
}
