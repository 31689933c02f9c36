//! A process in compact form: a table of operations that a token runs through.
//!
//! | operation | of | what a token does |
//! | --- | --- | --- |
//! | work | tasks, timers, waits | takes time, perhaps a resource |
//! | choose | exclusive gateway | goes on one way, by a random number |
//! | decide | exclusive gateway | goes on one way, by what the case brings along |
//! | fork | parallel gateway, several outgoing flows | goes on all ways |
//! | join | parallel gateway, once for each incoming flow | waits until every flow has brought one |
//! | end | end event, node without outgoing flow | is gone; the case ends with its last token |
//! | halt | terminate end event of the process | ends the case |
//!
//! An embedded sub-process that sends on one token stands in the table as its contents; work with an interrupting timer
//! goes on along the timer's flow where it takes longer.
//!
//! These are the rules of `bpmn::exec`, which a test holds them to on the same random numbers. What the table cannot
//! say (other boundary events, event sub-processes, loops, …) runs by those rules themselves: see [`super::by_engine`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::by_engine::ByEngine;
use super::random::element_key;
use super::{Calendar, Law};

mod build;
mod data;
pub(super) mod parts;
mod perturb;

pub(super) use data::Rule;
pub use data::{Attribute, Values};
pub(super) use perturb::mean_factor;

/// One operation; places are those in [`Model::ops`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Op {
    Work {
        activity: u16,
        next: u16,
    },
    /// Between two ways: the first below the threshold of the choice.
    Toss {
        choice: u16,
        first: u16,
        second: u16,
    },
    Choose {
        choice: u16,
    },
    /// By the rule of the choice.
    Decide {
        choice: u16,
    },
    Fork {
        first: u32,
        count: u16,
    },
    /// `slot` is the counter of this incoming flow.
    Join {
        join: u16,
        slot: u16,
        next: u16,
    },
    End {
        end: u16,
    },
    Halt {
        end: u16,
    },
}

/// Where a parallel gateway counts its tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct JoinSlots {
    pub(super) first: u16,
    pub(super) count: u16,
}

/// Something that takes time or a resource, or merely happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// Element id.
    pub id: String,
    /// Its name, the id where there is none.
    pub name: String,
    /// How long it takes.
    pub law: Law,
    /// Executions behind the law; `None`: taken as given.
    pub observed: Option<u64>,
    /// Place of its resource in [`Model::resources`].
    pub resource: Option<u16>,
    /// Level of priority, 0 served first.
    pub(super) level: u16,
    /// Cost of one execution.
    pub cost: f64,
    /// How it is done in batches, where it is.
    pub batch: Option<Batch>,
    /// When an interrupting timer breaks it off.
    pub(super) deadline: Option<Deadline>,
    /// Whether it is done several times, one after the other.
    pub(super) in_a_row: bool,
    /// Its first operation: at which its executions in a case are numbered, however many operations it has.
    pub(super) home: u16,
    pub(super) key: u64,
}

/// Several cases are served by one execution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch {
    /// Cases of a full batch, at least 2.
    pub size: u32,
    /// Seconds after which a batch begins although it is not full; infinite where it waits for as long as it takes.
    pub longest_wait: f64,
}

/// An interrupting timer on an activity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Deadline {
    /// Seconds after a token reached the activity.
    pub(super) after: f64,
    /// Where the token goes on then.
    pub(super) late: u16,
}

/// Points over which the mean of a law that is cut off is taken.
const POINTS: u32 = 1_000;

impl Activity {
    /// Probability that it is done before its deadline where it does not wait for a resource.
    pub(super) fn in_time(&self) -> f64 {
        let Some(deadline) = self.deadline else { return 1.0 };
        self.law.share_within(deadline.after)
    }

    /// Mean work of an execution in seconds, cut off at its deadline, where it does not wait for a resource.
    pub(super) fn mean_work(&self) -> f64 {
        let Some(deadline) = self.deadline else { return self.law.mean() };
        let points = (0..POINTS).map(|place| (f64::from(place) + 0.5) / f64::from(POINTS));
        points.map(|u| self.law.quantile(u).min(deadline.after)).sum::<f64>() / f64::from(POINTS)
    }
}

/// A choice between ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Element id of the gateway, or of the task whose outcome decides.
    pub id: String,
    /// Its name, the id where there is none.
    pub name: String,
    /// What each way is called.
    pub labels: Vec<String>,
    /// Probability of each way.
    pub shares: Vec<f64>,
    /// How often each way was observed, where the shares follow from that.
    pub counts: Option<Vec<f64>>,
    /// How it decides by data; its shares say nothing then.
    pub(super) rule: Option<Rule>,
    pub(super) cumulative: Vec<f64>,
    pub(super) targets: Vec<u16>,
    pub(super) key: u64,
}

impl Choice {
    /// The way this uniform number takes.
    #[inline]
    pub(super) fn pick(&self, u: f64) -> usize {
        let mut way = 0;
        for reached in &self.cumulative {
            way += usize::from(u >= *reached);
        }
        way.min(self.targets.len().saturating_sub(1))
    }

    pub(super) fn set_shares(&mut self, shares: &[f64]) {
        let sum: f64 = shares.iter().sum();
        self.shares = shares.iter().map(|share| share / sum).collect();
        let mut reached = 0.0;
        self.cumulative = self
            .shares
            .iter()
            .map(|share| {
                reached += share;
                reached
            })
            .collect();
    }
}

