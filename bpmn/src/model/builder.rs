//! Makes a model in code: one process, element by element.

use super::{
    Artifact, ArtifactKind, Definitions, Element, Event, EventDefinition, EventDefinitionKind, EventPosition,
    FlowNode, FlowNodeKind, FormalExpression, Gateway, Lane, LaneSet, Loop, Process, RawAttribute,
    RawElement, RootElement, SequenceFlow, SubProcess, Task, TimerExpression,
};
use crate::model::Documentation;
use crate::xml::namespace;

/// Builds a file with one process. Each call adds one element; calls chain.
///
/// ```
/// use bpmn::model::Builder;
/// let mut builder = Builder::process("order");
/// builder.start("s").service_task("pick", "Pick goods").end("e").flow("s", "pick").flow("pick", "e");
/// let definitions = builder.finish();
/// assert_eq!(definitions.processes[0].nodes.len(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    definitions: Definitions,
    process: Process,
    scope: Vec<String>,
}

impl Builder {
    /// Begins a file with one executable process.
    #[must_use]
    pub fn process(id: &str) -> Self {
        let mut definitions =
            Definitions { element: Element::with_id(format!("{id}_file")), ..Definitions::default() };
        definitions.element.attributes.push(RawAttribute::named(
            "",
            "targetNamespace",
            namespace::PROCOS_FILES,
        ));
        let process =
            Process { element: Element::with_id(id), is_executable: Some(true), ..Process::default() };
        Self { definitions, process, scope: Vec::new() }
    }

