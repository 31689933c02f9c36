//! What a trade knows: archetypes for short prompts and words for the reader, as packs bring them.
//!
//! The words are in force while a text is read with them, on the thread that reads it: reading is one synchronous
//! piece of work.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::Arc;

use super::archetype::Archetype;
use super::lexicon::{self, ActorSort, Reading};

/// Most archetypes that packs bring together.
pub const ARCHETYPES_LIMIT: usize = 500;
/// Most words that packs bring together.
pub const WORDS_LIMIT: usize = 50_000;
/// Most keywords of an archetype.
pub const KEYWORDS_LIMIT: usize = 200;
/// Most steps and blocks of an archetype.
pub const STEPS_LIMIT: usize = 200;
/// Longest word, bytes.
const WORD_LIMIT: usize = 60;

/// What is wrong with a file, and in which line (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// Archetypes and words of a trade.
#[derive(Clone, Debug, Default)]
pub struct Trade {
    archetypes: Vec<Archetype>,
    verbs: HashMap<String, Arc<[Reading]>>,
    actors: HashMap<String, Option<ActorSort>>,
    nouns: HashSet<String>,
}

/// Where a line of a file of words belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Verbs,
    Irregular,
    Machines,
    People,
    Things,
    Nouns,
}

impl Trade {
    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.archetypes.is_empty() && self.words() == 0
    }

    /// The archetypes.
    #[must_use]
    pub fn archetypes(&self) -> &[Archetype] {
        &self.archetypes
    }

    /// How many words it holds, each form of a verb counted.
    #[must_use]
    pub fn words(&self) -> usize {
        self.verbs.len() + self.actors.len() + self.nouns.len()
    }

    /// Takes in an archetype as JSON, in the form of the shipped ones.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn add_archetype(&mut self, json: &str) -> Result<(), Mistake> {
        let archetype: Archetype = serde_json::from_str(json)
            .map_err(|error| Mistake { line: error.line().max(1), why: error.to_string() })?;
        let at = |word: &str, why: String| Mistake { line: line_of(json, word), why };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if archetype.name.is_empty() || !archetype.name.chars().all(fits) {
            return Err(at("name", "its name has letters, digits, '-' and '_' only".to_owned()));
        }
        if archetype.keywords.is_empty() || archetype.keywords.len() > KEYWORDS_LIMIT {
            return Err(at("keywords", format!("it has 1 to {KEYWORDS_LIMIT} keywords (KEYWORDS_LIMIT)")));
        }
        if let Some(word) = archetype.keywords.keys().find(|word| **word != word.to_lowercase()) {
            return Err(at(
                word,
                format!("the keyword '{word}' is not in lower case and would never be found"),
            ));
        }
        if archetype.table.nodes.len() > STEPS_LIMIT {
            return Err(at("nodes", format!("it has more than {STEPS_LIMIT} nodes (STEPS_LIMIT)")));
        }
        let faults = match archetype.table.to_tree() {
            Ok(tree) => tree.type_check().err().unwrap_or_default(),
            Err(faults) => faults,
        };
        if let Some(fault) = faults.first() {
            return Err(at(&fault.node, fault.to_string()));
        }
        let known = |id: &&String| archetype.table.nodes.iter().any(|node| node.id == **id);
        let named = archetype.core.iter().chain(archetype.also.keys());
        if let Some(id) = named.into_iter().find(|id| !known(id)) {
            return Err(at(id, format!("there is no node '{id}'")));
        }
        self.archetypes.retain(|other| other.name != archetype.name);
        if self.archetypes.len() >= ARCHETYPES_LIMIT {
            return Err(at("name", format!("there are {ARCHETYPES_LIMIT} already (ARCHETYPES_LIMIT)")));
        }
        self.archetypes.push(archetype);
        Ok(())
    }

    /// Takes in words: lines of words under `[verbs]`, `[irregular]` (base, past, participle in a line), `[machines]`,
    /// `[people]`, `[things]` (that do not act although they end like people) and `[nouns]` (that are never verbs). A
    /// verb with a trailing `*` is a noun just as often; `#` begins a remark.
    ///
    /// # Errors
    /// What is wrong with it, and where; nothing is taken in then.
    pub fn add_words(&mut self, text: &str) -> Result<(), Mistake> {
        let mut found = self.clone();
        let mut section = None;
        // Irregular forms hold wherever they stand in the file.
        let mut irregular: HashMap<&str, (&str, &str)> = HashMap::new();
        let mut verbs: Vec<(usize, &str)> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |why: String| Mistake { line: number, why };
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.starts_with('[') {
                section = Some(section_of(line).ok_or_else(|| {
                    let all = "[verbs], [irregular], [machines], [people], [things], [nouns]";
                    wrong(format!("'{line}' is none of {all}"))
                })?);
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            for word in &words {
                let plain = word.trim_end_matches('*');
                let letters = plain.chars().all(|c| c.is_lowercase() || c == '-' || c.is_ascii_digit());
                if plain.is_empty() || plain.len() > WORD_LIMIT || !letters {
                    return Err(wrong(format!(
                        "'{word}' is no word in lower case of at most {WORD_LIMIT} bytes"
                    )));
                }
            }
            match section {
                None if words.is_empty() => {}
                None => return Err(wrong("words stand before the first section, e.g. [verbs]".to_owned())),
                Some(Section::Verbs) => verbs.extend(words.iter().map(|word| (number, *word))),
                Some(Section::Irregular) => match words.as_slice() {
                    [] => {}
                    [base, past, participle] => {
                        irregular.insert(base, (past, participle));
                        verbs.push((number, base));
                    }
                    _ => return Err(wrong("an irregular verb has three forms: go went gone".to_owned())),
                },
                Some(Section::Machines) => found.act(&words, Some(ActorSort::Machine)),
                Some(Section::People) => found.act(&words, Some(ActorSort::Person)),
                Some(Section::Things) => found.act(&words, None),
                Some(Section::Nouns) => found
                    .nouns
                    .extend(words.iter().flat_map(|word| [(*word).to_owned(), lexicon::third(word)])),
            }
            if found.words() + verbs.len() > WORDS_LIMIT {
                return Err(wrong(format!("there are more than {WORDS_LIMIT} words (WORDS_LIMIT)")));
            }
        }
        for (_, entry) in verbs {
            let base = entry.trim_end_matches('*');
            for (word, reading) in lexicon::forms(base, entry.ends_with('*'), irregular.get(base).copied()) {
                let mut readings = found.verbs.get(&word).map_or_else(Vec::new, |known| known.to_vec());
                if !readings.contains(&reading) {
                    readings.push(reading);
                }
                found.verbs.insert(word, readings.into());
            }
        }
        *self = found;
        Ok(())
    }

    fn act(&mut self, words: &[&str], sort: Option<ActorSort>) {
        self.actors.extend(words.iter().map(|word| ((*word).to_owned(), sort)));
    }
}

