//! The knowledge graph: vocabulary, index, typed queries, change sets.

mod error;
pub mod model;
pub mod port;

pub use error::Error;
pub use port::ChangeSets;
