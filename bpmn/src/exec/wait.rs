//! Opening what an event waits for, and what follows when it happens.
//!
//! | what is triggered | what follows |
//! | --- | --- |
//! | the event of the waiting element itself | it leaves |
//! | a boundary event | see `boundary_event` |
//! | the start of an event sub-process | see `event_sub_process` |
//! | an event after an event-based gateway | see `event_based_gateway` |
//! | a timer with a repetition that does not interrupt | it is set again |

use super::Local;
use super::event::{Event, SubscriptionKind};
use super::incident::{Fault, codes};
use super::machine::{Machine, Outcome};
use super::schedule;
use super::state::WaitKind;
use super::work::Work;
use crate::program::{NodeKind, Trigger, Variables};

impl Machine<'_> {
    /// Begins to wait for `trigger` of the event at `index` on behalf of `owner`. Triggers that are not waited for
    /// (errors, escalations, compensation, …) open nothing.
    pub(super) fn open_wait(
        &mut self,
        owner: Local,
        index: u32,
        trigger: &Trigger,
        repeats: bool,
    ) -> Outcome {
        match trigger {
            Trigger::Timer(timer) => {
                let due = schedule::first_due(timer, &self.view(owner), self.limits()).map_err(|reason| {
                    let way_out = "set the variables it reads, then resolve the incident";
                    Fault::new(codes::TIMER, format!("the timer cannot be set: {reason}; {way_out}"))
                })?;
                let timer = self.number();
                let (due_ms, repetition) = (due.due_ms, due.repetition.filter(|_| repeats));
                self.emit(Event::TimerScheduled { timer, element: owner, due_ms, index, repetition });
            }
            Trigger::Message { name, correlation_key } => {
                let name = self.evaluate_text(name, owner)?;
                let key = correlation_key.as_ref().map(|key| self.evaluate_text(key, owner)).transpose()?;
                self.subscribe(owner, index, SubscriptionKind::Message, name, key, repeats);
            }
            Trigger::Signal { name } => {
                let name = self.evaluate_text(name, owner)?;
                self.subscribe(owner, index, SubscriptionKind::Signal, name, None, repeats);
            }
            Trigger::Conditional { .. } => {
                let condition = self.number();
                self.emit(Event::ConditionOpened { condition, element: owner, index });
                self.changed_variables = true;
            }
            Trigger::Error { .. }
            | Trigger::Escalation { .. }
            | Trigger::Link { .. }
            | Trigger::Compensation
            | Trigger::Cancel => {}
        }
        Ok(())
    }

    fn subscribe(
        &mut self,
        element: Local,
        index: u32,
        kind: SubscriptionKind,
        name: String,
        correlation_key: Option<String>,
        repeats: bool,
    ) {
        let subscription = self.number();
        self.emit(Event::SubscriptionOpened {
            subscription,
            element,
            kind,
            name,
            correlation_key,
            index,
            repeats,
        });
    }

    pub(super) fn timer_due(&mut self, timer: Local) {
        let Some(wait) = self.state.waits.get(&timer) else { return };
        let owner = wait.element;
        let WaitKind::Timer { node, due_ms, repetition } = wait.kind.clone() else { return };
        self.emit(Event::TimerClosed { timer });
        if let Some(due) = repetition.and_then(|repetition| repetition.next(due_ms, self.context.now_ms)) {
            let timer = self.number();
            let (due_ms, repetition) = (due.due_ms, due.repetition);
            self.emit(Event::TimerScheduled { timer, element: owner, due_ms, index: node, repetition });
        }
        self.triggered(owner, node, Variables::new());
    }

    pub(super) fn correlate(&mut self, subscription: Local, variables: Variables) {
        let Some(wait) = self.state.waits.get(&subscription) else { return };
        let owner = wait.element;
        let WaitKind::Subscription { node, repeats, .. } = wait.kind else { return };
        if !repeats {
            self.emit(Event::SubscriptionClosed { subscription });
        }
        self.triggered(owner, node, variables);
    }

    /// The event at `index`, waited for on behalf of `owner`, happened.
    pub(super) fn triggered(&mut self, owner: Local, index: u32, variables: Variables) {
        if let Some((instance, node)) = self.instance(owner)
            && instance.node == index
        {
            self.close_waits(owner);
            self.take_results(owner, &node.outputs, variables);
            self.agenda.push_back(Work::Leave { element: owner });
            return;
        }
        let Some(node) = self.program.nodes.get(index as usize) else { return };
        match node.kind {
            NodeKind::Boundary { interrupting, .. } => {
                self.fire_boundary_event(owner, index, interrupting, variables);
            }
            NodeKind::Start { interrupting, .. } => {
                self.fire_event_sub_process(owner, index, interrupting, variables);
            }
            _ => self.fire_event_based(owner, index, variables),
        }
    }
}
