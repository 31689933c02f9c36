//! The state of one instance: element instances with their variables, tokens on flows, what is waited for.
//!
//! It is changed by [`super::apply()`] alone.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schedule::Repetition;
use super::work::Work;
use super::{Local, SubscriptionKind};
use crate::program::Variables;

/// Place of the process itself in [`Element::node`], which names no node of the program.
pub(super) const NO_NODE: u32 = u32::MAX;

/// How far an instance is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not started yet.
    #[default]
    Fresh,
    /// Runs or waits.
    Active,
    /// Ended well, also by a terminate end event.
    Completed,
    /// Ended by an error that nobody caught.
    Failed,
    /// Was cancelled.
    Cancelled,
}

/// The state of one instance. Compact when serialised; 0 stands for the process wherever a scope is named.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(super) status: Status,
    /// The highest number given.
    pub(super) last: Local,
    /// Element instances by number; number 0 is the process.
    #[serde(with = "pairs", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) elements: BTreeMap<Local, Element>,
    /// Jobs, timers, subscriptions, conditions, calls and incidents by number.
    #[serde(with = "pairs", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) waits: BTreeMap<Local, Wait>,
    /// How many tokens are on a flow: (scope, place of the flow).
    #[serde(with = "pairs", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tokens: BTreeMap<(Local, u32), u32>,
    /// Flows of which a complex gateway swallows a late token: (scope, place of the gateway).
    #[serde(with = "pairs", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) awaited: BTreeMap<(Local, u32), Vec<u32>>,
    /// Activities that can be compensated, in order of completion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) records: Vec<Record>,
    /// Numbers of the conditional events that wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) conditions: Vec<Local>,
    /// What a yield left over.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub(super) agenda: VecDeque<Work>,
    /// Jobs that each node has had, by its id, which stays the same where an instance goes on by another version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) visits: BTreeMap<String, u32>,
    /// Transitions since the last input from outside as they count, as of the last yield.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) transitions: u32,
}

/// An element instance, or the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Element {
    /// Place of its node; [`NO_NODE`] for the process.
    pub(super) node: u32,
    /// The scope it stands in.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) scope: Local,
    /// Body of a multi-instance or loop.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) body: bool,
    /// An interrupting event sub-process took over.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) interrupted: bool,
    /// Begins nothing more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) closing: bool,
    /// Number of this run inside a body, from 1; 0 outside of one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) iteration: u32,
    /// For a compensation handler: who asked for it; 0 otherwise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) caller: Local,
    /// Element instances and tokens directly inside.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) live: u32,
    /// When it began, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) started_ms: i64,
    /// Its own variables.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub(super) variables: Variables,
    /// Numbers of what it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) waits: Vec<Local>,
    /// How far a body is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) repeat: Option<Box<RepeatState>>,
    /// Nodes that wait for their turn in a sequential ad-hoc sub-process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) queued: Vec<u32>,
}

/// How far a multi-instance or loop is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RepeatState {
    pub(super) total: u32,
    pub(super) standard: bool,
    pub(super) started: u32,
    pub(super) completed: u32,
    pub(super) terminated: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) items: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) collected: Vec<Value>,
}

impl RepeatState {
    /// Runs that began and have not ended.
    pub(super) fn active(&self) -> u32 {
        self.started.saturating_sub(self.completed).saturating_sub(self.terminated)
    }
}

/// Something an element instance waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Wait {
    /// Element instance it belongs to; 0 for the process.
    pub(super) element: Local,
    #[serde(flatten)]
    pub(super) kind: WaitKind,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "wait", rename_all = "snake_case")]
pub(super) enum WaitKind {
    Job,
    Timer {
        node: u32,
        due_ms: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repetition: Option<Repetition>,
    },
    Subscription {
        node: u32,
        kind: SubscriptionKind,
        repeats: bool,
    },
    Condition {
        node: u32,
        value: Option<bool>,
    },
    Call,
    Incident {
        code: String,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<Local>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        retry: Vec<Work>,
    },
}

/// An activity that can be compensated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) number: Local,
    pub(super) node: u32,
    /// Scope in which it can be compensated.
    pub(super) scope: Local,
    /// The activity's own variables when it ended.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub(super) variables: Variables,
    /// What ended inside it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) inner: Vec<Self>,
}

impl State {
    /// An instance that has not started.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The element instance, or the process.
    pub(super) fn element(&self, number: Local) -> Option<&Element> {
        self.elements.get(&number)
    }

    /// How many tokens and element instances are directly in this scope.
    pub(super) fn live(&self, scope: Local) -> u32 {
        self.elements.get(&scope).map_or(0, |element| element.live)
    }

    /// Tokens on this flow in this scope.
    pub(super) fn tokens_on(&self, scope: Local, flow: u32) -> u32 {
        self.tokens.get(&(scope, flow)).copied().unwrap_or(0)
    }

    /// The element instances inside `scope` at any depth, in order of creation, without `spared` and what is in it.
    pub(super) fn descendants(&self, scope: Local, spared: Option<Local>) -> Vec<Local> {
        let mut inside = std::collections::BTreeSet::from([scope]);
        for (number, element) in self.elements.range(scope.saturating_add(1)..) {
            if Some(*number) != spared && inside.contains(&element.scope) {
                inside.insert(*number);
            }
        }
        inside.remove(&scope);
        inside.into_iter().collect()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Maps are serialised as lists of pairs: their keys are numbers and tuples, which JSON objects do not have.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K, V, S>(map: &BTreeMap<K, V>, serializer: S) -> Result<S::Ok, S::Error>
    where
        K: Serialize,
        V: Serialize,
        S: Serializer,
    {
        serializer.collect_seq(map.iter())
    }

    pub(super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
