//! From text to a process tree without any model: sentences, clauses, actions, and how they hang together.
//!
//! Every step keeps the place in the text it came from and how sure the reader is; what an archetype adds is marked
//! as assumed. Rules beat a model at nothing but speed, honesty and being there: see `docs/das.md`.

mod action;
mod archetype;
mod choice;
mod clause;
mod condition;
mod discourse;
mod duration;
mod ellipsis;
mod lexicon;
mod overrun;
mod prompt;
mod question;
mod referent;
mod sentence;
mod split;
mod step;
mod tag;
#[cfg(test)]
mod tests;
mod trade;

use std::sync::Arc;

use crate::error::Error;
use crate::tree::{Activity, Node, Tree};

pub(crate) use action::capitalised as sentence_case;
pub use archetype::{Archetype, archetypes};
pub(crate) use lexicon::similarity;
pub use overrun::Overrun;
pub use trade::{ARCHETYPES_LIMIT, KEYWORDS_LIMIT, Mistake, STEPS_LIMIT, Trade, WORDS_LIMIT};

/// Longest text read, in bytes: about a hundred pages.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;
/// Most steps kept of a text that has to be simplified.
const MAX_STEPS: usize = 1_000;
/// A text of at most so many sentences is a prompt, which an archetype may complete.
const PROMPT_SENTENCES: usize = 3;

/// What was read from a text.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The process.
    pub tree: Tree,
    /// A name for it.
    pub title: String,
    /// The archetype that filled in what was not said.
    pub archetype: Option<String>,
    /// Steps that may take too long, and what is done then.
    pub overruns: Vec<Overrun>,
    /// What a person should know about how it was read.
    pub notes: Vec<String>,
}

/// Reads a text with the archetypes and words of a trade beside the shipped ones.
///
/// # Errors
/// As [`read`].
pub fn read_with(text: &str, trade: Option<&Arc<Trade>>) -> Result<Reading, Error> {
    trade::with(trade, || read(text))
}

/// Reads a text.
///
/// # Errors
/// `DAS-0003` where it names no step, `DAS-0004` where it is too long.
pub fn read(text: &str) -> Result<Reading, Error> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Error::TooLong { bytes: text.len(), limit: MAX_TEXT_BYTES });
    }
    let sentences = split::sentences(text);
    let mut story = discourse::Story::default();
    let mut memory = referent::Memory::default();
    let mut frame: Option<String> = None;
    let mut said = 0_usize;
    let mut first = true;
    let mut arrows = 0_usize;
    let mut overruns: Vec<Overrun> = Vec::new();
    for (place, sentence) in sentences.iter().enumerate() {
        let Some(words) = text.get(sentence.span.start..sentence.span.end) else { continue };
        let next = sentences.get(place + 1).and_then(|next| text.get(next.span.start..next.span.end));
        let tokens = opened(text, sentence.span, place == 0, next, &mut frame, &mut memory);
        if let Some(late) = late(words, sentence.span.start, &story, &mut memory) {
            overruns.push(late);
            continue;
        }
        // "These are the steps:" only announces the list.
        let announces = words.ends_with(':') && sentences.get(place + 1).is_some_and(|next| next.item);
        if announces && !sentence.item {
            continue;
        }
        arrows += tokens.iter().filter(|token| is_arrow(token)).count();
        for part in tokens.split(is_arrow).flat_map(cut_before_otherwise) {
            let mut statement = sentence::statement(part, &mut memory, first);
            if statement.steps.is_empty()
                && (sentence.item || part.len() < tokens.len())
                && !prompt::says_something(part)
            {
                statement.steps.extend(prompt::bare_item(part));
            }
            said += statement.steps.len();
            story.tell(statement);
            first = false;
        }
    }
    let (root, start, mut notes) = story.finish();
    let mut tree = Tree::new(root);
    tree.start_label = start.map(|label| action::capitalised(&label));
    tree.normalise();
    let mut used = None;
    let listed = said >= 3 && (sentences.iter().any(|sentence| sentence.item) || arrows > 1);
    if sentences.len() <= PROMPT_SENTENCES
        && !listed
        && (said <= 6 || frame.is_some())
        && let Some(archetype) = archetype::best(text)
    {
        tree = archetype.complete(&tree)?;
        if tree.activities().iter().any(|step| step.assumed) {
            notes.push(format!(
                "completed from the archetype '{}'; steps marked assumed were not said",
                archetype.name
            ));
        }
        used = Some(archetype.name.clone());
    }
    if tree.activities().is_empty() {
        return Err(Error::NoStep {
            why: "no sentence with a verb that says what is done was found; write what is done in English, one step a \
                  sentence or list item, or configure a model"
                .to_owned(),
        });
    }
    tree.normalise();
    if let Err(faults) = tree.type_check() {
        notes.push(format!("simplified, because what was read is not well formed: {}", faults.len()));
        simplify(&mut tree);
    }
    let title = title(frame.or_else(|| heading(text)), used.as_deref(), &tree);
    Ok(Reading { tree, title, archetype: used, overruns, notes })
}

