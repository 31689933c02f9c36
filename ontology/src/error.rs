//! What can go wrong with the ontology.

/// An error of the ontology.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store of change sets failed.
    #[error("the store of change sets failed: {0}")]
    Store(String),
    /// Somebody else changed the system in between.
    #[error("system {system} was changed by somebody else (change set {found}, you saw {expected})")]
    Conflict {
        /// The system.
        system: String,
        /// What the author saw.
        expected: i64,
        /// What is there.
        found: i64,
    },
    /// No such system or node.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// A change set or query that does not fit.
    #[error("{0}")]
    Invalid(String),
    /// A SPARQL query was refused or stopped.
    #[error("the query was refused: {0}")]
    Query(String),
    /// A limit was reached.
    #[error("limit {limit} reached: {detail}")]
    Limit {
        /// Name of the limit.
        limit: &'static str,
        /// What reached it.
        detail: String,
    },
}

impl Error {
    /// The stable code, which is also the name of a page in `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "ONTO-0001",
            Self::Conflict { .. } => "ONTO-0002",
            Self::NotFound { .. } => "ONTO-0003",
            Self::Invalid(_) => "ONTO-0004",
            Self::Query(_) => "ONTO-0005",
            Self::Limit { .. } => "ONTO-0006",
        }
    }
}
