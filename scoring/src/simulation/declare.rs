//! What a simulation is told about a process: durations, shares, resources, arrivals.

use std::collections::BTreeMap;

use super::model::{Attribute, Batch};
use super::{Calendar, Law};

/// Everything declared for the simulation of one process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declaration {
    /// Time between two cases; `None`: cases do not meet, each is alone.
    pub arrivals: Option<Law>,
    /// When cases arrive; arrivals outside of it wait for the next opening. `None`: always.
    pub arrival_calendar: Option<Calendar>,
    /// Currency of costs, for display.
    pub currency: Option<String>,
    /// Who or what does the work.
    pub resources: Vec<ResourceDeclaration>,
    /// What a case brings along: variables that conditions on flows read.
    pub attributes: Vec<Attribute>,
    /// Flow nodes by id.
    pub elements: BTreeMap<String, Parameters>,
    /// Weights of sequence flows by id.
    pub flows: BTreeMap<String, Weight>,
}

impl Declaration {
    /// Whether anything is declared: otherwise there is nothing to simulate in time.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrivals.is_none()
            && self.resources.is_empty()
            && self.attributes.is_empty()
            && self.flows.is_empty()
            && self.elements.values().all(|element| *element == Parameters::default())
    }
}

/// A pool of equal people or machines.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceDeclaration {
    /// Its id, which elements name.
    pub id: String,
    /// Its name, the id where there is none.
    pub name: String,
    /// How many there are, at least 1.
    pub capacity: u32,
    /// Cost of an hour of work.
    pub hourly_cost: f64,
    /// When it works; `None`: always.
    pub calendar: Option<Calendar>,
}

/// What is declared for a flow node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// How long it takes, or until what it waits for happens; `None`: no time.
    pub duration: Option<Law>,
    /// Executions behind `duration`: it is known as well as so many observations tell. `None`: taken as given.
    pub observed: Option<u64>,
    /// The resource it needs.
    pub resource: Option<String>,
    /// Higher is served first.
    pub priority: i32,
    /// Cost of one execution.
    pub cost: f64,
    /// Where one execution serves several cases: how.
    pub batch: Option<Batch>,
    /// Executions of a multi-instance element for each token, 1 to 64.
    pub instances: Option<u32>,
    /// How often it comes to that, 0 to 1: an event, another round of a loop, the early end of a repetition.
    pub share: Option<f64>,
    /// Outcomes with their weights.
    pub outcomes: Vec<(String, Weight)>,
}

/// How likely a branch or outcome is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weight {
    /// Its share, relative to those beside it.
    pub share: f64,
    /// How often it was observed; where it is given the share follows from it and is uncertain accordingly.
    pub count: Option<f64>,
}