/// The words of a sentence without what only opens it: the frame of a prompt, a title, who speaks.
fn opened(
    text: &str,
    span: crate::tree::Span,
    first: bool,
    next: Option<&str>,
    frame: &mut Option<String>,
    memory: &mut referent::Memory,
) -> Vec<tag::Token> {
    let from =
        |start: usize| text.get(start..span.end).map_or_else(Vec::new, |rest| tag::tokens(rest, start));
    let mut tokens = from(span.start);
    let words = text.get(span.start..span.end).unwrap_or_default();
    if let Some(framed) = prompt::strip_frame(words, &tokens) {
        frame.get_or_insert(framed.title);
        tokens = from(span.start + framed.rest);
    }
    if let Some((who, rest)) = prompt::speaker(&tokens) {
        memory.me = Some(memory.known(&who));
        tokens = from(rest);
    }
    if let Some(titled) = prompt::title_before_colon(&tokens).filter(|_| first && frame.is_none()) {
        *frame = Some(titled.title);
        tokens = from(titled.rest);
    }
    // "When the battery is low, the drone lands. Otherwise, …": a case, not the start.
    let other_case = next.is_some_and(|next| next.to_lowercase().starts_with("otherwise"));
    if let Some(token) = tokens.first_mut().filter(|_| other_case)
        && token.tag == tag::Tag::Mark(lexicon::Mark::When)
    {
        token.tag = tag::Tag::Mark(lexicon::Mark::If);
    }
    tokens
}

/// What a sentence says about a step that was told before and may take too long; `None` where it says something else,
/// or where what is done then is more than a step.
fn late(
    words: &str,
    start: usize,
    story: &discourse::Story,
    memory: &mut referent::Memory,
) -> Option<Overrun> {
    let said = overrun::said(words)?;
    let step = story.meant_label(said.what)?;
    let tokens = tag::tokens(said.then, start + said.begins);
    let mut found = sentence::statement(&tokens, &mut memory.clone(), false);
    let plain = found.condition.is_none() && found.back_to.is_none() && found.until.is_none() && !found.ends;
    if !plain || found.steps.len() != 1 {
        return None;
    }
    let then = found.steps.pop()?.action.label();
    Some(Overrun { step, time: said.time.to_owned(), duration: said.duration, then })
}

/// A last resort that always gives a sound process: first without early ends, then the bare steps in order.
fn simplify(tree: &mut Tree) {
    discourse::strip_ends(&mut tree.root);
    tree.normalise();
    if tree.type_check().is_err() {
        let steps: Vec<Activity> = tree.activities().into_iter().take(MAX_STEPS).cloned().collect();
        let steps = steps.into_iter().map(|step| Node::from(Activity { id: String::new(), ..step }));
        tree.root = Node::sequence(steps.collect());
        tree.assign_ids();
    }
}

/// "If …, close it, otherwise create it": the other case is a statement of its own.
fn cut_before_otherwise(part: &[tag::Token]) -> Vec<&[tag::Token]> {
    let other = |token: &tag::Token| {
        matches!(token.tag, tag::Tag::Mark(lexicon::Mark::Otherwise | lexicon::Mark::InThisCase))
    };
    match part.iter().skip(1).position(other).and_then(|place| part.split_at_checked(place + 1)) {
        Some((before, after)) => vec![before, after],
        None => vec![part],
    }
}

fn is_arrow(token: &tag::Token) -> bool {
    token.tag == tag::Tag::Stop && matches!(token.lower.as_str(), ">" | "→" | ";")
}

/// The first heading, which names the process.
fn heading(text: &str) -> Option<String> {
    if let Some(title) = split::title_line(text) {
        return Some(title.to_owned());
    }
    let line = text.lines().find(|line| !line.trim().is_empty())?.trim();
    let words = line.strip_prefix('#')?.trim_start_matches('#').trim();
    (!words.is_empty()).then(|| words.to_owned())
}

fn title(frame: Option<String>, archetype: Option<&str>, tree: &Tree) -> String {
    if let Some(frame) = frame.filter(|frame| !frame.is_empty()) {
        return action::capitalised(&frame);
    }
    let said: Vec<&Activity> = tree.activities().into_iter().filter(|activity| !activity.assumed).collect();
    match (said.first(), said.last(), archetype) {
        (Some(first), Some(last), _) if first.id != last.id && said.len() < 4 => {
            let second = last.label.chars().next().map_or_else(String::new, |c| c.to_lowercase().collect());
            format!("{} and {second}{}", first.label, last.label.get(1..).unwrap_or_default())
        }
        (Some(first), _, _) => first.label.clone(),
        (None, _, Some(name)) => action::capitalised(&name.replace('-', " ")),
        _ => "Process".to_owned(),
    }
}

/// A condition in words, as it stands at a gateway and on its flows.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) question: String,
    /// Answer on the flow that is taken when it holds.
    pub(crate) held: &'static str,
    /// Answer on the other one.
    pub(crate) failed: &'static str,
    /// FEEL that is false where the variable is not set.
    pub(crate) feel: String,
    /// FEEL for when it does not hold; false likewise.
    pub(crate) opposite: String,
}

/// Reads a condition, as in "only if the amount is above 1,000".
pub(crate) fn ask(words: &str) -> Asked {
    let read = condition::condition(words);
    let question = question::question(&read.label);
    let opposite = condition::negated(&read.feel);
    Asked {
        held: question.held(),
        failed: question.failed(),
        question: question.text,
        feel: read.feel,
        opposite,
    }
}

/// The first span of time in the words as an ISO 8601 duration.
pub(crate) fn duration(words: &str) -> Option<String> {
    duration::duration(words.to_lowercase().split(' '))
}

/// Labels of the leaves in reading order; for tests and comparisons.
#[must_use]
pub fn leaf_labels(tree: &Tree) -> Vec<String> {
    tree.nodes()
        .into_iter()
        .filter_map(|node| match node {
            Node::Activity(activity) => Some(activity.label.clone()),
            Node::Event(event) => Some(event.label.clone()),
            _ => None,
        })
        .collect()
}
