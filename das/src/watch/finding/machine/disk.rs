//! A disk that is full or becomes so.
//!
//! Rule: less than [`LOW_SHARE`] of the disk or less than [`LOW_BYTES`] is free; or the free room by the hour, over at
//! least [`ENOUGH_HOURS`] hours, falls on a straight line (least squares) whose whole 95 % interval of the slope
//! (Student's t) lies below zero, and at that rate the disk is full within [`HORIZON_DAYS`] days. The line knows
//! nothing of weekends and of what will be deleted.

use super::{bytes, newest};
use crate::watch::finding::{Finding, FindingKind, count};
use crate::watch::machine::{Hour, Sample};

/// Less of a disk is nearly nothing.
const LOW_SHARE: f64 = 0.05;
/// Whatever the size of the disk, less than this is soon gone, bytes.
const LOW_BYTES: u64 = 1024 * 1024 * 1024;
/// Fewer hours say nothing about a rate.
const ENOUGH_HOURS: usize = 12;
/// What is further away is not told yet.
const HORIZON_DAYS: f64 = 14.0;
/// A day, in milliseconds.
const DAY_MS: f64 = 86_400_000.0;

/// When a disk will be full, in days from the newest hour, with a 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::watch) struct Forecast {
    /// Bytes a day by which the free room changes; negative where it shrinks.
    pub(in crate::watch) per_day: f64,
    /// Days until nothing is free.
    pub(in crate::watch) days: f64,
    /// At the earliest.
    pub(in crate::watch) earliest: f64,
    /// At the latest.
    pub(in crate::watch) latest: f64,
}

/// The forecast, where the room surely shrinks.
pub(in crate::watch) fn forecast(hours: &[Hour]) -> Option<Forecast> {
    let (first, last) = (hours.first()?, hours.last()?);
    if hours.len() < ENOUGH_HOURS {
        return None;
    }
    let points: Vec<(f64, f64)> =
        hours.iter().map(|hour| (days(hour.at_ms - first.at_ms), count(hour.free))).collect();
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    if spread <= 0.0 {
        return None;
    }
    let slope = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / spread;
    let rest: f64 = points.iter().map(|point| (point.1 - y - slope * (point.0 - x)).powi(2)).sum();
    let half = crate::generate::student_975(points.len() - 2) * (rest / (n - 2.0) / spread).sqrt();
    let left = count(last.free);
    (slope + half < 0.0).then(|| Forecast {
        per_day: slope,
        days: left / -slope,
        earliest: left / -(slope - half),
        latest: left / -(slope + half),
    })
}

pub(super) fn find(recent: &[Sample], hours: &[Hour]) -> Option<Finding> {
    let sample = newest(recent, 1)?.first()?;
    let (free, total) = (sample.disk_free?, sample.disk_total?);
    let share = count(free) / count(total.max(1));
    let low = share < LOW_SHARE || free < LOW_BYTES;
    let forecast = forecast(hours).filter(|forecast| low || forecast.days <= HORIZON_DAYS);
    if !low && forecast.is_none() {
        return None;
    }
    let mut evidence =
        vec![format!("{} of {} free ({:.0} %)", bytes(count(free)), bytes(count(total)), share * 100.0)];
    let mut title = "Make room on the disk: it is nearly full".to_owned();
    if let Some(forecast) = &forecast {
        let day = |days: f64| date(sample.at_ms.saturating_add(milliseconds(days)));
        evidence.push(format!(
            "over {} hours the free room shrank by {} a day; at that rate it is used up on {} (95 % interval {} to {})",
            hours.len(),
            bytes(-forecast.per_day),
            day(forecast.days),
            day(forecast.earliest),
            day(forecast.latest.min(3_650.0)),
        ));
        evidence.push("a straight line: it knows nothing of what will be deleted".to_owned());
        if !low {
            title = format!("Make room on the disk: it is full on {} if it goes on so", day(forecast.days));
        }
    }
    evidence.push("what takes room: procos.db, memory and workspace in the data directory; procos backup copies them elsewhere".to_owned());
    Some(Finding {
        kind: FindingKind::DiskFilling,
        subject: "disk".to_owned(),
        title,
        evidence,
        weight: hours.len().max(recent.len()) as u64,
        importance: if low { 0.95 } else { 0.7 },
        gain: None,
        definition: None,
        remedy: None,
    })
}

#[expect(clippy::cast_precision_loss, reason = "weeks in milliseconds stay far below 2^52")]
fn days(ms: i64) -> f64 {
    ms as f64 / DAY_MS
}

#[expect(clippy::cast_possible_truncation, reason = "bounded to ten years")]
fn milliseconds(days: f64) -> i64 {
    (days.clamp(0.0, 3_650.0) * DAY_MS) as i64
}

/// The day in UTC, `2026-01-31` (H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days).
fn date(ms: i64) -> String {
    let z = ms.div_euclid(86_400_000) + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_have_their_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400_000), "2000-02-29");
        assert_eq!(date(1_700_000_000_000), "2023-11-14");
    }
}
