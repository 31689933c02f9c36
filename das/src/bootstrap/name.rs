//! Names and ids of derived things: the same words give the same id, and no id is given twice.

use std::collections::BTreeSet;

/// Longest part of an id made from words, in bytes.
const MAX_SLUG: usize = 48;

/// Words as a part of an id: lower-case letters, digits and hyphens.
#[must_use]
pub fn slug(words: &str) -> String {
    let mut out = String::new();
    for c in words.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
        if out.len() >= MAX_SLUG {
            break;
        }
    }
    let out = out.trim_matches('-').to_owned();
    if out.is_empty() {
        // Words without a Latin letter or digit still need an id that is always the same.
        let sum = words.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        return format!("x{sum:016x}");
    }
    out
}

/// Gives ids that are free.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    used: BTreeSet<String>,
}

impl Ids {
    /// Marks an id as used.
    pub(crate) fn take(&mut self, id: &str) {
        self.used.insert(id.to_owned());
    }

    /// This very id, with a number behind it where it is taken.
    pub(crate) fn give_exact(&mut self, wanted: &str) -> String {
        let mut id = wanted.to_owned();
        let mut n = 2usize;
        while !self.used.insert(id.clone()) {
            id = format!("{wanted}-{n}");
            n += 1;
        }
        id
    }

    /// An id from a prefix and words, with a number behind it where it is taken.
    pub(crate) fn give(&mut self, prefix: &str, words: &str) -> String {
        self.give_exact(&format!("{prefix}{}", slug(words)))
    }
}

/// Words of a text in lower case and singular, with the place of each.
pub(crate) fn words(text: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    for (i, c) in text.char_indices().chain(std::iter::once((text.len(), ' '))) {
        if c.is_alphanumeric() || (c == '-' && start.is_some()) {
            start.get_or_insert(i);
        } else if let Some(from) = start.take() {
            let word = text.get(from..i).unwrap_or_default().trim_end_matches('-');
            found.push((singular(&word.to_lowercase()), from, from + word.len()));
        }
    }
    found
}

/// A word without the ending of its plural.
pub(crate) fn singular(word: &str) -> String {
    let plain = |word: &str| word.to_owned();
    if word.len() <= 3 || word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return plain(word);
    }
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    if let Some(stem) = word.strip_suffix("es")
        && (stem.ends_with("ch") || stem.ends_with("sh") || stem.ends_with('x') || stem.ends_with("ss"))
    {
        return plain(stem);
    }
    plain(word.strip_suffix('s').unwrap_or(word))
}

/// A phrase without article, in lower case and singular: how subjects are compared.
pub(crate) fn phrase(text: &str) -> String {
    let words: Vec<String> = words(text)
        .into_iter()
        .map(|(word, _, _)| word)
        .filter(|word| !matches!(word.as_str(), "the" | "a" | "an" | "each" | "every" | "all" | "any"))
        .collect();
    words.join(" ")
}

/// With a capital first letter.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + chars.as_str())
}
