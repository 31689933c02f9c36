//! From sentences to a tree: which sentence is a branch of which choice, what runs side by side, what repeats.

use super::choice::{Open, either, race};
use super::condition::{Condition, negated};
use super::duration;
use super::lexicon::{lemmas, similarity};
use super::sentence::{Lead, Statement, Step};
use super::step::{node, repetition};
use crate::tree::{Branch, Event, EventKind, Node, variable_name};

/// Alike enough to be the same step.
const SAME_STEP: f64 = 0.6;
/// Alike enough to be what was announced before.
const TOLD_AGAIN: f64 = 0.45;
/// Alike enough for "go back to …" to mean this step.
const MEANT_STEP: f64 = 0.2;

/// The story told so far.
#[derive(Debug, Default)]
pub(super) struct Story {
    steps: Vec<Node>,
    open: Option<Open>,
    /// The sentence stands for itself: what it mentions as done before is pushed on its own.
    plainly: bool,
    /// Choices around the open one.
    outer: Vec<Open>,
    /// What the sentence before asked: "checks whether …".
    asked: Option<Condition>,
    /// Steps that were named before it was their turn: "before the order is sent, …".
    early: Vec<String>,
    /// How many steps the sentence before added.
    recent: usize,
    labels: Vec<String>,
    pub(super) start: Option<String>,
    pub(super) notes: Vec<String>,
}

impl Story {
    /// Takes in what a sentence says.
    pub(super) fn tell(&mut self, statement: Statement) {
        if self.start.is_none() {
            self.start.clone_from(&statement.start);
        }
        let Statement {
            mut lead,
            condition,
            conditioned_from,
            unless,
            mut steps,
            mut parallel,
            parted,
            until,
            until_before,
            back_to,
            ends,
            asked,
            limit,
            elliptical,
            together,
            ..
        } = statement;
        if together {
            self.put_side_by_side();
            return;
        }
        let answers = std::mem::replace(&mut self.asked, asked);
        let repeated = until.is_some() && until_before > 0 && condition.is_none() && back_to.is_none();
        let behind = if repeated { steps.split_off(until_before.min(steps.len())) } else { Vec::new() };
        if condition.is_some() && conditioned_from > 0 {
            let conditioned = steps.split_off(conditioned_from.min(steps.len()));
            let before = self.nodes(steps, parallel);
            self.plain(before, lead);
            steps = conditioned;
        }
        if let Some((then, behind)) = parted.filter(|_| condition.is_none()) {
            let last = steps.split_off(then.min(steps.len()));
            let first = self.nodes(steps, !behind);
            self.plain(first, lead);
            (steps, parallel, lead) = (last, behind, Lead::Plain);
        }
        self.plainly = condition.is_none() && lead == Lead::Plain && back_to.is_none() && until.is_none();
        let mut nodes = self.nodes(steps, parallel);
        if ends
            && (condition.is_some()
                || lead == Lead::Otherwise
                || (lead == Lead::InThisCase && self.open.is_some()))
        {
            nodes.push(Event::new("Process ended", EventKind::End).into());
        }
        if let Some(target) = back_to {
            self.go_back(Back { target, condition, until, limit }, lead, nodes);
            return;
        }
        if let Some(until) = until {
            let body = if nodes.is_empty() { self.take_recent() } else { std::mem::take(&mut nodes) };
            let mut body = Node::sequence(body);
            strip_ends(&mut body);
            if !body.is_empty() {
                nodes.push(repetition(&until.label, negated(&until.feel), true, body, Vec::new(), limit));
            }
        }
        if nodes.is_empty() && condition.is_none() {
            return;
        }
        match condition {
            Some(condition) if unless => {
                self.close();
                let mut open = Open::begin(condition, Node::empty());
                open.otherwise(nodes);
                self.open = Some(open);
                self.close();
            }
            Some(condition) => self.branch(condition, nodes, lead),
            None => {
                if self.open.is_none() && matches!(lead, Lead::Otherwise | Lead::InThisCase) {
                    let answers = answers.or_else(|| self.outcome().filter(|_| elliptical));
                    nodes = match self.answer(answers, nodes, lead) {
                        Some(nodes) => nodes,
                        None => return,
                    };
                }
                self.plain(nodes, lead);
                let behind = self.nodes(behind, false);
                self.push(behind);
            }
        }
    }

    /// "The agent tries to solve the problem. If he can't, …": what was done last is what is asked about.
    fn outcome(&self) -> Option<Condition> {
        let Some(Node::Activity(step)) = self.steps.last() else { return None };
        let (verb, object) = step.label.split_once(' ')?;
        let participle = super::lexicon::participle(&verb.to_lowercase());
        Some(super::condition::condition(&format!("{object} is {participle}")))
    }

