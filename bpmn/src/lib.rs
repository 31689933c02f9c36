//! The process language, pure: model, XML in and out, layout, checks, expressions, and the token rules.
//!
//! No async, no I/O, no clock, no randomness: time and seeds come in as parameters.

pub mod check;
pub mod compile;
pub mod dmn;
pub mod error;
pub mod event_log;
pub mod exec;
pub mod expression;
pub mod inputs;
pub mod layout;
pub mod model;
pub mod program;
pub mod xes;
pub mod xml;

#[cfg(test)]
mod samples;
