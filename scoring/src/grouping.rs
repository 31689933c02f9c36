//! Grouping of equivalent answers: `{"a": 1.0}` and `{ "a": 1 }`, `3.14` and `3.1400001`, "Reject the orders." and
//! "rejects order" are one outcome each.
//!
//! A ladder without any model: equal after trimming and case; equal as JSON, keys sorted and numbers by value; two
//! numbers within a relative tolerance; texts whose sets of word stems overlap (Jaccard) by at least a share. "not"
//! and its kin are words like any other, so that "approve" and "do not approve" stay apart. Each answer joins the
//! first group that takes it, and a group is known by its first answer: the same answers in the same order give the
//! same groups.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::MAX_LABELS;

/// Two numbers are the same where they differ by less than this part of the larger one.
const TOLERANCE: f64 = 1e-6;
/// Two texts are the same where this share of all their stems is in both.
const OVERLAP: f64 = 0.8;
/// Words of an answer that are compared.
const MAX_WORDS: usize = 200;
/// Words that say nothing about what is meant.
const EMPTY_WORDS: [&str; 18] = [
    "a", "an", "the", "is", "are", "be", "was", "were", "to", "of", "in", "on", "it", "this", "that",
    "should", "please", "and",
];

/// What an answer is compared by.
#[derive(Clone, Debug, PartialEq)]
enum Meaning {
    Number(f64),
    Json(Value),
    Words(BTreeSet<String>),
}

/// Groups of answers that mean the same.
#[derive(Clone, Debug, Default)]
pub struct Grouping {
    groups: Vec<(String, Meaning)>,
}

impl Grouping {
    /// The label of the group that an answer belongs to; the answer itself where it begins one. Beyond
    /// [`MAX_LABELS`] groups nothing is grouped any more.
    pub fn label(&mut self, answer: &str) -> String {
        let answer = answer.trim();
        let meaning = Meaning::of(answer);
        if let Some((label, _)) = self.groups.iter().find(|(_, known)| known.is_same(&meaning)) {
            return label.clone();
        }
        if self.groups.len() < MAX_LABELS {
            self.groups.push((answer.to_owned(), meaning));
        }
        answer.to_owned()
    }
}

impl Meaning {
    fn of(answer: &str) -> Self {
        match serde_json::from_str::<Value>(answer) {
            Ok(Value::Number(number)) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Ok(value @ (Value::Object(_) | Value::Array(_) | Value::Bool(_) | Value::Null)) => {
                Self::Json(plain(value))
            }
            Ok(Value::String(text)) => Self::Words(stems(&text)),
            Err(_) => Self::Words(stems(answer)),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => close(*a, *b),
            (Self::Json(a), Self::Json(b)) => same_json(a, b),
            (Self::Words(a), Self::Words(b)) => {
                let (both, either) = (a.intersection(b).count(), a.union(b).count());
                a == b || (either > 0 && both as f64 >= OVERLAP * either as f64)
            }
            _ => false,
        }
    }
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
}

fn same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| close(a, b)),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same_json(value, other)))
        }
        _ => a == b,
    }
}

/// Texts in JSON are compared without case and outer space.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.trim().to_lowercase()),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        other => other,
    }
}

fn stems(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase().replace("n't", " not");
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(MAX_WORDS);
    let all: BTreeSet<String> = words.map(stem).collect();
    let said: BTreeSet<String> =
        all.iter().filter(|word| !EMPTY_WORDS.contains(&word.as_str())).cloned().collect();
    // "It is" means something where nothing else is said.
    if said.is_empty() { all } else { said }
}

/// The word without its commonest English endings; short words stay as they are.
fn stem(word: &str) -> String {
    let mut stem = word.to_owned();
    for (ending, least) in [("ing", 6), ("ed", 5), ("es", 5), ("s", 4)] {
        if word.len() >= least && word.ends_with(ending) && !word.ends_with("ss") {
            stem.truncate(word.len() - ending.len());
            break;
        }
    }
    if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(answers: &[&str]) -> Vec<String> {
        let mut grouping = Grouping::default();
        answers.iter().map(|answer| grouping.label(answer)).collect()
    }

    #[test]
    fn answers_that_mean_the_same_share_the_label_of_the_first() {
        for same in [
            vec!["{\"a\": 1.0, \"b\": [\"X\"]}", "{ \"b\": [\"x \"], \"a\": 1 }"],
            vec!["3.14", "3.1400000001", " 3.14 "],
            vec!["Reject the orders.", "rejects order", "Rejected: order"],
            vec!["approve", "APPROVE", "\"approve\"", "Approved."],
            vec!["it is", "It is!"],
        ] {
            assert!(
                labels(&same).iter().all(|label| *label == same[0].trim()),
                "{same:?}: {:?}",
                labels(&same)
            );
        }
    }

    #[test]
    fn answers_that_differ_stay_apart() {
        for apart in [
            ["approve", "do not approve"],
            ["ship the order", "cancel the order"],
            ["3.14", "3.15"],
            ["0", "1e-9"],
            ["{\"a\": 1}", "{\"a\": 1, \"b\": null}"],
            ["[1, 2]", "[2, 1]"],
            ["1", "true"],
            ["isn't late", "late"],
        ] {
            assert_eq!(labels(&apart), apart, "{apart:?}");
        }
    }
}
