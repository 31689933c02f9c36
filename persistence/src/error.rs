//! What can go wrong with the database.

use std::borrow::Cow;

use sea_orm::{DbErr, RuntimeErr};

/// An error of the database or of the way to it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be opened.
    #[error("cannot open the database {path}: {detail}")]
    Open {
        /// File, or address without password.
        path: String,
        /// What the database said.
        detail: String,
    },
    /// Another process holds the database.
    #[error("another process holds the database {path}")]
    Locked {
        /// File, or address without password.
        path: String,
    },
    /// The database library is too old to be trusted with acknowledged writes.
    #[error("SQLite {found} is too old: {needed} or newer is needed")]
    TooOld {
        /// The version in use.
        found: String,
        /// The version needed.
        needed: &'static str,
    },
    /// A setting that durability depends on was not taken.
    #[error("the database did not take the setting {setting}: it reads {found}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What it reads.
        found: String,
    },
    /// A statement failed; nothing of its commit was kept.
    #[error("the database failed: {0}")]
    Failed(String),
    /// The disk is full; nothing of the commit was kept.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The idempotency key was used before.
    #[error("the idempotency key {0} was used before")]
    Taken(String),
    /// Something changed since it was read.
    #[error("{0}")]
    Conflict(String),
    /// A row cannot be understood.
    #[error("the database holds something that cannot be read: {0}")]
    Unreadable(String),
    /// The database is closed.
    #[error("the database is closed")]
    Closed,
    /// This kind of database cannot do this.
    #[error("{0}")]
    Unsupported(String),
}

impl Error {
    /// The stable code, which is also the name of a page in `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "PERSISTENCE-0001",
            Self::Locked { .. } => "PERSISTENCE-0002",
            Self::TooOld { .. } => "PERSISTENCE-0003",
            Self::Setting { .. } => "PERSISTENCE-0004",
            Self::Failed(_) => "PERSISTENCE-0005",
            Self::Full(_) => "PERSISTENCE-0006",
            Self::Taken(_) => "PERSISTENCE-0007",
            Self::Conflict(_) => "PERSISTENCE-0008",
            Self::Unreadable(_) => "PERSISTENCE-0009",
            Self::Closed => "PERSISTENCE-0010",
            Self::Unsupported(_) => "PERSISTENCE-0011",
        }
    }

    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Locked { .. } => Some("stop the other procos, give --server, or use another --data-dir"),
            Self::Full(_) => Some("free some space; the server goes on by itself"),
            Self::Open { .. } => Some("check that the folder exists and may be written"),
            _ => None,
        }
    }
}

/// SQLite's primary result code for a full disk.
const SQLITE_FULL: &str = "13";
/// PostgreSQL's code for a full disk.
const POSTGRES_DISK_FULL: &str = "53100";

/// PostgreSQL's class of what an operator did: the connection is gone, and with it what it was about to say.
const POSTGRES_INTERVENTION: &str = "57";

/// The code that the database gave itself; none where it was not heard.
fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

/// Whether PostgreSQL refused a statement, which then did nothing; otherwise nobody knows.
pub(crate) fn is_refusal(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| !code.starts_with(POSTGRES_INTERVENTION))
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::of(Some(&error), &error)
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match &error {
            DbErr::Conn(RuntimeErr::SqlxError(inner))
            | DbErr::Exec(RuntimeErr::SqlxError(inner))
            | DbErr::Query(RuntimeErr::SqlxError(inner)) => Self::of(Some(inner), &error),
            _ => Self::of(None, &error),
        }
    }
}

impl Error {
    fn of(cause: Option<&sqlx::Error>, said: &impl std::fmt::Display) -> Self {
        let is_full =
            cause.and_then(code).is_some_and(|code| code == SQLITE_FULL || code == POSTGRES_DISK_FULL);
        if is_full { Self::Full(said.to_string()) } else { Self::Failed(said.to_string()) }
    }
}

impl From<Error> for engine::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Taken(_) | Error::Conflict(_) => Self::Conflict(error.to_string()),
            Error::Closed => Self::Stopping,
            Error::Full(_) => Self::Full,
            _ => Self::Store(error.to_string()),
        }
    }
}

impl From<Error> for trail::Error {
    fn from(error: Error) -> Self {
        Self::Store(error.to_string())
    }
}
