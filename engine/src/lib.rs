//! The port [`ProcessEngine`] and the embedded durable engine behind it.

pub mod clock;
mod embedded;
mod error;
pub mod limits;
mod memory_store;
pub mod port;
pub mod store;

pub use embedded::Embedded;
pub use error::Error;
pub use memory_store::MemoryStore;
pub use port::ProcessEngine;
pub use store::Store;
