//! From the model to programs: resolves every reference, parses every expression, and refuses with element, line and
//! hint whatever would not be executed.

mod activity;
mod decision;
mod event;
mod extension;
mod flow;
mod mapping;
mod repeat;
mod specify;
mod task_spec;

pub use specify::extension_elements;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::error::{Error, Place, Problems};
use crate::expression::{Expression, ParseMode};
use crate::model::{
    Definitions, Element, EventDefinitionKind, FlowNode, FlowNodeKind, FormalExpression, Gateway, Process,
    RootElement,
};
use crate::program::{Node, NodeIndex, NodeKind, Program, TaskSpec};
use crate::xml::namespace::{PROCOS, ZEEBE};

/// Makes programs of one process, or of all executable ones.
///
/// A process is executable unless `isExecutable` is `false`; one without content (the process of a black-box pool)
/// is left out. A process asked for by its id is compiled whatever `isExecutable` says.
///
/// # Errors
/// All problems found, at most [`MAX_PROBLEMS`], in document order.
pub fn compile(definitions: &Definitions, process_id: Option<&str>) -> Result<Vec<Program>, Problems> {
    let selected = select(definitions, process_id)?;
    let mut programs = Vec::new();
    let mut problems = Vec::new();
    for process in selected {
        let mut compiler = Compiler::over(definitions, process);
        let program = compiler.run();
        problems.append(&mut compiler.problems);
        programs.push(program);
    }
    if problems.is_empty() {
        Ok(programs)
    } else {
        problems.truncate(MAX_PROBLEMS);
        Err(Problems(problems))
    }
}

/// Most problems reported for one file.
pub const MAX_PROBLEMS: usize = 100;

fn select<'a>(definitions: &'a Definitions, process_id: Option<&str>) -> Result<Vec<&'a Process>, Error> {
    if let Some(id) = process_id {
        return match definitions.process(id) {
            Some(process) => Ok(vec![process]),
            None => Err(Error::NothingExecutable { reason: format!("there is no process {id}") }),
        };
    }
    let executable = |process: &&Process| process.is_executable != Some(false) && !process.nodes.is_empty();
    let selected: Vec<_> = definitions.processes.iter().filter(executable).collect();
    if !selected.is_empty() {
        return Ok(selected);
    }
    let reason = match definitions.processes.as_slice() {
        [] => "the file holds no process".to_owned(),
        processes if processes.iter().all(|process| process.nodes.is_empty()) => {
            "the process is empty".to_owned()
        }
        _ => "no process is marked as executable".to_owned(),
    };
    Err(Error::NothingExecutable { reason })
}

/// Compiles one process.
struct Compiler<'a> {
    definitions: &'a Definitions,
    process: &'a Process,
    index: HashMap<&'a str, NodeIndex>,
    /// Message names given by message flows, for events that refer to no message.
    flow_messages: HashMap<&'a str, String>,
    problems: Vec<Error>,
}

impl<'a> Compiler<'a> {
    fn over(definitions: &'a Definitions, process: &'a Process) -> Self {
        let flow_messages = flow_messages(definitions);
        Self { definitions, process, index: HashMap::new(), flow_messages, problems: Vec::new() }
    }

    fn run(&mut self) -> Program {
        let ordered = self.order();
        self.index =
            ordered.iter().enumerate().map(|(index, node)| (node.element.id.as_str(), index)).collect();
        let mut nodes: Vec<Node> = Vec::with_capacity(ordered.len());
        for node in &ordered {
            let compiled = self.node(node);
            nodes.push(compiled);
        }
        let process = &self.process.element;
        let mut program = Program {
            process_id: process.id.clone(),
            name: process.name.clone(),
            nodes,
            flows: Vec::new(),
            properties: properties(process),
        };
        extension::refuse_inert(&mut self.problems, process);
        self.flows(&mut program, &ordered);
        self.attach(&mut program, &ordered);
        self.check_scopes(&program, &ordered);
        program
    }

