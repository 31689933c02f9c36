//! What an expression tells of a variable beside its name: the value it stands for where it is missing, and the
//! values it is compared with.

use serde_json::Value;

use super::ast::{Ast, Comparison};
use super::evaluate::Evaluator;
use super::value::{self, FeelValue};
use crate::expression::{Hint, Limits};

/// Looks at every node once; the parser bounds how many there are.
pub(in crate::expression) fn hints(ast: &Ast, limits: Limits) -> Vec<(String, Hint)> {
    let mut found = Vec::new();
    let mut waiting = vec![ast];
    while let Some(ast) = waiting.pop() {
        match ast {
            Ast::Compare(_, pair) => {
                waiting.extend([&pair.0, &pair.1]);
                if let Some((name, constant)) = compared(&pair.0, &pair.1) {
                    let constant = value::to_json(constant).ok().filter(|constant| !constant.is_null());
                    found.extend(constant.map(|constant| (name.to_owned(), Hint::Compared(constant))));
                }
            }
            Ast::If(parts) => {
                waiting.extend([&parts.0, &parts.1, &parts.2]);
                let fallback = missing(&parts.0).and_then(|name| Some((name, fixed(&parts.1, limits)?)));
                found.extend(fallback.map(|(name, value)| (name.to_owned(), Hint::Default(value))));
            }
            Ast::Call(builtin, arguments) => {
                waiting.extend(arguments);
                if let ("get or else", [Ast::Variable(name), fallback]) = (builtin.name, arguments.as_slice())
                {
                    let fallback = fixed(fallback, limits);
                    found.extend(fallback.map(|value| (name.to_string(), Hint::Default(value))));
                }
            }
            Ast::Or(parts) | Ast::And(parts) | Ast::List(parts) => waiting.extend(parts),
            Ast::Context(entries) => waiting.extend(entries.iter().map(|(_, entry)| entry)),
            Ast::Negate(inner) | Ast::Path(inner, _) => waiting.push(inner),
            Ast::Sum(first, rest) | Ast::Product(first, rest) => {
                waiting.push(first);
                waiting.extend(rest.iter().map(|(_, part)| part));
            }
            Ast::Power(first, rest) => {
                waiting.push(first);
                waiting.extend(rest);
            }
            _ => {}
        }
    }
    found
}

/// A variable beside a constant, whichever side it stands on.
fn compared<'a>(left: &'a Ast, right: &'a Ast) -> Option<(&'a str, &'a FeelValue)> {
    match (left, right) {
        (Ast::Variable(name), Ast::Constant(constant)) | (Ast::Constant(constant), Ast::Variable(name)) => {
            Some((name, constant))
        }
        _ => None,
    }
}

/// The variable of `x = null`.
fn missing(condition: &Ast) -> Option<&str> {
    let Ast::Compare(Comparison::Equal, pair) = condition else { return None };
    let (name, constant) = compared(&pair.0, &pair.1)?;
    matches!(constant, FeelValue::Null).then_some(name)
}

/// The value of a part that needs no variable.
fn fixed(ast: &Ast, limits: Limits) -> Option<Value> {
    let (certain, possible) = super::free_variables(ast);
    if !certain.is_empty() || !possible.is_empty() {
        return None;
    }
    let found = Evaluator::new(&(), limits).evaluate(ast, None).ok()?;
    value::to_json(&found).ok().filter(|value| !value.is_null())
}
