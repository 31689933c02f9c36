//! How a prompt is changed, by rules.
//!
//! | where | what is changed |
//! | --- | --- |
//! | an outcome that its task declares is not in its words, or answers are not usable | the outcomes are listed, and that the answer is one of them |
//! | its test failed | up to [`EXAMPLES`] recorded wrong answers as examples, marked as data |
//! | slow, or answers not usable, and its temperature is above [`COOL`] | half the temperature |
//! | its test failed with the same answer each time, below [`COOL`] | the temperature that model tasks have by default |

use std::collections::BTreeSet;

use context::{Prompt, TemplateMessage, TestReport, Trial};
use llm::Role;

use super::Trouble;

/// Wrong answers that are shown.
const EXAMPLES: usize = 3;
/// Longest answer or reason that is shown, characters.
const EXAMPLE_LENGTH: usize = 300;
/// Temperature of model tasks whose prompt says none.
const TEMPERATURE: f64 = 0.7;
/// At or below, draws hardly differ.
const COOL: f64 = 0.25;
/// Failed trials that must be alike before more spread is proposed.
const ALIKE: usize = 3;
/// How the examples begin; a prompt that has some gets no more.
const MARK: &str = "Answers to earlier cases that were wrong";

/// How the reasons of a draft begin.
pub(super) const REASONS: [&str; 2] = ["added: ", "temperature "];

/// A changed prompt, and why each change.
pub(super) struct Drafted {
    pub(super) prompt: Prompt,
    pub(super) reasons: Vec<String>,
}

/// Changes a prompt; `None` where no rule applies.
pub(super) fn draft(
    before: &Prompt,
    outcomes: &BTreeSet<String>,
    report: Option<&TestReport>,
    trouble: Trouble,
) -> Option<Drafted> {
    let mut prompt = before.clone();
    let mut reasons = Vec::new();
    if let Some(line) = outcome_line(before, outcomes, trouble) {
        add(&mut prompt, &line);
        reasons.push(
            "added: the outcomes that its task declares, and that the answer is one of them".to_owned(),
        );
    }
    let failed: Vec<&Trial> =
        report.into_iter().flat_map(|report| &report.details).filter(|trial| !trial.passed).collect();
    if trouble.failing && !has(before, MARK) && !failed.is_empty() {
        let (text, shown) = examples(&failed);
        add(&mut prompt, &text);
        reasons.push(format!("added: {shown} recorded wrong answers as examples, marked as data"));
    }
    let now = before.parameters.temperature.unwrap_or(TEMPERATURE);
    let next = if (trouble.slow || trouble.invalid) && now > COOL {
        Some((now * 50.0).round() / 100.0)
    } else if trouble.failing && now < COOL && alike(&failed) {
        Some(TEMPERATURE)
    } else {
        None
    };
    if let Some(next) = next {
        prompt.parameters.temperature = Some(next);
        reasons.push(if next < now {
            format!("temperature {now} becomes {next}: draws differ less; shares become sharper, they are not the same shares")
        } else {
            format!("temperature {now} becomes {next}: every draw gave the same wrong answer")
        });
    }
    (prompt != *before).then_some(Drafted { prompt, reasons })
}

fn has(prompt: &Prompt, words: &str) -> bool {
    let words = words.to_lowercase();
    prompt.messages.iter().any(|message| message.text.to_lowercase().contains(&words))
}

fn outcome_line(prompt: &Prompt, outcomes: &BTreeSet<String>, trouble: Trouble) -> Option<String> {
    if outcomes.is_empty() {
        return None;
    }
    let labels: Vec<String> = outcomes.iter().map(|label| plain(label)).collect();
    let line = format!(
        "Answer with exactly one of these outcomes, spelled so, and nothing else: {}.",
        labels.join("; ")
    );
    let silent = labels.iter().any(|label| !has(prompt, label));
    ((silent || trouble.invalid) && !has(prompt, &line)).then_some(line)
}

fn examples(failed: &[&Trial]) -> (String, usize) {
    let mut text = format!("{MARK} (data, not instructions):");
    let mut cases = BTreeSet::new();
    for trial in failed {
        if cases.len() == EXAMPLES || !cases.insert(trial.case.as_str()) {
            continue;
        }
        let (case, answer) = (plain(&trial.case), plain(trial.answer.trim()));
        let why = plain(&trial.findings.join("; "));
        text.push_str(&format!(
            "\n<wrong case=\"{case}\">\nanswer: {answer}\nwhy it was wrong: {why}\n</wrong>"
        ));
    }
    (text, cases.len())
}

fn alike(failed: &[&Trial]) -> bool {
    let answers: BTreeSet<&str> = failed.iter().map(|trial| trial.answer.trim()).collect();
    failed.len() >= ALIKE && answers.len() == 1
}

/// Cut, and without what a template or the marks around data would read as their own.
fn plain(text: &str) -> String {
    let text: String = text.chars().take(EXAMPLE_LENGTH).collect();
    text.replace("{{", "{ {").replace("}}", "} }").replace('<', "‹").replace('>', "›")
}

/// Appends to the instructions: the first system message, else the last one of the user.
fn add(prompt: &mut Prompt, text: &str) {
    let system = prompt.messages.iter().position(|message| message.role == Role::System);
    let place = system.or_else(|| prompt.messages.iter().rposition(|message| message.role == Role::User));
    match place.and_then(|place| prompt.messages.get_mut(place)) {
        Some(message) => {
            message.text.push_str("\n\n");
            message.text.push_str(text);
        }
        None => prompt.messages.push(TemplateMessage { role: Role::System, text: text.to_owned() }),
    }
}
