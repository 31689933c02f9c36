//! What a sentence leaves out: "if it is not", "try again", "then the second test", pronouns in conditions.

use super::action::Action;
use super::clause::{Clause, VerbGroup};
use super::sentence::{Lead, Step};
use super::tag::{Tag, Token};
use crate::tree::Span;

/// "retry", "try again", "tries once more".
pub(super) fn tries_again(group: &VerbGroup, object: &str) -> bool {
    let again = object.split(' ').any(|word| matches!(word, "again" | "more"));
    group.lemma == "retry" || (group.lemma == "try" && again)
}

/// "up to three times", "at most twice".
pub(super) fn limit(tokens: &[Token]) -> Option<u32> {
    let times =
        tokens.iter().position(|token| matches!(token.lower.as_str(), "times" | "twice" | "attempts"))?;
    if tokens.get(times)?.lower == "twice" {
        return Some(2);
    }
    const WORDS: [&str; 11] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let word = &tokens.get(times.checked_sub(1)?)?.lower;
    word.parse().ok().or_else(|| WORDS.iter().position(|other| other == word)?.try_into().ok())
}

/// "Run a sweep, then the vibration test": the verb of the step before holds for what follows.
pub(super) fn same_again(before: Option<&Step>, tokens: &[Token], clause: &Clause) -> Option<Step> {
    let before = before?;
    let part = tokens.get(clause.from..clause.to)?;
    let things = part
        .iter()
        .filter(|token| matches!(token.tag, Tag::Noun | Tag::Adjective | Tag::Number | Tag::Preposition));
    let object = things.map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
    if object.is_empty() || !part.iter().any(|token| token.tag == Tag::Determiner) {
        return None;
    }
    let span = Span { start: part.first()?.span.start, end: part.last()?.span.end };
    let action = Action { object, span, ..before.action.clone() };
    Some(Step { action, or: false, mentioned: false, beside: false })
}

/// "if any", "if possible": says nothing that could be decided.
pub(super) fn is_filler(words: &str) -> bool {
    matches!(words.to_lowercase().as_str(), "any" | "possible" | "applicable" | "available" | "at all")
}

/// "if needed", "if necessary": asks about the thing that was just named.
pub(super) fn is_need(words: &str) -> bool {
    matches!(words.to_lowercase().as_str(), "needed" | "necessary" | "required" | "desired" | "requested")
}

/// "If it is not, …" is "otherwise", "if it does, …" is "in this case".
pub(super) fn elliptical(words: &str) -> Option<Lead> {
    let lower = words.to_lowercase();
    let parts: Vec<&str> = lower.split(' ').filter(|word| !matches!(*word, "still" | "however")).collect();
    let pronoun = |word: &str| matches!(word, "it" | "they" | "this" | "that" | "he" | "she");
    let verb = |word: &str| {
        matches!(
            word,
            "is" | "are" | "was" | "were" | "does" | "do" | "did" | "has" | "have" | "can" | "could"
        )
    };
    match parts.as_slice() {
        [it, is] if pronoun(it) && verb(is) => Some(Lead::InThisCase),
        [it, is] if pronoun(it) && is.ends_with("n't") => Some(Lead::Otherwise),
        [it, is, "not"] if pronoun(it) && verb(is) => Some(Lead::Otherwise),
        [it, "cannot"] if pronoun(it) => Some(Lead::Otherwise),
        _ => None,
    }
}

/// "it is incomplete" → "application is incomplete"; "we find any" → "we find errors".
pub(super) fn resolved(words: &str, subject: Option<&str>) -> String {
    let Some(subject) = subject else { return words.to_owned() };
    let (first, rest) = words.split_once(' ').unwrap_or((words, ""));
    let plural = subject.ends_with('s') || subject.contains(" and ");
    match first.to_lowercase().as_str() {
        "it" | "this" if !rest.is_empty() => format!("{subject} {rest}"),
        "none" if !rest.is_empty() => format!("no {subject} {rest}"),
        "they" | "these" if !rest.is_empty() && plural => format!("{subject} {rest}"),
        _ => match words.strip_suffix(" any") {
            Some(front) => format!("{front} {}", subject.trim_start_matches("for ")),
            None => words.to_owned(),
        },
    }
}
