//! Position rules: what a word is by what stands around it.

use super::{Tag, Token};
use crate::text::lexicon::{self, Form, Mark};

/// Position rules: whether a word that can be a verb is one here.
pub(super) fn decide(tokens: &[Token], place: usize) -> Tag {
    let Some(token) = tokens.get(place) else { return Tag::Noun };
    let tag_at = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map(|token| token.tag);
    let previous = tag_at(place.checked_sub(1));
    let before = previous_content(tokens, place);
    let next = tag_at(Some(place + 1));
    if is_unknown_instruction(tokens, place, previous) {
        return Tag::Verb(Form::Base);
    }
    if let Some(tag) = unknown_verb(tokens, place, previous, next) {
        return tag;
    }
    // "the back office"
    if token.tag == Tag::Preposition
        && previous == Some(Tag::Determiner)
        && matches!(next, Some(Tag::Noun | Tag::Verb(_)))
    {
        return Tag::Adjective;
    }
    // "the next job"
    if matches!(token.tag, Tag::Mark(Mark::Then | Mark::After)) && previous == Some(Tag::Determiner) {
        return Tag::Adjective;
    }
    let Tag::Verb(form) = token.tag else { return token.tag };
    let readings = lexicon::verb(&token.lower);
    // "the simulation is run", "the value is read"
    let passive = matches!(before, Some(Tag::Be | Tag::Have)) && form == Form::Base;
    if passive && readings.iter().any(|reading| reading.form == Form::Past) {
        return Tag::Verb(Form::Past);
    }
    let noun_too = readings.iter().any(|reading| reading.noun_too);
    let starts_object = matches!(
        next,
        Some(
            Tag::Determiner | Tag::Pronoun | Tag::Number | Tag::That | Tag::Mark(Mark::Whether | Mark::Each)
        )
    );
    match form {
        Form::Gerund => {
            let department = lexicon::actor(&token.lower).is_some() && next != Some(Tag::Determiner);
            if department || matches!(previous, Some(Tag::Determiner | Tag::Adjective)) {
                Tag::Noun
            } else {
                token.tag
            }
        }
        Form::Past => {
            // "the approved order", but "the order approved by" and "is approved".
            let modifies =
                matches!(previous, Some(Tag::Determiner | Tag::Adjective | Tag::Preposition | Tag::Number))
                    && matches!(next, Some(Tag::Noun | Tag::Adjective | Tag::Verb(_)));
            if modifies || qualifies_subject(tokens, place, previous) { Tag::Adjective } else { token.tag }
        }
        Form::Base | Form::Third => {
            if matches!(previous, Some(Tag::Modal | Tag::To | Tag::Do)) && form == Form::Base {
                // "to order" is a verb, "according to order number" is rare enough.
                return token.tag;
            }
            if matches!(previous, Some(Tag::Determiner | Tag::Adjective | Tag::Number | Tag::Preposition)) {
                return Tag::Noun;
            }
            if matches!(previous, Some(Tag::To)) && form == Form::Third {
                return Tag::Noun;
            }
            if !noun_too || starts_object {
                return verb_unless_subject(tokens, place, token.tag);
            }
            if matches!(next, Some(Tag::Be | Tag::Modal | Tag::Have)) {
                return Tag::Noun;
            }
            match before {
                // First word of a sentence or item, or right after a mark: an instruction if a thing follows.
                None | Some(Tag::Stop) if form == Form::Base => imperative(tokens, place, token.tag),
                Some(Tag::Mark(_)) if form == Form::Base => imperative(tokens, place, token.tag),
                Some(Tag::And | Tag::Or | Tag::Comma) => coordinated(tokens, place, form, token.tag),
                Some(Tag::Pronoun | Tag::Relative) => token.tag,
                Some(Tag::Verb(_)) => Tag::Noun,
                Some(Tag::Noun) if form == Form::Third => third_after_noun(tokens, place, next, token.tag),
                Some(Tag::Noun) => base_after_noun(tokens, place, token.tag),
                _ => Tag::Noun,
            }
        }
    }
}

