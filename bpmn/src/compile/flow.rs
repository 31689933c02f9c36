//! Sequence flows, attachments, and whether each scope can start.

use std::collections::{HashMap, HashSet};

use crate::compile::{Compiler, place};
use crate::error::{Error, Place};
use crate::model::{ArtifactKind, FlowNode, RawElement};
use crate::program::{Flow, NodeIndex, NodeKind, Program, SubProcess, Throw, Trigger};

impl<'a> Compiler<'a> {
    /// Adds the sequence flows to the program.
    pub(super) fn flows(&mut self, program: &mut Program, ordered: &[&FlowNode]) {
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        let mut unknown = self.unknown();
        for flow in &self.process.flows {
            let ends = (self.index.get(flow.source.as_str()), self.index.get(flow.target.as_str()));
            let (Some(&source), Some(&target)) = ends else {
                let ends = [flow.source.as_str(), flow.target.as_str()];
                if !ends.iter().any(|end| unknown.contains_key(end)) {
                    self.wrong_flow(&flow.element, "a sequence flow may not leave its process");
                }
                for end in ends {
                    // Each is told once.
                    if let Some(element) = unknown.get_mut(end).and_then(Option::take) {
                        self.problems.push(Error::NotExecuted {
                            what: element.local_name.clone(),
                            hint: "use a task, a call activity or a sub-process in its place",
                            place: Place::at(end, element.line.0),
                        });
                    }
                }
                continue;
            };
            if let Some(reason) = refusal(program, source, target) {
                self.wrong_flow(&flow.element, reason);
                continue;
            }
            let condition = flow
                .condition
                .as_ref()
                .filter(|condition| !condition.text.is_empty())
                .map(|condition| self.condition(&flow.element, "conditionExpression", condition));
            let index = program.flows.len();
            by_id.insert(&flow.element.id, index);
            program.nodes[source].outgoing.push(index);
            program.nodes[target].incoming.push(index);
            program.flows.push(Flow {
                id: flow.element.id.clone(),
                name: flow.element.name.clone(),
                source,
                target,
                condition,
            });
        }
        for (index, node) in ordered.iter().enumerate() {
            let Some(default) = node.default_flow.as_deref() else { continue };
            match by_id.get(default).filter(|flow| program.nodes[index].outgoing.contains(flow)) {
                Some(&flow) => program.nodes[index].default_flow = Some(flow),
                None => self.problems.push(Error::Dangling {
                    attribute: "default",
                    target: default.to_owned(),
                    place: place(&node.element),
                }),
            }
        }
    }

    /// Elements of the process that the reader kept without knowing what they are, by id.
    fn unknown(&self) -> HashMap<&'a str, Option<&'a RawElement>> {
        let inside = self.process.nodes.iter().flat_map(|node| &node.element.children);
        let all = self.process.element.children.iter().chain(inside);
        all.filter_map(|element| Some((element.get("id")?, Some(element)))).collect()
    }

    fn wrong_flow(&mut self, element: &crate::model::Element, reason: &str) {
        self.problems.push(Error::Flow { reason: reason.to_owned(), place: place(element) });
    }

    /// Connects boundary events to their activities and compensation handlers to what they compensate.
    pub(super) fn attach(&mut self, program: &mut Program, ordered: &[&FlowNode]) {
        for (index, node) in ordered.iter().enumerate() {
            let NodeKind::Boundary { attached_to, .. } = program.nodes[index].kind else { continue };
            if program.nodes[attached_to].parent != program.nodes[index].parent {
                self.refuse(
                    &node.element,
                    "a boundary event that stands in another scope than its activity",
                    "move the event next to its activity",
                );
            }
            program.nodes[attached_to].boundary.push(index);
        }
        for artifact in &self.process.artifacts {
            let ArtifactKind::Association { source, target } = &artifact.kind else { continue };
            let (Some(&from), Some(&to)) = (self.index.get(source.as_str()), self.index.get(target.as_str()))
            else {
                continue;
            };
            if let NodeKind::Boundary { attached_to, trigger: Trigger::Compensation, .. } =
                program.nodes[from].kind
            {
                if !program.nodes[to].is_compensation_handler {
                    self.refuse(
                        &ordered[to].element,
                        "a compensation handler that is not marked as one",
                        "set isForCompensation=\"true\"",
                    );
                }
                program.nodes[from].compensation = Some(to);
                program.nodes[attached_to].compensation = Some(to);
            }
        }
        for (index, node) in program.nodes.iter().enumerate() {
            let is_compensation =
                matches!(node.kind, NodeKind::Boundary { trigger: Trigger::Compensation, .. });
            if is_compensation && node.compensation.is_none() {
                self.missing(ordered[index], "association to a compensation handler");
            }
        }
    }

