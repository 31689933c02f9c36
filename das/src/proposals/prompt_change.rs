//! A change of a prompt as a diff of its lines.

use context::Prompt;
use serde::{Deserialize, Serialize};

/// Longest text of which a diff by lines is made; beyond, all old lines go and all new ones come.
const LINES_LIMIT: usize = 2_000;

/// A new version of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptChange {
    /// Name of the prompt.
    pub name: String,
    /// Hash of the version that it changes.
    pub base: String,
    /// The prompt as it would be.
    pub prompt: Prompt,
    /// The difference, line by line.
    pub lines: Vec<DiffLine>,
    /// Hash of the version it became.
    #[serde(default)]
    pub saved: Option<String>,
}

/// What happens to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineEffect {
    /// It stays.
    Kept,
    /// It is new.
    Added,
    /// It goes.
    Removed,
}

/// A line of a diff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// What happens to it.
    pub effect: LineEffect,
    /// The line.
    pub text: String,
}

impl PromptChange {
    /// The change from the version with the hash `base` to `prompt`.
    #[must_use]
    pub fn between(base: &str, before: &Prompt, prompt: Prompt) -> Self {
        let lines = difference(&text_of(before), &text_of(&prompt));
        Self { name: prompt.name.clone(), base: base.to_owned(), prompt, lines, saved: None }
    }
}

/// A prompt as text: parameters, then each message under who speaks.
fn text_of(prompt: &Prompt) -> String {
    let mut text = String::new();
    if let Some(temperature) = prompt.parameters.temperature {
        text.push_str(&format!("temperature: {temperature}\n"));
    }
    if let Some(tokens) = prompt.parameters.max_tokens {
        text.push_str(&format!("max_tokens: {tokens}\n"));
    }
    for message in &prompt.messages {
        let role = serde_json::to_value(message.role).unwrap_or_default();
        text.push_str(&format!("[{}]\n{}\n", role.as_str().unwrap_or_default(), message.text));
    }
    text
}

/// The difference by a longest common subsequence of lines.
fn difference(before: &str, after: &str) -> Vec<DiffLine> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let line = |effect, text: &str| DiffLine { effect, text: text.to_owned() };
    if old.len() > LINES_LIMIT || new.len() > LINES_LIMIT {
        let gone = old.iter().map(|text| line(LineEffect::Removed, text));
        return gone.chain(new.iter().map(|text| line(LineEffect::Added, text))).collect();
    }
    // longest[i][j]: common lines of old[i..] and new[j..].
    let mut longest = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    let at = |table: &Vec<Vec<u32>>, i: usize, j: usize| {
        table.get(i).and_then(|row| row.get(j)).copied().unwrap_or_default()
    };
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let value = if old.get(i) == new.get(j) {
                at(&longest, i + 1, j + 1) + 1
            } else {
                at(&longest, i + 1, j).max(at(&longest, i, j + 1))
            };
            if let Some(cell) = longest.get_mut(i).and_then(|row| row.get_mut(j)) {
                *cell = value;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    loop {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => {
                lines.push(line(LineEffect::Kept, a));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), other) if other.is_none() || at(&longest, i + 1, j) >= at(&longest, i, j + 1) => {
                lines.push(line(LineEffect::Removed, a));
                i += 1;
            }
            (_, Some(b)) => {
                lines.push(line(LineEffect::Added, b));
                j += 1;
            }
            (_, None) => return lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_says_what_stays_comes_and_goes() {
        let shown: Vec<String> = difference("a\nb\nc\n", "a\nx\nc\nd\n")
            .into_iter()
            .map(|line| {
                let sign = match line.effect {
                    LineEffect::Kept => ' ',
                    LineEffect::Added => '+',
                    LineEffect::Removed => '-',
                };
                format!("{sign}{}", line.text)
            })
            .collect();
        assert_eq!(shown, [" a", "-b", "+x", " c", "+d"]);
        assert!(difference("", "").is_empty());
    }
}
