//! Evaluates JUEL over JSON values, without copying what is only read.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;

use serde_json::Value;

use super::{Method, Node, Operator};
use crate::expression::feel::json_number;
use crate::expression::{ExpressionError, Limits, Lookup};

type Evaluated<'v> = Result<Cow<'v, Value>, ExpressionError>;

/// One evaluation.
pub(super) struct Evaluator<'v> {
    variables: &'v dyn Lookup,
    steps: Cell<u64>,
    limit: u64,
}

impl<'v> Evaluator<'v> {
    pub(super) fn new(variables: &'v dyn Lookup, limits: Limits) -> Self {
        Self { variables, steps: Cell::new(limits.steps), limit: limits.steps }
    }

    fn charge(&self, steps: u64) -> Result<(), ExpressionError> {
        let left =
            self.steps.get().checked_sub(steps).ok_or_else(|| ExpressionError::out_of_steps(self.limit))?;
        self.steps.set(left);
        Ok(())
    }

    fn find(&self, name: &str) -> Option<Cow<'v, Value>> {
        match self.variables.lookup_ref(name) {
            Some(value) => Some(Cow::Borrowed(value)),
            None => self.variables.lookup(name).map(Cow::Owned),
        }
    }

    /// Nesting is bounded by the parser.
    pub(super) fn evaluate(&self, node: &'v Node) -> Evaluated<'v> {
        self.charge(1)?;
        match node {
            Node::Literal(value) => Ok(Cow::Borrowed(value)),
            Node::Variable { name, position, required } => match self.find(name) {
                Some(value) => Ok(value),
                None if *required => {
                    Err(ExpressionError::unresolved(format!("unknown variable '{name}'"), *position))
                }
                None => Ok(Cow::Owned(Value::Null)),
            },
            Node::Exists(name) => Ok(boolean(self.find(name).is_some())),
            Node::Property(base, name) => Ok(member(self.evaluate(base)?, name)),
            Node::Index(pair) => self.index(&pair.0, &pair.1),
            Node::Method { base, method, arguments, position } => {
                let base = self.evaluate(base)?;
                let argument = match arguments.first() {
                    Some(argument) => self.evaluate(argument)?,
                    None => Cow::Owned(Value::Null),
                };
                self.call(base, *method, &argument, *position)
            }
            Node::Not(operand) => Ok(boolean(!truth(&*self.evaluate(operand)?, 0)?)),
            Node::Negate(operand, position) => {
                let value = self.evaluate(operand)?;
                arithmetic(Operator::Subtract, &Value::from(0), &value, *position).map(Cow::Owned)
            }
            Node::Empty(operand) => Ok(boolean(is_empty(&*self.evaluate(operand)?))),
            Node::Chain(first, rest) => self.chain(first, rest),
            Node::Conditional(parts, position) => {
                let holds = truth(&*self.evaluate(&parts.0)?, *position)?;
                self.evaluate(if holds { &parts.1 } else { &parts.2 })
            }
        }
    }

    fn index(&self, base: &'v Node, index: &'v Node) -> Evaluated<'v> {
        let (base, index) = (self.evaluate(base)?, self.evaluate(index)?);
        Ok(at(base, &index))
    }

    fn chain(&self, first: &'v Node, rest: &'v [(Operator, Node, usize)]) -> Evaluated<'v> {
        let mut total = self.evaluate(first)?;
        for (operator, operand, position) in rest {
            if let Operator::Or | Operator::And = operator {
                let decided_by = *operator == Operator::Or;
                let holds = truth(&total, *position)?;
                if holds == decided_by {
                    return Ok(boolean(holds));
                }
                total = boolean(truth(&*self.evaluate(operand)?, *position)?);
                continue;
            }
            let operand = self.evaluate(operand)?;
            total = match operator {
                Operator::Equal => boolean(self.equal(&total, &operand)?),
                Operator::NotEqual => boolean(!self.equal(&total, &operand)?),
                Operator::Less => boolean(order(&total, &operand).is_some_and(Ordering::is_lt)),
                Operator::LessOrEqual => boolean(order(&total, &operand).is_some_and(Ordering::is_le)),
                Operator::Greater => boolean(order(&total, &operand).is_some_and(Ordering::is_gt)),
                Operator::GreaterOrEqual => boolean(order(&total, &operand).is_some_and(Ordering::is_ge)),
                arithmetic_operator => {
                    Cow::Owned(arithmetic(*arithmetic_operator, &total, &operand, *position)?)
                }
            };
        }
        Ok(total)
    }

    fn equal(&self, left: &Value, right: &Value) -> Result<bool, ExpressionError> {
        if let Value::Array(items) = left {
            self.charge(items.len() as u64)?;
        }
        Ok(equal(left, right))
    }

    fn call(&self, base: Cow<'v, Value>, method: Method, argument: &Value, position: usize) -> Evaluated<'v> {
        if base.is_null() {
            return Err(ExpressionError::unresolved("method called on null".to_owned(), position));
        }
        let both = |holds: fn(&str, &str) -> bool| match (&*base, argument) {
            (Value::String(text), Value::String(part)) => Ok(holds(text, part)),
            _ => Err(ExpressionError::unresolved("method needs texts".to_owned(), position)),
        };
        let changed = |change: fn(&str) -> String| match &*base {
            Value::String(text) => Ok(Cow::Owned(Value::String(change(text)))),
            _ => Err(ExpressionError::unresolved("method needs a text".to_owned(), position)),
        };
        match method {
            Method::Size => Ok(Cow::Owned(Value::from(match &*base {
                Value::Array(items) => items.len(),
                Value::Object(entries) => entries.len(),
                Value::String(text) => text.chars().count(),
                _ => return Err(ExpressionError::unresolved("value has no size".to_owned(), position)),
            }))),
            Method::IsEmpty => Ok(boolean(is_empty(&base))),
            Method::Contains => match &*base {
                Value::Array(items) => {
                    self.charge(items.len() as u64)?;
                    Ok(boolean(items.iter().any(|item| equal(item, argument))))
                }
                _ => both(|text, part| text.contains(part)).map(boolean),
            },
            Method::ContainsKey => Ok(boolean(argument.as_str().is_some_and(|key| base.get(key).is_some()))),
            Method::Get => Ok(at(base, argument)),
            Method::Equals => self.equal(&base, argument).map(boolean),
            Method::ToText => Ok(Cow::Owned(Value::String(text(&base)))),
            Method::StartsWith => both(|text, part| text.starts_with(part)).map(boolean),
            Method::EndsWith => both(|text, part| text.ends_with(part)).map(boolean),
            Method::ToLowerCase => changed(|text| text.to_lowercase()),
            Method::ToUpperCase => changed(|text| text.to_uppercase()),
            Method::Trim => changed(|text| text.trim().to_owned()),
        }
    }
}

