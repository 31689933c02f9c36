//! Whole-system tests, in one binary.

mod architecture;
mod bad_input;
mod bootstrap;
mod camunda7;
mod crash;
mod data_directory;
mod engine_contract;
mod procos;
mod run;
mod server;
