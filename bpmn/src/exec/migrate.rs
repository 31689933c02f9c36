//! Migration: an instance goes on by another version of its process.
//!
//! | what | how |
//! | --- | --- |
//! | element instances, timers, subscriptions, conditions, compensation records | stand at the element with the same id, or with the id that the caller names for it |
//! | tokens on flows (at joins) | on the flow with the same id, else on the only one between the same two elements |
//! | variables, jobs, calls, open incidents | stay as they are |
//! | boundary events that the new version adds to an active activity | are waited for from its next activation on |
//!
//! Refused, with nothing changed, where an element has no counterpart of the same kind in the same sub-process.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::apply;
use super::event::Event;
use super::rejection::StepError;
use super::state::{NO_NODE, Record, State, Status, WaitKind};
use super::work::Work;
use crate::program::{Node, Program};

/// Moves `state` from one program to another; `ids` names the new id of an element where it is another one. Gives
/// the event that did it.
///
/// # Errors
/// [`StepError::CannotMigrate`] naming the element; [`StepError::NotStarted`], [`StepError::Ended`]. `state` is
/// unchanged then.
pub fn migrate(
    from: &Program,
    to: &Program,
    state: &mut State,
    ids: &BTreeMap<String, String>,
) -> Result<Event, StepError> {
    match state.status {
        Status::Active => {}
        Status::Fresh => return Err(StepError::NotStarted),
        Status::Completed | Status::Failed | Status::Cancelled => return Err(StepError::Ended),
    }
    if !state.agenda.is_empty() {
        return Err(refused(&from.process_id, "it is in the middle of a step; give the command again"));
    }
    for (old, new) in ids {
        if from.find(old).is_none() {
            return Err(refused(old, "it is not in the version that the instance runs"));
        }
        if to.find(new).is_none() {
            return Err(refused(new, "it is not in the version to migrate to"));
        }
    }
    let counterparts = Counterparts { from, to, ids };
    let nodes = used_nodes(state).into_iter().map(|node| Ok((node, counterparts.node(node)?)));
    let nodes: Vec<(u32, u32)> = nodes.collect::<Result<_, StepError>>()?;
    let flows = used_flows(state).into_iter().map(|flow| Ok((flow, counterparts.flow(flow)?)));
    let flows: Vec<(u32, u32)> = flows.collect::<Result<_, StepError>>()?;
    let event = Event::Migrated { nodes, flows };
    apply(state, &event);
    Ok(event)
}

fn refused(id: &str, reason: &str) -> StepError {
    StepError::CannotMigrate { id: id.to_owned(), reason: reason.to_owned() }
}

struct Counterparts<'a> {
    from: &'a Program,
    to: &'a Program,
    ids: &'a BTreeMap<String, String>,
}

impl Counterparts<'_> {
    fn id<'a>(&'a self, old: &'a str) -> &'a str {
        self.ids.get(old).map_or(old, String::as_str)
    }

    fn node(&self, place: u32) -> Result<u32, StepError> {
        let unknown =
            || refused(&place.to_string(), "the instance names a place that its version does not have");
        let old = self.from.nodes.get(place as usize).ok_or_else(unknown)?;
        let index = self.to.find(self.id(&old.id));
        let found = index.and_then(|index| Some((index, self.to.nodes.get(index)?)));
        let Some((index, new)) = found else {
            return Err(refused(
                &old.id,
                "it is active and the new version has no such element; name another one",
            ));
        };
        if new.local_name != old.local_name
            || std::mem::discriminant(&new.kind) != std::mem::discriminant(&old.kind)
            || new.repeat.is_some() != old.repeat.is_some()
        {
            let reason = format!("it is a {}, and `{}` of the new version is none", described(old), new.id);
            return Err(refused(&old.id, &reason));
        }
        let parent = |program: &'_ Program, node: &Node| {
            node.parent.and_then(|parent| program.nodes.get(parent)).map(|parent| parent.id.clone())
        };
        if parent(self.from, old).map(|id| self.id(&id).to_owned()) != parent(self.to, new) {
            return Err(refused(&old.id, "it stands in another sub-process in the new version"));
        }
        u32::try_from(index).map_err(|_| unknown())
    }

    fn flow(&self, place: u32) -> Result<u32, StepError> {
        let old = self.from.flows.get(place as usize);
        let old = old.ok_or_else(|| refused(&place.to_string(), "no such flow in the instance's version"))?;
        let ends = |program: &Program, source: usize, target: usize| {
            Some((program.nodes.get(source)?.id.clone(), program.nodes.get(target)?.id.clone()))
        };
        let wanted = ends(self.from, old.source, old.target);
        let wanted =
            wanted.map(|(source, target)| (self.id(&source).to_owned(), self.id(&target).to_owned()));
        let fits =
            |flow: &&(usize, &crate::program::Flow)| ends(self.to, flow.1.source, flow.1.target) == wanted;
        let numbered: Vec<(usize, &crate::program::Flow)> = self.to.flows.iter().enumerate().collect();
        let same_id = numbered.iter().find(|(_, flow)| flow.id == old.id).filter(fits);
        let mut between = numbered.iter().filter(fits);
        let found = same_id.or_else(|| between.next().filter(|_| between.next().is_none()));
        found
            .and_then(|(index, _)| u32::try_from(*index).ok())
            .ok_or_else(|| refused(&old.id, "a token waits on it and the new version has no such flow"))
    }
}

