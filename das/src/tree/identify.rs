//! Ids for the nodes of a tree: readable, unique, and usable as FEEL variable names.

use std::collections::{BTreeMap, BTreeSet};

use super::{EventKind, Node, Tree};

/// Longest id made from a label, in characters; more is cut at a word.
const MAX_ID_CHARS: usize = 48;

/// An id from a label: lower-case letters, digits and underscores, beginning with a letter.
#[must_use]
pub fn identifier(label: &str) -> String {
    let mut id = String::new();
    for word in label.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if !id.is_empty() {
            if id.len() + word.len() >= MAX_ID_CHARS {
                break;
            }
            id.push('_');
        }
        id.extend(word.chars().take(MAX_ID_CHARS).map(|c| c.to_ascii_lowercase()));
    }
    if id.is_empty() {
        return "step".to_owned();
    }
    if !id.starts_with(|c: char| c.is_ascii_alphabetic()) || is_reserved(&id) {
        id.insert_str(0, "step_");
    }
    id
}

/// A FEEL variable name in lower camel case from words: `order amount` → `orderAmount`.
#[must_use]
pub fn variable_name(words: &str) -> String {
    let mut name = String::new();
    for word in words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let lower = word.to_ascii_lowercase();
        if name.is_empty() {
            name.push_str(&lower);
        } else {
            let mut letters = lower.chars();
            name.extend(letters.next().map(|c| c.to_ascii_uppercase()));
            name.push_str(letters.as_str());
        }
        if name.len() >= MAX_ID_CHARS {
            break;
        }
    }
    if name.is_empty() {
        return "condition".to_owned();
    }
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || is_reserved(&name) {
        name.insert_str(0, "the");
    }
    name
}

/// Words of the expression language that cannot stand for a variable.
fn is_reserved(word: &str) -> bool {
    const RESERVED: [&str; 20] = [
        "if",
        "then",
        "else",
        "for",
        "in",
        "return",
        "some",
        "every",
        "satisfies",
        "and",
        "or",
        "not",
        "between",
        "instance",
        "of",
        "function",
        "true",
        "false",
        "null",
        "external",
    ];
    RESERVED.contains(&word)
}

impl Tree {
    /// Fills in missing ids, from labels where there are any; ids that are there stay.
    pub fn assign_ids(&mut self) {
        let mut taken: BTreeSet<String> = ["start", "end"].map(str::to_owned).into();
        taken.extend(self.nodes().iter().map(|node| node.id().to_owned()).filter(|id| !id.is_empty()));
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut open = vec![&mut self.root];
        while let Some(node) = open.pop() {
            if node.id().is_empty() {
                let stem = stem(node);
                let mut candidate = stem.clone();
                let count = counts.entry(stem.clone()).or_insert(1);
                while taken.contains(&candidate) {
                    *count += 1;
                    candidate = format!("{stem}_{count}");
                }
                taken.insert(candidate.clone());
                *node.id_mut() = candidate;
            }
            let mut children = node.children_mut();
            children.reverse();
            open.extend(children);
        }
    }
}

/// What an id begins with; blocks are named by their operator so that they never look like a step.
fn stem(node: &Node) -> String {
    match node {
        Node::Activity(activity) => identifier(&activity.label),
        Node::Event(event) => match event.kind {
            EventKind::End | EventKind::Error(_) => format!("end_{}", identifier(&event.label)),
            _ => identifier(&event.label),
        },
        Node::Sequence(_) => "sequence".to_owned(),
        Node::Choice(_) => "choice".to_owned(),
        Node::Loop(_) => "loop".to_owned(),
        Node::Partial(_) => "parallel".to_owned(),
    }
}
