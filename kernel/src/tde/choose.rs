//! The decision gateway: how a task is executed. What the task declares is taken; where it declares nothing the
//! language model chooses, without one a rule, and the reason goes into the trail.

use bpmn::program::{ExecutedBy, Variables};
use serde_json::{Value, json};

use super::{Executor, Tde, decision_name};
use crate::operations::KernelOperation;
use crate::{Error, Operation};

impl Tde {
    pub(super) async fn choose_executor(&mut self) -> Variables {
        let (executor, reason) = self.decide().await;
        self.executor = executor;
        if let Some(reason) = reason {
            self.notes.push(reason);
        }
        let executor = match executor {
            Executor::File | Executor::Tool | Executor::Http | Executor::Process => "tool",
            Executor::Decided | Executor::Given => "pass_through",
            other => other.name(),
        };
        let policy = self.job.spec.undecided.clone().unwrap_or_else(|| "leader".to_owned());
        [("executor".to_owned(), json!(executor)), ("policy".to_owned(), json!(policy))].into_iter().collect()
    }

    async fn decide(&mut self) -> (Executor, Option<String>) {
        let by = self.job.spec.by;
        if self.decision().is_some() {
            return (Executor::Decided, Some("a person has decided".to_owned()));
        }
        let (chosen, reason) = match by {
            ExecutedBy::Stochastic => (Executor::Stochastic, None),
            ExecutedBy::Model => (Executor::Model, None),
            ExecutedBy::Feel => (Executor::Feel, None),
            ExecutedBy::File => (Executor::File, None),
            ExecutedBy::Person => (Executor::Person, None),
            ExecutedBy::Tool if self.names_file_operation() => (Executor::File, None),
            ExecutedBy::Tool => (Executor::Tool, None),
            ExecutedBy::Http => (Executor::Http, None),
            ExecutedBy::Process => (Executor::Process, None),
            ExecutedBy::Undeclared => {
                let (chosen, reason) = self.decide_undeclared().await;
                (chosen, Some(reason))
            }
        };
        let has_effects = !matches!(chosen, Executor::Stochastic | Executor::Feel | Executor::PassThrough);
        if self.job.dry_run && has_effects {
            let why = if self.parts.dry_results.contains_key(&self.job.element) {
                "dry run: the given result was taken"
            } else {
                "dry run: not executed, no result was given"
            };
            return (Executor::Given, Some(why.to_owned()));
        }
        (chosen, reason)
    }

    async fn decide_undeclared(&mut self) -> (Executor, String) {
        let (chosen, why) = self.decide_by_rule();
        // What a task shows by its declarations nobody needs to be asked.
        let is_open = matches!(chosen, Executor::Model | Executor::PassThrough);
        let mut refused = String::new();
        if is_open && !self.job.dry_run && self.parts.model.is_some() {
            match self.ask_how().await {
                Ok(decided) => return decided,
                Err(problem) => {
                    refused = format!("the language model's choice could not be followed ({problem}); ")
                }
            }
        }
        (chosen, format!("no executor declared, {refused}decided by rule: {why}"))
    }

    fn decide_by_rule(&self) -> (Executor, &'static str) {
        let spec = &self.job.spec;
        let says_what = spec.documentation.is_some() || spec.script.is_some() || spec.reference.is_some();
        if self.parts.dry_results.contains_key(&self.job.element) && self.job.dry_run {
            (Executor::Given, "a result was given for the dry run")
        } else if !spec.draws.is_empty() {
            (Executor::Stochastic, "it declares draws")
        } else if !spec.computes.is_empty() {
            (Executor::Feel, "it declares expressions")
        } else if self.names_file_operation() {
            (Executor::File, "it names a file operation")
        } else if self.names_kernel_operation() {
            (Executor::Tool, "it names an operation of the kernel")
        } else if says_what && self.parts.model.is_some() {
            (Executor::Model, "it has instructions and a language model is configured")
        } else if says_what {
            (Executor::PassThrough, "it has instructions but no language model is configured; passed through")
        } else {
            (Executor::PassThrough, "it says nothing about how it is done; passed through")
        }
    }

    fn names_file_operation(&self) -> bool {
        self.job.spec.reference.as_deref().and_then(Operation::parse).is_some()
    }

    fn names_kernel_operation(&self) -> bool {
        self.job.spec.reference.as_deref().and_then(KernelOperation::parse).is_some()
    }

    /// What a person decided before: the variable `<element>_decision`.
    fn decision(&self) -> Option<&Value> {
        self.job.variables.get(&decision_name(&self.job.element)).filter(|value| !value.is_null())
    }

    pub(super) fn pass_through(&mut self) -> Variables {
        match self.executor {
            Executor::Decided => match self.decision().cloned() {
                Some(Value::String(label)) => self.outcome = Some(label),
                Some(Value::Object(result)) => {
                    self.outcome = result.get("outcome").and_then(Value::as_str).map(str::to_owned);
                    self.outputs.extend(result);
                }
                _ => {}
            },
            Executor::Given => {
                if let Some(result) = self.parts.dry_results.get(&self.job.element) {
                    self.outputs.extend(result.clone());
                }
            }
            _ => {}
        }
        Variables::new()
    }

    pub(super) fn ask_person(&self) -> Error {
        let decision = decision_name(&self.job.element);
        let why = match &self.verdict {
            Some(verdict) => format!(
                "undecided after {} samples; set the variable {decision} to the outcome and resolve the incident",
                verdict.samples
            ),
            None => format!("set the variable {decision} to the result and resolve the incident"),
        };
        Error::Person { element: self.job.element.clone(), why }
    }
}
