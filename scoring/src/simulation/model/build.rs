//! From a program and its declaration to the table of operations.

use std::sync::Arc;

use bpmn::expression::{Expression, Limits};
use bpmn::program::{Flow, FlowIndex, Node, NodeIndex, NodeKind, Program, SubProcess, Throw};
use serde_json::json;

use super::super::by_engine;
use super::super::declare::{Declaration, Parameters, Weight};
use super::parts::{self, complete, narrow, refused, timer_law};
use super::{Activity, Choice, JoinSlots, Law, Model, OUTCOME, Op, Rule};
use crate::Error;

mod deadline;
mod inclusive;
mod repeated;
mod sub_process;

pub(in super::super) use inclusive::Block;

/// Operations at most.
const MAX_OPS: usize = 60_000;

impl Model {
    /// A program with what is declared for it, ready to be simulated: as a table where that can say it, otherwise by the
    /// engine's own rules ([`Model::by_engine`]).
    ///
    /// # Errors
    /// `SCORING-0006` for an element of which it is not known what it would do, with the way out.
    pub fn build(program: &Program, declaration: &Declaration) -> Result<Self, Error> {
        match Self::table(program, declaration) {
            Err(Error::NotSimulated { element, what, .. }) => {
                by_engine::build(program, declaration, format!("{element}: {what}"))
            }
            Ok(mut model) => {
                if model.activities.iter().any(|activity| activity.in_a_row) {
                    model.stepwise = by_engine::build(program, declaration, String::new()).ok().map(Arc::new);
                }
                Ok(model)
            }
            other => other,
        }
    }

    /// The table; refuses what it cannot say.
    pub(in super::super) fn table(program: &Program, declaration: &Declaration) -> Result<Self, Error> {
        let mut builder = Builder::over(program, declaration)?;
        builder.place()?;
        for index in 0..program.nodes.len() {
            builder.node(index)?;
        }
        builder.finish()
    }
}

struct Builder<'a> {
    program: &'a Program,
    declaration: &'a Declaration,
    /// First operation of each node.
    first: Vec<u16>,
    /// Levels of priority, highest first.
    levels: Vec<i32>,
    /// Sub-processes that stand in the table as their contents.
    opened: Vec<NodeIndex>,
    /// What stands between inclusive gateways.
    blocks: Vec<Block>,
    /// The inclusive gateways that join one of them.
    joined: Vec<NodeIndex>,
    model: Model,
}

impl<'a> Builder<'a> {
    fn over(program: &'a Program, declaration: &'a Declaration) -> Result<Self, Error> {
        let levels = parts::levels(declaration);
        let model = parts::without_contents(program, declaration, &levels);
        Ok(Self {
            program,
            declaration,
            first: Vec::new(),
            levels,
            opened: Vec::new(),
            blocks: Vec::new(),
            joined: Vec::new(),
            model,
        })
    }

    /// Gives every node its place: a parallel gateway with several incoming flows has a join for each before its fork.
    fn place(&mut self) -> Result<(), Error> {
        let mut next = 0;
        for node in &self.program.nodes {
            self.first.push(narrow(next));
            next += match node.kind {
                NodeKind::Parallel if node.incoming.len() > 1 => node.incoming.len() + 1,
                NodeKind::Inclusive if inclusive::joins(node) => node.incoming.len() + 1,
                NodeKind::Inclusive if inclusive::splits(node) => inclusive::size(node),
                _ => self.work_size(node),
            };
            if next > MAX_OPS {
                return Err(refused(node, "a process of this size", "simulate a part of it"));
            }
        }
        self.model.ops = vec![Op::End { end: 0 }; next];
        Ok(())
    }

    fn entry(&self, flow: FlowIndex) -> u16 {
        let Some(target) = self.program.flows.get(flow).map(|flow| flow.target) else { return 0 };
        let first = self.first.get(target).copied().unwrap_or_default();
        let node = &self.program.nodes[target];
        match node.kind {
            NodeKind::Parallel | NodeKind::Inclusive
                if node.incoming.len() > 1 && !inclusive::splits(node) =>
            {
                first
                    + narrow(node.incoming.iter().position(|incoming| *incoming == flow).unwrap_or_default())
            }
            _ => first,
        }
    }

    fn set(&mut self, place: u16, op: Op) {
        if let Some(slot) = self.model.ops.get_mut(usize::from(place)) {
            *slot = op;
        }
    }

