//! What DAS suggests.

use async_graphql::{ID, SimpleObject};
use das::suggestions::{Seen, suggest};
use kernel::ScoreFilter;

use super::Proposal;
use crate::scalar::Timestamp;
use crate::{Error, State};

/// Scores that suggestions look at.
const SCORES_LIMIT: usize = 10_000;

/// What DAS suggests, with its evidence.
#[derive(Clone, SimpleObject)]
pub(crate) struct Suggestion {
    /// Its id: the same suggestion keeps it.
    pub(crate) id: ID,
    /// What to do, in a line.
    title: String,
    /// What it rests on.
    evidence: Vec<String>,
    /// What it is about: a process, `process id/element id`, or a system.
    subject: Option<String>,
    /// When what it rests on happened last.
    made_at: Timestamp,
    /// A draft that does it, where there is one.
    proposal: Option<Proposal>,
}

/// What DAS suggests now.
pub(crate) async fn suggestions(state: &State) -> Result<Vec<Suggestion>, Error> {
    let filter = ScoreFilter { limit: SCORES_LIMIT, ..ScoreFilter::default() };
    let scores = state.scores.scores(&filter).await?;
    let incidents = state.engine.incidents(None).await?;
    let mut systems = Vec::new();
    for summary in state.ontology.systems() {
        systems.push(state.ontology.snapshot(&summary.name)?);
    }
    let found = suggest(&Seen { scores: &scores, incidents: &incidents, systems: &systems });
    let shown = |found: das::Suggestion| Suggestion {
        id: ID(found.id),
        title: found.title,
        evidence: found.evidence,
        subject: found.subject,
        made_at: Timestamp(found.made_ms),
        proposal: None,
    };
    Ok(found.into_iter().map(shown).collect())
}
