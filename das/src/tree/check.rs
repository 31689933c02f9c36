//! The rules of the tree; a tree that keeps them compiles to a sound process.

use std::collections::BTreeSet;

use super::{Choice, Node, Partial, Tree};

/// Deepest nesting of blocks.
pub const MAX_DEPTH: usize = 64;
/// Most nodes in one tree.
pub const MAX_NODES: usize = 5_000;
/// Longest label, in bytes.
const MAX_LABEL_BYTES: usize = 1_000;

/// A rule that a node breaks; worded so that a model or a person can repair it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// Id of the node.
    pub node: String,
    /// What is wrong, and what would be right.
    pub why: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "node '{}': {}", self.node, self.why)
    }
}

impl Tree {
    /// Checks every rule that implies soundness.
    ///
    /// # Errors
    /// All rules that are broken, in reading order.
    pub fn type_check(&self) -> Result<(), Vec<Fault>> {
        if let Some(fault) = self.too_big() {
            return Err(vec![fault]);
        }
        let mut faults = Vec::new();
        if self.root.is_empty() {
            faults.push(fault(self.root.id(), "the process has no step; add at least one activity"));
        }
        let mut seen = BTreeSet::new();
        for node in self.nodes() {
            let id = node.id();
            if !is_name(id) {
                faults
                    .push(fault(id, "the id must begin with a letter and hold only letters, digits and '_'"));
            }
            if matches!(id, "start" | "end") {
                faults.push(fault(id, "this id belongs to the start or end event; use another one"));
            }
            if !seen.insert(id) {
                faults.push(fault(id, "the id is used twice; every node needs its own"));
            }
            rules(node, &mut faults);
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn too_big(&self) -> Option<Fault> {
        let mut count = 0_usize;
        let mut open = vec![(&self.root, 0_usize)];
        while let Some((node, depth)) = open.pop() {
            count += 1;
            if depth > MAX_DEPTH {
                return Some(fault(node.id(), &format!("blocks are nested deeper than {MAX_DEPTH}")));
            }
            if count > MAX_NODES {
                return Some(fault(node.id(), &format!("the tree has more than {MAX_NODES} nodes")));
            }
            open.extend(node.children().into_iter().map(|child| (child, depth + 1)));
        }
        None
    }
}

/// Whether something can follow the node; false where all its ways end the process.
pub(super) fn continues(node: &Node) -> bool {
    match node {
        Node::Activity(_) => true,
        Node::Event(event) => !event.ends(),
        Node::Sequence(sequence) => sequence.children.iter().all(continues),
        Node::Choice(choice) => choice.branches.iter().any(|branch| continues(&branch.body)),
        Node::Loop(repeat) => continues(&repeat.body),
        Node::Partial(partial) => partial.children.iter().all(continues),
    }
}

fn rules(node: &Node, faults: &mut Vec<Fault>) {
    match node {
        Node::Activity(activity) => {
            if activity.label.trim().is_empty() {
                faults.push(fault(&activity.id, "an activity needs a label"));
            }
            if activity.label.len() > MAX_LABEL_BYTES {
                faults.push(fault(
                    &activity.id,
                    "the label is too long; put the detail into the documentation",
                ));
            }
            if activity.kind == super::TaskKind::Script && activity.script.is_none() {
                faults
                    .push(fault(&activity.id, "a script activity needs an expression and a result variable"));
            }
        }
        Node::Event(event) => match &event.kind {
            super::EventKind::Timer(duration) if !duration.starts_with(['P', '=']) => {
                faults.push(fault(&event.id, "a timer needs an ISO 8601 duration such as PT2H"));
            }
            super::EventKind::Message(name) if name.trim().is_empty() => {
                faults.push(fault(&event.id, "a message event needs the name of the message"));
            }
            _ => {}
        },
        Node::Sequence(sequence) => {
            let last = sequence.children.len().saturating_sub(1);
            for (place, child) in sequence.children.iter().enumerate() {
                if place != last && !continues(child) {
                    faults.push(fault(child.id(), "nothing after this step can be reached, because it ends"));
                }
            }
        }
        Node::Choice(choice) => choice_rules(choice, faults),
        Node::Loop(repeat) => {
            if repeat.body.is_empty() && repeat.redo.is_empty() {
                faults.push(fault(&repeat.id, "a loop needs a step in its body or its redo part"));
            }
            if !continues(&repeat.body) {
                faults.push(fault(&repeat.id, "the body of a loop must be able to go on"));
            }
            if !is_feel(&repeat.condition) {
                faults.push(fault(&repeat.id, "the condition of a loop must be a FEEL expression"));
            }
        }
        Node::Partial(partial) => partial_rules(partial, faults),
    }
}

fn choice_rules(choice: &Choice, faults: &mut Vec<Fault>) {
    if choice.branches.len() < 2 {
        faults.push(fault(&choice.id, "a choice needs at least two branches (one of them may be empty)"));
    }
    if choice.deferred {
        deferred_rules(choice, faults);
        return;
    }
    let defaults = choice.branches.iter().filter(|branch| branch.condition.is_none()).count();
    if defaults != 1 {
        faults.push(fault(&choice.id, "exactly one branch must be the default, without condition"));
    }
    if choice.branches.iter().filter(|branch| branch.body.is_empty()).count() > 1 {
        faults.push(fault(&choice.id, "only one branch may be empty"));
    }
    for branch in &choice.branches {
        if let Some(condition) = &branch.condition
            && !is_feel(condition)
        {
            faults.push(fault(&choice.id, &format!("the condition '{condition}' is not a FEEL expression")));
        }
    }
}

fn deferred_rules(choice: &Choice, faults: &mut Vec<Fault>) {
    for branch in &choice.branches {
        if branch.condition.is_some() {
            faults
                .push(fault(&choice.id, "a branch of a deferred choice has no condition; its event decides"));
        }
        let first = match &branch.body {
            Node::Sequence(sequence) => sequence.children.first(),
            other => Some(other),
        };
        if !matches!(first, Some(Node::Event(event)) if !event.ends()) {
            faults.push(fault(
                &choice.id,
                "every branch of a deferred choice begins with a timer or a message",
            ));
        }
    }
}

fn partial_rules(partial: &Partial, faults: &mut Vec<Fault>) {
    if partial.children.is_empty() {
        faults.push(fault(&partial.id, "a partial order needs children"));
    }
    for child in &partial.children {
        if child.is_empty() {
            faults.push(fault(&partial.id, "a child of a partial order must not be empty"));
        }
        if may_end(child) {
            faults.push(fault(child.id(), "a step that runs beside others must not end the process"));
        }
    }
    let size = partial.children.len();
    if partial.order.iter().any(|&(before, after)| before >= size || after >= size) {
        faults.push(fault(&partial.id, "the order names a child that does not exist"));
    } else if super::graph::topological(size, &partial.order).is_none() {
        faults.push(fault(&partial.id, "the order goes in a circle; use a loop to repeat"));
    }
}

fn may_end(node: &Node) -> bool {
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if let Node::Event(event) = node
            && event.ends()
        {
            return true;
        }
        open.extend(node.children());
    }
    false
}

fn is_feel(condition: &str) -> bool {
    let text = condition.trim();
    !text.trim_start_matches('=').trim().is_empty() && bpmn::expression::Expression::feel(text).is_ok()
}

fn is_name(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && id.len() <= 200
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn fault(node: &str, why: &str) -> Fault {
    Fault { node: node.to_owned(), why: why.to_owned() }
}