    fn node(&mut self, index: NodeIndex) -> Result<(), Error> {
        let node = &self.program.nodes[index];
        let first = self.first[index];
        if self.is_inside_one_piece(node) {
            return Ok(());
        }
        if node.is_compensation_handler {
            return Err(refused(node, "an element for compensation", "leave it out"));
        }
        match &node.kind {
            NodeKind::Start { trigger, .. } => {
                if node.parent.is_none() && (trigger.is_none() || self.model.start == 0) {
                    self.model.start = first;
                }
                self.leave(node, first)
            }
            NodeKind::End(throw) => self.end(node, throw, first),
            NodeKind::SubProcess(kind) if !self.is_one_piece(node) || matches!(kind, SubProcess::Event) => {
                if node.repeat.is_some() {
                    return Err(refused(
                        node,
                        "a sub-process that is repeated",
                        "declare how long one execution takes, so that it counts as one piece of work",
                    ));
                }
                self.sub_process(index, node, kind, first)
            }
            NodeKind::Boundary { .. } => self.leave(node, first),
            NodeKind::Exclusive if node.outgoing.len() > 1 => self.choice(node, first),
            NodeKind::Exclusive => self.leave(node, first),
            NodeKind::Parallel if node.incoming.len() > 1 => self.wait_for_all(node, first),
            NodeKind::Parallel => self.leave(node, first),
            NodeKind::Inclusive if inclusive::splits(node) => self.inclusive(index, node, first),
            NodeKind::Inclusive if inclusive::joins(node) => self.wait_for_all(node, first),
            NodeKind::Inclusive => self.leave(node, first),
            NodeKind::EventBased { .. } => self.first_event(node, first),
            _ => self.work(node, first),
        }
    }

    /// Goes on along all outgoing flows.
    fn leave(&mut self, node: &Node, place: u16) -> Result<(), Error> {
        if let Some(flow) = node
            .outgoing
            .iter()
            .filter_map(|flow| self.program.flows.get(*flow))
            .find(|flow| flow.condition.is_some())
        {
            return Err(refused(
                node,
                &format!("a condition on the flow {}", flow.id),
                "put an exclusive gateway behind it with shares on its flows",
            ));
        }
        if node.outgoing.is_empty() {
            self.stop(node, place);
            return Ok(());
        }
        let targets: Vec<u16> = node.outgoing.iter().map(|flow| self.entry(*flow)).collect();
        self.fork(place, targets);
        Ok(())
    }

    fn fork(&mut self, place: u16, targets: Vec<u16>) {
        let first = u32::try_from(self.model.forks.len()).unwrap_or(u32::MAX);
        self.set(place, Op::Fork { first, count: narrow(targets.len()) });
        self.model.forks.extend(targets);
    }

    /// A token is at its end: that of the case, or of the sub-process around it.
    fn stop(&mut self, node: &Node, place: u16) {
        match node.parent.and_then(|parent| self.first.get(parent)) {
            Some(around) => self.fork(place, vec![around + 1]),
            None => {
                let end = self.add_end(node);
                self.set(place, Op::End { end });
            }
        }
    }

    fn add_end(&mut self, node: &Node) -> u16 {
        self.model.ends.push((node.id.clone(), parts::name(node)));
        narrow(self.model.ends.len() - 1)
    }

    fn end(&mut self, node: &Node, throw: &Throw, place: u16) -> Result<(), Error> {
        match throw {
            Throw::None | Throw::Message { .. } | Throw::Signal { .. } | Throw::Escalation { .. } => {
                self.stop(node, place);
            }
            // It ends the sub-process around it; whether anything else is under way there is looked at in the end.
            Throw::Terminate if node.parent.is_some() => self.stop(node, place),
            Throw::Terminate | Throw::Error { .. } => {
                let end = self.add_end(node);
                self.set(place, Op::Halt { end });
            }
            _ => return Err(refused(node, "this kind of end event", "use a plain or terminate end event")),
        }
        Ok(())
    }

    fn parameters(&self, node: &Node) -> Parameters {
        self.declaration.elements.get(&node.id).cloned().unwrap_or_default()
    }

