//! The steps of an instance: what Camunda's history says of its elements, and how much of that the trail has.
//!
//! The history knows when an element began and ended, and not which flows were taken. What led to a step is found when
//! the step is first seen: of the steps before it in the model, the one that ended last and has not led that way yet.

use std::collections::HashMap;

use bpmn::program::{FlowIndex, NodeIndex, NodeKind, Program};
use serde_json::Value;

use crate::remote::RemoteStep;
use crate::rest::optional;

/// Steps of one instance that are followed; what comes after them is in Camunda's history alone.
const STEP_LIMIT: usize = 20_000;

/// Between the id of a step and the number of a further token that it stands for.
const PART: char = '+';

/// An element of the instance once, as Camunda counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) id: String,
    /// Element id.
    pub(crate) element: String,
    pub(crate) node: Option<NodeIndex>,
    /// BPMN local name; Camunda's own name of the kind where the model is not known.
    pub(crate) kind: String,
    pub(crate) body: bool,
    pub(crate) parent: String,
    /// Camunda's id of its user task.
    pub(crate) user_task: Option<String>,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) cancelled: bool,
    /// Its number in the instance, from 1.
    pub(crate) number: u32,
    pub(crate) told: Told,
    /// The step that led to it, and by which flow.
    pub(crate) from: Option<(usize, FlowIndex)>,
    /// The steps it led to, in the order of the model.
    pub(crate) leads: Vec<(FlowIndex, usize)>,
}

/// What the trail has of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// The flow that led to it, where there is one.
    pub(crate) led: bool,
    pub(crate) begun: bool,
    pub(crate) ended: bool,
}

/// All steps of an instance, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps {
    pub(crate) all: Vec<Step>,
    places: HashMap<String, usize>,
    by_node: HashMap<NodeIndex, Vec<usize>>,
    /// From the trail, for steps that are not seen yet.
    remembered: HashMap<String, (u32, Told)>,
    last: u32,
}

impl Steps {
    /// Remembers an entry of the trail.
    pub(crate) fn remember(&mut self, kind: &str, data: &Value) {
        let Some(step) = optional(data, "step") else { return };
        let number =
            data.get("element").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        match kind {
            "flow.taken" => self.remembered.entry(step).or_default().1.led = true,
            "element.activated" => {
                let number = number.unwrap_or(self.last + 1);
                self.last = self.last.max(number);
                self.remembered.insert(step, (number, Told { led: true, begun: true, ended: false }));
            }
            "element.completed" | "element.terminated" => {
                let joined = data.get("joined").and_then(Value::as_array).into_iter().flatten();
                let joined = joined.filter_map(Value::as_str).map(str::to_owned);
                for step in joined.chain([step]) {
                    let told = &mut self.remembered.entry(step).or_default().1;
                    *told = Told { led: true, begun: true, ended: true };
                }
            }
            _ => {}
        }
    }

    /// When the oldest open step began, milliseconds since the Unix epoch: nothing that is new in the history began
    /// before. `None`: all of it matters.
    pub(crate) fn since_ms(&self) -> Option<i64> {
        let open = self.all.iter().filter(|step| step.ended_ms.is_none());
        open.map(|step| step.started_ms).min()
    }

    /// Whether the end of a step is seen.
    pub(crate) fn has_ended(&self, id: &str) -> bool {
        self.place(id).is_some_and(|at| self.all[at].ended_ms.is_some())
    }

    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The place of the step around a step.
    pub(crate) fn parent(&self, at: usize) -> Option<usize> {
        self.place(&self.all[at].parent)
    }

    /// Whether a step is a run of a multi-instance.
    pub(crate) fn is_run(&self, at: usize) -> bool {
        self.parent(at).is_some_and(|parent| self.all[parent].body)
    }

    /// Takes in what the history says, in Camunda's order of occurrence. Where one step stands for all tokens that come
    /// together (`merges_joins`), a join has a step for each of them here, as if each had come alone.
    pub(crate) fn take_in(&mut self, program: Option<&Program>, found: &[RemoteStep], merges_joins: bool) {
        let mut fresh: Vec<&RemoteStep> = Vec::new();
        for one in found {
            match self.places.get(&one.id) {
                Some(_) if merges_joins => self.end(one),
                Some(at) => {
                    let step = &mut self.all[*at];
                    step.ended_ms = one.ended_ms;
                    step.cancelled = one.cancelled;
                }
                None => fresh.push(one),
            }
        }
        // Camunda's order is one within a branch only.
        fresh.sort_by_key(|one| one.started_ms);
        let first = self.all.len();
        for one in fresh.into_iter().take(STEP_LIMIT.saturating_sub(first)) {
            self.add(program, one, one.id.clone());
        }
        let Some(program) = program else { return };
        for at in first..self.all.len() {
            self.find_origin(program, at);
        }
        if merges_joins {
            for at in first..self.all.len() {
                self.part(program, at);
            }
        }
    }

    /// Notes the end of a step, also of those made of it for the other tokens of a join.
    fn end(&mut self, one: &RemoteStep) {
        let mut next = self.place(&one.id);
        let mut token = 0;
        // Bounded by the flows that lead to the join.
        while let Some(at) = next {
            let step = &mut self.all[at];
            step.ended_ms = one.ended_ms;
            step.cancelled = one.cancelled;
            token += 1;
            next = self.place(&format!("{}{PART}{token}", one.id));
        }
    }

