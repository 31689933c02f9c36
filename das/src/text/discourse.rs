//! From sentences to a tree: which sentence is a branch of which choice, what runs side by side, what repeats.

use super::action::{Action, capitalised};
use super::condition::{Condition, negated};
use super::lexicon::similarity;
use super::sentence::{Lead, Statement, Step};
use crate::tree::{Activity, Branch, Choice, Event, EventKind, Node, Span, TaskKind, variable_name};

/// Alike enough to be the same step.
const SAME_STEP: f64 = 0.6;
/// Alike enough for "go back to …" to mean this step.
const MEANT_STEP: f64 = 0.2;

/// The story told so far.
#[derive(Debug, Default)]
pub(super) struct Story {
    steps: Vec<Node>,
    open: Option<Open>,
    /// How many steps the sentence before added.
    recent: usize,
    labels: Vec<String>,
    pub(super) start: Option<String>,
    pub(super) notes: Vec<String>,
}

/// A choice that may still get branches.
#[derive(Debug)]
struct Open {
    label: Option<String>,
    branches: Vec<Branch>,
    words: Vec<String>,
    negative: bool,
}

impl Story {
    /// Takes in what a sentence says.
    pub(super) fn tell(&mut self, statement: Statement) {
        if self.start.is_none() {
            self.start.clone_from(&statement.start);
        }
        let Statement {
            lead,
            condition,
            conditioned_from,
            unless,
            mut steps,
            parallel,
            until,
            back_to,
            ends,
            ..
        } = statement;
        if condition.is_some() && conditioned_from > 0 {
            let conditioned = steps.split_off(conditioned_from.min(steps.len()));
            let before = self.nodes(steps, parallel);
            self.plain(before, lead);
            steps = conditioned;
        }
        let mut nodes = self.nodes(steps, parallel);
        if ends
            && (condition.is_some()
                || lead == Lead::Otherwise
                || (lead == Lead::InThisCase && self.open.is_some()))
        {
            nodes.push(Event::new("Process ended", EventKind::End).into());
        }
        if let Some(target) = back_to {
            self.go_back(&target, condition, until, lead, nodes);
            return;
        }
        if let Some(until) = until {
            let body = if nodes.is_empty() { self.take_recent() } else { std::mem::take(&mut nodes) };
            let mut body = Node::sequence(body);
            strip_ends(&mut body);
            if !body.is_empty() {
                let question = capitalised(&format!("{}?", until.label));
                nodes.push(Node::repeat(question, negated(&until.feel), body, Node::empty()));
            }
        }
        if nodes.is_empty() && condition.is_none() {
            return;
        }
        match condition {
            Some(condition) if unless => {
                self.close();
                let branches = vec![
                    Branch::when(condition.label.clone(), condition.feel, Node::empty()),
                    otherwise(nodes),
                ];
                self.push(vec![Node::choice(question(&condition.label), branches)]);
            }
            Some(condition) => self.branch(condition, nodes, lead),
            None => self.plain(nodes, lead),
        }
    }

    fn plain(&mut self, nodes: Vec<Node>, lead: Lead) {
        if lead == Lead::Parallel && self.open.is_none() && self.joins_last_branch(&nodes) {
            return;
        }
        match (lead, &mut self.open) {
            (Lead::Otherwise, Some(open)) => {
                open.branches.push(otherwise(nodes));
                self.close();
            }
            (Lead::InThisCase, Some(open)) => {
                if let Some(branch) = open.branches.last_mut() {
                    let before = std::mem::replace(&mut branch.body, Node::empty());
                    branch.body = Node::sequence(std::iter::once(before).chain(nodes).collect());
                }
            }
            (Lead::Parallel, Some(open)) => {
                if let Some(branch) = open.branches.last_mut().filter(|branch| !ends(&branch.body)) {
                    let before = std::mem::replace(&mut branch.body, Node::empty());
                    branch.body = beside(vec![before], nodes);
                } else {
                    self.close();
                    self.push(nodes);
                }
            }
            (Lead::Parallel, None) => {
                let before = self.take_recent();
                let both = if before.is_empty() { Node::sequence(nodes) } else { beside(before, nodes) };
                self.push(vec![both]);
            }
            _ => {
                self.close();
                self.push(nodes);
            }
        }
    }

