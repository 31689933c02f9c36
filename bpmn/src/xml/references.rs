//! Ids are unique and references lead somewhere.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Place};
use crate::model::{
    ArtifactKind, Definitions, Event, EventDefinitionKind, EventPosition, FlowNodeKind, RawElement, Task,
};
use crate::xml::namespace::{BPMN, BPMN_DI};
use crate::xml::read::place;

/// Calls `visit` for every element outside of `extensionElements`, in document order.
fn walk<'a>(
    root: &'a RawElement,
    mut visit: impl FnMut(&'a RawElement) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut open = vec![root];
    while let Some(element) = open.pop() {
        visit(element)?;
        if element.is(BPMN, "extensionElements") {
            continue;
        }
        let children: Vec<_> = element.elements().collect();
        open.extend(children.into_iter().rev());
    }
    Ok(())
}

/// Refuses an id that two model elements, or two diagram elements, share.
pub(super) fn check_ids(root: &RawElement) -> Result<(), Error> {
    let mut seen: HashMap<(bool, &str), u32> = HashMap::new();
    walk(root, |element| {
        let is_model = &*element.namespace == BPMN;
        if !is_model && &*element.namespace != BPMN_DI {
            return Ok(());
        }
        let Some(id) = element.get("id") else { return Ok(()) };
        match seen.insert((is_model, id), element.line.0) {
            None => Ok(()),
            Some(first) => {
                Err(Error::DuplicateId { id: id.to_owned(), first, place: Place::at(id, element.line.0) })
            }
        }
    })
}

/// All ids of model elements.
pub(super) fn collect_ids(root: &RawElement) -> HashSet<String> {
    let mut ids = HashSet::new();
    let collected = walk(root, |element| {
        if let (BPMN, Some(id)) = (&*element.namespace, element.get("id")) {
            ids.insert(id.to_owned());
        }
        Ok(())
    });
    debug_assert!(collected.is_ok());
    ids
}

struct Resolver<'a> {
    ids: &'a HashSet<String>,
}

impl Resolver<'_> {
    /// Brings a reference to the plain id: tools write it with or without a prefix.
    fn resolve(&self, reference: &mut String, attribute: &'static str, place: &Place) -> Result<(), Error> {
        let plain = reference.trim();
        if self.ids.contains(plain) {
            if plain.len() != reference.len() {
                *reference = plain.to_owned();
            }
            return Ok(());
        }
        match plain.split_once(':') {
            Some((_, local)) if self.ids.contains(local) => {
                *reference = local.to_owned();
                Ok(())
            }
            _ => Err(Error::Dangling { attribute, target: plain.to_owned(), place: place.clone() }),
        }
    }

    fn resolve_optional(
        &self,
        reference: &mut Option<String>,
        attribute: &'static str,
        place: &Place,
    ) -> Result<(), Error> {
        match reference {
            Some(text) if text.trim().is_empty() => {
                *reference = None;
                Ok(())
            }
            Some(text) => self.resolve(text, attribute, place),
            None => Ok(()),
        }
    }

    fn event(&self, event: &mut Event, place: &Place) -> Result<(), Error> {
        if let EventPosition::Boundary { attached_to, .. } = &mut event.position {
            self.resolve(attached_to, "attachedToRef", place)?;
        }
        for definition in &mut event.definitions {
            match &mut definition.kind {
                EventDefinitionKind::Message(reference) => {
                    self.resolve_optional(reference, "messageRef", place)
                }
                EventDefinitionKind::Signal(reference) => {
                    self.resolve_optional(reference, "signalRef", place)
                }
                EventDefinitionKind::Error(reference) => self.resolve_optional(reference, "errorRef", place),
                EventDefinitionKind::Escalation(reference) => {
                    self.resolve_optional(reference, "escalationRef", place)
                }
                EventDefinitionKind::Compensate(reference) => {
                    self.resolve_optional(reference, "activityRef", place)
                }
                _ => Ok(()),
            }?;
        }
        Ok(())
    }
}

/// Resolves all references of a file.
pub(super) fn resolve(definitions: &mut Definitions, ids: &HashSet<String>) -> Result<(), Error> {
    let resolver = Resolver { ids };
    for process in &mut definitions.processes {
        for node in &mut process.nodes {
            let place = place(&node.element);
            resolver.resolve_optional(&mut node.default_flow, "default", &place)?;
            match &mut node.kind {
                FlowNodeKind::Event(event) => resolver.event(event, &place)?,
                FlowNodeKind::Task(Task::Send { message } | Task::Receive { message, .. }) => {
                    resolver.resolve_optional(message, "messageRef", &place)?;
                }
                _ => {}
            }
        }
        for flow in &mut process.flows {
            let place = place(&flow.element);
            resolver.resolve(&mut flow.source, "sourceRef", &place)?;
            resolver.resolve(&mut flow.target, "targetRef", &place)?;
        }
        for set in &mut process.lane_sets {
            let mut open = vec![set];
            while let Some(set) = open.pop() {
                for lane in &mut set.lanes {
                    let place = place(&lane.element);
                    for node in &mut lane.nodes {
                        resolver.resolve(node, "flowNodeRef", &place)?;
                    }
                    open.extend(lane.lane_set.as_deref_mut());
                }
            }
        }
        resolve_artifacts(&resolver, &mut process.artifacts)?;
    }
    for collaboration in &mut definitions.collaborations {
        for participant in &mut collaboration.participants {
            let place = place(&participant.element);
            resolver.resolve_optional(&mut participant.process, "processRef", &place)?;
        }
        for flow in &mut collaboration.message_flows {
            let place = place(&flow.element);
            resolver.resolve(&mut flow.source, "sourceRef", &place)?;
            resolver.resolve(&mut flow.target, "targetRef", &place)?;
            resolver.resolve_optional(&mut flow.message, "messageRef", &place)?;
        }
        resolve_artifacts(&resolver, &mut collaboration.artifacts)?;
    }
    for diagram in &mut definitions.diagrams {
        resolve_diagram(&resolver, diagram)?;
    }
    Ok(())
}

fn resolve_artifacts(resolver: &Resolver<'_>, artifacts: &mut [crate::model::Artifact]) -> Result<(), Error> {
    for artifact in artifacts {
        let place = place(&artifact.element);
        if let ArtifactKind::Association { source, target } = &mut artifact.kind {
            resolver.resolve(source, "sourceRef", &place)?;
            resolver.resolve(target, "targetRef", &place)?;
        }
    }
    Ok(())
}

fn resolve_diagram(resolver: &Resolver<'_>, diagram: &mut crate::model::Diagram) -> Result<(), Error> {
    let place = Place::at(&diagram.plane_id, 0);
    resolver.resolve_optional(&mut diagram.plane_element, "bpmnElement", &place)?;
    for shape in &mut diagram.shapes {
        if !shape.element.is_empty() {
            resolver.resolve(&mut shape.element, "bpmnElement", &Place::at(&shape.id, shape.line.0))?;
        }
    }
    for edge in &mut diagram.edges {
        if !edge.element.is_empty() {
            resolver.resolve(&mut edge.element, "bpmnElement", &Place::at(&edge.id, edge.line.0))?;
        }
    }
    Ok(())
}
