//! Event sub-processes.
//!
//! | when | tokens |
//! | --- | --- |
//! | their scope begins | each start event is waited for on behalf of the scope |
//! | a start event happens, interrupting | everything else in the scope is terminated and its other start events no longer count; one token begins inside |
//! | a start event happens, not interrupting | the scope goes on; one token begins inside; it may happen again |
//! | the event sub-process ends | its scope ends if nothing else is in it |

use super::Local;
use super::event::Event;
use super::machine::{Activation, Machine, Outcome, place};
use super::state::WaitKind;
use super::variables::outside;
use super::work::Work;
use crate::program::{NodeIndex, NodeKind, Program, SubProcess, Trigger, Variables};

/// The start events of event sub-processes that stand directly in `scope`: (place, trigger, interrupting).
pub(super) fn starts(
    program: &Program,
    scope: Option<NodeIndex>,
) -> impl Iterator<Item = (NodeIndex, &Trigger, bool)> {
    program
        .children(scope)
        .filter(|(_, node)| matches!(node.kind, NodeKind::SubProcess(SubProcess::Event)))
        .flat_map(|(index, _)| program.children(Some(index)))
        .filter_map(|(index, node)| match &node.kind {
            NodeKind::Start { trigger: Some(trigger), interrupting } => Some((index, trigger, *interrupting)),
            _ => None,
        })
}

impl Machine<'_> {
    /// Begins to wait for the event sub-processes of a scope.
    pub(super) fn open_event_sub_processes(&mut self, scope: Local) -> Outcome {
        let program = self.program;
        for (index, trigger, interrupting) in starts(program, self.scope_node(scope)) {
            self.open_wait(scope, place(index), trigger, !interrupting)?;
        }
        Ok(())
    }

    pub(super) fn fire_event_sub_process(
        &mut self,
        scope: Local,
        start: u32,
        interrupting: bool,
        variables: Variables,
    ) {
        let Some(parent) = self.program.nodes.get(start as usize).and_then(|node| node.parent) else {
            return;
        };
        if interrupting {
            self.interrupt(scope);
        }
        self.enter_event_sub_process(scope, place(parent), start, variables, Activation::default());
    }

    /// Activates an event sub-process at its start event; gives its element instance.
    pub(super) fn enter_event_sub_process(
        &mut self,
        scope: Local,
        index: u32,
        start: u32,
        variables: Variables,
        activation: Activation,
    ) -> Option<Local> {
        let outputs = &self.program.nodes.get(start as usize)?.outputs;
        let inside = self.activate(index, scope, activation).ok()?;
        let element = self.activate(start, inside, Activation::default()).ok()?;
        self.take_results(element, outputs, variables);
        self.attempt(Work::Run { element: inside });
        self.agenda.push_back(Work::Leave { element });
        Some(inside)
    }

    /// Ends what is in a scope in favour of an interrupting event sub-process.
    fn interrupt(&mut self, scope: Local) {
        self.emit(Event::ScopeInterrupted { scope: outside(scope) });
        self.clear_scope(scope, None);
        let Some(instance) = self.state.element(scope) else { return };
        for number in instance.waits.clone() {
            let node = match self.state.waits.get(&number).map(|wait| &wait.kind) {
                Some(
                    WaitKind::Timer { node, .. }
                    | WaitKind::Subscription { node, .. }
                    | WaitKind::Condition { node, .. },
                ) => *node,
                _ => continue,
            };
            if matches!(
                self.program.nodes.get(node as usize).map(|node| &node.kind),
                Some(NodeKind::Start { .. })
            ) {
                self.close_wait(number);
            }
        }
    }
}
