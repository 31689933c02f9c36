//! Dates, times and durations: reading and writing ISO 8601, their parts, and their arithmetic.
//!
//! Years run from −9999 to 9999; durations are whole months, or microseconds (±292,000 years). Named time zones come
//! from a database compiled in, not from the machine.

use std::fmt;
use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

use super::value::FeelValue;

/// Microseconds in a second.
pub(super) const SECOND: i64 = 1_000_000;
/// Microseconds in a day.
pub(super) const DAY: i64 = 86_400 * SECOND;

/// A time zone: an offset in seconds, or a name.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    Offset(i32),
    Named(TimeZone),
}

impl Zone {
    /// Reads `Z`, `+01:00`, `@Europe/Paris`.
    fn parse(text: &str) -> Option<Self> {
        if text == "Z" || text == "z" {
            return Some(Self::Offset(0));
        }
        if let Some(name) = text.strip_prefix('@') {
            return Self::named(name);
        }
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let mut parts = rest.split(':');
        let hours = two_digits(parts.next()?)?;
        let minutes = two_digits(parts.next()?)?;
        let seconds = parts.next().map_or(Some(0), two_digits)?;
        (parts.next().is_none() && hours <= 18 && minutes < 60 && seconds < 60)
            .then_some(Self::Offset(sign * (hours * 3600 + minutes * 60 + seconds)))
    }

    /// The zone with this IANA name, or the offset it writes.
    pub(super) fn named(name: &str) -> Option<Self> {
        if name.starts_with(['+', '-']) || name == "Z" {
            return Self::parse(name);
        }
        static ZONES: std::sync::LazyLock<TimeZoneDatabase> =
            std::sync::LazyLock::new(TimeZoneDatabase::bundled);
        ZONES.get(name).ok().map(Self::Named)
    }

    /// Seconds east of UTC at this local date and time.
    fn offset_at(&self, local: DateTime) -> i32 {
        match self {
            Self::Offset(seconds) => *seconds,
            Self::Named(zone) => match zone.to_ambiguous_zoned_datetime(local).offset() {
                AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
                AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => {
                    before.seconds()
                }
            },
        }
    }

    /// Seconds east of UTC at this instant.
    fn offset_at_instant(&self, micros: i64) -> i32 {
        match self {
            Self::Offset(seconds) => *seconds,
            Self::Named(zone) => jiff::Timestamp::from_second(micros.div_euclid(SECOND))
                .map_or(0, |timestamp| zone.to_offset(timestamp).seconds()),
        }
    }

    /// The name, where it has one.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Offset(0) => Some("Z"),
            Self::Offset(_) => None,
            Self::Named(zone) => zone.iana_name(),
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(0) => write!(formatter, "Z"),
            Self::Offset(seconds) => {
                let sign = if *seconds < 0 { '-' } else { '+' };
                let size = seconds.abs();
                write!(formatter, "{sign}{:02}:{:02}", size / 3600, size / 60 % 60)?;
                if size % 60 == 0 { Ok(()) } else { write!(formatter, ":{:02}", size % 60) }
            }
            Self::Named(zone) => write!(formatter, "@{}", zone.iana_name().unwrap_or("UTC")),
        }
    }
}

/// A time of day, local or in a zone.
#[derive(Clone, Debug)]
pub(in crate::expression) struct TimeOfDay {
    pub(super) time: Time,
    pub(super) zone: Option<Zone>,
}

impl TimeOfDay {
    /// Microseconds since midnight UTC; since local midnight where there is no zone.
    pub(super) fn utc_micros(&self) -> i64 {
        let offset = self.offset_seconds().unwrap_or(0);
        time_micros(self.time) - i64::from(offset) * SECOND
    }

    /// Seconds east of UTC. A named zone counts as on 1 January 1970.
    pub(super) fn offset_seconds(&self) -> Option<i32> {
        self.zone
            .as_ref()
            .map(|zone| zone.offset_at(DateTime::from_parts(Date::constant(1970, 1, 1), self.time)))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.time)?;
        self.zone.as_ref().map_or(Ok(()), |zone| write!(formatter, "{zone}"))
    }
}

