//! Changes to the order of steps that are there: at the ends, swapped, moved, conditional, repeated, with a deadline.

use bpmn::model::{
    Element, Event, EventDefinition, EventDefinitionKind, EventPosition, FlowNodeKind, FormalExpression,
    Gateway, Task, TimerExpression,
};

use super::Work;
use crate::error::Error;
use crate::text::{self, sentence_case};
use crate::tree::identifier;

impl Work<'_> {
    /// A step right behind the start, or right before the end.
    pub(super) fn add_at(&mut self, what: &str, first: bool) -> Result<(), Error> {
        let at = |position: fn(&EventPosition) -> bool| {
            let mut found = self.process.nodes.iter().filter(move |node| {
                node.parent.is_none()
                    && matches!(&node.kind, FlowNodeKind::Event(event) if position(&event.position))
            });
            let plain = found.clone().find(
                |node| matches!(&node.kind, FlowNodeKind::Event(event) if event.definitions.is_empty()),
            );
            plain.or_else(|| found.next()).map(|node| node.element.id.clone())
        };
        let anchor = if first {
            at(|position| matches!(position, EventPosition::Start { .. }))
        } else {
            at(|position| matches!(position, EventPosition::End))
        };
        let Some(anchor) = anchor else {
            return Err(self.unclear("the process has no start or end event there".to_owned()));
        };
        self.add(what, &anchor, !first, None)
    }

    /// A step that is done beside another one.
    pub(super) fn add_beside(&mut self, what: &str, anchor: &str) -> Result<(), Error> {
        let anchor = self.find(anchor)?;
        self.add(what, &anchor, false, None)?;
        let Some(added) = self.elements.last().cloned() else { return Ok(()) };
        self.changes.pop();
        self.parallel(&anchor, &added)
    }

    /// Two steps change places; each stays in its lane.
    pub(super) fn swap(&mut self, one: &str, other: &str) -> Result<(), Error> {
        let (one, other) = (self.find(one)?, self.find(other)?);
        if one == other {
            return Err(self.unclear("both mean the same step".to_owned()));
        }
        let parent = |id: &str| self.process.node(id).and_then(|node| node.parent.clone());
        if parent(&one) != parent(&other) {
            return Err(self.unclear("one step is inside a sub-process and the other is not".to_owned()));
        }
        let turn = |id: &mut String| {
            if *id == one {
                id.clone_from(&other);
            } else if *id == other {
                id.clone_from(&one);
            }
        };
        for flow in &mut self.process.flows {
            turn(&mut flow.source);
            turn(&mut flow.target);
        }
        let mut defaults = [None, None];
        for node in &mut self.process.nodes {
            if node.element.id == one {
                defaults[0] = node.default_flow.take();
            } else if node.element.id == other {
                defaults[1] = node.default_flow.take();
            }
        }
        let [first, second] = defaults;
        for node in &mut self.process.nodes {
            if node.element.id == one {
                node.default_flow.clone_from(&second);
            } else if node.element.id == other {
                node.default_flow.clone_from(&first);
            }
        }
        self.changes.push(format!("'{}' and '{}' change places", self.label(&one), self.label(&other)));
        self.swapped.push((one.clone(), other.clone()));
        self.elements.extend([one, other]);
        Ok(())
    }

    /// A step goes to another place; what stood around it is joined.
    pub(super) fn shift(&mut self, what: &str, anchor: &str, before: bool) -> Result<(), Error> {
        let (id, anchor) = (self.find(what)?, self.find(anchor)?);
        if id == anchor {
            return Err(self.unclear("both mean the same step".to_owned()));
        }
        let next = self.only_way_out(&id)?;
        let parent = self.process.node(&anchor).and_then(|node| node.parent.clone());
        self.process.flows.retain(|flow| flow.source != id);
        for flow in self.process.flows.iter_mut().filter(|flow| flow.target == id) {
            flow.target.clone_from(&next);
        }
        if let Some(node) = self.process.nodes.iter_mut().find(|node| node.element.id == id) {
            node.parent = parent;
        }
        if before {
            for flow in self.process.flows.iter_mut().filter(|flow| flow.target == anchor) {
                flow.target.clone_from(&id);
            }
            self.connect(&id, &anchor, None);
        } else {
            self.move_outgoing(&anchor, &id);
            self.connect(&anchor, &id, None);
        }
        let side = if before { "before" } else { "after" };
        self.changes.push(format!("'{}' is done {side} '{}'", self.label(&id), self.label(&anchor)));
        self.moved.push(id.clone());
        self.elements.push(id);
        Ok(())
    }

    /// The step behind one that has exactly one way out and nothing attached or inside.
    pub(super) fn only_way_out(&self, id: &str) -> Result<String, Error> {
        let label = self.label(id);
        let next: Vec<&str> = self
            .process
            .flows
            .iter()
            .filter(|flow| flow.source == id)
            .map(|flow| flow.target.as_str())
            .collect();
        let own = self
            .process
            .nodes
            .iter()
            .any(|node| node.attached_to() == Some(id) || node.parent.as_deref() == Some(id));
        let entered = self.process.flows.iter().any(|flow| flow.target == id);
        match next.as_slice() {
            [target] if !own && entered => Ok((*target).to_owned()),
            [_] => {
                Err(self
                    .unclear(format!("'{label}' has events or steps of its own; change it in the editor")))
            }
            _ => {
                Err(self
                    .unclear(format!("'{label}' does not have exactly one way out; change it in the editor")))
            }
        }
    }

    /// A step that is done only when something holds, or skipped when it does.
    pub(super) fn when(&mut self, what: &str, condition: &str, skip: bool) -> Result<(), Error> {
        let id = self.find(what)?;
        let asked = text::ask(condition);
        let split = self.free(&format!("{id}_needed"));
        let join = self.free(&format!("{id}_done"));
        self.place(&id, &split, &asked.question, FlowNodeKind::Gateway(Gateway::Exclusive));
        self.place(&id, &join, "", FlowNodeKind::Gateway(Gateway::Exclusive));
        for flow in self.process.flows.iter_mut().filter(|flow| flow.target == id) {
            flow.target.clone_from(&split);
        }
        self.move_outgoing(&id, &join);
        self.connect(&id, &join, None);
        let (held, other) = if skip { (&join, &id) } else { (&id, &join) };
        let taken = self.connect(&split, held, Some(&asked.feel));
        let default = self.connect(&split, other, None);
        self.answer(&taken, asked.held);
        self.answer(&default, asked.failed);
        self.set_default(&split, default);
        let how = if skip { "is skipped" } else { "is only done" };
        self.changes.push(format!("'{}' {how} if {condition}", self.label(&id)));
        Ok(())
    }

    /// A step that is done again until something holds.
    pub(super) fn until(&mut self, what: &str, condition: &str) -> Result<(), Error> {
        let id = self.find(what)?;
        let asked = text::ask(condition);
        let join = self.free(&format!("{id}_again"));
        let split = self.free(&format!("{id}_checked"));
        self.place(&id, &join, "", FlowNodeKind::Gateway(Gateway::Exclusive));
        self.place(&id, &split, &asked.question, FlowNodeKind::Gateway(Gateway::Exclusive));
        for flow in self.process.flows.iter_mut().filter(|flow| flow.target == id) {
            flow.target.clone_from(&join);
        }
        self.move_outgoing(&id, &split);
        self.connect(&join, &id, None);
        self.connect(&id, &split, None);
        let onward =
            self.process.flows.iter().find(|flow| flow.source == split).map(|f| f.element.id.clone());
        let back = self.connect(&split, &join, Some(&asked.opposite));
        self.answer(&back, asked.failed);
        if let Some(onward) = onward {
            self.answer(&onward, asked.held);
            self.set_default(&split, onward);
        }
        self.changes.push(format!("'{}' is repeated until {condition}", self.label(&id)));
        Ok(())
    }

    /// A step that is given up after some time; something else is done then.
    pub(super) fn deadline(
        &mut self,
        what: &str,
        time: &str,
        duration: &str,
        then: &str,
    ) -> Result<(), Error> {
        let id = self.find(what)?;
        let next = self.only_way_out(&id)?;
        let timer = self.free(&format!("{id}_deadline"));
        let name = sentence_case(then);
        let handler = self.free(&identifier(&name));
        let definition = EventDefinition {
            element: Element::with_id(format!("{timer}_definition")),
            kind: EventDefinitionKind::Timer(Some(TimerExpression::Duration(FormalExpression::of(duration)))),
        };
        let position = EventPosition::Boundary { attached_to: id.clone(), interrupting: true };
        let event = Event { position, definitions: vec![definition] };
        self.place(&id, &timer, &format!("{time} passed"), FlowNodeKind::Event(event));
        self.place(&id, &handler, &name, FlowNodeKind::Task(Task::Service));
        let mut waits = false;
        if let Some(node) = self.process.nodes.iter_mut().find(|node| node.element.id == id)
            && matches!(node.kind, FlowNodeKind::Task(Task::Manual | Task::Undefined))
        {
            // A deadline only passes where somebody is waited for.
            node.kind = FlowNodeKind::Task(Task::User);
            waits = true;
        }
        self.connect(&timer, &handler, None);
        self.connect(&handler, &next, None);
        let label = self.label(&id);
        self.changes.push(format!("'{name}' is done if '{label}' takes longer than {time}"));
        if waits {
            self.changes.push(format!("'{label}' waits for a person now"));
        }
        Ok(())
    }

    fn answer(&mut self, flow: &str, name: &str) {
        if let Some(flow) = self.process.flows.iter_mut().find(|other| other.element.id == flow) {
            flow.element.name = Some(name.to_owned());
        }
    }

    fn set_default(&mut self, gateway: &str, flow: String) {
        if let Some(node) = self.process.nodes.iter_mut().find(|node| node.element.id == gateway) {
            node.default_flow = Some(flow);
        }
    }
}
