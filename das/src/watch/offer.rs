//! Offers: suggestions that were made, with their history, and the port they are kept behind.
//!
//! | state | comes from | leads to |
//! | --- | --- | --- |
//! | open | a finding | accepted, rejected, ignored, settled |
//! | accepted | a person's decision | open again for another definition |
//! | rejected, ignored | a person's decision, or none for long | open again when the evidence has doubled |
//! | settled | the finding is no longer true | open again when it is |

use std::collections::BTreeMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use trail::NewEvent;

use super::finding::{Finding, FindingKind, Gain};
use super::summary::Summary;
use crate::error::Error;
use crate::suggestions::Suggestion;

/// Most offers that one call lists.
pub const OFFERS_LIMIT: usize = 10_000;

/// Where an offer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferState {
    /// Shown, waits for a person.
    Open,
    /// Was taken.
    Accepted,
    /// Was refused.
    Rejected,
    /// Nobody said anything for long.
    Ignored,
    /// It is no longer true.
    Settled,
}

impl OfferState {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Ignored => "ignored",
            Self::Settled => "settled",
        }
    }
}

/// A suggestion that was made, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// Its id: the same for the same kind and subject.
    pub id: String,
    /// Its kind.
    pub kind: FindingKind,
    /// What it is about: a process id, `process id/element id`, a system.
    pub subject: String,
    /// What to do, in a line.
    pub title: String,
    /// What it rests on, a line each.
    pub evidence: Vec<String>,
    /// What may be gained.
    pub gain: Option<Gain>,
    /// Id of the proposal that does it.
    pub proposal: Option<String>,
    /// Definition it is about.
    pub definition: Option<i64>,
    /// Observations it rests on.
    pub weight: u64,
    /// Where it stands.
    pub state: OfferState,
    /// When it was made last, milliseconds since the Unix epoch.
    pub made_ms: i64,
    /// When it was decided, ignored or settled.
    pub decided_ms: Option<i64>,
    /// Why.
    pub reason: Option<String>,
    /// How often it was accepted.
    pub accepted: u32,
    /// How often it was rejected.
    pub rejected: u32,
    /// How often it was ignored.
    pub ignored: u32,
}

impl Offer {
    /// A finding as an open offer; what was decided about it before is kept.
    #[must_use]
    pub fn of(finding: &Finding, former: Option<&Self>, now_ms: i64) -> Self {
        Self {
            id: finding.id(),
            kind: finding.kind,
            subject: finding.subject.clone(),
            title: finding.title.clone(),
            evidence: finding.evidence.clone(),
            gain: finding.gain.clone(),
            proposal: None,
            definition: finding.definition,
            weight: finding.weight,
            state: OfferState::Open,
            made_ms: now_ms,
            decided_ms: None,
            reason: None,
            accepted: former.map_or(0, |former| former.accepted),
            rejected: former.map_or(0, |former| former.rejected),
            ignored: former.map_or(0, |former| former.ignored),
        }
    }

    /// Moves it out of the open state.
    pub fn decide(&mut self, state: OfferState, reason: Option<&str>, now_ms: i64) {
        match state {
            OfferState::Accepted => self.accepted += 1,
            OfferState::Rejected => self.rejected += 1,
            OfferState::Ignored => self.ignored += 1,
            OfferState::Open | OfferState::Settled => {}
        }
        self.state = state;
        self.decided_ms = Some(now_ms);
        self.reason = reason.map(str::to_owned);
    }

    /// As it is shown.
    #[must_use]
    pub fn suggestion(&self) -> Suggestion {
        Suggestion {
            id: self.id.clone(),
            title: self.title.clone(),
            evidence: self.evidence.clone(),
            subject: Some(self.subject.clone()),
            made_ms: self.made_ms,
        }
    }

    /// The trail event for what happened to it.
    #[must_use]
    pub fn event(&self, kind: &str, actor: &str, at_ms: i64) -> NewEvent {
        NewEvent {
            actor: actor.to_owned(),
            definition: self.definition,
            subject: Some(self.subject.clone()),
            data: serde_json::json!({
                "id": self.id, "kind": self.kind, "title": self.title, "proposal": self.proposal,
                "weight": self.weight, "reason": self.reason,
            }),
            ..NewEvent::new(kind, at_ms)
        }
    }
}

/// Keeps offers and the watcher's running summary.
#[async_trait]
pub trait Offers: Send + Sync {
    /// Inserts or replaces an offer together with its trail event, in one transaction.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    async fn put(&self, offer: &Offer, event: NewEvent) -> Result<(), Error>;
    /// The offer with this id.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    async fn get(&self, id: &str) -> Result<Option<Offer>, Error>;
    /// All offers by id, at most [`OFFERS_LIMIT`].
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    async fn list(&self) -> Result<Vec<Offer>, Error>;
    /// Keeps the running summary with its position, over the former one.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    async fn keep_summary(&self, summary: &Summary, now_ms: i64) -> Result<(), Error>;
    /// The summary that was kept; without one everything is summarised again from the trail's beginning.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the store fails.
    async fn summary(&self) -> Result<Option<Summary>, Error>;
}

/// Offers kept in memory only: for sandboxes and tests. Its events go nowhere.
#[derive(Debug, Default)]
pub struct VolatileOffers {
    kept: Mutex<BTreeMap<String, Offer>>,
    summary: Mutex<Option<Summary>>,
}

#[async_trait]
impl Offers for VolatileOffers {
    async fn put(&self, offer: &Offer, _event: NewEvent) -> Result<(), Error> {
        self.kept.lock().insert(offer.id.clone(), offer.clone());
        Ok(())
    }

    async fn get(&self, id: &str) -> Result<Option<Offer>, Error> {
        Ok(self.kept.lock().get(id).cloned())
    }

    async fn list(&self) -> Result<Vec<Offer>, Error> {
        Ok(self.kept.lock().values().take(OFFERS_LIMIT).cloned().collect())
    }

    async fn keep_summary(&self, summary: &Summary, _now_ms: i64) -> Result<(), Error> {
        *self.summary.lock() = Some(summary.clone());
        Ok(())
    }

    async fn summary(&self) -> Result<Option<Summary>, Error> {
        Ok(self.summary.lock().clone())
    }
}
