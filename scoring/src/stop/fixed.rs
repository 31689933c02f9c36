//! A fixed number of samples: the baseline of every other rule (self-consistency).
//!
//! Rule: stop at n. Guarantee: intervals for a fixed n hold; whether there is a winner is a separate question.
//! Source: Wang et al., "Self-Consistency Improves Chain of Thought Reasoning" (ICLR 2023).

use serde::{Deserialize, Serialize};

use crate::{Decision, Tally};

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fixed {
    /// Samples to take.
    pub samples: u64,
}

impl Fixed {
    /// What the rule says now.
    #[must_use]
    pub fn decide(&self, tally: &Tally) -> Decision {
        if tally.samples() >= self.samples { Decision::Enough } else { Decision::Continue }
    }
}
