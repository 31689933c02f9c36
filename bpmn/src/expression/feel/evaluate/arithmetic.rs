//! `+ - * /` over numbers, texts, moments and durations; null where they do not go together.

use crate::expression::feel::temporal;
use crate::expression::feel::value::FeelValue;

pub(super) fn add(left: &FeelValue, right: &FeelValue) -> FeelValue {
    match (left, right) {
        (FeelValue::Number(a), FeelValue::Number(b)) => FeelValue::number(a + b),
        (FeelValue::Text(a), FeelValue::Text(b)) => FeelValue::text([&**a, &**b].concat()),
        _ => temporal::add(left, right).or_else(|| temporal::add(right, left)).unwrap_or(FeelValue::Null),
    }
}

pub(super) fn subtract(left: &FeelValue, right: &FeelValue) -> FeelValue {
    match (left, right) {
        (FeelValue::Number(a), FeelValue::Number(b)) => FeelValue::number(a - b),
        _ => temporal::subtract(left, right).unwrap_or(FeelValue::Null),
    }
}

pub(super) fn multiply(left: &FeelValue, right: &FeelValue) -> FeelValue {
    match (left, right) {
        (FeelValue::Number(a), FeelValue::Number(b)) => FeelValue::number(a * b),
        (FeelValue::Number(factor), duration) | (duration, FeelValue::Number(factor)) => {
            temporal::scale(duration, *factor).unwrap_or(FeelValue::Null)
        }
        _ => FeelValue::Null,
    }
}

pub(super) fn divide(left: &FeelValue, right: &FeelValue) -> FeelValue {
    match (left, right) {
        (FeelValue::Number(a), FeelValue::Number(b)) => FeelValue::number(a / b),
        (FeelValue::Months(a), FeelValue::Months(b)) | (FeelValue::Micros(a), FeelValue::Micros(b)) => {
            FeelValue::number(*a as f64 / *b as f64)
        }
        (duration, FeelValue::Number(divisor)) => {
            temporal::scale(duration, 1.0 / divisor).unwrap_or(FeelValue::Null)
        }
        _ => FeelValue::Null,
    }
}

pub(super) fn negate(value: &FeelValue) -> FeelValue {
    match value {
        FeelValue::Number(number) => FeelValue::Number(-number),
        other => temporal::negate(other).unwrap_or(FeelValue::Null),
    }
}