    /// "All of this happens in parallel."
    fn put_side_by_side(&mut self) {
        let before = self.take_recent();
        let apart = before.len() > 1 && before.iter().all(|node| !ends(node));
        let nodes = if apart { vec![Node::parallel(before)] } else { before };
        self.push(nodes);
    }

    /// "checks whether it is strong enough. If not, …", "clicks the link within 30 minutes; otherwise …".
    fn answer(&mut self, asked: Option<Condition>, nodes: Vec<Node>, lead: Lead) -> Option<Vec<Node>> {
        if let Some(condition) = asked {
            let mut open = if lead == Lead::Otherwise {
                Open::begin(condition, Node::empty())
            } else {
                Open::begin(condition, Node::sequence(nodes.clone()))
            };
            if lead == Lead::Otherwise {
                open.otherwise(nodes);
            }
            self.open = Some(open);
            return None;
        }
        let late = match self.steps.last() {
            Some(Node::Activity(step)) if lead == Lead::Otherwise => {
                duration::deadline(&step.label).map(|duration| (step.clone(), duration))
            }
            _ => None,
        };
        let Some((step, duration)) = late else { return Some(nodes) };
        self.steps.pop();
        let event = match (&step.actor, step.label.split_once(' ')) {
            (Some(actor), Some((verb, rest))) => {
                format!("{actor} {} {rest}", super::lexicon::third(&verb.to_lowercase()))
            }
            _ => step.label.clone(),
        };
        self.push(vec![race(&event, duration, Node::empty(), Node::sequence(nodes))]);
        None
    }