/// "Preheat the oven": a word that is not known, before an object, where an instruction begins: at the beginning, behind a
/// condition, and in a list of instructions ("load it into Postgres, refresh the views").
fn is_unknown_instruction(tokens: &[Token], place: usize, previous: Option<Tag>) -> bool {
    let Some(token) = tokens.get(place) else { return false };
    let opens = matches!(
        previous,
        None | Some(Tag::Mark(Mark::Then | Mark::Parallel | Mark::Otherwise | Mark::InThisCase))
    );
    let listed = matches!(previous, Some(Tag::Comma | Tag::And)) && place > 1;
    let object = tokens.get(place + 1).is_some_and(|next| {
        next.tag == Tag::Determiner
            || (next.tag == Tag::Pronoun && matches!(next.lower.as_str(), "it" | "them"))
    });
    let word = token.lower.chars().all(|c| c.is_alphabetic() || c == '-');
    matches!(token.tag, Tag::Noun | Tag::Do)
        && object
        && word
        && (opens || listed || ends_condition(tokens, place))
}

/// Whether the comma before this word ends what a condition or a time opened: "If it is full, shut the valve".
fn ends_condition(tokens: &[Token], place: usize) -> bool {
    let earlier = tokens.get(..place).unwrap_or_default();
    let from = earlier.iter().rposition(|token| token.tag == Tag::Stop).map_or(0, |at| at + 1);
    let part = earlier.get(from..).unwrap_or_default();
    let mark = part.iter().find(|token| !matches!(token.tag, Tag::And | Tag::Comma));
    let opened = mark.is_some_and(|token| {
        matches!(token.tag, Tag::Mark(Mark::If | Mark::Unless | Mark::When | Mark::After | Mark::While))
    });
    let commas = part.iter().filter(|token| token.tag == Tag::Comma).count();
    opened && commas == 1 && part.last().is_some_and(|token| token.tag == Tag::Comma)
}

/// "Damaged goods are sent back": a participle before the subject of a finite verb, where a clause begins.
fn qualifies_subject(tokens: &[Token], place: usize, previous: Option<Tag>) -> bool {
    let begins = matches!(previous, None | Some(Tag::Stop | Tag::Comma | Tag::And | Tag::Mark(_)));
    let behind = tokens.get(place + 1..).unwrap_or_default();
    let nouns = behind.iter().take_while(|token| {
        matches!(token.tag, Tag::Noun | Tag::Adjective)
            || lexicon::verb(&token.lower).iter().any(|reading| reading.noun_too)
    });
    let nouns = nouns.count();
    begins
        && nouns > 0
        && behind.get(nouns).is_some_and(|token| {
            let base = lexicon::verb(&token.lower).iter().any(|r| r.form == Form::Base && !r.noun_too);
            let plural = behind.get(nouns - 1).is_some_and(|noun| noun.lower.ends_with('s'));
            matches!(token.tag, Tag::Be | Tag::Modal | Tag::Have) || (base && plural)
        })
}

/// A word that the lexicon does not know, or knows as an adjective too, where only a verb can stand: "the operator
/// aborts the mission", "the controllers correct the postings".
fn unknown_verb(tokens: &[Token], place: usize, previous: Option<Tag>, next: Option<Tag>) -> Option<Tag> {
    let token = tokens.get(place)?;
    if !matches!(next, Some(Tag::Determiner | Tag::Pronoun)) {
        return None;
    }
    if token.tag == Tag::Adjective {
        let form = lexicon::verb(&token.lower).first()?.form;
        let opens = matches!(
            previous,
            None | Some(
                Tag::Noun | Tag::Pronoun | Tag::Modal | Tag::To | Tag::And | Tag::Comma | Tag::Mark(_)
            )
        );
        return opens.then_some(Tag::Verb(form));
    }
    let earlier = tokens.get(..place)?;
    let from = earlier
        .iter()
        .rposition(|t| matches!(t.tag, Tag::Comma | Tag::Stop | Tag::And | Tag::Mark(_)))
        .map_or(0, |at| at + 1);
    let bare =
        earlier.iter().skip(from).all(|t| matches!(t.tag, Tag::Determiner | Tag::Adjective | Tag::Noun));
    let third = token.lower.ends_with('s') && !token.lower.ends_with("ss") && token.lower.len() > 3;
    (token.tag == Tag::Noun && third && bare && previous == Some(Tag::Noun)).then_some(Tag::Verb(Form::Third))
}

