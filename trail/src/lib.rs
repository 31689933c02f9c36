//! What happened: the append-only, hash-chained record of everything, and the ports it is read and written by.
//!
//! The chain is per data directory: each entry's hash covers its predecessor's hash and the canonical form of
//! its own content, so a changed, missing or reordered entry is found by [`verify`].

mod canonical;
mod chain;
mod error;
mod event;
mod outbox;
mod port;

pub use canonical::canonical_json;
pub use chain::{Break, GENESIS, Hash, Verification, Verifier, link, link_data};
pub use error::Error;
pub use event::{Event, Filter, NewEvent};
pub use outbox::{Outbox, OutboxItem, PendingItem};
pub use port::Trail;
