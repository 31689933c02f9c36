//! Processes that a table cannot say, run by the engine's own rules: every step of every case is made by `bpmn::exec`.
//!
//! | step | where |
//! | --- | --- |
//! | the process, changed so that nobody has to be asked anything while it runs | `build` |
//! | cases through it: arrivals, steps, what happens when | `run` |
//! | work: resources, queues, batches, calendars | `work` |
//! | running cases, from where they stand in the engine | `resume` |
//!
//! What the engine would leave to others is answered by the declaration:
//!
//! | in the process | in its place |
//! | --- | --- |
//! | a task, or an event that is waited for | a job that takes its declared time, perhaps with a resource |
//! | a gateway with declared shares | a job that takes no time draws the way into a variable; the conditions read that |
//! | an event of which it is declared when it comes | a subscription that is correlated then |
//! | how often something is repeated, where that is declared | a number drawn when the repetition begins |
//! | timers, conditions, scripts that read only what cases bring along | themselves |
//!
//! Random numbers have the same addresses as in a table, so that both give the same for what both can say, which a test
//! holds them to. A step of the engine costs far more than one of a table, so a table is used where there is one.

use std::collections::HashMap;

use bpmn::program::{NodeIndex, Program};
use serde_json::Value;

mod build;
mod resume;
mod run;
mod work;

pub(super) use build::build;
pub(super) use resume::resume;
pub(super) use run::run;

/// Keeps numbers for different purposes at the same element apart.
const CHANCE: u64 = 0x27d4_eb2f_1656_67c5;
const ROUNDS: u64 = 0x1656_67b1_9e37_79f9;
const FATE: u64 = 0x85eb_ca77_c2b2_ae63;

/// A process as the engine's rules run it in a simulation.
pub(super) struct ByEngine {
    /// Why it is not a table.
    pub(super) because: String,
    /// The changed process; nodes and flows of the original keep their places, others follow behind them.
    program: Program,
    /// The start event, where the engine would not know.
    start: Option<String>,
    /// What each node is here.
    roles: Vec<Role>,
    /// How often each node is repeated, where that is drawn.
    rounds: HashMap<NodeIndex, Rounds>,
    /// Places of nodes by id.
    places: HashMap<String, NodeIndex>,
    /// Places in `Model::ends` of the nodes at which cases end.
    ends: HashMap<NodeIndex, u16>,
}

impl std::fmt::Debug for ByEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByEngine").field("because", &self.because).finish_non_exhaustive()
    }
}

/// Two are the same where they are one: it is made once and shared.
impl PartialEq for ByEngine {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// What a node is in the simulation.
#[derive(Clone, Debug, Default)]
enum Role {
    /// What it is in the process.
    #[default]
    Itself,
    /// Work: a job that takes time.
    Work(Work),
    /// A job that takes no time and puts the drawn way into a variable.
    Draw { choice: u16, variable: String, values: Vec<Value> },
    /// A job that takes no time and draws how often the node here is repeated.
    First(NodeIndex),
    /// A job that takes no time.
    Pause,
    /// Something that comes from outside after a time, perhaps again and again.
    Comes { activity: u16, chance: Option<u16>, again: bool },
}

/// A node that is work.
#[derive(Clone, Debug)]
struct Work {
    /// Place in `Model::activities`.
    activity: u16,
    /// Place in `Model::choices` of what it comes to.
    outcome: Option<u16>,
    /// What it may end by instead: the choice between these, and, last, none of them.
    fate: Option<(u16, Vec<Fate>)>,
}

/// What work may end by.
#[derive(Clone, Debug)]
enum Fate {
    Error(String),
    /// It goes on, where the event that catches it does not interrupt.
    Escalation(String, bool),
}

/// How often something is repeated: after each execution it goes on with the first share of a choice.
#[derive(Clone, Debug)]
struct Rounds {
    choice: u16,
    variable: String,
    /// A loop may have no round at all.
    maybe_none: bool,
}

/// Executions at most, as in the engine.
const MOST_ROUNDS: f64 = 10_000.0;

impl Rounds {
    /// How many there are at this point of the geometric distribution, `u` in (0, 1): P(more than k) = shareᵏ.
    fn count(&self, share: f64, u: f64) -> f64 {
        let further = match share {
            never if never <= 0.0 => 0.0,
            always if always >= 1.0 => MOST_ROUNDS,
            share => (u.ln() / share.ln()).min(MOST_ROUNDS).floor(),
        };
        further + f64::from(u8::from(!self.maybe_none))
    }
}
