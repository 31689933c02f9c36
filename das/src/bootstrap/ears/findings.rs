//! What is wrong with a requirement: vague words and two requirements in one.

use ontology::model::Finding;

use super::Parsed;

/// Words that nobody can test.
const VAGUE: &[&str] = &[
    "adequate",
    "adequately",
    "sufficient",
    "sufficiently",
    "appropriate",
    "appropriately",
    "as soon as possible",
    "as far as possible",
    "as much as possible",
    "as low as possible",
    "as light as possible",
    "if possible",
    "where possible",
    "where practicable",
    "as required",
    "as necessary",
    "if necessary",
    "user-friendly",
    "user friendly",
    "easy",
    "easily",
    "easy to use",
    "simple",
    "intuitive",
    "intuitively",
    "fast",
    "quick",
    "quickly",
    "rapid",
    "rapidly",
    "slow",
    "robust",
    "robustly",
    "flexible",
    "efficient",
    "efficiently",
    "effective",
    "effectively",
    "reasonable",
    "reasonably",
    "good",
    "nice",
    "high quality",
    "high-quality",
    "comfortable",
    "comfortably",
    "modern",
    "state of the art",
    "state-of-the-art",
    "seamless",
    "seamlessly",
    "minimal",
    "minimise",
    "minimize",
    "maximise",
    "maximize",
    "optimise",
    "optimize",
    "optimal",
    "approximately",
    "about",
    "roughly",
    "some",
    "several",
    "many",
    "few",
    "a number of",
    "normal",
    "normally",
    "typical",
    "typically",
    "usually",
    "generally",
    "often",
    "etc",
    "and so on",
    "and/or",
    "tbd",
    "tbc",
    "to be defined",
    "to be determined",
    "suitable",
    "suitably",
    "convenient",
    "conveniently",
    "smooth",
    "smoothly",
    "large",
    "small",
    "significant",
    "significantly",
    "acceptable",
    "acceptably",
    "nearly",
    "almost",
    "timely",
    "in a timely manner",
    "up-to-date",
    "best",
    "better",
    "cheap",
    "low cost",
    "affordable",
    "lightweight",
    "pleasant",
    "attractive",
    "safe",
    "safely",
    "reliable",
    "reliably",
    "scalable",
    "maintainable",
    "secure",
    "improved",
    "enough",
];

/// Words that are exact once a quantity stands in the same requirement.
const EXACT_WITH_QUANTITY: &[&str] =
    &["safe", "safely", "reliable", "reliably", "secure", "fast", "small", "large", "about", "few"];

pub(super) fn look(lower: &str, parsed: &mut Parsed) {
    let mut said: Vec<&str> = Vec::new();
    for word in VAGUE {
        let exact = !parsed.quantities.is_empty() && EXACT_WITH_QUANTITY.contains(word);
        if !exact && contains_word(lower, word) && !said.iter().any(|other| other.contains(word)) {
            said.push(word);
        }
    }
    // A longer phrase says it all.
    let longest: Vec<&str> = said
        .iter()
        .copied()
        .filter(|word| !said.iter().any(|other| other != word && other.contains(word)))
        .collect();
    if !longest.is_empty() {
        parsed.findings.push(Finding {
            kind: "vague".to_owned(),
            text: format!("nobody can test `{}`: say how much, in a unit", longest.join("`, `")),
        });
    }
    let shalls = lower.matches(" shall ").count();
    let also =
        ["and shall ", "and must ", "and also ", "as well as shall"].iter().any(|word| lower.contains(word));
    if shalls > 1 || also {
        parsed.findings.push(Finding {
            kind: "double".to_owned(),
            text: "it asks for more than one thing: write one requirement for each".to_owned(),
        });
    }
}

/// Whether `word` stands in `text` as a whole word.
pub(super) fn contains_word(text: &str, word: &str) -> bool {
    find_word(text, word).is_some()
}

/// Where `word` stands first in `text` as a whole word.
pub(super) fn find_word(text: &str, word: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(word)) {
        let at = from + found;
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_');
        if edge(before) && edge(after) {
            return Some(at);
        }
        from = at + word.len();
    }
    None
}