    /// Flow nodes with every sub-process before its contents, otherwise in document order.
    fn order(&mut self) -> Vec<&'a FlowNode> {
        let mut by_parent: HashMap<Option<&str>, Vec<&FlowNode>> = HashMap::new();
        for node in &self.process.nodes {
            by_parent.entry(node.parent.as_deref()).or_default().push(node);
        }
        let mut ordered = Vec::with_capacity(self.process.nodes.len());
        let mut open: Vec<_> = by_parent.remove(&None).unwrap_or_default().into_iter().rev().collect();
        while let Some(node) = open.pop() {
            ordered.push(node);
            if let Some(children) = by_parent.remove(&Some(node.element.id.as_str())) {
                open.extend(children.into_iter().rev());
            }
        }
        let mut orphans: Vec<_> = by_parent.into_values().flatten().collect();
        orphans.sort_by(|a, b| a.element.id.cmp(&b.element.id));
        for node in orphans {
            self.problems.push(Error::Dangling {
                attribute: "parent",
                target: node.parent.clone().unwrap_or_default(),
                place: place(&node.element),
            });
        }
        ordered
    }

    fn node(&mut self, node: &'a FlowNode) -> Node {
        extension::refuse_inert(&mut self.problems, &node.element);
        let mut spec = self.task_spec(node);
        let kind = match &node.kind {
            FlowNodeKind::Task(task) => self.task(node, task, &mut spec),
            FlowNodeKind::Event(event) => self.event(node, event, &mut spec),
            FlowNodeKind::Gateway(gateway) => self.gateway(node, gateway),
            FlowNodeKind::SubProcess(sub_process) => self.sub_process(node, sub_process),
            FlowNodeKind::CallActivity { called_element } => self.call(node, called_element.as_deref()),
        };
        let (inputs, outputs) = self.mappings(node);
        let repeat = node.repeat.as_ref().and_then(|repeat| self.repeat(node, repeat));
        Node {
            id: node.element.id.clone(),
            name: node.element.name.clone(),
            local_name: node.local_name().to_owned(),
            line: node.element.line.0,
            kind,
            parent: node.parent.as_deref().and_then(|parent| self.index.get(parent)).copied(),
            incoming: Vec::new(),
            outgoing: Vec::new(),
            default_flow: None,
            boundary: Vec::new(),
            repeat,
            inputs,
            outputs,
            task: spec,
            compensation: None,
            is_compensation_handler: node.is_for_compensation,
        }
    }

    fn gateway(&mut self, node: &FlowNode, gateway: &Gateway) -> NodeKind {
        match gateway {
            Gateway::Exclusive => NodeKind::Exclusive,
            Gateway::Parallel => NodeKind::Parallel,
            Gateway::Inclusive => NodeKind::Inclusive,
            Gateway::EventBased { instantiate } => {
                if node.element.attribute("", "eventGatewayType") == Some("Parallel") {
                    self.refuse(
                        &node.element,
                        "an event-based gateway that waits for all of its events",
                        "wait for each event on a path of its own, between parallel gateways",
                    );
                }
                NodeKind::EventBased { instantiate: *instantiate }
            }
            Gateway::Complex { activation } => NodeKind::Complex {
                activation: activation
                    .as_ref()
                    .filter(|activation| !activation.text.is_empty())
                    .map(|activation| self.condition(&node.element, "activationCondition", activation)),
            },
        }
    }

    /// Parses an expression; a problem is noted and stands for `null`.
    fn expression(&mut self, element: &Element, attribute: &str, text: &str, mode: ParseMode) -> Expression {
        match Expression::parse(text, mode) {
            Ok(expression) => expression,
            Err(error) => {
                self.problems.push(Error::Expression {
                    attribute: attribute.to_owned(),
                    reason: format!("{error}; {}", error.hint()),
                    place: place(element),
                });
                Expression::literal(Value::Null)
            }
        }
    }

    /// Parses a formal expression as a condition, minding its language.
    fn condition(&mut self, element: &Element, attribute: &str, formal: &FormalExpression) -> Expression {
        self.check_language(element, attribute, formal);
        self.expression(element, attribute, &formal.text, ParseMode::Condition)
    }

    fn check_language(&mut self, element: &Element, attribute: &str, formal: &FormalExpression) {
        let language = formal.language.as_deref().unwrap_or("").to_ascii_lowercase();
        // Some tools write their default language everywhere; a text that says itself what it is wins.
        let is_marked =
            formal.text.starts_with('=') || formal.text.contains("${") || formal.text.contains("#{");
        let is_known =
            is_marked || language.is_empty() || ["feel", "juel"].iter().any(|it| language.contains(it));
        if !is_known || extension::attribute_in(&formal.attributes, "resource").is_some() {
            self.refuse(
                element,
                format!(
                    "{attribute} in the language {:?}",
                    formal.language.as_deref().unwrap_or("of a resource")
                ),
                "write the expression in FEEL",
            );
        }
    }

    fn refuse(&mut self, element: &Element, what: impl Into<String>, hint: &'static str) {
        self.problems.push(Error::NotExecuted { what: what.into(), hint, place: place(element) });
    }

    fn missing(&mut self, node: &FlowNode, what: &'static str) {
        self.problems.push(Error::Missing {
            local_name: node.local_name().to_owned(),
            what,
            place: place(&node.element),
        });
    }

    fn root<'r>(elements: &'r [RootElement], id: Option<&str>) -> Option<&'r RootElement> {
        id.and_then(|id| elements.iter().find(|element| element.element.id == id))
    }
}

