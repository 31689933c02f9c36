//! "If stock is missing order parts": the comma that was left out between a condition and an instruction.
//!
//! Rule: a sentence part that `if`, `unless` or `when` opens, and that no comma or `then` ends. Behind its first finite
//! verb, the first word that can only be a verb in its base form, or that has an article, pronoun or number behind it,
//! begins the instruction. Where there is none, a word that is verb and noun does so right behind "is missing", "is low".
//! "If there are errors the analyst corrects them": likewise the first article or pronoun that begins a subject with a finite
//! verb of its own.

use super::super::lexicon::{self, Form, Mark};
use super::openings::begins_subject;
use super::{Tag, Token, comma_at};

/// Sets the comma that was left out, in every part of a sentence that lacks one.
pub(super) fn close_conditions(tokens: &mut Vec<Token>) {
    let mut from = 0;
    while let Some(opened) = tokens.get(from..).and_then(|rest| rest.iter().position(opens)) {
        let begin = from + opened + 1;
        let length = tokens.get(begin..).unwrap_or_default().iter().position(ends);
        let end = length.map_or(tokens.len(), |length| begin + length);
        from = end.max(begin);
        let is_open = tokens.get(end).is_none_or(|token| token.tag == Tag::Stop);
        let consequence = is_open.then(|| instruction(tokens, begin, end)).flatten();
        if let Some(place) = consequence.or_else(|| second_subject(tokens, begin, end)) {
            comma_at(tokens, place);
            from += 1;
        }
    }
}

fn opens(token: &Token) -> bool {
    matches!(token.tag, Tag::Mark(Mark::If | Mark::Unless | Mark::When))
}

fn ends(token: &Token) -> bool {
    matches!(token.tag, Tag::Comma | Tag::Stop | Tag::Mark(_))
}

/// Where the instruction begins.
fn instruction(tokens: &[Token], begin: usize, end: usize) -> Option<usize> {
    // A subject comes first.
    let verb = (begin + 1..end).find(|place| tokens.get(*place).is_some_and(is_finite))?;
    let clear = (verb + 1..end).find(|place| begins(tokens, *place, end, true));
    clear.or_else(|| {
        let is_be = tokens.get(verb).is_some_and(|token| token.tag == Tag::Be);
        let said = (verb + 1..end).find(|place| {
            !tokens.get(*place).is_some_and(|token| matches!(token.tag, Tag::Not | Tag::Adverb))
        })?;
        (is_be && tokens.get(said).is_some_and(describes) && begins(tokens, said + 1, end, false))
            .then_some(said + 1)
    })
}

/// Where the subject of the consequence begins: behind the condition's verb and whatever that has for an object.
fn second_subject(tokens: &[Token], begin: usize, end: usize) -> Option<usize> {
    let verb = (begin + 1..end).find(|place| tokens.get(*place).is_some_and(is_finite))?;
    (verb + 2..end).find(|place| begins_subject(tokens, *place))
}

fn is_finite(token: &Token) -> bool {
    let finite = |form| matches!(form, Form::Third | Form::Past);
    matches!(token.tag, Tag::Be | Tag::Have | Tag::Do | Tag::Modal)
        || lexicon::verb(&token.lower).iter().any(|reading| finite(reading.form))
}

/// "missing", "approved", "low": not the noun of a compound.
fn describes(token: &Token) -> bool {
    let participle = |form| matches!(form, Form::Gerund | Form::Past);
    token.tag == Tag::Adjective || lexicon::verb(&token.lower).iter().any(|reading| participle(reading.form))
}

/// Whether an instruction can begin with this word: `clearly`, or where nothing speaks against it.
fn begins(tokens: &[Token], place: usize, end: usize, clearly: bool) -> bool {
    let (Some(token), Some(next)) = (tokens.get(place), tokens.get(place + 1).filter(|_| place + 1 < end))
    else {
        return false;
    };
    let readings = lexicon::verb(&token.lower);
    let Some(reading) = readings.iter().find(|reading| reading.form == Form::Base) else {
        return false;
    };
    // "to check", "can check", "the check", "does not check", "pays and orders", "is complete".
    let hangs_on = |before: &Token| {
        matches!(
            before.tag,
            Tag::To
                | Tag::Modal
                | Tag::Be
                | Tag::Do
                | Tag::Not
                | Tag::Determiner
                | Tag::Preposition
                | Tag::And
                | Tag::Or
                | Tag::Relative
                | Tag::That
        )
    };
    if place.checked_sub(1).and_then(|at| tokens.get(at)).is_none_or(hangs_on) {
        return false;
    }
    let more_finite = |token: &Token| matches!(token.tag, Tag::Be | Tag::Modal | Tag::Have);
    if tokens.get(place + 1..end).unwrap_or_default().iter().any(more_finite) {
        return false;
    }
    let object = matches!(next.tag, Tag::Determiner | Tag::Pronoun | Tag::Number);
    if clearly { object || !reading.noun_too } else { next.tag == Tag::Noun }
}
