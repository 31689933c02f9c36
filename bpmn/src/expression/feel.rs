//! FEEL, the expression language of DMN and Camunda 8: read once into a syntax tree, evaluated often.
//!
//! DMN 1.5 section 10.3, with Camunda's additions (names in backticks, `get or else`, `assert`, `fromAi`, …).

mod ast;
mod builtins;
mod computed;
mod constants;
mod evaluate;
mod hints;
mod lexer;
mod parser;
mod temporal;
mod value;

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::{ExpressionError, Limits, Lookup};
use ast::FreeNames;
use evaluate::Evaluator;
use parser::Parser;
use value::FeelValue;

pub(super) use ast::{Ast, UnaryTests};
pub use computed::{Computed, ValueType};
pub(super) use constants::constants;
pub(super) use hints::hints;
pub(super) use value::json_number;

/// Reads an expression; `names` are variables known by name, needed where one has spaces.
pub(super) fn parse_expression(text: &str, names: &[&str]) -> Result<Ast, ExpressionError> {
    Parser::new(text, names)?.whole_expression()
}

/// Reads the unary tests of a DMN cell.
pub(super) fn parse_unary_tests(text: &str, names: &[&str]) -> Result<UnaryTests, ExpressionError> {
    Parser::new(text, names)?.whole_unary_tests()
}

/// The names read for certain as variables, and those that may be properties of a filtered item instead.
pub(super) fn free_variables(ast: &Ast) -> (Vec<String>, Vec<String>) {
    split(FreeNames::of(ast))
}

/// As [`free_variables`], for tests.
pub(super) fn free_variables_of_tests(tests: &UnaryTests) -> (Vec<String>, Vec<String>) {
    split(FreeNames::of_tests(tests))
}

fn split(names: FreeNames) -> (Vec<String>, Vec<String>) {
    let possible = names.possible.iter().filter(|name| !names.certain.contains(*name));
    let possible = possible.map(|name| name.to_string()).collect();
    (names.certain.iter().map(|name| name.to_string()).collect(), possible)
}

/// The value as JSON.
pub(super) fn evaluate(ast: &Ast, variables: &dyn Lookup, limits: Limits) -> Result<Value, ExpressionError> {
    let evaluator = Evaluator::new(variables, limits);
    // What is only passed through is handed on exactly as it is.
    if let Some(found) = evaluator.json_path(ast, None) {
        return Ok(found.clone());
    }
    if let Ast::Variable(name) = ast {
        return Ok(variables.lookup(name).unwrap_or(Value::Null));
    }
    value::to_json(&evaluator.evaluate(ast, None)?)
}

/// The value as a boolean (null is false), or what it is instead.
pub(super) fn evaluate_boolean(
    ast: &Ast,
    variables: &dyn Lookup,
    limits: Limits,
) -> Result<Result<bool, Value>, ExpressionError> {
    match Evaluator::new(variables, limits).evaluate(ast, None)? {
        FeelValue::Boolean(holds) => Ok(Ok(holds)),
        FeelValue::Null => Ok(Ok(false)),
        other => value::to_json(&other).map(Err),
    }
}

/// Whether an input passes the tests.
pub(super) fn evaluate_unary_tests(
    tests: &UnaryTests,
    input: &Value,
    variables: &dyn Lookup,
    limits: Limits,
) -> Result<bool, ExpressionError> {
    Evaluator::new(variables, limits).unary_tests(tests, &value::from_json(input, 0)?)
}

/// The value as FEEL computes with it; what it costs is taken from the limits.
pub(super) fn evaluate_computed(
    ast: &Ast,
    variables: &dyn Lookup,
    limits: &mut Limits,
) -> Result<Computed, ExpressionError> {
    let evaluator = Evaluator::new(variables, *limits);
    let value = evaluator.evaluate(ast, None);
    limits.steps = evaluator.steps_left();
    value.map(Computed)
}

/// Whether a computed input passes the tests; what it costs is taken from the limits.
pub(super) fn accepts(
    tests: &UnaryTests,
    input: &Computed,
    variables: &dyn Lookup,
    limits: &mut Limits,
) -> Result<bool, ExpressionError> {
    let evaluator = Evaluator::new(variables, *limits);
    let passes = evaluator.unary_tests(tests, &input.0);
    limits.steps = evaluator.steps_left();
    passes
}

/// Whether an input equals a value, or is in the list that it is.
pub(super) fn matches_value(value: &Value, input: &Value, limits: Limits) -> Result<bool, ExpressionError> {
    let (value, input) = (value::from_json(value, 0)?, value::from_json(input, 0)?);
    Evaluator::new(&(), limits).matches(&input, &value)
}
