//! What recorded cases of a process showed: what a simulation learns from.

use async_graphql::SimpleObject;
use scoring::simulation::Evidence;

use crate::scalar::Json;
use crate::{Error, State};

/// Reads what the newest cases of a process showed.
///
/// # Errors
/// Where the store or the trail fails.
pub(crate) async fn experience(state: &State, process_id: &str) -> Result<Evidence, Error> {
    let (store, trail) = (state.store.as_ref(), state.trail.as_ref());
    Ok(das::experience::read_evidence(store, trail, process_id, state.clock.now_ms()).await?)
}

/// What the newest cases of a process showed, all its versions together.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Experience {
    /// Cases behind it.
    cases: u64,
    /// Elements that took time or decided something.
    elements: Vec<ElementExperience>,
    /// Sequence flows with how often they were taken.
    flows: Vec<FlowExperience>,
}

/// What was recorded of an element.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ElementExperience {
    /// Id of the BPMN element.
    element_id: String,
    /// Durations of executions that ended well in seconds, an array of numbers.
    finished: Json,
    /// How long executions went on in seconds that have not ended or were broken off, an array of numbers.
    open: Json,
    /// Whether the durations hold the time until somebody took the work up.
    with_waiting: bool,
    /// Outcomes with how often they were reached.
    outcomes: Vec<OutcomeExperience>,
}

/// How often an outcome was reached.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct OutcomeExperience {
    /// The outcome.
    label: String,
    /// How often.
    count: u64,
}

/// How often a sequence flow was taken.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct FlowExperience {
    /// Id of the flow.
    flow_id: String,
    /// How often.
    count: u64,
}

impl From<Evidence> for Experience {
    fn from(found: Evidence) -> Self {
        let elements = found.elements.into_iter().map(|(element_id, seen)| ElementExperience {
            element_id,
            finished: Json(seen.finished.into()),
            open: Json(seen.open.into()),
            with_waiting: seen.with_waiting,
            outcomes: seen
                .outcomes
                .into_iter()
                .map(|(label, count)| OutcomeExperience { label, count })
                .collect(),
        });
        let flows = found.flows.into_iter().map(|(flow_id, count)| FlowExperience { flow_id, count });
        Self { cases: found.cases, elements: elements.collect(), flows: flows.collect() }
    }
}
