//! What FEEL computes with: values, their size, how they compare, and their way from and to JSON.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::civil::Date;
use serde_json::Value;

use super::ast::FunctionNode;
use super::temporal::{self, DateAndTime, TimeOfDay};
use crate::expression::ExpressionError;

/// Deepest nesting of lists and contexts.
pub(in crate::expression) const MAX_VALUE_DEPTH: u16 = 128;

/// Greatest weight of a value: one for each number, name or other part, and one for each 16 bytes of text.
pub(in crate::expression) const MAX_VALUE_WEIGHT: u64 = 2_000_000;

/// Integers up to this size are exact in a double (2⁵³).
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A name in a scope or a context.
pub(in crate::expression) type Name = Arc<str>;

/// A FEEL value. Composite ones are shared, so that a clone is cheap.
#[derive(Clone, Debug)]
pub(in crate::expression) enum FeelValue {
    Null,
    Boolean(bool),
    Number(f64),
    Text(Arc<str>),
    Date(Date),
    Time(Arc<TimeOfDay>),
    DateTime(Arc<DateAndTime>),
    /// Years and months duration, in months.
    Months(i64),
    /// Days and time duration, in microseconds.
    Micros(i64),
    List(Arc<List>),
    Context(Arc<Context>),
    Range(Arc<Range>),
    Function(Arc<Function>),
}

/// How deep and how heavy a value is, kept up as it is built so that a check costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::expression) struct Measure {
    pub(super) depth: u16,
    pub(super) weight: u64,
}

impl Measure {
    fn add(&mut self, part: Measure) {
        self.depth = self.depth.max(part.depth.saturating_add(1));
        self.weight = self.weight.saturating_add(part.weight);
    }

    fn check(self) -> Result<(), ExpressionError> {
        let Self { depth, weight } = self;
        if depth > MAX_VALUE_DEPTH {
            return Err(ExpressionError::too_large(&format!("nested deeper than {MAX_VALUE_DEPTH} levels")));
        }
        if weight > MAX_VALUE_WEIGHT {
            return Err(ExpressionError::too_large(&format!("more than {MAX_VALUE_WEIGHT} parts")));
        }
        Ok(())
    }
}

/// A list.
#[derive(Clone, Debug, Default)]
pub(in crate::expression) struct List {
    items: Vec<FeelValue>,
    measure: Measure,
}

impl List {
    pub(super) fn push(&mut self, item: FeelValue) {
        self.measure.add(item.measure());
        self.items.push(item);
    }

    /// Refuses a list that has grown too deep or too heavy.
    pub(super) fn check_size(&self) -> Result<(), ExpressionError> {
        self.measure.check()
    }

    pub(super) fn items(&self) -> &[FeelValue] {
        &self.items
    }
}

/// A context: names in the order they were written.
#[derive(Clone, Debug, Default)]
pub(in crate::expression) struct Context {
    entries: IndexMap<Name, FeelValue>,
    measure: Measure,
}

impl Context {
    /// Sets an entry. The measure only grows, also where a lighter value replaces a heavier one.
    pub(super) fn insert(&mut self, name: Name, value: FeelValue) {
        self.measure.add(value.measure());
        self.measure.weight = self.measure.weight.saturating_add(1 + name.len() as u64 / 16);
        self.entries.insert(name, value);
    }

    pub(super) fn get(&self, name: &str) -> Option<&FeelValue> {
        self.entries.get(name)
    }

    pub(super) fn entries(&self) -> &IndexMap<Name, FeelValue> {
        &self.entries
    }
}

/// A range; an absent end is unbounded.
#[derive(Clone, Debug)]
pub(in crate::expression) struct Range {
    pub(super) start: FeelValue,
    pub(super) start_included: bool,
    pub(super) end: FeelValue,
    pub(super) end_included: bool,
}

/// A function literal with what it saw where it was written.
#[derive(Debug)]
pub(in crate::expression) struct Function {
    pub(super) node: Arc<FunctionNode>,
    pub(super) captured: Vec<(Name, FeelValue)>,
}

impl FeelValue {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    pub(super) fn list(items: Vec<FeelValue>) -> Self {
        let mut measure = Measure { depth: 1, weight: 1 };
        for item in &items {
            measure.add(item.measure());
        }
        Self::List(Arc::new(List { items, measure }))
    }

    pub(super) fn context(context: Context) -> Self {
        Self::Context(Arc::new(context))
    }

