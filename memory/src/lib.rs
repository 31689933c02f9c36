//! Vector memory: what was built, run, corrected and refused is remembered here and found again.

mod best_effort;
mod bm25;
mod edge;
mod entry;
mod error;
mod fuse;
mod kind;
mod meaning;
mod point;
mod port;
mod server;
#[cfg(test)]
mod tests;
mod words;

pub use best_effort::BestEffort;
pub use edge::EdgeMemory;
pub use entry::{
    BATCH_LIMIT, Entry, Filter, HITS_LIMIT, Hit, PAYLOAD_LIMIT_BYTES, QUERY_LIMIT_BYTES, Query, Recall,
    TEXT_LIMIT_BYTES,
};
pub use error::Error;
pub use kind::Kind;
pub use port::{Embed, Memory};
pub use server::{ServerConfig, ServerMemory};
