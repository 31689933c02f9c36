//! Flow nodes: tasks, events, gateways, sub-processes, call activities.

use super::{Element, Event, EventPosition, FormalExpression};

/// A flow node.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowNode {
    /// Id, name and the rest.
    pub element: Element,
    /// Id of the sub-process it stands in; `None`: the process itself.
    pub parent: Option<String>,
    /// What it is.
    pub kind: FlowNodeKind,
    /// Id of its default flow (activities and gateways).
    pub default_flow: Option<String>,
    /// Repetition (activities).
    pub repeat: Option<Loop>,
    /// Runs only as a compensation handler (activities).
    pub is_for_compensation: bool,
    /// Data that it reads and writes.
    pub data_associations: Vec<DataAssociation>,
}

/// Kinds of flow nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowNodeKind {
    /// A task.
    Task(Task),
    /// An event.
    Event(Event),
    /// A gateway.
    Gateway(Gateway),
    /// A sub-process with nodes inside.
    SubProcess(SubProcess),
    /// A call activity.
    CallActivity {
        /// Id of the process to call, unless an extension says it.
        called_element: Option<String>,
    },
}

/// Kinds of tasks.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// `task`.
    Undefined,
    /// `manualTask`.
    Manual,
    /// `serviceTask`.
    Service,
    /// `userTask`.
    User,
    /// `businessRuleTask`.
    BusinessRule,
    /// `scriptTask`.
    Script {
        /// `scriptFormat`.
        format: Option<String>,
        /// The script.
        script: Option<String>,
    },
    /// `sendTask`.
    Send {
        /// Id of the message.
        message: Option<String>,
    },
    /// `receiveTask`.
    Receive {
        /// Id of the message.
        message: Option<String>,
        /// Starts an instance.
        instantiate: bool,
    },
}

/// Kinds of gateways.
#[derive(Clone, Debug, PartialEq)]
pub enum Gateway {
    /// `exclusiveGateway`.
    Exclusive,
    /// `parallelGateway`.
    Parallel,
    /// `inclusiveGateway`.
    Inclusive,
    /// `eventBasedGateway`.
    EventBased {
        /// Starts an instance.
        instantiate: bool,
    },
    /// `complexGateway`.
    Complex {
        /// Activation condition.
        activation: Option<FormalExpression>,
    },
}

/// Kinds of sub-processes.
#[derive(Clone, Debug, PartialEq)]
pub enum SubProcess {
    /// `subProcess`.
    Embedded,
    /// `subProcess` with `triggeredByEvent`.
    Event,
    /// `transaction`.
    Transaction,
    /// `adHocSubProcess`.
    AdHoc {
        /// `ordering="Sequential"`.
        sequential: bool,
        /// `cancelRemainingInstances`, true where not said.
        cancel_remaining: bool,
        /// Completion condition.
        completion: Option<FormalExpression>,
    },
}

/// Repetition of an activity.
#[derive(Clone, Debug, PartialEq)]
pub enum Loop {
    /// `standardLoopCharacteristics`.
    Standard {
        /// Id and the rest.
        element: Element,
        /// Loop condition.
        condition: Option<FormalExpression>,
        /// Tests before the first run.
        test_before: bool,
        /// At most so often.
        maximum: Option<u32>,
    },
    /// `multiInstanceLoopCharacteristics`.
    Multi {
        /// Id and the rest (Camunda's collection attributes are among the attributes and extensions).
        element: Element,
        /// One after the other.
        sequential: bool,
        /// How many.
        cardinality: Option<FormalExpression>,
        /// Ends it early.
        completion: Option<FormalExpression>,
    },
}

/// A data association of an activity or event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataAssociation {
    /// Id and the rest.
    pub element: Element,
    /// True for `dataInputAssociation`.
    pub is_input: bool,
    /// Ids of what is read.
    pub sources: Vec<String>,
    /// Id of what is written.
    pub target: Option<String>,
}

impl FlowNode {
    /// A node of this kind with nothing else said.
    #[must_use]
    pub fn of_kind(id: impl Into<String>, kind: FlowNodeKind) -> Self {
        Self {
            element: Element::with_id(id),
            parent: None,
            kind,
            default_flow: None,
            repeat: None,
            is_for_compensation: false,
            data_associations: Vec::new(),
        }
    }

    /// Name of its XML element.
    #[must_use]
    pub fn local_name(&self) -> &'static str {
        match &self.kind {
            FlowNodeKind::Task(task) => match task {
                Task::Undefined => "task",
                Task::Manual => "manualTask",
                Task::Service => "serviceTask",
                Task::User => "userTask",
                Task::BusinessRule => "businessRuleTask",
                Task::Script { .. } => "scriptTask",
                Task::Send { .. } => "sendTask",
                Task::Receive { .. } => "receiveTask",
            },
            FlowNodeKind::Event(event) => match event.position {
                EventPosition::Start { .. } => "startEvent",
                EventPosition::End => "endEvent",
                EventPosition::Catch => "intermediateCatchEvent",
                EventPosition::Throw => "intermediateThrowEvent",
                EventPosition::Boundary { .. } => "boundaryEvent",
            },
            FlowNodeKind::Gateway(gateway) => match gateway {
                Gateway::Exclusive => "exclusiveGateway",
                Gateway::Parallel => "parallelGateway",
                Gateway::Inclusive => "inclusiveGateway",
                Gateway::EventBased { .. } => "eventBasedGateway",
                Gateway::Complex { .. } => "complexGateway",
            },
            FlowNodeKind::SubProcess(sub_process) => match sub_process {
                SubProcess::Embedded | SubProcess::Event => "subProcess",
                SubProcess::Transaction => "transaction",
                SubProcess::AdHoc { .. } => "adHocSubProcess",
            },
            FlowNodeKind::CallActivity { .. } => "callActivity",
        }
    }

    /// Whether it is a task, sub-process or call activity.
    #[must_use]
    pub fn is_activity(&self) -> bool {
        !matches!(self.kind, FlowNodeKind::Event(_) | FlowNodeKind::Gateway(_))
    }

    /// Whether nodes stand inside it.
    #[must_use]
    pub fn is_sub_process(&self) -> bool {
        matches!(self.kind, FlowNodeKind::SubProcess(_))
    }

    /// The event, if it is one.
    #[must_use]
    pub fn event(&self) -> Option<&Event> {
        match &self.kind {
            FlowNodeKind::Event(event) => Some(event),
            _ => None,
        }
    }

    /// The activity it is attached to, if it is a boundary event.
    #[must_use]
    pub fn attached_to(&self) -> Option<&str> {
        match &self.event()?.position {
            EventPosition::Boundary { attached_to, .. } => Some(attached_to),
            _ => None,
        }
    }
}
