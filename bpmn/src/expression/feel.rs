//! FEEL.

use serde_json::Value;

use super::{ExpressionError, Limits, Lookup};

/// A path.
pub(super) struct Ast(Vec<String>);

/// Tests.
pub(super) struct UnaryTests(Ast);

pub(super) fn parse_expression(text: &str, _names: &[&str]) -> Result<Ast, ExpressionError> {
    Ok(Ast(text.trim().split('.').map(str::to_owned).collect()))
}

pub(super) fn parse_unary_tests(text: &str, names: &[&str]) -> Result<UnaryTests, ExpressionError> {
    parse_expression(text, names).map(UnaryTests)
}

pub(super) fn free_variables(ast: &Ast) -> Vec<String> {
    ast.0.iter().take(1).cloned().collect()
}

pub(super) fn free_variables_of_tests(tests: &UnaryTests) -> Vec<String> {
    free_variables(&tests.0)
}

pub(super) fn evaluate(ast: &Ast, variables: &dyn Lookup, _limits: Limits) -> Result<Value, ExpressionError> {
    let mut value = variables.lookup(&ast.0[0]).unwrap_or(Value::Null);
    for name in &ast.0[1..] {
        value = value.get(name).cloned().unwrap_or(Value::Null);
    }
    Ok(value)
}

pub(super) fn evaluate_boolean(
    ast: &Ast,
    variables: &dyn Lookup,
    limits: Limits,
) -> Result<Result<bool, Value>, ExpressionError> {
    let value = evaluate(ast, variables, limits)?;
    Ok(value.as_bool().ok_or(value))
}

pub(super) fn evaluate_unary_tests(
    tests: &UnaryTests,
    input: &Value,
    variables: &dyn Lookup,
    limits: Limits,
) -> Result<bool, ExpressionError> {
    Ok(&evaluate(&tests.0, variables, limits)? == input)
}

pub(super) fn matches_value(value: &Value, input: &Value, _limits: Limits) -> Result<bool, ExpressionError> {
    Ok(value == input)
}
