//! From the words of a condition to FEEL that never fails: an unset variable makes it false.

use crate::tree::variable_name;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// As a person reads it on the flow.
    pub(super) label: String,
    /// FEEL.
    pub(super) feel: String,
    /// Content words, to see whether two conditions are about the same thing.
    pub(super) words: Vec<String>,
    /// Whether it says that something is not so.
    pub(super) negative: bool,
    /// Whether its subject was only a pronoun.
    pub(super) pronoun: bool,
    /// Whether it compares with a number.
    pub(super) compares: bool,
    /// Whether it only says of which things of a kind something is done: "damaged goods are sent back".
    pub(super) kind: bool,
}

/// Comparisons as they are worded, longest first.
const COMPARISONS: [(&str, &str); 36] = [
    ("is greater than or equal to", ">="),
    ("is less than or equal to", "<="),
    ("is not more than", "<="),
    ("is no more than", "<="),
    ("is not less than", ">="),
    ("is greater than", ">"),
    ("is higher than", ">"),
    ("is larger than", ">"),
    ("is more than", ">"),
    ("is less than", "<"),
    ("is lower than", "<"),
    ("is smaller than", "<"),
    ("is at least", ">="),
    ("is at most", "<="),
    ("is above", ">"),
    ("is over", ">"),
    ("is below", "<"),
    ("is under", "<"),
    ("falls below", "<"),
    ("drops below", "<"),
    ("rises above", ">"),
    ("does not exceed", "<="),
    ("exceeds", ">"),
    ("exceed", ">"),
    ("reaches", ">="),
    ("greater than", ">"),
    ("more than", ">"),
    ("less than", "<"),
    ("at least", ">="),
    ("above", ">"),
    ("below", "<"),
    (">=", ">="),
    ("<=", "<="),
    (">", ">"),
    ("<", "<"),
    ("is bigger than", ">"),
];

/// Reads a condition from its words, without the `if`.
pub(super) fn condition(text: &str) -> Condition {
    let clean = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean =
        clean.trim_matches(|c: char| c == ',' || c == '.' || c == ';' || c.is_whitespace()).to_owned();
    let lower = clean.to_lowercase();
    let words = crate::text::lexicon::lemmas(&lower)
        .into_iter()
        .filter(|word| {
            !matches!(
                word.as_str(),
                "not"
                    | "no"
                    | "do"
                    | "does"
                    | "can"
                    | "if"
                    | "there"
                    | "they"
                    | "he"
                    | "she"
                    | "still"
                    | "any"
            )
        })
        .collect();
    let negative = is_negative(&lower);
    let comparison = comparison(&lower);
    let compares = comparison.is_some();
    let feel = comparison.unwrap_or_else(|| format!("{} = true", flag(&lower)));
    Condition { label: label(&clean), feel, words, negative, pronoun: false, compares, kind: false }
}

/// Longest condition shown on a flow, in bytes.
const MAX_LABEL: usize = 72;

