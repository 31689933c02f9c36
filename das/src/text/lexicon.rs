//! Words of process texts: verbs in all their forms, function words, actors, phrases that mark structure.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::trade::{self, Readings};

/// Form of a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `check`.
    Base,
    /// `checks`.
    Third,
    /// `checked`, past tense or participle.
    Past,
    /// `checking`.
    Gerund,
}

/// What a phrase says about structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    If,
    Unless,
    When,
    While,
    Before,
    After,
    Until,
    Whether,
    Purpose,
    Because,
    Otherwise,
    Parallel,
    /// `in parallel with updating …`: beside the step before, not beside all.
    Beside,
    Then,
    InThisCase,
    Example,
    Each,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) base: String,
    pub(super) form: Form,
    /// The word is a noun just as often.
    pub(super) noun_too: bool,
}

static VERBS: LazyLock<HashMap<String, Vec<Reading>>> = LazyLock::new(|| {
    let mut known: HashMap<String, Vec<Reading>> = HashMap::new();
    let mut irregular: HashMap<&str, (&str, &str)> = HashMap::new();
    for line in include_str!("../../lexicon/irregular.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        if let (Some(base), Some(past), Some(participle)) = (words.next(), words.next(), words.next()) {
            irregular.insert(base, (past, participle));
        }
    }
    for line in include_str!("../../lexicon/verbs.txt").lines().filter(|line| !line.starts_with('#')) {
        for entry in line.split_whitespace() {
            let base = entry.trim_end_matches('*');
            let of_verb = forms(base, entry.ends_with('*'), irregular.get(base).copied());
            for (word, reading) in of_verb {
                known.entry(word).or_default().push(reading);
            }
        }
    }
    known
});

/// All forms of a verb with their readings; `irregular` are its past and participle where they do not end in -ed.
pub(super) fn forms(base: &str, noun_too: bool, irregular: Option<(&str, &str)>) -> Vec<(String, Reading)> {
    let reading = |form: Form| Reading { base: base.to_owned(), form, noun_too };
    let mut found = vec![
        (base.to_owned(), reading(Form::Base)),
        (third(base), reading(Form::Third)),
        (gerund(base), reading(Form::Gerund)),
    ];
    match irregular {
        Some((past, participle)) => {
            found.push((past.to_owned(), reading(Form::Past)));
            if past != participle {
                found.push((participle.to_owned(), reading(Form::Past)));
            }
        }
        None => found.push((past(base), reading(Form::Past))),
    }
    found
}

/// The readings of a lower-case word as a verb: what a trade teaches comes before what is shipped.
pub(super) fn verb(word: &str) -> Readings {
    trade::verb(word).unwrap_or_else(|| Readings::Shipped(VERBS.get(word).map_or(&[], Vec::as_slice)))
}

/// The past participle of a verb: `solve` is `solved`, `write` is `written`.
pub(super) fn participle(base: &str) -> String {
    let irregular = include_str!("../../lexicon/irregular.txt").lines().filter(|line| !line.starts_with('#'));
    irregular
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find_map(|words| {
            (words.first() == Some(&base)).then(|| words.get(2).map(|&word| word.to_owned()))?
        })
        .unwrap_or_else(|| past(base))
}

/// The third person singular of a verb.
pub(super) fn third(base: &str) -> String {
    if ends_in_consonant_y(base) {
        format!("{}ies", base.get(..base.len() - 1).unwrap_or(base))
    } else if ["s", "x", "z", "ch", "sh", "o"].iter().any(|end| base.ends_with(end)) {
        format!("{base}es")
    } else {
        format!("{base}s")
    }
}

fn past(base: &str) -> String {
    if base.ends_with('e') {
        format!("{base}d")
    } else if ends_in_consonant_y(base) {
        format!("{}ied", base.get(..base.len() - 1).unwrap_or(base))
    } else if doubles(base) {
        format!("{base}{}ed", base.chars().next_back().unwrap_or_default())
    } else {
        format!("{base}ed")
    }
}

