//! The constants that unary tests compare with, where they compare with nothing else: between two neighbouring ones
//! every input fares alike, so that a table can be searched for gaps and overlaps.

use super::ast::{Ast, UnaryTest, UnaryTests};
use super::computed::Computed;
use super::evaluate::Evaluator;
use super::value::FeelValue;
use crate::expression::Limits;

/// Built-ins that make a constant of constants.
const CONSTRUCTORS: [&str; 5] = ["date", "time", "date and time", "duration", "number"];

/// All constants; `None` where a test reads a variable, calls a function or looks inside the input.
pub(in crate::expression) fn constants(tests: &UnaryTests, limits: Limits) -> Option<Vec<Computed>> {
    let (UnaryTests::OneOf(tests) | UnaryTests::NoneOf(tests)) = tests else { return Some(Vec::new()) };
    let mut found = Vec::new();
    for test in tests {
        let ast = match test {
            UnaryTest::Compare(_, ast) | UnaryTest::Match(ast, false) => ast,
            UnaryTest::Match(_, true) => return None,
        };
        if !is_constant(ast) {
            return None;
        }
        let value = Evaluator::new(&(), limits).evaluate(ast, None).ok()?;
        flatten(value, &mut found);
    }
    Some(found)
}

/// Looks at every node once; the parser bounds how many there are.
fn is_constant(ast: &Ast) -> bool {
    let mut waiting = vec![ast];
    while let Some(ast) = waiting.pop() {
        match ast {
            Ast::Constant(_) => {}
            Ast::Negate(inner) => waiting.push(inner),
            Ast::List(items) => waiting.extend(items),
            Ast::Range(node) => waiting.extend([&node.start, &node.end]),
            Ast::Call(builtin, arguments) if CONSTRUCTORS.contains(&builtin.name) => {
                waiting.extend(arguments)
            }
            _ => return false,
        }
    }
    true
}

/// Lists and ranges are compared with by their items and ends. Values are nested at most as deep as they may be.
fn flatten(value: FeelValue, found: &mut Vec<Computed>) {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match &value {
            FeelValue::List(list) => waiting.extend(list.items().iter().cloned()),
            FeelValue::Range(range) => waiting.extend([range.start.clone(), range.end.clone()]),
            FeelValue::Null => {}
            _ => found.push(Computed(value)),
        }
    }
}
