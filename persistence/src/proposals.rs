//! Proposals: drafts that wait for a decision, as documents.

use async_trait::async_trait;
use das::Error as DasError;
use das::proposals::{Proposal, ProposalState, Proposals as Port, newest_first};
use trail::NewEvent;

use crate::{Documents, Error, LIST_LIMIT};

/// The collection they are kept in.
const COLLECTION: &str = "proposal";

/// A store of proposals in the database.
#[derive(Clone, Debug)]
pub struct Proposals {
    documents: Documents,
}

impl Proposals {
    /// Proposals kept in these documents.
    #[must_use]
    pub fn new(documents: Documents) -> Self {
        Self { documents }
    }
}

fn failed(error: Error) -> DasError {
    DasError::Engine(engine::Error::from(error))
}

fn unreadable(error: serde_json::Error) -> DasError {
    DasError::Engine(engine::Error::Store(error.to_string()))
}

#[async_trait]
impl Port for Proposals {
    async fn put(&self, proposal: &Proposal, event: NewEvent) -> Result<(), DasError> {
        let content = serde_json::to_value(proposal).map_err(unreadable)?;
        let now_ms = proposal.decided_ms.unwrap_or(proposal.created_ms);
        self.documents.put(COLLECTION, &proposal.id, &content, now_ms, vec![event]).await.map_err(failed)
    }

    async fn get(&self, id: &str) -> Result<Option<Proposal>, DasError> {
        let found = self.documents.get(COLLECTION, id).await.map_err(failed)?;
        found.map(serde_json::from_value).transpose().map_err(unreadable)
    }

    async fn list(&self, state: Option<ProposalState>) -> Result<Vec<Proposal>, DasError> {
        let found = self.documents.list(COLLECTION, "", LIST_LIMIT).await.map_err(failed)?;
        let mut proposals = Vec::new();
        for document in found {
            let proposal: Proposal = serde_json::from_value(document.content).map_err(unreadable)?;
            if state.is_none_or(|state| proposal.state == state) {
                proposals.push(proposal);
            }
        }
        newest_first(&mut proposals);
        Ok(proposals)
    }
}
