//! Takes a requirement apart by the five EARS patterns and their combination (Mavin et al., RE'09): condition,
//! subject, response, quantities; and says what is vague, double or not understood.

mod comparator;
mod findings;
mod numeral;
mod property;
mod quantity;
pub mod units;

use ontology::model::{Finding, Quantity};

pub use property::{canonical_property, dimension};

/// What a requirement says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// `ubiquitous`, `state`, `event`, `option`, `unwanted`, `complex`, `unparsed`.
    pub pattern: &'static str,
    /// Who shall do it, without article, e.g. `stall warning system`.
    pub subject: Option<String>,
    /// What of the subject is meant, e.g. `stall speed` in “the stall speed of the aircraft”.
    pub property: Option<String>,
    /// Condition in words, with its keyword.
    pub condition: Option<String>,
    /// What shall be done, from the verb on.
    pub response: Option<String>,
    /// Quantities in it.
    pub quantities: Vec<Quantity>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// Words by which a condition begins, and the pattern they mean.
const KEYWORDS: &[(&str, &str)] = &[
    ("as long as ", "state"),
    ("as soon as ", "event"),
    ("in the event of ", "unwanted"),
    ("in the event that ", "unwanted"),
    ("in case of ", "unwanted"),
    ("in case ", "unwanted"),
    ("whenever ", "event"),
    ("provided that ", "option"),
    ("while ", "state"),
    ("during ", "state"),
    ("when ", "event"),
    ("upon ", "event"),
    ("after ", "event"),
    ("once ", "event"),
    ("where ", "option"),
    ("unless ", "unwanted"),
    ("if ", "unwanted"),
    ("in ", "state"),
    ("for ", "state"),
    ("at ", "state"),
    ("with ", "state"),
    ("on ", "event"),
    ("before ", "event"),
];
/// How many of [`KEYWORDS`] may also begin a condition behind the response.
const TRAILING: &[&str] = &[
    " as long as ",
    " as soon as ",
    " in the event of ",
    " in the event that ",
    " in case of ",
    " whenever ",
    " provided that ",
    " while ",
    " when ",
    " upon ",
    " once ",
    " unless ",
    " if ",
];
const MODALS: &[&str] = &[
    " shall ",
    " must ",
    " has to ",
    " have to ",
    " is required to ",
    " are required to ",
    " should ",
    " will ",
    " needs to ",
    " need to ",
];

/// Takes a requirement apart.
#[must_use]
pub fn parse(text: &str) -> Parsed {
    // ASCII lower case keeps every byte in its place, so that spans fit the text as written.
    let lower = text.to_ascii_lowercase();
    let mut parsed = Parsed { pattern: "unparsed", ..Parsed::default() };
    let modal = MODALS.iter().find_map(|modal| lower.find(modal).map(|at| (at, at + modal.len())));
    let mut response_at = 0;
    if let Some((from, to)) = modal {
        let head = text.get(..from).unwrap_or_default();
        let (conditions, subject_at) = leading(&lower, from);
        let subject = clean_subject(text.get(subject_at..from).unwrap_or_default());
        let response_end = lower.get(to..).map_or(to, |rest| to + first_sentence(rest));
        let mut response = text.get(to..response_end).unwrap_or_default().trim().trim_end_matches(['.', ';']);
        let mut all: Vec<(&str, String)> = conditions
            .iter()
            .map(|(pattern, from, to)| (*pattern, head.get(*from..*to).unwrap_or_default().trim().to_owned()))
            .collect();
        if let Some((at, pattern)) = trailing(&lower, to, response_end) {
            all.push((
                pattern,
                text.get(at..response_end).unwrap_or_default().trim().trim_end_matches('.').to_owned(),
            ));
            response = text.get(to..at).unwrap_or_default().trim();
        }
        parsed.pattern = pattern_of(&all);
        let words: Vec<String> =
            all.into_iter().map(|(_, words)| words.trim_end_matches(',').to_owned()).collect();
        parsed.condition = (!words.is_empty()).then(|| words.join(", "));
        let (property, owner) = property::of_subject(&subject);
        parsed.property = property;
        parsed.subject = (!owner.is_empty()).then_some(owner);
        parsed.response = (!response.is_empty()).then(|| response.to_owned());
        response_at = to;
        if parsed.subject.is_none() || parsed.response.is_none() {
            parsed.pattern = "unparsed";
        }
    }
    let (quantities, unknown) = quantity::all(text, &lower, response_at, parsed.property.as_deref());
    parsed.quantities = quantities;
    findings::look(&lower, &mut parsed);
    parsed.findings.extend(unknown.into_iter().map(|text| Finding { kind: "unit".to_owned(), text }));
    if parsed.pattern == "unparsed" {
        let why = if modal.is_none() { "it has no `shall`" } else { "it has no subject or no response" };
        parsed.findings.push(Finding {
            kind: "unparsed".to_owned(),
            text: format!(
                "{why}: write `the <system> shall <response>`, with while, when, where or if before it"
            ),
        });
    }
    parsed
}