fn label(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split(' ') {
        if !shown.is_empty() && shown.len() + word.len() > MAX_LABEL {
            break;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(word);
    }
    strip_article(&shown).to_owned()
}

fn strip_article(text: &str) -> &str {
    ["the ", "The ", "a ", "A ", "an ", "An "]
        .iter()
        .find_map(|article| text.strip_prefix(article))
        .unwrap_or(text)
}

fn is_negative(lower: &str) -> bool {
    const WORDS: [&str; 24] = [
        "none",
        "nobody",
        "nothing",
        "not",
        "no",
        "cannot",
        "without",
        "reject",
        "rejected",
        "rejects",
        "fail",
        "fails",
        "failed",
        "refused",
        "invalid",
        "incorrect",
        "incomplete",
        "missing",
        "unsuccessful",
        "denied",
        "declined",
        "negative",
        "insufficient",
        "never",
    ];
    lower.split(|c: char| !c.is_alphanumeric()).any(|word| WORDS.contains(&word))
}

/// Whether a condition ends with a verdict: what is approved or rejected, passes or fails.
pub(super) fn is_verdict(condition: &Condition) -> bool {
    const VERDICTS: [&str; 22] = [
        "approve",
        "accept",
        "reject",
        "decline",
        "deny",
        "refuse",
        "pass",
        "fail",
        "succeed",
        "valid",
        "invalid",
        "complete",
        "incomplete",
        "correct",
        "incorrect",
        "successful",
        "unsuccessful",
        "confirm",
        "grant",
        "positive",
        "negative",
        "ok",
    ];
    condition.words.last().is_some_and(|word| VERDICTS.contains(&word.as_str()))
}

/// A variable that says whether the condition holds.
fn flag(lower: &str) -> String {
    const SKIPPED: [&str; 28] = [
        "still", "any", "the", "a", "an", "is", "are", "was", "were", "be", "been", "has", "have", "had",
        "it", "they", "he", "she", "that", "this", "of", "to", "there", "will", "does", "do", "by", "then",
    ];
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !SKIPPED.contains(word))
        .take(5)
        .collect();
    variable_name(&words.join(" "))
}

fn comparison(lower: &str) -> Option<String> {
    if let Some(range) = range(lower) {
        return Some(range);
    }
    let (place, phrase, operator) = COMPARISONS.iter().find_map(|(phrase, operator)| {
        let place = lower.find(phrase)?;
        let bounded = lower.get(..place).is_none_or(|before| before.is_empty() || before.ends_with(' '));
        bounded.then_some((place, *phrase, *operator))
    })?;
    let number = number(lower.get(place + phrase.len()..)?)?;
    let subject = flag(lower.get(..place)?);
    if subject == "condition" {
        return None;
    }
    Some(format!("{subject} != null and {subject} {operator} {number}"))
}

/// "is between 500 and 700": both ends belong to it.
fn range(lower: &str) -> Option<String> {
    let (front, back) = lower.split_once(" between ")?;
    let (low, high) = back.split_once(" and ")?;
    let (low, high) = (number(low)?, number(high)?);
    let subject = flag(front);
    Some(format!("{subject} != null and {subject} >= {low} and {subject} <= {high}"))
}

/// The first number in a text that begins with one, perhaps behind a currency or an article.
fn number(text: &str) -> Option<String> {
    let text = text.trim_start().trim_start_matches(['$', '€', '£']).trim_start();
    let text =
        ["usd ", "eur ", "the ", "a "].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let digits: String = text
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.' || *c == ',')
        .filter(|c| *c != ',')
        .collect();
    let digits = digits.trim_end_matches('.');
    if digits.is_empty() || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let after = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ',').trim_start();
    let factor = if after.starts_with("million") {
        "000000"
    } else if after.starts_with("thousand") {
        "000"
    } else {
        ""
    };
    (digits.parse::<f64>().is_ok()).then(|| format!("{digits}{factor}"))
}

/// The opposite of a FEEL condition made here; also false where the variable is unset.
pub(super) fn negated(feel: &str) -> String {
    const OPPOSITES: [(&str, &str); 4] = [(" >= ", " < "), (" <= ", " > "), (" > ", " <= "), (" < ", " >= ")];
    if let Some(flag) = feel.strip_suffix(" = true") {
        return format!("{flag} = false");
    }
    // Within a range, the opposite is beyond one of its ends.
    if let [unset, low, high] = feel.split(" and ").collect::<Vec<_>>().as_slice()
        && let (Some((name, low)), Some((_, high))) = (low.split_once(" >= "), high.split_once(" <= "))
    {
        return format!("{unset} and ({name} < {low} or {name} > {high})");
    }
    match OPPOSITES.iter().find(|(operator, _)| feel.contains(operator)) {
        Some((operator, opposite)) => feel.replace(operator, opposite),
        None => feel.replace(" = false", " = true"),
    }
}
