//! The way back: a task's spec as `procos:*` extension elements.

use crate::model::RawElement;
use crate::program::{ExecutedBy, TaskSpec};
use crate::xml::namespace::{PROCOS, ZEEBE};

/// What `procos:task` writes for each executor.
fn by_text(by: ExecutedBy) -> Option<&'static str> {
    Some(match by {
        ExecutedBy::Undeclared => return None,
        ExecutedBy::Stochastic => "stochastic",
        ExecutedBy::Model => "model",
        ExecutedBy::Tool => "tool",
        ExecutedBy::Http => "http",
        ExecutedBy::File => "file",
        ExecutedBy::Person => "person",
        ExecutedBy::Feel => "feel",
        ExecutedBy::Process => "process",
    })
}

/// The extension elements that say what this spec says: executor, outcomes, draws, stop rule, computations, prompt,
/// and `zeebe:taskDefinition` and headers for what an outside worker needs. Assignment, priority and documentation
/// stand elsewhere in a model.
#[must_use]
pub fn extension_elements(spec: &TaskSpec) -> Vec<RawElement> {
    let mut elements = Vec::new();
    let mut task = RawElement::named(PROCOS, "task");
    let named = [
        ("by", by_text(spec.by)),
        ("ref", spec.reference.as_deref()),
        ("class", spec.class.as_deref()),
        ("undecided", spec.undecided.as_deref()),
        ("isolation", spec.isolation.as_deref()),
        ("executor", spec.executor.as_deref()),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            task = task.with(name, value);
        }
    }
    for (name, value) in &spec.attributes {
        task = task.with(name, value.clone());
    }
    if !task.attributes.is_empty() {
        elements.push(task);
    }
    for outcome in &spec.outcomes {
        let mut element = RawElement::named(PROCOS, "outcome").with("label", outcome.label.clone());
        if !outcome.success {
            element = element.with("success", "false");
        }
        if let Some(when) = &outcome.when {
            element = element.with("when", when.clone());
        }
        elements.push(element);
    }
    for draw in &spec.draws {
        let mut element = RawElement::named(PROCOS, "draw")
            .with("variable", draw.variable.clone())
            .with("distribution", draw.distribution.clone());
        for (name, value) in &draw.parameters {
            element = element.with(name, value.clone());
        }
        elements.push(element);
    }
    for (variable, expression) in &spec.computes {
        elements.push(
            RawElement::named(PROCOS, "compute")
                .with("variable", variable.clone())
                .with("expression", expression.clone()),
        );
    }
    if let Some(stop) = &spec.stop {
        let parts = [
            ("rule", stop.rule.clone()),
            ("delta", stop.delta.map(|number| number.to_string())),
            ("share", stop.share.map(|number| number.to_string())),
            ("samples", stop.samples.map(|number| number.to_string())),
            ("tokens", stop.tokens.map(|number| number.to_string())),
            ("cost", stop.cost.map(|number| number.to_string())),
            ("time", stop.time.clone()),
        ];
        let mut element = RawElement::named(PROCOS, "stop");
        for (name, value) in parts {
            if let Some(value) = value {
                element = element.with(name, value);
            }
        }
        elements.push(element);
    }
    if let Some(prompt) = &spec.script {
        elements.push(RawElement::named(PROCOS, "prompt").with_text(prompt.clone()));
    }
    if let Some(job_type) = &spec.job_type {
        let mut element = RawElement::named(ZEEBE, "taskDefinition").with("type", job_type.clone());
        if let Some(retries) = spec.retries {
            element = element.with("retries", retries.to_string());
        }
        elements.push(element);
    }
    if !spec.headers.is_empty() {
        let mut headers = RawElement::named(ZEEBE, "taskHeaders");
        for (key, value) in &spec.headers {
            let header =
                RawElement::named(ZEEBE, "header").with("key", key.clone()).with("value", value.clone());
            headers = headers.with_child(header);
        }
        elements.push(headers);
    }
    elements
}
