//! The port [`ProcessEngine`] and the embedded durable engine behind it.

pub mod clock;
mod error;
pub mod port;
pub mod store;

pub use error::Error;
pub use port::ProcessEngine;
pub use store::Store;
