//! Compensation: undoing activities that ended well.
//!
//! | when | tokens |
//! | --- | --- |
//! | an activity with a compensation handler ends, or a sub-process in which something can be compensated | it is recorded with its own variables |
//! | a compensation event is reached | for each record of its scope (or of the one activity it names), the last first: the handler runs in that scope and sees those variables; then the next; then the event goes on |
//! | a sub-process without handler is compensated | its compensation event sub-process runs; without one what ended inside it is compensated |
//! | the event stands in an event sub-process | the scope around that counts too |
//! | a handler is terminated | the next one runs, or the event goes on |
//! | nothing is recorded | the event goes on |

use super::Local;
use super::PROCESS;
use super::event::Event;
use super::event_sub_process::starts;
use super::machine::{Activation, Machine, Outcome, place};
use super::state::Record;
use super::variables::outside;
use super::work::Work;
use crate::program::{Node, NodeIndex, NodeKind, SubProcess, Throw, Trigger, Variables};

impl Machine<'_> {
    /// The activity that compensates a node, by association from it or from its compensation boundary event.
    fn handler_of(&self, node: &Node) -> Option<NodeIndex> {
        let by_event = || {
            node.boundary.iter().filter_map(|index| self.program.nodes.get(*index)).find_map(|event| {
                let compensates =
                    matches!(event.kind, NodeKind::Boundary { trigger: Trigger::Compensation, .. });
                event.compensation.filter(|_| compensates)
            })
        };
        node.compensation.or_else(by_event)
    }

    /// The start event of the compensation event sub-process inside a sub-process.
    fn compensation_start(&self, node: usize) -> Option<NodeIndex> {
        starts(self.program, Some(node))
            .find(|(_, trigger, _)| matches!(trigger, Trigger::Compensation))
            .map(|(index, _, _)| index)
    }

    /// An activity is about to end well.
    pub(super) fn record_compensation(&mut self, element: Local, node: &Node, scope: Local) {
        let Some(instance) = self.state.element(element) else { return };
        if instance.body || instance.caller != PROCESS {
            return;
        }
        let is_scope = matches!(node.kind, NodeKind::SubProcess(_));
        let recorded_inside = is_scope && self.state.records.iter().any(|record| record.scope == element);
        let index = instance.node;
        let can = self.handler_of(node).is_some()
            || recorded_inside
            || (is_scope && self.compensation_start(index as usize).is_some());
        if can {
            let variables = instance.variables.clone();
            let record = self.number();
            let scope = outside(scope);
            self.emit(Event::CompensationRecorded { record, scope, element, index, variables });
        }
    }

    /// Compensates the next activity on behalf of a throwing event, or lets the event go on.
    pub(super) fn compensate_next(&mut self, element: Local) -> Outcome {
        let Some((instance, node)) = self.instance(element) else { return Ok(()) };
        let (NodeKind::Throw(throw) | NodeKind::End(throw)) = &node.kind else { return Ok(()) };
        let only = match throw {
            Throw::Compensation { activity } => *activity,
            _ => None,
        };
        let cancels = matches!(throw, Throw::Cancel);
        let scope =
            if cancels { self.transaction_of(element).unwrap_or(instance.scope) } else { instance.scope };
        let around = self.instance(scope).and_then(|(inner, node)| {
            matches!(node.kind, NodeKind::SubProcess(SubProcess::Event)).then_some(inner.scope)
        });
        let fits = |record: &&Record| {
            (record.scope == scope || Some(record.scope) == around)
                && only.is_none_or(|only| place(only) == record.node)
        };
        match self.state.records.iter().rev().find(fits) {
            Some(record) => {
                let record = record.clone();
                self.compensate(element, &record)
            }
            None if cancels => self.finish_cancel(element),
            None => {
                self.done(element);
                Ok(())
            }
        }
    }

    fn compensate(&mut self, caller: Local, record: &Record) -> Outcome {
        let node = self.node(record.node)?;
        let activation = Activation { caller, ..Activation::default() };
        let scope = record.scope;
        let heir = if let Some(handler) = self.handler_of(node) {
            let handler = self.activate(place(handler), scope, activation)?;
            self.set_variables(handler, record.variables.clone());
            self.agenda.push_back(Work::Run { element: handler });
            Some(handler)
        } else if let Some(start) = self.compensation_start(record.node as usize) {
            let parent = self.node(place(start))?.parent.unwrap_or_default();
            let inside = self.enter_event_sub_process(
                scope,
                place(parent),
                place(start),
                Variables::new(),
                activation,
            );
            if let Some(inside) = inside {
                self.set_variables(inside, record.variables.clone());
            }
            inside
        } else {
            None
        };
        self.emit(Event::CompensationTaken { record: record.number, heir });
        if heir.is_none() {
            self.agenda.push_front(Work::Compensate { element: caller });
        }
        Ok(())
    }
}
