//! What a clause adds to a statement: steps, the time they wait for, an end, a way back.

use super::{Statement, Step, merge_condition, some_of_a_kind, words_of};
use crate::text::action::{Action, action, capitalised};
use crate::text::clause::{Clause, Link, Shape};
use crate::text::condition::condition;
use crate::text::duration;
use crate::text::ellipsis::tries_again;
use crate::text::lexicon::{self, Mark};
use crate::text::referent::{Memory, head};
use crate::text::tag::{Tag, Token};
use crate::tree::Span;

/// Takes in what a clause says is done: steps, an end, or a way back.
pub(super) fn act(found: &mut Statement, tokens: &[Token], clause: &Clause, or: bool, memory: &mut Memory) {
    let Some(group) = &clause.verb else { return };
    let subject = words_of(tokens, clause.from, group.start).to_lowercase();
    let object = words_of(tokens, group.end, clause.to).to_lowercase();
    let about_process =
        subject.split(' ').any(lexicon::is_process_word) || (group.passive && subject.contains("instance"));
    if about_process
        && ["end", "finish", "terminate", "complete", "stop", "close", "conclude"]
            .contains(&group.lemma.as_str())
    {
        found.ends = true;
        return;
    }
    if ["stop", "abort", "exit", "end", "terminate"].contains(&group.lemma.as_str())
        && object.is_empty()
        && !group.passive
        && group.shape != Shape::Gerund
        && (subject.is_empty() || clause.link == Link::And)
    {
        found.ends = true;
        return;
    }
    if tries_again(group, &object) {
        found.back_to = Some(if group.lemma == "retry" { object } else { String::new() });
        return;
    }
    // "If it fails, the engineer diagnoses the problem again".
    let repeats =
        found.condition.is_some() && !group.passive && object.split(' ').any(|word| word == "again");
    if repeats && !object.starts_with("back") {
        if let Some(step) = step(tokens, clause, memory, false).pop() {
            found.back_to = Some(step.action.label());
        }
        return;
    }
    // "Rejected lots go back to the supplier": things are sent back, the process is not.
    let sent = some_of_a_kind(tokens, clause).is_some();
    let again = !sent && object.starts_with("back") || object.contains("again") && object.contains("from");
    let back = match group.lemma.as_str() {
        "repeat" | "restart" | "redo" => true,
        "rerun" | "re-run" | "retest" => found.condition.is_some() && !object.is_empty(),
        "go" | "return" | "loop" | "start" | "continue" | "jump" | "come" => {
            again || (about_process && object.contains("back"))
        }
        _ => false,
    };
    let back = back || (about_process && group.lemma == "return" && object.starts_with("to "));
    if back && group.lemma != "redo" {
        let target = if group.passive || object.is_empty() { &subject } else { &object };
        found.back_to = Some(target.trim_start_matches("back").trim_start_matches(" to").trim().to_owned());
        return;
    }
    if about_process && ["start", "begin", "commence"].contains(&group.lemma.as_str()) {
        return;
    }
    let beside = clause.marks.contains(&Mark::Beside);
    let steps = step(tokens, clause, memory, or).into_iter();
    found.steps.extend(steps.map(|step| Step { beside, ..step }));
}

/// The step that a clause names; two where one of two actors does it.
pub(super) fn step(tokens: &[Token], clause: &Clause, memory: &mut Memory, or: bool) -> Vec<Step> {
    let Some(action) = action(tokens, clause, memory) else { return Vec::new() };
    let of = |action: Action, or: bool| Step { action, or, mentioned: false, beside: false };
    let actors = action.actor.clone();
    match actors.as_deref().and_then(|names| names.split_once(" or ")) {
        Some((one, other)) => {
            let by = |name: &str| Some(capitalised(name));
            let second = Action { actor: by(other), ..action.clone() };
            vec![of(Action { actor: by(one), ..action }, or), of(second, true)]
        }
        None => vec![of(action, or)],
    }
}

/// "If the order exceeds the limit, …": what is spoken of is the order, not the limit.
pub(super) fn topic(tokens: &[Token], clause: &Clause) -> Option<String> {
    let group = clause.verb.as_ref()?;
    let front = tokens.get(clause.from..group.start)?;
    let words: Vec<&str> = front
        .iter()
        .filter(|token| matches!(token.tag, Tag::Noun | Tag::Adjective))
        .map(|token| token.text.as_str())
        .collect();
    let named =
        front.iter().any(|token| token.tag == Tag::Determiner && token.lower != "any" && token.lower != "no");
    let name = words.join(" ");
    (named && !name.is_empty() && lexicon::actor(&head(&name)).is_none()).then_some(name)
}