fn described(node: &Node) -> String {
    let repeated = if node.repeat.is_some() { "repeated " } else { "" };
    format!("{repeated}{}", node.local_name)
}

fn used_nodes(state: &State) -> BTreeSet<u32> {
    let mut used: BTreeSet<u32> = state.elements.values().map(|element| element.node).collect();
    used.extend(state.elements.values().flat_map(|element| element.queued.iter().copied()));
    used.extend(state.awaited.keys().map(|(_, gateway)| *gateway));
    for wait in state.waits.values() {
        match wait.kind {
            WaitKind::Timer { node, .. }
            | WaitKind::Subscription { node, .. }
            | WaitKind::Condition { node, .. } => {
                used.insert(node);
            }
            WaitKind::Job | WaitKind::Call | WaitKind::Incident { .. } => {}
        }
    }
    let mut records: Vec<&Record> = state.records.iter().collect();
    while let Some(record) = records.pop() {
        used.insert(record.node);
        records.extend(&record.inner);
    }
    used.remove(&NO_NODE);
    used
}

fn used_flows(state: &State) -> BTreeSet<u32> {
    let mut used: BTreeSet<u32> = state.tokens.keys().map(|(_, flow)| *flow).collect();
    used.extend(state.awaited.values().flatten().copied());
    for wait in state.waits.values() {
        if let WaitKind::Incident { retry, .. } = &wait.kind {
            used.extend(retry.iter().filter_map(|work| match work {
                Work::Arrive { flow, .. } => Some(*flow),
                _ => None,
            }));
        }
    }
    used
}

/// Puts everything at its new place.
pub(super) fn replace(state: &mut State, nodes: &[(u32, u32)], flows: &[(u32, u32)]) {
    let to = |pairs: &[(u32, u32)], old: u32| {
        pairs.iter().find(|(from, _)| *from == old).map_or(old, |(_, place)| *place)
    };
    for element in state.elements.values_mut() {
        element.node = to(nodes, element.node);
        element.queued.iter_mut().for_each(|node| *node = to(nodes, *node));
    }
    for wait in state.waits.values_mut() {
        match &mut wait.kind {
            WaitKind::Timer { node, .. }
            | WaitKind::Subscription { node, .. }
            | WaitKind::Condition { node, .. } => *node = to(nodes, *node),
            WaitKind::Incident { retry, .. } => {
                for work in retry {
                    if let Work::Arrive { flow, .. } = work {
                        *flow = to(flows, *flow);
                    }
                }
            }
            WaitKind::Job | WaitKind::Call => {}
        }
    }
    let tokens = std::mem::take(&mut state.tokens).into_iter();
    state.tokens = tokens.map(|((scope, flow), count)| ((scope, to(flows, flow)), count)).collect();
    let awaited = std::mem::take(&mut state.awaited).into_iter();
    state.awaited = awaited
        .map(|((scope, gateway), late)| {
            ((scope, to(nodes, gateway)), late.into_iter().map(|flow| to(flows, flow)).collect())
        })
        .collect();
    let mut records: Vec<&mut Record> = state.records.iter_mut().collect();
    while let Some(record) = records.pop() {
        record.node = to(nodes, record.node);
        records.extend(&mut record.inner);
    }
}
