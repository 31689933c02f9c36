//! The digital assistance system: from text to processes, from requirements to systems, offline first.

pub mod approval;
pub mod bootstrap;
pub mod error;
pub mod experience;
pub mod forecast;
pub mod generate;
pub mod policies;
pub mod processes;
pub mod prompts;
pub mod proposals;
pub mod recollection;
pub mod records;
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
pub use policies::Policies;
pub use processes::{StartingProcess, starting_processes};
pub use proposals::{Proposal, ProposalState, Proposals, VolatileProposals};
pub use records::{Records, VolatileRecords};
pub use suggestions::Suggestion;
pub use watch::{Offers, VolatileOffers, WatchDeps, Watcher};