/// A date and time, local or in a zone.
#[derive(Clone, Debug)]
pub(in crate::expression) struct DateAndTime {
    pub(super) local: DateTime,
    pub(super) zone: Option<Zone>,
}

impl DateAndTime {
    /// Microseconds since the Unix epoch; without a zone the local clock counts as UTC.
    pub(super) fn instant_micros(&self) -> i64 {
        let offset = self.offset_seconds().unwrap_or(0);
        civil_micros(self.local) - i64::from(offset) * SECOND
    }

    pub(super) fn offset_seconds(&self) -> Option<i32> {
        self.zone.as_ref().map(|zone| zone.offset_at(self.local))
    }

    /// The moment so many microseconds after the epoch, shown in a zone.
    pub(super) fn from_instant(micros: i64, zone: Option<Zone>) -> Option<Self> {
        let offset = zone.as_ref().map_or(0, |zone| zone.offset_at_instant(micros));
        let local = civil_from_micros(micros.checked_add(i64::from(offset) * SECOND)?)?;
        Some(Self { local, zone })
    }
}

impl fmt::Display for DateAndTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.local)?;
        self.zone.as_ref().map_or(Ok(()), |zone| write!(formatter, "{zone}"))
    }
}

/// Days from 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
fn epoch_days(date: Date) -> i64 {
    let (month, day) = (i64::from(date.month()), i64::from(date.day()));
    let year = i64::from(date.year()) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date so many days after 1970-01-01, if it is in range (the inverse of [`epoch_days`]).
fn from_epoch_days(days: i64) -> Option<Date> {
    let days = days.checked_add(719_468)?;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn time_micros(time: Time) -> i64 {
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    seconds * SECOND + i64::from(time.subsec_nanosecond()) / 1000
}

/// The time of day so many microseconds after midnight, around the clock.
pub(super) fn time_from_micros(micros: i64) -> Option<Time> {
    let micros = micros.rem_euclid(DAY);
    let seconds = micros / SECOND;
    Time::new(
        i8::try_from(seconds / 3600).ok()?,
        i8::try_from(seconds / 60 % 60).ok()?,
        i8::try_from(seconds % 60).ok()?,
        i32::try_from(micros % SECOND * 1000).ok()?,
    )
    .ok()
}

fn civil_micros(moment: DateTime) -> i64 {
    epoch_days(moment.date()) * DAY + time_micros(moment.time())
}

fn civil_from_micros(micros: i64) -> Option<DateTime> {
    Some(DateTime::from_parts(from_epoch_days(micros.div_euclid(DAY))?, time_from_micros(micros)?))
}

/// Midnight at the start of a date.
pub(super) fn at_midnight(date: Date) -> DateAndTime {
    DateAndTime { local: DateTime::from_parts(date, Time::midnight()), zone: None }
}

fn two_digits(text: &str) -> Option<i32> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Reads `2024-02-29`.
pub(super) fn parse_date(text: &str) -> Option<Date> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut parts = digits.split('-');
    let year =
        parts.next().filter(|year| year.len() >= 4 && year.bytes().all(|byte| byte.is_ascii_digit()))?;
    let month = two_digits(parts.next()?)?;
    let day = two_digits(parts.next()?)?;
    if parts.next().is_some() {
        return None;
    }
    let year = year.parse::<i16>().ok()? * sign;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Reads `10:30`, `10:30:15.5`, with or without a zone.
pub(super) fn parse_time(text: &str) -> Option<TimeOfDay> {
    let end = text.find(['Z', 'z', '+', '-', '@']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(end);
    let zone = if zone.is_empty() { None } else { Some(Zone::parse(zone)?) };
    let mut parts = clock.split(':');
    let hour = two_digits(parts.next()?)?;
    let minute = two_digits(parts.next()?)?;
    let (second, nanos) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once('.') {
            None => (two_digits(seconds)?, 0),
            Some((whole, fraction)) => (two_digits(whole)?, parse_fraction(fraction)?),
        },
    };
    if parts.next().is_some() {
        return None;
    }
    let time =
        Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?, nanos);
    Some(TimeOfDay { time: time.ok()?, zone })
}

/// The digits after the point of seconds, in nanoseconds cut to whole microseconds.
fn parse_fraction(digits: &str) -> Option<i32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded: String = digits.chars().chain(std::iter::repeat('0')).take(6).collect();
    padded.parse::<i32>().ok().map(|micros| micros * 1000)
}

