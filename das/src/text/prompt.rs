//! Prompts: "Build a process to …" is a frame around what the process does.

use super::action::{Action, capitalised};
use super::lexicon;
use super::sentence::Step;
use super::tag::{Tag, Token};
use crate::tree::Span;

/// What is left of a sentence when its frame is taken off.
#[derive(Debug)]
pub(super) struct Framed {
    /// Where the rest begins, in bytes of the sentence.
    pub(super) rest: usize,
    /// What the process is called, if it says so.
    pub(super) title: String,
}

/// Finds the frame of a prompt: a word for making, then a word for process before the first other verb.
pub(super) fn strip_frame(sentence: &str, tokens: &[Token]) -> Option<Framed> {
    const MAKING: [&str; 24] = [
        "build",
        "create",
        "design",
        "make",
        "generate",
        "model",
        "write",
        "draw",
        "define",
        "develop",
        "set",
        "need",
        "want",
        "give",
        "show",
        "produce",
        "implement",
        "construct",
        "propose",
        "describe",
        "like",
        "add",
        "would",
        "please",
    ];
    let lead = tokens.iter().take(6).position(|token| MAKING.contains(&token.lower.as_str()))?;
    let before = tokens.get(..lead)?;
    if before.iter().any(|token| {
        !matches!(
            token.lower.as_str(),
            "please" | "can" | "could" | "you" | "i" | "we" | "i'd" | "would" | "let's" | "to" | "me" | "us"
        )
    }) {
        return None;
    }
    let process = tokens
        .iter()
        .take(lead + 14)
        .rposition(|token| lexicon::is_process_word(&token.lower) && token.lower != "model")
        .or_else(|| tokens.iter().take(lead + 8).position(|token| token.lower == "bpmn"))?;
    // "to ingest data and process it": a frame's process word stands before the first "to" or "that".
    let opener = tokens.iter().position(|token| {
        matches!(token.lower.as_str(), "that" | "which" | "where" | "for" | "in order to" | ":" | "to")
            && token.span.start > tokens.get(lead).map_or(0, |t| t.span.end)
    });
    let process = match opener {
        Some(opener) if opener < process => {
            let before =
                tokens.get(..opener)?.iter().rposition(|token| lexicon::is_process_word(&token.lower));
            // "an order to cash process": there the "to" belongs to the name.
            let named = tokens.get(process).is_some_and(|token| token.tag == Tag::Noun);
            before.or(named.then_some(process))?
        }
        _ => process,
    };
    let mut title = name_of(tokens.get(lead + 1..process)?);
    let base = sentence_offset(sentence, tokens)?;
    let mut next = process + 1;
    // "a process for onboarding an employee: create the account, …": what stands before the colon is its name.
    let colon = tokens.iter().position(|token| token.text == ":" && token.span.start > base);
    if let Some(colon) = colon.filter(|&colon| colon > process && colon + 2 < tokens.len()) {
        if title.is_empty() {
            let words = tokens
                .get(process + 1..colon)?
                .iter()
                .filter(|token| !matches!(token.lower.as_str(), "for" | "to" | "a" | "an" | "the"));
            title = words.map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        }
        next = colon + 1;
    }
    while let Some(token) = tokens.get(next) {
        let opens = matches!(
            token.tag,
            Tag::To | Tag::That | Tag::Relative | Tag::Stop | Tag::Comma | Tag::Mark(lexicon::Mark::Purpose)
        ) || matches!(
            token.lower.as_str(),
            "for" | "where" | "in" | "which" | "of" | "diagram" | "model" | "process"
        );
        if !opens {
            break;
        }
        next += 1;
    }
    let rest = tokens.get(next).map_or(sentence.len(), |token| token.span.start - base);
    Some(Framed { rest, title })
}

