//! The knowledge graph: vocabulary, index, typed queries, change sets.

pub mod architecture;
pub mod coverage;
mod error;
pub mod export;
mod graph;
pub mod index;
pub mod iri;
pub mod model;
pub mod port;
pub mod runs;
pub mod sparql;
pub mod trace;
mod triples;
pub mod turtle;
pub mod validate;
pub mod vocabulary;
mod volatile;

pub use coverage::{Coverage, Unallocated};
pub use error::Error;
pub use export::GraphFormat;
pub use graph::{Ontology, SystemSummary};
pub use index::SystemIndex;
pub use port::ChangeSets;
pub use runs::{RunRecord, RunScore};
pub use sparql::{Answer, QueryOptions, SolutionFormat};
pub use trace::Trace;
pub use volatile::VolatileChangeSets;
