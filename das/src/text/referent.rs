//! Who and what is meant: pronouns, short names, and what was named last.

use super::action::{capitalised, join_words};
use super::lexicon::{self, ActorSort};

/// What was said last, for pronouns and for what is left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub(super) actor: Option<String>,
    pub(super) machine: bool,
    pub(super) object: Option<String>,
    /// Subject of the clause before, as written.
    pub(super) subject: Option<String>,
    /// The clause before was in the passive.
    pub(super) passive: bool,
    /// Last noun phrase of the clause before, for `, who …`.
    pub(super) last_phrase: Option<String>,
    /// Who says "I" or "we": "As a quality engineer I inspect lots".
    pub(super) me: Option<String>,
    /// Everybody who did something so far, as lanes are named, and whether they are machines.
    pub(super) actors: Vec<(String, bool)>,
}

pub(super) fn is_pronoun(text: &str) -> bool {
    matches!(
        text,
        "it" | "they"
            | "he"
            | "she"
            | "them"
            | "this"
            | "we"
            | "i"
            | "you"
            | "It"
            | "They"
            | "He"
            | "She"
            | "We"
            | "I"
            | "You"
            | "This"
            | "there"
            | "There"
    )
}

/// "sends it to the bank": what was named last.
pub(super) fn resolve_pronoun(object: String, memory: &Memory) -> String {
    let first = object.split(' ').next().unwrap_or_default();
    if !matches!(first, "it" | "them" | "they" | "him" | "her" | "this" | "these") {
        return object;
    }
    let rest = object.get(first.len()..).unwrap_or_default().trim().to_owned();
    memory.object.as_ref().map_or(rest.clone(), |last| join_words(last, &rest))
}

pub(super) fn remember(
    memory: &mut Memory,
    subject: &Option<String>,
    actor: Option<&str>,
    sort: Option<ActorSort>,
    passive: bool,
) {
    if let Some(name) = actor {
        let (name, machine) = (memory.known(name), sort == Some(ActorSort::Machine));
        if !memory.actors.iter().any(|(known, _)| *known == name) {
            memory.actors.push((name.clone(), machine));
        }
        memory.actor = Some(name);
        memory.machine = machine;
    }
    match subject.as_deref() {
        Some(text) if is_pronoun(text) && memory.object.is_some() => {
            memory.subject.clone_from(&memory.object)
        }
        Some(_) => memory.subject.clone_from(subject),
        None => {}
    }
    memory.passive = passive;
}

impl Memory {
    /// An actor as a lane is named; "the officer" is the loan officer named before, "the best applicants" are applicants.
    pub(super) fn known(&self, name: &str) -> String {
        let name = capitalised(name.trim());
        let lower = name.to_lowercase();
        let mut meant = self.actors.iter().filter(|(known, _)| {
            let known = known.to_lowercase();
            lexicon::singular(&known) == lexicon::singular(&lower)
                || known.ends_with(&format!(" {lower}"))
                || lower.strip_suffix(&known).is_some_and(only_qualifies)
        });
        match (meant.next(), meant.next()) {
            (Some((one, _)), None) => one.clone(),
            _ => name,
        }
    }

    /// What sort of actor a name is; who did something before still can.
    pub(super) fn sort_of(&self, name: &str) -> Option<ActorSort> {
        if name == "IT" {
            return Some(ActorSort::Person);
        }
        let known = self.known(name);
        let sort = |machine: bool| if machine { ActorSort::Machine } else { ActorSort::Person };
        let before = self.actors.iter().find(|(other, _)| *other == known).map(|&(_, machine)| sort(machine));
        before.or_else(|| lexicon::actor(&head(name)))
    }

    /// Whether something was done to it before, which makes it a thing.
    pub(super) fn has_handled(&self, name: &str) -> bool {
        self.object.as_deref().is_some_and(|object| head(object) == head(name))
    }
}

/// "best ", "responsible ": says which one of those that were named.
fn only_qualifies(front: &str) -> bool {
    let words: Vec<&str> = front.split_whitespace().collect();
    !words.is_empty()
        && front.ends_with(' ')
        && words.iter().all(|word| {
            word.ends_with("est")
                || matches!(*word, "responsible" | "same" | "first" | "selected" | "other" | "new")
        })
}

/// The noun that decides what a name is: the last one before "of".
pub(super) fn head(name: &str) -> String {
    let lower = name.to_lowercase();
    let front = lower.split(" of ").next().unwrap_or_default();
    front.split(' ').next_back().unwrap_or_default().trim_end_matches("'s").to_owned()
}
