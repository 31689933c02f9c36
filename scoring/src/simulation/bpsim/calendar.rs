//! Calendars of BPSim: iCalendar (RFC 5545) events that repeat every week or day, and back.

use super::super::Calendar;

/// Days as iCalendar abbreviates them, from Monday.
const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAY_MIN: i64 = 24 * 60;
const WEEK_MIN: i64 = 7 * DAY_MIN;

/// Reads the weekly opening hours of an iCalendar text.
///
/// # Errors
/// What of it is no weekly opening hour, in words.
pub(super) fn read(text: &str) -> Result<Calendar, String> {
    let mut hours = Vec::new();
    let mut event: Option<Event> = None;
    // Long lines are folded: what begins with a blank goes on.
    let text = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    for line in text.lines().map(str::trim) {
        let Some((name, value)) = line.split_once(':') else { continue };
        match (name.split(';').next().unwrap_or_default(), &mut event) {
            ("BEGIN", _) if value == "VEVENT" => event = Some(Event::default()),
            ("END", event) if value == "VEVENT" => {
                hours.push(event.take().unwrap_or_default().hours()?);
            }
            ("DTSTART", Some(event)) => event.start = Some(moment(value)?),
            ("DTEND", Some(event)) => event.end = Some(moment(value)?),
            ("DURATION", Some(event)) => event.minutes = Some(minutes(value)?),
            ("RRULE", Some(event)) => event.rule = Some(value.to_owned()),
            ("EXDATE" | "RDATE" | "EXRULE", Some(_)) => {
                return Err(format!("{name} in a calendar: only weekly hours are simulated"));
            }
            _ => {}
        }
    }
    if hours.is_empty() {
        return Err("a calendar without events".to_owned());
    }
    hours.join("; ").parse()
}

#[derive(Default)]
struct Event {
    /// Day since 1970-01-01, minute of the day.
    start: Option<(i64, i64)>,
    end: Option<(i64, i64)>,
    minutes: Option<i64>,
    rule: Option<String>,
}

