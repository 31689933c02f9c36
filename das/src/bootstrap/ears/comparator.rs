//! Words and signs that say how a value bounds a property.

use super::findings::find_word;

/// Before the value: (words, comparator); longer phrases hide the shorter ones inside them.
const BEFORE: &[(&str, &str)] = &[
    ("shall not exceed", "<="),
    ("must not exceed", "<="),
    ("not exceed", "<="),
    ("not exceeding", "<="),
    ("never exceed", "<="),
    ("no more than", "<="),
    ("not more than", "<="),
    ("at most", "<="),
    ("maximum of", "<="),
    ("up to", "<="),
    ("less than or equal to", "<="),
    ("not greater than", "<="),
    ("no greater than", "<="),
    ("no later than", "<="),
    ("not later than", "<="),
    ("no longer than", "<="),
    ("not longer than", "<="),
    ("no heavier than", "<="),
    ("no higher than", "<="),
    ("not higher than", "<="),
    ("no faster than", "<="),
    ("no larger than", "<="),
    ("not larger than", "<="),
    ("limited to", "<="),
    ("limit to", "<="),
    ("within", "<="),
    ("in under", "<"),
    ("not above", "<="),
    ("a maximum", "<="),
    ("or below", "<="),
    ("<=", "<="),
    ("≤", "<="),
    ("=<", "<="),
    ("not over", "<="),
    ("never more than", "<="),
    ("capped at", "<="),
    ("at least", ">="),
    ("no less than", ">="),
    ("not less than", ">="),
    ("minimum of", ">="),
    ("no fewer than", ">="),
    ("not fewer than", ">="),
    ("greater than or equal to", ">="),
    ("more than or equal to", ">="),
    ("not below", ">="),
    ("not under", ">="),
    ("no lower than", ">="),
    ("not lower than", ">="),
    ("no earlier than", ">="),
    ("not be less than", ">="),
    ("not be more than", "<="),
    ("not be greater than", "<="),
    ("not be below", ">="),
    ("not be above", "<="),
    ("not be lower than", ">="),
    ("not be higher than", "<="),
    ("not fall below", ">="),
    ("not drop below", ">="),
    ("not rise above", "<="),
    ("a minimum", ">="),
    ("or above", ">="),
    (">=", ">="),
    ("≥", ">="),
    ("down to", ">="),
    ("never below", ">="),
    ("never less than", ">="),
    ("less than", "<"),
    ("fewer than", "<"),
    ("lower than", "<"),
    ("shorter than", "<"),
    ("lighter than", "<"),
    ("smaller than", "<"),
    ("below", "<"),
    ("under", "<"),
    ("<", "<"),
    ("earlier than", "<"),
    ("faster than", ">"),
    ("more than", ">"),
    ("greater than", ">"),
    ("higher than", ">"),
    ("longer than", ">"),
    ("larger than", ">"),
    ("above", ">"),
    ("exceed", ">"),
    ("exceeds", ">"),
    ("exceeding", ">"),
    ("in excess of", ">"),
    (">", ">"),
    ("over", ">"),
    ("exactly", "="),
    ("equal to", "="),
    ("equals", "="),
    ("=", "="),
    ("precisely", "="),
];

/// Behind the value and its unit.
const AFTER: &[(&str, &str)] = &[
    ("or less", "<="),
    ("or fewer", "<="),
    ("or lower", "<="),
    ("or below", "<="),
    ("or under", "<="),
    ("or faster", "<="),
    ("maximum", "<="),
    ("at most", "<="),
    ("max", "<="),
    ("or more", ">="),
    ("or better", ">="),
    ("or greater", ">="),
    ("or higher", ">="),
    ("or longer", ">="),
    ("or above", ">="),
    ("minimum", ">="),
    ("at least", ">="),
    ("min", ">="),
];

/// The comparator before a value: (comparator, from, to) in `before`.
pub(super) fn before(before: &str) -> Option<(&'static str, usize, usize)> {
    BEFORE
        .iter()
        .filter_map(|(words, comparator)| {
            let at = last_word(before, words)?;
            Some((*comparator, at, at + words.len()))
        })
        .max_by_key(|(_, from, to)| (*to, std::cmp::Reverse(*from)))
}

/// The comparator behind a value, if `after` begins with one.
pub(super) fn after(after: &str) -> Option<&'static str> {
    let after = after.trim_start_matches([' ', '(', ',']);
    AFTER
        .iter()
        .find(|(words, _)| after.starts_with(words) && find_word(after, words) == Some(0))
        .map(|(_, comparator)| *comparator)
}

fn last_word(text: &str, word: &str) -> Option<usize> {
    let sign = !word.chars().any(char::is_alphanumeric);
    let mut end = text.len();
    while let Some(at) = text.get(..end).and_then(|rest| rest.rfind(word)) {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '-');
        if sign || (edge(before) && edge(after)) {
            return Some(at);
        }
        end = at;
    }
    None
}
