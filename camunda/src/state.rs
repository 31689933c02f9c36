//! Where an instance stands: previous, current and next tasks.

use std::collections::BTreeSet;
use std::sync::Arc;

use bpmn::program::{Node, NodeIndex, NodeKind, Program, SubProcess, Throw, Trigger};
use engine::Error as EngineError;
use engine::limits::HISTORY_LIMIT;
use engine::port::{ElementState, InstanceState};

use crate::catalogue::{self, Deployed};
use crate::core::Core;
use crate::steps::{Step, Steps};
use crate::{course, incidents, instances};

/// Previous, current and next tasks of an instance.
pub(crate) async fn state(core: &Arc<Core>, key: i64) -> Result<InstanceState, EngineError> {
    let id = instances::id_of(core, key).await?;
    let deployed = definition(core, key, &id).await?;
    let steps = steps(core, key, &id, &deployed).await?;
    let incidents = incidents::list(core, Some(key)).await?;
    let program = deployed.program.as_ref();
    let mut state = InstanceState::default();
    let mut at = Vec::new();
    // Bodies of multi-instances are not shown.
    for step in steps.all.iter().filter(|step| !step.body) {
        let mut element = element(step, step.node.and_then(|node| program?.nodes.get(node)));
        if element.ended_ms.is_none() {
            if incidents.iter().any(|incident| incident.element == step.element) {
                "incident".clone_into(&mut element.state);
            }
            at.extend(step.node);
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

/// The definition that an instance runs by.
async fn definition(core: &Arc<Core>, key: i64, id: &str) -> Result<Arc<Deployed>, EngineError> {
    let open = core.open.lock().get(&key).map(|open| open.definition_id.clone());
    let definition_id = match open {
        Some(definition_id) => definition_id,
        None => core.remote.instance(id).await?.definition,
    };
    catalogue::known(core, &definition_id).await
}

/// Whether Camunda moves an instance on by itself; where it does not say, whether a timer is set.
pub(crate) async fn goes_on(core: &Arc<Core>, key: i64) -> Result<bool, EngineError> {
    let id = instances::id_of(core, key).await?;
    if let Some(goes_on) = core.remote.goes_on(&id).await? {
        return Ok(goes_on);
    }
    let deployed = definition(core, key, &id).await?;
    let Some(program) = &deployed.program else { return Ok(false) };
    let steps = steps(core, key, &id, &deployed).await?;
    let open = steps.all.iter().filter(|step| step.ended_ms.is_none()).filter_map(|step| step.node);
    Ok(open.into_iter().any(|at| waits_for_time(program, at)))
}

/// Whether a timer is set while a token is at a node.
fn waits_for_time(program: &Program, at: NodeIndex) -> bool {
    let is_timer = |trigger: &Trigger| matches!(trigger, Trigger::Timer(_));
    let catches = |at: &NodeIndex| match program.nodes.get(*at).map(|node| &node.kind) {
        Some(NodeKind::Catch(trigger) | NodeKind::Boundary { trigger, .. }) => is_timer(trigger),
        _ => false,
    };
    let Some(node) = program.nodes.get(at) else { return false };
    let events = match node.kind {
        NodeKind::EventBased { .. } => after(program, at),
        _ => Vec::new(),
    };
    catches(&at) || node.boundary.iter().any(catches) || events.iter().any(catches)
}

/// The steps of an instance, with the numbers that its trail gives them while it is open.
pub(crate) async fn steps(
    core: &Arc<Core>,
    key: i64,
    id: &str,
    deployed: &Deployed,
) -> Result<Steps, EngineError> {
    if core.open.lock().contains_key(&key) {
        return Ok(course::catch_up(core, key, id, deployed).await?.clone().unwrap_or_default());
    }
    let mut steps = Steps::default();
    let found = course::history(core, key, id, None, deployed).await?;
    steps.take_in(deployed.program.as_ref(), &found, core.remote.merges_joins());
    Ok(steps)
}

fn element(step: &Step, compiled: Option<&Node>) -> ElementState {
    let state = match (step.ended_ms, step.cancelled) {
        (None, _) => "active",
        (Some(_), true) => "terminated",
        (Some(_), false) => "completed",
    };
    let name = compiled.and_then(|node| node.name.clone());
    ElementState {
        element: step.number,
        node: step.element.clone(),
        name: name.unwrap_or_else(|| step.element.clone()),
        kind: step.kind.clone(),
        state: state.to_owned(),
        started_ms: step.started_ms,
        ended_ms: step.ended_ms,
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
