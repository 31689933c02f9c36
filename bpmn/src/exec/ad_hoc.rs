//! Ad-hoc sub-process.
//!
//! | when | tokens |
//! | --- | --- |
//! | it begins | one at each active element (by default each that no flow leads to); sequential: at the first, the others queue |
//! | an inner element ends | the completion condition is looked at: where it holds nothing more begins, and what still runs is cancelled or awaited |
//! | somebody activates an element | one more token there; sequential: it queues while something runs |
//! | nothing is left inside | it leaves if it has no completion condition or that held; otherwise it waits for activations |

use serde_json::Value;

use super::Local;
use super::event::Event;
use super::incident::{Fault, codes};
use super::machine::{Machine, Outcome, place};
use super::rejection::StepError;
use super::start_event::begins;
use super::variables::short;
use super::work::Work;
use crate::program::{Node, NodeIndex, NodeKind, Program, SubProcess};

/// Whether all ids are elements of this ad-hoc sub-process.
pub(super) fn check(program: &Program, ad_hoc: NodeIndex, ids: &[String]) -> Result<(), StepError> {
    for id in ids {
        if find(program, ad_hoc, id).is_none() {
            let place = program.nodes.get(ad_hoc).map(|node| node.id.clone()).unwrap_or_default();
            return Err(StepError::UnknownNode {
                id: id.clone(),
                place: format!("ad-hoc sub-process `{place}`"),
            });
        }
    }
    Ok(())
}

fn find(program: &Program, ad_hoc: NodeIndex, id: &str) -> Option<u32> {
    let inside = program.children(Some(ad_hoc)).find(|(_, node)| node.id == id);
    inside.filter(|(_, node)| !matches!(node.kind, NodeKind::Boundary { .. })).map(|(index, _)| place(index))
}

impl Machine<'_> {
    pub(super) fn begin_ad_hoc(&mut self, element: Local, node: &Node, kind: &SubProcess) -> Outcome {
        let SubProcess::AdHoc { active_elements, sequential, completion, .. } = kind else { return Ok(()) };
        let scope = self.scope_node(element).unwrap_or_default();
        let mut first = match active_elements {
            None => {
                let all = self.program.children(Some(scope)).filter(|(_, node)| begins(node));
                all.map(|(index, _)| place(index)).collect()
            }
            Some(expression) => self.listed(scope, &self.evaluate(expression, element)?)?,
        };
        self.open_boundary_events(element, node)?;
        self.open_event_sub_processes(element)?;
        if *sequential && first.len() > 1 {
            let queued = first.split_off(1);
            self.emit(Event::AdHocQueued { element, nodes: queued });
        }
        self.begin_inside(element, &first)?;
        if first.is_empty() && completion.is_none() {
            self.agenda.push_front(Work::Leave { element });
        }
        Ok(())
    }

    fn listed(&self, scope: NodeIndex, ids: &Value) -> Result<Vec<u32>, Fault> {
        let wrong = |what: String| {
            let way_out = "set the variables it reads, then resolve the incident";
            Fault::new(
                codes::WRONG_TYPE,
                format!("the active elements of an ad-hoc sub-process: {what}; {way_out}"),
            )
        };
        let ids = ids.as_array().ok_or_else(|| wrong(format!("{} is no list of ids", short(ids))))?;
        let find = |id: &Value| id.as_str().and_then(|id| find(self.program, scope, id));
        ids.iter()
            .map(|id| find(id).ok_or_else(|| wrong(format!("{} is no element inside", short(id)))))
            .collect()
    }

    /// After an inner element ended.
    pub(super) fn next_ad_hoc(&mut self, element: Local, kind: &SubProcess) -> Outcome {
        let SubProcess::AdHoc { completion, cancel_remaining, .. } = kind else { return Ok(()) };
        let Some(instance) = self.state.element(element) else { return Ok(()) };
        if let Some(condition) = completion
            && !instance.closing
            && self.holds(condition, element)?
        {
            self.emit(Event::ScopeClosing { element });
            if *cancel_remaining {
                self.clear_scope(element, None);
            }
        }
        let Some(instance) = self.state.element(element).filter(|instance| instance.live == 0) else {
            return Ok(());
        };
        if let Some((next, queued)) = instance.queued.clone().split_first() {
            self.emit(Event::AdHocQueued { element, nodes: queued.to_vec() });
            return self.begin_inside(element, &[*next]);
        }
        if completion.is_none() || instance.closing {
            self.agenda.push_front(Work::Leave { element });
        }
        Ok(())
    }

    pub(super) fn activate_ad_hoc(&mut self, element: Local, ids: &[String]) {
        let Some((instance, node)) = self.instance(element) else { return };
        let NodeKind::SubProcess(SubProcess::AdHoc { sequential, .. }) = &node.kind else { return };
        let scope = instance.node as usize;
        let mut first: Vec<u32> = ids.iter().filter_map(|id| find(self.program, scope, id)).collect();
        if *sequential {
            let free = usize::from(instance.live == 0);
            let mut queued = instance.queued.clone();
            queued.extend(first.split_off(free.min(first.len())));
            self.emit(Event::AdHocQueued { element, nodes: queued });
        }
        for index in first {
            if let Err(fault) = self.begin_inside(element, &[index]) {
                self.raise(Work::Next { element }, &fault);
            }
        }
    }
}
