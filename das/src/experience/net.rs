//! A process as a net of places and transitions, for replaying logs: a place for each flow, transitions for what nodes
//! do, sub-processes flattened.
//!
//! Data and time are not looked at: every condition may hold, every timer and boundary event may fire. What is not
//! replayed: event sub-processes, compensation, and the inner order of ad-hoc sub-processes.

mod build;

use std::collections::{BTreeSet, HashMap};

/// Tokens, as ascending places; a place with two tokens stands there twice.
pub(super) type Marking = Vec<u32>;

/// Most tokens in a marking; what would make more is not done.
const MAX_TOKENS: usize = 256;

/// What happens at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Transition {
    /// The activity seen in a log, as a place in [`Net::labels`]; `None` happens unseen.
    pub(super) label: Option<usize>,
    pub(super) takes: Vec<u32>,
    pub(super) gives: Vec<u32>,
    /// Takes all tokens out of this scope and those inside it.
    pub(super) clears: Option<usize>,
    /// Only when nothing goes on in this scope or inside it.
    pub(super) when_idle: Option<usize>,
    /// For an inclusive join: only when no token can still reach one of these flows.
    pub(super) not_reaching: Vec<u32>,
}

/// The net of one process.
#[derive(Clone, Debug, Default)]
pub(super) struct Net {
    pub(super) labels: Vec<String>,
    pub(super) transitions: Vec<Transition>,
    /// Where it begins.
    pub(super) source: u32,
    /// Where it ends.
    pub(super) sink: u32,
    /// For each place: transitions that take from it.
    takers: Vec<Vec<u32>>,
    /// For each label: its transitions.
    by_label: Vec<Vec<u32>>,
    /// For each place: the scope it belongs to, and whether a token there means that work goes on.
    homes: Vec<(usize, bool)>,
    /// For each scope: the scope it stands in. Scope 0 is the process.
    parents: Vec<Option<usize>>,
    /// For each flow into an inclusive join: the places from which a token can get there.
    upstream: HashMap<u32, BTreeSet<u32>>,
    index: HashMap<String, usize>,
}

/// What labels are compared by.
pub(super) fn key(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// What firing did.
pub(super) struct Fired {
    pub(super) marking: Marking,
    pub(super) consumed: u64,
    pub(super) produced: u64,
}

impl Net {
    /// The label that a name has here.
    pub(super) fn label(&self, name: &str) -> Option<usize> {
        self.index.get(&key(name)).copied()
    }

    /// Transitions of a label.
    pub(super) fn of_label(&self, label: usize) -> &[u32] {
        self.by_label.get(label).map_or(&[], Vec::as_slice)
    }

    fn is_inside(&self, place: u32, scope: usize) -> bool {
        let mut at = self.homes.get(place as usize).map(|home| home.0);
        while let Some(own) = at {
            if own == scope {
                return true;
            }
            at = self.parents.get(own).copied().flatten();
        }
        false
    }

    /// Transitions that may take one of the tokens, ascending.
    pub(super) fn candidates(&self, marking: &Marking) -> BTreeSet<u32> {
        let takers = marking.iter().filter_map(|&place| self.takers.get(place as usize));
        takers.flatten().copied().collect()
    }

    /// Tokens that a transition lacks.
    pub(super) fn lacking(&self, transition: u32, marking: &Marking) -> Vec<u32> {
        let Some(transition) = self.transitions.get(transition as usize) else { return Vec::new() };
        let mut rest = marking.clone();
        transition.takes.iter().copied().filter(|place| !take(&mut rest, *place)).collect()
    }

    pub(super) fn is_enabled(&self, transition: u32, marking: &Marking) -> bool {
        let Some(own) = self.transitions.get(transition as usize) else { return false };
        if marking.len() + own.gives.len() > MAX_TOKENS + own.takes.len() {
            return false;
        }
        if !self.lacking(transition, marking).is_empty() {
            return false;
        }
        if let Some(scope) = own.when_idle
            && marking.iter().any(|&place| {
                self.homes.get(place as usize).is_some_and(|home| home.1) && self.is_inside(place, scope)
            })
        {
            return false;
        }
        own.not_reaching.iter().all(|flow| {
            self.upstream
                .get(flow)
                .is_none_or(|upstream| marking.iter().all(|place| !upstream.contains(place)))
        })
    }

    /// Fires, whether enabled or not: what is lacking is taken as if it had been there.
    pub(super) fn fire(&self, transition: u32, marking: &Marking) -> Fired {
        let mut after = marking.clone();
        let Some(own) = self.transitions.get(transition as usize) else {
            return Fired { marking: after, consumed: 0, produced: 0 };
        };
        for place in &own.takes {
            take(&mut after, *place);
        }
        let mut consumed = own.takes.len() as u64;
        if let Some(scope) = own.clears {
            let before = after.len();
            after.retain(|&place| !self.is_inside(place, scope));
            consumed += (before - after.len()) as u64;
        }
        after.extend(own.gives.iter().copied());
        after.sort_unstable();
        Fired { marking: after, consumed, produced: own.gives.len() as u64 }
    }
}

fn take(marking: &mut Marking, place: u32) -> bool {
    match marking.iter().position(|&token| token == place) {
        Some(at) => {
            marking.remove(at);
            true
        }
        None => false,
    }
}
