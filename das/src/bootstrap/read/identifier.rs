//! Finds the id that a requirement begins with.

use std::sync::LazyLock;

use regex::Regex;

/// `[R-12] text`, `(R-12) text`, `**R-12** text`, `R-12: text`, `R-12 - text`.
static MARKED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?s)^(?:[\[(]\s*([A-Za-z][A-Za-z0-9_.\-/]{0,40}\d[A-Za-z0-9_.\-]{0,20}|\d+(?:\.\d+)+)\s*[\])]|\*\*\s*([A-Za-z][A-Za-z0-9_.\-/]{0,40}\d[A-Za-z0-9_.\-]{0,20}|\d+(?:\.\d+)+)\s*:?\s*\*\*|`([A-Za-z][A-Za-z0-9_.\-/]{0,40}\d[A-Za-z0-9_.\-]{0,20})`|([A-Za-z][A-Za-z0-9_.\-/]{0,40}\d[A-Za-z0-9_.\-]{0,20})\s*(?::|–|—|\s-\s))\s*[:.–—-]?\s*(.+)$",
    )
    .ok()
});
/// `R-12 The aircraft …`: an unmarked id only before a sentence.
static BARE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?s)^([A-Z][A-Za-z]{0,7}[-_]?\d{1,6}(?:\.\d+)*|\d+(?:\.\d+)+)\.?\s+([A-Z].+)$").ok()
});

/// Splits a text into its id, if it has one, and the rest.
pub(super) fn split(text: &str) -> (Option<String>, String) {
    let text = text.trim();
    if let Some(found) = MARKED.as_ref().and_then(|regex| regex.captures(text)) {
        let id = (1..=4).find_map(|group| found.get(group));
        if let (Some(id), Some(rest)) = (id, found.get(5)) {
            return (
                Some(id.as_str().trim_end_matches(['.', '-']).to_owned()),
                rest.as_str().trim().to_owned(),
            );
        }
    }
    if let Some(found) = BARE.as_ref().and_then(|regex| regex.captures(text))
        && let (Some(id), Some(rest)) = (found.get(1), found.get(2))
    {
        return (Some(id.as_str().to_owned()), rest.as_str().trim().to_owned());
    }
    (None, text.to_owned())
}
