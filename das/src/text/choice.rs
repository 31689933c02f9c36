//! A choice while the story tells it: branches come in sentence by sentence, then it becomes a node with a question.

use super::action::capitalised;
use super::condition::{Condition, is_verdict};
use super::duration::deadline;
use super::lexicon;
use super::question::question;
use crate::tree::{Activity, Branch, Choice, Event, EventKind, Node, variable_name};

/// A choice that may still get branches.
#[derive(Debug)]
pub(super) struct Open {
    /// What its first branch asks.
    pub(super) condition: Condition,
    pub(super) branches: Vec<Branch>,
    /// Every case has its branch; only more steps can follow in the last one.
    pub(super) complete: bool,
}

impl Open {
    /// A choice with its first branch.
    pub(super) fn begin(condition: Condition, body: Node) -> Self {
        let first = Branch::when(condition.label.clone(), condition.feel.clone(), body);
        Self { condition, branches: vec![first], complete: false }
    }

    /// Whether a condition is about the same thing as this choice.
    pub(super) fn is_about(&self, other: &Condition) -> bool {
        let (mine, words) = (&self.condition.words, &other.words);
        if self.condition.kind != other.kind || (self.condition.compares != other.compares && !other.kind) {
            return false;
        }
        // "If the application is approved, … If it is rejected, …"
        if other.pronoun && self.condition.negative != other.negative && self.branches.len() == 1 {
            return is_verdict(&self.condition) && is_verdict(other);
        }
        let alone = mine.len() == 1 && words.len() == 1;
        let subject = mine.first().is_some_and(|first| words.first() == Some(first)) && !alone;
        let shared = words.iter().filter(|word| mine.contains(word)).count();
        let contrary = alone && self.condition.negative != other.negative;
        subject || contrary || shared * 3 >= mine.len().min(words.len()).max(1) * 2
    }

    /// Whether a condition asks about what only the last branch has done: it belongs into that branch.
    pub(super) fn leads_to(&self, other: &Condition) -> bool {
        let Some((last, before)) = self.branches.split_last() else { return false };
        // "ask for more evidence; if none is received, …" hangs on the branch even before the other case is told.
        let subject = if self.complete {
            other.words.first()
        } else {
            other.words.iter().filter(|_| other.pronoun).find(|word| !self.condition.words.contains(word))
        };
        let Some(subject) = subject else { return false };
        let names = |node: &Node| {
            super::discourse::labels(node).iter().any(|label| lexicon::lemmas(label).contains(subject))
        };
        names(&last.body)
            && !before.iter().any(|branch| names(&branch.body))
            && !self.condition.words.contains(subject)
    }

    /// Puts steps behind those of the last branch.
    pub(super) fn go_on(&mut self, nodes: Vec<Node>) {
        if let Some(branch) = self.branches.last_mut() {
            let before = std::mem::replace(&mut branch.body, Node::empty());
            branch.body = Node::sequence(std::iter::once(before).chain(nodes).collect());
        }
    }

    /// The other case: what is done when no condition holds.
    pub(super) fn otherwise(&mut self, mut nodes: Vec<Node>) {
        // "the committee decides about the application; otherwise the officer decides": about the same.
        if let (Some(Node::Activity(step)), Some(first)) = (nodes.first_mut(), self.branches.first())
            && let Some(full) = super::discourse::labels(&first.body).into_iter().find(|label| {
                label.strip_prefix(step.label.as_str()).is_some_and(|rest| rest.starts_with(' '))
            })
        {
            step.label = full;
        }
        self.branches.push(Branch::otherwise("otherwise", Node::sequence(nodes)));
        self.complete = true;
    }

    /// The node, with a question at the gateway and an answer on each flow.
    pub(super) fn node(mut self) -> Node {
        if self.branches.iter().all(|branch| branch.condition.is_some()) {
            self.branches.push(Branch::otherwise("otherwise", Node::empty()));
        }
        let label = match self.branches.as_mut_slice() {
            [first, second] => {
                let duration = deadline(&self.condition.label).filter(|_| self.condition.negative);
                if let Some(duration) = duration {
                    let late = std::mem::replace(&mut first.body, Node::empty());
                    let normal = std::mem::replace(&mut second.body, Node::empty());
                    return race(&self.condition.label, duration, normal, late);
                }
                let question = question(&self.condition.label);
                first.label = Some(question.held().to_owned());
                second.label = Some(question.failed().to_owned());
                Some(question.text)
            }
            branches => shared_beginning(branches),
        };
        Node::Choice(Choice { label, branches: self.branches, ..Choice::default() })
    }
}

