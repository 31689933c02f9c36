//! The binary: command line, configuration, wiring, HTTP; the only place that names every concrete type.

pub mod cli;
pub mod configuration;
pub mod failure;
pub mod http;
mod mcp;
pub mod wiring;

/// The allocator of every program that this library is part of.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
