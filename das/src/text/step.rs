//! From what was read to nodes of the tree: steps, waits, repetitions.

use super::action::Action;
use super::duration;
use super::question::question;
use crate::tree::{Activity, Event, EventKind, Loop, Node, Span, TaskKind, variable_name};

/// An action as a step: people's steps pass through unless the process has to wait for what they decide.
pub(super) fn node(action: Action, label: String) -> Node {
    let decides = ["approve", "authorise", "authorize", "sign"].contains(&action.verb.as_str())
        || (matches!(action.verb.as_str(), "wait" | "obtain")
            && action.object.to_lowercase().contains("approval"));
    if let Some(duration) = waiting(&action) {
        return Event {
            span: Some(action.span),
            confidence: action.confidence,
            ..Event::new(label, EventKind::Timer(duration))
        }
        .into();
    }
    let kind = if decides && !action.machine {
        TaskKind::User
    } else if action.actor.is_some() && !action.machine {
        TaskKind::Manual
    } else {
        TaskKind::Service
    };
    let activity = Activity {
        actor: action.actor.clone(),
        kind,
        data: data(&action.object),
        confidence: if action.possible { action.confidence * 0.8 } else { action.confidence },
        span: Some(Span { start: action.span.start, end: action.span.end }),
        ..Activity::new(label)
    };
    activity.into()
}

fn data(object: &str) -> Vec<String> {
    if object.is_empty()
        || object.starts_with("whether")
        || object.starts_with("that ")
        || object.starts_with("until")
    {
        return Vec::new();
    }
    object.split(", ").flat_map(|part| part.split(" and ")).map(|part| part.trim().to_owned()).collect()
}

/// "wait 2 days", "wait for 30 minutes" as an ISO 8601 duration.
fn waiting(action: &Action) -> Option<String> {
    if !["wait", "pause", "sleep"].contains(&action.verb.as_str()) {
        return None;
    }
    let mut words = action.object.split(' ').filter(|word| !matches!(*word, "for" | "another" | "about"));
    duration::duration([words.next()?, words.next()?].into_iter())
}

/// A loop with a question and an answer on each flow; `denied` where it is repeated as long as the label does not hold.
pub(super) fn repetition(
    label: &str,
    feel: String,
    denied: bool,
    body: Node,
    mut redo: Vec<Node>,
    limit: Option<u32>,
) -> Node {
    let question = question(label);
    let again = if denied { question.failed() } else { question.held() };
    let mut condition = feel;
    if let Some(limit) = limit {
        let attempts = variable_name(&format!("{label} attempts"));
        condition = format!("{condition} and (if {attempts} = null then 0 else {attempts}) < {limit}");
        let count = format!("if {attempts} = null then 1 else {attempts} + 1");
        redo.push(Activity::new("Count attempts").script(count, attempts).into());
    }
    Node::Loop(Box::new(Loop {
        id: String::new(),
        label: Some(question.text),
        condition,
        again_label: Some(again.to_owned()),
        body,
        redo: Node::sequence(redo),
    }))
}