    fn work(&mut self, node: &Node, place: u16) -> Result<(), Error> {
        let declared = self.parameters(node);
        let law = if self.is_rival(node) { Law::Constant(0.0) } else { parts::work_law(node, &declared)? };
        if matches!(node.kind, NodeKind::Complex { .. }) {
            return Err(refused(
                node,
                "this kind of gateway",
                "use exclusive, parallel and inclusive gateways",
            ));
        }
        let deadline = self.deadline(node)?;
        if declared.batch.is_some() && deadline.is_some() {
            return Err(refused(node, "a timer on work that is done in batches", "leave one of the two out"));
        }
        let repeated = self.repeated(node)?;
        if repeated.is_some() && (declared.batch.is_some() || deadline.is_some()) {
            return Err(refused(
                node,
                "work that is repeated and also done in batches or ended by a timer",
                "leave one of them out",
            ));
        }
        let activity = narrow(self.model.activities.len());
        let work = parts::activity(node, &declared, law, (&self.model.resources, &self.levels));
        self.model.activities.push(Activity {
            deadline,
            in_a_row: repeated.is_some_and(|repeated| repeated.sequential && repeated.count > 1),
            home: place + u16::from(repeated.is_some_and(|repeated| !repeated.sequential)),
            ..work
        });
        if let Some(repeated) = repeated {
            return self.repeat(node, place, activity, repeated);
        }
        self.set(place, Op::Work { activity, next: place + 1 });
        self.leave(node, place + 1)
    }

    /// An exclusive gateway: by declared shares, otherwise by the outcome of the task right before it.
    fn choice(&mut self, node: &Node, place: u16) -> Result<(), Error> {
        let flows: Vec<&Flow> =
            node.outgoing.iter().filter_map(|flow| self.program.flows.get(*flow)).collect();
        let declared: Vec<Option<Weight>> =
            flows.iter().map(|flow| self.declaration.flows.get(&flow.id).copied()).collect();
        let targets: Vec<u16> = node.outgoing.iter().map(|flow| self.entry(*flow)).collect();
        if declared.iter().any(Option::is_some) {
            let labels = flows.iter().map(|flow| parts::label(flow)).collect();
            let weights = complete(node, &declared)?;
            return self.add_choice(node, &node.id, 0, labels, &weights, targets, place);
        }
        let before = match node.incoming.as_slice() {
            [only] => self.program.flows.get(*only).and_then(|flow| self.program.nodes.get(flow.source)),
            _ => None,
        };
        let outcomes = before.map(|before| self.parameters(before).outcomes).unwrap_or_default();
        let (Some(before), false) = (before, outcomes.is_empty()) else {
            if self.reads_attributes(&flows) {
                let labels = flows.iter().map(|flow| parts::label(flow)).collect();
                return self.by_data(node, &flows, labels, targets, place);
            }
            return Err(refused(
                node,
                "a gateway that decides by data",
                "give its flows shares: <procos:simulation share=\"0.8\"/>, or the outcomes of the task before it, or \
                 say what cases bring along: <procos:attribute name=\"amount\" distribution=\"uniform(1, 100)\"/>",
            ));
        };
        let mut ways = Vec::new();
        for (label, _) in &outcomes {
            ways.push(targets[self.way(node, &flows, label)?]);
        }
        let (labels, weights): (Vec<String>, Vec<Weight>) = outcomes.into_iter().unzip();
        self.add_choice(before, &before.id, OUTCOME, labels, &weights, ways, place)
    }

    /// Whether all that the conditions on these flows read is declared as an attribute of the case.
    fn reads_attributes(&self, flows: &[&Flow]) -> bool {
        let declared = |name: &String| self.declaration.attributes.iter().any(|each| each.name == *name);
        let conditions = || flows.iter().filter_map(|flow| flow.condition.as_ref());
        conditions().any(|condition| !condition.variables().is_empty())
            && conditions().all(|condition| condition.variables().iter().all(declared))
    }

    /// A gateway that decides by what the case brings along.
    fn by_data(
        &mut self,
        node: &Node,
        flows: &[&Flow],
        labels: Vec<String>,
        targets: Vec<u16>,
        place: u16,
    ) -> Result<(), Error> {
        let rule = Rule {
            conditions: flows.iter().map(|flow| flow.condition.clone()).collect(),
            default: node.outgoing.iter().position(|flow| Some(*flow) == node.default_flow),
        };
        let equal = vec![Weight { share: 1.0, count: None }; targets.len()];
        self.add_choice(node, &node.id, 0, labels, &equal, targets, place)?;
        let choice = narrow(self.model.choices.len() - 1);
        if let Some(made) = self.model.choices.last_mut() {
            made.rule = Some(rule);
        }
        self.set(place, Op::Decide { choice });
        Ok(())
    }

