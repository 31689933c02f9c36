//! The question at a gateway and the answers on its flows: "order is not complete" is "Order complete?" and "no".

use super::action::capitalised;
use super::lexicon;

/// A question that is answered by yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// As it stands at the gateway.
    pub(super) text: String,
    /// Whether the condition it was made from is the answer "no".
    pub(super) denied: bool,
}

impl Question {
    /// The answer that the condition stands for.
    pub(super) fn held(&self) -> &'static str {
        if self.denied { "no" } else { "yes" }
    }

    /// The other answer.
    pub(super) fn failed(&self) -> &'static str {
        if self.denied { "yes" } else { "no" }
    }
}

/// Turns a condition as it was said into a question in the positive.
pub(super) fn question(condition: &str) -> Question {
    let mut words: Vec<String> = condition.trim_end_matches('?').split(' ').map(str::to_owned).collect();
    let mut denied = false;
    if words.len() > 2 && words.first().is_some_and(|word| word.eq_ignore_ascii_case("there")) {
        words.drain(..2);
        words.push("found".to_owned());
        denied = drop_word(&mut words, &["no", "not"]);
        drop_word(&mut words, &["any", "a", "an"]);
    } else if !condition.contains(" and ") && !condition.contains(" or ") {
        denied = affirm(&mut words);
        copula(&mut words);
    }
    while words.len() > 1
        && words.first().is_some_and(|word| {
            matches!(word.to_lowercase().as_str(), "it" | "they" | "we" | "he" | "she" | "this" | "the")
        })
    {
        words.remove(0);
    }
    Question { text: format!("{}?", capitalised(&words.join(" "))), denied }
}

/// Takes the negation out: "does not work" → "works", "is not complete" → "is complete"; gives whether there was one.
fn affirm(words: &mut Vec<String>) -> bool {
    let Some(place) = words.iter().position(|word| {
        matches!(word.as_str(), "not" | "cannot" | "never") || (word.ends_with("n't") && word.len() > 3)
    }) else {
        return false;
    };
    let word = words.get(place).cloned().unwrap_or_default();
    let before = place.checked_sub(1).and_then(|at| words.get(at)).cloned().unwrap_or_default();
    let does = |word: &str| matches!(word, "does" | "doesn't");
    let shortened = |word: &str| match word {
        "cannot" | "can't" => Some("can"),
        "isn't" => Some("is"),
        "aren't" => Some("are"),
        _ => None,
    };
    if let Some(positive) = shortened(&word) {
        if let Some(word) = words.get_mut(place) {
            positive.clone_into(word);
        }
        return true;
    }
    words.remove(place);
    if matches!(word.as_str(), "doesn't" | "don't") {
        inflect(words, place, does(&word));
    } else if word == "not" && matches!(before.as_str(), "does" | "do") {
        words.remove(place - 1);
        inflect(words, place - 1, does(&before));
    }
    true
}

fn inflect(words: &mut [String], place: usize, third: bool) {
    if let Some(word) = words.get_mut(place).filter(|_| third) {
        *word = lexicon::third(word);
    }
}

/// "order is complete" → "order complete", as gateways are labelled.
fn copula(words: &mut Vec<String>) {
    let place = words.iter().position(|word| matches!(word.as_str(), "is" | "are" | "was" | "were"));
    if let Some(place) = place.filter(|&place| place > 0 && place + 1 < words.len()) {
        words.remove(place);
        // "the alert is a false positive"
        if words.get(place).is_some_and(|word| matches!(word.as_str(), "a" | "an" | "the")) {
            words.remove(place);
        }
    }
}

fn drop_word(words: &mut Vec<String>, which: &[&str]) -> bool {
    let place = words.iter().position(|word| which.contains(&word.as_str()));
    place.map(|place| words.remove(place)).is_some()
}