/// Reads `2024-02-29T10:30:00Z`; a date alone is its midnight.
pub(super) fn parse_date_time(text: &str) -> Option<DateAndTime> {
    let Some((date, time)) = text.split_once('T') else {
        return parse_date(text).map(at_midnight);
    };
    let (date, TimeOfDay { time, zone }) = (parse_date(date)?, parse_time(time)?);
    Some(DateAndTime { local: DateTime::from_parts(date, time), zone })
}

/// Reads `P1Y2M`, `P3DT4H5M6.5S`, `P2W`; years and months do not mix with the rest.
pub(super) fn parse_duration(text: &str) -> Option<FeelValue> {
    let (sign, rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let rest = rest.strip_prefix('P')?;
    let (days, clock) = rest.split_once('T').map_or((rest, None), |(days, clock)| (days, Some(clock)));
    if clock.is_some_and(str::is_empty) || (days.is_empty() && clock.is_none()) {
        return None;
    }
    let (mut months, mut micros) = (None::<i64>, None::<i64>);
    for (designators, part) in [("YMWD", days), ("HMS", clock.unwrap_or(""))] {
        let in_clock = designators == "HMS";
        let (mut remaining, mut allowed) = (part, designators);
        while !remaining.is_empty() {
            let end = remaining.find(|char: char| char.is_ascii_alphabetic())?;
            let (number, tail) = remaining.split_at(end);
            let unit = tail.get(..1)?;
            allowed = &allowed[allowed.find(unit)? + 1..];
            remaining = &tail[1..];
            if unit == "S" {
                let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
                let part = parse_digits(whole)?
                    .checked_mul(SECOND)?
                    .checked_add(i64::from(parse_fraction(fraction)?) / 1000)?;
                micros = Some(micros.unwrap_or(0).checked_add(part)?);
                continue;
            }
            let number = parse_digits(number)?;
            match (unit, in_clock) {
                ("Y", _) => months = Some(months.unwrap_or(0).checked_add(number.checked_mul(12)?)?),
                ("M", false) => months = Some(months.unwrap_or(0).checked_add(number)?),
                _ => {
                    let size = match unit {
                        "W" => 7 * DAY,
                        "D" => DAY,
                        "H" => 3600 * SECOND,
                        _ => 60 * SECOND,
                    };
                    micros = Some(micros.unwrap_or(0).checked_add(number.checked_mul(size)?)?);
                }
            }
        }
    }
    match (months, micros) {
        (Some(months), None) => Some(FeelValue::Months(sign * months)),
        (None, Some(micros)) => Some(FeelValue::Micros(sign * micros)),
        _ => None,
    }
}

fn parse_digits(text: &str) -> Option<i64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// What a temporal literal (`@"…"`) means, if anything.
pub(super) fn parse_literal(text: &str) -> Option<FeelValue> {
    if let Some(duration) = parse_duration(text) {
        return Some(duration);
    }
    if let Some(date) = parse_date(text) {
        return Some(FeelValue::Date(date));
    }
    if text.contains('T') {
        return parse_date_time(text).map(|moment| FeelValue::DateTime(Arc::new(moment)));
    }
    parse_time(text).map(|time| FeelValue::Time(Arc::new(time)))
}

/// `P1Y2M`.
pub(super) fn show_months(months: i64) -> String {
    let sign = if months < 0 { "-" } else { "" };
    let size = months.unsigned_abs();
    match (size / 12, size % 12) {
        (0, months) => format!("{sign}P{months}M"),
        (years, 0) => format!("{sign}P{years}Y"),
        (years, months) => format!("{sign}P{years}Y{months}M"),
    }
}

/// `P1DT2H3M4.5S`.
pub(super) fn show_micros(micros: i64) -> String {
    if micros == 0 {
        return "PT0S".to_owned();
    }
    let size = micros.unsigned_abs();
    let (days, seconds, fraction) = (size / DAY as u64, size / 1_000_000 % 86_400, size % 1_000_000);
    let mut out = String::from(if micros < 0 { "-P" } else { "P" });
    if days > 0 {
        out.push_str(&format!("{days}D"));
    }
    if seconds > 0 || fraction > 0 {
        out.push('T');
    }
    for (amount, unit) in [(seconds / 3600, 'H'), (seconds / 60 % 60, 'M')] {
        if amount > 0 {
            out.push_str(&format!("{amount}{unit}"));
        }
    }
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        out.push_str(&format!("{}.{}S", seconds % 60, digits.trim_end_matches('0')));
    } else if seconds % 60 > 0 {
        out.push_str(&format!("{}S", seconds % 60));
    }
    out
}

