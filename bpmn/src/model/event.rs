//! Events and their definitions.

use super::{Element, FormalExpression};

/// An event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Where in a process it stands.
    pub position: EventPosition,
    /// What it waits for or throws; empty for a none event, several for a multiple event.
    pub definitions: Vec<EventDefinition>,
}

/// Where in a process an event stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum EventPosition {
    /// Start event.
    Start {
        /// For event sub-processes.
        interrupting: bool,
    },
    /// End event.
    End,
    /// Intermediate catch event.
    #[default]
    Catch,
    /// Intermediate throw event.
    Throw,
    /// Boundary event.
    Boundary {
        /// Id of the activity.
        attached_to: String,
        /// Whether it interrupts the activity.
        interrupting: bool,
    },
}

/// An event definition.
#[derive(Clone, Debug, PartialEq)]
pub struct EventDefinition {
    /// Id and the rest.
    pub element: Element,
    /// What kind.
    pub kind: EventDefinitionKind,
}

/// Kinds of event definitions. References are ids of root elements.
#[derive(Clone, Debug, PartialEq)]
pub enum EventDefinitionKind {
    /// Timer.
    Timer(Option<TimerExpression>),
    /// Message.
    Message(Option<String>),
    /// Signal.
    Signal(Option<String>),
    /// Error.
    Error(Option<String>),
    /// Escalation.
    Escalation(Option<String>),
    /// Conditional.
    Conditional(Option<FormalExpression>),
    /// Link; its name is the element's.
    Link,
    /// Compensation, of one activity or the scope.
    Compensate(Option<String>),
    /// Cancel.
    Cancel,
    /// Terminate.
    Terminate,
}

impl EventDefinitionKind {
    /// Name of its XML element.
    #[must_use]
    pub fn local_name(&self) -> &'static str {
        match self {
            Self::Timer(_) => "timerEventDefinition",
            Self::Message(_) => "messageEventDefinition",
            Self::Signal(_) => "signalEventDefinition",
            Self::Error(_) => "errorEventDefinition",
            Self::Escalation(_) => "escalationEventDefinition",
            Self::Conditional(_) => "conditionalEventDefinition",
            Self::Link => "linkEventDefinition",
            Self::Compensate(_) => "compensateEventDefinition",
            Self::Cancel => "cancelEventDefinition",
            Self::Terminate => "terminateEventDefinition",
        }
    }
}

/// When a timer fires.
#[derive(Clone, Debug, PartialEq)]
pub enum TimerExpression {
    /// `timeDate`.
    Date(FormalExpression),
    /// `timeDuration`.
    Duration(FormalExpression),
    /// `timeCycle`.
    Cycle(FormalExpression),
}

impl TimerExpression {
    /// Name of its XML element and the expression.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &FormalExpression) {
        match self {
            Self::Date(expression) => ("timeDate", expression),
            Self::Duration(expression) => ("timeDuration", expression),
            Self::Cycle(expression) => ("timeCycle", expression),
        }
    }
}
