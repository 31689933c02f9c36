//! What memory is told about a finished task: from the task itself when it ends, or from its trail events when memory
//! is rebuilt. Both give the same entry.

use serde_json::{Value, json};

/// Longest text that is remembered about a task, characters.
const REMEMBERED: usize = 4_000;

/// A finished task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskMemory {
    /// The job.
    pub job: i64,
    /// Its attempt.
    pub attempt: u32,
    /// Instance.
    pub instance: i64,
    /// Definition.
    pub definition: i64,
    /// Process id.
    pub process_id: String,
    /// Version of the definition.
    pub version: i32,
    /// Element id.
    pub element: String,
    /// Name of the element.
    pub name: String,
    /// What executed it.
    pub by: String,
    /// `completed`, `failed`, `error`.
    pub state: String,
    /// The outcome, where there is one.
    pub outcome: Option<String>,
    /// Whether it counts as a success.
    pub success: bool,
    /// The verdict, where it was sampled; null otherwise.
    pub verdict: Value,
    /// What was noted on the way.
    pub notes: Vec<String>,
    /// When it began, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
}

impl TaskMemory {
    /// The key of its entry.
    #[must_use]
    pub fn key(&self) -> String {
        format!("task/{}/{}", self.job, self.attempt)
    }

    /// The run as the ontology and memory keep it.
    #[must_use]
    pub fn run(&self) -> Value {
        let shares = match &self.verdict["shares"] {
            Value::Null => json!([]),
            shares => shares.clone(),
        };
        json!({
            "type": "task_run", "instance": self.instance, "definition": self.definition,
            "process_id": self.process_id, "version": self.version, "element": self.element,
            "name": self.name, "by": self.by, "state": self.state, "outcome": self.outcome,
            "success": self.success, "shares": shares, "started_ms": self.started_ms, "ended_ms": self.ended_ms,
        })
    }

    /// What memory is told.
    #[must_use]
    pub fn entry(&self) -> Value {
        let mut text = format!(
            "Task {} of process {}: {} by {}.",
            self.name,
            self.process_id,
            self.outcome.as_deref().unwrap_or(&self.state),
            self.by
        );
        for note in &self.notes {
            text.push(' ');
            text.push_str(note);
        }
        let kind = match (self.state.as_str(), &self.verdict) {
            ("completed", Value::Null) => "task_log",
            ("completed", _) => "outcome",
            _ => "error",
        };
        json!({
            "kind": kind, "title": self.name, "text": text.chars().take(REMEMBERED).collect::<String>(),
            "at_ms": self.ended_ms, "run": self.run(),
        })
    }
}
