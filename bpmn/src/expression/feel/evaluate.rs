//! Evaluates a FEEL syntax tree: what is wrong in kind is null, as FEEL wants it; what has no bound is an error.

mod arithmetic;
mod iterate;

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

use arithmetic::{add, divide, multiply, negate, subtract};

use super::ast::{Arguments, Ast, Comparison, Type, UnaryTest, UnaryTests};
use super::temporal;
use super::value::{self, Context, FeelValue, Function, List, Name, Range};
use crate::expression::{ExpressionError, Limits, Lookup};

/// Deepest evaluation, through operators and function calls together.
const MAX_EVALUATION_DEPTH: u32 = 200;

/// Texts from this size on, in bytes, are kept as composite variables are.
const LONG_TEXT: usize = 256;

/// Composite variables and long texts kept in their converted form during one evaluation.
const MAX_CONVERTED: usize = 32;

/// Patterns kept compiled during one evaluation.
const MAX_PATTERNS: usize = 16;

type Evaluated = Result<FeelValue, ExpressionError>;

/// One evaluation: the variables and what is left of the budget.
pub(super) struct Evaluator<'a> {
    variables: &'a dyn Lookup,
    limits: Limits,
    steps: Cell<u64>,
    depth: Cell<u32>,
    converted: RefCell<Vec<(&'a Value, FeelValue)>>,
    copied: RefCell<Vec<(Name, FeelValue)>>,
    pub(super) patterns: RefCell<Vec<(String, Option<Regex>)>>,
}

/// Names bound inside the expression, innermost first.
pub(super) struct Frame<'s> {
    parent: Option<&'s Frame<'s>>,
    binding: Binding<'s>,
}

