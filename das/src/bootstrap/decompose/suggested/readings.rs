//! Readings: a model says an unreadable requirement so that the rules can read it. They read what it wrote, and it may
//! not say more than the requirement does.

use std::collections::{BTreeMap, BTreeSet};

use ontology::model::Requirement;

use super::LEAST_CONFIDENCE;
use crate::bootstrap::decompose::{requirement, subjects};
use crate::bootstrap::ears::{self, Parsed};
use crate::bootstrap::name::{phrase, words};
use crate::bootstrap::read::Source;
use crate::bootstrap::suggestion::{Item, MAX_WORDS_BYTES, Reading, Refusal, Suggestion};

/// Words that a reading may add: they only make a sentence of it. Never a negation.
const FREE: &[&str] = &[
    "the", "a", "an", "shall", "be", "is", "are", "to", "of", "in", "on", "at", "for", "with", "and", "by",
    "have", "has", "provide", "do", "it", "its", "from", "when", "while", "where", "if",
];
/// Two words of one stem begin with the same letters, so many at least.
const STEM: usize = 4;
/// The attribute of a requirement that says who read it.
pub(crate) const READ_BY: &str = "read by";

/// Reads requirements anew by what a model says of them; what is refused stays as it was.
pub(in crate::bootstrap::decompose) fn read(
    system: &str,
    source: &Source,
    parsed: &mut [Parsed],
    requirements: &mut [Requirement],
    suggestions: &[Suggestion],
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if !suggestions.iter().any(|suggestion| matches!(suggestion.item, Item::Reading(_))) {
        return refusals;
    }
    let places: BTreeMap<&str, usize> =
        source.items.iter().enumerate().map(|(place, item)| (item.id.as_str(), place)).collect();
    let mut known: BTreeSet<String> =
        parsed.iter().filter_map(|one| one.subject.as_deref()).map(phrase).collect();
    known.insert(phrase(system));
    for (at, suggestion) in suggestions.iter().enumerate() {
        let Item::Reading(reading) = &suggestion.item else { continue };
        let place = places.get(reading.requirement.trim()).copied();
        let Some(place) = place else {
            refusals.push(Refusal { at, why: format!("there is no requirement '{}'", reading.requirement) });
            continue;
        };
        let (Some(item), Some(before), Some(after)) =
            (source.items.get(place), parsed.get_mut(place), requirements.get_mut(place))
        else {
            continue;
        };
        match anew(reading, &item.text, before, &known) {
            Ok(read) => {
                *before = read;
                *after = requirement(item, before);
                let said = format!("{}, confidence {:.2}", suggestion.by, suggestion.item.confidence());
                after.attributes.insert(READ_BY.to_owned(), said);
            }
            Err(why) => refusals.push(Refusal { at, why }),
        }
    }
    refusals
}

fn anew(reading: &Reading, text: &str, before: &Parsed, known: &BTreeSet<String>) -> Result<Parsed, String> {
    if before.pattern != "unparsed" {
        return Err("the requirement is read already: leave it as it is".to_owned());
    }
    if !(LEAST_CONFIDENCE..=1.0).contains(&reading.confidence) {
        return Err(format!("its confidence is below {LEAST_CONFIDENCE}"));
    }
    let condition = reading.condition.as_deref().unwrap_or_default().trim();
    let (subject, response) = (reading.subject.trim(), reading.response.trim().trim_end_matches('.'));
    if condition.len() + subject.len() + response.len() > text.len() + MAX_WORDS_BYTES {
        return Err("it says more than the requirement does".to_owned());
    }
    let said: BTreeSet<String> = words(text).into_iter().map(|(word, ..)| word).collect();
    let whole = known.contains(&phrase(subject)) || subjects::is_general(&phrase(subject));
    for (what, part) in [("subject", subject), ("condition", condition), ("response", response)] {
        if what == "subject" && whole {
            continue;
        }
        if let Some(word) = words(part).into_iter().map(|(word, ..)| word).find(|word| !is_said(word, &said))
        {
            return Err(format!("its {what} says '{word}', the requirement does not: use its own words"));
        }
    }
    let comma = if condition.is_empty() { "" } else { ", " };
    let mut after = ears::parse(&format!("{condition}{comma}the {subject} shall {response}."));
    if after.pattern == "unparsed" {
        return Err("'[when …,] the <subject> shall <response>' made of it cannot be read".to_owned());
    }
    if !condition.is_empty() && after.condition.is_none() {
        return Err("the condition must begin with when, while, where or if".to_owned());
    }
    // Places of quantities are those in the text as written; only what they bound may be clearer now.
    let clearer = std::mem::take(&mut after.quantities);
    after.quantities.clone_from(&before.quantities);
    for quantity in after.quantities.iter_mut().filter(|quantity| quantity.property.is_none()) {
        let same = clearer.iter().find(|other| other.value == quantity.value && other.unit == quantity.unit);
        quantity.property = same.and_then(|other| other.property.clone());
    }
    after.findings.clone_from(&before.findings);
    Ok(after)
}

fn is_said(word: &str, said: &BTreeSet<String>) -> bool {
    let stem = |other: &String| {
        let (short, long) =
            if word.len() < other.len() { (word, other.as_str()) } else { (other.as_str(), word) };
        short.len() >= STEM && short.chars().all(char::is_alphabetic) && long.starts_with(short)
    };
    FREE.contains(&word) || said.contains(word) || said.iter().any(stem)
}
