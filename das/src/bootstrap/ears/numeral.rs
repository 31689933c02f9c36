//! Finds numbers in a text: digits with separators and powers, and number words.

use std::sync::LazyLock;

use regex::Regex;

static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\d{1,3}(?:[,\u{2009}\u{202f}]\d{3})+(?:\.\d+)?|\d{1,3}(?: \d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3}|\s?[×x]\s?10\^?-?\d{1,2})?|\.\d+").ok()
});

const WORDS: &[(&str, f64)] = &[
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("twenty", 20.0),
    ("hundred", 100.0),
];

/// A number in a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    /// Its value with its sign.
    pub(super) value: f64,
    /// First byte, with its sign.
    pub(super) from: usize,
    /// One past the last byte.
    pub(super) to: usize,
    /// Written as a word.
    pub(super) word: bool,
    /// `±` stands before it.
    pub(super) tolerance: bool,
}

/// All numbers of a text that count something: not those inside names, ids, versions and dates.
pub(super) fn all(text: &str, lower: &str) -> Vec<Number> {
    let mut found = Vec::new();
    if let Some(regex) = NUMBER.as_ref().filter(|_| text.bytes().any(|b| b.is_ascii_digit())) {
        found.extend(regex.find_iter(text).filter_map(|m| number(text, m.start(), m.end())));
    }
    for (word, value) in WORDS {
        if let Some(at) = super::findings::find_word(lower, word) {
            found.push(Number { value: *value, from: at, to: at + word.len(), word: true, tolerance: false });
        }
    }
    found.sort_by_key(|number| number.from);
    found
}

fn number(text: &str, from: usize, to: usize) -> Option<Number> {
    let head = text.get(..from)?;
    let before = head.chars().next_back();
    let after = text.get(to..)?.chars().next();
    let mut sign = 1.0;
    let mut start = from;
    let mut tolerance = false;
    match before {
        // `R-12`, `CS-23`, `B2`, `v1.2`, `802.11` in a name; a minus sign stands behind a space.
        Some('-' | '−' | '–') => {
            let dash = before.map_or(1, char::len_utf8);
            let outer = head.get(..from - dash).and_then(|t| t.chars().next_back());
            match outer {
                None | Some(' ' | '(' | '[' | '=' | '<' | '>') => {
                    sign = -1.0;
                    start = from - dash;
                }
                Some(c) if c.is_ascii_digit() || !c.is_alphanumeric() => {}
                Some(_) => return None,
            }
        }
        Some('±') => {
            tolerance = true;
            start = from - '±'.len_utf8();
        }
        Some('+') => start = from - 1,
        Some('.' | '/' | '_' | '#' | ':' | '^') => return None,
        Some(c) if c.is_alphabetic() => return None,
        _ => {}
    }
    if head.ends_with("± ") {
        tolerance = true;
    }
    if matches!(after, Some('_' | ':' | '/')) || is_name(head) {
        return None;
    }
    let digits = text.get(from..to)?;
    let plain: String =
        digits.chars().filter(|c| !matches!(c, ',' | ' ' | '\u{2009}' | '\u{202f}')).collect();
    let value = match plain.split_once(['×', 'x']) {
        Some((mantissa, power)) => {
            let power = power.trim_start_matches("10").trim_start_matches('^');
            mantissa.parse::<f64>().ok()? * 10f64.powi(power.parse().ok()?)
        }
        None => plain.parse::<f64>().ok()?,
    };
    value.is_finite().then_some(Number { value: sign * value, from: start, to, word: false, tolerance })
}

/// Whether the word before is one that a number only names: `ISO 9001`, `step 3`, `table 2`.
fn is_name(head: &str) -> bool {
    const NAMES: &[&str] = &[
        "iso", "iec", "ieee", "din", "en", "rfc", "astm", "mil-std", "do", "cs", "far", "part", "section",
        "chapter", "table", "figure", "step", "phase", "level", "class", "version", "release", "http",
        "type", "annex", "article", "category", "no.", "number", "page", "mode", "ansi", "nfpa", "sae", "ul",
        "tls", "python", "usb", "wcag", "oauth", "ipv", "ed",
    ];
    let word = head.trim_end().rsplit([' ', '(', ',']).next().unwrap_or_default();
    head.ends_with(' ') && NAMES.contains(&word.to_ascii_lowercase().as_str())
}
