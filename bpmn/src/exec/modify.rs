//! Modification: a person moves tokens.
//!
//! Boundary events and event sub-processes as such cannot be activated: what stands in them can.
//!
//! | when | tokens |
//! | --- | --- |
//! | a node is activated | one begins there, in the youngest instance of the sub-process it stands in; sub-processes around it that are not active are activated without their own beginnings |
//! | an element instance is ended | it is terminated with all inside; a scope in which nothing is left is terminated too; the instance is cancelled when nothing is left at all |

use super::event::Event;
use super::machine::{Activation, Machine, place};
use super::rejection::StepError;
use super::work::Work;
use super::{Local, PROCESS};
use crate::program::{Node, NodeIndex, NodeKind, Program, Repeat, SubProcess};

/// Whether all ids can be activated.
pub(super) fn check(program: &Program, ids: &[String]) -> Result<(), StepError> {
    for id in ids {
        let node = program.find(id).and_then(|index| program.nodes.get(index));
        let needs_an_event = |node: &Node| {
            matches!(node.kind, NodeKind::Boundary { .. } | NodeKind::SubProcess(SubProcess::Event))
        };
        if node.is_none_or(needs_an_event) {
            let place = format!("process `{}`", program.process_id);
            return Err(StepError::UnknownNode { id: id.clone(), place });
        }
    }
    Ok(())
}

impl Machine<'_> {
    pub(super) fn modify(&mut self, terminate: &[Local], activate: &[String]) {
        for id in activate {
            let Some(index) = self.program.find(id) else { continue };
            let Some(scope) = self.scope_for(index) else { continue };
            if let Ok(element) = self.activate(place(index), scope, Activation::default()) {
                self.agenda.push_back(Work::Run { element });
            }
        }
        for element in terminate {
            let Some(mut scope) = self.state.element(*element).map(|instance| instance.scope) else {
                continue;
            };
            self.terminate(*element);
            while scope != PROCESS && self.state.live(scope) == 0 {
                let Some(outer) = self.state.element(scope).map(|instance| instance.scope) else { break };
                self.terminate(scope);
                scope = outer;
            }
            let body = self.state.element(scope).is_some_and(|instance| instance.body);
            if body {
                self.agenda.push_back(Work::Next { element: scope });
            }
        }
        if self.state.live(PROCESS) == 0 {
            self.close_waits(PROCESS);
            self.emit(Event::InstanceCancelled { reason: "a modification left nothing active".to_owned() });
        }
    }

    /// The scope in which a node can be activated, made where there is none.
    fn scope_for(&mut self, index: NodeIndex) -> Option<Local> {
        let mut missing = Vec::new();
        let mut at = self.program.nodes.get(index)?.parent;
        let mut scope = PROCESS;
        while let Some(parent) = at {
            let found = self
                .state
                .elements
                .iter()
                .rev()
                .find(|(_, element)| element.node == place(parent) && !element.body);
            if let Some((number, _)) = found {
                scope = *number;
                break;
            }
            missing.push(parent);
            at = self.program.nodes.get(parent)?.parent;
        }
        for parent in missing.into_iter().rev() {
            scope = self.activate_around(parent, scope)?;
        }
        Some(scope)
    }

    /// Activates a sub-process without its own beginnings; a repeated one with a single run.
    fn activate_around(&mut self, parent: NodeIndex, outer: Local) -> Option<Local> {
        let node = self.program.nodes.get(parent)?;
        let mut scope = self.activate(place(parent), outer, Activation::default()).ok()?;
        let mut opened = self.open_boundary_events(scope, node);
        if let Some(repeat) = &node.repeat {
            let standard = matches!(repeat, Repeat::While { .. });
            let (items, output) = (Vec::new(), None);
            self.emit(Event::RepeatStarted { element: scope, total: 1, items, output, standard });
            let run = Activation { iteration: 1, ..Activation::default() };
            scope = self.activate(place(parent), scope, run).ok()?;
        }
        opened = opened.and_then(|()| self.open_event_sub_processes(scope));
        if let Err(fault) = opened {
            self.raise_at(scope, Some(parent), None, (fault.code, &fault.message), Vec::new());
        }
        Some(scope)
    }
}
