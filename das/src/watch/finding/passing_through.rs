//! Steps that only pass through.
//!
//! Rule: a process of which [`ENOUGH`] instances completed has service tasks in which nothing was ever done, because
//! they say nothing about how. One finding for each process, with a way for each step, chosen by the words of its
//! label. How a step is done is not guessed, so there is no proposal.

use super::{Finding, FindingKind};
use crate::watch::sight::Sight;

/// Instances that must have completed.
const ENOUGH: u64 = 3;
/// Steps named one by one.
const NAMED: usize = 8;
/// Words in a label, and what such a step wants.
const WAYS: [(&[&str], &str); 4] = [
    (
        &["file", "folder", "directory", "save", "archive", "store"],
        "a file operation: procos:task by=\"file\" ref=\"…\"",
    ),
    (
        &["calculate", "compute", "determine", "check", "compare", "validate", "verify", "size"],
        "an expression: procos:task by=\"feel\" with procos:compute",
    ),
    (
        &["approve", "sign", "decide", "review", "accept", "reject", "meet", "call"],
        "a person: make it a user task",
    ),
    (
        &["write", "classify", "summarise", "summarize", "translate", "extract", "answer", "draft"],
        "a language model: procos:task by=\"model\" with a prompt and outcomes",
    ),
];

/// All of them.
pub(super) fn find(sight: &Sight) -> Vec<Finding> {
    let mut found = Vec::new();
    for process in &sight.processes {
        let idle: Vec<&String> = process
            .counts
            .tasks
            .iter()
            .filter(|(_, task)| task.passed > 0 && task.passed >= task.completed)
            .map(|(element, _)| element)
            .collect();
        if idle.is_empty() || process.counts.completed < ENOUGH {
            continue;
        }
        let tasks = process.profile.jobs();
        let mut evidence = vec![format!(
            "{} of {} service tasks did nothing in {} completed instances",
            idle.len(),
            tasks.max(idle.len()),
            process.counts.completed
        )];
        for element in idle.iter().take(NAMED) {
            let label = process.profile.label(element);
            evidence.push(format!("'{label}' could be {}", way(&label)));
        }
        if idle.len() > NAMED {
            evidence.push(format!("and {} more", idle.len() - NAMED));
        }
        found.push(Finding {
            kind: FindingKind::PassingThrough,
            subject: process.definition.process_id.clone(),
            title: format!(
                "Say how the steps of '{}' are done: {} only pass through",
                process.definition.name,
                idle.len()
            ),
            evidence,
            weight: process.counts.completed,
            importance: 0.4 * idle.len() as f64 / tasks.max(idle.len()) as f64,
            gain: None,
            definition: Some(process.definition.key),
            remedy: None,
        });
    }
    found
}

fn way(label: &str) -> &'static str {
    let label = label.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| label.split(' ').any(|part| part.starts_with(word)));
    WAYS.iter()
        .find(|(words, _)| has(words))
        .map_or("a tool (procos:task by=\"tool\" ref=\"…\") or a person's manual task", |(_, way)| *way)
}
