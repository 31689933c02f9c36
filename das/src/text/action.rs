//! From a clause to an action: actor, verb, object, and the label that a person reads.

use super::clause::{Clause, Link, Shape, VerbGroup};
use super::lexicon::{self, ActorSort, Mark};
use super::referent::{Memory, head, is_pronoun, remember, resolve_pronoun};
use super::tag::{Tag, Token};
use crate::tree::Span;

/// Something that is done.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) verb: String,
    pub(super) object: String,
    pub(super) actor: Option<String>,
    pub(super) machine: bool,
    pub(super) span: Span,
    pub(super) confidence: f64,
    /// `may`, `can`.
    pub(super) possible: bool,
}

impl Action {
    /// A wait as long as the words say.
    pub(super) fn wait(words: &str, span: Span) -> Self {
        Self {
            verb: "wait".to_owned(),
            object: words.to_owned(),
            actor: None,
            machine: true,
            span,
            confidence: 0.7,
            possible: false,
        }
    }

    /// What it is done to, without what stands behind a preposition.
    pub(super) fn thing(&self) -> String {
        let words = self.object.split(' ');
        let behind = |word: &&str| {
            !matches!(*word, "to" | "from" | "for" | "with" | "into" | "in" | "on" | "at" | "by")
        };
        words.take_while(behind).collect::<Vec<_>>().join(" ")
    }

    /// What a person reads.
    pub(super) fn label(&self) -> String {
        let text =
            if self.object.is_empty() { self.verb.clone() } else { format!("{} {}", self.verb, self.object) };
        capitalised(&text)
    }
}

/// The same text with a capital first letter.
pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    first + letters.as_str()
}

/// Longest object in a label, in words.
const MAX_OBJECT_WORDS: usize = 8;

