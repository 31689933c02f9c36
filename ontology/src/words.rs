//! The words of a system: which nodes say which, so that a search costs what it finds. Kept beside the nodes and
//! brought along by every change set, like the catalogue.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use crate::catalogue::rank;
use crate::fields::{Field, texts};
use crate::index::{SystemIndex, natural_key};
use crate::model::Node;
use crate::sorted::SortedMap;

/// Longest word, in characters; longer ones are found by their beginning.
const WORD_CHARS: usize = 40;
/// Words of a query; more are not looked at.
pub const MAX_QUERY_WORDS: usize = 16;
/// Words that begin as a word of the query does and are looked at.
const MAX_BEGINNINGS: usize = 64;
/// Shortest word of a query that also finds longer words.
const BEGINNING_CHARS: usize = 2;
/// Places that are looked at for one word of a query.
const MAX_PLACES: usize = 400_000;
/// What a word that only begins so counts beside the word itself.
const BEGINNING_WEIGHT: f32 = 0.6;
/// BM25's saturation and its share of a text's length, as usual.
const SATURATION: f32 = 1.2;
const LENGTH_SHARE: f32 = 0.75;
/// Words of a node that count as its usual length.
const USUAL_LENGTH: f32 = 24.0;

/// What is searched in a node, and how much a word there counts.
pub(crate) const SEARCHED: &[(Field, f32)] = &[
    (Field::Id, 3.0),
    (Field::Label, 2.0),
    (Field::Group, 1.0),
    (Field::Description, 1.0),
    (Field::Subject, 0.5),
    (Field::Item, 1.0),
    (Field::Property, 1.0),
];

#[derive(Clone, Copy, Debug)]
struct Word {
    number: u32,
    count: u32,
}

/// A node by a number: its kind in the highest four bits.
type Number = u32;
const NUMBER_BITS: u32 = 28;

/// The words. Like a system a copy is cheap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    words: SortedMap<Arc<str>, Word>,
    next_word: u32,
    /// (word, node) → how much the word says of the node, in thousandths of what it can say at most.
    places: SortedMap<u64, u16>,
    numbers: SortedMap<Arc<str>, Number>,
    nodes: SortedMap<Number, Arc<Node>>,
    next_node: u32,
}

/// A node that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) node: Arc<Node>,
    pub(crate) score: f32,
}

/// What a query finds, by number, with its score.
pub(crate) type Scores = HashMap<Number, f32>;

/// The words of a text: runs of letters and digits in lower case, with where they stand, in bytes.
pub(crate) fn split(text: &str) -> impl Iterator<Item = (usize, usize, String)> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while rest.next_if(|(_, c)| !c.is_alphanumeric()).is_some() {}
        let (start, _) = *rest.peek()?;
        let mut word = String::new();
        let mut length = 0;
        let mut end = start;
        while let Some((at, c)) = rest.next_if(|(_, c)| c.is_alphanumeric()) {
            end = at + c.len_utf8();
            if length < WORD_CHARS {
                word.extend(c.to_lowercase());
                length += 1;
            }
        }
        Some((start, end, word))
    })
}

