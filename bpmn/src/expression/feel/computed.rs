//! A value as FEEL computes with it, for those who compute on: a date stays a date, a function a function.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::Value;

use super::temporal;
use super::value::{self, Context, FeelValue};
use crate::expression::ExpressionError;

/// A FEEL value between two evaluations. As JSON a date would be a text and could not be compared any more.
#[derive(Clone, Debug)]
pub struct Computed(pub(super) FeelValue);

/// The types that DMN names for inputs and outputs (DMN 1.5 table 42, with the names Camunda 7 writes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// `string`.
    Text,
    /// `number`, `double`.
    Number,
    /// `integer`, `long`: a number without fraction.
    Integer,
    /// `boolean`.
    Boolean,
    /// `date`.
    Date,
    /// `time`.
    Time,
    /// `dateTime`, `date and time`.
    DateTime,
    /// `dayTimeDuration`, `yearMonthDuration` and their FEEL names.
    Duration,
    /// `context`.
    Context,
    /// `list`.
    List,
}

impl ValueType {
    /// The type of this name; `None` for `Any` and for what is no built-in type.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        // Files of DMN 1.1 write `feel:string`.
        let name = name.rsplit(':').next().unwrap_or(name).trim();
        Some(match name {
            "string" => Self::Text,
            "number" | "double" => Self::Number,
            "integer" | "long" => Self::Integer,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "time" => Self::Time,
            "dateTime" | "date and time" => Self::DateTime,
            "dayTimeDuration"
            | "days and time duration"
            | "yearMonthDuration"
            | "years and months duration" => Self::Duration,
            "context" => Self::Context,
            "list" => Self::List,
            _ => return None,
        })
    }

    /// Its name in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Time => "time",
            Self::DateTime => "date and time",
            Self::Duration => "duration",
            Self::Context => "context",
            Self::List => "list",
        }
    }
}

impl Computed {
    /// FEEL null.
    #[must_use]
    pub fn null() -> Self {
        Self(FeelValue::Null)
    }

    /// A JSON value as FEEL sees it.
    ///
    /// # Errors
    /// `FEEL-0007` where it is nested too deep.
    pub fn of(value: &Value) -> Result<Self, ExpressionError> {
        value::from_json(value, 0).map(Self)
    }

    /// As JSON; dates, times and durations become ISO 8601 texts.
    ///
    /// # Errors
    /// `FEEL-0010` for a function.
    pub fn to_json(&self) -> Result<Value, ExpressionError> {
        value::to_json(&self.0)
    }

    /// A list of values.
    ///
    /// # Errors
    /// `FEEL-0007` where it grows too large.
    pub fn list(items: Vec<Self>) -> Result<Self, ExpressionError> {
        let list = FeelValue::list(items.into_iter().map(|item| item.0).collect());
        list.check_size()?;
        Ok(Self(list))
    }

