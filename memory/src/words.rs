//! Words: how a text is cut into them, and how their forms are brought together.

/// Longest word that is kept, in characters; the rest of it is dropped.
const WORD_LIMIT: usize = 64;

/// The words of `text` in order: lower case, `camelCase` and `snake_case` taken apart, English endings taken off.
///
/// Letters of scripts written without spaces are words of their own.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut length = 0_usize;
    let mut last_is_lower = false;
    let mut finish = |word: &mut String| {
        if !word.is_empty() {
            found.push(stem(&std::mem::take(word)));
        }
    };
    for c in text.chars() {
        if !c.is_alphanumeric() {
            finish(&mut word);
            last_is_lower = false;
            continue;
        }
        if is_unspaced(c) || (c.is_uppercase() && last_is_lower) {
            finish(&mut word);
        }
        if word.is_empty() {
            length = 0;
        }
        if length < WORD_LIMIT {
            word.extend(c.to_lowercase());
            length += 1;
        }
        if is_unspaced(c) {
            finish(&mut word);
        }
        last_is_lower = c.is_lowercase();
    }
    finish(&mut word);
    found
}

/// Chinese, Japanese and Thai letters, which stand without spaces.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{0E00}'..='\u{0E7F}')
}

/// Brings the forms of an English word together: plural, -ing, -ed, final e. Two words that meet by accident cost a
/// little precision; two forms that do not meet would not be found.
fn stem(word: &str) -> String {
    if !word.is_ascii() || word.len() < 4 || word.bytes().any(|b| b.is_ascii_digit()) {
        return word.to_owned();
    }
    let singular = match word {
        _ if word.ends_with("ies") => format!("{}y", &word[..word.len() - 3]),
        _ if word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) => {
            word[..word.len() - 1].to_owned()
        }
        _ => word.to_owned(),
    };
    let bare = ["ing", "ed"].iter().find_map(|end| {
        let stem = singular.strip_suffix(end)?;
        let has_vowel = stem.bytes().any(|b| b"aeiouy".contains(&b));
        (stem.len() >= 3 && has_vowel).then(|| undouble(stem))
    });
    let stem = bare.unwrap_or(singular);
    match stem.strip_suffix('e') {
        Some(short) if short.len() >= 3 => short.to_owned(),
        _ => stem,
    }
}

/// `runn` → `run`, but `fill` stays.
fn undouble(stem: &str) -> String {
    let bytes = stem.as_bytes();
    match bytes {
        [.., a, b] if a == b && !b"lsz".contains(b) && !b"aeiou".contains(b) => {
            stem[..stem.len() - 1].to_owned()
        }
        _ => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn forms_of_a_word_meet() {
        for forms in [
            "train trains trained training",
            "size sizes sized sizing",
            "process processes processed processing",
            "run runs running",
            "query queries",
            "fill fills filled filling",
        ] {
            let mut stems = words(forms);
            stems.dedup();
            assert_eq!(stems.len(), 1, "{forms}: {stems:?}");
        }
    }

    #[test]
    fn names_in_code_and_scripts_without_spaces_are_taken_apart() {
        assert_eq!(
            words("ingestData write_file R-12 XMLReader"),
            ["ingest", "data", "writ", "fil", "r", "12", "xmlreader"]
        );
        assert_eq!(words("飛行機 Größe"), ["飛", "行", "機", "größe"]);
        assert!(words(" --- ").is_empty());
        assert_eq!(words(&"x".repeat(1000))[0].len(), 64);
    }
}
