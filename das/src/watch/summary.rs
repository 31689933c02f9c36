//! Running summaries of what the trail says about definitions and their tasks: a fold, so that the same trail gives
//! the same summary again, from its beginning or from a position that was remembered.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trail::{Event, Filter};

/// Definitions that are summarised; beyond, the one with the lowest key is dropped.
pub(super) const DEFINITIONS_LIMIT: usize = 5_000;
/// Tasks of one definition that are summarised.
pub(super) const TASKS_LIMIT: usize = 1_000;
/// Verdicts of one task that are kept singly, the newest.
pub(super) const VERDICTS_LIMIT: usize = 50;
/// Different failure codes counted for one task.
pub(super) const CODES_LIMIT: usize = 20;
/// Open dry runs that are remembered, so that they do not count.
pub(super) const DRY_RUNS_LIMIT: usize = 10_000;
/// Codes by which a task asks for a decision: that is not failing.
const ASKING: [&str; 2] = ["KERNEL-0009", "KERNEL-0010"];
/// Kinds of events that change a summary, as [`Filter::kinds`] names them.
const READ: [&str; 15] = [
    "consent.",
    "definition.deployed",
    "incident.raised",
    "instance.cancelled",
    "instance.completed",
    "instance.failed",
    "instance.started",
    "prompt.",
    "proposal.",
    "task.completed",
    "task.decided",
    "task.error",
    "task.failed",
    "task.sampled",
    "task.started",
];
/// Longest message that is kept, characters.
const MESSAGE: usize = 300;

/// What the trail says up to a position.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Position of the last event that was read.
    pub position: i64,
    /// By definition key.
    pub definitions: BTreeMap<i64, DefinitionCounts>,
    /// Open dry runs.
    pub dry_runs: BTreeSet<i64>,
    /// Key of the newest definition whose deployment was compared with what was generated.
    pub compared: i64,
    /// When the newest decision that is remembered was taken, milliseconds since the Unix epoch.
    pub remembered_ms: i64,
}

/// One definition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DefinitionCounts {
    /// Instances that started.
    pub started: u64,
    /// Instances that completed.
    pub completed: u64,
    /// Instances that failed.
    pub failed: u64,
    /// When the last one started, milliseconds since the Unix epoch.
    pub last_started_ms: i64,
    /// By element id.
    pub tasks: BTreeMap<String, TaskCounts>,
}

/// One task of one definition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskCounts {
    /// Executions that completed.
    pub completed: u64,
    /// Executions that passed through: nothing was done.
    pub passed: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Incidents.
    pub incidents: u64,
    /// Incidents and failures by code.
    pub codes: BTreeMap<String, u64>,
    /// The newest failure in words.
    pub message: String,
    /// Verdicts.
    pub verdicts: u64,
    /// Those of them that left it undecided.
    pub undecided: u64,
    /// The newest verdicts, oldest first.
    pub recent: VecDeque<VerdictBrief>,
    /// Hash of the prompt's version that it used last, empty where it uses none.
    pub prompt: String,
    /// What that version's newest samples gave, oldest first.
    pub answers: VecDeque<AnswerBrief>,
}

/// What is kept of one execution's samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswerBrief {
    /// Samples taken.
    pub samples: u64,
    /// Those of them that were no usable answer, or a refusal.
    pub invalid: u64,
}

/// What is kept of a verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VerdictBrief {
    /// Samples taken.
    pub samples: u64,
    /// Whether it is undecided.
    pub undecided: bool,
    /// Samples it would still need in 95 % of simulated continuations, 0 where it converged.
    pub further: u64,
    /// Whether the continuations were cut off, so that `further` says "at least".
    pub cut_off: bool,
}

/// What an event changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that is summarised.
    Nothing,
    /// Counts.
    Counts,
    /// A definition is there.
    Deployed,
    /// A proposal was made or decided.
    Proposal,
    /// A prompt was saved, tested, labelled or approved.
    Prompt,
}

impl Summary {
    /// Which events change it.
    #[must_use]
    pub fn reads() -> Filter {
        Filter { kinds: READ.map(str::to_owned).to_vec(), ..Filter::default() }
    }

