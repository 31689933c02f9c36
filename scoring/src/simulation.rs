//! Monte Carlo over a process: how cases end, how long they take, what they cost and where they wait.
//!
//! | step | where |
//! | --- | --- |
//! | what the file declares: durations, shares, resources, arrivals | [`Declaration`] |
//! | what recorded cases showed, in its place | [`Evidence`] |
//! | the process as a table of operations; where that cannot say it, run by `bpmn::exec` itself | [`Model`] |
//! | what needs no simulation: ends, visits, utilisation, gradients | [`Exact`] |
//! | cases through the model, one replication at a time | [`replicate`] |
//! | replications until a precision is reached, on any number of threads | [`simulate`] |
//! | two versions under the same random numbers | [`compare`] |
//! | how a running case goes on, from where it stands | [`forecast`] |
//! | how good past forecasts were | [`TrackRecord`] |
//! | the cases of a replication as an event log | [`event_log`] |
//! | parameters that other tools wrote, and for other tools | [`bpsim`] |
//!
//! Two uncertainties are kept apart on every number: the *parameter* interval (what the observations behind a
//! declared share or duration leave open; more executed cases narrow it) and the *Monte Carlo* interval (what a finite
//! simulation leaves open; more simulated cases narrow it).

mod bottleneck;
pub mod bpsim;
mod by_engine;
mod calendar;
mod chronicle;
mod compare;
mod declare;
mod estimate;
mod event_list;
mod evidence;
mod exact;
mod forecast;
mod independent;
mod law;
mod measure;
mod model;
mod precision;
mod queueing;
mod random;
mod reading;
mod replication;
mod sensitivity;
mod track_record;
mod warm_up;
mod witness;

pub use bottleneck::bottleneck;
pub use calendar::Calendar;
pub use chronicle::{LOG_START_MS, Logged, MAX_LOG_CASES, event_log};
pub use compare::{Comparison, Difference, compare};
pub use declare::{Declaration, Parameters, ResourceDeclaration, Weight};
pub use estimate::Estimate;
pub use evidence::{Evidence, Executions, FEWEST, Learnt, SHAPED};
pub use exact::{Exact, Gradient, Inexact, Load, Posterior};
pub use forecast::{Effort, FORECAST_SHARES, Forecast, LiveCase, forecast};
pub use law::Law;
pub use measure::{Measure, Unit};
pub use model::{Activity, Attribute, Batch, Choice, Model, Resource, Values};
pub use precision::{Ended, HalfWidth, MAX_CASES, Plan, Result, Settings, simulate};
pub use random::Numbers;
pub use replication::{ActivityTotals, Replication, replicate, replicate_before};
pub use sensitivity::{Influence, ShadowPrice, shadow_prices, tornado};
pub use track_record::{Coverage, ENOUGH_CASES, Said, TrackRecord, Turned};
pub use warm_up::{WarmUp, warm_up};
pub use witness::{Execution, Nobody, Witness};

#[cfg(test)]
mod tests;
