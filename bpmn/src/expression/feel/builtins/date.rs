//! The calendar, and the step's time as `now()` and `today()`.

use std::sync::Arc;

use jiff::civil::{Date, Weekday};

use super::{Builtin, argument, builtin, or_null, takes};
use crate::expression::feel::evaluate::Evaluator;
use crate::expression::feel::temporal::{DateAndTime, Zone};
use crate::expression::feel::value::FeelValue;

pub(super) const FUNCTIONS: &[Builtin] = &[
    builtin("now", &[takes(&[])], |evaluator, _| {
        or_null(step_time(evaluator).map(|moment| FeelValue::DateTime(Arc::new(moment))))
    }),
    builtin("today", &[takes(&[])], |evaluator, _| {
        or_null(step_time(evaluator).map(|moment| FeelValue::Date(moment.local.date())))
    }),
    builtin("day of week", &[takes(&["date"])], |_, arguments| {
        or_null(date(arguments).map(|date| FeelValue::text(weekday_name(date.weekday()))))
    }),
    builtin("day of year", &[takes(&["date"])], |_, arguments| {
        or_null(date(arguments).map(|date| FeelValue::Number(f64::from(date.day_of_year()))))
    }),
    builtin("week of year", &[takes(&["date"])], |_, arguments| {
        or_null(date(arguments).map(|date| FeelValue::Number(f64::from(date.iso_week_date().week()))))
    }),
    builtin("month of year", &[takes(&["date"])], |_, arguments| {
        or_null(date(arguments).map(|date| FeelValue::text(month_name(date.month()))))
    }),
    builtin("last day of month", &[takes(&["date"])], |_, arguments| {
        or_null(date(arguments).map(|date| FeelValue::Date(date.last_of_month())))
    }),
];

fn step_time(evaluator: &Evaluator<'_>) -> Option<DateAndTime> {
    DateAndTime::from_instant(evaluator.now_ms().checked_mul(1000)?, Some(Zone::Offset(0)))
}

fn date(arguments: &[FeelValue]) -> Option<Date> {
    match argument(arguments, 0) {
        FeelValue::Date(date) => Some(*date),
        FeelValue::DateTime(moment) => Some(moment.local.date()),
        _ => None,
    }
}

fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn month_name(month: i8) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    usize::try_from(month - 1).ok().and_then(|place| NAMES.get(place)).copied().unwrap_or_default()
}
