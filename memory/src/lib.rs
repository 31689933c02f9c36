//! Vector memory: what was built, run, corrected and refused is remembered here and found again.

mod entry;
mod error;
mod kind;
mod port;

pub use entry::{
    BATCH_LIMIT, Entry, Filter, HITS_LIMIT, Hit, PAYLOAD_LIMIT_BYTES, QUERY_LIMIT_BYTES, Query, Recall,
    TEXT_LIMIT_BYTES,
};
pub use error::Error;
pub use kind::Kind;
pub use port::{Embed, Memory};