/// Keeps track of who and what was named in a clause that adds no step.
pub(super) fn remember(tokens: &[Token], clause: &Clause, memory: &mut Memory) {
    let _ = action(tokens, clause, memory);
}

/// "When an order arrives", "after checking the order": starts the process, or mentions what was done.
pub(super) fn time(
    found: &mut Statement,
    tokens: &[Token],
    clause: &Clause,
    to: usize,
    memory: &mut Memory,
    first: bool,
) {
    let after = clause.marks.contains(&Mark::After);
    let text = words_of(tokens, clause.from, to);
    if after && clause.verb.is_none() {
        let words = text.to_lowercase();
        // "After three failed attempts, …" is a condition, "after two days, …" a wait.
        if words.split(' ').any(|word| matches!(word, "attempts" | "tries" | "failures" | "retries")) {
            merge_condition(found, condition(&text), false);
        } else if words.split(' ').next_back().is_some_and(duration::is_unit)
            && duration::duration(words.split(' ')).is_some()
            && !first
        {
            let span = tokens.get(clause.from).map_or(0, |token| token.span.start);
            let end = tokens.get(to.saturating_sub(1)).map_or(span, |token| token.span.end);
            // "HR calls after 30 days": the wait comes first.
            let place = found.steps.len()
                - usize::from(clause.from > 0 && !found.steps.is_empty() && is_last(tokens, to));
            let wait = Step {
                action: Action::wait(&words, Span { start: span, end }),
                or: false,
                mentioned: false,
                beside: false,
            };
            found.steps.insert(place, wait);
        }
        return;
    }
    let read = action(tokens, clause, memory);
    if first && !after {
        found.start = Some(condition(&text).label);
        return;
    }
    // "When the captain has signed" tells what was done, like "after".
    let done = clause.verb.as_ref().is_some_and(|verb| {
        !verb.passive
            && tokens.get(verb.start..verb.end).unwrap_or_default().iter().any(|t| t.tag == Tag::Have)
    });
    if let Some(action) = read.filter(|action| (after || done) && !action.object.is_empty()) {
        found.steps.push(Step { action, or: false, mentioned: true, beside: false });
    }
}

/// "checks whether the order is complete": the question belongs to the label.
pub(super) fn extend_object(found: &mut Statement, opener: &str, text: &str) {
    const MAX_WORDS: usize = 8;
    if let Some(step) = found.steps.last_mut().filter(|step| step.action.object.is_empty()) {
        let words: Vec<&str> = text
            .split(' ')
            .filter(|word| !matches!(*word, "the" | "a" | "an" | "if" | "whether" | "that"))
            .take(MAX_WORDS)
            .collect();
        step.action.object = format!("{opener} {}", words.join(" "));
    }
}

/// Whether nothing follows in the sentence.
fn is_last(tokens: &[Token], to: usize) -> bool {
    tokens.get(to..).unwrap_or_default().iter().all(|token| matches!(token.tag, Tag::Stop | Tag::Comma))
}

/// "Pay and send the confirmation": verbs that need no object, so none is shared with them.
const SHARING_NONE: [&str; 13] = [
    "pay",
    "wait",
    "arrive",
    "proceed",
    "respond",
    "reply",
    "apologise",
    "apologize",
    "vote",
    "rest",
    "travel",
    "depart",
    "participate",
];

/// "clean and validate the data": what is left out stands behind the next verb.
pub(super) fn share_objects(steps: &mut [Step]) {
    for place in (1..steps.len()).rev() {
        let Some((front, back)) = steps.split_at_mut_checked(place) else { continue };
        let (Some(before), Some(step)) = (front.last_mut(), back.first()) else { continue };
        let same = before.action.actor == step.action.actor || step.action.actor.is_none();
        let alone = SHARING_NONE.contains(&before.action.verb.as_str());
        if before.action.object.is_empty()
            && !step.action.object.is_empty()
            && same
            && !alone
            && !step.mentioned
        {
            before.action.object.clone_from(&step.action.object);
        }
    }
}
