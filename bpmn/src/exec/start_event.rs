//! Start events.
//!
//! | when | tokens |
//! | --- | --- |
//! | the instance is started without naming one | one at the none start event; where there is none, at the only start event; without start events, one at each node that no flow leads to |
//! | the instance is started at a named one | one there; also at an event that follows an instantiating event-based gateway, and at a receive task that no flow leads to: they count as having happened |
//! | a sub-process begins | as without naming one |

use super::incident::Fault;
use super::machine::{Activation, Machine, Outcome, place};
use super::rejection::StepError;
use super::work::Work;
use super::{Local, PROCESS};
use crate::program::{Node, NodeIndex, NodeKind, Program, SubProcess, Trigger, Variables};

/// Where tokens begin when the process is started.
pub(super) fn find(program: &Program, start: Option<&str>) -> Result<Vec<u32>, StepError> {
    let refused = |start: String| StepError::NoStart { process: program.process_id.clone(), start };
    if let Some(id) = start {
        let found = program.find(id).filter(|index| can_start(program, *index));
        return found.map(|index| vec![place(index)]).ok_or_else(|| refused(format!("`{id}`")));
    }
    let found = beginnings(program, None);
    if found.is_empty() { Err(refused("without trigger".to_owned())) } else { Ok(found) }
}

/// Where tokens begin in a scope.
pub(super) fn beginnings(program: &Program, scope: Option<NodeIndex>) -> Vec<u32> {
    let starts: Vec<(NodeIndex, bool)> = program
        .children(scope)
        .filter_map(|(index, node)| match &node.kind {
            NodeKind::Start { trigger, .. } => Some((index, trigger.is_none())),
            _ => None,
        })
        .collect();
    if let Some((index, _)) = starts.iter().find(|(_, none)| *none) {
        return vec![place(*index)];
    }
    match starts.as_slice() {
        [] => {
            program.children(scope).filter(|(_, node)| begins(node)).map(|(index, _)| place(index)).collect()
        }
        [(only, _)] => vec![place(*only)],
        _ => Vec::new(),
    }
}

/// Whether a node begins with its scope where there is no start event.
pub(super) fn begins(node: &Node) -> bool {
    node.incoming.is_empty()
        && !node.is_compensation_handler
        && !matches!(
            node.kind,
            NodeKind::Boundary { .. }
                | NodeKind::Start { .. }
                | NodeKind::SubProcess(SubProcess::Event)
                | NodeKind::Catch(Trigger::Link { .. })
        )
}

fn can_start(program: &Program, index: NodeIndex) -> bool {
    let Some(node) = program.nodes.get(index).filter(|node| node.parent.is_none()) else { return false };
    let follows_instantiating = || {
        node.incoming.iter().filter_map(|flow| program.flows.get(*flow)).any(|flow| {
            let source = program.nodes.get(flow.source);
            source.is_some_and(|source| matches!(source.kind, NodeKind::EventBased { instantiate: true }))
        })
    };
    match node.kind {
        NodeKind::Start { .. } => true,
        NodeKind::Catch(_) => follows_instantiating(),
        NodeKind::Receive(_) => node.incoming.is_empty() || follows_instantiating(),
        _ => false,
    }
}

impl Machine<'_> {
    pub(super) fn start(&mut self, at: &[u32], variables: Variables) {
        self.emit(super::event::Event::InstanceStarted { variables });
        self.changed_variables = true;
        if let Err(fault) = self.open_event_sub_processes(PROCESS) {
            // The process itself goes on; the incident says what it does not listen to.
            self.raise_at(PROCESS, None, None, (fault.code, &fault.message), Vec::new());
        }
        for index in at {
            let Ok(element) = self.activate(*index, PROCESS, Activation::default()) else { continue };
            let happened = self.program.nodes.get(*index as usize).is_some_and(|node| {
                matches!(node.kind, NodeKind::Catch(_) | NodeKind::Receive(_)) && at.len() == 1
            });
            let happened = happened && can_start(self.program, *index as usize);
            self.agenda.push_back(if happened { Work::Leave { element } } else { Work::Run { element } });
        }
    }

    /// Activates the beginnings of a sub-process.
    pub(super) fn begin_inside(&mut self, scope: Local, at: &[u32]) -> Outcome {
        for index in at {
            self.node(*index)?;
        }
        for index in at {
            let element = self.activate(*index, scope, Activation::default())?;
            self.agenda.push_back(Work::Run { element });
        }
        Ok(())
    }

    pub(super) fn beginnings_of(&self, scope: Local) -> Result<Vec<u32>, Fault> {
        let node =
            self.scope_node(scope).ok_or_else(|| Fault::program("a sub-process is not in the process"))?;
        Ok(beginnings(self.program, Some(node)))
    }
}