/// The date so many months later; a day past the month's end becomes its last day.
fn add_months(date: Date, months: i64) -> Option<Date> {
    let total = i64::from(date.year()).checked_mul(12)?.checked_add(i64::from(date.month()) - 1)?;
    let total = total.checked_add(months)?;
    let year = i16::try_from(total.div_euclid(12)).ok()?;
    let month = i8::try_from(total.rem_euclid(12) + 1).ok()?;
    let first = Date::new(year, month, 1).ok()?;
    Date::new(year, month, date.day().min(first.days_in_month())).ok()
}

/// Whole months from one date to another, towards zero; times of day count as part of the day.
pub(super) fn months_between(from: DateTime, to: DateTime) -> i64 {
    let months = |moment: DateTime| i64::from(moment.year()) * 12 + i64::from(moment.month());
    let rest = |moment: DateTime| (moment.day(), time_micros(moment.time()));
    let difference = months(to) - months(from);
    if difference > 0 && rest(to) < rest(from) {
        difference - 1
    } else if difference < 0 && rest(to) > rest(from) {
        difference + 1
    } else {
        difference
    }
}

/// A date, time or date and time plus a duration; `None` where they do not go together.
pub(super) fn add(value: &FeelValue, duration: &FeelValue) -> Option<FeelValue> {
    use FeelValue as V;
    Some(match (value, duration) {
        (V::Months(a), V::Months(b)) => V::Months(a.checked_add(*b)?),
        (V::Micros(a), V::Micros(b)) => V::Micros(a.checked_add(*b)?),
        (V::Date(date), V::Months(months)) => V::Date(add_months(*date, *months)?),
        (V::Date(date), V::Micros(micros)) => {
            V::Date(from_epoch_days(epoch_days(*date).checked_add(micros.div_euclid(DAY))?)?)
        }
        (V::DateTime(moment), V::Months(months)) => {
            let date = add_months(moment.local.date(), *months)?;
            let local = DateTime::from_parts(date, moment.local.time());
            V::DateTime(Arc::new(DateAndTime { local, zone: moment.zone.clone() }))
        }
        (V::DateTime(moment), V::Micros(micros)) => {
            let instant = moment.instant_micros().checked_add(*micros)?;
            V::DateTime(Arc::new(DateAndTime::from_instant(instant, moment.zone.clone())?))
        }
        (V::Time(time), V::Micros(micros)) => {
            let clock = time_from_micros(time_micros(time.time).checked_add(micros % DAY)?)?;
            V::Time(Arc::new(TimeOfDay { time: clock, zone: time.zone.clone() }))
        }
        _ => return None,
    })
}

/// A duration with the other sign.
pub(super) fn negate(duration: &FeelValue) -> Option<FeelValue> {
    match duration {
        FeelValue::Months(months) => months.checked_neg().map(FeelValue::Months),
        FeelValue::Micros(micros) => micros.checked_neg().map(FeelValue::Micros),
        _ => None,
    }
}

