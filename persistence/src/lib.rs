//! Every port that needs a table, on SQLite or PostgreSQL: the only part that speaks SQL.
//!
//! All writes go through one task (`writer`) that puts up to 512 of them into one physical transaction and answers
//! each only after that transaction is durable. Reads use connections of their own.

mod at_once;
mod chain;
mod change_sets;
mod changes;
mod database;
mod documents;
mod error;
mod fail_point;
mod offers;
mod postgres;
mod prompts;
mod proposals;
mod records;
mod rows;
mod scores;
mod sqlite;
mod state_store;
mod statements;
mod trail_log;
mod writer;

pub use database::Database;
pub use documents::{DOCUMENT_LIMIT, Document, Documents, LIST_LIMIT};
pub use error::Error;
pub use offers::Offers;
pub use prompts::Prompts;
pub use proposals::Proposals;
pub use records::Records;

#[cfg(test)]
mod tests;