    /// Folds one event; one at or before the position changes nothing.
    pub fn fold(&mut self, event: &Event) -> Change {
        if event.position <= self.position {
            return Change::Nothing;
        }
        self.position = event.position;
        let content = &event.content;
        match content.kind.as_str() {
            "definition.deployed" => return Change::Deployed,
            kind if kind.starts_with("proposal.") => return Change::Proposal,
            kind if kind.starts_with("prompt.") => return Change::Prompt,
            // What rested on people's acts is no longer said once they withdraw.
            kind if kind.starts_with("consent.") => return Change::Counts,
            _ => {}
        }
        let (Some(instance), Some(definition)) = (content.instance, content.definition) else {
            return Change::Nothing;
        };
        let is_dry_run = content.kind == "instance.started" && content.data["dry_run"] == true;
        if is_dry_run && self.dry_runs.len() < DRY_RUNS_LIMIT {
            self.dry_runs.insert(instance);
        }
        if self.dry_runs.contains(&instance) {
            if matches!(
                content.kind.as_str(),
                "instance.completed" | "instance.failed" | "instance.cancelled"
            ) {
                self.dry_runs.remove(&instance);
            }
            return Change::Nothing;
        }
        let counts = self.definitions.entry(definition).or_default();
        let change = counts.fold(event);
        if self.definitions.len() > DEFINITIONS_LIMIT {
            self.definitions.pop_first();
        }
        change
    }
}

impl DefinitionCounts {
    fn fold(&mut self, event: &Event) -> Change {
        let content = &event.content;
        match content.kind.as_str() {
            "instance.started" => {
                self.started += 1;
                self.last_started_ms = self.last_started_ms.max(content.at_ms);
            }
            "instance.completed" => self.completed += 1,
            "instance.failed" => self.failed += 1,
            kind => {
                let Some(element) = &content.element else { return Change::Nothing };
                if !matches!(
                    kind,
                    "task.started"
                        | "task.sampled"
                        | "task.decided"
                        | "task.completed"
                        | "task.failed"
                        | "task.error"
                        | "incident.raised"
                ) || (self.tasks.len() >= TASKS_LIMIT && !self.tasks.contains_key(element))
                {
                    return Change::Nothing;
                }
                self.tasks.entry(element.clone()).or_default().fold(kind, &content.data);
            }
        }
        Change::Counts
    }
}

impl TaskCounts {
    fn fold(&mut self, kind: &str, data: &Value) {
        match kind {
            "task.started" => {
                self.passed += u64::from(data["by"] == "pass_through");
                self.uses(data);
            }
            "task.sampled" => self.sampled(data),
            "task.completed" => self.completed += 1,
            "task.decided" => self.decided(&data["verdict"]),
            _ => {
                let code = data["code"].as_str().unwrap_or("unknown");
                if ASKING.contains(&code) {
                    return;
                }
                if kind == "incident.raised" {
                    self.incidents += 1;
                } else {
                    self.failures += 1;
                }
                if self.codes.len() < CODES_LIMIT || self.codes.contains_key(code) {
                    *self.codes.entry(code.to_owned()).or_default() += 1;
                }
                if let Some(message) = data["message"].as_str() {
                    self.message = message.chars().take(MESSAGE).collect();
                }
            }
        }
    }

    /// Another version of the prompt answers anew.
    fn uses(&mut self, data: &Value) {
        let notes = data["notes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let version = notes.iter().filter_map(Value::as_str).find_map(|note| {
            note.strip_prefix("prompt ").and_then(|rest| rest.rsplit_once(", version ")).map(|(_, hash)| hash)
        });
        if let Some(version) = version.filter(|version| *version != self.prompt) {
            self.prompt = version.to_owned();
            self.answers.clear();
        }
    }

    fn sampled(&mut self, data: &Value) {
        let of = |label: &str| data["counts"][label].as_u64().unwrap_or_default();
        let samples = data["samples"].as_u64().unwrap_or_default();
        if self.prompt.is_empty() || samples == 0 {
            return;
        }
        let invalid = (of(scoring::INVALID) + of(scoring::REFUSED)).min(samples);
        self.answers.push_back(AnswerBrief { samples, invalid });
        if self.answers.len() > VERDICTS_LIMIT {
            self.answers.pop_front();
        }
    }

    fn decided(&mut self, verdict: &Value) {
        let undecided = verdict["undecided"] == true;
        let further = &verdict["expected_further"];
        let brief = VerdictBrief {
            samples: verdict["samples"].as_u64().unwrap_or_default(),
            undecided,
            further: further["high"].as_u64().unwrap_or_default(),
            cut_off: further["high"].as_u64() >= further["horizon"].as_u64() && further["high"].is_u64(),
        };
        self.verdicts += 1;
        self.undecided += u64::from(undecided);
        self.recent.push_back(brief);
        if self.recent.len() > VERDICTS_LIMIT {
            self.recent.pop_front();
        }
    }
}
