//! From text to an executable, sound process with a diagram: by rules, or by a language model that the rules check.
//!
//! A model only ever writes the flat table of a tree; what it writes is checked, and told back what is wrong, at most
//! [`MAX_ROUNDS`] times. If nothing sound comes of it the offline reader does the work, and says so.

mod corrections;
mod drawing;
mod evaluate;
mod labels;
mod refine;
mod refine_with_model;
#[cfg(test)]
mod tests;
mod with_model;

use std::sync::Arc;

use bpmn::model::Definitions;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::Error;
use crate::text;
use crate::tree::{Node, Span, Tree, compile, identifier, table::Table};

pub(crate) use evaluate::student_975;
pub use evaluate::{
    Agreement, Evaluation, LogSource, MAX_PAIRS, MAX_WALKS, Mean, PairScore, Quality, evaluate_directory,
    score_pair,
};
pub use refine::{Refinement, refine, refine_selected};
pub use refine_with_model::{MAX_EDITS, refine_with_model};
pub use with_model::{MAX_CANDIDATES, MAX_ROUNDS};

/// Most examples recalled from memory for a model.
const MAX_EXAMPLES: usize = 3;
/// So many times more are recalled, to choose from.
const RECALLED: usize = 4;

/// What a process is generated from besides the text.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Name of the process; made from the text where not given.
    pub name: Option<String>,
    /// Id of the process; made from the name where not given.
    pub process_id: Option<String>,
    /// What else a model should know, e.g. what the user is looking at; always data, never instruction.
    pub notes: Vec<String>,
    /// Ids of the elements that the person has selected: what "this step" means.
    pub selected: Vec<String>,
    /// System it belongs to, for recall.
    pub system: Option<String>,
    /// Organisation, for recall.
    pub organisation: Option<String>,
    /// Labels for activities, where they are given: a model must use them, the reader takes them where it found a step
    /// that means the same.
    pub labels: Vec<String>,
    /// Candidates that a model writes, of which one is chosen by agreement, at most [`MAX_CANDIDATES`]; 0 means 1.
    pub candidates: u32,
    /// Now, milliseconds since the Unix epoch; what is generated is remembered under it.
    pub now_ms: i64,
    /// Archetypes and words of packs, for the reader.
    pub trade: Option<Arc<text::Trade>>,
    /// Seed for the model's sampling.
    pub seed: Option<u64>,
}

/// Who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Rules and archetypes.
    Deterministic,
    /// A language model, checked by rules.
    Model,
}

/// Where an element came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElementOrigin {
    /// Id in the process.
    pub element: String,
    /// Its label.
    pub label: String,
    /// Place in the text, if it was said there.
    pub span: Option<Span>,
    /// How sure its author is, in 0..=1.
    pub confidence: f64,
    /// True where nobody said it.
    pub assumed: bool,
}

/// A generated process.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Its tree.
    pub tree: Tree,
    /// Its model with diagram.
    pub definitions: Definitions,
    /// The same as a file.
    pub xml: String,
    /// Id of the process.
    pub process_id: String,
    /// Name of the process.
    pub name: String,
    /// Who wrote it.
    pub source: Source,
    /// Labels of the steps that nobody said.
    pub assumptions: Vec<String>,
    /// Where each step came from.
    pub origins: Vec<ElementOrigin>,
    /// Deadlines at its steps, which the tree does not know.
    pub overruns: Vec<text::Overrun>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Rounds that the model took; 0 without one.
    pub rounds: u32,
    /// Tokens sent and received, where a model was asked; of all candidates together.
    pub usage: llm::Usage,
    /// Time that the model took, milliseconds.
    pub elapsed_ms: u64,
    /// Sound candidates of which this one was chosen; 0 without a model.
    pub candidates: u32,
    /// How much the chosen candidate behaves like the others, in 0..=1; `None` with fewer than two.
    pub agreement: Option<f64>,
}

/// Generates a process; with a model where there is one, by rules otherwise or where the model fails.
///
/// # Errors
/// `DAS-0003` where the text names no step, `DAS-0004` where it is too long.
pub async fn generate(
    description: &str,
    context: &Context,
    model: Option<&dyn llm::Model>,
    memory: Option<&dyn memory::Memory>,
) -> Result<Generated, Error> {
    if description.len() > text::MAX_TEXT_BYTES {
        return Err(Error::TooLong { bytes: description.len(), limit: text::MAX_TEXT_BYTES });
    }
    let mut notes = Vec::new();
    let examples = recall(description, context, memory, &mut notes).await;
    let mut generated = match model {
        None => corrections::apply(generate_offline(description, context)?, description, context, &examples)?,
        Some(model) => match with_model::generate(description, context, &examples, model).await {
            Ok(generated) => generated,
            Err(failure) => {
                notes.push(format!("the model '{}' gave no sound process: {}", model.name(), failure.why));
                notes.push("written by rules instead".to_owned());
                let written = generate_offline(description, context)?;
                let mut generated = corrections::apply(written, description, context, &examples)?;
                generated.rounds = failure.rounds;
                generated.usage = failure.effort.usage;
                generated.elapsed_ms = failure.effort.elapsed_ms;
                generated
            }
        },
    };
    let known: Vec<&str> = examples.iter().map(|entry| entry.title.as_str()).collect();
    if !known.is_empty() {
        notes.push(format!("similar processes in memory: {}", known.join(", ")));
    }
    generated.notes.extend(notes);
    remember(description, context, memory, &mut generated).await;
    Ok(generated)
}

