//! Asks a language model for what the rules left open, and takes what passes the checks.
//!
//! Requirements go to it in chunks that fit a token budget. Each answer is held against the checks of the rules; what
//! they refuse is told back, at most [`MAX_ROUNDS`] times, and left out at last. Every requirement is asked about once
//! for each model and version of the prompt: the answers are remembered ([`answers`]), so that the same text gives the
//! same system without another call. A model that fails, or is not there, leaves the system that the rules made.

mod answers;
mod prompt;
mod round;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use context::{ContextManager, PromptVersion};
use ontology::SystemIndex;
use ontology::model::{ChangeSet, Node};
use serde::{Deserialize, Serialize};

use super::suggestion::{BY_MODEL, Refusal, Suggestion};
use super::{Deps, Draft, Prepared, Progress};
use crate::Error;
use crate::records::Records;
use answers::Answers;

pub use prompt::{PROMPT, shipped};
pub use round::{MAX_CANDIDATES, MAX_ROUNDS};

/// Most chunks that one bootstrap asks about; the rest is left to the next one.
pub const MAX_CHUNKS: usize = 200;
/// Most lines that a report lists of what was left out.
const MAX_LEFT_OUT: usize = 200;

/// Whether a model has a say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelUse {
    /// What it said of this system before counts where it is part of it; nobody is asked.
    #[default]
    Remembered,
    /// What it said of this source before counts; nobody is asked.
    Kept,
    /// It is asked about every requirement that it was not asked about before.
    Ask {
        /// Answers to each question, of which one is taken: 1 to [`MAX_CANDIDATES`].
        candidates: u32,
    },
    /// Rules alone.
    Never,
}

/// What a model is asked with.
#[derive(Clone)]
pub struct Minds {
    /// The model, where one is configured.
    pub model: Option<Arc<dyn llm::Model>>,
    /// Where its prompt is kept.
    pub contexts: ContextManager,
    /// Where its answers are kept.
    pub records: Arc<dyn Records>,
}

/// What a model had to do with a system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// Its name; none where none is configured.
    pub name: Option<String>,
    /// Version of the prompt.
    pub prompt: Option<String>,
    /// Requirements that it was asked about now.
    pub asked: usize,
    /// Requirements whose answers were remembered.
    pub remembered: usize,
    /// Rounds of asking and correcting, of all chunks and candidates.
    pub rounds: u32,
    /// Tokens sent and received.
    pub tokens: u64,
    /// What it cost, by the prices of its endpoint.
    pub cost: f64,
    /// Suggestions that passed the checks and are part of the system.
    pub accepted: usize,
    /// The same by sort: `parts`, `allocations`, …
    pub sorts: BTreeMap<String, usize>,
    /// What did not pass, and why; also what was said before about requirements that are still as they were.
    #[serde(rename = "leftOut")]
    pub left_out: Vec<LeftOut>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// What a model said and does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// What it said, in a line.
    pub what: String,
    /// Why not.
    pub why: String,
    /// Ids of the requirements that it is about; empty where it is about the whole answer.
    #[serde(skip)]
    about: Vec<String>,
}

impl LeftOut {
    fn new(what: impl Into<String>, why: String) -> Self {
        Self { what: what.into(), why, about: Vec::new() }
    }

    fn of(suggestion: &Suggestion, why: String) -> Self {
        let about = suggestion.item.requirements().iter().map(|id| id.trim().to_owned()).collect();
        Self { what: suggestion.item.claim(), why, about }
    }
}

/// What is asked for, and by whom.
pub(super) struct Wanted<'a> {
    pub(super) using: ModelUse,
    /// Hash of the source.
    pub(super) content: &'a str,
    /// True where the system is built, false where it is only looked at.
    pub(super) builds: bool,
}

