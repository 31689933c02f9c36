//! Clauses of a sentence: which verb, who does it, to what, and how the clause hangs on the others.

use super::lexicon::{self, Form, Mark};
use super::tag::{Tag, Token};

/// How a clause is joined to what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// It is the first, or begins anew.
    None,
    And,
    Or,
    /// `, who checks …`.
    Relative,
    /// `the form that describes …`: says which thing is meant, not what is done.
    Restrictive,
}

/// A clause.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub(super) link: Link,
    /// The marks before its verb, in order: `otherwise`, `if`, …
    pub(super) marks: Vec<Mark>,
    /// Places of all its tokens in the sentence.
    pub(super) from: usize,
    pub(super) to: usize,
    /// Its verb, if it has one.
    pub(super) verb: Option<VerbGroup>,
}

/// A verb with its auxiliaries.
#[derive(Clone, Debug)]
pub(super) struct VerbGroup {
    pub(super) start: usize,
    /// One past the main verb.
    pub(super) end: usize,
    pub(super) lemma: String,
    pub(super) shape: Shape,
    pub(super) passive: bool,
    pub(super) negated: bool,
    /// `can`, `may`: it could happen.
    pub(super) possible: bool,
}

/// Shapes of a verb group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Finite,
    /// Base form without subject: an instruction.
    Imperative,
    Infinitive,
    Gerund,
    /// `submitted by …` behind a noun.
    Participle,
}

/// Cuts a sentence into clauses.
pub(super) fn clauses(tokens: &[Token]) -> Vec<Clause> {
    let mut cuts: Vec<(usize, Link)> = vec![(0, Link::None)];
    let mut has_verb = false;
    let mut place = 0;
    while place < tokens.len() {
        let Some(token) = tokens.get(place) else { break };
        let cut = match token.tag {
            Tag::Stop => Some(Link::None),
            Tag::Mark(mark)
                if !matches!(
                    mark,
                    Mark::Each | Mark::Then | Mark::Parallel | Mark::Beside | Mark::Example
                ) =>
            {
                (place > last(&cuts)).then_some(Link::None)
            }
            Tag::Mark(Mark::Then | Mark::Parallel | Mark::Beside)
                if has_verb && begins_clause(tokens, place + 1) =>
            {
                Some(Link::And)
            }
            Tag::Mark(Mark::Example) => Some(Link::Restrictive),
            Tag::Relative => {
                let comma =
                    place.checked_sub(1).and_then(|at| tokens.get(at)).is_some_and(|t| t.tag == Tag::Comma);
                Some(if comma || tells_on(tokens, place) { Link::Relative } else { Link::Restrictive })
            }
            Tag::That if verb_group(tokens, place + 1).is_some() || follows_verb(tokens, place) => {
                Some(Link::Restrictive)
            }
            Tag::Comma | Tag::And | Tag::Or | Tag::But
                if has_verb || ends_opening(tokens, last(&cuts), place) =>
            {
                let next = skip_joiners(tokens, place);
                begins_clause(tokens, next).then(|| {
                    let or = tokens.get(place..next).unwrap_or_default().iter().any(|t| t.tag == Tag::Or);
                    if or { Link::Or } else { Link::And }
                })
            }
            _ => None,
        };
        if let Some(link) = cut {
            if place == last(&cuts) {
                if let Some(entry) = cuts.last_mut().filter(|entry| entry.1 == Link::None) {
                    entry.1 = link;
                }
            } else {
                cuts.push((place, link));
            }
            has_verb = false;
            if matches!(token.tag, Tag::Comma | Tag::And | Tag::Or | Tag::But) {
                place = skip_joiners(tokens, place);
                continue;
            }
        }
        if let Some(group) = verb_group(tokens, place) {
            has_verb = true;
            place = group.end.max(place + 1);
            continue;
        }
        place += 1;
    }
    let mut found = Vec::with_capacity(cuts.len());
    for (index, &(from, link)) in cuts.iter().enumerate() {
        let to = cuts.get(index + 1).map_or(tokens.len(), |next| next.0);
        if from < to {
            found.push(clause(tokens, from, to, link));
        }
    }
    found
}

