//! Literals as values: of which datatype they are, and how two of them compare (SPARQL's `<`).

use std::cmp::Ordering;
use std::str::FromStr;

use oxigraph::model::vocab::xsd;
use oxigraph::model::{Literal, NamedNodeRef};
use oxsdatatypes::{
    Boolean, Date, DateTime, DayTimeDuration, Decimal, Double, Duration, Float, Integer, Time,
};

const INTEGERS: &[(NamedNodeRef<'_>, Option<i64>, Option<i64>)] = &[
    (xsd::INTEGER, None, None),
    (xsd::LONG, None, None),
    (xsd::INT, Some(i32::MIN as i64), Some(i32::MAX as i64)),
    (xsd::SHORT, Some(i16::MIN as i64), Some(i16::MAX as i64)),
    (xsd::BYTE, Some(i8::MIN as i64), Some(i8::MAX as i64)),
    (xsd::NON_NEGATIVE_INTEGER, Some(0), None),
    (xsd::POSITIVE_INTEGER, Some(1), None),
    (xsd::NON_POSITIVE_INTEGER, None, Some(0)),
    (xsd::NEGATIVE_INTEGER, None, Some(-1)),
    (xsd::UNSIGNED_INT, Some(0), Some(u32::MAX as i64)),
    (xsd::UNSIGNED_SHORT, Some(0), Some(u16::MAX as i64)),
    (xsd::UNSIGNED_BYTE, Some(0), Some(u8::MAX as i64)),
];

fn is<T: FromStr>(text: &str) -> bool {
    T::from_str(text).is_ok()
}

/// Whether a literal is of a datatype and well-formed. Datatypes beyond XML Schema's are taken as they are. The store
/// keeps every whole number as `xsd:integer`, so one of those is also of each narrower type that it lies in.
pub(super) fn is_of(literal: &Literal, datatype: NamedNodeRef<'_>) -> bool {
    let text = literal.value();
    if let Some((_, low, high)) = INTEGERS.iter().find(|(name, _, _)| *name == datatype) {
        let lies_in = |it: i64| low.is_none_or(|low| it >= low) && high.is_none_or(|high| it <= high);
        let is_whole = [datatype, xsd::INTEGER].contains(&literal.datatype());
        return is_whole && text.parse::<i64>().is_ok_and(lies_in);
    }
    if literal.datatype() != datatype {
        return false;
    }
    match datatype {
        xsd::BOOLEAN => is::<Boolean>(text),
        xsd::DECIMAL => is::<Decimal>(text),
        xsd::DOUBLE => is::<Double>(text),
        xsd::FLOAT => is::<Float>(text),
        xsd::DATE => is::<Date>(text),
        xsd::TIME => is::<Time>(text),
        xsd::DATE_TIME => is::<DateTime>(text),
        xsd::DURATION => is::<Duration>(text),
        xsd::DAY_TIME_DURATION => is::<DayTimeDuration>(text),
        _ => true,
    }
}

/// A number that compares exactly where both sides are decimal, and as a double otherwise.
enum Number {
    Exact(Decimal),
    Double(f64),
}

fn number(literal: &Literal) -> Option<Number> {
    let (text, datatype) = (literal.value(), literal.datatype());
    if INTEGERS.iter().any(|(name, _, _)| *name == datatype) {
        return Integer::from_str(text).ok().map(|it| Number::Exact(it.into()));
    }
    match datatype {
        xsd::DECIMAL => Decimal::from_str(text).ok().map(Number::Exact),
        xsd::DOUBLE => Double::from_str(text).ok().map(|it| Number::Double(it.into())),
        xsd::FLOAT => Float::from_str(text).ok().map(|it| Number::Double(Double::from(it).into())),
        _ => None,
    }
}

fn as_double(number: &Number) -> f64 {
    match number {
        Number::Exact(decimal) => Double::from(*decimal).into(),
        Number::Double(double) => *double,
    }
}

fn parsed<T: FromStr + PartialOrd>(one: &Literal, two: &Literal) -> Option<Ordering> {
    T::from_str(one.value()).ok()?.partial_cmp(&T::from_str(two.value()).ok()?)
}

/// How two literals compare; `None` where they cannot be.
pub(super) fn compare(one: &Literal, two: &Literal) -> Option<Ordering> {
    if let (Some(one), Some(two)) = (number(one), number(two)) {
        return match (&one, &two) {
            (Number::Exact(one), Number::Exact(two)) => one.partial_cmp(two),
            _ => as_double(&one).partial_cmp(&as_double(&two)),
        };
    }
    if one.datatype() != two.datatype() {
        return None;
    }
    match one.datatype() {
        xsd::STRING => Some(one.value().cmp(two.value())),
        xsd::BOOLEAN => parsed::<Boolean>(one, two),
        xsd::DATE => parsed::<Date>(one, two),
        xsd::TIME => parsed::<Time>(one, two),
        xsd::DATE_TIME => parsed::<DateTime>(one, two),
        xsd::DURATION => parsed::<Duration>(one, two),
        xsd::DAY_TIME_DURATION => parsed::<DayTimeDuration>(one, two),
        _ => None,
    }
}