    /// The flow that is taken for an outcome, by the gateway's own rule.
    fn way(&self, node: &Node, flows: &[&Flow], label: &str) -> Result<usize, Error> {
        let values = json!({"outcome": label, "undecided": false});
        let holds = |condition: &Expression| {
            let known = condition.variables().iter().all(|name| name == "outcome" || name == "undecided");
            known.then(|| condition.evaluate_condition(&values, Limits::at(0)).ok()).flatten()
        };
        let default = node.default_flow;
        for (place, flow) in flows.iter().enumerate() {
            if node.outgoing.get(place).copied() == default {
                continue;
            }
            match flow.condition.as_ref().map_or(Some(true), holds) {
                Some(true) => return Ok(place),
                Some(false) => {}
                None => {
                    return Err(refused(
                        node,
                        &format!("the condition on the flow {}, which reads more than the outcome", flow.id),
                        "give its flows shares: <procos:simulation share=\"0.8\"/>",
                    ));
                }
            }
        }
        let place = node.outgoing.iter().position(|flow| Some(*flow) == default);
        place.ok_or_else(|| {
            refused(node, &format!("no flow for the outcome {label:?}"), "give it a flow, or a default flow")
        })
    }

    #[expect(clippy::too_many_arguments, reason = "each is another part of the choice")]
    fn add_choice(
        &mut self,
        node: &Node,
        id: &str,
        salt: u64,
        labels: Vec<String>,
        weights: &[Weight],
        targets: Vec<u16>,
        place: u16,
    ) -> Result<(), Error> {
        let choice = narrow(self.model.choices.len());
        let op = match targets.as_slice() {
            [first, second] => Op::Toss { choice, first: *first, second: *second },
            _ => Op::Choose { choice },
        };
        let made = parts::choice(node, (id, salt), labels, weights)?;
        self.model.choices.push(Choice { targets, ..made });
        self.set(place, op);
        Ok(())
    }

    /// Takes out forks with one way, so that tokens go straight on.
    fn finish(mut self) -> Result<Model, Error> {
        self.check_opened()?;
        self.check_inclusive()?;
        self.check_batches()?;
        let entries = self.program.flows.iter().enumerate();
        let entries = entries.map(|(place, flow)| (flow.id.clone(), self.entry(place))).collect();
        self.model.entries = Arc::new(entries);
        self.model.blocks = Arc::new(std::mem::take(&mut self.blocks));
        let model = &mut self.model;
        let straight = |ops: &[Op], forks: &[u16], mut place: u16| {
            for _ in 0..ops.len() {
                match ops.get(usize::from(place)) {
                    Some(Op::Fork { first, count: 1 }) => {
                        place = forks.get(*first as usize).copied().unwrap_or_default();
                    }
                    _ => break,
                }
            }
            place
        };
        let (ops, forks) = (model.ops.clone(), model.forks.clone());
        let to = |place: u16| straight(&ops, &forks, place);
        for op in &mut model.ops {
            match op {
                Op::Work { next, .. } | Op::Join { next, .. } => *next = to(*next),
                Op::Toss { first, second, .. } => (*first, *second) = (to(*first), to(*second)),
                _ => {}
            }
        }
        model.forks.iter_mut().for_each(|place| *place = to(*place));
        for choice in &mut model.choices {
            choice.targets.iter_mut().for_each(|place| *place = to(*place));
        }
        for deadline in model.activities.iter_mut().filter_map(|activity| activity.deadline.as_mut()) {
            deadline.late = to(deadline.late);
        }
        model.start = to(model.start);
        if model.ends.is_empty() {
            return Err(Error::NotSimulated {
                element: self.program.process_id.clone(),
                what: "a process without an end".to_owned(),
                hint: "add an end event",
            });
        }
        Ok(self.model)
    }
}

impl Builder<'_> {
    /// Who stands for a batch must not be ended by another token of its case.
    fn check_batches(&self) -> Result<(), Error> {
        let ends_at_once = self.model.ops.iter().any(|op| matches!(op, Op::Halt { .. }));
        let has_branches = self.model.ops.iter().any(|op| matches!(op, Op::Fork { count, .. } if *count > 1));
        match self.model.activities.iter().find(|activity| activity.batch.is_some()) {
            Some(activity) if ends_at_once && has_branches => Err(Error::NotSimulated {
                element: activity.id.clone(),
                what: "work in batches in a process with parallel branches and a terminate end event"
                    .to_owned(),
                hint: "leave the batch or the terminate end event out",
            }),
            _ => Ok(()),
        }
    }
}
