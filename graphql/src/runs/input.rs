//! What a person can give: to a process at its start, to a user task when it is done.

use async_graphql::SimpleObject;
use bpmn::inputs::Input;

use crate::scalar::Json;

/// A variable that a person can give.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ProcessInput {
    /// Its name.
    name: String,
    /// The value that the process takes where it is not given, if it says so.
    default: Option<Json>,
    /// Constants it is compared with: what kind of value is meant, and often all that make a difference.
    compared: Vec<Json>,
    /// Ids of the elements that read it.
    read_by: Vec<String>,
    /// False where it may also come from a task before every reader.
    certain: bool,
}

impl From<Input> for ProcessInput {
    fn from(found: Input) -> Self {
        Self {
            name: found.name,
            default: found.default.map(Json),
            compared: found.compared.into_iter().map(Json).collect(),
            read_by: found.read_by,
            certain: found.certain,
        }
    }
}

/// The program of a process, `None` where the file does not compile: it then has no inputs to speak of.
fn program(xml: &str, process_id: &str) -> Option<bpmn::program::Program> {
    let definitions = bpmn::xml::read(xml.as_bytes()).ok()?;
    bpmn::compile::compile(&definitions, Some(process_id)).ok()?.into_iter().next()
}

/// What the process can be given at its start.
pub(crate) fn at_start(xml: &str, process_id: &str) -> Vec<ProcessInput> {
    let found = program(xml, process_id).map(|program| bpmn::inputs::at_start(&program));
    found.unwrap_or_default().into_iter().map(ProcessInput::from).collect()
}

/// What the task can answer.
pub(crate) fn at_task(xml: &str, process_id: &str, element: &str) -> Vec<ProcessInput> {
    let found = program(xml, process_id).map(|program| bpmn::inputs::at_task(&program, element));
    found.unwrap_or_default().into_iter().map(ProcessInput::from).collect()
}