/// The action of a clause, if it says that something is done.
pub(super) fn action(tokens: &[Token], clause: &Clause, memory: &mut Memory) -> Option<Action> {
    let group = clause.verb.as_ref()?;
    let subject = subject(tokens, clause, group);
    let antecedent = memory.last_phrase.clone();
    let inherits = clause.link == Link::And || clause.link == Link::Or;
    let passive = group.passive || (inherits && is_left_passive(tokens, group, subject.as_deref(), memory));
    let by = agent(tokens, group.end, clause.to);
    let behind = tokens.get(group.end..clause.to).unwrap_or_default();
    let named_by = passive
        && by.is_some()
        && behind.iter().find(|token| token.tag != Tag::Adverb).is_some_and(|token| token.lower == "by");
    let after = if named_by { &[] } else { object_tokens(tokens, group.end, clause.to) };
    let mut object = phrase(after);
    let said_actor = said_actor(&subject, by.as_deref(), passive, clause, memory);
    if passive {
        // "requirements, which are reviewed by the engineer"
        let relative = antecedent.filter(|_| clause.link == Link::Relative && subject.is_none());
        let patient = relative.as_ref().map_or(&subject, |_| &relative);
        object = with_patient(object, patient, inherits, starts_with_preposition(after), memory);
    }
    // "checks in"
    if let ([particle], true) = (after, object.is_empty())
        && matches!(particle.lower.as_str(), "in" | "out" | "up" | "off" | "over")
    {
        object.clone_from(&particle.lower);
    }
    object = resolve_pronoun(object, memory);
    let mut sort = said_actor.as_deref().map(|name| memory.sort_of(name));
    // "The exchange confirms the execution": what does something to something acts, whatever it is.
    let active = !passive && subject.is_some() && group.shape == Shape::Finite && !group.negated;
    let does = active && !object.is_empty() && !starts_with_preposition(after);
    if matches!(sort, Some(None)) && does && !lexicon::is_state_verb(&group.lemma) {
        let thing = said_actor.as_deref().is_some_and(|name| memory.has_handled(name));
        sort = Some((!thing).then_some(ActorSort::Machine));
    }
    let intransitive_thing = !passive && subject.is_some() && matches!(sort, Some(None)) && object.is_empty();
    let acts = said_actor.as_deref().filter(|_| matches!(sort, Some(Some(_))));
    remember(memory, &subject, acts, sort.flatten(), passive);
    memory.last_phrase = last_phrase(tokens, group.end, clause.to).or_else(|| by.clone());
    let said = Said { subject: subject.as_deref(), after, passive, intransitive_thing };
    // "it" is the contract that was written, not the customer who was called.
    if let Some(thing) =
        said.thing(group).filter(|thing| memory.object.is_none() || lexicon::actor(&head(thing)).is_none())
    {
        memory.object = Some(thing);
    }
    if group.negated || group.shape == Shape::Participle {
        return None;
    }
    // "An approval is needed by the director" asks for something to be done.
    let wanted = passive && matches!(group.lemma.as_str(), "need" | "require") && asks_for_deed(&object);
    if (lexicon::is_state_verb(&group.lemma) && !wanted) || group.lemma == "be" {
        return None;
    }
    // "the order arrives": something happens, nobody does anything.
    if intransitive_thing && !matches!(group.shape, Shape::Imperative) {
        return None;
    }
    let actor = match (&said_actor, sort) {
        (Some(name), Some(Some(_))) => Some(memory.known(name)),
        (Some(name), _) if !passive && subject.is_some() && group.shape == Shape::Finite => {
            // An unknown subject with an object acts all the same, when it looks like a name.
            name.starts_with(char::is_uppercase).then(|| memory.known(name))
        }
        _ if passive => by.as_deref().map(|name| memory.known(name)),
        _ if clause.link == Link::None && group.shape == Shape::Imperative => None,
        _ => memory.actor.clone(),
    };
    let machine = match sort.flatten() {
        Some(sort) => sort == ActorSort::Machine && !is_judgement(&group.lemma),
        None => actor.is_some() && memory.machine && !is_judgement(&group.lemma),
    };
    let confidence = match group.shape {
        Shape::Imperative => 0.9,
        Shape::Finite if passive => 0.8,
        Shape::Finite => 0.85,
        Shape::Infinitive | Shape::Gerund | Shape::Participle => 0.6,
    };
    let span = Span {
        start: tokens.get(clause.from).map_or(0, |token| token.span.start),
        end: tokens.get(clause.to.saturating_sub(1)).map_or(0, |token| token.span.end),
    };
    let verb = if wanted { "obtain".to_owned() } else { group.lemma.clone() };
    let (verb, object) = match moved(&verb, &object, subject.as_deref(), actor.is_some()) {
        Some((verb, object)) => (verb.to_owned(), object),
        None => (verb, without_tail(object)),
    };
    Some(Action { verb, object, actor, machine, span, confidence, possible: group.possible })
}

/// "is checked and sent", "must be notified, a work order opened": what a participle without "is" says is done, too.
fn is_left_passive(tokens: &[Token], group: &VerbGroup, subject: Option<&str>, memory: &Memory) -> bool {
    let object = |next: &Token| matches!(next.tag, Tag::Determiner | Tag::Noun | Tag::Pronoun);
    let thing = subject
        .is_none_or(|name| memory.sort_of(name).is_none() && !tokens.get(group.end).is_some_and(object));
    thing && memory.passive && is_participle(tokens, group) && group.start + 1 == group.end
}

/// What is needed to see what a clause speaks of.
struct Said<'a> {
    subject: Option<&'a str>,
    after: &'a [Token],
    passive: bool,
    intransitive_thing: bool,
}

impl Said<'_> {
    /// The thing that the next "it" means.
    fn thing(&self, group: &VerbGroup) -> Option<String> {
        let pronoun =
            |text: &str| matches!(text, "it" | "they" | "he" | "she" | "them" | "this" | "we" | "i" | "you");
        let subject = self.subject.map(str::to_owned);
        if group.lemma == "be" {
            // "the alert is a false positive" names no other thing, "there are findings" does.
            let there = self.subject.is_some_and(|text| text.eq_ignore_ascii_case("there"));
            return if there { noun_phrase(self.after) } else { subject.filter(|text| !pronoun(text)) };
        }
        let object = !self.passive || self.subject.is_none_or(pronoun);
        if object && !self.intransitive_thing { noun_phrase(self.after) } else { subject }
    }
}

