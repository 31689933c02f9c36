//! One instance as the engine works on it: the token rules' state and what the engine adds to it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bpmn::exec::{Event, State};
use bpmn::program::Variables;
use serde::{Deserialize, Serialize};

use super::deployed::Deployed;
use super::job_index::Meta;
use crate::limits::HISTORY_LIMIT;
use crate::port::{ElementState, Incident, Instance, InstanceState};
use crate::store::StoredInstance;
use crate::{Error, limits};

/// Bits of a key that number things inside an instance.
pub(crate) const LOCAL_BITS: u32 = 20;

/// The key of something inside an instance.
pub(crate) fn key_of(instance: i64, local: u32) -> i64 {
    (instance << LOCAL_BITS) | i64::from(local)
}

/// The instance and the number inside it.
pub(crate) fn split_key(key: i64) -> (i64, u32) {
    let local = key & ((1 << LOCAL_BITS) - 1);
    (key >> LOCAL_BITS, u32::try_from(local).unwrap_or(0))
}

/// A loaded instance.
#[derive(Debug)]
pub(crate) struct Live {
    /// What everybody sees, without its variables: those are in the token rules' state.
    pub(crate) instance: Instance,
    /// What it runs.
    pub(crate) deployed: Arc<Deployed>,
    /// What is kept as text.
    pub(crate) kept: Kept,
}

/// What the store keeps of an instance besides its columns.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The token rules' state.
    pub(crate) exec: State,
    /// Tasks that ended, oldest first, at most [`HISTORY_LIMIT`].
    pub(crate) previous: VecDeque<ElementState>,
    /// Elements that hold a token, by number.
    pub(crate) current: BTreeMap<u32, ElementState>,
    /// Open incidents by number.
    pub(crate) incidents: BTreeMap<u32, Incident>,
    /// Instances called, by call number.
    pub(crate) calls: BTreeMap<u32, i64>,
    /// How many calls lead to this instance.
    pub(crate) depth: u32,
    /// Whether an end event was reached whose outcome is declared to be no success.
    pub(crate) failed_end: bool,
    /// Who started it.
    pub(crate) actor: String,
}

impl Live {
    /// An instance read from the store.
    pub(crate) fn load(stored: StoredInstance, deployed: Arc<Deployed>) -> Result<Self, Error> {
        deployed.check()?;
        let kept = serde_json::from_str(&stored.state).map_err(|error| {
            Error::Store(format!("the state of instance {} cannot be read: {error}", stored.instance.key))
        })?;
        Ok(Self { instance: stored.instance, deployed, kept })
    }

    /// The instance as it is to be stored.
    pub(crate) fn store(&self) -> Result<StoredInstance, Error> {
        let state = serde_json::to_string(&self.kept).map_err(|error| {
            Error::Store(format!("the state of instance {} cannot be written: {error}", self.instance.key))
        })?;
        Ok(StoredInstance { instance: self.view(), state })
    }

    /// What the index holds of it.
    pub(crate) fn meta(&self) -> Arc<Meta> {
        Arc::new(Meta {
            deployed: Arc::clone(&self.deployed),
            seed: self.instance.seed,
            dry_run: self.instance.dry_run,
            business_key: self.instance.business_key.clone().map(String::into_boxed_str),
        })
    }

    fn variables(&self) -> Variables {
        self.kept.exec.variables(None).cloned().unwrap_or_default()
    }

    /// Follows what elements do: what is current, what was before.
    pub(crate) fn follow(&mut self, event: &Event, now_ms: i64) {
        match event {
            Event::ElementActivated { element, node, kind, body: false, .. } => {
                let state = ElementState {
                    element: *element,
                    node: node.clone(),
                    name: self.deployed.name_of(node),
                    kind: kind.clone(),
                    state: "active".to_owned(),
                    started_ms: now_ms,
                    ended_ms: None,
                };
                self.kept.current.insert(*element, state);
            }
            Event::ElementCompleted { element, node, kind, body: false } => {
                if kind == "endEvent" && self.is_failed_end(node) {
                    self.kept.failed_end = true;
                }
                self.end_element(*element, "completed", now_ms);
            }
            Event::ElementTerminated { element, body: false, .. } => {
                self.end_element(*element, "terminated", now_ms);
            }
            Event::IncidentRaised { incident, element, node, code, message, .. } => {
                if let Some(state) = element.and_then(|element| self.kept.current.get_mut(&element)) {
                    "incident".clone_into(&mut state.state);
                }
                let raised = Incident {
                    key: key_of(self.instance.key, *incident),
                    instance: self.instance.key,
                    element: node.clone(),
                    code: code.clone(),
                    message: message.clone(),
                    raised_ms: now_ms,
                };
                self.kept.incidents.insert(*incident, raised);
            }
            Event::IncidentResolved { incident } => {
                if let Some(resolved) = self.kept.incidents.remove(incident) {
                    for state in self.kept.current.values_mut().filter(|state| state.node == resolved.element)
                    {
                        "active".clone_into(&mut state.state);
                    }
                }
            }
            _ => {}
        }
        self.instance.incidents = u32::try_from(self.kept.incidents.len()).unwrap_or(u32::MAX);
    }

    fn is_failed_end(&self, node: &str) -> bool {
        self.deployed.node(node).is_some_and(|node| node.task.outcomes.iter().any(|outcome| !outcome.success))
    }

    fn end_element(&mut self, element: u32, how: &str, now_ms: i64) {
        let Some(mut state) = self.kept.current.remove(&element) else { return };
        if !is_task(&state.kind) {
            return;
        }
        how.clone_into(&mut state.state);
        state.ended_ms = Some(now_ms);
        if self.kept.previous.len() == HISTORY_LIMIT {
            self.kept.previous.pop_front();
        }
        self.kept.previous.push_back(state);
    }

    /// What a PDO asks.
    pub(crate) fn state(&self) -> InstanceState {
        InstanceState {
            previous: self.kept.previous.iter().cloned().collect(),
            current: self.kept.current.values().cloned().collect(),
            next: self.kept.exec.next_tasks(&self.deployed.program),
            flows: self.flows(),
        }
    }

    /// The state as the token rules keep it.
    pub(crate) fn token_state(&self) -> &State {
        &self.kept.exec
    }

    /// Flows with a token on them.
    fn flows(&self) -> Vec<String> {
        let flow = |place: usize| self.deployed.program.flows.get(place);
        let tokens = self.kept.exec.tokens();
        let waiting = tokens.filter_map(|(_, place, count)| Some((flow(place)?.id.clone(), count)));
        waiting.flat_map(|(id, count)| std::iter::repeat_n(id, count as usize)).collect()
    }

    /// What everybody sees, with the variables of now.
    pub(crate) fn view(&self) -> Instance {
        Instance { variables: self.variables(), ..self.instance.clone() }
    }
}

/// Whether an element of this kind counts among "previous tasks".
fn is_task(kind: &str) -> bool {
    kind == "task" || kind.ends_with("Task") || kind == "callActivity"
}

/// Refuses values that the token rules made and that could not be read back.
pub(crate) fn check_event(event: &Event) -> Result<(), Error> {
    match event {
        Event::VariablesSet { variables, .. }
        | Event::CallRequested { variables, .. }
        | Event::MessageThrown { variables, .. } => limits::check_variables(variables),
        _ => Ok(()),
    }
}