impl Event {
    /// As our own calendars are written.
    fn hours(&self) -> Result<String, String> {
        let (day, minute) = self.start.ok_or("an event of a calendar without DTSTART")?;
        let length = match (self.end, self.minutes) {
            (Some((last, end)), _) => (last - day) * DAY_MIN + end - minute,
            (None, Some(minutes)) => minutes,
            (None, None) => DAY_MIN - minute,
        };
        if length <= 0 || length > WEEK_MIN {
            return Err("an event of a calendar that lasts no time, or more than a week".to_owned());
        }
        // 1970-01-01 was a Thursday.
        let weekday = (day + 3).rem_euclid(7);
        let days = self.days(weekday)?;
        let mut parts = Vec::new();
        for day in days {
            // Hours past midnight belong to the next day.
            let (mut day, mut from, mut left) = (day, minute, length);
            while left > 0 {
                let to = (from + left).min(DAY_MIN);
                let name =
                    NAMES.get(usize::try_from(day.rem_euclid(7)).unwrap_or_default()).unwrap_or(&"Mon");
                parts.push(format!("{name} {:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60));
                left -= to - from;
                (day, from) = (day + 1, 0);
            }
        }
        Ok(parts.join("; "))
    }

    fn days(&self, weekday: i64) -> Result<Vec<i64>, String> {
        let Some(rule) = &self.rule else {
            return Err(
                "an event of a calendar that does not repeat: only weekly hours are simulated".to_owned()
            );
        };
        let part = |name: &str| {
            rule.split(';')
                .filter_map(|part| part.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
        };
        if part("INTERVAL").is_some_and(|interval| interval != "1")
            || rule.contains("BYMONTH")
            || rule.contains("BYSETPOS")
            || part("COUNT").is_some()
        {
            return Err(format!("the rule {rule} of a calendar: only weekly hours are simulated"));
        }
        let every: Vec<i64> = (0..7).collect();
        match (part("FREQ"), part("BYDAY")) {
            (Some("DAILY"), None) => Ok(every),
            (Some("DAILY" | "WEEKLY"), Some(days)) => days
                .split(',')
                .map(|day| {
                    let place = DAYS.iter().position(|known| *known == day.trim());
                    place
                        .and_then(|place| i64::try_from(place).ok())
                        .ok_or_else(|| format!("the day {day} of a calendar"))
                })
                .collect(),
            (Some("WEEKLY"), None) => Ok(vec![weekday]),
            _ => Err(format!("the rule {rule} of a calendar: only weekly hours are simulated")),
        }
    }
}

/// `19700105T090000`, `20260105T0900Z` or `20260105`: day since 1970-01-01 and minute.
fn moment(text: &str) -> Result<(i64, i64), String> {
    let wrong = || format!("{text:?} is no date and time of a calendar");
    let text = text.trim().trim_end_matches('Z');
    let (date, time) = text.split_once('T').unwrap_or((text, "000000"));
    let digits = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (Some(year), Some(month), Some(day)) = (digits(date, 0, 4), digits(date, 4, 6), digits(date, 6, 8))
    else {
        return Err(wrong());
    };
    let (Some(hour), Some(minute)) = (digits(time, 0, 2), digits(time, 2, 4)) else { return Err(wrong()) };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 24 || minute > 59 {
        return Err(wrong());
    }
    // Days from the civil date (Hinnant, `days_from_civil`).
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Ok((days, hour * 60 + minute))
}

fn minutes(text: &str) -> Result<i64, String> {
    let seconds = super::super::law::seconds(text)?;
    Ok((seconds / 60.0).round() as i64)
}

/// Opening hours as an iCalendar text; the week is that of Monday, 5 January 1970.
pub(super) fn write(calendar: &Calendar) -> String {
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//procos//simulation//EN".to_owned(),
    ];
    for (open, close) in calendar.hours() {
        let at = |seconds: f64| {
            let minutes = (seconds / 60.0).round() as i64;
            (minutes / DAY_MIN, minutes % DAY_MIN)
        };
        let ((day, from), (last, to)) = (at(open), at(close));
        let stamp =
            |day: i64, minute: i64| format!("197001{:02}T{:02}{:02}00", 5 + day, minute / 60, minute % 60);
        let name = DAYS.get(usize::try_from(day).unwrap_or_default()).unwrap_or(&"MO");
        lines.extend([
            "BEGIN:VEVENT".to_owned(),
            format!("DTSTART:{}", stamp(day, from)),
            format!("DTEND:{}", stamp(last, to)),
            format!("RRULE:FREQ=WEEKLY;BYDAY={name}"),
            "END:VEVENT".to_owned(),
        ]);
    }
    lines.push("END:VCALENDAR".to_owned());
    lines.join("\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekly_hours_are_read_and_written() {
        let office: Calendar = "Mon-Fri 09:00-17:00; Sat 10:00-12:30".parse().unwrap();
        assert_eq!(read(&write(&office)), Ok(office));
        let foreign = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:19700105T090000\r\nDTEND:19700105T170000\r\n\
                       RRULE:FREQ=WEEKLY;BYDAY=MO,TU,\r\n WE,TH,FR\r\nEND:VEVENT\r\nEND:VCALENDAR";
        assert_eq!(read(foreign), "Mon-Fri 09:00-17:00".parse());
        // A night shift that begins on Sunday goes on on Monday.
        let night = "BEGIN:VEVENT\nDTSTART:20260104T220000Z\nDURATION:PT8H\nRRULE:FREQ=WEEKLY\nEND:VEVENT";
        assert_eq!(read(night), "Sun 22:00-24:00; Mon 00:00-06:00".parse());
    }

    #[test]
    fn what_is_no_weekly_hour_is_named() {
        for (text, word) in [
            ("BEGIN:VEVENT\nDTSTART:20260101T090000\nDTEND:20260101T100000\nEND:VEVENT", "repeat"),
            ("BEGIN:VEVENT\nDTSTART:20260101T0900\nDURATION:PT1H\nRRULE:FREQ=MONTHLY\nEND:VEVENT", "MONTHLY"),
            (
                "BEGIN:VEVENT\nDTSTART:20260101T0900\nRRULE:FREQ=DAILY\nEXDATE:20260102T0900\nEND:VEVENT",
                "EXDATE",
            ),
            ("", "without events"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(word), "{text}: {problem}");
        }
    }
}
