//! Grouping of equivalent answers: `{"a": 1.0}` and `{ "a": 1 }`, `3.14` and `3.1400001`, "Reject the orders." and
//! "rejects order" are one outcome each; with vectors of their texts also "send it back" and "return the parcel".
//!
//! | two answers | how alike they are |
//! | --- | --- |
//! | numbers | 1 within a relative tolerance, else 0 |
//! | JSON | 1 where equal by value, whatever the order of keys, else 0 |
//! | texts | the share of all their word stems that is in both (Jaccard) |
//! | texts with vectors | 1 where four fifths of the stems are the same, else the cosine of the vectors; 0 where only one of them has a negation, or where they name different numbers: vectors blur both |
//!
//! Groups are those of complete linkage: beginning with each answer by itself, the two groups whose *least* alike
//! members are most alike are joined, as long as these are alike enough. So any two answers of a group are; nothing is
//! drawn in by a chain of small steps. Ties are broken by the texts themselves, and a group is named by its most
//! frequent answer (then the shortest, then by alphabet): the order in which answers came changes nothing.
//!
//! Source: Sørensen 1948 (complete linkage); Kuhn, Gal and Farquhar 2023 (answers counted by meaning).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, MAX_LABELS};

/// Two numbers are the same where they differ by less than this part of the larger one.
const TOLERANCE: f64 = 1e-6;
/// Two texts are the same where this share of all their stems is in both.
const OVERLAP: f64 = 0.8;
/// Words of an answer that are compared.
const MAX_WORDS: usize = 200;
/// Different answers that are grouped, the most frequent ones first; each further one is a group by itself. Grouping
/// takes time with the cube of it.
const MAX_GROUPED: usize = 200;
/// Words that turn a text into its opposite, as stems.
const NEGATIONS: [&str; 8] = ["not", "no", "never", "cannot", "without", "neither", "nor", "none"];
/// Words that say nothing about what is meant.
const EMPTY_WORDS: [&str; 18] = [
    "a", "an", "the", "is", "are", "be", "was", "were", "to", "of", "in", "on", "it", "this", "that",
    "should", "please", "and",
];

/// By what answers were grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupedBy {
    /// By value and by the stems of their words.
    Words,
    /// By these, and by the vectors of an embedding model.
    Embeddings,
}

/// What an answer is compared by.
#[derive(Clone, Debug, PartialEq)]
enum Meaning {
    Number(f64),
    Json(Value),
    Words(BTreeSet<String>),
}

/// An answer with how often it came.
#[derive(Clone, Debug)]
struct Answer {
    meaning: Meaning,
    count: u64,
    /// Of length 1; none where the text has no vector.
    vector: Option<Vec<f32>>,
}

/// Answers of which those that mean the same are one outcome.
#[derive(Clone, Debug, Default)]
pub struct Grouping {
    answers: BTreeMap<String, Answer>,
    /// The cosine from which on two vectors mean the same; none: no vectors are used.
    similarity: Option<f64>,
}

/// Answers that mean the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What the group is called: its most frequent answer.
    pub label: String,
    /// The answers in it, by alphabet.
    pub answers: Vec<String>,
}

impl Grouping {
    /// By value and by words alone.
    #[must_use]
    pub fn by_words() -> Self {
        Self::default()
    }

    /// By vectors as well: two texts mean the same where the cosine of their vectors is at least `similarity`.
    ///
    /// # Errors
    /// `SCORING-0002` for a similarity that is not above 0 and at most 1.
    pub fn by_embeddings(similarity: f64) -> Result<Self, Error> {
        if !(similarity > 0.0 && similarity <= 1.0) {
            return Err(Error::Stop(format!(
                "similarity must lie above 0 and at most at 1, not {similarity}"
            )));
        }
        Ok(Self { similarity: Some(similarity), ..Self::default() })
    }

    /// By what it groups.
    #[must_use]
    pub fn by(&self) -> GroupedBy {
        if self.similarity.is_some() { GroupedBy::Embeddings } else { GroupedBy::Words }
    }

    /// The cosine from which on two vectors mean the same; none where vectors are not used.
    #[must_use]
    pub fn similarity(&self) -> Option<f64> {
        self.similarity
    }

    /// Goes on by words alone, also for the answers before.
    pub fn leave_vectors(&mut self) {
        self.similarity = None;
    }

    /// Counts one more of an answer.
    pub fn add(&mut self, answer: &str) {
        let answer = answer.trim();
        let known = self.answers.entry(answer.to_owned());
        known.or_insert_with(|| Answer { meaning: Meaning::of(answer), count: 0, vector: None }).count += 1;
    }

    /// The texts that still need a vector, by alphabet; none where vectors are not used. At most [`MAX_LABELS`] texts
    /// get one.
    #[must_use]
    pub fn without_vector(&self) -> Vec<String> {
        let texts = self.answers.iter().filter(|(_, answer)| matches!(answer.meaning, Meaning::Words(_)));
        let places = MAX_LABELS - self.answers.values().filter(|answer| answer.vector.is_some()).count();
        let missing = texts.filter(|(_, answer)| self.similarity.is_some() && answer.vector.is_none());
        missing.map(|(text, _)| text.clone()).take(places).collect()
    }