    /// A number; what is not finite is null.
    pub(super) fn number(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Null }
    }

    pub(super) fn boolean(holds: Option<bool>) -> Self {
        holds.map_or(Self::Null, Self::Boolean)
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        if let Self::Boolean(holds) = self { Some(*holds) } else { None }
    }

    pub(super) fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The number if it is a whole one.
    pub(super) fn as_integer(&self) -> Option<i64> {
        let number = self.as_number()?;
        (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn as_list(&self) -> Option<&[FeelValue]> {
        if let Self::List(list) = self { Some(list.items()) } else { None }
    }

    pub(super) fn as_context(&self) -> Option<&Context> {
        if let Self::Context(context) = self { Some(context) } else { None }
    }

    /// How deep and heavy it is.
    pub(super) fn measure(&self) -> Measure {
        match self {
            Self::Text(text) => Measure { depth: 0, weight: 1 + text.len() as u64 / 16 },
            Self::List(list) => list.measure,
            Self::Context(context) => context.measure,
            Self::Range(range) => {
                let mut measure = Measure { depth: 1, weight: 1 };
                measure.add(range.start.measure());
                measure.add(range.end.measure());
                measure
            }
            Self::Function(function) => {
                let mut measure = Measure { depth: 1, weight: 1 };
                for (_, value) in &function.captured {
                    measure.add(value.measure());
                }
                measure
            }
            _ => Measure { depth: 0, weight: 1 },
        }
    }

    /// Refuses a value that is nested too deep or too heavy to go on with.
    pub(super) fn check_size(&self) -> Result<(), ExpressionError> {
        self.measure().check()
    }

    /// What kind of value it is, in words.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Date(_) => "date",
            Self::Time(_) => "time",
            Self::DateTime(_) => "date and time",
            Self::Months(_) => "years and months duration",
            Self::Micros(_) => "days and time duration",
            Self::List(_) => "list",
            Self::Context(_) => "context",
            Self::Range(_) => "range",
            Self::Function(_) => "function",
        }
    }
}

/// FEEL equality: null where the kinds differ, except that null equals only null.
pub(super) fn equal(left: &FeelValue, right: &FeelValue) -> Option<bool> {
    use FeelValue as V;
    Some(match (left, right) {
        (V::Null, V::Null) => true,
        (V::Null, _) | (_, V::Null) => false,
        (V::Boolean(a), V::Boolean(b)) => a == b,
        (V::List(a), V::List(b)) => {
            Arc::ptr_eq(a, b)
                || (a.items().len() == b.items().len()
                    && a.items().iter().zip(b.items()).all(|(a, b)| equal(a, b) == Some(true)))
        }
        (V::Context(a), V::Context(b)) => {
            Arc::ptr_eq(a, b)
                || (a.entries.len() == b.entries.len()
                    && a.entries
                        .iter()
                        .all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b) == Some(true))))
        }
        (V::Range(a), V::Range(b)) => {
            a.start_included == b.start_included
                && a.end_included == b.end_included
                && equal(&a.start, &b.start) == Some(true)
                && equal(&a.end, &b.end) == Some(true)
        }
        (V::DateTime(a), V::DateTime(b)) if a.zone.is_some() != b.zone.is_some() => false,
        (V::Time(a), V::Time(b)) if a.zone.is_some() != b.zone.is_some() => false,
        _ => return order(left, right).map(|order| order == Ordering::Equal),
    })
}