/// Generates a process by rules alone.
///
/// # Errors
/// `DAS-0003` where the text names no step, `DAS-0004` where it is too long.
pub fn generate_offline(description: &str, context: &Context) -> Result<Generated, Error> {
    let mut reading = text::read_with(description, context.trade.as_ref())?;
    reading.notes.extend(labels::adopt(&mut reading.tree, &context.labels));
    let name = context.name.clone().unwrap_or(reading.title);
    let overruns = reading.overruns;
    let mut generated = finish(reading.tree, name, context, Source::Deterministic, reading.notes)?;
    attach(&mut generated, overruns);
    Ok(generated)
}

/// Puts deadlines at steps; the tree knows none, so they are put at the elements. One that finds no place is told.
fn attach(generated: &mut Generated, overruns: Vec<text::Overrun>) {
    for overrun in &overruns {
        match refine::attach_deadline(&generated.definitions, overrun) {
            Ok(refined) => {
                generated.definitions = refined.definitions;
                generated.xml = refined.xml;
                generated.notes.extend(refined.changes);
            }
            Err(error) => generated.notes.push(format!("a deadline was left out: {error}")),
        }
    }
    generated.overruns = overruns;
}

/// Compiles a tree and puts together what is said about it.
fn finish(
    mut tree: Tree,
    name: String,
    context: &Context,
    source: Source,
    notes: Vec<String>,
) -> Result<Generated, Error> {
    let process_id = context.process_id.clone().unwrap_or_else(|| free_id(&tree, &name));
    tree.properties.insert(
        "source".to_owned(),
        if source == Source::Model { "model" } else { "deterministic" }.to_owned(),
    );
    let definitions = compile(&tree, &process_id, &name)?;
    bpmn::compile::compile(&definitions, None).map_err(|problems| Error::Model(problems.to_string()))?;
    let xml = bpmn::xml::write(&definitions);
    let origins = origins(&tree);
    let assumptions =
        origins.iter().filter(|origin| origin.assumed).map(|origin| origin.label.clone()).collect();
    Ok(Generated {
        tree,
        definitions,
        xml,
        process_id,
        name,
        source,
        assumptions,
        origins,
        overruns: Vec::new(),
        notes,
        rounds: 0,
        usage: llm::Usage::default(),
        elapsed_ms: 0,
        candidates: 0,
        agreement: None,
    })
}

/// An id for the process that no node has.
fn free_id(tree: &Tree, name: &str) -> String {
    let base = identifier(name);
    if tree.nodes().iter().any(|node| node.id() == base) { format!("process_{base}") } else { base }
}

fn origins(tree: &Tree) -> Vec<ElementOrigin> {
    tree.nodes()
        .into_iter()
        .filter_map(|node| match node {
            Node::Activity(step) => Some(ElementOrigin {
                element: step.id.clone(),
                label: step.label.clone(),
                span: step.span,
                confidence: step.confidence,
                assumed: step.assumed,
            }),
            Node::Event(event) => Some(ElementOrigin {
                element: event.id.clone(),
                label: event.label.clone(),
                span: event.span,
                confidence: event.confidence,
                assumed: event.assumed,
            }),
            _ => None,
        })
        .collect()
}

async fn recall(
    description: &str,
    context: &Context,
    memory: Option<&dyn memory::Memory>,
    notes: &mut Vec<String>,
) -> Vec<memory::Entry> {
    let Some(memory) = memory else { return Vec::new() };
    let query = memory::Query {
        text: description.to_owned(),
        kinds: vec![memory::Kind::Bpmn, memory::Kind::Build],
        system: context.system.clone(),
        organisation: context.organisation.clone(),
        limit: RECALLED * MAX_EXAMPLES,
        ..memory::Query::default()
    };
    match memory.recall(query).await {
        Ok(recalled) => {
            notes.extend(recalled.degraded.map(|why| format!("memory is degraded: {why}")));
            let mut entries: Vec<memory::Entry> = recalled.hits.into_iter().map(|hit| hit.entry).collect();
            // What shows how it is done comes before what only says that something like it exists.
            entries.sort_by_key(|entry| {
                !["table", "correction"].iter().any(|name| entry.payload.get(name).is_some())
            });
            entries.truncate(MAX_EXAMPLES);
            entries
        }
        Err(error) => {
            notes.push(format!("memory could not be asked: {error}"));
            Vec::new()
        }
    }
}

/// What was asked and made becomes an example for the next time.
async fn remember(
    description: &str,
    context: &Context,
    memory: Option<&dyn memory::Memory>,
    generated: &mut Generated,
) {
    let Some(memory) = memory else { return };
    let id = format!("generated:{}:{}", generated.process_id, context.now_ms);
    let limit = memory::TEXT_LIMIT_BYTES.min(description.len());
    let searched = description.get(..limit).unwrap_or_default();
    let mut entry = memory::Entry::new(&id, memory::Kind::Build, &generated.name, searched, context.now_ms);
    entry.payload = json!({
        "table": Table::from(&generated.tree), "source": generated.source, "rounds": generated.rounds,
        "assumptions": generated.assumptions,
    });
    entry.system.clone_from(&context.system);
    entry.source = "das".to_owned();
    if let Some(organisation) = &context.organisation {
        entry.organisation.clone_from(organisation);
    }
    if let Err(error) = memory.store(vec![entry]).await {
        generated.notes.push(format!("memory could not take it in: {error}"));
    }
}
