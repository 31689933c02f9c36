//! The port `ProcessEngine` over the REST APIs of Camunda 7 (also Operaton and CIB seven) and Camunda 8.
//!
//! What is recorded here is committed before Camunda is told; what Camunda was not told is told again until it
//! answers. So a Camunda that is down loses nothing and uses up no retry. What the two have in common stands at the
//! top and knows them by the trait `Remote`; what is only one's stands in its folder.

mod answer;
mod camunda7;
mod camunda8;
mod catalogue;
mod core;
mod course;
mod credential;
mod ended;
mod error;
mod fetch;
mod hidden;
mod incidents;
mod instances;
mod job;
mod keys;
mod lease;
mod messages;
mod operations;
mod own_work;
mod process_engine;
mod remote;
mod rest;
mod retell;
mod state;
mod steps;
mod topic;
mod user_tasks;
mod watch;

pub use core::{Camunda, Generation, Settings};
pub use credential::ClientCredentials;
pub use error::Error;

#[cfg(test)]
mod tests;
