//! Expressions behind one wall: FEEL (`=…`), the JUEL subset of Camunda 7 (`${…}`) and literals.
//!
//! Nothing here opens a socket, reads a clock or runs without bound: `now()` and `today()` are the step's time,
//! external functions are refused when parsed, and evaluation counts its steps.
//!
//! Numbers are IEEE 754 doubles: integers are exact up to 2⁵³ and come out as JSON integers (`3`, not `3.0`);
//! decimal fractions are as exact as a double is. A variable that is only passed through (`=order.key`) is handed
//! on as it is, also beyond 2⁵³. Dates, times and durations come out as ISO 8601 strings.

mod error;
mod feel;
mod juel;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

pub use error::ExpressionError;
pub use feel::{Computed, ValueType};

/// Longest expression text accepted, in bytes.
pub const MAX_SOURCE_BYTES: usize = 64 * 1024;

/// Steps an evaluation may take where nobody says otherwise; a step is one node visited or one list element made.
pub const DEFAULT_STEPS: u64 = 1_000_000;

/// A parsed expression; cheap to clone.
#[derive(Clone)]
pub struct Expression {
    inner: Arc<Inner>,
}

struct Inner {
    source: Box<str>,
    kind: Kind,
    /// Read for certain.
    variables: Vec<String>,
    /// Read inside a filter, where they may also be properties of the item.
    possible: Vec<String>,
}

enum Kind {
    Literal(Value),
    Feel(feel::Ast),
    UnaryTests(feel::UnaryTests),
    Juel(juel::Template),
}

/// What an expression tells of a variable it reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Hint {
    /// The value that stands for it where it is missing.
    Default(Value),
    /// A constant it is compared with, never null.
    Compared(Value),
}

/// How a text without prefix is read; `=…` is FEEL and `${…}` or `#{…}` is JUEL everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseMode {
    /// A condition: FEEL.
    Condition,
    /// A value, e.g. of a mapping: the text itself.
    Value,
    /// A timer: the text itself (ISO 8601 or cron).
    Timer,
    /// A name, e.g. of a message: the text itself.
    Name,
}

/// Where an expression finds variables.
pub trait Lookup {
    /// The value of a variable, or `None` where there is none (FEEL `null`).
    fn lookup(&self, name: &str) -> Option<Value>;

    /// The same without a copy, where the variables are held as they are; asked first.
    fn lookup_ref(&self, _name: &str) -> Option<&Value> {
        None
    }

    /// The value of a variable that was computed by FEEL and has not become JSON; asked second.
    fn lookup_computed(&self, _name: &str) -> Option<Computed> {
        None
    }
}