/// A pool of equal people or machines.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many there are.
    pub capacity: u32,
    /// Cost of an hour of work.
    pub hourly_cost: f64,
    /// When it works.
    pub calendar: Option<Calendar>,
}

/// A process ready to be simulated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Name of the process, its id where it has none.
    pub name: String,
    /// What takes time.
    pub activities: Vec<Activity>,
    /// Where the way is open.
    pub choices: Vec<Choice>,
    /// Ends: (element id, name).
    pub ends: Vec<(String, String)>,
    /// Resources.
    pub resources: Vec<Resource>,
    /// Time between two cases.
    pub arrivals: Option<Law>,
    /// When cases arrive.
    pub arrival_calendar: Option<Calendar>,
    /// Currency of costs.
    pub currency: String,
    /// What a case brings along.
    pub attributes: Vec<Attribute>,
    /// Where a token on a flow comes to, by the flow's id.
    pub(super) entries: Arc<BTreeMap<String, u16>>,
    /// The events that event-based gateways wait for, by the gateways' ids.
    pub(super) waits: Arc<BTreeMap<String, String>>,
    /// What stands between inclusive gateways.
    pub(super) blocks: Arc<Vec<build::Block>>,
    pub(super) ops: Vec<Op>,
    pub(super) forks: Vec<u16>,
    pub(super) joins: Vec<JoinSlots>,
    pub(super) slots: u16,
    pub(super) start: u16,
    pub(super) levels: u16,
    /// Where the table cannot say the process: the process itself, and what the engine's rules need to run it.
    pub(super) engine: Option<Arc<ByEngine>>,
    /// The same by the engine's rules, where running cases can stand in a place that the table does not tell from others.
    pub(super) stepwise: Option<Arc<Self>>,
}

/// The address of arrivals among random numbers.
pub(super) fn arrivals_key() -> u64 {
    element_key("\u{1}arrivals")
}

/// Keeps the number that decides a task's outcome apart from the one that decides its duration.
pub(super) const OUTCOME: u64 = 0x5bd1_e995_7b2d_4c1f;

impl Model {
    /// Whether cases can meet: they arrive in time and share resources, or are served in batches.
    #[must_use]
    pub fn is_contended(&self) -> bool {
        let meet = |activity: &Activity| activity.resource.is_some() || activity.batch.is_some();
        self.arrivals.is_some() && self.activities.iter().any(meet)
    }

    /// Whether any work is done in batches. Cases that do not meet fill none.
    #[must_use]
    pub fn has_batches(&self) -> bool {
        self.arrivals.is_some() && self.activities.iter().any(|activity| activity.batch.is_some())
    }

    /// Why the process is run by the engine's own rules, step by step; `None` where a table says it, which is quicker.
    #[must_use]
    pub fn by_engine(&self) -> Option<&str> {
        self.engine.as_ref().map(|engine| engine.because.as_str())
    }

    /// Whether a forecast of a running case may need the state that the engine keeps of it.
    #[must_use]
    pub fn needs_state(&self) -> bool {
        self.engine.is_some() || self.stepwise.is_some()
    }

    /// Whether any gateway decides by what a case brings along.
    #[must_use]
    pub fn decides_by_data(&self) -> bool {
        self.choices.iter().any(|choice| choice.rule.is_some())
    }

    /// Whether any parameter rests on observations, so that it has an interval of its own.
    #[must_use]
    pub fn is_uncertain(&self) -> bool {
        self.choices.iter().any(|choice| choice.counts.is_some())
            || self.activities.iter().any(|activity| activity.observed.is_some())
    }

    /// The way of a choice on to the next operation, for every operation that chooses.
    pub(super) fn ways(&self, op: Op) -> Vec<(u16, f64)> {
        let shares =
            |choice: u16| self.choices.get(usize::from(choice)).map(|choice| choice.shares.as_slice());
        match op {
            Op::Work { activity, next } => match self.activities.get(usize::from(activity)) {
                Some(Activity { deadline: Some(deadline), .. }) => {
                    let share = self.activities[usize::from(activity)].in_time();
                    vec![(next, share), (deadline.late, 1.0 - share)]
                }
                _ => vec![(next, 1.0)],
            },
            Op::Toss { choice, first, second } => {
                let share = shares(choice).and_then(|shares| shares.first().copied()).unwrap_or_default();
                vec![(first, share), (second, 1.0 - share)]
            }
            Op::Choose { choice } | Op::Decide { choice } => {
                self.choices.get(usize::from(choice)).map_or_else(Vec::new, |choice| {
                    choice.targets.iter().copied().zip(choice.shares.iter().copied()).collect()
                })
            }
            Op::Fork { first, count } => {
                let range = first as usize..first as usize + usize::from(count);
                self.forks.get(range).unwrap_or_default().iter().map(|next| (*next, 1.0)).collect()
            }
            Op::Join { join, next, .. } => {
                let count = self.joins.get(usize::from(join)).map_or(1, |join| join.count);
                vec![(next, 1.0 / f64::from(count))]
            }
            Op::End { .. } | Op::Halt { .. } => Vec::new(),
        }
    }
}
