//! What a person or a PDO asks of a state.

use std::collections::BTreeSet;

use super::state::{State, Status, WaitKind};
use super::variables::outside;
use super::{Local, PROCESS, SubscriptionKind};
use crate::program::{NodeIndex, NodeKind, Program, Throw, Trigger};

/// An active element instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveElement {
    /// Its number.
    pub element: Local,
    /// Place of its node in the program.
    pub index: NodeIndex,
    /// The scope it stands in; `None`: the process.
    pub scope: Option<Local>,
    /// True for the body of a multi-instance or loop.
    pub body: bool,
    /// Number of this run inside a body, from 1; 0 outside of one.
    pub iteration: u32,
    /// When it began, milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// Whether an incident holds it.
    pub incident: bool,
}

/// An open incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIncident {
    /// Its number.
    pub incident: Local,
    /// The element instance it belongs to; `None`: the process.
    pub element: Option<Local>,
    /// The job it holds, if it holds one.
    pub job: Option<Local>,
    /// Stable code.
    pub code: String,
    /// In words.
    pub message: String,
}

/// Something that an instance waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWait {
    /// Its number.
    pub number: Local,
    /// The element instance it belongs to; `None`: the process.
    pub element: Option<Local>,
    /// What is waited for.
    pub what: WaitsFor,
}

/// What is waited for. `index` is the place of the event's node in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// A job.
    Job,
    /// A timer.
    Timer {
        /// Its event.
        index: NodeIndex,
        /// When it is due, milliseconds since the Unix epoch.
        due_ms: i64,
    },
    /// A message or signal.
    Subscription {
        /// Its event.
        index: NodeIndex,
        /// Which of both.
        kind: SubscriptionKind,
        /// True when it goes on being waited for after it came.
        repeats: bool,
    },
    /// A condition.
    Condition {
        /// Its event.
        index: NodeIndex,
    },
    /// A called process.
    Call,
    /// Somebody who resolves an incident.
    Incident,
}