    fn plain(&mut self, nodes: Vec<Node>, lead: Lead) {
        if lead == Lead::Parallel && self.open.is_none() && self.joins_last_branch(&nodes) {
            return;
        }
        match (lead, &mut self.open) {
            (Lead::Otherwise, Some(open)) => {
                if open.complete {
                    open.go_on(nodes);
                } else {
                    open.otherwise(nodes);
                }
            }
            (Lead::InThisCase, Some(open)) => open.go_on(nodes),
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
        if self.open.is_none() && self.goes_on_either(&condition, &nodes) {
            return;
        }
        let body = Node::sequence(nodes);
        let same =
            lead == Lead::Otherwise || self.open.as_ref().is_some_and(|open| open.is_about(&condition));
        if let Some(open) = self.open.as_mut().filter(|open| same && !open.complete) {
            let contrary = open.branches.len() == 1
                && open.condition.negative != condition.negative
                && lead != Lead::Otherwise;
            if contrary {
                // Yes and no: the second one is what happens when the first does not hold.
                open.branches.push(Branch::otherwise(condition.label, body));
                open.complete = true;
            } else {
                open.branches.push(Branch::when(condition.label, condition.feel, body));
            }
            return;
        }
        match self.open.take() {
            Some(open) if open.leads_to(&condition) => self.outer.push(open),
            other => {
                self.open = other;
                self.close();
            }
        }
        self.open = Some(Open::begin(condition, body));
    }

    /// "The manager approves or rejects the report. If rejected, …": goes on in the branch that has done it.
    fn goes_on_either(&mut self, condition: &Condition, nodes: &[Node]) -> bool {
        let Some(Node::Choice(choice)) = self.steps.last_mut() else { return false };
        let said = |branch: &&mut Branch| {
            let first = labels(&branch.body).into_iter().next().unwrap_or_default();
            let verb = lemmas(&first).into_iter().next();
            verb.is_some_and(|verb| condition.words.contains(&verb))
        };
        if condition.words.len() > 2 || choice.deferred {
            return false;
        }
        let Some(branch) = choice.branches.iter_mut().find(said) else { return false };
        let before = std::mem::replace(&mut branch.body, Node::empty());
        branch.body = Node::sequence(std::iter::once(before).chain(nodes.iter().cloned()).collect());
        true
    }

    /// "if it is not, the check is repeated", "otherwise go back to the check".
    fn go_back(&mut self, back: Back, lead: Lead, redo: Vec<Node>) {
        let Back { mut target, condition, until, limit } = back;
        if let Some(condition) = condition.as_ref().filter(|_| target.is_empty()) {
            // "If the link is lost, try again": what has to do with the link.
            target.clone_from(&condition.label);
        }
        let mut after = Vec::new();
        let (label, feel, denied) = match (condition, until) {
            (Some(condition), _) => {
                self.close();
                (condition.label, condition.feel, false)
            }
            (None, Some(until)) => {
                self.close();
                (until.label, negated(&until.feel), true)
            }
            (None, None) => match self.open.take() {
                Some(mut open)
                    if lead == Lead::Otherwise && open.branches.len() == 1 && self.outer.is_empty() =>
                {
                    let branch = open.branches.pop();
                    after.extend(branch.map(|branch| branch.body));
                    (open.condition.label, negated(&open.condition.feel), true)
                }
                other => {
                    self.open = other;
                    self.close();
                    let name = variable_name(&format!("repeat {target}"));
                    ("again".to_owned(), format!("{name} = true"), false)
                }
            },
        };
        let from = self.meant(&target);
        let body: Vec<Node> = self.steps.drain(from..).collect();
        if body.is_empty() {
            self.push(redo);
            self.push(after);
            return;
        }
        let mut body = Node::sequence(body);
        strip_ends(&mut body);
        self.push(vec![repetition(&label, feel, denied, body, redo, limit)]);
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
                let alike = similarity(&label, target).max(same_stems(&label, target) / 2.0);
                if alike > best.0 && alike >= MEANT_STEP {
                    best = (alike, place);
                }
            }
        }
        best.1
    }

    /// Label of the step that is meant, the last one where nothing is named; `None` where none was told.
    pub(super) fn meant_label(&self, named: Option<&str>) -> Option<String> {
        let Some(named) = named else { return self.labels.last().cloned() };
        let alike = |label: &String| similarity(label, named).max(same_stems(label, named) / 2.0);
        let best = self.labels.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
        (alike(best) >= MEANT_STEP).then(|| best.clone())
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
            let (or, with, first) = (step.or, step.beside, step.mentioned && nodes.is_empty());
            if step.mentioned && !first {
                self.early.push(label.clone());
            }
            let node = node(step.action, label);
            if first {
                before.push(node);
                continue;
            }
            if or && let Some(before) = nodes.pop() {
                nodes.push(either(before, node));
                continue;
            }
            if with && let Some(before) = nodes.pop() {
                nodes.push(Node::parallel(vec![before, node]));
                continue;
            }
            nodes.push(node);
        }
        if parallel && nodes.len() > 1 && nodes.iter().all(|node| !ends(node)) {
            nodes = vec![Node::parallel(nodes)];
        }
        if self.plainly {
            self.close();
            self.push(std::mem::take(&mut before));
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
        while let Some(open) = self.open.take() {
            let node = open.node();
            match self.outer.pop() {
                Some(mut around) => {
                    around.go_on(vec![node]);
                    self.open = Some(around);
                }
                None => self.push(vec![node]),
            }
        }
    }

    /// A step that was named early and then told in its place is told once.
    fn drop_early(&mut self) {
        for label in std::mem::take(&mut self.early) {
            let is_it = |node: &Node| matches!(node, Node::Activity(step) if step.label == label);
            let Some(place) = self.steps.iter().position(is_it) else { continue };
            let told = self
                .steps
                .iter()
                .skip(place + 1)
                .any(|node| labels(node).iter().any(|other| similarity(other, &label) >= TOLD_AGAIN));
            if told {
                self.steps.remove(place);
            }
        }
    }

    /// The tree's root.
    pub(super) fn finish(mut self) -> (Node, Option<String>, Vec<String>) {
        self.close();
        self.drop_early();
        let last = self.steps.len().saturating_sub(1);
        for (place, node) in self.steps.iter_mut().enumerate() {
            if place != last && !can_go_on(node) {
                strip_ends(node);
            }
        }
        (Node::sequence(self.steps), self.start, self.notes)
    }
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

/// Share of the words asked for whose beginning stands in the label: "analysis" means "Analyse samples".
fn same_stems(label: &str, target: &str) -> f64 {
    const STEM: usize = 5;
    let stem = |word: &str| word.to_lowercase().chars().take(STEM).collect::<String>();
    let known: Vec<String> = label.split(' ').map(stem).collect();
    let asked: Vec<String> = target.split(' ').filter(|word| word.len() > STEM).map(stem).collect();
    let hits = asked.iter().filter(|word| known.contains(word)).count();
    #[expect(clippy::cast_precision_loss, reason = "counts of words are tiny")]
    let share = hits as f64 / asked.len().max(1) as f64;
    share
}

pub(super) fn labels(node: &Node) -> Vec<String> {
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

/// Where a repetition goes and when.
struct Back {
    target: String,
    condition: Option<Condition>,
    until: Option<Condition>,
    limit: Option<u32>,
}
