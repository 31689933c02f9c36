//! An event log: which activities were done in each case, in which order; equal cases are counted together.

mod read;
mod table;
mod trail;
mod write;

use std::collections::{BTreeMap, HashMap};

use bpmn::xes::Trace;

use crate::error::Error;

pub use read::{MAX_LOG_BYTES, read_log};
pub use table::read_table;
pub use trail::{MAX_TRAIL_EVENTS, read_trail};
pub use write::{Written, write_trail};

/// Most different activities in a log.
pub const MAX_ACTIVITIES: usize = 400;
/// Most events in one case.
pub const MAX_CASE_EVENTS: usize = 10_000;
/// Names of cases kept for each variant.
pub const MAX_CASE_NAMES: usize = 5;
/// An activity has an actor where at least this share of its events was done by one.
const ACTOR_SHARE: f64 = 0.8;
/// Most different actors; with more, the names are persons rather than roles, and none is kept.
const MAX_ACTORS: usize = 12;

/// A way through the process that cases took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Activities in order, as places in [`EventLog::activities`].
    pub steps: Vec<usize>,
    /// How many cases took it.
    pub count: usize,
    /// Names of the first few of them.
    pub cases: Vec<String>,
}

/// A log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventLog {
    activities: Vec<String>,
    actors: Vec<Option<String>>,
    variants: Vec<Variant>,
}

impl EventLog {
    /// A log of these traces.
    ///
    /// # Errors
    /// `DAS-0010` where there are too many different activities, or one case is too long.
    pub fn from_traces(traces: Vec<Trace>) -> Result<Self, Error> {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut log = Self::default();
        let mut by_steps: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut doers: Vec<BTreeMap<String, usize>> = Vec::new();
        let mut totals: Vec<usize> = Vec::new();
        for (number, trace) in traces.into_iter().enumerate() {
            let case = trace.case.unwrap_or_else(|| (number + 1).to_string());
            if trace.events.len() > MAX_CASE_EVENTS {
                let why = format!("case '{case}' has more than {MAX_CASE_EVENTS} events");
                return Err(Error::Log { why });
            }
            let mut steps = Vec::with_capacity(trace.events.len());
            for event in trace.events {
                let place = *places.entry(event.activity.clone()).or_insert_with(|| {
                    log.activities.push(event.activity);
                    doers.push(BTreeMap::new());
                    totals.push(0);
                    log.activities.len() - 1
                });
                if log.activities.len() > MAX_ACTIVITIES {
                    let why = format!("it has more than {MAX_ACTIVITIES} different activities");
                    return Err(Error::Log { why });
                }
                totals[place] += 1;
                if let Some(resource) = event.resource {
                    *doers[place].entry(resource).or_default() += 1;
                }
                steps.push(place);
            }
            let at = *by_steps.entry(steps).or_insert_with_key(|steps| {
                log.variants.push(Variant { steps: steps.clone(), count: 0, cases: Vec::new() });
                log.variants.len() - 1
            });
            let variant = &mut log.variants[at];
            variant.count += 1;
            if variant.cases.len() < MAX_CASE_NAMES {
                variant.cases.push(case);
            }
        }
        log.actors = actors(&doers, &totals);
        Ok(log)
    }

    /// A log of labels alone: one list a case. For tests and for logs made elsewhere.
    ///
    /// # Errors
    /// As [`EventLog::from_traces`].
    pub fn from_labels<S: AsRef<str>>(cases: &[Vec<S>]) -> Result<Self, Error> {
        let event = |label: &S| bpmn::xes::Event {
            activity: label.as_ref().to_owned(),
            ..bpmn::xes::Event::default()
        };
        let trace = |labels: &Vec<S>| Trace { case: None, events: labels.iter().map(event).collect() };
        Self::from_traces(cases.iter().map(trace).collect())
    }

    /// Names of the activities, in the order in which they first happened.
    #[must_use]
    pub fn activities(&self) -> &[String] {
        &self.activities
    }

    /// Who does an activity, where nearly always the same.
    #[must_use]
    pub fn actor(&self, activity: usize) -> Option<&str> {
        self.actors.get(activity)?.as_deref()
    }

    /// The ways that cases took, in the order in which they first happened.
    #[must_use]
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// How many cases there are.
    #[must_use]
    pub fn cases(&self) -> usize {
        self.variants.iter().map(|variant| variant.count).sum()
    }

    /// How many events there are.
    #[must_use]
    pub fn events(&self) -> usize {
        self.variants.iter().map(|variant| variant.count * variant.steps.len()).sum()
    }

    /// How often an activity happened, and in how many cases.
    #[must_use]
    pub fn occurrences(&self, activity: usize) -> (usize, usize) {
        let mut total = (0, 0);
        for variant in &self.variants {
            let times = variant.steps.iter().filter(|&&step| step == activity).count();
            total.0 += times * variant.count;
            total.1 += usize::from(times > 0) * variant.count;
        }
        total
    }
}

/// Who does each activity, where nearly always the same and there are few of them.
fn actors(doers: &[BTreeMap<String, usize>], totals: &[usize]) -> Vec<Option<String>> {
    let found: Vec<Option<String>> = doers
        .iter()
        .zip(totals)
        .map(|(doers, &total)| {
            let (name, &times) = doers.iter().max_by_key(|(_, times)| **times)?;
            (super::share(times, total) >= ACTOR_SHARE).then(|| name.clone())
        })
        .collect();
    let different: std::collections::BTreeSet<&String> = found.iter().flatten().collect();
    if different.len() > MAX_ACTORS { vec![None; found.len()] } else { found }
}
