//! Spans of time in words: "2 days", "three months", as ISO 8601 durations.

use super::tag::{Tag, Token};

/// The first span of time in the words, as an ISO 8601 duration; `None` where there is none.
pub(super) fn duration<'a>(words: impl Iterator<Item = &'a str>) -> Option<String> {
    let words: Vec<&str> = words.collect();
    words.windows(2).find_map(|pair| match pair {
        [count, unit] => of(number(count)?, unit),
        _ => None,
    })
}

/// The deadline in the words: what stands behind "within".
pub(super) fn deadline(text: &str) -> Option<String> {
    let rest = text.split_once("within ")?.1;
    duration(rest.split(' ').take(3))
}

/// Whether the word is a unit of time.
pub(super) fn is_unit(word: &str) -> bool {
    of(1, word).is_some() || ["night", "morning", "evening"].contains(&word.trim_end_matches('s'))
}

/// "every night", "every 5 minutes", "on every commit" at any place of a sentence, as a person would name the start.
pub(super) fn rhythm(tokens: &[Token]) -> Option<String> {
    let every = tokens.iter().position(|token| token.lower == "every")?;
    let rest = tokens.get(every + 1..)?;
    let counted = usize::from(rest.first().is_some_and(|token| token.tag == Tag::Number));
    let unit = rest.get(counted)?;
    let event = tokens.first().is_some_and(|token| token.lower == "on") && every == 1;
    if !is_unit(&unit.lower) && !event {
        return None;
    }
    let words: Vec<&str> =
        tokens.get(every..=every + 1 + counted)?.iter().map(|t| t.lower.as_str()).collect();
    Some(words.join(" "))
}

fn number(word: &str) -> Option<u32> {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    if matches!(word, "a" | "an") {
        return Some(1);
    }
    word.parse().ok().or_else(|| WORDS.iter().position(|other| other == &word)?.try_into().ok())
}

fn of(count: u32, unit: &str) -> Option<String> {
    Some(match unit.trim_end_matches(['.', ',', ';']).trim_end_matches('s') {
        "second" | "sec" => format!("PT{count}S"),
        "minute" | "min" => format!("PT{count}M"),
        "hour" => format!("PT{count}H"),
        "day" => format!("P{count}D"),
        "week" => format!("P{}D", count.checked_mul(7)?),
        "month" => format!("P{count}M"),
        "year" => format!("P{count}Y"),
        _ => return None,
    })
}
