//! The port `ProcessEngine` over Camunda 7's REST API (also Operaton and CIB seven).
//!
//! What is recorded here is committed before Camunda is told; what Camunda was not told is told again until it
//! answers. So a Camunda that is down loses nothing and uses up no retry.

mod answer;
mod camunda7;
mod catalogue;
mod course;
mod ended;
mod error;
mod fetch;
mod incidents;
mod instances;
mod job;
mod keys;
mod lease;
mod messages;
mod operations;
mod own_work;
mod process_engine;
mod rest;
mod retell;
mod rewrite;
mod state;
mod steps;
mod user_tasks;
mod value;
mod version;
mod watch;

pub use camunda7::{Camunda7, Settings};
pub use error::Error;
pub use version::version;

#[cfg(test)]
mod tests;