/// What comes first: the event that is waited for, or the deadline.
pub(super) fn race(event: &str, duration: String, normal: Node, late: Node) -> Node {
    let (before, within) = event.split_once(" within ").unwrap_or((event, ""));
    let positive = match before.strip_prefix("no ") {
        Some(rest) => capitalised(rest),
        None => question(before).text.trim_end_matches('?').to_owned(),
    };
    let passed = within.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let message = Event::new(&positive, EventKind::Message(positive.clone()));
    let timer = Event::new(format!("{passed} passed"), EventKind::Timer(duration));
    let way = |event: Event, body: Node| Branch {
        label: None,
        condition: None,
        body: Node::sequence(vec![event.into(), body]),
    };
    Node::Choice(Choice {
        branches: vec![way(message, normal), way(timer, late)],
        deferred: true,
        ..Choice::default()
    })
}

/// "complaint is about quality", "complaint is about delivery" → "Complaint is about …?"
fn shared_beginning(branches: &[Branch]) -> Option<String> {
    let mut labels = branches.iter().filter(|branch| branch.condition.is_some());
    let mut shared: Vec<&str> = labels.next()?.label.as_deref()?.split(' ').collect();
    for branch in labels {
        let words = branch.label.as_deref().unwrap_or_default().split(' ');
        let same = shared.iter().zip(words).take_while(|(one, other)| **one == *other).count();
        shared.truncate(same);
    }
    (!shared.is_empty()).then(|| format!("{} …?", capitalised(&shared.join(" "))))
}

/// The same with a small first letter.
fn small(label: &str) -> String {
    let first = label.chars().next().map_or(0, char::len_utf8);
    let (begin, rest) = label.split_at_checked(first).unwrap_or_default();
    format!("{}{rest}", begin.to_lowercase())
}

/// Whether a choice came of "or": one step in each branch, one of them the default.
fn is_either(choice: &Choice) -> bool {
    !choice.deferred && choice.branches.iter().all(|branch| matches!(branch.body, Node::Activity(_)))
}

fn first_verb(branch: &Branch) -> Option<String> {
    let Node::Activity(step) = &branch.body else { return None };
    step.label.split(' ').next().map(str::to_lowercase)
}

/// "approves it, declines it or sends it back": a third way; the one that was the default gets a condition of its own.
fn one_more(mut choice: Choice, other: &Activity) -> Node {
    for branch in choice.branches.iter_mut().filter(|branch| branch.condition.is_none()) {
        if let Node::Activity(step) = &branch.body {
            branch.condition = Some(format!("{} = true", variable_name(&step.label)));
        }
    }
    for branch in &mut choice.branches {
        if let Node::Activity(step) = &branch.body {
            branch.label = Some(small(&step.label));
        }
    }
    let label = small(&other.label);
    choice.branches.push(Branch::otherwise(label, other.clone()));
    let verbs: Vec<String> = choice.branches.iter().filter_map(first_verb).collect();
    choice.label =
        verbs.split_last().map(|(last, before)| format!("{} or {last}?", capitalised(&before.join(", "))));
    Node::Choice(choice)
}

/// One of two steps: "approves or rejects the report", "either the team leader or the director approves".
pub(super) fn either(before: Node, node: Node) -> Node {
    let before = match (before, &node) {
        (Node::Choice(choice), Node::Activity(other)) if is_either(&choice) => {
            return one_more(choice, other);
        }
        (before, _) => before,
    };
    let (Node::Activity(one), Node::Activity(other)) = (&before, &node) else {
        return Node::sequence(vec![before, node]);
    };
    let verb = |label: &str| label.split(' ').next().unwrap_or_default().to_lowercase();
    let rest = |label: &str| label.split_once(' ').map_or(String::new(), |(_, rest)| rest.to_owned());
    let (text, ways) = if one.label == other.label {
        let who = |name: &Option<String>| small(name.as_deref().unwrap_or("somebody"));
        let verb = lexicon::third(&verb(&one.label));
        (format!("Who {verb} {}?", rest(&one.label)), [who(&one.actor), who(&other.actor)])
    } else if rest(&one.label) == rest(&other.label) {
        let (first, second) = (verb(&one.label), verb(&other.label));
        let text = format!("{} or {second} {}?", capitalised(&first), rest(&one.label));
        (text, [first, second])
    } else {
        (format!("{} or {}?", one.label, small(&other.label)), [small(&one.label), small(&other.label)])
    };
    let asked =
        if one.label == other.label { format!("{} {}", one.label, ways[0]) } else { one.label.clone() };
    let condition = format!("{} = true", variable_name(&asked));
    let [first, second] = ways;
    Node::choice(
        text.replace(" ?", "?"),
        vec![Branch::when(first, condition, before), Branch::otherwise(second, node)],
    )
}
