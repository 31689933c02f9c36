//! The JUEL subset of Camunda 7: text with `${…}` or `#{…}` in it, read once and evaluated often.
//!
//! After JSR-245 section 1: null counts as 0 in arithmetic and as false in conditions, numbers in texts are read, an
//! unknown variable is an error. Of methods only a few that read a value are known; beans do not exist here.

mod evaluate;
mod parser;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ExpressionError, Limits, Lookup};
use parser::Parser;

/// A text and the expressions in it.
pub(super) struct Template {
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Expression(Node),
}

/// An expression. Chains of operators of one level are flat.
enum Node {
    Literal(Value),
    /// A variable and where it stands; not required to exist for `execution.getVariable`.
    Variable {
        name: String,
        position: usize,
        required: bool,
    },
    Exists(String),
    Property(Box<Node>, String),
    Index(Box<(Node, Node)>),
    Method {
        base: Box<Node>,
        method: Method,
        arguments: Vec<Node>,
        position: usize,
    },
    Not(Box<Node>),
    Negate(Box<Node>, usize),
    Empty(Box<Node>),
    /// The first operand, and each other with its operator and position.
    Chain(Box<Node>, Vec<(Operator, Node, usize)>),
    Conditional(Box<(Node, Node, Node)>, usize),
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A method that only reads a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Size,
    IsEmpty,
    Contains,
    ContainsKey,
    Get,
    Equals,
    ToText,
    StartsWith,
    EndsWith,
    ToLowerCase,
    ToUpperCase,
    Trim,
}

/// Reads a text with expressions in it.
pub(super) fn parse(text: &str) -> Result<Template, ExpressionError> {
    Parser::new(text).template()
}

impl Template {
    /// The variables it reads, sorted.
    pub(super) fn variables(&self) -> Vec<String> {
        let mut names = BTreeSet::new();
        for part in &self.parts {
            if let Part::Expression(node) = part {
                node.collect(&mut names);
            }
        }
        names.into_iter().map(str::to_owned).collect()
    }

    /// The value where it is one expression alone, the joined text otherwise.
    pub(super) fn evaluate(&self, variables: &dyn Lookup, limits: Limits) -> Result<Value, ExpressionError> {
        let evaluator = evaluate::Evaluator::new(variables, limits);
        if let [Part::Expression(node)] = self.parts.as_slice() {
            return evaluator.evaluate(node).map(std::borrow::Cow::into_owned);
        }
        let mut joined = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => joined.push_str(text),
                Part::Expression(node) => joined.push_str(&evaluate::text(&*evaluator.evaluate(node)?)),
            }
        }
        Ok(Value::String(joined))
    }
}

impl Node {
    fn collect<'n>(&'n self, names: &mut BTreeSet<&'n str>) {
        match self {
            Self::Literal(_) => {}
            Self::Variable { name, .. } | Self::Exists(name) => {
                names.insert(name);
            }
            Self::Property(base, _) | Self::Not(base) | Self::Negate(base, _) | Self::Empty(base) => {
                base.collect(names);
            }
            Self::Index(pair) => {
                pair.0.collect(names);
                pair.1.collect(names);
            }
            Self::Method { base, arguments, .. } => {
                base.collect(names);
                arguments.iter().for_each(|argument| argument.collect(names));
            }
            Self::Chain(first, rest) => {
                first.collect(names);
                rest.iter().for_each(|(_, operand, _)| operand.collect(names));
            }
            Self::Conditional(parts, _) => {
                parts.0.collect(names);
                parts.1.collect(names);
                parts.2.collect(names);
            }
        }
    }
}
