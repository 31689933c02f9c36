//! The digital assistance system: from text to processes, from requirements to systems, offline first.

pub mod bootstrap;
pub mod error;
pub mod experience;
pub mod forecast;
pub mod generate;
pub mod processes;
pub mod proposals;
pub mod sandbox;
pub mod score_lines;
pub mod suggestions;
pub mod text;
pub mod trade;
pub mod transcript;
pub mod tree;
pub mod version_trial;
pub mod watch;

pub use error::Error;
pub use processes::{StartingProcess, starting_processes};
pub use proposals::{Proposal, ProposalState, Proposals, VolatileProposals};
pub use suggestions::Suggestion;
pub use watch::{Offers, VolatileOffers, WatchDeps, Watcher};
