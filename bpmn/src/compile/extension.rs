//! What the extensions of other engines have in common, and those that nothing here executes.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::model::{Element, RawAttribute, RawElement};
use crate::xml::namespace::{CAMUNDA_FAMILY, PROCOS, ZEEBE};

/// Whether it is the namespace of Camunda 7, a fork or an ancestor of it.
pub(super) fn is_camunda(namespace: &str) -> bool {
    CAMUNDA_FAMILY.contains(&namespace)
}

/// The value of a Camunda 7 attribute.
pub(super) fn attribute<'a>(element: &'a Element, local_name: &str) -> Option<&'a str> {
    attribute_in(&element.attributes, local_name)
}

/// The value of a Camunda 7 attribute in a list.
pub(super) fn attribute_in<'a>(attributes: &'a [RawAttribute], local_name: &str) -> Option<&'a str> {
    let found =
        attributes.iter().find(|each| each.local_name == local_name && is_camunda(&each.namespace))?;
    Some(found.value.as_str())
}

/// Camunda 7 extension elements with this name.
pub(super) fn camunda<'a>(element: &'a Element, local_name: &'a str) -> impl Iterator<Item = &'a RawElement> {
    element.extensions.iter().filter(move |each| each.local_name == local_name && is_camunda(&each.namespace))
}

/// The attribute of a Camunda 8 extension element.
pub(super) fn zeebe<'a>(element: &'a Element, extension: &str, attribute: &str) -> Option<&'a str> {
    element.extension(ZEEBE, extension)?.get(attribute)
}

/// Reads `zeebe:properties` and `camunda:properties`.
pub(super) fn read_properties(element: &Element, into: &mut BTreeMap<String, String>) {
    let lists = element.extensions_named(ZEEBE, "properties").chain(camunda(element, "properties"));
    for entry in lists.flat_map(|list| list.elements_named("property")) {
        if let (Some(name), Some(value)) = (entry.get("name"), entry.get("value")) {
            into.insert(name.to_owned(), value.to_owned());
        }
    }
}

const PROCOS_ELEMENTS: [&str; 8] =
    ["simulation", "task", "outcome", "draw", "stop", "compute", "prompt", "origin"];

/// Refuses extensions that would be ignored: they do something on the engine they were written for.
pub(super) fn refuse_inert(problems: &mut Vec<Error>, element: &Element) {
    let mut refuse = |what: String, hint: &'static str| {
        problems.push(Error::NotExecuted { what, hint, place: super::place(element) });
    };
    for extension in &element.extensions {
        let name = extension.local_name.as_str();
        if is_camunda(&extension.namespace) {
            match name {
                "executionListener" | "taskListener" => {
                    refuse(format!("camunda:{name}"), "make the listener's work a task of its own")
                }
                "connector" => refuse("camunda:connector".to_owned(), "use procos:task by=\"http\""),
                _ => {}
            }
        } else if &*extension.namespace == ZEEBE {
            if matches!(name, "executionListeners" | "taskListeners") && extension.elements().next().is_some()
            {
                refuse(format!("zeebe:{name}"), "make the listener's work a task of its own");
            }
        } else if &*extension.namespace == PROCOS && !PROCOS_ELEMENTS.contains(&name) && name != "process" {
            refuse(
                format!("procos:{name}"),
                "known are task, outcome, draw, stop, compute, prompt, origin, simulation and process",
            );
        }
    }
    for name in ["class", "delegateExpression"] {
        if attribute(element, name).is_some() {
            refuse(
                format!("camunda:{name} (Java code)"),
                "make it an external task (camunda:type=\"external\" with a topic), or say procos:task by=…",
            );
        }
    }
    for child in &element.children {
        if child.local_name == "eventDefinitionRef" {
            refuse(
                "a reference to a shared event definition".to_owned(),
                "put the event definition into the event",
            );
        } else if child.local_name.ends_with("EventDefinition") {
            refuse(child.local_name.clone(), "use one of the standard's event definitions");
        }
    }
}
