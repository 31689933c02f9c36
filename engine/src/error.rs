//! What can go wrong with an engine.

/// An error of a process engine, embedded or remote.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such definition, instance, job, incident or message subscription.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// The deployment was refused.
    #[error("the deployment was refused: {}", problems.join("; "))]
    Refused {
        /// One line per problem: code, element, line, hint.
        problems: Vec<String>,
    },
    /// An answer for a job that somebody else holds, or that is over.
    #[error("job {key} is not held with attempt {attempt}: the result came late and was refused")]
    Stale {
        /// The job.
        key: i64,
        /// The attempt the answer was for.
        attempt: u32,
    },
    /// The call does not fit the state of the thing.
    #[error("{0}")]
    Conflict(String),
    /// A limit was reached.
    #[error("limit {limit} reached: {detail}")]
    Limit {
        /// Name of the limit.
        limit: &'static str,
        /// What reached it.
        detail: String,
    },
    /// An expression, message or variable does not fit.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error("the engine's store failed: {0}")]
    Store(String),
    /// The disk under the store is full. Nothing of the command was kept; the engine goes on once there is room.
    #[error("the disk is full: nothing of the command was kept")]
    Full,
    /// A remote engine did not answer or answered with an error.
    #[error("the engine at {url} failed: {detail}")]
    Remote {
        /// Its address.
        url: String,
        /// What it said.
        detail: String,
    },
    /// This engine cannot do this.
    #[error("{engine} cannot {what}")]
    Unsupported {
        /// The engine.
        engine: &'static str,
        /// What it cannot do.
        what: String,
    },
    /// The engine is stopping.
    #[error("the engine is stopping")]
    Stopping,
}

impl Error {
    /// The stable code, which is also the name of a page in `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "ENGINE-0001",
            Self::Refused { .. } => "ENGINE-0002",
            Self::Stale { .. } => "ENGINE-0003",
            Self::Conflict(_) => "ENGINE-0004",
            Self::Limit { .. } => "ENGINE-0005",
            Self::Invalid(_) => "ENGINE-0006",
            Self::Store(_) => "ENGINE-0007",
            Self::Remote { .. } => "ENGINE-0008",
            Self::Unsupported { .. } => "ENGINE-0009",
            Self::Stopping => "ENGINE-0010",
            Self::Full => "ENGINE-0012",
        }
    }

    /// What to do about it, where there is something short to say.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { .. } => Some("list what there is and use a key from there"),
            Self::Refused { .. } => Some("correct the file and deploy it again; nothing was deployed"),
            Self::Stale { .. } => Some("nothing to do: the attempt that holds the job does the work"),
            Self::Conflict(_) => Some("read the state again"),
            Self::Limit { .. } => Some("keep large data outside and pass its name"),
            Self::Store(_) => Some("see that the disk or database works, then give the command again"),
            Self::Full => Some("free disk space where the database is, then give the command again"),
            Self::Remote { .. } => Some("check the engine's address, credentials and log"),
            Self::Stopping => Some("give the command again after the next start"),
            Self::Invalid(_) | Self::Unsupported { .. } => None,
        }
    }
}