/// "complex claims go to an expert", "rejected lots go back to the supplier": somebody passes them on.
fn moved(verb: &str, object: &str, subject: Option<&str>, acts: bool) -> Option<(&'static str, String)> {
    let thing = subject.filter(|thing| verb == "go" && !is_pronoun(thing))?;
    match object.strip_prefix("back to ") {
        Some(to) => Some(("return", format!("{thing} to {to}"))),
        None if acts => None,
        None => object.starts_with("to ").then(|| ("pass", format!("{thing} {object}"))),
    }
}

/// Without what says nothing new: "sign off on it", "paid right away".
fn without_tail(object: String) -> String {
    const TAILS: [&str; 7] =
        [" on it", " on them", " on this", " right away", " straight away", " at once", " again"];
    TAILS.iter().fold(object, |object, tail| object.strip_suffix(tail).map_or(object.clone(), str::to_owned))
}

/// What only people do: a controller that opens a valve is a machine, one that reviews figures is not.
fn is_judgement(verb: &str) -> bool {
    ["review", "approve", "sign", "decide", "discuss", "negotiate", "agree", "write", "interview"]
        .contains(&verb)
}

/// Who the clause says does it.
fn said_actor(
    subject: &Option<String>,
    by: Option<&str>,
    passive: bool,
    clause: &Clause,
    memory: &Memory,
) -> Option<String> {
    if passive {
        return by.map(str::to_owned);
    }
    match subject {
        Some(text) if matches!(text.to_lowercase().as_str(), "i" | "we") => memory.me.clone(),
        Some(text) => (!is_pronoun(text)).then(|| text.clone()),
        None if clause.link == Link::Relative => memory.last_phrase.clone(),
        None => None,
    }
}

/// In the passive the subject is what something is done to.
fn with_patient(
    object: String,
    subject: &Option<String>,
    inherits: bool,
    beside: bool,
    memory: &Memory,
) -> String {
    let patient = match subject {
        Some(text) if is_pronoun(text) => memory.object.clone(),
        Some(text) => Some(text.clone()),
        None if inherits => memory.subject.clone(),
        None => None,
    };
    match patient {
        Some(patient) if object.is_empty() || beside => join_words(&patient, &object),
        Some(patient) => format!("{patient} {object}"),
        None => object,
    }
}

fn asks_for_deed(object: &str) -> bool {
    let object = object.to_lowercase();
    ["approval", "authorisation", "authorization", "signature", "confirmation", "review", "inspection"]
        .iter()
        .any(|deed| object.contains(deed))
}

fn is_participle(tokens: &[Token], group: &VerbGroup) -> bool {
    tokens.get(group.end - 1).is_some_and(|token| token.tag == Tag::Verb(lexicon::Form::Past))
}

/// Words of the subject: the noun phrase right before the verb.
fn subject(tokens: &[Token], clause: &Clause, group: &VerbGroup) -> Option<String> {
    let mut words: Vec<&Token> = Vec::new();
    for token in tokens.get(clause.from..group.start)?.iter() {
        match token.tag {
            // "The clerk then checks …"
            Tag::Mark(Mark::Then) if !words.is_empty() => {}
            Tag::Comma | Tag::Stop | Tag::Mark(_) | Tag::Relative => words.clear(),
            Tag::And | Tag::Or | Tag::But if words.is_empty() => {}
            Tag::Adverb | Tag::Not => {}
            // "In the warehouse the clerk …" and "the manager of the bank": keep the first noun phrase.
            Tag::Preposition | Tag::To if words.is_empty() => {
                return rest_after_preposition(tokens, clause, group);
            }
            _ => words.push(token),
        }
    }
    let text = cut_at_preposition(&words);
    (!text.is_empty()).then(|| inside_a_sentence(text, &words, tokens))
}

/// A subject without the capital that only the beginning of its sentence gave it.
fn inside_a_sentence(text: String, words: &[&Token], tokens: &[Token]) -> String {
    let opens =
        words.first().zip(tokens.first()).is_some_and(|(word, first)| word.span.start == first.span.start);
    let word = text.split(' ').next().unwrap_or_default();
    let plain = word.chars().skip(1).all(|c| c.is_lowercase() || c == '-') && word.len() > 1;
    let name = words.first().is_some_and(|word| lexicon::actor(&word.lower).is_some());
    if !opens || !plain || name {
        return text;
    }
    let mut letters = text.chars();
    let first: String = letters.next().map(|c| c.to_lowercase().collect()).unwrap_or_default();
    first + letters.as_str()
}

