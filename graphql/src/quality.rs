//! How good it is and what is known: scores, proposals, suggestions, policies, prompts, memory, the trail, SPARQL,
//! jobs, the machine.

mod consent;
mod job;
mod policy;
mod prompt;
mod proposal;
mod recall;
mod recent;
mod score;
mod server_state;
mod sparql;
mod suggestion;
mod trail_event;
mod vitals;

pub(crate) use consent::{ActKind, ActsTold, Consent};
pub(crate) use job::{Job, JobError, JobState, Progress};
pub(crate) use policy::{ChangeKind, FindingKind, Policy};
pub(crate) use prompt::{Prompt, PromptProcess, PromptTest};
pub(crate) use proposal::{Proposal, ProposalState};
pub(crate) use recall::{MemoryEntry, MemoryKind, Recall, Remembered};
pub(crate) use score::{Score, ScoreKind};
pub(crate) use server_state::ServerState;
pub(crate) use sparql::SparqlResult;
pub(crate) use suggestion::{Suggestion, suggestions};
pub(crate) use trail_event::{TrailEvent, TrailVerification, trail_page};
pub(crate) use vitals::Vitals;
