//! Tells the steps of an instance in the words and the order of the token rules.
//!
//! Camunda runs each branch to its end before it takes up the next one; `bpmn::exec` moves all tokens by turns. So the
//! tokens are followed from step to step, first come first served.
//!
//! | a step | is told |
//! | --- | --- |
//! | that a step led to | when its turn comes |
//! | of a join | once for all that came together, when a token of each flow is there; an inclusive one when nothing else moves |
//! | that takes time | `activated`, with its job, when its turn comes; its end after everything that moves, in order of time |
//! | that nothing led to (start, boundary event, event sub-process) | when nothing else moves, in order of time |
//!
//! What the trail has already is not told again.

use std::cmp::Reverse;
use std::collections::VecDeque;

use bpmn::exec::Event;
use bpmn::program::{FlowIndex, JobKind, Node, NodeIndex, NodeKind, Program, Repeat, Throw};
use serde_json::{Value, json};

use crate::keys::key_of;
use crate::steps::{Step, Steps, Told};

/// An entry for the trail.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) at_ms: i64,
    pub(crate) kind: &'static str,
    /// Element or flow.
    pub(crate) element: Option<String>,
    pub(crate) data: Value,
}

/// What the trail does not have yet, marked as told.
pub(crate) fn news(program: Option<&Program>, steps: &mut Steps) -> Vec<Entry> {
    let open = (0..steps.all.len()).filter(|at| !steps.all[*at].told.ended).collect();
    let mut round = Round { steps, program, open, agenda: VecDeque::new(), entries: Vec::new() };
    round.follow();
    round.entries
}

/// What is to be done next.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A token reaches a step.
    Arrive(usize),
    /// A step that is activated does what it does.
    Run(usize),
}

/// What time does.
enum Next {
    /// A step ends.
    End,
    /// A join goes on with what came.
    Join,
    /// A step begins that nothing led to.
    Start,
}

struct Round<'a> {
    steps: &'a mut Steps,
    program: Option<&'a Program>,
    /// Steps whose end was not told when the round began.
    open: Vec<usize>,
    agenda: VecDeque<Turn>,
    entries: Vec<Entry>,
}

impl<'a> Round<'a> {
    fn follow(&mut self) {
        // Bounded: every turn tells a step or its end, and none twice.
        loop {
            match self.agenda.pop_front() {
                Some(Turn::Arrive(at)) => self.arrive(at),
                Some(Turn::Run(at)) => self.run(at),
                None if self.pass_time() => {}
                None => return,
            }
        }
    }

    /// The next thing that time does; false where nothing is left.
    fn pass_time(&mut self) -> bool {
        // At one time an end comes first, and what it leads to; a parallel join that misses a token comes last.
        let candidates = [
            (self.next_end(), Next::End),
            (self.next_join(|node| matches!(node.kind, NodeKind::Inclusive)), Next::Join),
            (self.next_start(), Next::Start),
            (self.next_join(|_| true), Next::Join),
        ];
        let found = candidates.into_iter().filter_map(|(found, next)| Some((found?, next)));
        let Some(((_, at), next)) = found.min_by_key(|((at_ms, _), _)| *at_ms) else { return false };
        match next {
            Next::End => self.leave(at, &[]),
            Next::Join => {
                let joined: Vec<usize> = self.waiting(at).collect();
                self.go_on_together(&joined);
            }
            Next::Start => {
                self.lead(at);
                self.arrive(at);
            }
        }
        true
    }

    fn step(&self, at: usize) -> &Step {
        &self.steps.all[at]
    }

