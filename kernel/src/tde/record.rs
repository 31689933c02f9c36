//! What is written down about a finished task: trail events, the task run, what counts in scores, and what other
//! parts are told through the outbox.

use engine::port::{Attempt, Record, TaskRun};
use serde_json::{Value, json};
use trail::{NewEvent, OutboxItem};

use super::{Executor, Tde};
use crate::{Error, TaskMemory};

impl Tde {
    pub(super) fn write_record(&mut self, state: &str, error: Option<&Error>) {
        let now_ms = self.parts.clock.now_ms();
        if let Some(error) = error {
            self.notes.push(error.to_string());
        }
        let verdict = serde_json::to_value(&self.verdict).unwrap_or_default();
        let task_run = TaskRun {
            job: self.job.key,
            attempt: self.job.attempt,
            instance: self.job.instance,
            element: self.job.element.clone(),
            executed_by: self.executor.name().to_owned(),
            state: state.to_owned(),
            verdict: verdict.clone(),
            inputs: self.job.variables.clone(),
            outputs: self.outputs.clone(),
            notes: self.notes.clone(),
            started_ms: self.started_ms,
            ended_ms: now_ms,
        };
        self.record = Record {
            events: self.events(state, error, verdict, now_ms),
            task_run: Some(task_run),
            // Waiting for a person is not failing.
            attempts: if matches!(error, Some(Error::Person { .. })) {
                Vec::new()
            } else {
                self.attempts(state, now_ms)
            },
            outbox: if self.job.dry_run { Vec::new() } else { self.outbox(state, now_ms) },
        };
    }

    fn event(&self, kind: &str, at_ms: i64, data: Value) -> NewEvent {
        let mut event = NewEvent::new(kind, at_ms);
        event.actor = "tde".to_owned();
        event.instance = Some(self.job.instance);
        event.definition = Some(self.job.definition);
        event.element = Some(self.job.element.clone());
        event.data = data;
        event
    }

    fn events(&self, state: &str, error: Option<&Error>, verdict: Value, now_ms: i64) -> Vec<NewEvent> {
        let job = json!(self.job.key);
        let started = json!({
            "job": job, "attempt": self.job.attempt, "by": self.executor.name(), "notes": self.notes,
        });
        let mut events = vec![self.event("task.started", self.started_ms, started)];
        if let Some(sampling) = &self.sampling {
            let counts: serde_json::Map<String, Value> = (sampling.tally.labels().iter().cloned())
                .zip(sampling.tally.counts().iter().map(|c| json!(c)))
                .collect();
            let mut data = json!({
                "job": job, "samples": sampling.tally.samples(), "counts": counts, "tokens": sampling.spent.tokens,
                "cost": sampling.spent.cost,
            });
            if let Some(grouped) = &sampling.grouping {
                data["grouping"] = grouped.told(&sampling.tally);
            }
            events.push(self.event("task.sampled", now_ms, data));
        }
        if let Some(assigned) = &self.assigned {
            events.push(self.event("prompt.assigned", self.started_ms, assigned.clone()));
        }
        if self.verdict.is_some() {
            events.push(self.event("task.decided", now_ms, json!({"job": job, "verdict": verdict})));
        }
        // What memory needs to be rebuilt from the trail alone.
        let mut data = json!({
            "job": job, "attempt": self.job.attempt, "outcome": self.outcome, "process_id": self.job.process_id,
            "version": self.job.version, "name": self.job.element_name,
            "success": state == "completed" && self.succeeded(), "dry_run": self.job.dry_run,
        });
        if let (Some(error), Some(object)) = (error, data.as_object_mut()) {
            object.insert("code".to_owned(), json!(error.code()));
            object.insert("message".to_owned(), json!(error.to_string()));
        }
        events.push(self.event(&format!("task.{state}"), now_ms, data));
        events
    }

    /// Passing through, dry runs and what waits for a person never count.
    fn attempts(&self, state: &str, now_ms: i64) -> Vec<Attempt> {
        let waits = matches!(self.executor, Executor::PassThrough | Executor::Given | Executor::Person);
        if self.job.dry_run || waits {
            return Vec::new();
        }
        let cost = self.sampling.as_ref().map_or(0.0, |sampling| sampling.spent.cost);
        let attempt = |kind: &str, subject: String, version: Option<i32>, success: bool| Attempt {
            subject_kind: kind.to_owned(),
            subject,
            version,
            success,
            instance: Some(self.job.instance),
            duration_ms: now_ms - self.started_ms,
            cost,
            at_ms: now_ms,
            actor: "tde".to_owned(),
        };
        let succeeded = state == "completed" && self.succeeded();
        let subject = format!("{}/{}", self.job.process_id, self.job.element);
        let mut attempts = vec![attempt("task", subject, Some(self.job.version), succeeded)];
        for (kind, name, worked) in &self.used {
            // A tool is scored by whether it ran, a prompt and a model by what came of it.
            let success = if *kind == "tool" { *worked } else { *worked && succeeded };
            attempts.push(attempt(kind, name.clone(), None, success));
        }
        attempts
    }

    fn outbox(&self, state: &str, now_ms: i64) -> Vec<OutboxItem> {
        let task = TaskMemory {
            job: self.job.key,
            attempt: self.job.attempt,
            instance: self.job.instance,
            definition: self.job.definition,
            process_id: self.job.process_id.clone(),
            version: self.job.version,
            element: self.job.element.clone(),
            name: self.job.element_name.clone(),
            by: self.executor.name().to_owned(),
            state: state.to_owned(),
            outcome: self.outcome.clone(),
            success: state == "completed" && self.succeeded(),
            verdict: serde_json::to_value(&self.verdict).unwrap_or_default(),
            notes: self.notes.clone(),
            started_ms: self.started_ms,
            ended_ms: now_ms,
        };
        ["ontology", "memory"]
            .into_iter()
            .zip([task.run(), task.entry()])
            .map(|(topic, payload)| OutboxItem { topic: topic.to_owned(), key: task.key(), payload })
            .collect()
    }
}
