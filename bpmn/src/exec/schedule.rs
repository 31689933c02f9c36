//! When a timer is due: ISO 8601 dates, durations and repetitions, and cron, always in UTC.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, civil};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::expression::{Limits, Lookup};
use crate::program::Timer;

/// Shortest interval of a repetition, milliseconds: a shorter one would fire without end within one tick.
pub const SHORTEST_INTERVAL_MS: i64 = 1;

/// How far ahead a cron expression is searched for its next time, in days; `29 2` comes at most every eight years.
const CRON_HORIZON_DAYS: i32 = 366 * 9;

/// When a timer is due, and how it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// When, milliseconds since the Unix epoch.
    pub due_ms: i64,
    /// How it goes on after that; `None`: not at all.
    pub repetition: Option<Repetition>,
}

/// How a timer repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "every", rename_all = "snake_case")]
pub enum Repetition {
    /// By a fixed interval.
    Interval {
        /// ISO 8601 duration.
        interval: String,
        /// Further times after the next one; `None` is without end.
        left: Option<u32>,
    },
    /// By a cron expression.
    Cron {
        /// Five or six fields.
        cron: String,
    },
}

impl Repetition {
    /// The time after the one that was due at `due_ms`, seen at `now_ms`. What a repetition without end missed in
    /// between is left out.
    #[must_use]
    pub fn next(&self, due_ms: i64, now_ms: i64) -> Option<Due> {
        match self {
            Self::Interval { left: Some(0), .. } => None,
            Self::Interval { interval, left } => {
                let next = after(due_ms, interval).ok()?;
                // Times that an endless repetition missed while nobody looked are not made up for one by one.
                let missed = left.is_none() && next < now_ms;
                Some(Due {
                    due_ms: if missed { after(now_ms, interval).ok()? } else { next },
                    repetition: Some(Self::Interval {
                        interval: interval.clone(),
                        left: left.map(|left| left - 1),
                    }),
                })
            }
            Self::Cron { cron } => {
                let due_ms = Cron::parse(cron).ok()?.next(due_ms.max(now_ms))?;
                Some(Due { due_ms, repetition: Some(self.clone()) })
            }
        }
    }
}

/// When this timer is due first, seen at `limits.now_ms`.
///
/// # Errors
/// In words, where the expression fails or its value is no date, duration, repetition or cron expression.
pub fn first_due(timer: &Timer, variables: &dyn Lookup, limits: Limits) -> Result<Due, String> {
    let (Timer::Date(expression) | Timer::Duration(expression) | Timer::Cycle(expression)) = timer;
    let text = match expression.evaluate(variables, limits) {
        Ok(Value::String(text)) => text,
        Ok(other) => {
            return Err(format!("`{}` gives {other}, which is no ISO 8601 text", expression.source()));
        }
        Err(error) => return Err(error.to_string()),
    };
    let (text, now_ms) = (text.trim(), limits.now_ms);
    match timer {
        Timer::Date(_) => Ok(Due { due_ms: date(text)?, repetition: None }),
        Timer::Duration(_) => Ok(Due { due_ms: after(now_ms, text)?, repetition: None }),
        Timer::Cycle(_) => cycle(text, now_ms),
    }
}

/// Milliseconds since the Unix epoch of an ISO 8601 date and time; without offset it is UTC.
fn date(text: &str) -> Result<i64, String> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp.as_millisecond());
    }
    let local = text.parse::<civil::DateTime>();
    let zoned = local.ok().and_then(|local| local.to_zoned_datetime(TimeZone::UTC).ok());
    zoned
        .map(|zoned| zoned.timestamp().as_millisecond())
        .ok_or_else(|| format!("`{text}` is no ISO 8601 date and time such as 2030-01-31T09:00:00Z"))
}

/// The time an ISO 8601 duration after `start_ms`.
fn after(start_ms: i64, duration: &str) -> Result<i64, String> {
    let wrong = || format!("`{duration}` is no ISO 8601 duration such as PT15M or P1D, or leads too far");
    let span = duration.parse::<Span>().map_err(|_| wrong())?;
    let start = Timestamp::from_millisecond(start_ms).map_err(|_| wrong())?.to_zoned_datetime(TimeZone::UTC);
    Ok(start.checked_add(span).map_err(|_| wrong())?.timestamp().as_millisecond())
}