    fn node(&self, at: usize) -> Option<&'a Node> {
        self.program?.nodes.get(self.step(at).node?)
    }

    /// A gateway that waits for more than one token.
    fn is_join(&self, at: usize) -> bool {
        self.node(at).is_some_and(|node| {
            matches!(node.kind, NodeKind::Parallel | NodeKind::Inclusive) && node.incoming.len() > 1
        })
    }

    /// Tells the flow that led to a step.
    fn lead(&mut self, at: usize) {
        if std::mem::replace(&mut self.steps.all[at].told.led, true) {
            return;
        }
        let Some((from, index)) = self.step(at).from else { return };
        let Some(flow) = self.program.and_then(|program| program.flows.get(index)) else { return };
        let event = Event::FlowTaken { flow: flow.id.clone(), scope: self.scope(at), index: short(index) };
        let at_ms = self.step(from).ended_ms.unwrap_or(self.step(at).started_ms);
        self.tell(at_ms, "flow.taken", Some(flow.id.clone()), &event, json!({"step": self.step(at).id}));
    }

    fn arrive(&mut self, at: usize) {
        if self.step(at).told.begun {
            return;
        }
        if !self.is_join(at) {
            self.activate(at, &[]);
            self.run(at);
        } else if let Some(joined) = self.complete_join(at) {
            self.go_on_together(&joined);
        }
    }

    /// What a step does that is activated.
    fn run(&mut self, at: usize) {
        let job = match self.node(at).map(|node| &node.kind) {
            _ if self.step(at).body => None,
            Some(NodeKind::Job(JobKind::User)) => self.step(at).user_task.as_deref().map(key_of),
            Some(kind) if is_work(kind) => Some(key_of(&self.step(at).id)),
            _ => None,
        };
        if let Some(job) = job {
            self.tell_of_job(at, "job.created", job, self.step(at).started_ms);
        }
        let inner: Vec<usize> =
            self.open.iter().copied().filter(|inner| self.is_new_inside(*inner, at)).collect();
        if self.step(at).body {
            let one_by_one = !matches!(
                self.node(at).and_then(|node| node.repeat.as_ref()),
                Some(Repeat::Multi { sequential: false, .. })
            );
            for run in inner.into_iter().take(if one_by_one { 1 } else { usize::MAX }) {
                self.activate(run, &[]);
                self.agenda.push_back(Turn::Run(run));
            }
        } else {
            for inner in inner {
                if let Some(NodeKind::Start { .. }) = self.node(inner).map(|node| &node.kind) {
                    self.agenda.push_back(Turn::Arrive(inner));
                }
            }
        }
        if !self.takes_time(at) && self.step(at).ended_ms.is_some() {
            self.leave(at, &[]);
        }
    }

    fn is_new_inside(&self, inner: usize, outer: usize) -> bool {
        !self.step(inner).told.begun && self.steps.parent(inner) == Some(outer)
    }

    /// Whether other things happen between the begin and the end of a step.
    fn takes_time(&self, at: usize) -> bool {
        self.step(at).body
            || self.node(at).is_none_or(|node| {
                is_work(&node.kind)
                    || matches!(
                        node.kind,
                        NodeKind::Job(JobKind::User)
                            | NodeKind::Receive(_)
                            | NodeKind::Catch(_)
                            | NodeKind::Call { .. }
                            | NodeKind::EventBased { .. }
                            | NodeKind::SubProcess(_)
                    )
            })
    }

    fn activate(&mut self, at: usize, joined: &[usize]) {
        self.steps.all[at].told = Told { led: true, begun: true, ended: false };
        let step = self.step(at);
        let flows =
            [at].into_iter().chain(joined.iter().copied()).filter_map(|at| Some(self.step(at).from?.1));
        let runs = self.steps.all[..=at].iter().filter(|other| other.parent == step.parent);
        let iteration = if self.steps.is_run(at) { runs.count() } else { 0 };
        let event = Event::ElementActivated {
            element: step.number,
            node: step.element.clone(),
            kind: step.kind.clone(),
            scope: self.scope(at),
            body: step.body,
            index: short(step.node.unwrap_or(0)),
            consumed: flows.map(short).collect(),
            iteration: short(iteration),
            caller: None,
            at_ms: step.started_ms,
        };
        let (at_ms, element, more) = (step.started_ms, step.element.clone(), json!({"step": step.id}));
        self.tell(at_ms, "element.activated", Some(element), &event, more);
    }

    /// A step ends, with those that came together with it, and tokens go on from it.
    fn leave(&mut self, at: usize, joined: &[usize]) {
        self.steps.all[at].told.ended = true;
        let step = self.step(at).clone();
        let (element, node, kind, body) = (step.number, step.element.clone(), step.kind, step.body);
        let at_ms = step.ended_ms.unwrap_or(step.started_ms);
        let mut more = json!({"step": step.id});
        if step.cancelled {
            if let Some(NodeKind::Job(_)) = self.node(at).map(|node| &node.kind).filter(|_| !body) {
                self.tell_of_job(
                    at,
                    "job.cancelled",
                    key_of(step.user_task.as_ref().unwrap_or(&step.id)),
                    at_ms,
                );
            }
            let event = Event::ElementTerminated { element, node, kind, body };
            self.tell(at_ms, "element.terminated", Some(step.element), &event, more);
            return;
        }
        if !joined.is_empty() {
            more["joined"] = joined.iter().map(|other| self.step(*other).id.as_str()).collect();
        }
        let event = Event::ElementCompleted { element, node, kind, body };
        self.tell(at_ms, "element.completed", Some(step.element), &event, more);
        if self.steps.is_run(at) {
            let next = self
                .open
                .iter()
                .copied()
                .find(|next| !self.step(*next).told.begun && self.step(*next).parent == step.parent);
            self.agenda.extend(next.map(Turn::Arrive));
            return;
        }
        let others = joined.iter().flat_map(|other| self.step(*other).leads.clone());
        for (_, next) in step.leads.iter().copied().chain(others).collect::<Vec<_>>() {
            self.lead(next);
            self.agenda.push_back(Turn::Arrive(next));
        }
    }

    /// Steps of the same gateway in the same scope that wait to go on, or are just told to.
    fn waiting(&self, at: usize) -> impl Iterator<Item = usize> {
        let this = self.step(at);
        self.open.iter().copied().filter(move |other| {
            let other = self.step(*other);
            let same = other.node == this.node && other.parent == this.parent;
            same && other.told.led && !other.told.begun && other.ended_ms.is_some() && !other.cancelled
        })
    }

    /// One step for each flow of a parallel join, the first that came.
    fn complete_join(&self, at: usize) -> Option<Vec<usize>> {
        let node = self.node(at).filter(|node| matches!(node.kind, NodeKind::Parallel))?;
        let by = |flow: &FlowIndex| {
            self.waiting(at).find(|other| self.step(*other).from.map(|it| it.1) == Some(*flow))
        };
        node.incoming.iter().map(by).collect()
    }

    /// The first such join that went on in Camunda and is not told to: when, and which step of it.
    fn next_join(&self, fits: impl Fn(&Node) -> bool) -> Option<(i64, usize)> {
        let mut joins = self.open.iter().copied().filter(|at| self.is_join(*at));
        let at = joins.find(|at| {
            self.node(*at).is_some_and(&fits) && self.waiting(*at).any(|waiting| waiting == *at)
        })?;
        Some((self.step(at).ended_ms?, at))
    }

    fn go_on_together(&mut self, joined: &[usize]) {
        let Some((first, others)) = joined.split_first() else { return };
        self.activate(*first, others);
        for other in others {
            self.steps.all[*other].told = Told { led: true, begun: true, ended: true };
        }
        self.leave(*first, others);
    }

    /// The first end that is not told, of a step with nothing open inside: when, and of which.
    fn next_end(&self) -> Option<(i64, usize)> {
        let ended = self.open.iter().copied().filter_map(|at| {
            let step = self.step(at);
            let ended_ms = step.ended_ms.filter(|_| step.told.begun && !step.told.ended)?;
            let holds = |inner: &usize| {
                let told = self.step(*inner).told;
                let waits = told.led && !told.begun && self.is_join(*inner);
                !told.ended && !waits && self.steps.parent(*inner) == Some(at)
            };
            (!self.open.iter().any(holds)).then_some((ended_ms, at))
        });
        // What is cancelled together ends from the newest to the oldest.
        ended.min_by_key(|(ended_ms, at)| {
            let cancelled = self.step(*at).cancelled.then_some(Reverse(*at));
            (*ended_ms, Reverse(self.depth(*at)), cancelled, *at)
        })
    }

    fn depth(&self, at: usize) -> usize {
        // Bounded by the nesting: each one is a scope further out.
        std::iter::successors(self.steps.parent(at), |outer| self.steps.parent(*outer)).count()
    }

    /// The first step that is not told: when it began, and which.
    fn next_start(&self) -> Option<(i64, usize)> {
        let mut new = self.open.iter().copied().filter(|at| {
            let told = self.step(*at).told;
            let waits = told.led && self.is_join(*at);
            !told.begun && !waits
        });
        new.next().map(|at| (self.step(at).started_ms, at))
    }

    fn scope(&self, at: usize) -> Option<u32> {
        self.steps.parent(at).map(|scope| self.step(scope).number)
    }

    fn tell_of_job(&mut self, at: usize, kind: &'static str, job: i64, at_ms: i64) {
        let step = self.step(at);
        let data = json!({"job": job, "element": step.number, "node": step.element});
        let element = (kind == "job.created").then(|| step.element.clone());
        self.entries.push(Entry { at_ms, kind, element, data });
    }

    fn tell(&mut self, at_ms: i64, kind: &'static str, element: Option<String>, event: &Event, more: Value) {
        // An event is plain data, so it always serialises.
        let mut data = serde_json::to_value(event).unwrap_or_default();
        if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
            data.extend(more);
        }
        self.entries.push(Entry { at_ms, kind, element, data });
    }
}

/// Work that becomes an external task on Camunda and a job on the embedded engine.
fn is_work(kind: &NodeKind) -> bool {
    matches!(kind, NodeKind::Job(JobKind::Service) | NodeKind::Throw(Throw::Job) | NodeKind::End(Throw::Job))
}

fn short(index: NodeIndex) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