/// "Design review: the engineer uploads the model, …", "Bake bread: mix flour, …": what stands before the colon names it
/// all, where several steps follow. `rest` is counted from the beginning of the text.
pub(super) fn title_before_colon(tokens: &[Token]) -> Option<Framed> {
    const MAX_WORDS: usize = 7;
    let colon = tokens.iter().take(MAX_WORDS + 1).position(|token| token.text == ":")?;
    let (before, behind) = tokens.split_at_checked(colon)?;
    let behind = behind.get(1..)?;
    let says = |token: &Token| {
        matches!(
            token.tag,
            Tag::Be
                | Tag::Modal
                | Tag::Have
                | Tag::Mark(_)
                | Tag::Comma
                | Tag::Pronoun
                | Tag::Verb(lexicon::Form::Third)
        )
    };
    let verbs = behind.iter().filter(|token| matches!(token.tag, Tag::Verb(_))).count();
    if before.is_empty() || before.iter().any(says) || verbs == 0 {
        return None;
    }
    let words = before.iter().filter(|token| token.tag != Tag::Determiner).map(|token| token.text.as_str());
    Some(Framed { rest: behind.first()?.span.start, title: words.collect::<Vec<_>>().join(" ") })
}

/// "As a quality engineer I inspect lots": who speaks, and where what is said begins, in bytes of the text.
pub(super) fn speaker(tokens: &[Token]) -> Option<(String, usize)> {
    const MAX_WORDS: usize = 6;
    let word = |at: usize| tokens.get(at).map_or("", |token| token.lower.as_str());
    if word(0) != "as" || !matches!(word(1), "a" | "an" | "the" | "our") {
        return None;
    }
    let me = (3..3 + MAX_WORDS).find(|at| matches!(word(*at), "i" | "we"))?;
    let name = tokens.get(2..me)?.iter().filter(|token| token.tag != Tag::Comma);
    let name: Vec<&str> = name.map(|token| token.text.as_str()).collect();
    lexicon::actor(&name.last()?.to_lowercase())?;
    Some((name.join(" "), tokens.get(me)?.span.start))
}

fn sentence_offset(sentence: &str, tokens: &[Token]) -> Option<usize> {
    let first = tokens.first()?;
    let inside = sentence.find(first.text.as_str())?;
    first.span.start.checked_sub(inside)
}

fn name_of(tokens: &[Token]) -> String {
    let words: Vec<&str> = tokens
        .iter()
        .filter(|token| !matches!(token.tag, Tag::Determiner | Tag::Pronoun | Tag::Adverb))
        .filter(|token| {
            !matches!(
                token.lower.as_str(),
                "bpmn"
                    | "me"
                    | "up"
                    | "new"
                    | "simple"
                    | "business"
                    | "to"
                    | "have"
                    | "us"
                    | "automate"
                    | "our"
                    | "my"
            )
        })
        .map(|token| token.text.as_str())
        .collect();
    words.join(" ")
}

/// Whether an item is a sentence with a verb of its own: it says what happens, and is not the name of a step.
pub(super) fn says_something(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| {
        matches!(token.tag, Tag::Be | Tag::Modal | Tag::Verb(lexicon::Form::Third) | Tag::Mark(_))
    })
}

/// A list item without verb is still a step: "Credit check".
pub(super) fn bare_item(tokens: &[Token]) -> Option<Step> {
    const MAX_WORDS: usize = 10;
    let words: Vec<&str> = tokens
        .iter()
        .filter(|token| !matches!(token.tag, Tag::Mark(_) | Tag::Stop | Tag::Comma | Tag::Determiner))
        .take(MAX_WORDS)
        .map(|token| token.text.as_str())
        .collect();
    let (first, rest) = words.split_first()?;
    let span = Span { start: tokens.first()?.span.start, end: tokens.last()?.span.end };
    let action = Action {
        verb: capitalised(first),
        object: rest.join(" "),
        actor: None,
        machine: false,
        span,
        confidence: 0.5,
        possible: false,
    };
    Some(Step { action, or: false, mentioned: false, beside: false })
}
