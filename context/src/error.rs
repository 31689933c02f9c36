//! What can go wrong with prompts.

/// An error of the context manager.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such prompt, version, label or report.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// The prompt is not well formed.
    #[error("prompt {name} cannot be saved: {}", problems.join("; "))]
    Invalid {
        /// The prompt.
        name: String,
        /// One line per problem.
        problems: Vec<String>,
    },
    /// A variable is missing, unknown or of another type.
    #[error("prompt {name} cannot be filled in: {}", problems.join("; "))]
    Variables {
        /// The prompt.
        name: String,
        /// One line per problem.
        problems: Vec<String>,
    },
    /// The prompt alone does not fit the budget.
    #[error("prompt {name} needs about {needed} tokens without any retrieved item; the budget is {budget}")]
    Budget {
        /// The prompt.
        name: String,
        /// Tokens it needs.
        needed: usize,
        /// Tokens there are.
        budget: usize,
    },
    /// The version was not approved for use in production.
    #[error("version {hash} of prompt {name} is not approved for production: {reason}")]
    NotApproved {
        /// The prompt.
        name: String,
        /// The version.
        hash: String,
        /// What is missing.
        reason: String,
    },
    /// There is nothing to go back to.
    #[error("prompt {name} has no earlier version in production to go back to")]
    NothingBefore {
        /// The prompt.
        name: String,
    },
    /// The test suite cannot decide anything.
    #[error("the test of prompt {name} cannot be run: {reason}")]
    Suite {
        /// The prompt.
        name: String,
        /// Why.
        reason: String,
    },
    /// A test is to run on recorded answers, and one that it needs was never recorded.
    #[error("no answer of {model} to case {case:?} of prompt {name} with seed {seed} is recorded")]
    NotRecorded {
        /// The prompt.
        name: String,
        /// The case.
        case: String,
        /// The seed.
        seed: u64,
        /// The model.
        model: String,
    },
    /// The experiment cannot be begun or ended.
    #[error("the experiment with prompt {name} cannot be: {reason}")]
    Experiment {
        /// The prompt.
        name: String,
        /// Why.
        reason: String,
    },
    /// The store failed.
    #[error("the store of prompts failed: {0}")]
    Store(String),
    /// The process that approves prompts could not be asked.
    #[error("the approval process could not be asked: {0}")]
    Approval(String),
    /// The trail failed.
    #[error(transparent)]
    Trail(#[from] trail::Error),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] llm::Error),
}

impl Error {
    /// The stable code, which is also the name of a page in `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "CTX-0001",
            Self::Invalid { .. } => "CTX-0002",
            Self::Variables { .. } => "CTX-0003",
            Self::Budget { .. } => "CTX-0004",
            Self::NotApproved { .. } => "CTX-0005",
            Self::NothingBefore { .. } => "CTX-0006",
            Self::Suite { .. } => "CTX-0007",
            Self::Store(_) => "CTX-0008",
            Self::NotRecorded { .. } => "CTX-0009",
            Self::Experiment { .. } => "CTX-0010",
            Self::Approval(_) => "CTX-0011",
            Self::Trail(inner) => inner.code(),
            Self::Model(inner) => inner.code(),
        }
    }

    /// The way out, in a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "`procos prompt list` shows names, versions and labels",
            Self::Invalid { .. } => "declare every variable the texts use, and use every one declared",
            Self::Variables { .. } => {
                "give a value of the declared type for every variable without a default"
            }
            Self::Budget { .. } => "raise the budget or shorten the prompt and its variables",
            Self::NotApproved { .. } => "test the version, then have it approved, then move the label",
            Self::NothingBefore { .. } => "approve another version and move the label to it",
            Self::Suite { .. } => "give at least one case, and 0 < fail rate < pass rate < 1",
            Self::NotRecorded { .. } => "run the test once with the model; its answers are recorded",
            Self::Experiment { .. } => {
                "name two or more labels of approved versions, and end an open experiment first"
            }
            Self::Store(_) => "check the database",
            Self::Approval(_) => "see the newest instance of the process approve_prompt",
            Self::Trail(_) => "check the database the trail is kept in",
            Self::Model(inner) => inner.hint(),
        }
    }
}
