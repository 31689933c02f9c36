//! What would change a process so that a finding goes away: edits of one element, an instruction, or a way back.

use bpmn::model::{Definitions, FlowNode, RawAttribute, RawElement};
use bpmn::xml::namespace::{PROCOS, ZEEBE};

use crate::error::Error;
use crate::generate::refine;
use crate::proposals::PromptChange;

/// A change that may help.
#[derive(Clone, Debug, PartialEq)]
pub enum Remedy {
    /// An edit of one element.
    Edit {
        /// Its id.
        element: String,
        /// The edit.
        edit: Edit,
    },
    /// An instruction as a person would give it; see [`refine`].
    Instruct(String),
    /// Back to a former version.
    Restore {
        /// Key of its definition.
        definition: i64,
        /// Its number.
        version: i32,
    },
    /// A new version of a prompt; no process changes.
    Prompt(Box<PromptChange>),
}

/// An edit of one element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The task may take so many samples.
    SampleBudget(u64),
    /// A person decides where the task stays undecided.
    AskPersonIfUndecided,
    /// The task is tried so many times before it is an incident.
    Attempts(u32),
}

impl Remedy {
    /// What changes, in a line.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Edit { element, edit } => match edit {
                Edit::SampleBudget(samples) => format!("'{element}' may take {samples} samples"),
                Edit::AskPersonIfUndecided => {
                    format!("a person decides '{element}' where it stays undecided")
                }
                Edit::Attempts(attempts) => format!("'{element}' is tried up to {attempts} times"),
            },
            Self::Instruct(instruction) => instruction.clone(),
            Self::Restore { version, .. } => format!("back to version {version}"),
            Self::Prompt(change) => format!("a new version of the prompt '{}'", change.name),
        }
    }

    /// The process as it would be. A way back has no edit of its own: its BPMN is the former version's; a prompt is no
    /// part of it.
    ///
    /// # Errors
    /// `DAS-0005` where the element is not there, `DAS-0006` where the result would not be executable.
    pub fn apply(&self, definitions: &Definitions) -> Result<String, Error> {
        match self {
            Self::Edit { element, edit } => edit_element(definitions, element, edit),
            Self::Instruct(instruction) => Ok(refine(definitions, instruction)?.xml),
            Self::Restore { .. } | Self::Prompt(_) => Ok(bpmn::xml::write(definitions)),
        }
    }
}

fn edit_element(definitions: &Definitions, element: &str, edit: &Edit) -> Result<String, Error> {
    let mut changed = definitions.clone();
    let node = changed
        .processes
        .iter_mut()
        .flat_map(|process| process.nodes.iter_mut())
        .find(|node| node.element.id == element)
        .ok_or_else(|| Error::Instruction {
            instruction: format!("{edit:?}"),
            why: format!("the process has no element '{element}'"),
        })?;
    match edit {
        Edit::SampleBudget(samples) => set(node, PROCOS, "stop", "samples", &samples.to_string()),
        Edit::AskPersonIfUndecided => set(node, PROCOS, "task", "undecided", "person"),
        Edit::Attempts(attempts) => set(node, ZEEBE, "taskDefinition", "retries", &attempts.to_string()),
    }
    bpmn::compile::compile(&changed, None).map_err(|problems| Error::Model(problems.to_string()))?;
    Ok(bpmn::xml::write(&changed))
}

/// Sets an attribute of an extension element, wherever it stands: beside `procos:task` or in it.
fn set(node: &mut FlowNode, namespace: &str, local_name: &str, attribute: &str, value: &str) {
    let extensions = &mut node.element.extensions;
    let place = find(extensions, namespace, local_name);
    let target = match place {
        Some((outer, None)) => extensions.get_mut(outer),
        Some((outer, Some(inner))) => {
            extensions.get_mut(outer).and_then(|outer| match outer.children.get_mut(inner) {
                Some(bpmn::model::RawNode::Element(inner)) => Some(inner),
                _ => None,
            })
        }
        None => {
            extensions.push(RawElement::named(namespace, local_name));
            extensions.last_mut()
        }
    };
    let Some(target) = target else { return };
    target.attributes.retain(|each| each.local_name != attribute);
    target.attributes.push(RawAttribute::named("", attribute, value));
}

fn find(extensions: &[RawElement], namespace: &str, local_name: &str) -> Option<(usize, Option<usize>)> {
    let direct = extensions.iter().position(|each| each.is(namespace, local_name));
    direct.map(|outer| (outer, None)).or_else(|| {
        extensions.iter().enumerate().find_map(|(outer, each)| {
            let inside = each.children.iter().position(|child| match child {
                bpmn::model::RawNode::Element(element) => element.is(namespace, local_name),
                bpmn::model::RawNode::Text(_) => false,
            })?;
            Some((outer, Some(inside)))
        })
    })
}