fn section_of(line: &str) -> Option<Section> {
    Some(match line {
        "[verbs]" => Section::Verbs,
        "[irregular]" => Section::Irregular,
        "[machines]" => Section::Machines,
        "[people]" => Section::People,
        "[things]" => Section::Things,
        "[nouns]" => Section::Nouns,
        _ => return None,
    })
}

/// The line in which a node with this id stands, else the first one in which the word does.
fn line_of(json: &str, word: &str) -> usize {
    let quoted = format!("\"{word}\"");
    let node = |line: &str| {
        line.split_once("\"id\"")
            .is_some_and(|(_, rest)| rest.trim_start_matches([':', ' ']).starts_with(&quoted))
    };
    let at = json.lines().position(node).or_else(|| json.lines().position(|line| line.contains(&quoted)));
    at.map_or(1, |at| at + 1)
}

thread_local! {
    static IN_FORCE: RefCell<Option<Arc<Trade>>> = const { RefCell::new(None) };
}

/// Does `work` with the words of a trade in force; afterwards those that were in force before are again.
pub(super) fn with<T>(trade: Option<&Arc<Trade>>, work: impl FnOnce() -> T) -> T {
    struct Back(Option<Arc<Trade>>);
    impl Drop for Back {
        fn drop(&mut self) {
            IN_FORCE.set(self.0.take());
        }
    }
    let _back = Back(IN_FORCE.replace(trade.cloned()));
    work()
}

/// The readings of a word as a verb: of the trade in force, else the shipped ones.
pub(super) enum Readings {
    Shipped(&'static [Reading]),
    Taught(Arc<[Reading]>),
}

impl Deref for Readings {
    type Target = [Reading];

    fn deref(&self) -> &[Reading] {
        match self {
            Self::Shipped(readings) => readings,
            Self::Taught(readings) => readings,
        }
    }
}

/// What the trade in force says about a word as a verb.
pub(super) fn verb(word: &str) -> Option<Readings> {
    IN_FORCE.with_borrow(|trade| {
        let trade = trade.as_ref()?;
        if trade.nouns.contains(word) {
            return Some(Readings::Shipped(&[]));
        }
        trade.verbs.get(word).cloned().map(Readings::Taught)
    })
}

/// What the trade in force says about a noun as one that acts.
pub(super) fn actor(noun: &str) -> Option<Option<ActorSort>> {
    IN_FORCE.with_borrow(|trade| trade.as_ref()?.actors.get(noun).copied())
}

/// The archetypes of the trade in force.
pub(super) fn archetypes() -> Vec<Archetype> {
    IN_FORCE.with_borrow(|trade| trade.as_ref().map_or_else(Vec::new, |trade| trade.archetypes.clone()))
}
