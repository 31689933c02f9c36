//! What DAS suggests.

use std::collections::BTreeSet;

use async_graphql::{ID, SimpleObject};
use das::suggestions::{Seen, suggest};
use das::watch::{Offer, OfferState};
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

impl Suggestion {
    /// An offer of the watching assistant, with its proposal.
    pub(crate) async fn of(state: &State, offer: &Offer) -> Result<Self, Error> {
        let proposal = match &offer.proposal {
            Some(id) => state.proposals.get(id).await?.map(Proposal),
            None => None,
        };
        let shown = offer.suggestion();
        Ok(Self {
            id: ID(shown.id),
            title: shown.title,
            evidence: shown.evidence,
            subject: shown.subject,
            made_at: Timestamp(shown.made_ms),
            proposal,
        })
    }
}

/// What DAS suggests now: what its watcher offers, newest first, then what scores, incidents and gaps say at once and
/// no offer says already.
pub(crate) async fn suggestions(state: &State) -> Result<Vec<Suggestion>, Error> {
    let mut offers = state.offers.list().await?;
    offers.retain(|offer| offer.state == OfferState::Open);
    offers.sort_by(|a, b| b.made_ms.cmp(&a.made_ms).then_with(|| a.id.cmp(&b.id)));
    let offered: BTreeSet<String> = offers.iter().map(|offer| offer.subject.clone()).collect();
    let mut all = Vec::new();
    for offer in &offers {
        all.push(Suggestion::of(state, offer).await?);
    }
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
    let fresh = found
        .into_iter()
        .filter(|found| found.subject.as_ref().is_none_or(|subject| !offered.contains(subject)));
    all.extend(fresh.map(shown));
    Ok(all)
}