fn gerund(base: &str) -> String {
    if base.ends_with('e') && !base.ends_with("ee") && base.len() > 3 {
        format!("{}ing", base.get(..base.len() - 1).unwrap_or(base))
    } else if base == "use" {
        "using".to_owned()
    } else if doubles(base) {
        format!("{base}{}ing", base.chars().next_back().unwrap_or_default())
    } else {
        format!("{base}ing")
    }
}

fn ends_in_consonant_y(base: &str) -> bool {
    let mut letters = base.chars().rev();
    letters.next() == Some('y') && letters.next().is_some_and(|c| !"aeiou".contains(c))
}

/// One-syllable verbs in consonant–vowel–consonant, and those stressed at the end, double their last letter.
fn doubles(base: &str) -> bool {
    const STRESSED_AT_END: [&str; 15] = [
        "submit", "commit", "permit", "admit", "omit", "refer", "prefer", "transfer", "infer", "occur",
        "debug", "control", "enrol", "program", "unpack",
    ];
    if STRESSED_AT_END.contains(&base) {
        return base != "unpack";
    }
    let letters: Vec<char> = base.chars().collect();
    let vowel = |c: &char| "aeiou".contains(*c);
    let vowels = letters.iter().filter(|c| vowel(c)).count();
    match letters.as_slice() {
        [.., a, b, c] => vowels == 1 && !vowel(a) && vowel(b) && !vowel(c) && !"wxy".contains(*c),
        _ => false,
    }
}

/// Phrases of several words that mark structure, longest first where one begins another.
pub(super) const PHRASES: [(&str, Mark); 52] = [
    ("in parallel with", Mark::Beside),
    ("at the same time as", Mark::Beside),
    ("concurrently with", Mark::Beside),
    ("along with", Mark::Beside),
    ("in the other cases", Mark::Otherwise),
    ("in all other situations", Mark::Otherwise),
    ("in the event that", Mark::If),
    ("in the event of", Mark::If),
    ("in the case that", Mark::If),
    ("in the case of", Mark::If),
    ("in cases where", Mark::If),
    ("in case of", Mark::If),
    ("in case that", Mark::If),
    ("in case", Mark::If),
    ("provided that", Mark::If),
    ("assuming that", Mark::If),
    ("only if", Mark::If),
    ("even if", Mark::If),
    ("as soon as", Mark::When),
    ("each time", Mark::When),
    ("every time", Mark::When),
    ("as long as", Mark::If),
    ("depending on whether", Mark::Whether),
    ("depending on", Mark::Because),
    ("in order to", Mark::Purpose),
    ("so as to", Mark::Purpose),
    ("so that", Mark::Purpose),
    ("such that", Mark::Purpose),
    ("if not", Mark::Otherwise),
    ("in the other case", Mark::Otherwise),
    ("in all other cases", Mark::Otherwise),
    ("in any other case", Mark::Otherwise),
    ("in the opposite case", Mark::Otherwise),
    ("or else", Mark::Otherwise),
    ("in parallel", Mark::Parallel),
    ("at the same time", Mark::Parallel),
    ("in the meantime", Mark::Parallel),
    ("in the meanwhile", Mark::Parallel),
    ("in this case", Mark::InThisCase),
    ("in that case", Mark::InThisCase),
    ("in such a case", Mark::InThisCase),
    ("in these cases", Mark::InThisCase),
    ("if so", Mark::InThisCase),
    ("if yes", Mark::InThisCase),
    ("after that", Mark::Then),
    ("after this", Mark::Then),
    ("and then", Mark::Then),
    ("for example", Mark::Example),
    ("for instance", Mark::Example),
    ("such as", Mark::Example),
    ("for each", Mark::Each),
    ("for every", Mark::Each),
];