/// End of the first sentence: a full stop before white space that is no decimal point or abbreviation.
fn first_sentence(lower: &str) -> usize {
    let mut from = 0;
    while let Some(found) = lower.get(from..).and_then(|rest| rest.find(". ")) {
        let at = from + found;
        let before = lower.get(..at).unwrap_or_default();
        let word = before.rsplit([' ', '(']).next().unwrap_or_default();
        if !matches!(word, "e.g" | "i.e" | "approx" | "max" | "min" | "no" | "etc" | "cf" | "incl" | "fig") {
            return at + 1;
        }
        from = at + 2;
    }
    lower.len()
}

/// Conditions before the subject: (pattern, from, to), and where the subject begins.
fn leading(lower: &str, modal: usize) -> (Vec<(&'static str, usize, usize)>, usize) {
    let head = lower.get(..modal).unwrap_or_default();
    let mut found = Vec::new();
    let mut at = head.len() - head.trim_start().len();
    // Each condition ends at a comma; the last comma before the modal verb ends the last one.
    for _ in 0..4 {
        let rest = head.get(at..).unwrap_or_default();
        let Some((_, pattern)) = KEYWORDS.iter().find(|(word, _)| rest.starts_with(word)) else { break };
        let next_keyword = |from: usize| {
            let rest = head.get(from..).unwrap_or_default().trim_start();
            KEYWORDS.iter().take(17).any(|(word, _)| rest.starts_with(word))
        };
        let commas: Vec<usize> = rest.match_indices(',').map(|(i, _)| at + i).collect();
        let then = rest.find(" then ").map(|i| at + i);
        let article =
            [" the ", " an ", " a "].iter().filter_map(|word| rest.rfind(word)).max().map(|i| at + i);
        let end = commas
            .iter()
            .copied()
            .find(|comma| next_keyword(comma + 1))
            .or_else(|| commas.last().copied())
            .or(then)
            .or(article);
        let Some(end) = end else { break };
        found.push((*pattern, at, end));
        let mut next = end + usize::from(head.as_bytes().get(end) == Some(&b','));
        let after = head.get(next..).unwrap_or_default();
        next += after.len() - after.trim_start().len();
        for word in ["then ", "and "] {
            if head.get(next..).is_some_and(|rest| rest.starts_with(word)) {
                next += word.len();
            }
        }
        at = next;
    }
    (found, at)
}

/// A condition behind the response: where it begins and its pattern.
fn trailing(lower: &str, from: usize, to: usize) -> Option<(usize, &'static str)> {
    let response = lower.get(from..to)?;
    let (at, word) = TRAILING
        .iter()
        .filter_map(|word| response.find(word).map(|at| (at, *word)))
        .filter(|(at, word)| {
            // `once per second` counts; it is no condition.
            let behind = response.get(at + word.len()..).unwrap_or_default();
            *word != " once "
                || !["per ", "a ", "an ", "every ", "each "].iter().any(|w| behind.starts_with(w))
        })
        .min_by_key(|(at, _)| *at)
        .filter(|(at, _)| *at > 2)?;
    let pattern = KEYWORDS.iter().find(|(key, _)| *key == word.trim_start()).map(|(_, pattern)| *pattern)?;
    Some((from + at, pattern))
}

fn pattern_of(conditions: &[(&str, String)]) -> &'static str {
    let mut kinds: Vec<&str> = conditions.iter().map(|(pattern, _)| *pattern).collect();
    kinds.sort_unstable();
    kinds.dedup();
    match kinds.as_slice() {
        [] => "ubiquitous",
        ["state"] => "state",
        ["event"] => "event",
        ["option"] => "option",
        ["unwanted"] => "unwanted",
        _ => "complex",
    }
}

fn clean_subject(text: &str) -> String {
    let mut text = text.trim().trim_matches(['"', '“', '”', ':', ',']).trim();
    loop {
        let lower = text.to_ascii_lowercase();
        let word = ["then ", "the ", "a ", "an ", "each ", "every ", "all ", "any ", "this ", "our "]
            .into_iter()
            .find(|word| lower.starts_with(word));
        match word {
            Some(word) => text = text.get(word.len()..).unwrap_or_default().trim_start(),
            None => return text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
