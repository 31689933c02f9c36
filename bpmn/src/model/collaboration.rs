//! Pools and what passes between them.

use super::{Artifact, Element};

/// A collaboration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collaboration {
    /// Id, name and the rest.
    pub element: Element,
    /// Pools.
    pub participants: Vec<Participant>,
    /// Message flows.
    pub message_flows: Vec<MessageFlow>,
    /// Annotations, groups and associations outside the processes.
    pub artifacts: Vec<Artifact>,
}

/// A pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Participant {
    /// Id, name and the rest.
    pub element: Element,
    /// The process inside; `None` is a black box.
    pub process: Option<String>,
}

/// A message flow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageFlow {
    /// Id, name and the rest.
    pub element: Element,
    /// Participant or flow node it starts at.
    pub source: String,
    /// Participant or flow node it ends at.
    pub target: String,
    /// The message.
    pub message: Option<String>,
}