/// The structure that a single word marks.
pub(super) fn mark(word: &str) -> Option<Mark> {
    Some(match word {
        "if" => Mark::If,
        "unless" => Mark::Unless,
        "when" | "whenever" | "once" | "upon" => Mark::When,
        "while" | "whilst" | "whereas" => Mark::While,
        "before" | "prior" => Mark::Before,
        "after" | "having" => Mark::After,
        "until" | "till" => Mark::Until,
        "whether" => Mark::Whether,
        "because" | "since" | "although" | "though" | "where" => Mark::Because,
        "otherwise" | "else" | "alternatively" => Mark::Otherwise,
        "meanwhile" | "simultaneously" | "concurrently" => Mark::Parallel,
        "then" | "afterwards" | "afterward" | "next" | "finally" | "subsequently" | "thereafter"
        | "lastly" | "first" | "firstly" | "second" | "secondly" | "third" | "thirdly" | "initially" => {
            Mark::Then
        }
        "e.g" | "e.g." | "i.e" | "i.e." => Mark::Example,
        _ => return None,
    })
}

/// Verbs that say how things are, not what is done.
pub(super) fn is_state_verb(base: &str) -> bool {
    const STATES: &[&str] = &[
        "be",
        "have",
        "consist",
        "contain",
        "exist",
        "belong",
        "need",
        "want",
        "depend",
        "mean",
        "represent",
        "remain",
        "include",
        "involve",
        "require",
        "expect",
        "happen",
        "occur",
        "appear",
        "seem",
        "exceed",
        "cost",
        "relate",
        "intend",
        "prefer",
        "understand",
        "think",
        "own",
        "stay",
        "concern",
        "allow",
        "enable",
        "follow",
        "entitle",
        "result",
        "fall",
        "rise",
        "arise",
    ];
    STATES.contains(&base)
}

/// Whether a verb is said without an object: "the drone lands and charges", "reject the supplier and stop".
pub(super) fn stands_alone(reading: Option<&Reading>) -> bool {
    const ALONE: [&str; 33] = [
        "pay",
        "wait",
        "leave",
        "arrive",
        "start",
        "stop",
        "end",
        "finish",
        "exit",
        "proceed",
        "continue",
        "respond",
        "reply",
        "apologise",
        "apologize",
        "vote",
        "rest",
        "travel",
        "depart",
        "drive",
        "work",
        "appear",
        "participate",
        "land",
        "charge",
        "dock",
        "return",
        "sleep",
        "retry",
        "repeat",
        "lint",
        "retrain",
        "ship",
    ];
    reading.is_some_and(|reading| ALONE.contains(&reading.base.as_str()))
}

/// Qualities that part the things of a kind: "damaged goods are sent back" is said of some of them only.
pub(super) fn parts_a_kind(word: &str) -> bool {
    const QUALITIES: [&str; 46] = [
        "damaged",
        "defective",
        "faulty",
        "broken",
        "rejected",
        "approved",
        "accepted",
        "declined",
        "failed",
        "passed",
        "invalid",
        "valid",
        "incomplete",
        "complete",
        "late",
        "overdue",
        "urgent",
        "critical",
        "simple",
        "complex",
        "small",
        "large",
        "big",
        "minor",
        "major",
        "high-risk",
        "low-risk",
        "expired",
        "disputed",
        "unpaid",
        "suspicious",
        "unclear",
        "domestic",
        "foreign",
        "international",
        "eligible",
        "ineligible",
        "qualified",
        "unqualified",
        "unsuccessful",
        "perishable",
        "hazardous",
        "fragile",
        "cheap",
        "expensive",
        "duplicate",
    ];
    QUALITIES.contains(&word)
}

/// Verbs that hand over to the verb behind them: `needs to check`, `starts checking`, `is asked to check`.
pub(super) fn is_catenative(base: &str) -> bool {
    const CATENATIVES: [&str; 19] = [
        "need", "have", "want", "try", "attempt", "begin", "start", "continue", "proceed", "require",
        "expect", "intend", "go", "plan", "agree", "wish", "commence", "allow", "force",
    ];
    CATENATIVES.contains(&base)
}