    fn find_origin(&mut self, program: &Program, at: usize) -> bool {
        let Some((from, flow)) = self.origin(program, at) else { return false };
        self.all[at].from = Some((from, flow));
        // Camunda cancels an event-based gateway when one of its events happens.
        self.all[from].cancelled = false;
        let outgoing = self.all[from].node.map_or(&[][..], |node| &program.nodes[node].outgoing);
        let leads = &mut self.all[from].leads;
        leads.push((flow, at));
        leads.sort_by_key(|(flow, _)| outgoing.iter().position(|other| other == flow));
        true
    }

    /// Makes a step for each further token that came together at a join.
    fn part(&mut self, program: &Program, at: usize) {
        let is_join = |node: &bpmn::program::Node| {
            matches!(node.kind, NodeKind::Parallel | NodeKind::Inclusive) && node.incoming.len() > 1
        };
        let Some(tokens) =
            self.all[at].node.and_then(|node| program.nodes.get(node)).filter(|node| is_join(node))
        else {
            return;
        };
        for token in 1..tokens.incoming.len() {
            let first = &self.all[at];
            let one = RemoteStep {
                id: format!("{}{PART}{token}", first.id),
                element: first.element.clone(),
                kind: first.kind.clone(),
                parent: first.parent.clone(),
                started_ms: first.started_ms,
                ended_ms: first.ended_ms,
                cancelled: first.cancelled,
                ..RemoteStep::default()
            };
            let id = one.id.clone();
            self.add(Some(program), &one, id.clone());
            let last = self.all.len() - 1;
            if !self.find_origin(program, last) {
                // No other token came.
                self.all.truncate(last);
                self.places.remove(&id);
                if let Some(node) = self.all[at].node
                    && let Some(places) = self.by_node.get_mut(&node)
                {
                    places.pop();
                }
                self.last = self.last.max(1) - 1;
                return;
            }
        }
    }

    fn add(&mut self, program: Option<&Program>, one: &RemoteStep, id: String) {
        let node = program.and_then(|program| program.find(&one.element));
        let compiled = node.and_then(|node| program?.nodes.get(node));
        let (number, told) = self.remembered.remove(&id).unwrap_or_default();
        if number == 0 {
            self.last += 1;
        }
        let at = self.all.len();
        self.places.insert(id.clone(), at);
        if let Some(node) = node {
            self.by_node.entry(node).or_default().push(at);
        }
        self.all.push(Step {
            id,
            element: one.element.clone(),
            node,
            kind: compiled.map_or_else(|| one.kind.clone(), |node| node.local_name.clone()),
            body: one.body,
            parent: one.parent.clone(),
            user_task: one.user_task.clone(),
            started_ms: one.started_ms,
            ended_ms: one.ended_ms,
            cancelled: one.cancelled,
            number: if number == 0 { self.last } else { number },
            told,
            from: None,
            leads: Vec::new(),
        });
    }

    /// The step that led to this one, and by which flow.
    fn origin(&self, program: &Program, at: usize) -> Option<(usize, FlowIndex)> {
        let step = &self.all[at];
        let node = program.nodes.get(step.node?)?;
        if step.body != node.repeat.is_some() {
            return None;
        }
        let by_flow = node.incoming.iter().filter_map(|flow| {
            let source = program.flows.get(*flow)?.source;
            let before = &program.nodes[source];
            let one_way = matches!(before.kind, NodeKind::Exclusive | NodeKind::EventBased { .. });
            let led = |from: &Step| match one_way {
                true => !from.leads.is_empty(),
                false => from.leads.iter().any(|(other, _)| other == flow),
            };
            let fits = |from: &Step| {
                from.parent == step.parent
                    && from.body == before.repeat.is_some()
                    && (!from.cancelled || matches!(before.kind, NodeKind::EventBased { .. }))
                    && from.ended_ms.is_some_and(|ended_ms| ended_ms <= step.started_ms)
                    && !led(from)
            };
            let found = self.by_node.get(&source)?.iter().rev().find(|from| fits(&self.all[**from]))?;
            Some((*found, *flow))
        });
        by_flow.max_by_key(|(from, _)| self.all[*from].ended_ms)
    }

    /// As [`Steps::visit`], of the step that a user task of Camunda belongs to.
    pub(crate) fn visit_of_user_task(&self, id: &str) -> Option<u32> {
        let step = self.all.iter().rev().find(|step| step.user_task.as_deref() == Some(id))?;
        self.visit(&step.id, None)
    }

    /// How many times the instance has come to the element of a step with it: 1, 2, 3, …; `None` where the history
    /// does not have the step. `loop_counter` is Camunda's number of a run of a multi-instance, from 0: parallel runs
    /// begin at once, and their numbers order them.
    pub(crate) fn visit(&self, id: &str, loop_counter: Option<u32>) -> Option<u32> {
        let at = self.place(id)?;
        let step = &self.all[at];
        let same = |other: &&Step| other.element == step.element && !other.body;
        let before = match loop_counter.filter(|_| self.is_run(at)) {
            Some(counter) => {
                let earlier = self.all.iter().filter(same).take_while(|other| other.parent != step.parent);
                earlier.count() + counter as usize
            }
            None => self.all[..at].iter().filter(same).count(),
        };
        u32::try_from(before + 1).ok()
    }
}