    /// "If it is rejected, the process ends. If it is accepted, A. Meanwhile, B": B runs beside A, not beside the choice.
    fn joins_last_branch(&mut self, nodes: &[Node]) -> bool {
        let Some(last) = self.steps.last_mut().filter(|last| ends(last)) else { return false };
        let Node::Choice(choice) = last else { return false };
        let going_on =
            choice.branches.iter_mut().rev().find(|branch| !ends(&branch.body) && !branch.body.is_empty());
        let Some(branch) = going_on else { return false };
        let before = std::mem::replace(&mut branch.body, Node::empty());
        branch.body = beside(vec![before], nodes.to_vec());
        true
    }

    fn branch(&mut self, condition: Condition, nodes: Vec<Node>, lead: Lead) {
        let body = Node::sequence(nodes);
        if let Some(open) = &mut self.open
            && (lead == Lead::Otherwise || open.is_about(&condition))
        {
            let contrary =
                open.branches.len() == 1 && open.negative != condition.negative && lead != Lead::Otherwise;
            if contrary {
                // Yes and no: the second one is what happens when the first does not hold.
                open.branches.push(Branch::otherwise(condition.label, body));
                self.close();
            } else {
                open.branches.push(Branch::when(condition.label, condition.feel, body));
            }
            return;
        }
        self.close();
        self.open = Some(Open {
            label: Some(question(&condition.label)),
            words: condition.words,
            negative: condition.negative,
            branches: vec![Branch::when(condition.label, condition.feel, body)],
        });
    }

    /// "if it is not, the check is repeated", "otherwise go back to the check".
    fn go_back(
        &mut self,
        target: &str,
        condition: Option<Condition>,
        until: Option<Condition>,
        lead: Lead,
        redo: Vec<Node>,
    ) {
        let mut after = Vec::new();
        let (label, feel) = match (condition, until) {
            (Some(condition), _) => {
                self.close();
                (condition.label, condition.feel)
            }
            (None, Some(until)) => {
                self.close();
                (format!("not {}", until.label), negated(&until.feel))
            }
            (None, None) => match self.open.take() {
                Some(mut open) if lead == Lead::Otherwise && open.branches.len() == 1 => {
                    let branch = open.branches.pop();
                    let condition =
                        branch.as_ref().and_then(|branch| branch.condition.clone()).unwrap_or_default();
                    after.extend(branch.map(|branch| branch.body));
                    (open.label.unwrap_or_default(), negated(&condition))
                }
                other => {
                    self.open = other;
                    self.close();
                    let name = variable_name(&format!("repeat {target}"));
                    ("again".to_owned(), format!("{name} = true"))
                }
            },
        };
        let from = self.meant(target);
        let body: Vec<Node> = self.steps.drain(from..).collect();
        if body.is_empty() {
            self.push(redo);
            self.push(after);
            return;
        }
        let mut body = Node::sequence(body);
        strip_ends(&mut body);
        self.push(vec![Node::repeat(question(&label), feel, body, Node::sequence(redo))]);
        if !after.is_empty() {
            self.push(after);
        }
    }

    /// Place of the step that a text means; the last one where none is like it.
    fn meant(&self, target: &str) -> usize {
        let beginning =
            ["this", "these", "beginning", "start", "process", "procedure", "everything", "first"];
        if beginning.iter().any(|word| target.split(' ').any(|other| other == *word)) {
            return 0;
        }
        let mut best = (0.0, self.steps.len().saturating_sub(self.recent.max(1)));
        for (place, node) in self.steps.iter().enumerate() {
            for label in labels(node) {
                let alike = similarity(&label, target);
                if alike > best.0 && alike >= MEANT_STEP {
                    best = (alike, place);
                }
            }
        }
        best.1
    }

    fn nodes(&mut self, steps: Vec<Step>, parallel: bool) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut before: Vec<Node> = Vec::new();
        for step in steps {
            let label = step.action.label();
            let known = self.labels.iter().any(|other| similarity(other, &label) >= SAME_STEP);
            if step.mentioned && known {
                continue;
            }
            self.labels.push(label.clone());
            let (or, first) = (step.or, step.mentioned && nodes.is_empty());
            let node = node(step.action, label);
            if first {
                before.push(node);
                continue;
            }
            if or && let Some(before) = nodes.pop() {
                nodes.push(either(before, node));
                continue;
            }
            nodes.push(node);
        }
        if parallel && nodes.len() > 1 && nodes.iter().all(|node| !ends(node)) {
            nodes = vec![Node::parallel(nodes)];
        }
        before.extend(nodes);
        before
    }

    fn push(&mut self, nodes: Vec<Node>) {
        if !nodes.is_empty() {
            self.recent = nodes.len();
            self.steps.extend(nodes);
        }
    }

    fn take_recent(&mut self) -> Vec<Node> {
        self.close();
        let from = self.steps.len().saturating_sub(self.recent.max(1));
        self.steps.drain(from..).collect()
    }

    fn close(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        if open.branches.iter().all(|branch| branch.condition.is_some()) {
            open.branches.push(Branch::otherwise("otherwise", Node::empty()));
        }
        self.push(vec![Node::Choice(Choice {
            id: String::new(),
            label: open.label,
            branches: open.branches,
        })]);
    }

    /// The tree's root.
    pub(super) fn finish(mut self) -> (Node, Option<String>, Vec<String>) {
        self.close();
        let last = self.steps.len().saturating_sub(1);
        for (place, node) in self.steps.iter_mut().enumerate() {
            if place != last && !can_go_on(node) {
                strip_ends(node);
            }
        }
        (Node::sequence(self.steps), self.start, self.notes)
    }
}

