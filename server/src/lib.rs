//! The binary: command line, configuration, wiring, HTTP; the only place that names every concrete type.

pub mod cli;
pub mod configuration;
pub mod failure;
pub mod http;
mod mcp;
pub mod wiring;
