//! Folds an event into the state. Total: an event that does not fit changes nothing it cannot change.

use std::collections::VecDeque;

use serde_json::Value;

use super::event::Event;
use super::state::{Element, NO_NODE, Record, RepeatState, State, Status, Wait, WaitKind};
use super::{Local, MAX_REPEATS, PROCESS};

/// Changes `state` by what `event` says: the state after a step is the fold of its events.
pub fn apply(state: &mut State, event: &Event) {
    match event {
        Event::InstanceStarted { variables } => {
            state.status = Status::Active;
            let process = Element { node: NO_NODE, variables: variables.clone(), ..Element::default() };
            state.elements.insert(PROCESS, process);
        }
        Event::ElementActivated { .. }
        | Event::ElementCompleted { .. }
        | Event::ElementTerminated { .. }
        | Event::ScopeInterrupted { .. }
        | Event::RepeatStarted { .. }
        | Event::OutputCollected { .. }
        | Event::ScopeClosing { .. }
        | Event::AdHocQueued { .. } => apply_to_elements(state, event),
        Event::FlowTaken { scope, index, .. } => {
            let scope = scope.unwrap_or(PROCESS);
            *state.tokens.entry((scope, *index)).or_insert(0) += 1;
            grow(state, scope);
        }
        Event::TokenDiscarded { scope, index, .. } => consume(state, scope.unwrap_or(PROCESS), *index),
        Event::ResetAwaited { scope, index, flows } => {
            let key = (scope.unwrap_or(PROCESS), *index);
            if flows.is_empty() {
                state.awaited.remove(&key);
            } else {
                state.awaited.insert(key, flows.clone());
            }
        }
        Event::VariablesSet { scope, variables } => {
            if let Some(element) = state.elements.get_mut(&scope.unwrap_or(PROCESS)) {
                for (name, value) in variables {
                    element.variables.insert(name.clone(), value.clone());
                }
            }
        }
        Event::CompensationRecorded { .. } | Event::CompensationTaken { .. } => {
            apply_to_records(state, event)
        }
        Event::Yielded { pending, transitions } => {
            state.agenda = VecDeque::from(pending.clone());
            state.transitions = *transitions;
        }
        Event::Continued => {
            state.agenda.clear();
            state.transitions = 0;
        }
        Event::Migrated { nodes, flows } => super::migrate::replace(state, nodes, flows),
        Event::InstanceCompleted { .. } => end(state, Status::Completed),
        Event::InstanceFailed { .. } => end(state, Status::Failed),
        Event::InstanceCancelled { .. } => end(state, Status::Cancelled),
        _ => apply_to_waits(state, event),
    }
}

fn apply_to_elements(state: &mut State, event: &Event) {
    match event {
        Event::ElementActivated {
            element, scope, body, index, consumed, iteration, caller, at_ms, ..
        } => {
            let scope = scope.unwrap_or(PROCESS);
            for flow in consumed {
                consume(state, scope, *flow);
            }
            grow(state, scope);
            if let Some(repeat) = state.elements.get_mut(&scope).and_then(|outer| outer.repeat.as_mut()) {
                repeat.started += 1;
            }
            state.last = state.last.max(*element);
            let instance = Element {
                node: *index,
                scope,
                body: *body,
                iteration: *iteration,
                caller: caller.unwrap_or(PROCESS),
                started_ms: *at_ms,
                ..Element::default()
            };
            state.elements.insert(*element, instance);
        }
        Event::ElementCompleted { element, .. } => remove(state, *element, true),
        Event::ElementTerminated { element, .. } => remove(state, *element, false),
        Event::ScopeInterrupted { scope } => {
            if let Some(scope) = state.elements.get_mut(&scope.unwrap_or(PROCESS)) {
                scope.interrupted = true;
            }
        }
        Event::RepeatStarted { element, total, items, output, standard } => {
            if let Some(body) = state.elements.get_mut(element) {
                let repeat = RepeatState {
                    total: *total,
                    standard: *standard,
                    items: items.clone(),
                    output: output.clone(),
                    ..RepeatState::default()
                };
                body.repeat = Some(Box::new(repeat));
            }
        }
        Event::OutputCollected { element, iteration, value } => {
            let repeat = state.elements.get_mut(element).and_then(|body| body.repeat.as_mut());
            if let Some(repeat) = repeat.filter(|_| (1..=MAX_REPEATS).contains(iteration)) {
                let place = *iteration as usize - 1;
                if repeat.collected.len() <= place {
                    let length = (place + 1).max((repeat.total.min(MAX_REPEATS)) as usize);
                    repeat.collected.resize(length, Value::Null);
                }
                repeat.collected[place] = value.clone();
            }
        }
        Event::ScopeClosing { element } => {
            if let Some(element) = state.elements.get_mut(element) {
                element.closing = true;
                element.queued.clear();
            }
        }
        Event::AdHocQueued { element, nodes } => {
            if let Some(element) = state.elements.get_mut(element) {
                element.queued.clone_from(nodes);
            }
        }
        _ => {}
    }
}