    /// Takes the vector of an answer; one without length or with numbers that are not finite says nothing and is left.
    pub fn place(&mut self, answer: &str, vector: &[f32]) {
        let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
        if let Some(known) = self.answers.get_mut(answer).filter(|_| length.is_finite() && length > 0.0) {
            #[expect(clippy::cast_possible_truncation, reason = "vectors are kept in single precision")]
            let unit = vector.iter().map(|x| (f64::from(*x) / length) as f32).collect();
            known.vector = Some(unit);
        }
    }

    /// The groups, by the alphabet of their first answers.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        let mut known: Vec<(&String, &Answer)> = self.answers.iter().collect();
        known.sort_by_key(|(text, answer)| (Reverse(answer.count), *text));
        let alone = known.split_off(known.len().min(MAX_GROUPED));
        known.sort_by_key(|(text, _)| *text);
        let mut groups: Vec<Group> = self.linked(&known).into_iter().map(|members| group(&members)).collect();
        groups.extend(alone.into_iter().map(|one| group(&[one])));
        groups.sort_by(|a, b| a.answers.cmp(&b.answers));
        groups
    }

    /// The label of each answer so far.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        let named = self.groups().into_iter().map(|group| (group.label, group.answers));
        named
            .flat_map(|(label, answers)| answers.into_iter().map(move |answer| (answer, label.clone())))
            .collect()
    }

    /// Complete linkage over answers in alphabetical order: each round joins the two groups that are most alike.
    fn linked<'a>(&self, known: &[(&'a String, &'a Answer)]) -> Vec<Vec<(&'a String, &'a Answer)>> {
        let enough = self.similarity.unwrap_or(OVERLAP);
        let mut groups: Vec<Vec<(&String, &Answer)>> = known.iter().map(|one| vec![*one]).collect();
        let mut alike: Vec<Vec<f64>> =
            known.iter().map(|(_, a)| known.iter().map(|(_, b)| self.alikeness(a, b)).collect()).collect();
        loop {
            let mut best: Option<(usize, usize, f64)> = None;
            for (first, row) in alike.iter().enumerate() {
                for (second, alike) in row.iter().enumerate().skip(first + 1) {
                    if *alike >= enough && best.is_none_or(|(.., most)| *alike > most) {
                        best = Some((first, second, *alike));
                    }
                }
            }
            let Some((first, second, _)) = best else { return groups };
            let joined = groups.remove(second);
            groups[first].extend(joined);
            let other = alike.remove(second);
            for (place, row) in alike.iter_mut().enumerate() {
                let was = row.remove(second);
                // As alike as the least alike two of them.
                if place != first {
                    row[first] = row[first].min(was);
                }
            }
            for (place, least) in other.into_iter().enumerate().filter(|(place, _)| *place != second) {
                let place = if place > second { place - 1 } else { place };
                if place != first {
                    alike[first][place] = alike[first][place].min(least);
                }
            }
        }
    }

    fn alikeness(&self, a: &Answer, b: &Answer) -> f64 {
        let (Meaning::Words(of_a), Meaning::Words(of_b)) = (&a.meaning, &b.meaning) else {
            return if a.meaning.is_same(&b.meaning) { 1.0 } else { 0.0 };
        };
        let overlap = overlap(of_a, of_b);
        if self.similarity.is_none() {
            return overlap;
        }
        if overlap >= OVERLAP {
            return 1.0;
        }
        match (&a.vector, &b.vector) {
            (Some(a), Some(b)) if a.len() == b.len() && may_mean_the_same(of_a, of_b) => {
                a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
            }
            _ => 0.0,
        }
    }
}

fn group(members: &[(&String, &Answer)]) -> Group {
    let named = members.iter().min_by_key(|(text, answer)| (Reverse(answer.count), text.len(), *text));
    let mut answers: Vec<String> = members.iter().map(|(text, _)| (*text).clone()).collect();
    answers.sort();
    Group { label: named.map(|(text, _)| (*text).clone()).unwrap_or_default(), answers }
}

/// The share of all stems of two texts that is in both.
fn overlap(a: &BTreeSet<String>, b: &BTreeSet<String>) -> f64 {
    let (both, either) = (a.intersection(b).count(), a.union(b).count());
    if either == 0 { 1.0 } else { both as f64 / either as f64 }
}

/// Whether vectors may be asked about two texts: both negate or neither does, and both name the same numbers.
fn may_mean_the_same(a: &BTreeSet<String>, b: &BTreeSet<String>) -> bool {
    let negates = |stems: &BTreeSet<String>| NEGATIONS.iter().any(|word| stems.contains(*word));
    let numbers = |stems: &BTreeSet<String>| -> BTreeSet<String> {
        stems.iter().filter(|stem| stem.chars().any(|c| c.is_ascii_digit())).cloned().collect()
    };
    negates(a) == negates(b) && numbers(a) == numbers(b)
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
mod tests;
