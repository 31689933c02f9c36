//! Fitness and precision of a generated process against a log, activities matched by the words of their labels.

use std::collections::BTreeMap;

use bpmn::model::Definitions;
use bpmn::program::Program;
use serde::Serialize;

use super::match_labels;
use crate::experience::{EventLog, conformance_as, play_out};

/// Walks through a reference that has no log.
pub const MAX_WALKS: usize = 200;
/// Seed of these walks, the same for every evaluation.
const SEED: u64 = 1;

/// Where the log came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    /// A file beside the text.
    File,
    /// Walks through the reference.
    PlayedOut,
}

/// Fitness and precision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Token-replay fitness, in 0..=1.
    pub fitness: f64,
    /// Escaping-edges precision, in 0..=1.
    pub precision: f64,
    /// Their harmonic mean.
    pub f1: f64,
    /// Cases that the generated process accepts.
    pub fitting: usize,
    /// Cases of the log.
    pub cases: usize,
    /// Where the log came from.
    pub log: LogSource,
}

/// Replays a log on a generated process.
pub(super) fn against(generated: &Definitions, log: &EventLog, source: LogSource) -> Option<Quality> {
    let program = largest(generated)?;
    let names: Vec<String> =
        program.nodes.iter().map(|node| node.name.clone().unwrap_or_else(|| node.id.clone())).collect();
    let matched: BTreeMap<&str, &str> = match_labels(&names, log.activities())
        .into_iter()
        .filter_map(|(one, other, _)| Some((names.get(one)?.as_str(), log.activities().get(other)?.as_str())))
        .collect();
    let rename = |node: &bpmn::program::Node| {
        let name = node.name.as_deref().unwrap_or(&node.id);
        matched.get(name).map(|name| (*name).to_owned())
    };
    let result = conformance_as(log, &program, &rename);
    Some(Quality {
        fitness: result.fitness,
        precision: result.precision,
        f1: result.f1,
        fitting: result.fitting,
        cases: result.cases,
        log: source,
    })
}

/// Walks through a reference; nothing where it cannot be walked through.
pub(super) fn walks(reference: &Definitions) -> Option<EventLog> {
    play_out(&largest(reference)?, MAX_WALKS, SEED).ok().filter(|log| log.events() > 0)
}

/// The process with the most nodes, whether it is marked executable or not: many reference drawings are not.
fn largest(definitions: &Definitions) -> Option<Program> {
    let process = definitions.processes.iter().max_by_key(|process| process.nodes.len())?;
    bpmn::compile::compile(definitions, Some(&process.element.id)).ok()?.into_iter().next()
}