/// Words that build process descriptions and do not belong to them: `build a process to …`.
pub(super) fn is_process_word(word: &str) -> bool {
    const WORDS: [&str; 12] = [
        "process",
        "processes",
        "workflow",
        "workflows",
        "pipeline",
        "pipelines",
        "procedure",
        "flow",
        "bpmn",
        "model",
        "diagram",
        "routine",
    ];
    WORDS.contains(&word)
}

/// Sorts of actors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActorSort {
    Person,
    Machine,
}

static NOUNS: LazyLock<HashMap<&'static str, Option<ActorSort>>> = LazyLock::new(|| {
    let mut nouns = HashMap::new();
    let mut sort = None;
    for line in include_str!("../../lexicon/actors.txt").lines().filter(|line| !line.starts_with('#')) {
        match line {
            "[machines]" => sort = Some(ActorSort::Machine),
            "[people]" => sort = Some(ActorSort::Person),
            "[things]" => sort = None,
            _ => nouns.extend(line.split_whitespace().map(|noun| (noun, sort))),
        }
    }
    nouns
});

/// Whether a noun names somebody or something that acts.
pub(super) fn actor(noun: &str) -> Option<ActorSort> {
    const PERSON_ENDINGS: [&str; 9] = ["person", "er", "or", "ist", "ian", "ee", "man", "woman", "yst"];
    const PEOPLE_IN_ANT: [&str; 8] = [
        "assistant",
        "accountant",
        "consultant",
        "agent",
        "participant",
        "president",
        "claimant",
        "technician",
    ];
    let singular = singular(noun);
    if let Some(sort) = trade::actor(&singular).or_else(|| trade::actor(noun)) {
        return sort;
    }
    if let Some(sort) = NOUNS.get(singular.as_str()).or_else(|| NOUNS.get(noun)) {
        return *sort;
    }
    let person = PERSON_ENDINGS.iter().any(|end| singular.len() > 4 && singular.ends_with(end))
        || PEOPLE_IN_ANT.contains(&singular.as_str());
    person.then_some(ActorSort::Person)
}

/// The singular of a regular English plural.
pub(super) fn singular(noun: &str) -> String {
    if let Some(stem) = noun.strip_suffix("ies").filter(|stem| stem.len() > 2) {
        return format!("{stem}y");
    }
    if ["sses", "xes", "ches", "shes"].iter().any(|end| noun.ends_with(end)) {
        return noun.get(..noun.len() - 2).unwrap_or(noun).to_owned();
    }
    if noun.len() > 3 && noun.ends_with('s') && !["ss", "us", "is"].iter().any(|end| noun.ends_with(end)) {
        return noun.get(..noun.len() - 1).unwrap_or(noun).to_owned();
    }
    noun.to_owned()
}

/// Content of a label for comparing: base forms without function words.
pub(crate) fn lemmas(text: &str) -> Vec<String> {
    const SKIPPED: [&str; 30] = [
        "the", "a", "an", "of", "to", "for", "in", "on", "at", "by", "with", "and", "or", "is", "are", "be",
        "been", "was", "its", "their", "his", "her", "this", "that", "from", "it", "has", "have", "will",
        "as",
    ];
    text.split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| !word.is_empty() && !SKIPPED.contains(&word.as_str()))
        .map(|word| match verb(&word).first() {
            Some(reading) => reading.base.clone(),
            None => singular(&word),
        })
        .collect()
}

/// How alike two labels are, in 0..=1: Jaccard index of their lemmas.
#[must_use]
pub(crate) fn similarity(one: &str, other: &str) -> f64 {
    let one: HashSet<String> = lemmas(one).into_iter().collect();
    let other: HashSet<String> = lemmas(other).into_iter().collect();
    let union = one.union(&other).count();
    if union == 0 {
        return 0.0;
    }
    let shared = one.intersection(&other).count();
    #[expect(clippy::cast_precision_loss, reason = "counts of words in a label are tiny")]
    let value = shared as f64 / union as f64;
    value
}