/// The suggestions that count for this source, and what is said about them.
pub(super) async fn suggestions(
    prepared: &Arc<Prepared>,
    known: Option<&SystemIndex>,
    wanted: &Wanted<'_>,
    deps: &Deps,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<(Vec<Suggestion>, Option<ModelReport>), Error> {
    let asks = matches!(wanted.using, ModelUse::Ask { .. });
    let keeps = match wanted.using {
        ModelUse::Remembered => known.is_some_and(has_suggestions),
        ModelUse::Kept => true,
        ModelUse::Ask { .. } | ModelUse::Never => false,
    };
    if !asks && !keeps {
        return Ok((Vec::new(), None));
    }
    let Some(minds) = &deps.minds else {
        return Ok((Vec::new(), asks.then(|| ModelReport::without("no model can be asked here"))));
    };
    let mut answers = Answers::load(minds.records.as_ref(), &prepared.system, wanted.content).await?;
    answers.fit(&prepared.source);
    let mut report = ModelReport::default();
    if let ModelUse::Ask { candidates } = wanted.using {
        let asking = Asking { prepared, minds, deps, wanted, candidates, progress };
        asking.ask(&mut answers, &mut report).await?;
    }
    let mut taken = answers.suggestions();
    let judged = judge(prepared, taken.clone()).await;
    match judged {
        Ok(judged) => {
            let refused = judged
                .refusals
                .iter()
                .filter_map(|refusal| Some(LeftOut::of(taken.get(refusal.at)?, refusal.why.clone())));
            answers.leave_out(refused.collect(), &BTreeSet::new(), &prepared.source);
            let refused: BTreeSet<usize> = judged.refusals.iter().map(|refusal| refusal.at).collect();
            answers.drop(&refused);
            taken = answers.suggestions();
        }
        Err(error) => {
            report
                .note(format!("what the model said would break the system, so rules alone made it: {error}"));
            taken.clear();
        }
    }
    if wanted.builds {
        answers.build(minds.records.as_ref(), &prepared.system, wanted.content, deps.clock.now_ms()).await?;
    }
    report.left_out = answers.left_out();
    report.count(&taken);
    if report.name.is_none() {
        report.name = taken.first().map(|first| first.by.trim_start_matches(BY_MODEL).to_owned());
    }
    Ok((taken, Some(report)))
}

/// Whether a model has a part in a system.
fn has_suggestions(system: &SystemIndex) -> bool {
    system.nodes().any(|node| is_suggested(node))
}

/// Whether a model made a node.
pub(super) fn is_suggested(node: &Node) -> bool {
    let rule = match node {
        Node::Requirement(node) => return node.attributes.values().any(|value| value.starts_with(BY_MODEL)),
        Node::Component(node) => &node.origin.rule,
        Node::Function(node) => &node.origin.rule,
        Node::Process(node) => &node.origin.rule,
        Node::Interface(node) => &node.origin.rule,
        Node::Constraint(node) => &node.origin.rule,
        Node::Link(node) => &node.origin.rule,
    };
    rule.starts_with(BY_MODEL)
}

/// A derived system with what the checks say of it.
struct Judged {
    draft: Draft,
    refusals: Vec<Refusal>,
    /// Requirements that are allocated, by the coverage that every system is measured by.
    allocated: usize,
}

/// Derives a system with these suggestions, off the threads that serve others, and holds it against the checks of the
/// graph.
async fn judge(prepared: &Arc<Prepared>, suggestions: Vec<Suggestion>) -> Result<Judged, Error> {
    let prepared = Arc::clone(prepared);
    let work = move || {
        let (draft, refusals) = prepared.derive(&suggestions)?;
        let mut put = draft.model.nodes();
        put.extend(draft.written.nodes());
        let change = ChangeSet { system: draft.system.clone(), put, ..ChangeSet::default() };
        ontology::validate::check(&change, None)?;
        let mut system = SystemIndex::default();
        system.apply(&change);
        let allocated = ontology::coverage::coverage(&system).allocated;
        Ok(Judged { draft, refusals, allocated })
    };
    super::aside(work).await?
}

/// Asking about one source.
struct Asking<'a> {
    prepared: &'a Arc<Prepared>,
    minds: &'a Minds,
    deps: &'a Deps,
    wanted: &'a Wanted<'a>,
    candidates: u32,
    progress: &'a (dyn Fn(Progress) + Send + Sync),
}

