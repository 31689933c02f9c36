//! What is deployed and what runs: definitions, instances, how their tasks were executed, what waits.

mod definition;
mod finding;
mod incident;
mod instance;
mod simulation;
mod task_run;
mod user_task;

pub(crate) use definition::ProcessDefinition;
pub(crate) use finding::{EngineTarget, Finding};
pub(crate) use incident::Incident;
pub(crate) use instance::{InstanceStatus, ProcessInstance, instances};
pub(crate) use simulation::{CASES_LIMIT, Case, Simulation, simulate};
pub(crate) use task_run::Outcome;
pub(crate) use user_task::UserTask;
