//! What an instance still has to do inside a step: the agenda of the token rules.

use serde::{Deserialize, Serialize};

use super::Local;

/// One transition to be made; kept only where a step yields or an incident holds it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Work {
    /// A token reaches the end of a flow.
    Arrive {
        /// Place of the flow in the program.
        flow: u32,
        /// Scope in which the token moves; 0 is the process.
        scope: Local,
    },
    /// An activated element begins its work.
    Run {
        /// The element instance.
        element: Local,
    },
    /// The work of an element is done: its results are handed up.
    Leave {
        /// The element instance.
        element: Local,
    },
    /// An element with its results handed up chooses its outgoing flows and ends.
    Exit {
        /// The element instance.
        element: Local,
    },
    /// A body begins its next run, or ends.
    Next {
        /// The body of a multi-instance or loop.
        element: Local,
    },
    /// A compensation or cancel event compensates the next activity, or ends.
    Compensate {
        /// The throwing event.
        element: Local,
    },
    /// Conditional events are looked at again.
    Conditions,
}

impl Work {
    /// The element instance it is about, where it is about one.
    pub(super) fn element(self) -> Option<Local> {
        match self {
            Self::Run { element }
            | Self::Leave { element }
            | Self::Exit { element }
            | Self::Next { element }
            | Self::Compensate { element } => Some(element),
            Self::Arrive { .. } | Self::Conditions => None,
        }
    }
}
