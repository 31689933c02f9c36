//! Where an instance stands: previous, current and next tasks.

use std::collections::BTreeSet;
use std::sync::Arc;

use bpmn::program::{Node, NodeIndex, NodeKind, Program, SubProcess, Throw, Trigger};
use engine::Error as EngineError;
use engine::limits::HISTORY_LIMIT;
use engine::port::{ElementState, InstanceState};
use serde_json::Value;

use crate::camunda7::Core;
use crate::rest::{text, time_ms};
use crate::{catalogue, ended, incidents, instances};

/// Previous, current and next tasks of an instance.
pub(crate) async fn state(core: &Arc<Core>, key: i64) -> Result<InstanceState, EngineError> {
    let id = instances::id_of(core, key).await?;
    let steps = ended::steps(core, &id).await?;
    let incidents = incidents::list(core, Some(key)).await?;
    let mut state = InstanceState::default();
    let mut program = None;
    if let Some(step) = steps.first() {
        program = Some(catalogue::deployed(core, text(step, "processDefinitionId")).await?);
    }
    let program = program.as_ref().and_then(|deployed| deployed.program.as_ref());
    let mut at = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        let node = text(step, "activityId");
        // Bodies of multi-instances are not shown.
        if node.contains('#') {
            continue;
        }
        let found = program.and_then(|program| program.find(node));
        let compiled = found.and_then(|index| program?.nodes.get(index));
        let mut element = element(place, step, node, compiled);
        if element.ended_ms.is_none() {
            if incidents.iter().any(|incident| incident.element == node) {
                "incident".clone_into(&mut element.state);
            }
            at.extend(found);
            state.current.push(element);
        } else if is_task(&element.kind) {
            state.previous.push(element);
        }
    }
    let surplus = state.previous.len().saturating_sub(HISTORY_LIMIT);
    state.previous.drain(..surplus);
    if let Some(program) = program {
        state.next = next_tasks(program, &at);
    }
    Ok(state)
}

fn element(place: usize, step: &Value, node: &str, compiled: Option<&Node>) -> ElementState {
    let ended_ms = time_ms(step, "endTime");
    let cancelled = step.get("canceled").and_then(Value::as_bool) == Some(true);
    let state = match (ended_ms, cancelled) {
        (None, _) => "active",
        (Some(_), true) => "terminated",
        (Some(_), false) => "completed",
    };
    let name = compiled.and_then(|node| node.name.clone());
    ElementState {
        element: u32::try_from(place + 1).unwrap_or(u32::MAX),
        node: node.to_owned(),
        name: name.unwrap_or_else(|| node.to_owned()),
        kind: compiled.map_or_else(|| text(step, "activityType").to_owned(), |node| node.local_name.clone()),
        state: state.to_owned(),
        started_ms: time_ms(step, "startTime").unwrap_or_default(),
        ended_ms,
    }
}

fn is_task(kind: &str) -> bool {
    kind == "task" || kind.ends_with("Task") || kind == "callActivity"
}

/// Tasks reachable by sequence flow from these nodes without passing another task, in document order.
fn next_tasks(program: &Program, from: &[NodeIndex]) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut seen = vec![false; program.nodes.len()];
    let mut open: Vec<NodeIndex> = from.iter().flat_map(|at| after(program, *at)).collect();
    while let Some(index) = open.pop() {
        let Some(node) = program.nodes.get(index).filter(|_| !seen[index]) else { continue };
        seen[index] = true;
        match &node.kind {
            NodeKind::PassThrough
            | NodeKind::Job(_)
            | NodeKind::Script { .. }
            | NodeKind::Decision(_)
            | NodeKind::Receive(_)
            | NodeKind::Call { .. } => {
                found.insert(index);
            }
            NodeKind::SubProcess(SubProcess::Event) => {}
            NodeKind::SubProcess(_) => {
                let starts = program
                    .children(Some(index))
                    .filter(|(_, node)| matches!(node.kind, NodeKind::Start { trigger: None, .. }));
                open.extend(starts.map(|(at, _)| at));
            }
            _ => open.extend(after(program, index)),
        }
    }
    found.into_iter().map(|index| program.nodes[index].id.clone()).collect()
}

/// Where a token can go when it leaves a node; at the end of a sub-process that is where the sub-process leads.
fn after(program: &Program, index: NodeIndex) -> Vec<NodeIndex> {
    let mut at = Some(index);
    // Bounded by the nesting: each round goes one scope outward.
    while let Some(node) = at.and_then(|at| program.nodes.get(at)) {
        if !node.outgoing.is_empty() {
            return node.outgoing.iter().filter_map(|flow| Some(program.flows.get(*flow)?.target)).collect();
        }
        if let NodeKind::Throw(Throw::Link { name }) = &node.kind {
            let caught = |node: &Node| matches!(&node.kind, NodeKind::Catch(Trigger::Link { name: other }) if name == other);
            return program
                .children(node.parent)
                .filter(|(_, node)| caught(node))
                .map(|(at, _)| at)
                .collect();
        }
        at = node.parent;
    }
    Vec::new()
}