/// `R3/PT10S`, `R/PT1H`, `R5/2030-01-01T00:00:00Z/PT1H` or cron.
fn cycle(text: &str, now_ms: i64) -> Result<Due, String> {
    let Some(repeat) = text.strip_prefix('R') else {
        let due_ms = Cron::parse(text)?
            .next(now_ms)
            .ok_or_else(|| format!("the cron expression `{text}` never comes true"))?;
        return Ok(Due { due_ms, repetition: Some(Repetition::Cron { cron: text.to_owned() }) });
    };
    let wrong = || format!("`{text}` is no repetition such as R3/PT10S or R/PT1H, nor a cron expression");
    let mut parts = repeat.split('/');
    let times = match parts.next().unwrap_or_default() {
        "" | "-1" => None,
        times => Some(times.parse::<u32>().map_err(|_| wrong())?),
    };
    let (start, interval) = match (parts.next(), parts.next(), parts.next()) {
        (Some(interval), None, None) => (None, interval),
        (Some(start), Some(interval), None) => (Some(date(start)?), interval),
        _ => return Err(wrong()),
    };
    let due_ms = match start {
        Some(start) if start >= now_ms => start,
        _ => after(now_ms, interval)?,
    };
    if after(due_ms, interval)? < due_ms.saturating_add(SHORTEST_INTERVAL_MS) {
        return Err(format!("the interval of `{text}` is shorter than {SHORTEST_INTERVAL_MS} ms"));
    }
    let left = match times {
        Some(0) => return Err(format!("`{text}` repeats zero times")),
        Some(times) => Some(times - 1),
        None => None,
    };
    Ok(Due { due_ms, repetition: Some(Repetition::Interval { interval: interval.to_owned(), left }) })
}

