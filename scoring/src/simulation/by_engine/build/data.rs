//! What is known of a case's data while it is simulated: what it brings along, what scripts make of that, the outcomes of
//! tasks, and what the engine counts.

use std::collections::BTreeSet;

use bpmn::expression::Expression;
use bpmn::program::{Mapping, Node, NodeKind, Program};

use super::super::super::declare::Declaration;
use super::Builder;

/// What the engine counts in repetitions and at complex gateways.
const COUNTED: [&str; 10] = [
    "loopCounter",
    "nrOfInstances",
    "nrOfActiveInstances",
    "nrOfCompletedInstances",
    "nrOfTerminatedInstances",
    "numberOfInstances",
    "numberOfActiveInstances",
    "numberOfCompletedInstances",
    "numberOfTerminatedInstances",
    "activationCount",
];

/// Names of variables whose values are known.
pub(super) fn known(program: &Program, declaration: &Declaration) -> BTreeSet<String> {
    let mut known: BTreeSet<String> = COUNTED.iter().map(|name| (*name).to_owned()).collect();
    known.extend(program.flows.iter().map(|flow| format!("activationCount_{}", flow.id)));
    known.extend(declaration.attributes.iter().map(|attribute| attribute.name.clone()));
    if declaration.elements.values().any(|element| !element.outcomes.is_empty()) {
        known.extend(["outcome", "undecided"].map(str::to_owned));
    }
    // Each round follows the scripts that read what the one before found out.
    for _ in 0..program.nodes.len() {
        let results = program.nodes.iter().filter_map(script);
        let is_known =
            |expression: &Expression| expression.variables().iter().all(|name| known.contains(name));
        let found = results.filter(|(expression, result)| is_known(expression) && !known.contains(*result));
        let found: Vec<String> = found.map(|(_, result)| result.to_owned()).collect();
        if found.is_empty() {
            break;
        }
        known.extend(found);
    }
    known
}

/// The expression of a script and the variable that takes its result.
fn script(node: &Node) -> Option<(&Expression, &str)> {
    match &node.kind {
        NodeKind::Script { expression, result: Some(result) } if node.outputs.is_empty() => {
            Some((expression, result))
        }
        _ => None,
    }
}

impl Builder<'_> {
    /// The result of a script that can be followed, as what the job in its place hands up.
    pub(super) fn followed_result(&self, node: &Node) -> Option<Mapping> {
        let (expression, result) = script(node).filter(|(expression, _)| self.is_known(expression))?;
        Some(Mapping { source: expression.clone(), target: result.to_owned() })
    }
}
