//! What can go wrong with a model.

/// An error of a model client.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot work.
    #[error("the model endpoint is configured wrongly: {0}")]
    Configuration(String),
    /// The request cannot work.
    #[error("the request to the model is not valid: {0}")]
    Request(String),
    /// The endpoint refused the request for good.
    #[error("{url} refused with status {status}: {message}")]
    Refused {
        /// Its address.
        url: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The endpoint kept failing, or could not be reached.
    #[error("{url} failed {attempts} times, at last: {message}")]
    Unavailable {
        /// Its address.
        url: String,
        /// Attempts made.
        attempts: u32,
        /// What happened last.
        message: String,
    },
    /// The time of the call was up.
    #[error("{url} did not answer within {limit_ms} ms")]
    Timeout {
        /// Its address.
        url: String,
        /// The limit.
        limit_ms: u64,
    },
    /// An answer larger than the limit was cut off.
    #[error("{url} sent an answer of more than {limit} bytes")]
    TooLarge {
        /// Its address.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// The answer is not what the protocol says.
    #[error("{url} sent something that is not an answer: {message}")]
    Malformed {
        /// Its address.
        url: String,
        /// What is wrong with it.
        message: String,
    },
    /// The endpoint failed so often that it is left alone for a while.
    #[error("{url} failed {failures} times in a row and is left alone for {pause_ms} ms")]
    Resting {
        /// Its address.
        url: String,
        /// Failures in a row.
        failures: u32,
        /// The pause that is left.
        pause_ms: u64,
    },
    /// A budget has not that much left; nothing was sent.
    #[error(
        "the budget of the {of} is used up: {spent} of {limit}, and this call does not fit into what is left"
    )]
    Budget {
        /// `day` or `process`.
        of: &'static str,
        /// What was spent.
        spent: String,
        /// The limit.
        limit: String,
    },
    /// The rate limit of the endpoint lets the call through only later than it may take; nothing was sent.
    #[error("the rate limit of {url} lets this call through only in {wait_ms} ms")]
    Paced {
        /// Its address.
        url: String,
        /// How long it would wait.
        wait_ms: u64,
    },
    /// Nothing is configured for this.
    #[error("no model is configured for {0}")]
    Missing(&'static str),
}

impl Error {
    /// The stable code, which is also the name of a page in `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "LLM-0001",
            Self::Request(_) => "LLM-0002",
            Self::Refused { .. } => "LLM-0003",
            Self::Unavailable { .. } => "LLM-0004",
            Self::Timeout { .. } => "LLM-0005",
            Self::TooLarge { .. } => "LLM-0006",
            Self::Malformed { .. } => "LLM-0007",
            Self::Resting { .. } => "LLM-0008",
            Self::Missing(_) => "LLM-0009",
            Self::Budget { .. } => "LLM-0010",
            Self::Paced { .. } => "LLM-0011",
        }
    }

    /// The way out, in a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Configuration(_) => {
                "check the section of the model in the configuration; `procos doctor` shows it"
            }
            Self::Request(_) => "change the request: its size, number of samples or schema",
            Self::Refused { status: 401 | 403, .. } => "check the key of the model endpoint",
            Self::Refused { status: 404, .. } => {
                "check the base URL (it ends in /v1) and the name of the model"
            }
            Self::Refused { .. } => "the message of the endpoint says what it does not accept",
            Self::Unavailable { .. } | Self::Resting { .. } => "check that the endpoint runs, then try again",
            Self::Timeout { .. } => "raise the time limits of the model or ask for a shorter answer",
            Self::TooLarge { .. } => "set a token limit on the request",
            Self::Malformed { .. } => "check that the base URL is that of an OpenAI-compatible API",
            Self::Budget { .. } => {
                "raise the budget (section [budget] of the configuration), or wait for the next day"
            }
            Self::Paced { .. } => {
                "ask less at once, or raise requests_per_minute and tokens_per_minute of the model"
            }
            Self::Missing(_) => "name a model for it in the configuration",
        }
    }

    /// True where the same call may work later: the endpoint is at fault, not the request.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. }
                | Self::Timeout { .. }
                | Self::Resting { .. }
                | Self::Malformed { .. }
                | Self::Paced { .. }
        )
    }
}