impl Asking<'_> {
    /// Asks about every requirement that was not asked about; what fails is noted, never raised.
    async fn ask(&self, answers: &mut Answers, report: &mut ModelReport) -> Result<(), Error> {
        let Some(model) = &self.minds.model else {
            report.note("no model is configured, so rules alone made it (docs/models.md)");
            return Ok(());
        };
        let version = match prompt::version(&self.minds.contexts, self.deps.clock.now_ms()).await {
            Ok(version) => version,
            Err(error) => {
                report.note(format!("the prompt '{PROMPT}' cannot be used, so rules alone made it: {error}"));
                return Ok(());
            }
        };
        let name = version.whole().parameters.model.clone().unwrap_or_else(|| model.name().to_owned());
        let by = format!("{BY_MODEL}{name}@{}", version.hash.get(..12).unwrap_or(&version.hash));
        (report.name, report.prompt) = (Some(name), Some(version.hash.clone()));
        let mut open = answers.open(&self.prepared.source, &by);
        let total = open.len();
        report.remembered = self.prepared.source.items.len() - total;
        for _ in 0..MAX_CHUNKS {
            if open.is_empty() {
                break;
            }
            (self.progress)(Progress { stage: "model", done: total - open.len(), total });
            let before = open.len();
            if let Err(why) = self.chunk(&mut open, answers, report, (model.as_ref(), &version, &by)).await? {
                let note = format!("the model could not be asked about {before} requirements: {why}");
                report.note(note);
                break;
            }
            let content = self.wanted.content;
            answers
                .save(self.minds.records.as_ref(), &self.prepared.system, content, self.deps.clock.now_ms())
                .await?;
        }
        if report.asked > 0 {
            (self.progress)(Progress { stage: "model", done: total, total });
        }
        Ok(())
    }

    /// Asks about as many requirements as fit, and takes them off `open`.
    async fn chunk(
        &self,
        open: &mut Vec<usize>,
        answers: &mut Answers,
        report: &mut ModelReport,
        (model, version, by): (&dyn llm::Model, &PromptVersion, &str),
    ) -> Result<Result<(), String>, Error> {
        let base = judge(self.prepared, answers.suggestions()).await?;
        let question = match prompt::question(version, &self.prepared.source, &base.draft, open) {
            Ok(question) => question,
            Err(error) => return Ok(Err(error.to_string())),
        };
        open.retain(|place| !question.places.contains(place));
        let mut left_out = Vec::new();
        for id in &question.too_long {
            let why = "it alone is longer than a question may be".to_owned();
            let about = vec![id.clone()];
            left_out.push(LeftOut { what: format!("requirement {id}"), why, about });
        }
        let asked = Answers::asking(&self.prepared.source, &question.places);
        if question.ids.is_empty() {
            answers.asked(&asked, by);
            answers.leave_out(left_out, &asked, &self.prepared.source);
            return Ok(Ok(()));
        }
        let before = answers.clone();
        // What an earlier model said about them makes room for what is said now.
        answers.forget(&asked);
        let base = answers.suggestions();
        let found = round::best(self.prepared, &base, &question, (model, by), self.candidates).await?;
        report.rounds += found.effort.rounds;
        report.tokens += found.effort.usage.input_tokens + found.effort.usage.output_tokens;
        report.cost += found.effort.cost;
        if let Some(why) = found.failed {
            *answers = before;
            return Ok(Err(why));
        }
        report.asked += question.ids.len();
        left_out.extend(found.left_out);
        answers.asked(&asked, by);
        answers.leave_out(left_out, &asked, &self.prepared.source);
        answers.take(found.accepted, &self.prepared.source);
        Ok(Ok(()))
    }
}

impl ModelReport {
    fn without(why: &str) -> Self {
        let mut report = Self::default();
        report.note(why);
        report
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Nothing of it counts, because the graph would not take it.
    pub(super) fn refuse_all(&mut self, why: &Error) {
        self.note(format!(
            "what the model said does not fit what people wrote, so rules alone made it: {why}"
        ));
        self.accepted = 0;
        self.sorts.clear();
    }

    fn count(&mut self, taken: &[Suggestion]) {
        self.accepted = taken.len();
        for suggestion in taken {
            *self.sorts.entry(suggestion.item.sort().to_owned()).or_default() += 1;
        }
        if self.left_out.len() > MAX_LEFT_OUT {
            let more = self.left_out.len() - MAX_LEFT_OUT;
            self.left_out.truncate(MAX_LEFT_OUT);
            self.note(format!("{more} more suggestions were left out"));
        }
    }
}
