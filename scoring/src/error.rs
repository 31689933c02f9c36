//! What can go wrong with declared distributions and stop rules.

/// An error of the statistics: always a declaration that makes no sense, never a matter of chance.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A parameter of a distribution is missing or out of range.
    #[error("distribution {distribution}: {problem}")]
    Distribution {
        /// Name of the distribution.
        distribution: String,
        /// What is wrong, with the parameter's name.
        problem: String,
    },
    /// A stop rule or budget makes no sense.
    #[error("stop rule: {0}")]
    Stop(String),
    /// More samples or labels than a tally takes.
    #[error("limit {limit} reached: a tally takes at most {maximum}")]
    Limit {
        /// Name of the limit.
        limit: &'static str,
        /// The limit.
        maximum: usize,
    },
    /// A weight that is not a positive finite number.
    #[error("a sample's weight must be a positive finite number, not {0}")]
    Weight(f64),
    /// Variants that cannot be chosen between.
    #[error("variants: {0}")]
    Variants(String),
    /// What is declared for a simulation makes no sense.
    #[error("{element}: {problem}")]
    Simulation {
        /// Id of the element.
        element: String,
        /// What is wrong.
        problem: String,
    },
    /// An element that the simulation in time cannot carry out.
    #[error("{element}: {what} cannot be simulated in time")]
    NotSimulated {
        /// Id of the element.
        element: String,
        /// What it is.
        what: String,
        /// The way out.
        hint: &'static str,
    },
}

impl Error {
    /// The stable code, which is also the name of a page in `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Distribution { .. } => "SCORING-0001",
            Self::Stop(_) => "SCORING-0002",
            Self::Limit { .. } => "SCORING-0003",
            Self::Weight(_) => "SCORING-0004",
            Self::Simulation { .. } => "SCORING-0005",
            Self::NotSimulated { .. } => "SCORING-0006",
            Self::Variants(_) => "SCORING-0007",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Distribution { .. } => "correct the parameters of the procos:draw",
            Self::Stop(_) => "correct the attributes of the procos:stop",
            Self::Limit { .. } => "lower the budget in samples, or group equal answers under one label",
            Self::Simulation { .. } => {
                "correct the procos:simulation of the element; docs/simulation.md shows every attribute"
            }
            Self::NotSimulated { hint, .. } => hint,
            Self::Variants(_) => {
                "name two versions or more, with a floor of at most 1 divided by their number"
            }
            Self::Weight(_) => "give each sample a weight above zero, or leave weights out",
        }
    }
}
