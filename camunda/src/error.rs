//! What can go wrong between ProcOS and Camunda.

/// An error of the REST API or on the way to it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Camunda does not answer: it is down, or the address is wrong.
    #[error("Camunda at {url} does not answer: {detail}")]
    Unreachable {
        /// Its address.
        url: String,
        /// What failed.
        detail: String,
    },
    /// The address is none.
    #[error("{url} is no address of an engine: {detail}")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Camunda knows no such thing.
    #[error("Camunda knows nothing of {path}: {detail}")]
    Missing {
        /// What was asked for.
        path: String,
        /// What it said.
        detail: String,
    },
    /// Camunda refused the call.
    #[error("Camunda refused {path} with status {status}: {detail}")]
    Refused {
        /// What was asked for.
        path: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// The token server gave no token.
    #[error("the token server {url} gave no token (status {status}): {detail}")]
    NoToken {
        /// Its address.
        url: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// What came back is not what its REST API gives.
    #[error("the answer to {path} is not Camunda's: {detail}")]
    Strange {
        /// What was asked for.
        path: String,
        /// What does not fit.
        detail: String,
    },
}

impl Error {
    /// The stable code, which is also the name of a page in `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "CAMUNDA-0001",
            Self::Missing { .. } => "CAMUNDA-0002",
            Self::Refused { .. } => "CAMUNDA-0003",
            Self::Strange { .. } => "CAMUNDA-0004",
            // 0005 is an incident that Camunda raised itself.
            Self::Address { .. } => "CAMUNDA-0006",
            Self::NoToken { .. } => "CAMUNDA-0007",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => {
                "start Camunda, or correct its address (engine.url, --engine-url); nothing is lost meanwhile"
            }
            Self::Address { .. } => {
                "give an address such as http://127.0.0.1:8080/engine-rest (Camunda 7) or http://127.0.0.1:8080 (Camunda 8)"
            }
            Self::Missing { .. } => "list what there is and use a key from there",
            Self::Refused { status: 401 | 403, .. } => {
                "put user and password into the address, http://USER:PASSWORD@HOST:PORT/…, a token into engine.token, or \
                 client id and secret into engine.client_id and engine.client_secret (Camunda 8)"
            }
            Self::NoToken { .. } => {
                "correct engine.client_id, engine.client_secret, engine.token_url or engine.audience; they are read at \
                 the start"
            }
            Self::Refused { .. } => "read Camunda's reason; its log has the rest",
            Self::Strange { .. } => {
                "let the address point at the REST API, usually …/engine-rest (Camunda 7), or …:8080 alone (Camunda 8)"
            }
        }
    }

    /// Whether it may pass by itself: nobody answered, a gateway in between did, or the server is overloaded.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Strange { .. } | Self::NoToken { .. } => true,
            Self::Refused { status, .. } => matches!(status, 401 | 403 | 408 | 429 | 502 | 503 | 504),
            Self::Missing { .. } | Self::Address { .. } => false,
        }
    }

    /// Whether two transactions of Camunda met: the same call again will do.
    #[must_use]
    pub fn is_collision(&self) -> bool {
        matches!(self, Self::Refused { detail, .. } if detail.contains("OptimisticLockingException"))
    }

    /// Whether the instance is suspended: the same call will do when it is resumed.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        matches!(self, Self::Refused { detail, .. } if detail.contains("is suspended"))
    }

    /// Whether another worker, or none, holds the lock.
    #[must_use]
    pub fn is_lock_lost(&self) -> bool {
        matches!(self, Self::Refused { detail, .. } if detail.contains("locked by worker"))
            || self.is_not_held()
    }

    /// Whether Camunda 8 takes no answer for the job as it stands: its time is over and nobody has it, or it has an
    /// incident. Once it is fetched again, it does.
    #[must_use]
    pub fn is_not_held(&self) -> bool {
        matches!(self, Self::Refused { status: 409, .. })
    }
}

impl From<Error> for engine::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Missing { path, .. } => Self::NotFound { what: "Camunda's", id: path },
            Error::Unreachable { url, detail } => Self::Remote { url, detail },
            Error::Address { url, detail } => {
                Self::Invalid(format!("{url} is no address of an engine: {detail}"))
            }
            Error::Refused { ref detail, .. } if error.is_suspended() => {
                Self::Conflict(format!("Camunda refused: {detail}"))
            }
            Error::Refused { status: 409, detail, .. } => {
                Self::Conflict(format!("Camunda refused: {detail}"))
            }
            Error::Refused { status: 400, detail, .. } => Self::Invalid(format!("Camunda refused: {detail}")),
            other => Self::Remote { url: "Camunda".to_owned(), detail: other.to_string() },
        }
    }
}