    /// A context with these entries, in order.
    ///
    /// # Errors
    /// `FEEL-0007` where it grows too large.
    pub fn context<'n>(entries: impl IntoIterator<Item = (&'n str, Self)>) -> Result<Self, ExpressionError> {
        let mut context = Context::default();
        for (name, entry) in entries {
            context.insert(Arc::from(name), entry.0);
        }
        let context = FeelValue::context(context);
        context.check_size()?;
        Ok(Self(context))
    }

    /// A number; null where it is not finite.
    #[must_use]
    pub fn number(number: f64) -> Self {
        Self(FeelValue::number(number))
    }

    /// The number it is.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        self.0.as_number()
    }

    /// Whether it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// Whether it is a list.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.0.as_list().is_some()
    }

    /// FEEL equality.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        value::equal(&self.0, &other.0) == Some(true)
    }

    /// FEEL order; `None` between values that do not compare.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        value::order(&self.0, &other.0)
    }

    /// What kind of value it is, in words.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.0.type_name()
    }

    /// As FEEL writes it, texts in quotes; dates are written as they are compared.
    #[must_use]
    pub fn display(&self) -> String {
        match &self.0 {
            FeelValue::Text(text) => format!("\"{text}\""),
            other => value::display(other),
        }
    }

    /// The value as one of this type: itself, a date or duration read from its text, `None` where it is of another
    /// type. Null is of every type. Camunda 7 calls a date with a time `date`.
    #[must_use]
    pub fn converted(&self, to: ValueType) -> Option<Self> {
        use FeelValue as V;
        let text = self.0.as_text();
        let read = match (to, &self.0) {
            (_, V::Null)
            | (ValueType::Text, V::Text(_))
            | (ValueType::Number, V::Number(_))
            | (ValueType::Boolean, V::Boolean(_))
            | (ValueType::Date, V::Date(_) | V::DateTime(_))
            | (ValueType::Time, V::Time(_))
            | (ValueType::DateTime, V::DateTime(_))
            | (ValueType::Duration, V::Months(_) | V::Micros(_))
            | (ValueType::Context, V::Context(_))
            | (ValueType::List, V::List(_)) => self.0.clone(),
            (ValueType::Integer, V::Number(number)) if number.fract() == 0.0 => self.0.clone(),
            (ValueType::Date, V::Text(_)) => match text.and_then(temporal::parse_date) {
                Some(date) => V::Date(date),
                None => V::DateTime(Arc::new(text.and_then(temporal::parse_date_time)?)),
            },
            (ValueType::DateTime, V::Text(_)) => {
                V::DateTime(Arc::new(text.and_then(temporal::parse_date_time)?))
            }
            (ValueType::Time, V::Text(_)) => V::Time(Arc::new(text.and_then(temporal::parse_time)?)),
            (ValueType::Duration, V::Text(_)) => text.and_then(temporal::parse_duration)?,
            _ => return None,
        };
        Some(Self(read))
    }

    /// A value of the same kind that lies between two neighbours, or one beyond the only one given; `None` where the
    /// kind has no such value. For the search for gaps between rules.
    pub(crate) fn between(low: Option<&Self>, high: Option<&Self>, whole: bool) -> Option<Self> {
        use FeelValue as V;
        const MINUTE: i64 = 60 * temporal::SECOND;
        let beyond = |value: &FeelValue, sign: i64| match value {
            V::Number(number) => Some(V::number(number + sign as f64)),
            V::Date(date) => date.checked_add(jiff::Span::new().days(sign)).ok().map(V::Date),
            V::Months(months) => Some(V::Months(months.checked_add(sign)?)),
            V::Micros(micros) => Some(V::Micros(micros.checked_add(sign * MINUTE)?)),
            V::DateTime(_) => temporal::add(value, &V::Micros(sign * MINUTE)),
            _ => None,
        };
        let found = match (low.map(|it| &it.0), high.map(|it| &it.0)) {
            (None, Some(high)) => beyond(high, -1),
            (Some(low), None) => beyond(low, 1),
            (Some(V::Number(low)), Some(V::Number(high))) if whole => {
                (low + 1.0 < *high).then(|| V::Number(low.floor() + 1.0))
            }
            (Some(V::Number(low)), Some(V::Number(high))) => Some(V::Number(f64::midpoint(*low, *high))),
            (Some(low), Some(high)) => {
                beyond(low, 1).filter(|next| value::order(next, high) == Some(Ordering::Less))
            }
            (None, None) => None,
        }?;
        Some(Self(found))
    }

    /// Whether it is a text.
    pub(crate) fn is_text(&self) -> bool {
        self.0.as_text().is_some()
    }
}

impl From<&str> for Computed {
    fn from(text: &str) -> Self {
        Self(FeelValue::text(text))
    }
}

impl From<bool> for Computed {
    fn from(holds: bool) -> Self {
        Self(FeelValue::Boolean(holds))
    }
}
