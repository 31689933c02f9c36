//! Events: which definition may stand where, and what it means.
//!
//! | position | none | timer | message | signal | error | escalation | conditional | link | compensation | cancel | terminate |
//! | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
//! | start of a process | × | × | × | × | | | × | | | | |
//! | start of a sub-process | × | | | | | | | | | | |
//! | start of an event sub-process | | × | × | × | × | × | × | | × | | |
//! | intermediate catch | | × | × | × | | | × | × | | | |
//! | boundary | | × | × | × | × | × | × | | × | × (transaction) | |
//! | intermediate throw | × | | × | × | | × | | × | × | | |
//! | end | × | | × | × | × | × | | | × | × (transaction) | × |

use serde_json::Value;

use crate::compile::extension::{attribute, zeebe};
use crate::compile::{Compiler, is_message, says_executor};
use crate::expression::{Expression, ParseMode};
use crate::model::{
    self, Element, Event, EventDefinition, EventDefinitionKind, EventPosition, FlowNode, FlowNodeKind,
    TimerExpression,
};
use crate::program::{NodeKind, TaskSpec, Throw, Timer, Trigger};

impl<'a> Compiler<'a> {
    /// What an event does.
    pub(super) fn event(&mut self, node: &'a FlowNode, event: &'a Event, spec: &mut TaskSpec) -> NodeKind {
        if event.definitions.len() > 1 {
            self.refuse(
                &node.element,
                "an event with several definitions",
                "use one event for each, joined by gateways or as several boundary events",
            );
        }
        let definition = event.definitions.first();
        match &event.position {
            EventPosition::Start { interrupting } => self.start(node, definition, *interrupting),
            EventPosition::End => NodeKind::End(self.throw(node, definition, true, spec)),
            EventPosition::Throw => NodeKind::Throw(self.throw(node, definition, false, spec)),
            EventPosition::Catch => match definition {
                Some(definition) => NodeKind::Catch(self.catch(node, definition)),
                None => {
                    self.missing(node, "event definition");
                    NodeKind::PassThrough
                }
            },
            EventPosition::Boundary { attached_to, interrupting } => {
                self.boundary(node, definition, attached_to, *interrupting)
            }
        }
    }