/// "an expert who writes a report": of somebody new, "who" tells what is done next; of "the customer who pays", which one.
fn tells_on(tokens: &[Token], place: usize) -> bool {
    let Some(before) = tokens.get(..place) else { return false };
    let noun = before.iter().rev().take_while(|t| matches!(t.tag, Tag::Noun | Tag::Adjective)).count();
    let opener = before.len().checked_sub(noun + 1).and_then(|at| before.get(at));
    let indefinite = opener.is_some_and(|t| matches!(t.lower.as_str(), "a" | "an" | "another"));
    let deed = verb_group(tokens, place + 1).is_some_and(|group| {
        let third = tokens.get(group.end - 1).is_some_and(|t| t.tag == Tag::Verb(Form::Third));
        group.start == place + 1 && third && !lexicon::is_state_verb(&group.lemma)
    });
    noun > 0 && indefinite && deed && tokens.get(place).is_some_and(|t| t.lower == "who")
}

/// "In case of an error, …", "If the stock is low, …": the comma ends what a mark opened, with or without a verb.
fn ends_opening(tokens: &[Token], from: usize, place: usize) -> bool {
    let comma = tokens.get(place).is_some_and(|token| token.tag == Tag::Comma);
    let opens = |mark: Mark| {
        matches!(
            mark,
            Mark::If
                | Mark::Unless
                | Mark::When
                | Mark::While
                | Mark::Before
                | Mark::After
                | Mark::Until
                | Mark::Because
        )
    };
    comma && tokens.get(from).is_some_and(|token| matches!(token.tag, Tag::Mark(mark) if opens(mark)))
}

fn last(cuts: &[(usize, Link)]) -> usize {
    cuts.last().map_or(0, |cut| cut.0)
}

fn skip_joiners(tokens: &[Token], from: usize) -> usize {
    let joiner = |tag: Tag| {
        matches!(tag, Tag::Comma | Tag::And | Tag::Or | Tag::But | Tag::Adverb | Tag::Mark(Mark::Then))
    };
    let run = tokens.get(from..).unwrap_or_default().iter().take_while(|token| joiner(token.tag)).count();
    from + run
}

fn follows_verb(tokens: &[Token], place: usize) -> bool {
    place.checked_sub(1).and_then(|at| tokens.get(at)).is_some_and(|token| matches!(token.tag, Tag::Verb(_)))
}

/// Whether a clause of its own begins here: a verb, or a noun phrase followed by a finite verb.
fn begins_clause(tokens: &[Token], place: usize) -> bool {
    if let Some(group) = verb_group(tokens, place) {
        return group.start == place || group.shape == Shape::Finite;
    }
    let mut at = place;
    while let Some(token) = tokens.get(at) {
        match token.tag {
            Tag::Determiner | Tag::Adjective | Tag::Noun | Tag::Number | Tag::Pronoun | Tag::Adverb => {
                at += 1
            }
            Tag::Preposition
                if at > place && matches!(token.lower.as_str(), "of" | "in" | "for" | "from") =>
            {
                at += 1
            }
            Tag::And | Tag::Or if at > place => at += 1,
            _ => break,
        }
        if at > place + 12 {
            return false;
        }
    }
    at > place
        && verb_group(tokens, at).is_some_and(|group| group.start == at && group.shape == Shape::Finite)
}

/// The verb group that begins exactly here.
pub(super) fn verb_group(tokens: &[Token], start: usize) -> Option<VerbGroup> {
    let first = tokens.get(start)?;
    let mut at = start;
    let mut group = VerbGroup {
        start,
        end: start + 1,
        lemma: String::new(),
        shape: Shape::Finite,
        passive: false,
        negated: false,
        possible: matches!(first.lower.as_str(), "can" | "may" | "might" | "could"),
    };
    let mut be = false;
    let mut auxiliary = false;
    match first.tag {
        Tag::Modal | Tag::Be | Tag::Have | Tag::Do => {}
        Tag::To => group.shape = Shape::Infinitive,
        Tag::Verb(form) => group.shape = shape_alone(tokens, start, form),
        _ => return None,
    }
    while let Some(token) = tokens.get(at) {
        match token.tag {
            Tag::Modal | Tag::Do | Tag::Have => auxiliary = true,
            Tag::Be => {
                be = true;
                auxiliary = true;
            }
            Tag::To if at == start || auxiliary => {}
            Tag::Not => group.negated = true,
            Tag::Adverb | Tag::Mark(Mark::Then | Mark::Parallel) if at > start => {}
            Tag::Verb(form) => {
                if at > start && group.shape == Shape::Infinitive && form != Form::Base && !be {
                    return None;
                }
                group.passive = be && form == Form::Past;
                group.lemma.clone_from(&token.lemma);
                group.end = at + 1;
                return Some(chain(tokens, group));
            }
            _ => break,
        }
        group.negated |= token.lower.ends_with("n't") || token.lower == "cannot";
        at += 1;
    }
    responsible(tokens, at, &group).or_else(|| {
        if group.shape == Shape::Infinitive && !be {
            return None;
        }
        if !auxiliary {
            return None;
        }
        group.lemma = if be { "be" } else { "have" }.to_owned();
        group.end = at;
        Some(group)
    })
}