/// A cron expression: `second minute hour day month weekday`, or without the seconds.
struct Cron {
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Both day and weekday are given: either is enough.
    either_day: bool,
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Cron {
    fn parse(text: &str) -> Result<Self, String> {
        let text = match text {
            "@yearly" | "@annually" => "0 0 0 1 1 *",
            "@monthly" => "0 0 0 1 * *",
            "@weekly" => "0 0 0 * * 0",
            "@daily" | "@midnight" => "0 0 0 * * *",
            "@hourly" => "0 0 * * * *",
            other => other,
        };
        let wrong = || format!("`{text}` is neither a repetition such as R3/PT10S nor a cron expression");
        let mut fields: Vec<&str> = text.split_whitespace().collect();
        match fields.len() {
            5 => fields.insert(0, "0"),
            6 => {}
            _ => return Err(wrong()),
        }
        let set = |place: usize, low: u32, high: u32, names: &[&str]| {
            field(fields[place], low, high, names).ok_or_else(wrong)
        };
        let weekdays = set(5, 0, 7, &WEEKDAYS)?;
        let any = |place: usize| matches!(fields[place], "*" | "?");
        Ok(Self {
            seconds: set(0, 0, 59, &[])?,
            minutes: set(1, 0, 59, &[])?,
            hours: set(2, 0, 23, &[])?,
            days: set(3, 1, 31, &[])?,
            months: set(4, 1, 12, &MONTHS)?,
            // 7 is Sunday too.
            weekdays: weekdays | (weekdays >> 7),
            either_day: !any(3) && !any(5),
        })
    }

    /// The first time after `after_ms`.
    fn next(&self, after_ms: i64) -> Option<i64> {
        let start =
            Timestamp::from_millisecond(after_ms.div_euclid(1000).checked_add(1)?.checked_mul(1000)?).ok()?;
        let start = start.to_zoned_datetime(TimeZone::UTC).datetime();
        let mut day = start.date();
        for _ in 0..CRON_HORIZON_DAYS {
            if self.matches_day(day) {
                let earliest = if day == start.date() { start.time() } else { civil::Time::midnight() };
                if let Some(time) = self.first_time(earliest) {
                    let found = day.to_datetime(time).to_zoned_datetime(TimeZone::UTC).ok()?;
                    return Some(found.timestamp().as_millisecond());
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn matches_day(&self, day: civil::Date) -> bool {
        let weekday = day.weekday().to_sunday_zero_offset();
        let by_date = has(self.days, i64::from(day.day()));
        let by_weekday = has(self.weekdays, i64::from(weekday));
        has(self.months, i64::from(day.month()))
            && if self.either_day { by_date || by_weekday } else { by_date && by_weekday }
    }

    fn first_time(&self, earliest: civil::Time) -> Option<civil::Time> {
        for hour in earliest.hour()..24 {
            if !has(self.hours, i64::from(hour)) {
                continue;
            }
            let same_hour = hour == earliest.hour();
            for minute in (if same_hour { earliest.minute() } else { 0 })..60 {
                if !has(self.minutes, i64::from(minute)) {
                    continue;
                }
                let same_minute = same_hour && minute == earliest.minute();
                for second in (if same_minute { earliest.second() } else { 0 })..60 {
                    if has(self.seconds, i64::from(second)) {
                        return civil::Time::new(hour, minute, second, 0).ok();
                    }
                }
            }
        }
        None
    }
}

fn has(set: u64, value: i64) -> bool {
    u32::try_from(value).is_ok_and(|value| set & (1 << value) != 0)
}

/// The bits of one cron field: `*`, `?`, `a`, `a-b`, `*/n`, `a-b/n`, lists of these, and names.
fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Option<u64> {
    let number = |text: &str| -> Option<u32> {
        let upper = text.to_ascii_uppercase();
        match names.iter().position(|name| *name == upper) {
            Some(place) => Some(u32::try_from(place).ok()? + low),
            None => text.parse::<u32>().ok(),
        }
        .filter(|value| (low..=high).contains(value))
    };
    let mut bits = 0;
    for part in text.split(',') {
        let (range, every) = match part.split_once('/') {
            Some((range, every)) => (range, every.parse::<u32>().ok().filter(|every| *every > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (low, high),
            Some((from, to)) => (number(from)?, number(to)?),
            None if part.contains('/') => (number(range)?, high),
            None => (number(range)?, number(range)?),
        };
        let mut value = from;
        while value <= to {
            bits |= 1 << value;
            value = value.saturating_add(every);
        }
    }
    (bits != 0).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Expression;

    /// 2030-01-31T12:00:00Z, a Thursday.
    const NOW: i64 = 1_896_091_200_000;

    fn literal(text: &str) -> Expression {
        Expression::literal(Value::from(text))
    }

    fn due(timer: &Timer) -> Result<Due, String> {
        first_due(timer, &(), Limits::at(NOW))
    }

    fn seconds_until(timer: &Timer) -> i64 {
        (due(timer).unwrap().due_ms - NOW) / 1000
    }

    #[test]
    fn dates_durations_and_cycles_are_read() {
        let rows = [
            (Timer::Date(literal("2030-01-31T12:00:10Z")), 10),
            (Timer::Date(literal("2030-01-31T12:00:10")), 10),
            (Timer::Date(literal("2030-01-31T14:00:00+02:00")), 0),
            (Timer::Duration(literal("PT1M30S")), 90),
            (Timer::Duration(literal("P1M")), 28 * 86_400),
            (Timer::Cycle(literal("R3/PT10S")), 10),
            (Timer::Cycle(literal("R/2030-01-31T13:00:00Z/PT10S")), 3600),
            (Timer::Cycle(literal("0 */5 * * * *")), 300),
            (Timer::Cycle(literal("30 12 * * *")), 1800),
            (Timer::Cycle(literal("0 0 9 ? * MON-FRI")), 21 * 3600),
            (Timer::Cycle(literal("@hourly")), 3600),
        ];
        for (timer, expected) in rows {
            assert_eq!(seconds_until(&timer), expected, "{timer:?}");
        }
    }

    #[test]
    fn what_is_no_time_is_an_error_that_names_it() {
        for text in [
            "",
            "soon",
            "PT",
            "R",
            "R0/PT1S",
            "R/PT0S",
            "R3",
            "* *",
            "61 * * * *",
            "0 0 1/4294967295 31 4 *",
            "0 0 31 2 *",
            "-",
        ] {
            for timer in [Timer::Cycle(literal(text)), Timer::Date(literal(text))] {
                assert!(due(&timer).is_err(), "{timer:?}");
            }
        }
        assert!(due(&Timer::Duration(Expression::literal(Value::from(3)))).is_err());
    }

    #[test]
    fn a_repetition_ends_after_its_number_of_times() {
        let mut next = due(&Timer::Cycle(literal("R3/PT10S"))).ok();
        let mut times = 0;
        while let Some(due) = next {
            times += 1;
            assert_eq!(due.due_ms, NOW + times * 10_000);
            next = due.repetition.and_then(|repetition| repetition.next(due.due_ms, due.due_ms));
        }
        assert_eq!(times, 3);
    }

    #[test]
    fn an_endless_repetition_does_not_make_up_for_what_it_missed() {
        let first = due(&Timer::Cycle(literal("R/PT10S"))).unwrap();
        let late = first.due_ms + 86_400_000;
        let next = first.repetition.unwrap().next(first.due_ms, late).unwrap();
        assert_eq!(next.due_ms, late + 10_000);
    }
}