    fn parent(&self, node: &FlowNode) -> Option<&'a FlowNode> {
        node.parent.as_deref().and_then(|parent| self.process.node(parent))
    }

    fn start(
        &mut self,
        node: &FlowNode,
        definition: Option<&EventDefinition>,
        interrupting: bool,
    ) -> NodeKind {
        let parent = self.parent(node).map(|parent| &parent.kind);
        let in_event_sub_process = matches!(parent, Some(FlowNodeKind::SubProcess(model::SubProcess::Event)));
        let kind = definition.map(|definition| &definition.kind);
        use EventDefinitionKind as Kind;
        let fits = match (parent, kind) {
            (_, None) => !in_event_sub_process,
            (None, Some(Kind::Timer(_) | Kind::Message(_) | Kind::Signal(_) | Kind::Conditional(_))) => true,
            (
                Some(_),
                Some(
                    Kind::Timer(_)
                    | Kind::Message(_)
                    | Kind::Signal(_)
                    | Kind::Conditional(_)
                    | Kind::Error(_)
                    | Kind::Escalation(_)
                    | Kind::Compensate(_),
                ),
            ) => in_event_sub_process,
            _ => false,
        };
        if !fits {
            let hint = match in_event_sub_process {
                true => {
                    "an event sub-process starts by a timer, message, signal, error, escalation or condition"
                }
                false => {
                    "a process starts by a command, timer, message, signal or condition; a sub-process by none"
                }
            };
            self.refuse(&node.element, describe("a start event", kind), hint);
        }
        if matches!(kind, Some(Kind::Error(_) | Kind::Compensate(_))) && !interrupting {
            self.refuse(&node.element, "a non-interrupting error start event", "make it interrupting");
        }
        let trigger = definition.filter(|_| fits).map(|definition| self.trigger(node, definition));
        NodeKind::Start { trigger, interrupting }
    }

    fn catch(&mut self, node: &FlowNode, definition: &EventDefinition) -> Trigger {
        use EventDefinitionKind as Kind;
        if !matches!(
            definition.kind,
            Kind::Timer(_) | Kind::Message(_) | Kind::Signal(_) | Kind::Conditional(_) | Kind::Link
        ) {
            self.refuse(
                &node.element,
                describe("an intermediate catch event", Some(&definition.kind)),
                "catch it with a boundary event or an event sub-process",
            );
        }
        self.trigger(node, definition)
    }

    fn boundary(
        &mut self,
        node: &FlowNode,
        definition: Option<&EventDefinition>,
        attached_to: &str,
        interrupting: bool,
    ) -> NodeKind {
        use EventDefinitionKind as Kind;
        let Some(definition) = definition else {
            self.missing(node, "event definition");
            return NodeKind::PassThrough;
        };
        let host = self.process.node(attached_to);
        let is_transaction = host.is_some_and(|host| {
            matches!(host.kind, FlowNodeKind::SubProcess(model::SubProcess::Transaction))
        });
        let fits = match definition.kind {
            Kind::Link | Kind::Terminate => false,
            Kind::Cancel => is_transaction && interrupting,
            Kind::Error(_) => interrupting,
            _ => true,
        };
        if !fits {
            self.refuse(
                &node.element,
                describe("this kind of boundary event", Some(&definition.kind)),
                "error and cancel events interrupt; a cancel event belongs to a transaction",
            );
        }
        match self.index.get(attached_to) {
            Some(&index) if host.is_some_and(FlowNode::is_activity) => NodeKind::Boundary {
                attached_to: index,
                trigger: self.trigger(node, definition),
                interrupting,
            },
            _ => {
                self.refuse(
                    &node.element,
                    format!("a boundary event on {attached_to}"),
                    "attach it to a task, sub-process or call activity of the same process",
                );
                NodeKind::PassThrough
            }
        }
    }

    /// What an event waits for.
    fn trigger(&mut self, node: &FlowNode, definition: &EventDefinition) -> Trigger {
        let element = &node.element;
        match &definition.kind {
            EventDefinitionKind::Timer(timer) => Trigger::Timer(self.timer(node, timer.as_ref())),
            EventDefinitionKind::Message(reference) => self.message_trigger(node, reference.as_deref()),
            EventDefinitionKind::Signal(reference) => {
                Trigger::Signal { name: self.signal_name(node, reference.as_deref()) }
            }
            EventDefinitionKind::Error(reference) => Trigger::Error {
                code: Self::root(&self.definitions.errors, reference.as_deref()).and_then(catch_code),
                code_variable: attribute(&definition.element, "errorCodeVariable").map(str::to_owned),
                message_variable: attribute(&definition.element, "errorMessageVariable").map(str::to_owned),
            },
            EventDefinitionKind::Escalation(reference) => Trigger::Escalation {
                code: Self::root(&self.definitions.escalations, reference.as_deref()).and_then(catch_code),
            },
            EventDefinitionKind::Conditional(condition) => match condition {
                Some(condition) if !condition.text.is_empty() => {
                    Trigger::Conditional { condition: self.condition(element, "condition", condition) }
                }
                _ => match zeebe(&definition.element, "conditionalFilter", "condition") {
                    Some(text) => Trigger::Conditional {
                        condition: self.expression(element, "condition", text, ParseMode::Condition),
                    },
                    None => {
                        self.missing(node, "condition");
                        Trigger::Conditional { condition: Expression::literal(Value::Bool(false)) }
                    }
                },
            },
            EventDefinitionKind::Compensate(_) => Trigger::Compensation,
            EventDefinitionKind::Cancel => Trigger::Cancel,
            EventDefinitionKind::Link | EventDefinitionKind::Terminate => {
                Trigger::Link { name: self.link_name(node, definition) }
            }
        }
    }

    fn link_name(&mut self, node: &FlowNode, definition: &EventDefinition) -> String {
        let name = definition.element.name.as_ref().or(node.element.name.as_ref());
        match name.filter(|name| !name.trim().is_empty()) {
            Some(name) => name.trim().to_owned(),
            None => {
                self.missing(node, "link name");
                String::new()
            }
        }
    }

    fn timer(&mut self, node: &FlowNode, timer: Option<&TimerExpression>) -> Timer {
        let Some(timer) = timer.filter(|timer| !timer.parts().1.text.is_empty()) else {
            self.missing(node, "timer expression");
            return Timer::Duration(Expression::literal(Value::Null));
        };
        let (name, formal) = timer.parts();
        let expression = self.expression(&node.element, name, &formal.text, ParseMode::Timer);
        match timer {
            TimerExpression::Date(_) => Timer::Date(expression),
            TimerExpression::Duration(_) => Timer::Duration(expression),
            TimerExpression::Cycle(_) => Timer::Cycle(expression),
        }
    }

    /// Name and correlation key of a message.
    fn message(&mut self, node: &FlowNode, reference: Option<&str>) -> (Expression, Option<Expression>) {
        let element = &node.element;
        let message = Self::root(&self.definitions.messages, reference);
        let named =
            message.and_then(|message| message.element.name.clone()).or_else(|| reference.map(str::to_owned));
        let name = named
            .filter(|name| !name.trim().is_empty())
            .or_else(|| self.flow_messages.get(element.id.as_str()).cloned());
        let Some(name) = name else {
            self.missing(node, "message");
            return (Expression::literal(Value::Null), None);
        };
        let name = self.expression(element, "message name", &name, ParseMode::Name);
        let key = message
            .and_then(|message| zeebe(&message.element, "subscription", "correlationKey"))
            .or_else(|| zeebe(element, "subscription", "correlationKey"))
            .filter(|key| !key.trim().is_empty())
            .map(str::to_owned);
        let key = key.map(|key| self.expression(element, "correlationKey", &key, ParseMode::Condition));
        (name, key)
    }

    /// A message waited for.
    pub(super) fn message_trigger(&mut self, node: &FlowNode, reference: Option<&str>) -> Trigger {
        let (name, correlation_key) = self.message(node, reference);
        Trigger::Message { name, correlation_key }
    }

    /// A message thrown.
    pub(super) fn message_throw(&mut self, node: &FlowNode, reference: Option<&str>) -> NodeKind {
        let (name, correlation_key) = self.message(node, reference);
        NodeKind::Throw(Throw::Message { name, correlation_key })
    }

    fn signal_name(&mut self, node: &FlowNode, reference: Option<&str>) -> Expression {
        let signal = Self::root(&self.definitions.signals, reference);
        let name =
            signal.map(|signal| signal.element.name.clone().unwrap_or_else(|| signal.element.id.clone()));
        match name {
            Some(name) => self.expression(&node.element, "signal name", &name, ParseMode::Name),
            None => {
                self.missing(node, "signal");
                Expression::literal(Value::Null)
            }
        }
    }

    fn throw(
        &mut self,
        node: &FlowNode,
        definition: Option<&EventDefinition>,
        is_end: bool,
        spec: &mut TaskSpec,
    ) -> Throw {
        let Some(definition) = definition else { return Throw::None };
        let element = &node.element;
        if is_message(&definition.kind) {
            read_job_type(&definition.element, spec);
            if says_executor(spec) {
                return Throw::Job;
            }
        }
        match &definition.kind {
            EventDefinitionKind::Message(reference) => {
                let (name, correlation_key) = self.message(node, reference.as_deref());
                Throw::Message { name, correlation_key }
            }
            EventDefinitionKind::Signal(reference) => {
                Throw::Signal { name: self.signal_name(node, reference.as_deref()) }
            }
            EventDefinitionKind::Escalation(reference) => {
                let found =
                    Self::root(&self.definitions.escalations, reference.as_deref()).and_then(catch_code);
                let code =
                    found.map(|code| self.expression(element, "escalationCode", &code, ParseMode::Name));
                Throw::Escalation { code }
            }
            EventDefinitionKind::Compensate(reference) => Throw::Compensation {
                activity: reference.as_deref().and_then(|id| {
                    let index = self.index.get(id).copied();
                    if index.is_none() {
                        self.missing(node, "activity to compensate in this process");
                    }
                    index
                }),
            },
            EventDefinitionKind::Link if !is_end => Throw::Link { name: self.link_name(node, definition) },
            EventDefinitionKind::Terminate if is_end => Throw::Terminate,
            EventDefinitionKind::Error(reference) if is_end => {
                let found = Self::root(&self.definitions.errors, reference.as_deref()).and_then(catch_code);
                let Some(code) = found else {
                    self.missing(node, "error code");
                    return Throw::None;
                };
                Throw::Error { code: self.expression(element, "errorCode", &code, ParseMode::Name) }
            }
            EventDefinitionKind::Cancel if is_end => {
                let parent = self.parent(node).map(|parent| &parent.kind);
                if !matches!(parent, Some(FlowNodeKind::SubProcess(model::SubProcess::Transaction))) {
                    self.refuse(
                        element,
                        "a cancel end event outside of a transaction",
                        "use a terminate end event",
                    );
                }
                Throw::Cancel
            }
            kind => {
                let position = if is_end { "an end event" } else { "an intermediate throw event" };
                self.refuse(
                    element,
                    describe(position, Some(kind)),
                    "use an event that this position allows",
                );
                Throw::None
            }
        }
    }
}

/// The code an error or escalation is known by: its code, otherwise its name, otherwise its id.
fn catch_code(root: &model::RootElement) -> Option<String> {
    let candidates = [root.code.as_ref(), root.element.name.as_ref(), Some(&root.element.id)];
    candidates.into_iter().flatten().map(|code| code.trim()).find(|code| !code.is_empty()).map(str::to_owned)
}

/// Camunda 7 puts the topic of a message event on its definition.
fn read_job_type(definition: &Element, spec: &mut TaskSpec) {
    if let Some(topic) = attribute(definition, "topic") {
        spec.job_type = Some(topic.to_owned());
    }
}

fn describe(position: &str, kind: Option<&EventDefinitionKind>) -> String {
    match kind {
        None => format!("{position} without definition"),
        Some(kind) => format!("{position} with {}", kind.local_name()),
    }
}
