//! Working time: weekly opening hours, and how long a piece of work takes within them.

use std::str::FromStr;

/// Seconds of a week.
const WEEK_S: f64 = 7.0 * 86_400.0;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Weekly opening hours such as `Mon-Fri 09:00-12:00 13:00-17:00; Sat 10:00-14:00`. Second 0 is Monday, midnight.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    /// Intervals in seconds since Monday 00:00, sorted, not touching.
    open: Vec<(f64, f64)>,
    /// Open seconds of a week.
    weekly: f64,
}

impl Calendar {
    /// The share of the week that is open, in (0, 1].
    #[must_use]
    pub fn open_share(&self) -> f64 {
        self.weekly / WEEK_S
    }

    /// The hours of a week: (opening, closing) in seconds since Monday, midnight, in order.
    pub(super) fn hours(&self) -> impl Iterator<Item = (f64, f64)> {
        self.open.iter().copied()
    }

    /// When work of `work` open seconds ends that is taken up at `now` (both in seconds): it begins at once or at the
    /// next opening, rests while closed, and goes on.
    #[must_use]
    pub fn finish(&self, now: f64, work: f64) -> (f64, f64) {
        let weeks = (now / WEEK_S).floor();
        let within = now - weeks * WEEK_S;
        let mut left = work;
        // Whole weeks first, so that the walk below is short however long the work is.
        let whole = (left / self.weekly).floor().max(0.0);
        left -= whole * self.weekly;
        let mut begin = None;
        let mut base = weeks * WEEK_S;
        let mut from = within;
        loop {
            for &(open, close) in &self.open {
                if close <= from {
                    continue;
                }
                let at = from.max(open);
                let begun = *begin.get_or_insert(base + at);
                if left <= close - at {
                    return (begun, base + at + left + whole * WEEK_S);
                }
                left -= close - at;
            }
            base += WEEK_S;
            from = 0.0;
        }
    }
}

impl FromStr for Calendar {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut open: Vec<(f64, f64)> = Vec::new();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let mut words = part.split_whitespace();
            let days = days(words.next().unwrap_or_default())?;
            let hours = words.map(hours).collect::<Result<Vec<_>, _>>()?;
            let hours = if hours.is_empty() { vec![(0.0, 86_400.0)] } else { hours };
            for day in days {
                open.extend(
                    hours.iter().map(|(from, to)| (day as f64 * 86_400.0 + from, day as f64 * 86_400.0 + to)),
                );
            }
        }
        open.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut joined: Vec<(f64, f64)> = Vec::new();
        for (from, to) in open {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        let weekly: f64 = joined.iter().map(|(from, to)| to - from).sum();
        if weekly <= 0.0 {
            return Err(format!("the calendar {text:?} is never open; write e.g. Mon-Fri 09:00-17:00"));
        }
        Ok(Self { open: joined, weekly })
    }
}

fn days(text: &str) -> Result<Vec<usize>, String> {
    let day = |name: &str| {
        let name = name.trim().to_ascii_lowercase();
        DAYS.iter().position(|day| name.len() >= 3 && name.starts_with(day)).ok_or_else(|| {
            format!("{name:?} is no day of the week; write Mon, Tue, Wed, Thu, Fri, Sat or Sun")
        })
    };
    let mut found = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => found.push(day(part)?),
            Some((from, to)) => {
                let (from, to) = (day(from)?, day(to)?);
                let last = if to < from { to + 7 } else { to };
                found.extend((from..=last).map(|day| day % 7));
            }
        }
    }
    Ok(found)
}

fn hours(text: &str) -> Result<(f64, f64), String> {
    let problem = || format!("{text:?} are no opening hours; write e.g. 09:00-17:00");
    let clock = |text: &str| {
        let (hour, minute) = text.split_once(':').unwrap_or((text, "0"));
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour <= 24 && minute < 60).then(|| f64::from(hour * 3600 + minute * 60))
    };
    let (from, to) = text.split_once('-').ok_or_else(problem)?;
    let (from, to) = (clock(from).ok_or_else(problem)?, clock(to).ok_or_else(problem)?);
    if from < to && to <= 86_400.0 { Ok((from, to)) } else { Err(problem()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: f64 = 3600.0;

    #[test]
    fn work_rests_over_night_and_over_the_weekend() {
        let office: Calendar = "Mon-Fri 09:00-17:00".parse().unwrap();
        assert_eq!(office.open_share(), 40.0 / 168.0);
        // Monday 16:00, two hours: until Tuesday 10:00.
        assert_eq!(office.finish(16.0 * HOUR, 2.0 * HOUR), (16.0 * HOUR, 34.0 * HOUR));
        // Friday 18:00: begins on Monday 09:00.
        let friday = (4.0 * 24.0 + 18.0) * HOUR;
        assert_eq!(office.finish(friday, HOUR), ((168.0 + 9.0) * HOUR, (168.0 + 10.0) * HOUR));
    }

    #[test]
    fn three_weeks_of_work_end_three_weeks_later() {
        let office: Calendar = "Mon-Fri 09:00-17:00".parse().unwrap();
        let (begin, end) = office.finish(10.0 * HOUR, 120.0 * HOUR);
        assert_eq!((begin, end), (10.0 * HOUR, (3.0 * 168.0 + 10.0) * HOUR));
    }

    #[test]
    fn several_intervals_and_days_are_read_and_nonsense_is_refused() {
        let shop: Calendar = "Mon,Wed 9-12 13:30-18:00; Sat-Sun".parse().unwrap();
        assert_eq!(shop.open_share(), (2.0 * 7.5 + 48.0) / 168.0);
        for text in ["", "Mon 17:00-09:00", "Someday 9-10", "Mon 9:99-10:00"] {
            assert!(text.parse::<Calendar>().is_err(), "{text}");
        }
    }
}
