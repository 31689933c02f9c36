//! How good it is and what is known: scores, proposals, suggestions, prompts, memory, the trail, SPARQL, jobs.

mod job;
mod prompt;
mod proposal;
mod recall;
mod recent;
mod score;
mod server_state;
mod sparql;
mod suggestion;
mod trail_event;

pub(crate) use job::{Job, JobError, JobState, Progress};
pub(crate) use prompt::{Prompt, PromptTest};
pub(crate) use proposal::{Proposal, ProposalState};
pub(crate) use recall::{MemoryKind, Recall};
pub(crate) use score::{Score, ScoreKind};
pub(crate) use server_state::ServerState;
pub(crate) use sparql::SparqlResult;
pub(crate) use suggestion::{Suggestion, suggestions};
pub(crate) use trail_event::{TrailEvent, TrailVerification, trail_page};