/// The tag before, adverbs skipped.
fn previous_content(tokens: &[Token], place: usize) -> Option<Tag> {
    tokens
        .get(..place)?
        .iter()
        .rev()
        .map(|token| token.tag)
        .find(|tag| !matches!(tag, Tag::Adverb | Tag::Not))
}

fn previous_word(tokens: &[Token], place: usize) -> Option<&str> {
    place.checked_sub(1).and_then(|at| tokens.get(at)).map(|token| token.lower.as_str())
}

/// "the goods receipt slip": a clear verb after a determiner and nouns stays one; right after a determiner it is none.
fn verb_unless_subject(tokens: &[Token], place: usize, tag: Tag) -> Tag {
    match place.checked_sub(1).and_then(|at| tokens.get(at)).map(|token| token.tag) {
        Some(Tag::Determiner | Tag::Adjective | Tag::Preposition) => Tag::Noun,
        _ => tag,
    }
}

fn imperative(tokens: &[Token], place: usize, tag: Tag) -> Tag {
    let Some(rest) = tokens.get(place + 1..) else { return tag };
    // "engineer uploads CAD model"
    let acts = tokens.get(place).is_some_and(|token| lexicon::actor(&token.lower).is_some());
    if acts && rest.first().is_some_and(|next| matches!(next.tag, Tag::Verb(Form::Third))) {
        return Tag::Noun;
    }
    // "Order processing starts": another finite verb before the next boundary makes it a noun.
    let until = rest
        .iter()
        .position(|token| {
            matches!(token.tag, Tag::Comma | Tag::Stop | Tag::And | Tag::Or | Tag::Mark(_) | Tag::Relative)
        })
        .unwrap_or(rest.len());
    // "pull overnight prices": what is a noun just as often is finite only before an object.
    let said = rest.get(..until).unwrap_or_default();
    let finite = said.iter().enumerate().any(|(at, token)| match token.tag {
        Tag::Be | Tag::Modal | Tag::Have => true,
        Tag::Verb(Form::Third) => {
            let object =
                said.get(at + 1).is_some_and(|next| matches!(next.tag, Tag::Determiner | Tag::Pronoun));
            object || lexicon::verb(&token.lower).iter().all(|reading| !reading.noun_too)
        }
        _ => false,
    });
    if finite { Tag::Noun } else { tag }
}