/// FEEL order: only between values of the same ordered kind.
pub(super) fn order(left: &FeelValue, right: &FeelValue) -> Option<Ordering> {
    use FeelValue as V;
    match (left, right) {
        (V::Number(a), V::Number(b)) => a.partial_cmp(b),
        (V::Text(a), V::Text(b)) => Some(a.as_ref().cmp(b.as_ref())),
        (V::Date(a), V::Date(b)) => Some(a.cmp(b)),
        (V::Time(a), V::Time(b)) if a.zone.is_some() == b.zone.is_some() => {
            Some(a.utc_micros().cmp(&b.utc_micros()))
        }
        (V::DateTime(a), V::DateTime(b)) if a.zone.is_some() == b.zone.is_some() => {
            Some(a.instant_micros().cmp(&b.instant_micros()))
        }
        (V::Months(a), V::Months(b)) | (V::Micros(a), V::Micros(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Whether a value lies in a range; null where they do not compare.
pub(super) fn in_range(value: &FeelValue, range: &Range) -> Option<bool> {
    let after_start = match &range.start {
        FeelValue::Null => true,
        start => match order(value, start)? {
            Ordering::Greater => true,
            Ordering::Equal => range.start_included,
            Ordering::Less => false,
        },
    };
    let before_end = match &range.end {
        FeelValue::Null => true,
        end => match order(value, end)? {
            Ordering::Less => true,
            Ordering::Equal => range.end_included,
            Ordering::Greater => false,
        },
    };
    Some(after_start && before_end)
}

/// A JSON value as FEEL sees it.
pub(super) fn from_json(value: &Value, depth: u16) -> Result<FeelValue, ExpressionError> {
    if depth > MAX_VALUE_DEPTH {
        return Err(ExpressionError::too_large("a variable is nested too deep"));
    }
    Ok(match value {
        Value::Null => FeelValue::Null,
        Value::Bool(holds) => FeelValue::Boolean(*holds),
        Value::Number(number) => number.as_f64().map_or(FeelValue::Null, FeelValue::number),
        Value::String(text) => FeelValue::text(text),
        Value::Array(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|item| from_json(item, depth + 1)).collect();
            FeelValue::list(items?)
        }
        Value::Object(entries) => {
            let mut context = Context::default();
            for (name, entry) in entries {
                context.insert(Arc::from(name.as_str()), from_json(entry, depth + 1)?);
            }
            FeelValue::context(context)
        }
    })
}

/// A FEEL value as JSON; temporal values and ranges become text.
pub(super) fn to_json(value: &FeelValue) -> Result<Value, ExpressionError> {
    Ok(match value {
        FeelValue::Null => Value::Null,
        FeelValue::Boolean(holds) => Value::Bool(*holds),
        FeelValue::Number(number) => json_number(*number),
        FeelValue::Text(text) => Value::String(text.to_string()),
        FeelValue::List(list) => {
            let items: Result<Vec<_>, _> = list.items().iter().map(to_json).collect();
            Value::Array(items?)
        }
        FeelValue::Context(context) => {
            let mut entries = serde_json::Map::new();
            for (name, entry) in context.entries() {
                entries.insert(name.to_string(), to_json(entry)?);
            }
            Value::Object(entries)
        }
        FeelValue::Function(_) => return Err(ExpressionError::not_a_value("a function")),
        other => Value::String(display(other)),
    })
}

/// A number as JSON: an integer where it is one and a double holds it exactly.
pub(in crate::expression) fn json_number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() <= EXACT {
        Value::from(number as i64)
    } else {
        serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number)
    }
}

/// The value as the `string` function shows it.
pub(super) fn display(value: &FeelValue) -> String {
    if let FeelValue::Text(text) = value {
        return text.to_string();
    }
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &FeelValue) {
    // Writing into a `String` cannot fail.
    let _ = match value {
        FeelValue::Null => write!(out, "null"),
        FeelValue::Boolean(holds) => write!(out, "{holds}"),
        // Adding zero turns a negative zero into zero.
        FeelValue::Number(number) => write!(out, "{}", number + 0.0),
        FeelValue::Text(text) => write!(out, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        FeelValue::Date(date) => write!(out, "{date}"),
        FeelValue::Time(time) => write!(out, "{time}"),
        FeelValue::DateTime(moment) => write!(out, "{moment}"),
        FeelValue::Months(months) => write!(out, "{}", temporal::show_months(*months)),
        FeelValue::Micros(micros) => write!(out, "{}", temporal::show_micros(*micros)),
        FeelValue::Function(_) => write!(out, "function"),
        FeelValue::Range(range) => {
            out.push(if range.start_included { '[' } else { '(' });
            write_value(out, &range.start);
            out.push_str("..");
            write_value(out, &range.end);
            write!(out, "{}", if range.end_included { ']' } else { ')' })
        }
        FeelValue::List(list) => {
            out.push('[');
            for (place, item) in list.items().iter().enumerate() {
                out.push_str(if place == 0 { "" } else { ", " });
                write_value(out, item);
            }
            write!(out, "]")
        }
        FeelValue::Context(context) => {
            out.push('{');
            for (place, (name, entry)) in context.entries().iter().enumerate() {
                out.push_str(if place == 0 { "" } else { ", " });
                out.push_str(name);
                out.push_str(": ");
                write_value(out, entry);
            }
            write!(out, "}}")
        }
    };
}
