//! A server and a model that answer from a script: every test of a model runs against one of them.

mod server;
mod stand_in;

pub use server::{Received, Reply, ScriptedServer};
pub use stand_in::ScriptedModel;