impl Lookup for Map<String, Value> {
    fn lookup(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }
    fn lookup_ref(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

impl Lookup for BTreeMap<String, Value> {
    fn lookup(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }
    fn lookup_ref(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

impl<S: std::hash::BuildHasher> Lookup for HashMap<String, Value, S> {
    fn lookup(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }
    fn lookup_ref(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

/// The members of a JSON object; any other value holds no variables.
impl Lookup for Value {
    fn lookup(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }
    fn lookup_ref(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

/// No variables.
impl Lookup for () {
    fn lookup(&self, _name: &str) -> Option<Value> {
        None
    }
}

/// What an evaluation may use besides variables.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The step's time: what `now()` gives, milliseconds since the Unix epoch (UTC).
    pub now_ms: i64,
    /// Evaluation steps allowed; reaching it is an error, not a hang.
    pub steps: u64,
}

impl Limits {
    /// The usual step budget, at this time (milliseconds since the Unix epoch).
    #[must_use]
    pub fn at(now_ms: i64) -> Self {
        Self { now_ms, steps: DEFAULT_STEPS }
    }
}

impl Expression {
    /// Parses FEEL, with or without the leading `=`.
    ///
    /// # Errors
    /// `FEEL-0001` where the text is not FEEL, `FEEL-0002` where it is nested too deep, `FEEL-0003` for an unknown
    /// function, `FEEL-0004` for one that is not allowed here, `FEEL-0005` where it is too long.
    pub fn feel(source: &str) -> Result<Self, ExpressionError> {
        Self::feel_with_names(source, &[])
    }

    /// Parses FEEL in which these variable names are known; needed for names with spaces.
    ///
    /// # Errors
    /// As [`Expression::feel`].
    pub fn feel_with_names(source: &str, names: &[&str]) -> Result<Self, ExpressionError> {
        let (text, offset) = strip_prefix(source)?;
        let ast = feel::parse_expression(text, names).map_err(|error| error.moved(offset))?;
        let names = feel::free_variables(&ast);
        Ok(Self::from_kind(source, Kind::Feel(ast), names))
    }

    /// Parses FEEL unary tests (`< 5`, `[1..3], 7`, `not("a")`, `-`), as DMN cells hold them.
    ///
    /// # Errors
    /// As [`Expression::feel`].
    pub fn unary_tests(source: &str) -> Result<Self, ExpressionError> {
        Self::unary_tests_with_names(source, &[])
    }

    /// Parses FEEL unary tests in which these variable and function names are known.
    ///
    /// # Errors
    /// As [`Expression::feel`].
    pub fn unary_tests_with_names(source: &str, names: &[&str]) -> Result<Self, ExpressionError> {
        let (text, offset) = strip_prefix(source)?;
        let tests = feel::parse_unary_tests(text, names).map_err(|error| error.moved(offset))?;
        let names = feel::free_variables_of_tests(&tests);
        Ok(Self::from_kind(source, Kind::UnaryTests(tests), names))
    }

    /// Parses the JUEL subset, with any text around the `${…}` or `#{…}`.
    ///
    /// # Errors
    /// `FEEL-0001` where an expression is not JUEL, `FEEL-0002` where it is nested too deep, `FEEL-0004` for a
    /// method that is not allowed.
    pub fn juel(source: &str) -> Result<Self, ExpressionError> {
        check_length(source)?;
        let template = juel::parse(source)?;
        let names = (template.variables(), Vec::new());
        Ok(Self::from_kind(source, Kind::Juel(template), names))
    }

    /// An expression that is always this value.
    #[must_use]
    pub fn literal(value: Value) -> Self {
        let source = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Self::from_kind(&source, Kind::Literal(value), Default::default())
    }

    /// Parses a text as the attribute it stands in wants it.
    ///
    /// # Errors
    /// As [`Expression::feel`] and [`Expression::juel`].
    pub fn parse(source: &str, mode: ParseMode) -> Result<Self, ExpressionError> {
        let text = source.trim_start();
        if text.starts_with('=') {
            return Self::feel(text);
        }
        if text.contains("${") || text.contains("#{") {
            return Self::juel(source);
        }
        match mode {
            ParseMode::Condition => Self::feel(source),
            ParseMode::Value => Ok(Self::literal(Value::String(source.to_owned()))),
            ParseMode::Timer | ParseMode::Name => Ok(Self::literal(Value::String(source.trim().to_owned()))),
        }
    }

    fn from_kind(source: &str, kind: Kind, (variables, possible): (Vec<String>, Vec<String>)) -> Self {
        Self { inner: Arc::new(Inner { source: source.into(), kind, variables, possible }) }
    }

    /// The text it was parsed from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// Whether it is a fixed value, the same for all variables.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        matches!(self.inner.kind, Kind::Literal(_))
    }

    /// The fixed value, if it is one.
    #[must_use]
    pub fn as_literal(&self) -> Option<&Value> {
        match &self.inner.kind {
            Kind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// Names of the variables it reads for certain, sorted, each once; only the first name of a path.
    ///
    /// A name inside a filter (`items[price > limit]`) may be a property of the item: those are
    /// [`Expression::possible_variables`].
    #[must_use]
    pub fn variables(&self) -> &[String] {
        &self.inner.variables
    }

    /// Names it reads inside filters, which are variables only where the filtered items have no such property.
    #[must_use]
    pub fn possible_variables(&self) -> &[String] {
        &self.inner.possible
    }

    /// What it tells of its variables beside their names; nothing for literals, unary tests and JUEL.
    ///
    /// `limits` bound the evaluation of defaults: `if x = null then 2 * 15 else x` tells that 30 stands for `x`.
    #[must_use]
    pub fn hints(&self, limits: Limits) -> Vec<(String, Hint)> {
        match &self.inner.kind {
            Kind::Feel(ast) => feel::hints(ast, limits),
            _ => Vec::new(),
        }
    }

    /// The value over these variables.
    ///
    /// # Errors
    /// `FEEL-0006` where the step budget is used up, `FEEL-0007` where a value grows too large, `FEEL-0009` where
    /// `assert` fails, `FEEL-0010` where the result cannot be a variable (a function), `FEEL-0011` for JUEL names
    /// and operands that do not resolve.
    pub fn evaluate(&self, variables: &dyn Lookup, limits: Limits) -> Result<Value, ExpressionError> {
        match &self.inner.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Feel(ast) => feel::evaluate(ast, variables, limits),
            Kind::UnaryTests(tests) => {
                let input = variables.lookup("?").unwrap_or(Value::Null);
                feel::evaluate_unary_tests(tests, &input, variables, limits).map(Value::Bool)
            }
            Kind::Juel(template) => template.evaluate(variables, limits),
        }
    }

    /// The value as FEEL computes with it. The steps it takes are taken from `limits`, so that several evaluations
    /// share one budget.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn compute(&self, variables: &dyn Lookup, limits: &mut Limits) -> Result<Computed, ExpressionError> {
        match &self.inner.kind {
            Kind::Feel(ast) => feel::evaluate_computed(ast, variables, limits),
            _ => Computed::of(&self.evaluate(variables, *limits)?),
        }
    }

    /// Whether a computed input passes the unary tests, or equals the value that any other expression has. The steps
    /// it takes are taken from `limits`.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn accepts(
        &self,
        input: &Computed,
        variables: &dyn Lookup,
        limits: &mut Limits,
    ) -> Result<bool, ExpressionError> {
        match &self.inner.kind {
            Kind::UnaryTests(tests) => feel::accepts(tests, input, variables, limits),
            _ => Ok(self.compute(variables, limits)?.equals(input)),
        }
    }

    /// The constants that unary tests compare with; `None` where they also read variables, call functions or look
    /// inside the input. Between neighbouring constants all inputs fare alike.
    #[must_use]
    pub(crate) fn constants(&self, limits: Limits) -> Option<Vec<Computed>> {
        match &self.inner.kind {
            Kind::UnaryTests(tests) => feel::constants(tests, limits),
            _ => None,
        }
    }

    /// Whether the condition holds over these variables; FEEL `null` is false.
    ///
    /// # Errors
    /// `FEEL-0008` where the value is neither boolean nor null; and as [`Expression::evaluate`].
    pub fn evaluate_condition(
        &self,
        variables: &dyn Lookup,
        limits: Limits,
    ) -> Result<bool, ExpressionError> {
        let value = match &self.inner.kind {
            Kind::Literal(value) => value.clone(),
            Kind::Feel(ast) => match feel::evaluate_boolean(ast, variables, limits)? {
                Ok(holds) => return Ok(holds),
                Err(value) => value,
            },
            Kind::UnaryTests(_) | Kind::Juel(_) => self.evaluate(variables, limits)?,
        };
        match value {
            Value::Bool(holds) => Ok(holds),
            Value::Null => Ok(false),
            Value::String(text) if text == "true" => Ok(true),
            Value::String(text) if text == "false" => Ok(false),
            other => Err(ExpressionError::not_boolean(self.source(), &other)),
        }
    }

    /// Whether this input passes the unary tests it was parsed from by [`Expression::unary_tests`]; for any other
    /// expression, whether its value equals the input, or is a list or range that holds it.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn evaluate_unary_tests(
        &self,
        input: &Value,
        variables: &dyn Lookup,
        limits: Limits,
    ) -> Result<bool, ExpressionError> {
        match &self.inner.kind {
            Kind::UnaryTests(tests) => feel::evaluate_unary_tests(tests, input, variables, limits),
            _ => feel::matches_value(&self.evaluate(variables, limits)?, input, limits),
        }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Expression").field(&self.source()).finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(&self.inner.kind) == std::mem::discriminant(&other.inner.kind)
            && self.inner.source == other.inner.source
    }
}

fn check_length(source: &str) -> Result<(), ExpressionError> {
    if source.len() > MAX_SOURCE_BYTES { Err(ExpressionError::too_long(source.len())) } else { Ok(()) }
}

/// The text after a leading `=`, and where it starts.
fn strip_prefix(source: &str) -> Result<(&str, usize), ExpressionError> {
    check_length(source)?;
    let trimmed = source.trim_start();
    let text = trimmed.strip_prefix('=').unwrap_or(trimmed);
    Ok((text, source.len() - text.len()))
}