/// The duration from `right` to `left`, both moments of the same kind; or `left` minus a duration.
pub(super) fn subtract(left: &FeelValue, right: &FeelValue) -> Option<FeelValue> {
    use FeelValue as V;
    let micros = match (left, right) {
        (V::Date(a), V::Date(b)) => (epoch_days(*a) - epoch_days(*b)).checked_mul(DAY)?,
        (V::Date(a), V::DateTime(b)) => epoch_days(*a).checked_mul(DAY)?.checked_sub(b.instant_micros())?,
        (V::DateTime(a), V::Date(b)) => a.instant_micros().checked_sub(epoch_days(*b).checked_mul(DAY)?)?,
        (V::DateTime(a), V::DateTime(b)) if a.zone.is_some() == b.zone.is_some() => {
            a.instant_micros().checked_sub(b.instant_micros())?
        }
        (V::Time(a), V::Time(b)) if a.zone.is_some() == b.zone.is_some() => a.utc_micros() - b.utc_micros(),
        _ => return add(left, &negate(right)?),
    };
    Some(V::Micros(micros))
}

/// A duration times a number, cut to whole months or microseconds.
pub(super) fn scale(duration: &FeelValue, factor: f64) -> Option<FeelValue> {
    let scaled = |amount: i64| {
        let product = amount as f64 * factor;
        // Beyond 2^62 a double no longer tells a safe integer from one past the end.
        (product.is_finite() && product.abs() < 4.6e18).then_some(product as i64)
    };
    match duration {
        FeelValue::Months(months) => scaled(*months).map(FeelValue::Months),
        FeelValue::Micros(micros) => scaled(*micros).map(FeelValue::Micros),
        _ => None,
    }
}

/// A part of a temporal value by its FEEL name; `None` where it has no such part.
pub(super) fn property(value: &FeelValue, name: &str) -> Option<FeelValue> {
    let whole = |number: i64| Some(FeelValue::Number(number as f64));
    match value {
        FeelValue::Date(date) => date_property(*date, name),
        FeelValue::Time(time) => time_property(time.time, time.zone.as_ref(), time.offset_seconds(), name),
        FeelValue::DateTime(moment) => date_property(moment.local.date(), name).or_else(|| {
            time_property(moment.local.time(), moment.zone.as_ref(), moment.offset_seconds(), name)
        }),
        FeelValue::Months(months) => match name {
            "years" => whole(months / 12),
            "months" => whole(months % 12),
            _ => None,
        },
        FeelValue::Micros(micros) => match name {
            "days" => whole(micros / DAY),
            "hours" => whole(micros % DAY / (3600 * SECOND)),
            "minutes" => whole(micros % (3600 * SECOND) / (60 * SECOND)),
            "seconds" => Some(FeelValue::Number((micros % (60 * SECOND)) as f64 / SECOND as f64)),
            _ => None,
        },
        _ => None,
    }
}

fn date_property(date: Date, name: &str) -> Option<FeelValue> {
    Some(FeelValue::Number(match name {
        "year" => f64::from(date.year()),
        "month" => f64::from(date.month()),
        "day" => f64::from(date.day()),
        "weekday" => f64::from(date.weekday().to_monday_one_offset()),
        _ => return None,
    }))
}

fn time_property(time: Time, zone: Option<&Zone>, offset: Option<i32>, name: &str) -> Option<FeelValue> {
    match name {
        "hour" => Some(FeelValue::Number(f64::from(time.hour()))),
        "minute" => Some(FeelValue::Number(f64::from(time.minute()))),
        "second" => Some(FeelValue::Number(f64::from(time.second()))),
        "time offset" => offset.map(|seconds| FeelValue::Micros(i64::from(seconds) * SECOND)),
        "timezone" => zone.and_then(Zone::name).map(FeelValue::text),
        _ => None,
    }
}

/// An offset of this duration, if it is one.
pub(super) fn zone_from_duration(micros: i64) -> Option<Zone> {
    let seconds = i32::try_from(micros / SECOND).ok()?;
    Offset::from_seconds(seconds).ok().map(|offset| Zone::Offset(offset.seconds()))
}