enum Binding<'s> {
    One(&'s str, &'s FeelValue),
    Many(&'s [(Name, FeelValue)]),
    /// The item of a filter: `item`, and the entries of a context.
    Item(&'s FeelValue),
    /// Entries of a context literal read so far.
    Entries(&'s Context),
}

type Scope<'s> = Option<&'s Frame<'s>>;

impl<'s> Frame<'s> {
    fn find(&self, name: &str) -> Option<FeelValue> {
        let mut frame = Some(self);
        while let Some(Frame { parent, binding }) = frame {
            let found = match binding {
                Binding::One(bound, value) => (*bound == name).then(|| (*value).clone()),
                Binding::Many(bound) => {
                    bound.iter().rev().find(|(bound, _)| &**bound == name).map(|(_, value)| value.clone())
                }
                Binding::Entries(context) => context.get(name).cloned(),
                Binding::Item(item) => match item.as_context().and_then(|context| context.get(name)) {
                    Some(entry) => Some(entry.clone()),
                    None => (name == "item").then(|| (*item).clone()),
                },
            };
            if found.is_some() {
                return found;
            }
            frame = *parent;
        }
        None
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(variables: &'a dyn Lookup, limits: Limits) -> Self {
        Self {
            variables,
            limits,
            steps: Cell::new(limits.steps),
            depth: Cell::new(0),
            converted: RefCell::default(),
            copied: RefCell::default(),
            patterns: RefCell::default(),
        }
    }

    /// The step's time in milliseconds since the epoch.
    pub(super) fn now_ms(&self) -> i64 {
        self.limits.now_ms
    }

    /// What is left of the budget.
    pub(super) fn steps_left(&self) -> u64 {
        self.steps.get()
    }

    /// Takes so many steps from the budget.
    pub(super) fn charge(&self, steps: u64) -> Result<(), ExpressionError> {
        match self.steps.get().checked_sub(steps) {
            Some(left) => {
                self.steps.set(left);
                Ok(())
            }
            None => Err(ExpressionError::out_of_steps(self.limits.steps)),
        }
    }

    /// Takes the steps that looking through a whole value costs.
    pub(super) fn charge_value(&self, value: &FeelValue) -> Result<(), ExpressionError> {
        match value {
            FeelValue::Text(text) => self.charge(text.len() as u64 / 16),
            FeelValue::List(_) | FeelValue::Context(_) | FeelValue::Range(_) => {
                self.charge(value.measure().weight)
            }
            _ => Ok(()),
        }
    }

    /// Equality, at the cost of what is compared.
    pub(super) fn equal(&self, left: &FeelValue, right: &FeelValue) -> Result<Option<bool>, ExpressionError> {
        self.charge_value(left)?;
        Ok(value::equal(left, right))
    }

    /// Keeps a compiled pattern for the next use.
    pub(super) fn keep_pattern(&self, key: String, pattern: Option<Regex>) {
        let mut patterns = self.patterns.borrow_mut();
        if patterns.len() >= MAX_PATTERNS {
            patterns.clear();
        }
        patterns.push((key, pattern));
    }

    // Variables.

    fn variable(&self, name: &Name, scope: Scope<'_>) -> Evaluated {
        if let Some(value) = scope.and_then(|frame| frame.find(name)) {
            return Ok(value);
        }
        if let Some(value) = self.variables.lookup_ref(name) {
            return self.convert(value);
        }
        if let Some(computed) = self.variables.lookup_computed(name) {
            return Ok(computed.0);
        }
        if let Some((_, value)) = self.copied.borrow().iter().find(|(copied, _)| copied == name) {
            return Ok(value.clone());
        }
        let Some(found) = self.variables.lookup(name) else { return Ok(FeelValue::Null) };
        let converted = value::from_json(&found, 0)?;
        self.charge_value(&converted)?;
        if matches!(converted, FeelValue::List(_) | FeelValue::Context(_)) {
            let mut copied = self.copied.borrow_mut();
            if copied.len() < MAX_CONVERTED {
                copied.push((Arc::clone(name), converted.clone()));
            }
        }
        Ok(converted)
    }

    fn convert(&self, variable: &'a Value) -> Evaluated {
        let long = variable.as_str().is_some_and(|text| text.len() >= LONG_TEXT);
        if !(long || variable.is_array() || variable.is_object()) {
            return value::from_json(variable, 0);
        }
        let kept = self.converted.borrow().iter().find(|(key, _)| std::ptr::eq(*key, variable)).cloned();
        if let Some((_, value)) = kept {
            return Ok(value);
        }
        let converted = value::from_json(variable, 0)?;
        self.charge_value(&converted)?;
        let mut kept = self.converted.borrow_mut();
        if kept.len() < MAX_CONVERTED {
            kept.push((variable, converted.clone()));
        }
        Ok(converted)
    }

    /// Follows a path of names through JSON without converting what lies on the way.
    pub(super) fn json_path(&self, ast: &Ast, scope: Scope<'_>) -> Option<&'a Value> {
        match ast {
            Ast::Variable(name) if scope.is_none_or(|frame| frame.find(name).is_none()) => {
                self.variables.lookup_ref(name)
            }
            Ast::Path(base, name) => self.json_path(base, scope)?.as_object()?.get(&**name),
            _ => None,
        }
    }

    // Expressions.

    pub(super) fn evaluate(&self, ast: &Ast, scope: Scope<'_>) -> Evaluated {
        self.charge(1)?;
        match ast {
            Ast::Constant(value) => return Ok(value.clone()),
            Ast::Variable(name) => return self.variable(name, scope),
            _ => {}
        }
        let depth = self.depth.get() + 1;
        if depth > MAX_EVALUATION_DEPTH {
            return Err(ExpressionError::too_deep(MAX_EVALUATION_DEPTH as usize, None));
        }
        self.depth.set(depth);
        let result = self.compound(ast, scope);
        self.depth.set(depth - 1);
        if let Ok(value) = &result {
            value.check_size()?;
        }
        result
    }

    /// Each case is a call, so that one level of the recursion takes little stack.
    fn compound(&self, ast: &Ast, scope: Scope<'_>) -> Evaluated {
        match ast {
            Ast::Constant(value) => Ok(value.clone()),
            Ast::Variable(name) => self.variable(name, scope),
            Ast::Path(base, name) => self.path(ast, base, name, scope),
            Ast::Filter(base, condition) => self.filter(base, condition, scope),
            Ast::Or(parts) => self.logic(parts, true, scope),
            Ast::And(parts) => self.logic(parts, false, scope),
            Ast::Compare(operator, pair) => self.compare(*operator, &pair.0, &pair.1, scope),
            Ast::Between(parts) => self.between(&parts.0, &parts.1, &parts.2, scope),
            Ast::In(value, tests) => self.is_in(value, tests, scope),
            Ast::Sum(first, rest) => self.chain(first, rest, scope, [add, subtract]),
            Ast::Product(first, rest) => self.chain(first, rest, scope, [multiply, divide]),
            Ast::Power(base, exponents) => self.power(base, exponents, scope),
            Ast::Negate(operand) => Ok(negate(&self.evaluate(operand, scope)?)),
            Ast::InstanceOf(value, of) => {
                self.evaluate(value, scope).map(|value| FeelValue::Boolean(is_of(&value, of)))
            }
            Ast::If(parts) => self.conditional(&parts.0, &parts.1, &parts.2, scope),
            Ast::For(node) => self.for_loop(node, scope),
            Ast::Quantified(node) => self.quantified(node, scope),
            Ast::List(items) => self.list(items, scope),
            Ast::Context(entries) => self.context(entries, scope),
            Ast::Range(node) => self.range(node, scope),
            Ast::Function(node) => {
                let captured = node.free.iter().filter_map(|name| {
                    scope.and_then(|frame| frame.find(name)).map(|value| (Arc::clone(name), value))
                });
                Ok(FeelValue::Function(Arc::new(Function {
                    node: Arc::clone(node),
                    captured: captured.collect(),
                })))
            }
            Ast::Call(builtin, arguments) => self.call(builtin, arguments, scope),
            Ast::Invoke(function, arguments) => self.invoke(function, arguments, scope),
        }
    }

    fn call(&self, builtin: &super::builtins::Builtin, arguments: &[Ast], scope: Scope<'_>) -> Evaluated {
        match arguments {
            [one] => (builtin.run)(self, &[self.evaluate(one, scope)?]),
            many => {
                let mut values = Vec::with_capacity(many.len());
                for argument in many {
                    values.push(self.evaluate(argument, scope)?);
                }
                (builtin.run)(self, &values)
            }
        }
    }

    fn path(&self, ast: &Ast, base: &Ast, name: &Name, scope: Scope<'_>) -> Evaluated {
        if let Some(found) = self.json_path(ast, scope) {
            return self.convert(found);
        }
        let base = self.evaluate(base, scope)?;
        self.member(&base, name)
    }

    fn member(&self, base: &FeelValue, name: &str) -> Evaluated {
        Ok(match base {
            FeelValue::Context(context) => context.get(name).cloned().unwrap_or(FeelValue::Null),
            FeelValue::List(list) => {
                self.charge(list.items().len() as u64)?;
                let members = list.items().iter().map(|item| match item {
                    FeelValue::Context(context) => context.get(name).cloned().unwrap_or(FeelValue::Null),
                    other => temporal::property(other, name).unwrap_or(FeelValue::Null),
                });
                FeelValue::list(members.collect())
            }
            FeelValue::Range(range) => match name {
                "start" => range.start.clone(),
                "end" => range.end.clone(),
                "start included" => FeelValue::Boolean(range.start_included),
                "end included" => FeelValue::Boolean(range.end_included),
                _ => FeelValue::Null,
            },
            other => temporal::property(other, name).unwrap_or(FeelValue::Null),
        })
    }

    fn filter(&self, base: &Ast, condition: &Ast, scope: Scope<'_>) -> Evaluated {
        let base = self.evaluate(base, scope)?;
        let single;
        let items = match &base {
            FeelValue::Null => return Ok(FeelValue::Null),
            FeelValue::List(list) => list.items(),
            _ => {
                single = [base];
                &single
            }
        };
        if let Ast::Constant(FeelValue::Number(_)) = condition {
            return Ok(at_index(items, &self.evaluate(condition, scope)?));
        }
        let mut kept = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let frame = Frame { parent: scope, binding: Binding::Item(item) };
            match self.evaluate(condition, Some(&frame))? {
                FeelValue::Boolean(true) => kept.push(item.clone()),
                index @ FeelValue::Number(_) if place == 0 => return Ok(at_index(items, &index)),
                _ => {}
            }
        }
        Ok(FeelValue::list(kept))
    }

    /// Three-valued `or` (decided by the first true) and `and` (decided by the first false).
    fn logic(&self, parts: &[Ast], decided_by: bool, scope: Scope<'_>) -> Evaluated {
        let mut unknown = false;
        for part in parts {
            match self.evaluate(part, scope)?.as_bool() {
                Some(holds) if holds == decided_by => return Ok(FeelValue::Boolean(decided_by)),
                Some(_) => {}
                None => unknown = true,
            }
        }
        Ok(FeelValue::boolean((!unknown).then_some(!decided_by)))
    }

    fn compare(&self, operator: Comparison, left: &Ast, right: &Ast, scope: Scope<'_>) -> Evaluated {
        let left = self.evaluate(left, scope)?;
        let right = self.evaluate(right, scope)?;
        self.compare_values(operator, &left, &right).map(FeelValue::boolean)
    }

    fn compare_values(
        &self,
        operator: Comparison,
        left: &FeelValue,
        right: &FeelValue,
    ) -> Result<Option<bool>, ExpressionError> {
        if let FeelValue::Text(text) = left {
            self.charge(text.len() as u64 / 16)?;
        }
        Ok(match operator {
            Comparison::Equal => self.equal(left, right)?,
            Comparison::NotEqual => self.equal(left, right)?.map(|equal| !equal),
            Comparison::Less => value::order(left, right).map(Ordering::is_lt),
            Comparison::LessOrEqual => value::order(left, right).map(Ordering::is_le),
            Comparison::Greater => value::order(left, right).map(Ordering::is_gt),
            Comparison::GreaterOrEqual => value::order(left, right).map(Ordering::is_ge),
        })
    }

    fn between(&self, value: &Ast, low: &Ast, high: &Ast, scope: Scope<'_>) -> Evaluated {
        let value = self.evaluate(value, scope)?;
        let low = value::order(&value, &self.evaluate(low, scope)?).map(Ordering::is_ge);
        let high = value::order(&value, &self.evaluate(high, scope)?).map(Ordering::is_le);
        Ok(FeelValue::boolean(match (low, high) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        }))
    }

    fn is_in(&self, value: &Ast, tests: &[UnaryTest], scope: Scope<'_>) -> Evaluated {
        let value = self.evaluate(value, scope)?;
        self.any_test(&value, tests, scope).map(FeelValue::Boolean)
    }

    fn any_test(
        &self,
        input: &FeelValue,
        tests: &[UnaryTest],
        scope: Scope<'_>,
    ) -> Result<bool, ExpressionError> {
        let frame = Frame { parent: scope, binding: Binding::One("?", input) };
        for test in tests {
            let holds = match test {
                UnaryTest::Compare(operator, ast) => {
                    let other = self.evaluate(ast, Some(&frame))?;
                    self.compare_values(*operator, input, &other)? == Some(true)
                }
                UnaryTest::Match(ast, reads_input) => {
                    let found = self.evaluate(ast, Some(&frame))?;
                    match found {
                        FeelValue::Boolean(holds) if *reads_input => holds,
                        found => self.matches(input, &found)?,
                    }
                }
            };
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the input equals a value, or is in the list or range that it is.
    pub(super) fn matches(&self, input: &FeelValue, found: &FeelValue) -> Result<bool, ExpressionError> {
        if self.equal(input, found)? == Some(true) {
            return Ok(true);
        }
        match found {
            FeelValue::Range(range) => Ok(value::in_range(input, range) == Some(true)),
            FeelValue::List(list) => {
                for item in list.items() {
                    self.charge(1)?;
                    let inside = match item {
                        FeelValue::Range(range) => value::in_range(input, range) == Some(true),
                        item => self.equal(input, item)? == Some(true),
                    };
                    if inside {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    pub(super) fn unary_tests(&self, tests: &UnaryTests, input: &FeelValue) -> Result<bool, ExpressionError> {
        match tests {
            UnaryTests::Any => Ok(true),
            UnaryTests::OneOf(tests) => self.any_test(input, tests, None),
            UnaryTests::NoneOf(tests) => self.any_test(input, tests, None).map(|any| !any),
        }
    }

    fn chain(
        &self,
        first: &Ast,
        rest: &[(bool, Ast)],
        scope: Scope<'_>,
        operators: [fn(&FeelValue, &FeelValue) -> FeelValue; 2],
    ) -> Evaluated {
        let mut total = self.evaluate(first, scope)?;
        for (second, part) in rest {
            let part = self.evaluate(part, scope)?;
            if let (FeelValue::Text(a), FeelValue::Text(b)) = (&total, &part) {
                self.charge((a.len() + b.len()) as u64 / 16)?;
            }
            total = operators[usize::from(*second)](&total, &part);
            total.check_size()?;
        }
        Ok(total)
    }

    fn power(&self, base: &Ast, exponents: &[Ast], scope: Scope<'_>) -> Evaluated {
        let mut total = self.evaluate(base, scope)?;
        for exponent in exponents {
            total = match (total.as_number(), self.evaluate(exponent, scope)?.as_number()) {
                (Some(base), Some(exponent)) => FeelValue::number(base.powf(exponent)),
                _ => FeelValue::Null,
            };
        }
        Ok(total)
    }

    fn conditional(&self, condition: &Ast, then: &Ast, otherwise: &Ast, scope: Scope<'_>) -> Evaluated {
        match self.evaluate(condition, scope)? {
            FeelValue::Boolean(true) => self.evaluate(then, scope),
            _ => self.evaluate(otherwise, scope),
        }
    }

    fn list(&self, items: &[Ast], scope: Scope<'_>) -> Evaluated {
        let mut list = List::default();
        for item in items {
            list.push(self.evaluate(item, scope)?);
        }
        Ok(FeelValue::List(Arc::new(list)))
    }

    fn context(&self, entries: &[(Name, Ast)], scope: Scope<'_>) -> Evaluated {
        let mut context = Context::default();
        for (name, entry) in entries {
            let value =
                self.evaluate(entry, Some(&Frame { parent: scope, binding: Binding::Entries(&context) }))?;
            context.insert(Arc::clone(name), value);
        }
        Ok(FeelValue::context(context))
    }

    fn range(&self, node: &super::ast::RangeNode, scope: Scope<'_>) -> Evaluated {
        let start = self.evaluate(&node.start, scope)?;
        let end = self.evaluate(&node.end, scope)?;
        let (start_included, end_included) = (node.start_included, node.end_included);
        Ok(FeelValue::Range(Arc::new(Range { start, start_included, end, end_included })))
    }

    // Functions.

    fn invoke(&self, function: &Ast, arguments: &Arguments, scope: Scope<'_>) -> Evaluated {
        let FeelValue::Function(function) = self.evaluate(function, scope)? else {
            return Ok(FeelValue::Null);
        };
        let parameters = &function.node.parameters;
        let mut values = Vec::with_capacity(parameters.len());
        match arguments {
            Arguments::Positional(parts) => {
                for part in parts {
                    values.push(self.evaluate(part, scope)?);
                }
            }
            Arguments::Named(parts) => {
                if parts.iter().any(|(name, _)| !parameters.contains(name)) {
                    return Ok(FeelValue::Null);
                }
                for parameter in parameters {
                    values.push(match parts.iter().find(|(name, _)| name == parameter) {
                        Some((_, part)) => self.evaluate(part, scope)?,
                        None => FeelValue::Null,
                    });
                }
            }
        }
        self.apply(&function, values)
    }

    /// Calls a function value; null where the number of arguments is another.
    pub(super) fn apply(&self, function: &Function, arguments: Vec<FeelValue>) -> Evaluated {
        if arguments.len() != function.node.parameters.len() {
            return Ok(FeelValue::Null);
        }
        let bound: Vec<_> = function.node.parameters.iter().cloned().zip(arguments).collect();
        let outer = Frame { parent: None, binding: Binding::Many(&function.captured) };
        self.evaluate(
            &function.node.body,
            Some(&Frame { parent: Some(&outer), binding: Binding::Many(&bound) }),
        )
    }
}

/// The item at a place counted from 1, or from −1 at the end.
fn at_index(items: &[FeelValue], index: &FeelValue) -> FeelValue {
    let place = match index.as_integer() {
        Some(index) if index > 0 => usize::try_from(index - 1).ok(),
        Some(index) if index < 0 => {
            usize::try_from(index.unsigned_abs()).ok().and_then(|back| items.len().checked_sub(back))
        }
        _ => None,
    };
    place.and_then(|place| items.get(place)).cloned().unwrap_or(FeelValue::Null)
}

/// Whether a value is of a type; null is only of type `Null`.
fn is_of(value: &FeelValue, of: &Type) -> bool {
    match of {
        Type::Any => !value.is_null(),
        Type::Named(name) => value.type_name() == *name,
        Type::Function => matches!(value, FeelValue::Function(_)),
        Type::List(of) => value.as_list().is_some_and(|items| items.iter().all(|item| is_of(item, of))),
        Type::Range(of) => {
            matches!(value, FeelValue::Range(range) if is_of(&range.start, of) && is_of(&range.end, of))
        }
        Type::Context(entries) => value.as_context().is_some_and(|context| {
            entries.iter().all(|(name, of)| context.get(name).is_some_and(|entry| is_of(entry, of)))
        }),
    }
}
