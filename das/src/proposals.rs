//! Proposals: drafts that wait for a decision, and the port they are kept behind.
//!
//! | state | by | leads to |
//! | --- | --- | --- |
//! | open | whoever asked, or DAS | accepted, rejected |
//! | accepted | a person, or a policy that a person wrote | taken back |
//! | rejected, taken back | a person | – |

mod build;
mod decision;
mod prompt_change;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use trail::NewEvent;

use crate::error::Error;
use crate::policies::ChangeKind;
use crate::sandbox::Comparison;
use crate::watch::FindingKind;

pub use build::{BUILD_LIMIT_BYTES, Build, Replaced, propose_build};
pub use decision::Deciding;
pub use prompt_change::{DiffLine, LineEffect, PromptChange};

/// Most proposals that one call lists.
pub const PROPOSALS_LIMIT: usize = 1_000;

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// Waits for a decision.
    #[default]
    Open,
    /// Was accepted and deployed.
    Accepted,
    /// Was rejected.
    Rejected,
    /// Was accepted, and taken back: what it replaced is in force again.
    TakenBack,
}

impl ProposalState {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::TakenBack => "taken_back",
        }
    }
}

/// A draft that waits for a decision, or had one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Proposal {
    /// Its id.
    pub id: String,
    /// What it is, in a line.
    pub title: String,
    /// `deterministic`, or the name of the model that wrote it.
    pub source: String,
    /// BPMN as it would be deployed.
    pub xml: String,
    /// BPMN it would replace, where there is one.
    pub base_xml: Option<String>,
    /// Id of the process.
    pub process_id: String,
    /// What was asked for: the text or the instruction.
    pub request: String,
    /// What a person should know.
    pub notes: Vec<String>,
    /// What nobody said.
    pub assumptions: Vec<String>,
    /// Where it stands.
    pub state: ProposalState,
    /// Who asked for it.
    pub actor: String,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it was decided.
    pub decided_ms: Option<i64>,
    /// Why it was decided so.
    pub reason: Option<String>,
    /// Key of the definition it became.
    pub definition: Option<i64>,
    /// Key of the definition that was in force before it was accepted: the way back.
    pub before: Option<i64>,
    /// Key of the definition it became when it was taken back.
    pub back: Option<i64>,
    /// Who decided: a person, or `policy:NAME`.
    pub decided_by: Option<String>,
    /// Id of the finding it is for, where DAS made it.
    pub finding: Option<String>,
    /// Kind of that finding.
    pub kind: Option<FindingKind>,
    /// What sort of change it is.
    pub change: Option<ChangeKind>,
    /// What the sandbox saw, where it was tried.
    pub comparison: Option<Comparison>,
    /// The new version of a prompt, where it changes a prompt and not a process.
    pub prompt: Option<PromptChange>,
    /// The source of a system, where it builds one.
    pub build: Option<Build>,
}

impl Proposal {
    /// Whether it was accepted and there is something to go back to.
    #[must_use]
    pub fn can_be_taken_back(&self) -> bool {
        let was_there = match (&self.prompt, &self.build) {
            (Some(_), _) => true,
            (None, Some(build)) => build.change_set_before > 0,
            (None, None) => self.before.is_some(),
        };
        self.state == ProposalState::Accepted && was_there
    }
}

/// Keeps proposals.
#[async_trait]
pub trait Proposals: Send + Sync {
    /// Inserts or replaces a proposal together with its trail event, in one transaction.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    async fn put(&self, proposal: &Proposal, event: NewEvent) -> Result<(), Error>;
    /// The proposal with this id.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    async fn get(&self, id: &str) -> Result<Option<Proposal>, Error>;
    /// Proposals in this state (or in any), newest first, at most [`PROPOSALS_LIMIT`].
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    async fn list(&self, state: Option<ProposalState>) -> Result<Vec<Proposal>, Error>;
}

/// Proposals kept in memory only: for sandboxes and tests.
#[derive(Debug, Default)]
pub struct VolatileProposals {
    kept: Mutex<BTreeMap<String, Proposal>>,
}

#[async_trait]
impl Proposals for VolatileProposals {
    async fn put(&self, proposal: &Proposal, _event: NewEvent) -> Result<(), Error> {
        self.kept.lock().insert(proposal.id.clone(), proposal.clone());
        Ok(())
    }

    async fn get(&self, id: &str) -> Result<Option<Proposal>, Error> {
        Ok(self.kept.lock().get(id).cloned())
    }

    async fn list(&self, state: Option<ProposalState>) -> Result<Vec<Proposal>, Error> {
        let kept = self.kept.lock();
        let mut found: Vec<Proposal> =
            kept.values().filter(|p| state.is_none_or(|state| p.state == state)).cloned().collect();
        newest_first(&mut found);
        Ok(found)
    }
}

/// Orders proposals newest first, equal times by id, and cuts the list at [`PROPOSALS_LIMIT`].
pub fn newest_first(proposals: &mut Vec<Proposal>) {
    proposals.sort_by(|a, b| b.created_ms.cmp(&a.created_ms).then_with(|| b.id.cmp(&a.id)));
    proposals.truncate(PROPOSALS_LIMIT);
}
