//! Early stopping by window: stop when one whole window of answers agrees.
//!
//! Rule: samples are taken in windows of w; stop when a window is unanimous.
//! Guarantee: none on the error rate; a given window is unanimously wrong with probability Σ pₖʷ over the wrong
//! outcomes. Made for endpoints that answer in batches.
//! Source: Li et al., "Escape Sky-high Cost: Early-stopping Self-Consistency" (ICLR 2024).

use serde::{Deserialize, Serialize};

use crate::{Decision, Tally};

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlyWindow {
    /// Samples in a window, usually 5.
    pub window: usize,
}

impl EarlyWindow {
    /// What the rule says now: it looks at the end of each window only.
    #[must_use]
    pub fn decide(&self, tally: &Tally) -> Decision {
        let sequence = tally.sequence();
        let window = self.window.max(1);
        if sequence.is_empty() || !sequence.len().is_multiple_of(window) {
            return Decision::Continue;
        }
        let last = sequence.get(sequence.len() - window..).unwrap_or_default();
        match last.first() {
            Some(first) if last.iter().all(|place| place == first) => Decision::Winner(usize::from(*first)),
            _ => Decision::Continue,
        }
    }
}
