//! Approval by people directly: one is enough, or as many as configured, none of them the author.

use async_trait::async_trait;

use crate::{Approval, ApprovalRequest, Decision, Error};

/// Approves once enough different people have said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectApproval {
    people: usize,
    author_may: bool,
}

impl DirectApproval {
    /// One person is enough, the author included: for someone who works alone.
    #[must_use]
    pub fn alone() -> Self {
        Self { people: 1, author_may: true }
    }

    /// So many people other than the author, at least one.
    #[must_use]
    pub fn by_others(people: usize) -> Self {
        Self { people: people.max(1), author_may: false }
    }
}

#[async_trait]
impl Approval for DirectApproval {
    async fn decide(&self, request: &ApprovalRequest) -> Result<Decision, Error> {
        if !self.author_may && request.approver == request.version.author {
            let reason = format!("{} wrote this version; somebody else must approve it", request.approver);
            return Ok(Decision::Refused { reason });
        }
        if request.approved_by.contains(&request.approver) {
            let reason = format!("{} has approved this version already", request.approver);
            return Ok(Decision::Refused { reason });
        }
        let missing = self.people.saturating_sub(request.approved_by.len() + 1);
        Ok(if missing == 0 { Decision::Approved } else { Decision::Waiting { missing } })
    }
}