/// The words a query asks for, each once.
pub(crate) fn asked(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for (_, _, word) in split(query) {
        if words.len() < MAX_QUERY_WORDS && !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// How much each word says of a node.
fn weights(node: &Node) -> BTreeMap<String, u16> {
    let mut counts: BTreeMap<String, f32> = BTreeMap::new();
    let mut length = 0.0;
    let mut add = |text: &str, weight: f32| {
        for (_, _, word) in split(text) {
            *counts.entry(word).or_default() += weight;
            length += 1.0;
        }
    };
    for (field, weight) in SEARCHED {
        texts(node, *field).iter().for_each(|text| add(text, *weight));
    }
    if let Node::Requirement(requirement) = node {
        requirement.criterion.iter().for_each(|text| add(text, 0.5));
    }
    let usual = SATURATION * (1.0 - LENGTH_SHARE + LENGTH_SHARE * length / USUAL_LENGTH);
    let scaled = |count: f32| (count / (count + usual) * 1_000.0).clamp(1.0, 1_000.0);
    // The value is in 1..=1000.
    counts.into_iter().map(|(word, count)| (word, scaled(count) as u16)).collect()
}

fn key(word: u32, node: Number) -> u64 {
    (u64::from(word) << 32) | u64::from(node)
}

fn is_searched(node: &Node) -> bool {
    !matches!(node, Node::Link(_))
}

impl Words {
    /// The words of a whole system.
    pub(crate) fn of(system: &SystemIndex) -> Self {
        let mut out = Self::default();
        let mut words: HashMap<String, Word> = HashMap::new();
        let mut places: Vec<(u64, u16)> = Vec::new();
        for kind in ["requirement", "component", "function", "process", "interface", "constraint"] {
            for node in system.of_kind(kind) {
                let Some(number) = out.enter_node(node) else { return out };
                for (word, weight) in weights(node) {
                    let next = Word { number: out.next_word, count: 0 };
                    let known = words.entry(word).or_insert(next);
                    out.next_word += u32::from(known.count == 0);
                    known.count += 1;
                    places.push((key(known.number, number), weight));
                }
            }
        }
        places.sort_unstable();
        out.places = SortedMap::of_sorted(places);
        let mut words: Vec<(Arc<str>, Word)> =
            words.into_iter().map(|(word, held)| (Arc::from(word), held)).collect();
        words.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
        out.words = SortedMap::of_sorted(words);
        out
    }

    fn enter_node(&mut self, node: &Arc<Node>) -> Option<Number> {
        // Numbers are not given twice; whoever used them all up is built anew at the next start.
        if self.next_node >> NUMBER_BITS != 0 {
            return None;
        }
        let number = (u32::from(rank(node.kind())) << NUMBER_BITS) | self.next_node;
        self.next_node += 1;
        self.numbers.insert(Arc::from(natural_key(node.id())), number);
        self.nodes.insert(number, Arc::clone(node));
        Some(number)
    }

    /// Takes in a node.
    pub(crate) fn enter(&mut self, node: &Arc<Node>) {
        if !is_searched(node) {
            return;
        }
        let Some(number) = self.enter_node(node) else { return };
        for (word, weight) in weights(node) {
            let word_number = if let Some(known) = self.words.get_mut(word.as_str()) {
                known.count += 1;
                known.number
            } else {
                let fresh = self.next_word;
                self.next_word = fresh.wrapping_add(1);
                self.words.insert(Arc::from(word), Word { number: fresh, count: 1 });
                fresh
            };
            self.places.insert(key(word_number, number), weight);
        }
    }

    /// Takes out a node as it was.
    pub(crate) fn strike(&mut self, node: &Node) {
        let Some(number) = self.numbers.remove(natural_key(node.id()).as_str()) else { return };
        self.nodes.remove(&number);
        for word in weights(node).into_keys() {
            let Some(known) = self.words.get_mut(word.as_str()) else { continue };
            known.count -= 1;
            let (word_number, is_last) = (known.number, known.count == 0);
            self.places.remove(&key(word_number, number));
            if is_last {
                self.words.remove(word.as_str());
            }
        }
    }

    /// Words of the system that a word of a query means, with what each counts.
    fn meant(&self, word: &str) -> Vec<(Word, f32)> {
        let mut out = Vec::new();
        let begins = word.chars().count() >= BEGINNING_CHARS;
        for (found, held) in self.words.from(Bound::Included(word)).take(MAX_BEGINNINGS) {
            let is_exact = found.as_ref() == word;
            let is_meant = is_exact || (begins && found.starts_with(word));
            if !is_meant {
                break;
            }
            out.push((*held, if is_exact { 1.0 } else { BEGINNING_WEIGHT }));
        }
        out
    }

    /// Nodes that say all words of a query, or words that begin so, with their scores (BM25).
    pub(crate) fn scores(&self, query: &str, kinds: &[&str]) -> Scores {
        let ranks: Vec<u32> = kinds.iter().map(|kind| u32::from(rank(kind))).collect();
        let is_wanted = |number: Number| ranks.is_empty() || ranks.contains(&(number >> NUMBER_BITS));
        let mut asked: Vec<Vec<(Word, f32)>> = asked(query).iter().map(|word| self.meant(word)).collect();
        let size =
            |words: &Vec<(Word, f32)>| words.iter().map(|(word, _)| word.count as usize).sum::<usize>();
        asked.sort_by_key(size);
        let all = self.nodes.len() as f32;
        let rarity = |count: u32| (1.0 + (all - count as f32 + 0.5) / (count as f32 + 0.5)).ln();
        let mut scores: Option<Scores> = None;
        for words in asked {
            let places = size(&words);
            let mut said: Scores = HashMap::new();
            let mut best = |number: Number, score: f32| {
                let held = said.entry(number).or_default();
                *held = held.max(score);
            };
            match &scores {
                // Few are left: it is quicker to ask each whether it says the word.
                Some(left) if left.len().saturating_mul(words.len()).saturating_mul(4) < places => {
                    for number in left.keys() {
                        for (word, weight) in &words {
                            if let Some(says) = self.places.get(&key(word.number, *number)) {
                                best(*number, rarity(word.count) * weight * f32::from(*says));
                            }
                        }
                    }
                }
                _ => {
                    let mut looked_at = 0;
                    for (word, weight) in &words {
                        if looked_at >= MAX_PLACES {
                            break;
                        }
                        looked_at += word.count as usize;
                        let factor = rarity(word.count) * weight;
                        let start = key(word.number, 0);
                        let found = self.places.from(Bound::Included(&start)).take(word.count as usize);
                        for (at, says) in found.take_while(|(at, _)| *at >> 32 == u64::from(word.number)) {
                            // The lower half of the key is the node.
                            let number = (*at & u64::from(u32::MAX)) as Number;
                            if is_wanted(number) {
                                best(number, factor * f32::from(*says));
                            }
                        }
                    }
                }
            }
            scores = Some(match scores {
                None => said,
                Some(mut left) => {
                    left.retain(|number, score| {
                        let more = said.get(number);
                        *score += more.copied().unwrap_or_default();
                        more.is_some()
                    });
                    left
                }
            });
        }
        scores.unwrap_or_default()
    }

    /// The best of them: highest score first, then in the order in which they came.
    pub(crate) fn best(&self, scores: &Scores, limit: usize) -> Vec<Found> {
        let mut all: Vec<(f32, Number)> = scores.iter().map(|(number, score)| (*score, *number)).collect();
        let order = |one: &(f32, Number), two: &(f32, Number)| {
            two.0.total_cmp(&one.0).then_with(|| one.1.cmp(&two.1))
        };
        if all.len() > limit && limit > 0 {
            all.select_nth_unstable_by(limit - 1, order);
        }
        all.truncate(limit);
        all.sort_by(order);
        let found = all.into_iter();
        found
            .filter_map(|(score, number)| Some(Found { node: Arc::clone(self.nodes.get(&number)?), score }))
            .collect()
    }

    /// Whether a node is among those that were found.
    pub(crate) fn is_among(&self, scores: &Scores, node: &Node) -> bool {
        let number = self.numbers.get(natural_key(node.id()).as_str());
        number.is_some_and(|number| scores.contains_key(number))
    }

    /// The nodes that were found, in no order.
    pub(crate) fn of_scores<'a>(&'a self, scores: &'a Scores) -> impl Iterator<Item = &'a Arc<Node>> {
        scores.keys().filter_map(|number| self.nodes.get(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits_whatever_their_case() {
        let words: Vec<String> = split("R-12: Die Bremse hält ≤ 40m, ΔP!").map(|(_, _, word)| word).collect();
        assert_eq!(words, ["r", "12", "die", "bremse", "hält", "40m", "δp"]);
        let (start, end, _) = split("ä Öl").nth(1).unwrap();
        assert_eq!("ä Öl".get(start..end), Some("Öl"));
        let long = "x".repeat(100);
        assert_eq!(split(&long).next().unwrap().2.len(), WORD_CHARS);
        assert_eq!(asked("a a b").len(), 2);
    }
}
