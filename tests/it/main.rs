//! Whole-system tests, in one binary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail loudly, and say what they skip"
)]

mod architecture;
mod bad_input;
mod bootstrap;
mod camunda7;
mod camunda8;
mod camunda_clients;
mod crash;
mod data_directory;
mod engine_contract;
mod full_disk;
mod isolation;
mod kills;
mod models;
mod on_camunda;
mod procos;
mod prompts;
mod run;
mod server;
mod templates;
mod voice;
mod watching;
