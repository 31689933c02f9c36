//! A server and a model that answer from a script: every test of a model runs against one of them.

mod dialects;
mod server;
mod stand_in;

pub use dialects::speaking;
pub use server::{After, Received, Reply, ScriptedServer};
pub use stand_in::ScriptedModel;
