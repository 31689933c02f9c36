//! From one kind of value to another.

use std::sync::Arc;

use jiff::civil::{Date, Time};

use super::{Builtin, Evaluated, argument, builtin, or_null, takes};
use crate::expression::feel::ast::Ast;
use crate::expression::feel::evaluate::Evaluator;
use crate::expression::feel::temporal::{self, DateAndTime, TimeOfDay, Zone};
use crate::expression::feel::value::{self, FeelValue, Range, display};

pub(super) const FUNCTIONS: &[Builtin] = &[
    builtin("string", &[takes(&["from"])], string),
    builtin(
        "number",
        &[takes(&["from"]), takes(&["from", "grouping separator?", "decimal separator?"])],
        number,
    ),
    builtin("date", &[takes(&["from"]), takes(&["year", "month", "day"])], date),
    builtin("time", &[takes(&["from"]), takes(&["hour", "minute", "second", "offset?"])], time),
    builtin(
        "date and time",
        &[takes(&["from"]), takes(&["date", "time"]), takes(&["date", "timezone"])],
        date_and_time,
    ),
    builtin("duration", &[takes(&["from"])], duration),
    builtin("years and months duration", &[takes(&["from", "to"])], years_and_months_duration),
    builtin("range", &[takes(&["from"])], range),
    builtin("from json", &[takes(&["value"])], from_json),
    builtin("to json", &[takes(&["value"])], to_json),
];

fn string(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    match argument(arguments, 0) {
        FeelValue::Null => Ok(FeelValue::Null),
        value => {
            evaluator.charge_value(value)?;
            Ok(FeelValue::text(display(value)))
        }
    }
}

fn number(_: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let from = match argument(arguments, 0) {
        number @ FeelValue::Number(_) => return Ok(number.clone()),
        from => from.as_text(),
    };
    let Some(from) = from else { return Ok(FeelValue::Null) };
    let (grouping, point) = (argument(arguments, 1), argument(arguments, 2));
    let mut text = from.to_owned();
    match grouping {
        FeelValue::Null => {}
        FeelValue::Text(separator)
            if [" ", ",", "."].contains(&&**separator) && !same_text(grouping, point) =>
        {
            text = text.replace(&**separator, "");
        }
        _ => return Ok(FeelValue::Null),
    }
    match point {
        FeelValue::Null => {}
        FeelValue::Text(separator) if &**separator == "," && !text.contains('.') => {
            text = text.replace(',', ".")
        }
        FeelValue::Text(separator) if &**separator == "." => {}
        _ => return Ok(FeelValue::Null),
    }
    or_null(parse_number(&text))
}

fn same_text(left: &FeelValue, right: &FeelValue) -> bool {
    left.as_text().is_some() && left.as_text() == right.as_text()
}

/// A number as FEEL writes it; `inf`, `nan` and the like are none.
fn parse_number(text: &str) -> Option<FeelValue> {
    let plausible = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    (plausible && !text.ends_with('.')).then(|| text.parse().ok().map(FeelValue::number)).flatten()
}

fn to_i8(value: &FeelValue) -> Option<i8> {
    i8::try_from(value.as_integer()?).ok()
}

fn date(_: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let made = match arguments {
        [FeelValue::Text(text)] => temporal::parse_date(text),
        [FeelValue::Date(date)] => Some(*date),
        [FeelValue::DateTime(moment)] => Some(moment.local.date()),
        [year, month, day] => (|| {
            let year = i16::try_from(year.as_integer()?).ok()?;
            Date::new(year, to_i8(month)?, to_i8(day)?).ok()
        })(),
        _ => None,
    };
    or_null(made.map(FeelValue::Date))
}

fn time(_: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let made = match arguments {
        [FeelValue::Text(text)] => temporal::parse_time(text),
        [FeelValue::Time(time)] => Some(TimeOfDay::clone(time)),
        [FeelValue::DateTime(moment)] => {
            Some(TimeOfDay { time: moment.local.time(), zone: moment.zone.clone() })
        }
        [FeelValue::Date(_)] => Some(TimeOfDay { time: Time::midnight(), zone: Some(Zone::Offset(0)) }),
        [hour, minute, second, rest @ ..] => clock(hour, minute, second, rest.first()),
        _ => None,
    };
    or_null(made.map(|time| FeelValue::Time(Arc::new(time))))
}