fn boolean<'v>(holds: bool) -> Cow<'v, Value> {
    Cow::Owned(Value::Bool(holds))
}

/// An entry, without copying the rest; null where there is none.
fn member<'v>(base: Cow<'v, Value>, name: &str) -> Cow<'v, Value> {
    match base {
        Cow::Borrowed(base) => base.get(name).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
        Cow::Owned(mut base) => Cow::Owned(base.get_mut(name).map_or(Value::Null, Value::take)),
    }
}

/// An item by its place from 0, or an entry by its name.
fn at<'v>(base: Cow<'v, Value>, index: &Value) -> Cow<'v, Value> {
    if let Value::String(name) = index
        && base.is_object()
    {
        return member(base, name);
    }
    let place =
        number(index).filter(|place| *place >= 0.0 && place.fract() == 0.0).map(|place| place as usize);
    match (base, place) {
        (Cow::Borrowed(base), Some(place)) => base.get(place).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
        (Cow::Owned(mut base), Some(place)) => {
            Cow::Owned(base.get_mut(place).map_or(Value::Null, Value::take))
        }
        _ => Cow::Owned(Value::Null),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

/// The value in a text; null is nothing.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Null and other texts than `true` are false.
fn truth(value: &Value, position: usize) -> Result<bool, ExpressionError> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(holds) => Ok(*holds),
        Value::String(text) => Ok(text.eq_ignore_ascii_case("true")),
        _ => Err(ExpressionError::unresolved("a condition is neither true nor false".to_owned(), position)),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Null => Some(0),
        Value::Number(number) => number.as_i64(),
        Value::String(text) if text.is_empty() => Some(0),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Bool(holds), other) | (other, Value::Bool(holds)) => {
            truth(other, 0).is_ok_and(|other| other == *holds)
        }
        (Value::Number(_), _) | (_, Value::Number(_)) => order(left, right) == Some(Ordering::Equal),
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => number(left)?.partial_cmp(&number(right)?),
        },
    }
}

/// Whole numbers stay whole except when divided; what overflows or is a fraction is a double.
fn arithmetic(
    operator: Operator,
    left: &Value,
    right: &Value,
    position: usize,
) -> Result<Value, ExpressionError> {
    if let (Some(a), Some(b)) = (integer(left), integer(right)) {
        let whole = match operator {
            Operator::Add => a.checked_add(b),
            Operator::Subtract => a.checked_sub(b),
            Operator::Multiply => a.checked_mul(b),
            Operator::Remainder if b != 0 => a.checked_rem(b),
            _ => None,
        };
        if let Some(whole) = whole {
            return Ok(Value::from(whole));
        }
    }
    let double = |value: &Value| if is_empty(value) { Some(0.0) } else { number(value) };
    let (Some(a), Some(b)) = (double(left), double(right)) else {
        return Err(ExpressionError::unresolved("arithmetic needs numbers".to_owned(), position));
    };
    let result = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        _ => a % b,
    };
    if !result.is_finite() {
        return Err(ExpressionError::unresolved("division by zero".to_owned(), position));
    }
    Ok(json_number(result))
}