fn apply_to_records(state: &mut State, event: &Event) {
    match event {
        Event::CompensationRecorded { record, scope, element, index, variables } => {
            state.last = state.last.max(*record);
            let (inner, kept) =
                std::mem::take(&mut state.records).into_iter().partition(|inner| inner.scope == *element);
            state.records = kept;
            state.records.push(Record {
                number: *record,
                node: *index,
                scope: scope.unwrap_or(PROCESS),
                variables: variables.clone(),
                inner,
            });
        }
        Event::CompensationTaken { record, heir } => {
            if let Some(place) = state.records.iter().position(|candidate| candidate.number == *record) {
                let taken = state.records.remove(place);
                // Without an heir what ended inside takes the place of its sub-process, so that it is next.
                let scope = heir.unwrap_or(taken.scope);
                for (offset, mut inner) in taken.inner.into_iter().enumerate() {
                    inner.scope = scope;
                    if heir.is_none() {
                        for (name, value) in &taken.variables {
                            inner.variables.entry(name.clone()).or_insert_with(|| value.clone());
                        }
                    }
                    state.records.insert(place + offset, inner);
                }
            }
        }
        _ => {}
    }
}

fn apply_to_waits(state: &mut State, event: &Event) {
    match event {
        Event::JobCreated { job, element, node, visit, .. } => {
            state.visits.insert(node.clone(), *visit);
            open(state, *job, *element, WaitKind::Job);
        }
        Event::TimerScheduled { timer, element, due_ms, index, repetition } => {
            let kind = WaitKind::Timer { node: *index, due_ms: *due_ms, repetition: repetition.clone() };
            open(state, *timer, *element, kind);
        }
        Event::SubscriptionOpened { subscription, element, kind, index, repeats, .. } => {
            let kind = WaitKind::Subscription { node: *index, kind: *kind, repeats: *repeats };
            open(state, *subscription, *element, kind);
        }
        Event::ConditionOpened { condition, element, index } => {
            let kind = WaitKind::Condition { node: *index, value: Some(false) };
            open(state, *condition, *element, kind);
            state.conditions.push(*condition);
        }
        Event::ConditionChanged { condition, value: new_value } => {
            if let Some(Wait { kind: WaitKind::Condition { value, .. }, .. }) = state.waits.get_mut(condition)
            {
                *value = *new_value;
            }
        }
        Event::CallRequested { call, element, .. } => open(state, *call, *element, WaitKind::Call),
        Event::IncidentRaised { incident, element, job, code, message, retry, .. } => {
            let kind = WaitKind::Incident {
                code: code.clone(),
                message: message.clone(),
                job: *job,
                retry: retry.clone(),
            };
            open(state, *incident, element.unwrap_or(PROCESS), kind);
        }
        Event::ConditionClosed { condition } => {
            close(state, *condition);
            state.conditions.retain(|other| other != condition);
        }
        Event::JobCancelled { job: number }
        | Event::JobEnded { job: number }
        | Event::TimerClosed { timer: number }
        | Event::SubscriptionClosed { subscription: number }
        | Event::CallCancelled { call: number }
        | Event::CallEnded { call: number }
        | Event::IncidentResolved { incident: number } => close(state, *number),
        _ => {}
    }
}

fn open(state: &mut State, number: Local, element: Local, kind: WaitKind) {
    state.last = state.last.max(number);
    if let Some(owner) = state.elements.get_mut(&element) {
        owner.waits.push(number);
        state.waits.insert(number, Wait { element, kind });
    }
}

fn close(state: &mut State, number: Local) {
    if let Some(wait) = state.waits.remove(&number)
        && let Some(owner) = state.elements.get_mut(&wait.element)
    {
        owner.waits.retain(|other| *other != number);
    }
}

fn grow(state: &mut State, scope: Local) {
    if let Some(scope) = state.elements.get_mut(&scope) {
        scope.live += 1;
    }
}

fn shrink(state: &mut State, scope: Local, by: u32) {
    if let Some(scope) = state.elements.get_mut(&scope) {
        scope.live = scope.live.saturating_sub(by);
    }
}

fn consume(state: &mut State, scope: Local, flow: u32) {
    if let Some(count) = state.tokens.get_mut(&(scope, flow)) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            state.tokens.remove(&(scope, flow));
        }
        shrink(state, scope, 1);
    }
}

/// Takes an element instance out, with the tokens and records inside it.
fn remove(state: &mut State, number: Local, completed: bool) {
    let Some(gone) = state.elements.remove(&number) else { return };
    for wait in gone.waits {
        state.waits.remove(&wait);
    }
    if gone.live > 0 {
        state.tokens.retain(|(scope, _), _| *scope != number);
    }
    if !state.awaited.is_empty() {
        state.awaited.retain(|(scope, _), _| *scope != number);
    }
    if !state.records.is_empty() {
        state.records.retain(|record| record.scope != number);
    }
    shrink(state, gone.scope, 1);
    if let Some(repeat) = state.elements.get_mut(&gone.scope).and_then(|outer| outer.repeat.as_mut()) {
        if completed {
            repeat.completed += 1;
        } else {
            repeat.terminated += 1;
        }
    }
}

/// Ends the instance; the variables of the process stay readable.
fn end(state: &mut State, status: Status) {
    state.status = status;
    state.elements.retain(|number, _| *number == PROCESS);
    if let Some(process) = state.elements.get_mut(&PROCESS) {
        process.live = 0;
        process.waits.clear();
    }
    state.waits.clear();
    state.tokens.clear();
    state.awaited.clear();
    state.records.clear();
    state.conditions.clear();
    state.agenda.clear();
    state.visits.clear();
    state.transitions = 0;
}
