//! Search over the words of systems, with the places where they were found.

use std::sync::Arc;

use crate::SystemIndex;
use crate::fields::texts;
use crate::model::Node;
use crate::words::{SEARCHED, asked, split};

/// Bytes of a text around a place that are shown.
const EXCERPT_BYTES: usize = 160;

/// A part of an excerpt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The text.
    pub text: String,
    /// Whether it is what was asked for.
    pub is_match: bool,
}

/// A text in which a word was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    /// Name of the field: `id`, `label`, `group`, `description`, `subject`, `item`, `property`.
    pub field: &'static str,
    /// The text around the first place, in parts that together are the excerpt.
    pub parts: Vec<Part>,
}

/// A node that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The node.
    pub node: Arc<Node>,
    /// How well it fits, above 0; comparable within one answer.
    pub score: f32,
    /// Where the words stand.
    pub highlights: Vec<Highlight>,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    /// The best, the best first.
    pub best: Vec<Hit>,
    /// How many nodes there are in all.
    pub count: usize,
}

impl SystemIndex {
    /// Finds nodes of these kinds (of all where none is given) that say all words of a query, or words that begin so;
    /// case does not matter. The node whose id is the query itself comes first, the others by BM25.
    #[must_use]
    pub fn search(&self, query: &str, kinds: &[&str], limit: usize) -> Hits {
        let words = &self.reading().words;
        let scores = words.scores(query, kinds);
        let mut best: Vec<Hit> = Vec::new();
        let named = self
            .node(query.trim())
            .filter(|node| node.kind() != "link" && (kinds.is_empty() || kinds.contains(&node.kind())));
        let asked = asked(query);
        let mut found = words.best(&scores, limit);
        if let Some(node) = named {
            found.retain(|found| found.node.id() != node.id());
            let score = found.first().map_or(1_000.0, |first| first.score) * 2.0;
            let highlights = highlights(node, &asked);
            best.push(Hit { node: Arc::clone(node), score, highlights });
        }
        let others = found.into_iter().map(|found| {
            let highlights = highlights(&found.node, &asked);
            Hit { node: found.node, score: found.score, highlights }
        });
        best.extend(others);
        best.truncate(limit);
        let count = scores.len().max(best.len());
        Hits { best, count }
    }
}

fn name(field: crate::Field) -> &'static str {
    match field {
        crate::Field::Id => "id",
        crate::Field::Group => "group",
        crate::Field::Description => "description",
        crate::Field::Subject => "subject",
        crate::Field::Item => "item",
        crate::Field::Property => "property",
        _ => "label",
    }
}

/// The texts of a node in which words were found.
fn highlights(node: &Node, asked: &[String]) -> Vec<Highlight> {
    let mut out = Vec::new();
    for (field, _) in SEARCHED {
        for text in texts(node, *field).iter() {
            let parts = excerpt(text, asked);
            if !parts.is_empty() {
                out.push(Highlight { field: name(*field), parts });
            }
        }
    }
    out
}

/// The text around the first word that was asked for; empty where there is none.
fn excerpt(text: &str, asked: &[String]) -> Vec<Part> {
    let is_asked =
        |word: &str| asked.iter().any(|asked| word == asked || (asked.len() > 1 && word.starts_with(asked)));
    let places: Vec<(usize, usize)> =
        split(text).filter(|(_, _, word)| is_asked(word)).map(|(start, end, _)| (start, end)).collect();
    let Some((first, _)) = places.first() else { return Vec::new() };
    let from = if text.len() <= EXCERPT_BYTES { 0 } else { first.saturating_sub(EXCERPT_BYTES / 4) };
    let from = (from..=*first).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let to = from.saturating_add(EXCERPT_BYTES).min(text.len());
    let to = (to..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let mut parts = Vec::new();
    let mut add = |text: String, is_match: bool| {
        if !text.is_empty() {
            parts.push(Part { text, is_match });
        }
    };
    let mut at = from;
    let cut = if from > 0 { "…" } else { "" };
    for (start, end) in places.into_iter().filter(|(_, end)| *end <= to) {
        let before = text.get(at..start).unwrap_or_default();
        add(if at == from { format!("{cut}{before}") } else { before.to_owned() }, false);
        add(text.get(start..end).unwrap_or_default().to_owned(), true);
        at = end;
    }
    let rest = text.get(at..to).unwrap_or_default();
    let more = if to < text.len() { "…" } else { "" };
    add(format!("{}{rest}{more}", if at == from { cut } else { "" }), false);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_the_text_around_the_place_in_parts() {
        let parts = excerpt("The brake shall stop the vehicle.", &["brak".to_owned(), "stop".to_owned()]);
        let shown: Vec<String> = parts
            .iter()
            .map(|part| if part.is_match { format!("[{}]", part.text) } else { part.text.clone() })
            .collect();
        assert_eq!(shown.concat(), "The [brake] shall [stop] the vehicle.");
        let long = format!("{} brake {}", "ä".repeat(500), "ö".repeat(500));
        let parts = excerpt(&long, &["brake".to_owned()]);
        assert!(parts.first().is_some_and(|part| part.text.starts_with('…')));
        assert!(parts.iter().map(|part| part.text.len()).sum::<usize>() < 2 * EXCERPT_BYTES);
        assert_eq!(excerpt("nothing", &["brake".to_owned()]), []);
    }
}
