//! What is deployed and what runs: definitions, instances, how their tasks were executed, what waits.

mod decision;
mod definition;
mod dry_run;
mod experience;
mod finding;
mod forecast;
mod incident;
mod input;
mod instance;
mod simulation;
mod task_run;
mod timed;
mod trial;
mod user_task;

pub(crate) use decision::DecisionDefinition;
pub(crate) use definition::ProcessDefinition;
pub(crate) use dry_run::{DryRun, DryRunProcessInput, Trial};
pub(crate) use experience::{Experience, experience};
pub(crate) use finding::{EngineTarget, Finding};
pub(crate) use forecast::{Forecast, ForecastRecord};
pub(crate) use incident::Incident;
pub(crate) use input::{ProcessInput, at_start, at_task};
pub(crate) use instance::{InstanceStatus, ProcessInstance, instances};
pub(crate) use simulation::{CASES_LIMIT, Case, Simulation, simulate};
pub(crate) use task_run::{Outcome, TaskRun};
pub(crate) use timed::TIMED_CASES_LIMIT;
pub(crate) use trial::{TryVersionsInput, VersionTrial};
pub(crate) use user_task::UserTask;