fn place(element: &Element) -> Place {
    Place::at(&element.id, element.line.0)
}

/// Names for messages that only a message flow describes: both of its ends use the flow's message, its name or its
/// id.
fn flow_messages(definitions: &Definitions) -> HashMap<&str, String> {
    let mut names = HashMap::new();
    for flow in definitions.collaborations.iter().flat_map(|collaboration| &collaboration.message_flows) {
        let message = Compiler::root(&definitions.messages, flow.message.as_deref());
        let name = message
            .and_then(|message| message.element.name.clone())
            .or_else(|| flow.element.name.clone())
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| flow.element.id.clone());
        for end in [&flow.source, &flow.target] {
            names.entry(end.as_str()).or_insert_with(|| name.clone());
        }
    }
    names
}

/// What parts above read of a process: documentation, version tag, properties and `procos:*` attributes.
fn properties(process: &Element) -> BTreeMap<String, String> {
    let mut properties = BTreeMap::new();
    if let Some(text) = process.documentation_text() {
        properties.insert("documentation".to_owned(), text.to_owned());
    }
    for attribute in &process.attributes {
        if extension::is_camunda(&attribute.namespace) || &*attribute.namespace == PROCOS {
            properties.insert(attribute.local_name.clone(), attribute.value.clone());
        }
    }
    if let Some(tag) = process.extension(ZEEBE, "versionTag").and_then(|tag| tag.get("value")) {
        properties.insert("versionTag".to_owned(), tag.to_owned());
    }
    for extension in process.extensions.iter().filter(|extension| &*extension.namespace == PROCOS) {
        for attribute in &extension.attributes {
            properties.insert(attribute.local_name.clone(), attribute.value.clone());
        }
    }
    extension::read_properties(process, &mut properties);
    properties
}

/// Whether an event definition throws or catches a message.
fn is_message(kind: &EventDefinitionKind) -> bool {
    matches!(kind, EventDefinitionKind::Message(_))
}

/// Whether anything says who does this task.
fn says_executor(spec: &TaskSpec) -> bool {
    spec.job_type.is_some() || spec.by != crate::program::ExecutedBy::Undeclared
}

#[cfg(test)]
mod tests;