impl State {
    /// How far the instance is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether it has ended, well or not.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Failed | Status::Cancelled)
    }

    /// Whether a step yielded and [`super::Input::Continue`] goes on.
    #[must_use]
    pub fn has_ready_work(&self) -> bool {
        !self.agenda.is_empty()
    }

    /// The highest number given so far.
    #[must_use]
    pub fn last_number(&self) -> Local {
        self.last
    }

    /// The active element instances in order of creation.
    pub fn active(&self) -> impl Iterator<Item = ActiveElement> {
        self.elements.iter().filter(|(number, _)| **number != PROCESS).map(|(number, element)| {
            ActiveElement {
                element: *number,
                index: element.node as usize,
                scope: outside(element.scope),
                body: element.body,
                iteration: element.iteration,
                started_ms: element.started_ms,
                incident: element.waits.iter().any(|wait| {
                    self.waits.get(wait).is_some_and(|wait| matches!(wait.kind, WaitKind::Incident { .. }))
                }),
            }
        })
    }

    /// Tokens on flows: (scope, place of the flow in the program, how many).
    pub fn tokens(&self) -> impl Iterator<Item = (Option<Local>, usize, u32)> {
        self.tokens.iter().map(|((scope, flow), count)| (outside(*scope), *flow as usize, *count))
    }

    /// Numbers of open jobs.
    pub fn jobs(&self) -> impl Iterator<Item = Local> {
        self.waits.iter().filter(|(_, wait)| matches!(wait.kind, WaitKind::Job)).map(|(number, _)| *number)
    }

    /// Open timers: (number, when it is due in milliseconds since the Unix epoch).
    pub fn timers(&self) -> impl Iterator<Item = (Local, i64)> {
        self.waits.iter().filter_map(|(number, wait)| match wait.kind {
            WaitKind::Timer { due_ms, .. } => Some((*number, due_ms)),
            _ => None,
        })
    }

    /// Open calls.
    pub fn calls(&self) -> impl Iterator<Item = Local> {
        self.waits.iter().filter(|(_, wait)| matches!(wait.kind, WaitKind::Call)).map(|(number, _)| *number)
    }

    /// All that is waited for, in order of creation.
    pub fn waits(&self) -> impl Iterator<Item = OpenWait> {
        self.waits.iter().map(|(number, wait)| OpenWait {
            number: *number,
            element: outside(wait.element),
            what: match wait.kind {
                WaitKind::Job => WaitsFor::Job,
                WaitKind::Timer { node, due_ms, .. } => WaitsFor::Timer { index: node as usize, due_ms },
                WaitKind::Subscription { node, kind, repeats } => {
                    WaitsFor::Subscription { index: node as usize, kind, repeats }
                }
                WaitKind::Condition { node, .. } => WaitsFor::Condition { index: node as usize },
                WaitKind::Call => WaitsFor::Call,
                WaitKind::Incident { .. } => WaitsFor::Incident,
            },
        })
    }

    /// Runs that have ended of the multi-instance or loop with this body.
    #[must_use]
    pub fn runs_ended(&self, body: Local) -> u32 {
        let repeat = self.elements.get(&body).and_then(|element| element.repeat.as_deref());
        repeat.map_or(0, |repeat| repeat.completed.saturating_add(repeat.terminated))
    }

    /// Open incidents.
    pub fn incidents(&self) -> impl Iterator<Item = OpenIncident> {
        self.waits.iter().filter_map(|(number, wait)| match &wait.kind {
            WaitKind::Incident { code, message, job, .. } => Some(OpenIncident {
                incident: *number,
                element: outside(wait.element),
                job: *job,
                code: code.clone(),
                message: message.clone(),
            }),
            _ => None,
        })
    }

    /// The element instance that a job, timer, subscription, call or incident belongs to.
    #[must_use]
    pub fn owner(&self, wait: Local) -> Option<Local> {
        self.waits.get(&wait).and_then(|wait| outside(wait.element))
    }

    /// Ids of tasks that can come next: reachable by sequence flow from where tokens are without passing another
    /// task, in document order.
    #[must_use]
    pub fn next_tasks(&self, program: &Program) -> Vec<String> {
        let mut found = BTreeSet::new();
        let mut seen = vec![false; program.nodes.len()];
        let mut open: Vec<NodeIndex> = Vec::new();
        for element in self.elements.values() {
            open.extend(after(program, element.node as usize));
        }
        open.extend(
            self.tokens.keys().filter_map(|(_, flow)| Some(program.flows.get(*flow as usize)?.target)),
        );
        while let Some(index) = open.pop() {
            if seen.get(index).copied().unwrap_or(true) {
                continue;
            }
            seen[index] = true;
            let node = &program.nodes[index];
            match &node.kind {
                NodeKind::PassThrough
                | NodeKind::Job(_)
                | NodeKind::Script { .. }
                | NodeKind::Decision(_)
                | NodeKind::Receive(_)
                | NodeKind::Call { .. } => {
                    found.insert(index);
                }
                NodeKind::SubProcess(_) => {
                    open.extend(
                        super::start_event::beginnings(program, Some(index))
                            .into_iter()
                            .map(|at| at as usize),
                    );
                }
                _ => open.extend(after(program, index)),
            }
        }
        found.into_iter().map(|index| program.nodes[index].id.clone()).collect()
    }
}

/// Where a token can go when it leaves a node; at the end of a sub-process that is where the sub-process leads.
fn after(program: &Program, index: NodeIndex) -> Vec<NodeIndex> {
    let mut at = index;
    // Bounded by the nesting: each round goes one scope outward.
    while let Some(node) = program.nodes.get(at) {
        if !node.outgoing.is_empty() {
            return node.outgoing.iter().filter_map(|flow| Some(program.flows.get(*flow)?.target)).collect();
        }
        if let NodeKind::Throw(Throw::Link { name }) = &node.kind {
            let caught = |node: &crate::program::Node| matches!(&node.kind, NodeKind::Catch(Trigger::Link { name: other }) if name == other);
            return program
                .children(node.parent)
                .filter(|(_, node)| caught(node))
                .map(|(at, _)| at)
                .collect();
        }
        match node.parent {
            Some(parent) => at = parent,
            None => break,
        }
    }
    Vec::new()
}
