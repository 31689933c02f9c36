//! Why a decision cannot be made, each with its code and way out.

/// A decision that could not be made. `docs/errors/` has a page for each code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// The file holds no such decision.
    #[error("there is no decision {decision}")]
    Unknown {
        /// Its id.
        decision: String,
    },
    /// Several rules match where at most one may.
    #[error(
        "rules {} of decision {decision} match at once, and its hit policy UNIQUE allows one",
        list(rules)
    )]
    SeveralMatch {
        /// The decision's id.
        decision: String,
        /// Numbers of the rules, from 1.
        rules: Vec<usize>,
    },
    /// Rules that match give different outputs where all must agree.
    #[error(
        "rules {} of decision {decision} match and give different outputs, and its hit policy is ANY",
        list(rules)
    )]
    Disagree {
        /// The decision's id.
        decision: String,
        /// Numbers of two rules that differ, from 1.
        rules: Vec<usize>,
    },
    /// A value of another type than is declared or needed.
    #[error("{what} of decision {decision} is {value}, a {found}, where a {expected} is needed")]
    WrongType {
        /// The decision's id.
        decision: String,
        /// Which value.
        what: String,
        /// The value.
        value: String,
        /// Its type.
        found: &'static str,
        /// The type needed.
        expected: &'static str,
    },
    /// A value that is not among the allowed ones.
    #[error("{what} of decision {decision} is {value}, allowed are {allowed}")]
    NotAllowed {
        /// The decision's id.
        decision: String,
        /// Which value.
        what: String,
        /// The value.
        value: String,
        /// The allowed values as written.
        allowed: String,
    },
    /// An expression failed.
    #[error("{place} of decision {decision} failed: {reason}")]
    Expression {
        /// The decision's id.
        decision: String,
        /// Which expression.
        place: String,
        /// Why, with its code.
        reason: String,
    },
    /// The result has another shape than the process asks for.
    #[error("decision {decision} gives {found}, and the task asks for {expected}")]
    Shape {
        /// The decision's id.
        decision: String,
        /// What there is.
        found: String,
        /// What was asked for.
        expected: &'static str,
    },
}

impl EvaluationError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "DMN-0003",
            Self::SeveralMatch { .. } => "DMN-0101",
            Self::Disagree { .. } => "DMN-0102",
            Self::WrongType { .. } => "DMN-0103",
            Self::NotAllowed { .. } => "DMN-0104",
            Self::Expression { .. } => "DMN-0105",
            Self::Shape { .. } => "DMN-0106",
        }
    }

    /// The way out.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "deploy the DMN file that holds it",
            Self::SeveralMatch { .. } => {
                "make the rules exclude each other, or choose another hit policy; `procos check` finds all overlaps"
            }
            Self::Disagree { .. } => "make the rules agree, or choose another hit policy",
            Self::WrongType { .. } => "set the variable to a value of that type, or correct the table",
            Self::NotAllowed { .. } => "set the variable to an allowed value, or add the value to the table",
            Self::Expression { .. } => "set the variables it reads, or correct the expression",
            Self::Shape { .. } => "choose another mapDecisionResult, or another hit policy",
        }
    }
}

fn list(numbers: &[usize]) -> String {
    let texts: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match texts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => texts.join(""),
    }
}
