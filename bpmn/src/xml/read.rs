//! From XML to the model.

use crate::error::{Error, Place};
use crate::model::{
    Artifact, ArtifactKind, Collaboration, Definitions, Documentation, Element, MessageFlow, Participant,
    RawAttribute, RawElement, RawNode, RootElement,
};
use crate::xml::namespace::BPMN;
use crate::xml::{read_diagram, read_node, references, tree};

/// Reads a BPMN 2.0 file.
///
/// # Errors
/// When it is no BPMN 2.0 file, exceeds a limit, holds an id twice or refers to something that is not there: see
/// [`Error`].
pub fn read(bytes: &[u8]) -> Result<Definitions, Error> {
    let tree = tree::parse(bytes)?;
    let root = tree.root;
    if &*root.namespace != BPMN || root.local_name != "definitions" {
        let reason =
            format!("its root element is {} in the namespace {:?}", root.local_name, &*root.namespace);
        return Err(Error::NotBpmn { reason, place: Place::at("", root.line.0) });
    }
    references::check_ids(&root)?;
    let ids = references::collect_ids(&root);
    let mut element = element(root);
    let mut definitions = Definitions { prefixes: tree.prefixes, ..Definitions::default() };
    for child in std::mem::take(&mut element.children) {
        read_root_child(&mut definitions, child)?;
    }
    definitions.element = element;
    references::resolve(&mut definitions, &ids)?;
    Ok(definitions)
}

fn read_root_child(definitions: &mut Definitions, child: RawElement) -> Result<(), Error> {
    if &*child.namespace != BPMN {
        if read_diagram::is_diagram(&child) {
            definitions.diagrams.push(read_diagram::diagram(child)?);
        } else {
            definitions.others.push(child);
        }
        return Ok(());
    }
    match child.local_name.as_str() {
        "message" => definitions.messages.push(root_element(child, "")),
        "signal" => definitions.signals.push(root_element(child, "")),
        "error" => definitions.errors.push(root_element(child, "errorCode")),
        "escalation" => definitions.escalations.push(root_element(child, "escalationCode")),
        "collaboration" => definitions.collaborations.push(collaboration(child)?),
        "process" => definitions.processes.push(read_node::process(child)?),
        _ => definitions.others.push(child),
    }
    Ok(())
}

/// Takes what all elements share out of a raw one; the rest stays in `attributes` and `children`, from where the
/// readers of each element take what they know.
pub(super) fn element(raw: RawElement) -> Element {
    let mut element = Element { line: raw.line, attributes: raw.attributes, ..Element::default() };
    element.id = take(&mut element, "id").unwrap_or_default();
    element.name = take(&mut element, "name");
    for child in raw.children {
        let RawNode::Element(child) = child else { continue };
        if child.is(BPMN, "documentation") && child.elements().next().is_none() {
            let text = child.children.iter().find_map(|node| match node {
                RawNode::Text(text) => Some(text.clone()),
                RawNode::Element(_) => None,
            });
            element
                .documentation
                .push(Documentation { text: text.unwrap_or_default(), attributes: child.attributes });
        } else if child.is(BPMN, "extensionElements") {
            element.extensions.extend(child.children.into_iter().filter_map(|node| match node {
                RawNode::Element(extension) => Some(extension),
                RawNode::Text(_) => None,
            }));
        } else {
            element.children.push(child);
        }
    }
    element
}

/// Takes an attribute out.
pub(super) fn take(element: &mut Element, local_name: &str) -> Option<String> {
    take_from(&mut element.attributes, local_name)
}

/// Takes an attribute without namespace out of a list.
pub(super) fn take_from(attributes: &mut Vec<RawAttribute>, local_name: &str) -> Option<String> {
    let index =
        attributes.iter().position(|each| each.namespace.is_empty() && each.local_name == local_name)?;
    Some(attributes.remove(index).value)
}

/// Takes an attribute out that must be there.
pub(super) fn take_required(
    element: &mut Element,
    local_name: &str,
    attribute: &'static str,
) -> Result<String, Error> {
    match take(element, attribute) {
        Some(value) if !value.trim().is_empty() => Ok(value),
        _ => {
            Err(Error::Missing { local_name: local_name.to_owned(), what: attribute, place: place(element) })
        }
    }
}

/// Takes a boolean attribute out.
pub(super) fn take_bool(element: &mut Element, attribute: &str) -> Result<Option<bool>, Error> {
    match take(element, attribute) {
        None => Ok(None),
        Some(value) => parse_bool(&value, attribute, || place(element)).map(Some),
    }
}

pub(super) fn parse_bool(value: &str, attribute: &str, place: impl Fn() -> Place) -> Result<bool, Error> {
    match value.trim() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Error::Value {
            attribute: attribute.to_owned(),
            value: value.to_owned(),
            expected: "true or false",
            place: place(),
        }),
    }
}

/// Takes the first child with this name out.
pub(super) fn take_child(element: &mut Element, local_name: &str) -> Option<RawElement> {
    let index = element.children.iter().position(|child| child.is(BPMN, local_name))?;
    Some(element.children.remove(index))
}

/// Takes all children with this name out.
pub(super) fn take_children(element: &mut Element, local_name: &str) -> Vec<RawElement> {
    let (taken, rest) =
        std::mem::take(&mut element.children).into_iter().partition(|child| child.is(BPMN, local_name));
    element.children = rest;
    taken
}

pub(super) fn place(element: &Element) -> Place {
    Place::at(&element.id, element.line.0)
}

/// The text of an element, trimmed, or nothing.
pub(super) fn text_of(raw: &RawElement) -> Option<String> {
    let text = raw.text();
    (!text.is_empty()).then_some(text)
}

fn root_element(raw: RawElement, code: &str) -> RootElement {
    let mut element = element(raw);
    let code = take(&mut element, code);
    RootElement { element, code }
}

fn collaboration(raw: RawElement) -> Result<Collaboration, Error> {
    let mut collaboration = Collaboration { element: element(raw), ..Collaboration::default() };
    for child in std::mem::take(&mut collaboration.element.children) {
        if &*child.namespace != BPMN {
            collaboration.element.children.push(child);
            continue;
        }
        match child.local_name.as_str() {
            "participant" => {
                let mut element = element(child);
                let process = take(&mut element, "processRef");
                collaboration.participants.push(Participant { element, process });
            }
            "messageFlow" => {
                let mut element = element(child);
                let source = take_required(&mut element, "messageFlow", "sourceRef")?;
                let target = take_required(&mut element, "messageFlow", "targetRef")?;
                let message = take(&mut element, "messageRef");
                collaboration.message_flows.push(MessageFlow { element, source, target, message });
            }
            "textAnnotation" | "group" | "association" => {
                collaboration.artifacts.push(artifact(child, None)?);
            }
            _ => collaboration.element.children.push(child),
        }
    }
    Ok(collaboration)
}

/// Reads a text annotation, group or association.
pub(super) fn artifact(raw: RawElement, parent: Option<String>) -> Result<Artifact, Error> {
    let local_name = raw.local_name.clone();
    let mut element = element(raw);
    let kind = match local_name.as_str() {
        "textAnnotation" => ArtifactKind::TextAnnotation {
            text: take_child(&mut element, "text").as_ref().and_then(text_of).unwrap_or_default(),
        },
        "group" => ArtifactKind::Group { category_value: take(&mut element, "categoryValueRef") },
        _ => ArtifactKind::Association {
            source: take_required(&mut element, "association", "sourceRef")?,
            target: take_required(&mut element, "association", "targetRef")?,
        },
    };
    Ok(Artifact { element, parent, kind })
}
