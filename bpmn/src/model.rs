//! The BPMN 2.0 model of one file, as people and tools write it: every element typed that the language defines for
//! processes and collaborations, everything else kept raw, so that reading and writing loses nothing.
//!
//! Flow nodes of all nesting levels stand flat in [`Process::nodes`] and name the sub-process they stand in; so no
//! code that walks a model needs recursion. References are ids.

mod builder;
mod collaboration;
mod diagram;
mod event;
mod node;
mod process;
mod raw;

pub use builder::Builder;
pub use collaboration::{Collaboration, MessageFlow, Participant};
pub use diagram::{Bounds, Diagram, Edge, Label, Point, Shape};
pub use event::{Event, EventDefinition, EventDefinitionKind, EventPosition, TimerExpression};
pub use node::{DataAssociation, FlowNode, FlowNodeKind, Gateway, Loop, SubProcess, Task};
pub use process::{
    Artifact, ArtifactKind, DataElement, DataElementKind, FormalExpression, Lane, LaneSet, Process,
    SequenceFlow,
};
pub use raw::{Line, Prefixes, RawAttribute, RawElement, RawNode};

/// What every BPMN element may carry (`tBaseElement` of the standard's schema).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element {
    /// Its id; empty where the file gives none and none is needed.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its documentation texts.
    pub documentation: Vec<Documentation>,
    /// What stands in `extensionElements`.
    pub extensions: Vec<RawElement>,
    /// Attributes that this model does not type.
    pub attributes: Vec<RawAttribute>,
    /// Child elements that this model does not type.
    pub children: Vec<RawElement>,
    /// Where it stood in the file; does not count for equality.
    pub line: Line,
}

impl Element {
    /// An element with this id and nothing else.
    #[must_use]
    pub fn with_id(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// The first documentation text that is not empty.
    #[must_use]
    pub fn documentation_text(&self) -> Option<&str> {
        self.documentation.iter().map(|each| each.text.trim()).find(|text| !text.is_empty())
    }

    /// The value of an untyped attribute; an empty namespace is BPMN's own.
    #[must_use]
    pub fn attribute(&self, namespace: &str, local_name: &str) -> Option<&str> {
        raw::find_attribute(&self.attributes, namespace, local_name)
    }

    /// The first extension element with this name.
    #[must_use]
    pub fn extension(&self, namespace: &str, local_name: &str) -> Option<&RawElement> {
        self.extensions.iter().find(|each| each.is(namespace, local_name))
    }

    /// All extension elements with this name.
    pub fn extensions_named<'a>(
        &'a self,
        namespace: &'a str,
        local_name: &'a str,
    ) -> impl Iterator<Item = &'a RawElement> {
        self.extensions.iter().filter(move |each| each.is(namespace, local_name))
    }
}

/// A `documentation` element.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documentation {
    /// Its text.
    pub text: String,
    /// Its attributes (`id`, `textFormat`).
    pub attributes: Vec<RawAttribute>,
}

/// A whole BPMN file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definitions {
    /// Id, name and the root's other attributes (`targetNamespace`, `exporter`, …).
    pub element: Element,
    /// Prefixes declared in the file, so that names inside values stay valid.
    pub prefixes: Prefixes,
    /// Messages.
    pub messages: Vec<RootElement>,
    /// Signals.
    pub signals: Vec<RootElement>,
    /// Errors.
    pub errors: Vec<RootElement>,
    /// Escalations.
    pub escalations: Vec<RootElement>,
    /// Collaborations.
    pub collaborations: Vec<Collaboration>,
    /// Processes.
    pub processes: Vec<Process>,
    /// Root elements that this model does not type (`itemDefinition`, `dataStore`, `category`, `choreography`, …).
    pub others: Vec<RawElement>,
    /// Diagrams.
    pub diagrams: Vec<Diagram>,
}

/// A message, signal, error or escalation that events refer to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RootElement {
    /// Id, name and the rest.
    pub element: Element,
    /// `errorCode` or `escalationCode`.
    pub code: Option<String>,
}

impl Definitions {
    /// The process with this id.
    #[must_use]
    pub fn process(&self, id: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.element.id == id)
    }

    /// The flow node with this id and the process that holds it.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<(&Process, &FlowNode)> {
        self.processes.iter().find_map(|process| process.node(id).map(|node| (process, node)))
    }

    /// The flow node with this id, to be changed.
    pub fn node_mut(&mut self, id: &str) -> Option<&mut FlowNode> {
        self.processes
            .iter_mut()
            .flat_map(|process| process.nodes.iter_mut())
            .find(|node| node.element.id == id)
    }
}