/// "checks and approves", "ingest data, clean it": the same form as a verb before it.
fn coordinated(tokens: &[Token], place: usize, form: Form, tag: Tag) -> Tag {
    let earlier = tokens.get(..place).unwrap_or_default();
    let same = earlier.iter().rev().find_map(|token| match token.tag {
        Tag::Verb(earlier) => Some(earlier == form),
        _ => None,
    });
    let after_modal =
        form == Form::Base && earlier.iter().any(|token| matches!(token.tag, Tag::Modal | Tag::To));
    // "If it fails, retry": the comma ends what a mark or a preposition opened, and the sentence begins anew.
    let opening = earlier.first().is_some_and(|t| matches!(t.tag, Tag::Mark(_) | Tag::Preposition));
    let commas = earlier.iter().filter(|token| token.tag == Tag::Comma).count();
    if form == Form::Base && opening && commas == 1 && earlier.last().is_some_and(|t| t.tag == Tag::Comma) {
        return imperative(tokens, place, tag);
    }
    let alone = is_said_alone(tokens, place);
    if form == Form::Base && !alone && is_listed_thing(tokens, place) {
        return Tag::Noun;
    }
    // "sets up the laptop and accounts, and …": a plural behind a thing and "and", with nothing that it is done to.
    let and = earlier.last().is_some_and(|token| token.tag == Tag::And);
    let thing = earlier.iter().rev().nth(1).is_some_and(|token| token.tag == Tag::Noun);
    let ends =
        tokens.get(place + 1).is_none_or(|token| matches!(token.tag, Tag::Comma | Tag::Stop | Tag::And));
    if form == Form::Third && and && thing && ends && !alone {
        return Tag::Noun;
    }
    // "the data and train schedule" has a noun behind it as well; a verb before it decides.
    if same.unwrap_or(false)
        || after_modal
        || (earlier.iter().all(|t| !matches!(t.tag, Tag::Verb(_))) && form == Form::Base)
    {
        tag
    } else {
        Tag::Noun
    }
}

/// "reject the supplier and stop": a verb that needs no object.
fn is_said_alone(tokens: &[Token], place: usize) -> bool {
    let readings = tokens.get(place).map(|token| lexicon::verb(&token.lower));
    readings.is_some_and(|readings| lexicon::stands_alone(readings.first()))
}

/// "mix flour, water, yeast and salt": a bare word in a list of bare things, behind which no instruction follows.
fn is_listed_thing(tokens: &[Token], place: usize) -> bool {
    let joins = |token: &Token| matches!(token.tag, Tag::Comma | Tag::And | Tag::Or);
    let bounds = |token: &Token| matches!(token.tag, Tag::Stop | Tag::Mark(_));
    let behind = tokens.get(place + 1..).unwrap_or_default();
    if !behind.first().is_none_or(|token| joins(token) || bounds(token)) {
        return false;
    }
    let bare = |token: &Token| matches!(token.tag, Tag::Noun | Tag::Adjective | Tag::Number);
    let before = tokens.get(..place).unwrap_or_default();
    let from = before.iter().rposition(|token| !bare(token) && !joins(token)).map_or(0, |at| at + 1);
    let list = before.get(from..).unwrap_or_default();
    // "split it into train and test"
    let pair = list.len() == 2
        && list.last().is_some_and(|token| token.tag == Tag::And)
        && from.checked_sub(1).and_then(|at| before.get(at)).is_some_and(|t| t.tag == Tag::Preposition);
    if pair {
        return true;
    }
    let led_by_verb = from
        .checked_sub(1)
        .and_then(|at| before.get(at))
        .is_some_and(|token| matches!(token.tag, Tag::Verb(_) | Tag::Preposition));
    let things = list.iter().skip_while(|token| joins(token)).any(bare);
    let rest = behind.split(bounds).next().unwrap_or_default();
    let instructed = rest.split(joins).any(|item| {
        item.len() > 1
            && item.first().is_some_and(|token| {
                lexicon::verb(&token.lower).iter().any(|reading| reading.form == Form::Base)
            })
    });
    led_by_verb && things && !instructed
}

