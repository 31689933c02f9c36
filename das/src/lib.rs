//! The digital assistance system: from text to processes, from requirements to systems, offline first.

pub mod error;
pub mod tree;

pub use error::Error;
