//! What can go wrong with the ontology.

/// An error of the ontology.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store of change sets failed.
    #[error("the store of change sets failed: {0}")]
    Store(String),
    /// The disk under the store is full. Nothing of the change was kept.
    #[error("the disk is full: nothing of the change was kept")]
    Full,
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
    /// Somebody else changed a node after its author had read it.
    #[error("{node} of {system} was changed by {author} in change set {found}; you saw version {expected}")]
    Changed {
        /// The system.
        system: String,
        /// The node.
        node: String,
        /// The version its author saw.
        expected: i64,
        /// The version that is there.
        found: i64,
        /// Who made that.
        author: String,
    },
    /// Changes that contradict each other: nothing was written.
    #[error("{what}: {}", conflicts.join("; "))]
    Conflicts {
        /// What was tried.
        what: String,
        /// What stands against it, one by one.
        conflicts: Vec<String>,
    },
    /// A change that adds violations of the shapes its system is held to: nothing was written.
    #[error("the change breaks the shapes that {system} is held to: {}", violations.join("; "))]
    Shapes {
        /// The system.
        system: String,
        /// What does not fit, one by one.
        violations: Vec<String>,
    },
    /// A file that cannot be read as what it should be.
    #[error("the file is no {format} that can be read: line {line}: {reason}")]
    Malformed {
        /// What it should be.
        format: &'static str,
        /// Line, from 1.
        line: u32,
        /// What is wrong there.
        reason: String,
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
            Self::Changed { .. } => "ONTO-0007",
            Self::Conflicts { .. } => "ONTO-0008",
            Self::Malformed { .. } => "ONTO-0009",
            Self::Shapes { .. } => "ONTO-0010",
            Self::Full => "ONTO-0011",
        }
    }

    /// The way out.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Store(_) => "see that the disk or database works; the server's log says more",
            Self::Full => "free disk space where the database is, then repeat the change",
            Self::Conflict { .. } => "read the system again, then repeat the change",
            Self::NotFound { .. } => "list what there is and use an id from there",
            Self::Query(_) => "only SPARQL queries are answered; make this one smaller or correct it",
            Self::Invalid(_) => "correct what is named",
            Self::Limit { .. } => "ask for less, or try again shortly",
            Self::Changed { .. } => "read the node again and repeat the change with its new version",
            Self::Malformed { .. } => {
                "correct the file at that line, or write it again from the tool it comes from"
            }
            Self::Shapes { .. } => "correct what is named, or give the system other shapes first",
            Self::Conflicts { .. } => "decide for each that is named, or change it by hand first",
        }
    }
}