impl Open {
    /// Whether a condition is about the same thing as this choice.
    fn is_about(&self, condition: &Condition) -> bool {
        let shared = condition.words.iter().filter(|word| self.words.contains(word)).count();
        let smaller = self.words.len().min(condition.words.len()).max(1);
        shared * 2 >= smaller
    }
}

fn otherwise(nodes: Vec<Node>) -> Branch {
    Branch::otherwise("otherwise", Node::sequence(nodes))
}

fn question(label: &str) -> String {
    capitalised(&format!("{}?", label.trim_end_matches('?')))
}

fn beside(before: Vec<Node>, nodes: Vec<Node>) -> Node {
    let mut before = before;
    if before.len() == 1
        && let Some(Node::Partial(partial)) = before.last_mut()
        && partial.order.is_empty()
    {
        partial.children.push(Node::sequence(nodes));
        return before.pop().unwrap_or_else(Node::empty);
    }
    let mut first = Node::sequence(before);
    let mut second = Node::sequence(nodes);
    strip_ends(&mut first);
    strip_ends(&mut second);
    Node::parallel(vec![first, second])
}

fn either(before: Node, node: Node) -> Node {
    let name = labels(&before).into_iter().next().unwrap_or_default();
    let condition = format!("{} = true", variable_name(&name));
    Node::choice(
        format!("{name}?"),
        vec![Branch::when("yes", condition, before), Branch::otherwise("no", node)],
    )
}

/// An action as a step: people's steps pass through unless the process has to wait for what they decide.
fn node(action: Action, label: String) -> Node {
    let decides = ["approve", "authorise", "authorize", "sign"].contains(&action.verb.as_str())
        || (matches!(action.verb.as_str(), "wait" | "obtain")
            && action.object.to_lowercase().contains("approval"));
    if let Some(duration) = duration(&action) {
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
    if object.is_empty() || object.starts_with("whether") || object.starts_with("until") {
        return Vec::new();
    }
    object.split(", ").flat_map(|part| part.split(" and ")).map(|part| part.trim().to_owned()).collect()
}

/// "wait 2 days", "wait for 30 minutes" as an ISO 8601 duration.
fn duration(action: &Action) -> Option<String> {
    if !["wait", "pause", "sleep"].contains(&action.verb.as_str()) {
        return None;
    }
    let mut words = action.object.split(' ').filter(|word| !matches!(*word, "for" | "another" | "about"));
    let count: u32 = match words.next()? {
        "one" => 1,
        "two" => 2,
        "three" => 3,
        "seven" => 7,
        other => other.parse().ok()?,
    };
    Some(match words.next()?.trim_end_matches('s') {
        "second" => format!("PT{count}S"),
        "minute" => format!("PT{count}M"),
        "hour" => format!("PT{count}H"),
        "day" => format!("P{count}D"),
        "week" => format!("P{}D", count.checked_mul(7)?),
        _ => return None,
    })
}

fn labels(node: &Node) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if let Node::Activity(activity) = node {
            found.push(activity.label.clone());
        }
        let mut children = node.children();
        children.reverse();
        open.extend(children);
    }
    found
}

fn ends(node: &Node) -> bool {
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if matches!(node, Node::Event(event) if event.ends()) {
            return true;
        }
        open.extend(node.children());
    }
    false
}

fn can_go_on(node: &Node) -> bool {
    match node {
        Node::Choice(choice) => choice.branches.iter().any(|branch| !ends(&branch.body)),
        other => !ends(other),
    }
}

/// Takes out the ends of a part that something follows.
pub(super) fn strip_ends(node: &mut Node) {
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if matches!(node, Node::Event(event) if event.ends()) {
            *node = Node::empty();
        } else {
            open.extend(node.children_mut());
        }
    }
}