    /// Names the process.
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.process.element.name = Some(name.to_owned());
        self
    }

    /// Adds a node of any kind.
    pub fn node(&mut self, id: &str, name: &str, kind: FlowNodeKind) -> &mut Self {
        let mut node = FlowNode::of_kind(id, kind);
        node.element.name = (!name.is_empty()).then(|| name.to_owned());
        node.parent = self.scope.last().cloned();
        self.process.nodes.push(node);
        self
    }

    /// Adds an event.
    pub fn event(
        &mut self,
        id: &str,
        position: EventPosition,
        definition: Option<EventDefinitionKind>,
    ) -> &mut Self {
        let definitions = definition
            .map(|kind| EventDefinition { element: Element::with_id(format!("{id}_definition")), kind })
            .into_iter()
            .collect();
        self.node(id, "", FlowNodeKind::Event(Event { position, definitions }))
    }

    /// Adds a none start event.
    pub fn start(&mut self, id: &str) -> &mut Self {
        self.event(id, EventPosition::Start { interrupting: true }, None)
    }

    /// Adds a none end event.
    pub fn end(&mut self, id: &str) -> &mut Self {
        self.event(id, EventPosition::End, None)
    }

    /// Adds a terminate end event.
    pub fn terminate(&mut self, id: &str) -> &mut Self {
        self.event(id, EventPosition::End, Some(EventDefinitionKind::Terminate))
    }

    /// Adds an error end event; `code` is also the id suffix of the error definition.
    pub fn error_end(&mut self, id: &str, code: &str) -> &mut Self {
        let reference = self.error(code);
        self.event(id, EventPosition::End, Some(EventDefinitionKind::Error(Some(reference))))
    }

    /// Adds a timer catch event with an ISO 8601 duration.
    pub fn wait(&mut self, id: &str, duration: &str) -> &mut Self {
        let timer = TimerExpression::Duration(FormalExpression::of(duration));
        self.event(id, EventPosition::Catch, Some(EventDefinitionKind::Timer(Some(timer))))
    }

    /// Adds a boundary event.
    pub fn boundary(
        &mut self,
        id: &str,
        attached_to: &str,
        interrupting: bool,
        definition: EventDefinitionKind,
    ) -> &mut Self {
        let position = EventPosition::Boundary { attached_to: attached_to.to_owned(), interrupting };
        self.event(id, position, Some(definition))
    }

    /// Adds an undefined task.
    pub fn task(&mut self, id: &str, name: &str) -> &mut Self {
        self.node(id, name, FlowNodeKind::Task(Task::Undefined))
    }

    /// Adds a service task.
    pub fn service_task(&mut self, id: &str, name: &str) -> &mut Self {
        self.node(id, name, FlowNodeKind::Task(Task::Service))
    }

    /// Adds a user task.
    pub fn user_task(&mut self, id: &str, name: &str) -> &mut Self {
        self.node(id, name, FlowNodeKind::Task(Task::User))
    }

    /// Adds a manual task.
    pub fn manual_task(&mut self, id: &str, name: &str) -> &mut Self {
        self.node(id, name, FlowNodeKind::Task(Task::Manual))
    }

    /// Adds a script task with a FEEL expression (without the leading `=`) and its result variable.
    pub fn feel_task(&mut self, id: &str, name: &str, expression: &str, result: &str) -> &mut Self {
        self.node(id, name, FlowNodeKind::Task(Task::Script { format: None, script: None }));
        let script = RawElement::named(namespace::ZEEBE, "script")
            .with("expression", format!("={expression}"))
            .with("resultVariable", result);
        self.extend(id, script)
    }

    /// Adds a call activity.
    pub fn call(&mut self, id: &str, name: &str, process: &str) -> &mut Self {
        self.node(id, name, FlowNodeKind::CallActivity { called_element: Some(process.to_owned()) })
    }

    /// Adds an exclusive gateway.
    pub fn exclusive(&mut self, id: &str, name: &str) -> &mut Self {
        self.node(id, name, FlowNodeKind::Gateway(Gateway::Exclusive))
    }

    /// Adds a parallel gateway.
    pub fn parallel(&mut self, id: &str, name: &str) -> &mut Self {
        self.node(id, name, FlowNodeKind::Gateway(Gateway::Parallel))
    }

    /// Adds an inclusive gateway.
    pub fn inclusive(&mut self, id: &str, name: &str) -> &mut Self {
        self.node(id, name, FlowNodeKind::Gateway(Gateway::Inclusive))
    }

    /// Opens a sub-process: what follows stands in it until [`Builder::leave`].
    pub fn enter(&mut self, id: &str, name: &str, kind: SubProcess) -> &mut Self {
        self.node(id, name, FlowNodeKind::SubProcess(kind));
        self.scope.push(id.to_owned());
        self
    }

    /// Closes the innermost sub-process.
    pub fn leave(&mut self) -> &mut Self {
        self.scope.pop();
        self
    }

    /// Adds a sequence flow named `source-target` (numbered where that is taken).
    pub fn flow(&mut self, source: &str, target: &str) -> &mut Self {
        let plain = format!("{source}-{target}");
        let taken = |id: &str| self.process.flows.iter().any(|flow| flow.element.id == id);
        let mut id = plain.clone();
        let mut number = 2_usize;
        while taken(&id) {
            id = format!("{plain}-{number}");
            number += 1;
        }
        self.process.flows.push(SequenceFlow {
            element: Element::with_id(id),
            parent: self.process.node(source).and_then(|node| node.parent.clone()),
            source: source.to_owned(),
            target: target.to_owned(),
            condition: None,
        });
        self
    }

    /// Adds a flow with a FEEL condition (without the leading `=`) and a label.
    pub fn flow_if(&mut self, source: &str, target: &str, label: &str, condition: &str) -> &mut Self {
        self.flow(source, target);
        if let Some(flow) = self.process.flows.last_mut() {
            flow.condition = Some(FormalExpression::of(format!("={condition}")));
            flow.element.name = (!label.is_empty()).then(|| label.to_owned());
        }
        self
    }

    /// Adds the default flow of a gateway or activity, with a label.
    pub fn flow_default(&mut self, source: &str, target: &str, label: &str) -> &mut Self {
        self.flow(source, target);
        let Some(flow) = self.process.flows.last_mut() else { return self };
        flow.element.name = (!label.is_empty()).then(|| label.to_owned());
        let id = flow.element.id.clone();
        self.change(source, |node| node.default_flow = Some(id))
    }

    /// Changes a node that was added before; does nothing when there is none with this id.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut FlowNode)) -> &mut Self {
        if let Some(node) = self.process.nodes.iter_mut().rev().find(|node| node.element.id == id) {
            change(node);
        }
        self
    }

    /// Adds an extension element to a node.
    pub fn extend(&mut self, id: &str, extension: RawElement) -> &mut Self {
        self.change(id, |node| node.element.extensions.push(extension))
    }

    /// Says how a task is executed, as `procos:*` extension elements.
    pub fn specify(&mut self, id: &str, spec: &crate::program::TaskSpec) -> &mut Self {
        let extensions = crate::compile::extension_elements(spec);
        self.change(id, |node| node.element.extensions.extend(extensions))
    }

    /// Maps a FEEL expression (without the leading `=`) to an input variable of a node.
    pub fn input(&mut self, id: &str, source: &str, target: &str) -> &mut Self {
        self.mapping(id, "input", source, target)
    }

    /// Maps a FEEL expression (without the leading `=`) over a node's result to an outer variable.
    pub fn output(&mut self, id: &str, source: &str, target: &str) -> &mut Self {
        self.mapping(id, "output", source, target)
    }

    fn mapping(&mut self, id: &str, direction: &str, source: &str, target: &str) -> &mut Self {
        let entry = RawElement::named(namespace::ZEEBE, direction)
            .with("source", format!("={source}"))
            .with("target", target);
        self.change(id, |node| {
            let extensions = &mut node.element.extensions;
            if let Some(mappings) = extensions.iter_mut().find(|each| each.is(namespace::ZEEBE, "ioMapping"))
            {
                mappings.children.push(super::RawNode::Element(entry));
            } else {
                extensions.push(RawElement::named(namespace::ZEEBE, "ioMapping").with_child(entry));
            }
        })
    }

    /// Repeats an activity once for each item of a FEEL list (without the leading `=`).
    pub fn for_each(&mut self, id: &str, collection: &str, item: &str, sequential: bool) -> &mut Self {
        let mut element = Element::with_id(format!("{id}_each"));
        element.extensions.push(
            RawElement::named(namespace::ZEEBE, "loopCharacteristics")
                .with("inputCollection", format!("={collection}"))
                .with("inputElement", item),
        );
        let repeat = Loop::Multi { element, sequential, cardinality: None, completion: None };
        self.change(id, |node| node.repeat = Some(repeat))
    }

    /// Sets the documentation of a node, or of the process where there is no such node.
    pub fn document(&mut self, id: &str, text: &str) -> &mut Self {
        let entry = Documentation { text: text.to_owned(), attributes: Vec::new() };
        if id == self.process.element.id {
            self.process.element.documentation.push(entry);
            return self;
        }
        self.change(id, |node| node.element.documentation.push(entry))
    }

    /// Adds a text annotation connected to a node.
    pub fn annotate(&mut self, node: &str, text: &str) -> &mut Self {
        let id = format!("{node}_note");
        let parent = self.process.node(node).and_then(|node| node.parent.clone());
        self.process.artifacts.push(Artifact {
            element: Element::with_id(&id),
            parent: parent.clone(),
            kind: ArtifactKind::TextAnnotation { text: text.to_owned() },
        });
        self.process.artifacts.push(Artifact {
            element: Element::with_id(format!("{id}_line")),
            parent,
            kind: ArtifactKind::Association { source: node.to_owned(), target: id },
        });
        self
    }

    /// Adds a lane with the nodes in it.
    pub fn lane(&mut self, id: &str, name: &str, nodes: &[&str]) -> &mut Self {
        if self.process.lane_sets.is_empty() {
            self.process.lane_sets.push(LaneSet {
                element: Element::with_id(format!("{}_lanes", self.process.element.id)),
                ..LaneSet::default()
            });
        }
        let lane = Lane {
            element: Element { name: Some(name.to_owned()), ..Element::with_id(id) },
            nodes: nodes.iter().map(|&node| node.to_owned()).collect(),
            lane_set: None,
        };
        if let Some(set) = self.process.lane_sets.first_mut() {
            set.lanes.push(lane);
        }
        self
    }

    /// Declares a message and gives its id.
    pub fn message(&mut self, name: &str, correlation_key: Option<&str>) -> String {
        let id = format!("message_{}", identifier(name));
        let mut element = Element { name: Some(name.to_owned()), ..Element::with_id(&id) };
        if let Some(key) = correlation_key {
            element.extensions.push(
                RawElement::named(namespace::ZEEBE, "subscription").with("correlationKey", format!("={key}")),
            );
        }
        declare(&mut self.definitions.messages, RootElement { element, code: None });
        id
    }

    /// Declares a signal and gives its id.
    pub fn signal(&mut self, name: &str) -> String {
        let id = format!("signal_{}", identifier(name));
        let element = Element { name: Some(name.to_owned()), ..Element::with_id(&id) };
        declare(&mut self.definitions.signals, RootElement { element, code: None });
        id
    }

    /// Declares an error and gives its id.
    pub fn error(&mut self, code: &str) -> String {
        let id = format!("error_{}", identifier(code));
        let element = Element { name: Some(code.to_owned()), ..Element::with_id(&id) };
        declare(&mut self.definitions.errors, RootElement { element, code: Some(code.to_owned()) });
        id
    }

    /// Declares an escalation and gives its id.
    pub fn escalation(&mut self, code: &str) -> String {
        let id = format!("escalation_{}", identifier(code));
        let element = Element { name: Some(code.to_owned()), ..Element::with_id(&id) };
        declare(&mut self.definitions.escalations, RootElement { element, code: Some(code.to_owned()) });
        id
    }

    /// The file.
    #[must_use]
    pub fn finish(mut self) -> Definitions {
        self.process.put_in_order();
        self.definitions.processes.push(self.process);
        self.definitions
    }
}

fn declare(elements: &mut Vec<RootElement>, element: RootElement) {
    if !elements.iter().any(|each| each.element.id == element.element.id) {
        elements.push(element);
    }
}

/// A text as part of an XML id: letters, digits, `_`, `-`; everything else becomes `_`.
fn identifier(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