/// "the clerks check the form", "drivers hand in the receipts": behind a plural, before an object or a particle with one.
fn base_after_noun(tokens: &[Token], place: usize, tag: Tag) -> Tag {
    const PARTICLES: [&str; 8] = ["in", "out", "over", "back", "up", "off", "on", "down"];
    let tag_at = |at: usize| tokens.get(at).map(|token| token.tag);
    let next = tag_at(place + 1);
    let word = previous_word(tokens, place).unwrap_or_default();
    let objects = matches!(next, Some(Tag::Determiner | Tag::Pronoun));
    let nouns = tokens.get(..place).unwrap_or_default().iter().rev();
    let nouns = nouns.take_while(|t| matches!(t.tag, Tag::Noun | Tag::Adjective | Tag::Determiner));
    let front = place.checked_sub(nouns.count()).and_then(|at| at.checked_sub(1));
    let begins =
        front.and_then(tag_at).is_none_or(|tag| matches!(tag, Tag::Comma | Tag::Stop | Tag::Mark(_)));
    let particle = tokens.get(place + 1).is_some_and(|token| PARTICLES.contains(&token.lower.as_str()))
        && tag_at(place + 2) == Some(Tag::Determiner);
    let ends = matches!(next, None | Some(Tag::Stop | Tag::Comma | Tag::Adverb));
    let people = begins
        && (place == 1 || particle || ends)
        && lexicon::actor(word).is_some()
        && imperative(tokens, place, tag) == tag;
    if word.ends_with('s') && (objects || people) { tag } else { Tag::Noun }
}

fn third_after_noun(tokens: &[Token], place: usize, next: Option<Tag>, tag: Tag) -> Tag {
    let finite_later = tokens.get(place + 1..).unwrap_or_default().iter().take_while(|token| {
        !matches!(token.tag, Tag::Comma | Tag::Stop | Tag::And | Tag::Mark(_) | Tag::Relative | Tag::That)
    });
    let finite_later =
        finite_later.clone().any(|token| matches!(token.tag, Tag::Be | Tag::Modal | Tag::Have));
    let subject = previous_word(tokens, place).is_some_and(|word| lexicon::actor(word).is_some());
    // "payroll processes approved timesheets"
    let qualified = matches!(next, Some(Tag::Verb(Form::Past)))
        && tokens.get(place + 2).is_some_and(|token| token.tag == Tag::Noun);
    // "runs the unit tests": the clause has its verb.
    let since = tokens.get(..place).unwrap_or_default();
    let begun = since
        .iter()
        .rposition(|t| {
            matches!(
                t.tag,
                Tag::Comma
                    | Tag::Stop
                    | Tag::And
                    | Tag::Or
                    | Tag::But
                    | Tag::Mark(_)
                    | Tag::Relative
                    | Tag::That
            )
        })
        .map_or(0, |at| at + 1);
    let has_verb = since.iter().skip(begun).any(|t| matches!(t.tag, Tag::Verb(Form::Third | Form::Base)));
    let bare = !matches!(next, Some(Tag::Determiner | Tag::Pronoun | Tag::Noun));
    if has_verb && !matches!(next, Some(Tag::Determiner | Tag::Pronoun)) {
        return Tag::Noun;
    }
    // "… and the integration tests in parallel": a second thing, not somebody who does something.
    let and = begun.checked_sub(1).and_then(|at| since.get(at)).is_some_and(|t| t.tag == Tag::And);
    let told = since.iter().take(begun).any(|t| matches!(t.tag, Tag::Verb(Form::Third)));
    if and && told && bare && !subject && !is_said_alone(tokens, place) {
        return Tag::Noun;
    }
    // "For high-risk changes, the board …": what a preposition opens and a comma ends holds no verb.
    let earlier = tokens.get(..place).unwrap_or_default();
    let opened = earlier.iter().rposition(|t| matches!(t.tag, Tag::Comma | Tag::Stop)).map_or(0, |at| at + 1);
    let phrase = earlier.get(opened).is_some_and(|token| token.tag == Tag::Preposition)
        && !earlier.iter().skip(opened).any(|token| token.tag == Tag::Determiner);
    if phrase && next == Some(Tag::Comma) {
        return Tag::Noun;
    }
    let open = matches!(
        next,
        None | Some(
            Tag::Preposition
                | Tag::To
                | Tag::And
                | Tag::Comma
                | Tag::Stop
                | Tag::Adverb
                | Tag::Mark(_)
                | Tag::That
        )
    );
    if !finite_later && (subject || open || qualified || !matches!(next, Some(Tag::Verb(_)))) {
        tag
    } else {
        Tag::Noun
    }
}
