//! Business rule task that a DMN decision decides, made by the token rules themselves.
//!
//! | when | tokens |
//! | --- | --- |
//! | a token arrives | the decision in force is evaluated; what was decided and why is told; its result goes into the result variable; the token goes on |
//! | the decision is not deployed | an incident; resolving it looks again |
//! | the decision cannot be made | an incident with the decision's own code; resolving it decides again |
//!
//! Which version decided is part of [`Event::DecisionEvaluated`], and the result is in the events that follow from it:
//! replaying the events asks no decision.

use std::sync::Arc;

use serde_json::Value;

use super::Local;
use super::event::Event;
use super::incident::{Fault, codes};
use super::machine::{Machine, Outcome};
use crate::dmn::{self, Evaluation, EvaluationError};
use crate::program::{Binding, DecisionCall, Node, ResultShape, Variables};

/// A deployed decision.
#[derive(Clone, Debug)]
pub struct DecisionInForce {
    /// The file that holds it.
    pub model: Arc<dmn::Model>,
    /// Key under which it is deployed.
    pub key: i64,
    /// Its version.
    pub version: i32,
}

/// The decisions at hand: what a step is given beside the program.
pub trait Decisions {
    /// The decision with this id that is in force by this binding.
    fn find(&self, id: &str, binding: &Binding) -> Option<DecisionInForce>;
}

/// No decisions.
impl Decisions for () {
    fn find(&self, _id: &str, _binding: &Binding) -> Option<DecisionInForce> {
        None
    }
}

impl Machine<'_> {
    pub(super) fn run_decision(&mut self, element: Local, node: &Node, call: &DecisionCall) -> Outcome {
        let id = self.evaluate_text(&call.decision, element)?;
        let Some(found) = self.decisions.find(&id, &call.binding) else {
            let message = format!(
                "decision {id}{} is not deployed; deploy the DMN file that holds it, then resolve the incident",
                call.binding
            );
            return Err(Fault::new(codes::DECISION, message));
        };
        let limits = self.limits();
        let evaluation = dmn::evaluate(&found.model, &id, &self.view(element), limits);
        let (evaluation, result) = evaluation
            .and_then(|evaluation| {
                let result = shaped(&id, &evaluation, call.shape)?;
                Ok((evaluation, result))
            })
            .map_err(|error| Fault::decision(&error))?;
        self.emit(Event::DecisionEvaluated {
            element,
            node: node.id.clone(),
            decision: id,
            key: found.key,
            version: found.version,
            decisions: evaluation.decisions,
        });
        self.keep_result(element, node, call, result);
        self.done(element);
        Ok(())
    }

    /// The result goes into the variable the task names; without one, output mappings read it as Camunda 7's
    /// `decisionResult`.
    fn keep_result(&mut self, element: Local, node: &Node, call: &DecisionCall, result: Value) {
        if let Some(name) = &call.result {
            self.take_results(element, &node.outputs, Variables::from_iter([(name.clone(), result)]));
        } else if !node.outputs.is_empty() {
            self.set_variables(element, Variables::from_iter([("decisionResult".to_owned(), result)]));
        }
    }
}

/// The result in the shape that the task asks for.
fn shaped(id: &str, evaluation: &Evaluation, shape: ResultShape) -> Result<Value, EvaluationError> {
    let rows = &evaluation.rows;
    let wrong =
        |found: String, expected| Err(EvaluationError::Shape { decision: id.to_owned(), found, expected });
    match shape {
        ResultShape::Value => Ok(evaluation.value.clone()),
        ResultShape::ResultList => Ok(rows.iter().cloned().map(Value::Object).collect()),
        ResultShape::SingleResult => match rows.as_slice() {
            [] => Ok(Value::Null),
            [only] => Ok(Value::Object(only.clone())),
            several => wrong(format!("{} results", several.len()), "one (singleResult)"),
        },
        ResultShape::SingleEntry => match rows.as_slice() {
            [] => Ok(Value::Null),
            [only] if only.len() == 1 => Ok(only.values().next().cloned().unwrap_or_default()),
            [only] => wrong(format!("{} outputs", only.len()), "one value (singleEntry)"),
            several => wrong(format!("{} results", several.len()), "one value (singleEntry)"),
        },
        ResultShape::CollectEntries => {
            let mut values = Vec::with_capacity(rows.len());
            for row in rows {
                match row.len() {
                    1 => values.extend(row.values().cloned()),
                    several => {
                        return wrong(
                            format!("{several} outputs"),
                            "one output for each result (collectEntries)",
                        );
                    }
                }
            }
            Ok(Value::Array(values))
        }
    }
}