/// `In this office the clerk checks`: the last noun phrase before the verb that begins with a determiner.
fn rest_after_preposition(tokens: &[Token], clause: &Clause, group: &VerbGroup) -> Option<String> {
    let part = tokens.get(clause.from..group.start)?;
    let start =
        part.iter().rposition(|token| matches!(token.tag, Tag::Determiner | Tag::Comma | Tag::Pronoun))?;
    let words: Vec<&Token> = part.get(start..)?.iter().filter(|token| token.tag != Tag::Comma).collect();
    let text = cut_at_preposition(&words);
    (!text.is_empty()).then_some(text)
}

fn cut_at_preposition(words: &[&Token]) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for token in words {
        match token.tag {
            Tag::Determiner => {}
            Tag::Preposition if token.lower == "of" && !kept.is_empty() => kept.push(&token.text),
            Tag::Preposition | Tag::To | Tag::Verb(_) => break,
            _ => kept.push(&token.text),
        }
    }
    let text = kept.join(" ");
    // "one of the clerks"
    text.trim_end_matches(" of").to_owned()
}

/// Tokens that can belong to the object: up to where something else begins.
fn object_tokens(tokens: &[Token], from: usize, to: usize) -> &[Token] {
    let part = tokens.get(from..to).unwrap_or_default();
    let mut end = 0;
    let mut nouns = 0;
    for (place, token) in part.iter().enumerate() {
        let stop = match token.tag {
            Tag::Comma | Tag::Stop | Tag::Relative => {
                // A list of things goes on behind a comma.
                !(token.tag == Tag::Comma && nouns > 0 && is_list(part, place + 1))
            }
            Tag::Mark(Mark::Each) => true,
            Tag::Determiner if token.lower == "every" => {
                nouns > 0 || part.get(place + 1).is_some_and(|next| super::duration::is_unit(&next.lower))
            }
            Tag::Number => is_later(part, place),
            Tag::Mark(Mark::Whether) => false,
            Tag::Mark(_) => true,
            Tag::To => {
                part.get(place + 1).is_some_and(|next| matches!(next.tag, Tag::Verb(_) | Tag::Be))
                    && nouns > 0
            }
            Tag::Preposition => match token.lower.as_str() {
                "of" | "to" | "into" | "against" | "for" | "about" | "with" | "on" | "from" => nouns > 5,
                "within" => nouns > 0 && part.get(place + 1).is_none_or(|next| next.tag != Tag::Number),
                "by" | "via" | "during" | "using" | "per" | "as" | "in" | "at" | "through" | "over" => {
                    nouns > 0
                }
                _ => nouns > 3,
            },
            Tag::That => true,
            Tag::And | Tag::Or => nouns == 0,
            _ => false,
        };
        if stop {
            break;
        }
        if matches!(token.tag, Tag::Noun | Tag::Adjective | Tag::Number | Tag::Verb(_)) {
            nouns += 1;
        }
        end = place + 1;
    }
    part.get(..end).unwrap_or_default()
}

/// Whether behind a comma stands another thing of a list that ends in "and".
fn is_list(part: &[Token], from: usize) -> bool {
    let rest = part.get(from..).unwrap_or_default();
    let mut at = 0;
    while let Some(token) = rest.get(at) {
        match token.tag {
            Tag::Noun | Tag::Adjective | Tag::Determiner | Tag::Number => at += 1,
            Tag::And | Tag::Or | Tag::Comma => return at > 0 || token.tag == Tag::And,
            _ => return false,
        }
        if at > 5 {
            return false;
        }
    }
    false
}

