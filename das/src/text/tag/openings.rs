//! "On the first day the employee signs": the comma that was left out behind what opens a sentence.
//!
//! Rule: a sentence part that a preposition, "every", or "after" with a span of time opens. The first article or pronoun
//! that stands behind a noun, and that a finite verb follows before any comma, begins the subject.

use super::super::duration;
use super::super::lexicon::{self, Form, Mark};
use super::{Tag, Token, comma_at};

/// Most words that an opening has, and that stand between a subject's first word and its verb.
const REACH: usize = 10;

/// Sets the comma behind each opening that lacks one.
pub(super) fn close_openings(tokens: &mut Vec<Token>) {
    let mut from = 0;
    while from < tokens.len() {
        if opens(tokens, from)
            && let Some(place) = (from + 2..from + REACH)
                .take_while(|at| tokens.get(*at).is_some_and(|token| !ends(token) || relates(token)))
                .find(|at| begins_subject(tokens, *at))
        {
            comma_at(tokens, place);
        }
        let stop = tokens.get(from..).and_then(|rest| rest.iter().position(|token| token.tag == Tag::Stop));
        from = stop.map_or(tokens.len(), |stop| from + stop + 1);
    }
}

fn opens(tokens: &[Token], place: usize) -> bool {
    let Some(token) = tokens.get(place) else { return false };
    let unit = |at: usize| tokens.get(at).is_some_and(|token| duration::is_unit(&token.lower));
    match token.tag {
        Tag::Preposition => true,
        Tag::Determiner => token.lower == "every" || (token.lower == "each" && unit(place + 1)),
        // "After three months the manager …", "After takeoff the crew …"
        Tag::Mark(Mark::After) => {
            unit(place + 2) || tokens.get(place + 1).is_some_and(|token| token.tag == Tag::Noun)
        }
        // "24 hours before departure the passenger checks in"
        Tag::Number => unit(place + 1) && tokens.get(place + 2).is_some_and(relates),
        _ => false,
    }
}

fn relates(token: &Token) -> bool {
    matches!(token.tag, Tag::Mark(Mark::Before | Mark::After))
}

fn ends(token: &Token) -> bool {
    matches!(token.tag, Tag::Comma | Tag::Stop | Tag::Mark(_) | Tag::Relative | Tag::That)
}

/// Whether a subject with a finite verb begins here, right behind a noun.
pub(super) fn begins_subject(tokens: &[Token], place: usize) -> bool {
    let word = |at: Option<usize>| at.and_then(|at| tokens.get(at));
    // "when an order comes in we look"
    let particle = word(place.checked_sub(1))
        .is_some_and(|t| matches!(t.lower.as_str(), "in" | "up" | "out" | "back"))
        && word(place.checked_sub(2)).is_some_and(|t| matches!(t.tag, Tag::Verb(Form::Third)))
        && tokens.get(place).is_some_and(|t| t.tag == Tag::Pronoun);
    let behind_noun = particle || place.checked_sub(1).is_some_and(|before| is_nominal(tokens, before));
    let pronoun = |token: &Token| {
        token.tag == Tag::Pronoun && matches!(token.lower.as_str(), "he" | "she" | "it" | "we" | "they" | "i")
    };
    let Some(token) = tokens.get(place).filter(|_| behind_noun) else { return false };
    if pronoun(token) {
        let said =
            tokens.get(place + 1).filter(|next| next.tag != Tag::Mark(Mark::Then) && next.tag != Tag::Adverb);
        let said = said.or_else(|| tokens.get(place + 2));
        return said.is_some_and(|next| {
            is_finite(next) || is_base(next) || matches!(next.tag, Tag::Verb(Form::Base))
        });
    }
    if token.tag != Tag::Determiner {
        return false;
    }
    // "the analysts correct": behind a plural the base form is finite as well.
    let verb = |at: usize| {
        let (Some(before), Some(token)) = (at.checked_sub(1).and_then(|at| tokens.get(at)), tokens.get(at))
        else {
            return false;
        };
        // A word that is not known, before an object: "the crew retracts the gear".
        let object = tokens.get(at + 1).is_some_and(|next| next.tag == Tag::Determiner);
        let unknown = token.tag == Tag::Noun && token.lower.ends_with('s') && object;
        is_finite(token)
            || unknown
            || (is_base(token) && before.lower.ends_with('s') && before.tag != Tag::Determiner)
    };
    (place + 2..place + REACH)
        .take_while(|at| {
            tokens.get(*at).is_some_and(|token| !ends(token) && token.tag != Tag::Preposition || is_of(token))
        })
        .any(verb)
}

fn is_of(token: &Token) -> bool {
    token.lower == "of"
}

fn is_finite(token: &Token) -> bool {
    let third = || lexicon::verb(&token.lower).iter().any(|reading| reading.form == Form::Third);
    matches!(token.tag, Tag::Be | Tag::Have | Tag::Modal | Tag::Do | Tag::Verb(Form::Third)) || third()
}

fn is_base(token: &Token) -> bool {
    lexicon::verb(&token.lower).iter().any(|reading| reading.form == Form::Base && !reading.noun_too)
}

/// Whether a word ends a noun phrase here; what can be a verb does so behind an article, adjective, number, preposition.
fn is_nominal(tokens: &[Token], place: usize) -> bool {
    let Some(token) = tokens.get(place) else { return false };
    match token.tag {
        Tag::Noun | Tag::Number | Tag::Adjective => true,
        Tag::Verb(form) => {
            let before = place.checked_sub(1).and_then(|at| tokens.get(at)).map(|token| token.tag);
            let noun_too = lexicon::verb(&token.lower).iter().any(|reading| reading.noun_too);
            match form {
                Form::Base | Form::Third => {
                    noun_too
                        && matches!(
                            before,
                            Some(
                                Tag::Determiner | Tag::Adjective | Tag::Number | Tag::Preposition | Tag::Noun
                            )
                        )
                }
                // "the price is missing the clerk …"
                Form::Past | Form::Gerund => before == Some(Tag::Be),
            }
        }
        _ => false,
    }
}
