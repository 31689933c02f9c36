//! What an expression of a task sees: what the task made so far, then its declared inputs, and nothing else.

use bpmn::expression::{Expression, Limits, Lookup};
use bpmn::program::Variables;
use serde_json::Value;

use crate::Error;

/// Own variables before inputs.
pub(super) struct Scope<'a> {
    pub(super) own: &'a Variables,
    pub(super) inputs: &'a Variables,
}

impl Lookup for Scope<'_> {
    fn lookup(&self, name: &str) -> Option<Value> {
        self.lookup_ref(name).cloned()
    }

    fn lookup_ref(&self, name: &str) -> Option<&Value> {
        self.own.get(name).or_else(|| self.inputs.get(name))
    }
}

/// An expression of a task with what it is for.
pub(super) struct Named {
    pub(super) name: String,
    expression: Expression,
    element: String,
}

impl Named {
    pub(super) fn parse(element: &str, name: &str, text: &str) -> Result<Self, Error> {
        let expression = Expression::feel(text).map_err(|source| Error::Expression {
            element: element.to_owned(),
            what: name.to_owned(),
            source,
        })?;
        Ok(Self { name: name.to_owned(), expression, element: element.to_owned() })
    }

    pub(super) fn variables(&self) -> &[String] {
        self.expression.variables()
    }

    pub(super) fn value(&self, scope: &Scope<'_>, now_ms: i64) -> Result<Value, Error> {
        self.expression.evaluate(scope, Limits::at(now_ms)).map_err(|source| self.failed(source))
    }

    pub(super) fn holds(&self, scope: &Scope<'_>, now_ms: i64) -> Result<bool, Error> {
        self.expression.evaluate_condition(scope, Limits::at(now_ms)).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: bpmn::expression::ExpressionError) -> Error {
        Error::Expression { element: self.element.clone(), what: self.name.clone(), source }
    }
}