/// The words of a label: without articles and adverbs.
fn phrase(tokens: &[Token]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for token in tokens {
        if words.len() >= MAX_OBJECT_WORDS {
            break;
        }
        match token.tag {
            Tag::Determiner if token.lower == "another" => words.push(&token.text),
            Tag::Determiner | Tag::Adverb | Tag::Not => {}
            Tag::Comma => {
                if let Some(last) = words.last_mut() {
                    *last = last.trim_end_matches(',');
                }
                words.push(",");
            }
            _ => words.push(&token.text),
        }
    }
    while words.last().is_some_and(|word| {
        matches!(
            word.to_lowercase().as_str(),
            "," | "and" | "or" | "of" | "to" | "for" | "with" | "from" | "on" | "in" | "as" | "by" | "out"
        )
    }) {
        words.pop();
    }
    words.join(" ").replace(" ,", ",")
}

fn starts_with_preposition(tokens: &[Token]) -> bool {
    tokens.first().is_none_or(|token| matches!(token.tag, Tag::Preposition | Tag::To | Tag::Adverb))
}

/// The noun phrase at the beginning of the object.
fn noun_phrase(tokens: &[Token]) -> Option<String> {
    let leads = |token: &&Token| matches!(token.lower.as_str(), "for" | "about" | "on" | "at" | "through");
    let lead = tokens.iter().take_while(leads).count();
    let tokens = tokens.get(lead..).unwrap_or_default();
    let end = tokens
        .iter()
        .position(|token| matches!(token.tag, Tag::Preposition | Tag::To | Tag::Comma) && token.lower != "of")
        .unwrap_or(tokens.len());
    // "bake it for 35 minutes": a span of time is no thing.
    let time = tokens.first().is_some_and(|token| token.tag == Tag::Number)
        && tokens.get(1).is_some_and(|token| super::duration::is_unit(&token.lower));
    let text = phrase(tokens.get(..end)?);
    let pronoun = matches!(text.as_str(), "it" | "them" | "him" | "her" | "this" | "");
    (!pronoun && !time).then_some(text)
}

/// Who does it in the passive: `by the clerk`.
fn agent(tokens: &[Token], from: usize, to: usize) -> Option<String> {
    let part = tokens.get(from..to)?;
    let by = part.iter().position(|token| token.lower == "by")?;
    let words: Vec<&Token> = part
        .get(by + 1..)?
        .iter()
        .take_while(|token| {
            matches!(token.tag, Tag::Determiner | Tag::Noun | Tag::Adjective) || token.lower == "of"
        })
        .collect();
    let name = cut_at_preposition(&words);
    let acts = lexicon::actor(&head(&name)).is_some();
    // "by the call centre" is somebody, "by the deadline" and "by e-mail" are not.
    let somebody = words.first().is_some_and(|token| token.tag == Tag::Determiner) && !is_means(&head(&name));
    (!name.is_empty() && (acts || somebody)).then_some(name)
}

/// Whether "by the …" with this noun says when or how, not who.
fn is_means(noun: &str) -> bool {
    const MEANS: [&str; 26] = [
        "deadline",
        "date",
        "end",
        "start",
        "time",
        "mail",
        "e-mail",
        "email",
        "post",
        "phone",
        "fax",
        "letter",
        "hand",
        "rule",
        "rules",
        "method",
        "formula",
        "means",
        "way",
        "process",
        "procedure",
        "policy",
        "threshold",
        "limit",
        "amount",
        "number",
    ];
    super::duration::is_unit(noun) || MEANS.contains(&noun) || noun.ends_with("day")
}

fn last_phrase(tokens: &[Token], from: usize, to: usize) -> Option<String> {
    let part = tokens.get(from..to)?;
    let end = part.iter().rposition(|token| token.tag == Tag::Noun)? + 1;
    let start = part
        .get(..end)?
        .iter()
        .rposition(|token| {
            !matches!(token.tag, Tag::Noun | Tag::Adjective | Tag::Number) && token.lower != "of"
        })
        .map_or(0, |place| place + 1);
    Some(phrase(part.get(start..end)?))
}

pub(super) fn join_words(one: &str, other: &str) -> String {
    if other.is_empty() { one.to_owned() } else { format!("{one} {other}") }
}

/// "two days later": when, not what.
fn is_later(part: &[Token], place: usize) -> bool {
    part.get(place + 1).is_some_and(|unit| super::duration::is_unit(&unit.lower))
        && part.get(place + 2).is_some_and(|token| token.lower == "later")
}
