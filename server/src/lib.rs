//! The binary: CLI, configuration, wiring, HTTP.
