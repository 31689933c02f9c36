//! Whether people agreed that what they do in the web admin is watched.

use async_graphql::{Enum, SimpleObject};
use das::watch;

use crate::scalar::Timestamp;

/// What a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "watch::ActKind")]
pub(crate) enum ActKind {
    /// Something was looked at.
    View,
    /// Something was changed, not yet saved.
    Edit,
    /// A change was saved.
    Save,
    /// An editor was left and the change in it was not saved.
    Leave,
    /// A change was taken back.
    Undo,
    /// A proposal or suggestion was accepted.
    Accept,
    /// A proposal or suggestion was rejected.
    Reject,
}

/// Whether people agreed that what they do in the web admin is watched. Off until somebody switches it on; what is
/// recorded stays in this installation's memory for thirty days, under the source `web admin`.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Consent {
    /// Whether it is given.
    given: bool,
    /// Who gave or withdrew it last.
    by: Option<String>,
    /// When.
    at: Option<Timestamp>,
    /// Acts that are kept now, the newest 1,000 at most.
    kept: usize,
}

impl Consent {
    pub(crate) fn of(consent: watch::Consent, kept: usize) -> Self {
        let said = !consent.by.is_empty();
        Self {
            given: consent.given,
            at: said.then_some(Timestamp(consent.at_ms)),
            by: said.then_some(consent.by),
            kept,
        }
    }
}

/// What became of acts that were told.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct ActsTold {
    /// How many are kept.
    kept: usize,
    /// How many were dropped, because at most 600 a minute are kept.
    dropped: usize,
    /// Whether consent is given; without it nothing is kept, and nothing more need be told.
    consent: bool,
}

impl From<watch::Told> for ActsTold {
    fn from(told: watch::Told) -> Self {
        Self { kept: told.kept, dropped: told.dropped, consent: told.consent }
    }
}