fn clock(
    hour: &FeelValue,
    minute: &FeelValue,
    second: &FeelValue,
    offset: Option<&FeelValue>,
) -> Option<TimeOfDay> {
    let seconds = second.as_number()?;
    let nanos = ((seconds.fract() * 1e6).round() * 1e3) as i32;
    let time = Time::new(to_i8(hour)?, to_i8(minute)?, seconds.trunc() as i8, nanos).ok()?;
    let zone = match offset {
        None | Some(FeelValue::Null) => None,
        Some(FeelValue::Micros(micros)) => Some(temporal::zone_from_duration(*micros)?),
        Some(_) => return None,
    };
    Some(TimeOfDay { time, zone })
}

fn date_and_time(_: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let made = match arguments {
        [FeelValue::Text(text)] => temporal::parse_date_time(text),
        [FeelValue::Date(date)] => Some(temporal::at_midnight(*date)),
        [FeelValue::DateTime(moment)] => Some(DateAndTime::clone(moment)),
        [day, FeelValue::Time(time)] => match day {
            FeelValue::Date(date) => Some(*date),
            FeelValue::DateTime(moment) => Some(moment.local.date()),
            _ => None,
        }
        .map(|date| DateAndTime { local: date.to_datetime(time.time), zone: time.zone.clone() }),
        // The same instant as the clock of another zone shows it.
        [FeelValue::DateTime(moment), FeelValue::Text(zone)] => Zone::named(zone).and_then(|zone| {
            if moment.zone.is_some() {
                DateAndTime::from_instant(moment.instant_micros(), Some(zone))
            } else {
                Some(DateAndTime { local: moment.local, zone: Some(zone) })
            }
        }),
        _ => None,
    };
    or_null(made.map(|moment| FeelValue::DateTime(Arc::new(moment))))
}

fn duration(_: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    Ok(match argument(arguments, 0) {
        FeelValue::Text(text) => temporal::parse_duration(text).unwrap_or(FeelValue::Null),
        duration @ (FeelValue::Months(_) | FeelValue::Micros(_)) => duration.clone(),
        _ => FeelValue::Null,
    })
}

fn years_and_months_duration(_: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let moment = |value: &FeelValue| match value {
        FeelValue::Date(date) => Some(temporal::at_midnight(*date).local),
        FeelValue::DateTime(moment) => Some(moment.local),
        _ => None,
    };
    let (from, to) = (moment(argument(arguments, 0)), moment(argument(arguments, 1)));
    or_null(from.zip(to).map(|(from, to)| FeelValue::Months(temporal::months_between(from, to))))
}

/// A range from its text, e.g. `[1..5)`; its ends are literals.
fn range(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let Some(text) = argument(arguments, 0).as_text() else { return Ok(FeelValue::Null) };
    evaluator.charge(text.len() as u64)?;
    let Ok(Ast::Range(node)) = crate::expression::feel::parse_expression(text, &[]) else {
        return Ok(FeelValue::Null);
    };
    let (Ast::Constant(start), Ast::Constant(end)) = (&node.start, &node.end) else {
        return Ok(FeelValue::Null);
    };
    let ordered = value::order(start, end).is_some_and(std::cmp::Ordering::is_le);
    Ok(if ordered || start.is_null() != end.is_null() {
        FeelValue::Range(Arc::new(Range {
            start: start.clone(),
            start_included: node.start_included,
            end: end.clone(),
            end_included: node.end_included,
        }))
    } else {
        FeelValue::Null
    })
}

fn from_json(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let Some(text) = argument(arguments, 0).as_text() else { return Ok(FeelValue::Null) };
    evaluator.charge(text.len() as u64)?;
    match serde_json::from_str(text) {
        Ok(json) => value::from_json(&json, 0),
        Err(_) => Ok(FeelValue::Null),
    }
}

fn to_json(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    evaluator.charge_value(argument(arguments, 0))?;
    Ok(FeelValue::text(value::to_json(argument(arguments, 0))?.to_string()))
}