fn shape_alone(tokens: &[Token], place: usize, form: Form) -> Shape {
    let previous = tokens
        .get(..place)
        .unwrap_or_default()
        .iter()
        .rev()
        .map(|token| token.tag)
        .find(|tag| !matches!(tag, Tag::Adverb | Tag::Not));
    match form {
        Form::Gerund => Shape::Gerund,
        Form::Third => Shape::Finite,
        Form::Base => match previous {
            Some(Tag::Noun | Tag::Pronoun | Tag::Relative) => Shape::Finite,
            _ => Shape::Imperative,
        },
        Form::Past => {
            let by = tokens.get(place + 1).is_some_and(|token| token.lower == "by");
            let noun = matches!(previous, Some(Tag::Noun));
            let finite_later = tokens.get(place + 1..).unwrap_or_default().iter().take_while(|token| {
                !matches!(token.tag, Tag::Comma | Tag::Stop | Tag::Mark(_) | Tag::Relative)
            });
            let finite_later = finite_later
                .clone()
                .any(|token| matches!(token.tag, Tag::Be | Tag::Modal | Tag::Have | Tag::Verb(Form::Third)));
            if noun && (by || finite_later) { Shape::Participle } else { Shape::Finite }
        }
    }
}

/// `needs to check`, `is asked to check`, `starts checking`: the verb behind counts.
fn chain(tokens: &[Token], group: VerbGroup) -> VerbGroup {
    let hands_over = lexicon::is_catenative(&group.lemma)
        || (group.passive
            && ["ask", "instruct", "request", "tell", "suppose"].contains(&group.lemma.as_str()));
    if !hands_over {
        return group;
    }
    let mut at = group.end;
    while tokens
        .get(at)
        .is_some_and(|token| matches!(token.tag, Tag::Adverb) || token.lower == "by" || token.lower == "with")
    {
        at += 1;
    }
    match verb_group(tokens, at) {
        Some(inner) if matches!(inner.shape, Shape::Infinitive | Shape::Gerund) => VerbGroup {
            start: group.start,
            shape: group.shape,
            negated: group.negated || inner.negated,
            possible: group.possible,
            ..inner
        },
        _ => group,
    }
}

/// `is responsible for checking`, `is in charge of checking`.
fn responsible(tokens: &[Token], at: usize, group: &VerbGroup) -> Option<VerbGroup> {
    let word = tokens.get(at)?.lower.as_str();
    let skip = match word {
        "responsible" => 2,
        "in" if tokens.get(at + 1)?.lower == "charge" => 3,
        "able" | "ready" => 1,
        _ => return None,
    };
    let inner = verb_group(tokens, at + skip)?;
    matches!(inner.shape, Shape::Gerund | Shape::Infinitive).then_some(VerbGroup {
        start: group.start,
        shape: group.shape,
        negated: group.negated,
        possible: group.possible,
        ..inner
    })
}

fn clause(tokens: &[Token], from: usize, to: usize, link: Link) -> Clause {
    let mut marks = Vec::new();
    let mut verb: Option<VerbGroup> = None;
    let mut at = from;
    let part = tokens.get(..to).unwrap_or_default();
    while at < to {
        if let Some(Token { tag: Tag::Mark(mark), .. }) = tokens.get(at) {
            marks.push(*mark);
        }
        if let Some(group) = verb_group(part, at) {
            let better = match &verb {
                None => true,
                // A finite verb is the verb of its clause; what stood before belongs to the subject.
                Some(found) => {
                    !matches!(found.shape, Shape::Finite | Shape::Imperative) && group.shape == Shape::Finite
                }
            };
            let purpose = group.shape == Shape::Participle
                || (group.shape == Shape::Gerund && after_preposition(part, at));
            at = group.end;
            if better && (!purpose || verb.is_none()) {
                verb = Some(group);
            }
            continue;
        }
        at += 1;
    }
    Clause { link, marks, from, to, verb }
}

fn after_preposition(tokens: &[Token], place: usize) -> bool {
    place.checked_sub(1).and_then(|at| tokens.get(at)).is_some_and(|token| token.tag == Tag::Preposition)
}
