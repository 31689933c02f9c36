//! Why an input is refused: nothing has happened then.

use super::Local;

/// An input that does not fit the instance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The instance has not started.
    #[error("the instance has not started")]
    NotStarted,
    /// The instance has started already.
    #[error("the instance has started already")]
    AlreadyStarted,
    /// The instance has ended.
    #[error("the instance has ended")]
    Ended,
    /// Nothing with this number is open: it has ended, was cancelled, or never was.
    #[error("no open {what} has the number {number}")]
    Unknown {
        /// `job`, `timer`, `subscription`, `call`, `incident`, `element instance`, `ad-hoc sub-process`.
        what: &'static str,
        /// The number.
        number: Local,
    },
    /// The process cannot be started like this.
    #[error("process `{process}` has no start event {start}")]
    NoStart {
        /// Process id.
        process: String,
        /// What was asked for.
        start: String,
    },
    /// The instance cannot go on by another version of its process.
    #[error("`{id}` cannot be migrated: {reason}")]
    CannotMigrate {
        /// The element, flow or process.
        id: String,
        /// Why.
        reason: String,
    },
    /// No node has this id, or it cannot be activated here.
    #[error("element `{id}` is not in {place}, or cannot be activated there")]
    UnknownNode {
        /// The id.
        id: String,
        /// Where it was looked for.
        place: String,
    },
}

impl StepError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotStarted => "EXEC-0001",
            Self::AlreadyStarted => "EXEC-0002",
            Self::Ended => "EXEC-0003",
            Self::Unknown { .. } => "EXEC-0004",
            Self::NoStart { .. } => "EXEC-0005",
            Self::UnknownNode { .. } => "EXEC-0006",
            Self::CannotMigrate { .. } => "EXEC-0007",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotStarted => "start it first",
            Self::AlreadyStarted => "start another instance instead",
            Self::Ended => "look at its result; start another instance if the work has to be done again",
            Self::Unknown { .. } => "read the state of the instance again: it has moved on",
            Self::NoStart { .. } => "name one of its start events, or give it a none start event",
            Self::CannotMigrate { .. } => "name a counterpart of the same kind, or move the token first",
            Self::UnknownNode { .. } => "use the id of an activity, event or gateway of this process",
        }
    }
}