    /// Checks that each scope can start and that gateways and links lead somewhere.
    pub(super) fn check_scopes(&mut self, program: &Program, ordered: &[&FlowNode]) {
        let mut starts: HashMap<Option<NodeIndex>, usize> = HashMap::new();
        let mut links: HashSet<(Option<NodeIndex>, &str)> = HashSet::new();
        for node in &program.nodes {
            match &node.kind {
                NodeKind::Start { .. } => *starts.entry(node.parent).or_default() += 1,
                NodeKind::EventBased { instantiate: true } if node.incoming.is_empty() => {
                    *starts.entry(node.parent).or_default() += 1;
                }
                NodeKind::Catch(Trigger::Link { name }) => {
                    links.insert((node.parent, name));
                }
                _ => {}
            }
        }
        if !starts.contains_key(&None) {
            let place = place(&self.process.element);
            self.problems.push(Error::Start { reason: "the process has no start event".to_owned(), place });
        }
        for (index, node) in program.nodes.iter().enumerate() {
            let element = &ordered[index].element;
            match &node.kind {
                NodeKind::SubProcess(SubProcess::AdHoc { .. }) => {}
                NodeKind::SubProcess(kind) => {
                    let count = starts.get(&Some(index)).copied().unwrap_or(0);
                    let is_event = matches!(kind, SubProcess::Event);
                    if count == 0 || (is_event && count > 1) {
                        let reason = match count {
                            0 => "the sub-process has no start event",
                            _ => "the event sub-process has several start events",
                        };
                        self.problems.push(Error::Start { reason: reason.to_owned(), place: place(element) });
                    }
                }
                NodeKind::Throw(Throw::Link { name }) if !links.contains(&(node.parent, name)) => {
                    self.problems.push(Error::Dangling {
                        attribute: "link",
                        target: name.clone(),
                        place: place(element),
                    });
                }
                NodeKind::EventBased { .. } => self.check_event_gateway(program, index, ordered),
                _ => {}
            }
        }
    }

    fn check_event_gateway(&mut self, program: &Program, index: NodeIndex, ordered: &[&FlowNode]) {
        let node = &program.nodes[index];
        let waits = |flow: &usize| {
            matches!(
                &program.nodes[program.flows[*flow].target].kind,
                NodeKind::Receive(_)
                    | NodeKind::Catch(
                        Trigger::Timer(_)
                            | Trigger::Message { .. }
                            | Trigger::Signal { .. }
                            | Trigger::Conditional { .. }
                    )
            )
        };
        if node.outgoing.is_empty() || !node.outgoing.iter().all(waits) {
            self.refuse(
                &ordered[index].element,
                "an event-based gateway that leads to something other than events",
                "connect it to catch events (timer, message, signal, condition) or receive tasks only",
            );
        }
    }
}

/// Why there may be no flow between these nodes.
fn refusal(program: &Program, source: NodeIndex, target: NodeIndex) -> Option<&'static str> {
    let (from, to) = (&program.nodes[source], &program.nodes[target]);
    if from.parent != to.parent {
        return Some("a sequence flow may not cross the border of a sub-process");
    }
    match &from.kind {
        NodeKind::End(_) => return Some("a sequence flow may not leave an end event"),
        NodeKind::Throw(Throw::Link { .. }) => {
            return Some("a sequence flow may not leave a throwing link event");
        }
        NodeKind::SubProcess(SubProcess::Event) => {
            return Some("a sequence flow may not leave an event sub-process");
        }
        NodeKind::Boundary { trigger: Trigger::Compensation, .. } => {
            return Some(
                "a compensation event is joined to its handler by an association, not by a sequence flow",
            );
        }
        _ => {}
    }
    match &to.kind {
        NodeKind::Start { .. } => Some("a sequence flow may not enter a start event"),
        NodeKind::Boundary { .. } => Some("a sequence flow may not enter a boundary event"),
        NodeKind::Catch(Trigger::Link { .. }) => Some("a sequence flow may not enter a catching link event"),
        NodeKind::SubProcess(SubProcess::Event) => Some("a sequence flow may not enter an event sub-process"),
        _ if from.is_compensation_handler || to.is_compensation_handler => {
            Some("a compensation handler has no sequence flows")
        }
        _ => None,
    }
}
