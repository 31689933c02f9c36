//! Event logs out, as XES (IEEE 1849) and as a table (CSV): one row for each execution, with when it could begin, when it
//! began and when it ended. What is written here, [`crate::xes::read`] and tools of process mining read.
//!
//! Text is made in one buffer that the caller empties, so that a log of any length takes little memory; names are escaped
//! once, not for every row.

use std::fmt::Write;

/// A name as both formats write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    xml: String,
    csv: String,
}

impl Label {
    /// Escapes a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut xml = String::with_capacity(name.len());
        for letter in name.chars() {
            match letter {
                '&' => xml.push_str("&amp;"),
                '<' => xml.push_str("&lt;"),
                '>' => xml.push_str("&gt;"),
                '"' => xml.push_str("&quot;"),
                // XML 1.0 has no place for other control characters.
                control if control.is_control() => xml.push(' '),
                other => xml.push(other),
            }
        }
        let quoted = name.contains([',', ';', '|', '"', '\n', '\r', '\t']) || name.trim() != name;
        let csv = if quoted { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() };
        Self { xml, csv }
    }
}

/// One execution of an activity; times in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution<'a> {
    /// What was done.
    pub activity: &'a Label,
    /// By whom, where that is known.
    pub resource: Option<&'a Label>,
    /// When it could begin: the case had come there.
    pub enabled_ms: i64,
    /// When work on it began.
    pub began_ms: i64,
    /// When it ended; `None` where it has not.
    pub ended_ms: Option<i64>,
    /// Whether it was broken off.
    pub broken_off: bool,
}

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// XES: for each execution an event `start` and an event `complete` (or `ate_abort`).
    Xes,
    /// A table with the columns case, activity, enabled, start, end, resource.
    Csv,
}

/// Writes a log, case by case.
#[derive(Clone, Debug)]
pub struct Writer {
    format: Format,
    text: String,
    case: String,
    calendar: Calendar,
}

impl Writer {
    /// Begins a log. `name` says what it is a log of.
    #[must_use]
    pub fn new(format: Format, name: &str) -> Self {
        let mut text = String::new();
        match format {
            Format::Csv => text.push_str("case,activity,enabled,start,end,resource\n"),
            Format::Xes => {
                text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<log xes.version=\"1.0\" xmlns=\"http://www.xes-standard.org/\">\n");
                for (name, prefix, page) in [
                    ("Concept", "concept", "concept"),
                    ("Time", "time", "time"),
                    ("Organizational", "org", "org"),
                    ("Lifecycle", "lifecycle", "lifecycle"),
                ] {
                    let _ = writeln!(
                        text,
                        "<extension name=\"{name}\" prefix=\"{prefix}\" uri=\"http://www.xes-standard.org/{page}.xesext\"/>"
                    );
                }
                let _ = writeln!(
                    text,
                    "<classifier name=\"Activity\" keys=\"concept:name\"/>\n<string key=\"concept:name\" value=\"{}\"/>",
                    Label::new(name).xml
                );
            }
        }
        Self { format, text, case: String::new(), calendar: Calendar::default() }
    }

    /// Begins a case.
    pub fn open_case(&mut self, name: &str) {
        let label = Label::new(name);
        match self.format {
            Format::Csv => self.case = label.csv,
            Format::Xes => {
                let _ = writeln!(self.text, "<trace><string key=\"concept:name\" value=\"{}\"/>", label.xml);
            }
        }
    }

    /// Adds an execution to the case.
    pub fn execution(&mut self, execution: &Execution<'_>) {
        match self.format {
            Format::Csv => self.row(execution),
            Format::Xes => {
                self.event(execution, "start", execution.began_ms);
                if let Some(ended_ms) = execution.ended_ms {
                    self.event(
                        execution,
                        if execution.broken_off { "ate_abort" } else { "complete" },
                        ended_ms,
                    );
                }
            }
        }
    }

    /// Ends a case.
    pub fn close_case(&mut self) {
        if self.format == Format::Xes {
            self.text.push_str("</trace>\n");
        }
    }

    /// What was written since the last call.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Bytes written since the last [`Writer::take`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether nothing was written since then.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Ends the log; what was written since the last [`Writer::take`].
    #[must_use]
    pub fn finish(mut self) -> String {
        if self.format == Format::Xes {
            self.text.push_str("</log>\n");
        }
        self.text
    }

    fn row(&mut self, execution: &Execution<'_>) {
        let text = &mut self.text;
        text.push_str(&self.case);
        text.push(',');
        text.push_str(&execution.activity.csv);
        for at_ms in [Some(execution.enabled_ms), Some(execution.began_ms), execution.ended_ms] {
            text.push(',');
            if let Some(at_ms) = at_ms {
                self.calendar.push_time(text, at_ms);
            }
        }
        text.push(',');
        text.push_str(execution.resource.map_or("", |resource| &resource.csv));
        text.push('\n');
    }

    fn event(&mut self, execution: &Execution<'_>, phase: &str, at_ms: i64) {
        let text = &mut self.text;
        text.push_str("<event><string key=\"concept:name\" value=\"");
        text.push_str(&execution.activity.xml);
        text.push_str("\"/><string key=\"lifecycle:transition\" value=\"");
        text.push_str(phase);
        text.push_str("\"/><date key=\"time:timestamp\" value=\"");
        self.calendar.push_time(text, at_ms);
        if let Some(resource) = execution.resource {
            text.push_str("\"/><string key=\"org:resource\" value=\"");
            text.push_str(&resource.xml);
        }
        text.push_str("\"/></event>\n");
    }
}

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Times as text. Neighbours in a log are mostly of the same day, so its date is kept.
#[derive(Clone, Debug, Default)]
struct Calendar {
    /// Days since the Unix epoch.
    day: i64,
    /// `2026-01-05T`; empty before the first time.
    date: String,
}

impl Calendar {
    /// Appends a time as ISO 8601 in UTC with milliseconds.
    fn push_time(&mut self, text: &mut String, at_ms: i64) {
        let (day, rest) = (at_ms.div_euclid(DAY_MS), at_ms.rem_euclid(DAY_MS) as u32);
        if day != self.day || self.date.is_empty() {
            (self.day, self.date) = (day, date(day));
        }
        text.push_str(&self.date);
        let (seconds, thousandths) = (rest / 1_000, rest % 1_000);
        let [h, hh] = two_digits(seconds / 3_600);
        let [m, mm] = two_digits(seconds / 60 % 60);
        let [s, ss] = two_digits(seconds % 60);
        let [t, tt] = two_digits(thousandths / 10);
        let time = [h, hh, b':', m, mm, b':', s, ss, b'.', t, tt, b'0' + (thousandths % 10) as u8, b'Z'];
        // Digits and marks are always UTF-8.
        text.push_str(std::str::from_utf8(&time).unwrap_or_default());
    }
}

/// A day's date, ready for the time behind it.
///
/// It is that of the proleptic Gregorian calendar; source of the formula: Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`.
fn date(day: i64) -> String {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    match year {
        0..=9_999 => format!("{year:04}-{month:02}-{day:02}T"),
        _ => format!("{year:+07}-{month:02}-{day:02}T"),
    }
}

/// The digits of a number below 100.
fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xes;

    fn written(format: Format) -> String {
        let (ask, clerk) = (Label::new("Ask \"why\", then <wait> & see"), Label::new("Clerks"));
        let mut writer = Writer::new(format, "A & B");
        writer.open_case("case,1");
        writer.execution(&Execution {
            activity: &ask,
            resource: Some(&clerk),
            enabled_ms: 1_767_600_000_000,
            began_ms: 1_767_600_060_500,
            ended_ms: Some(1_767_603_600_000),
            broken_off: false,
        });
        writer.close_case();
        writer.finish()
    }

    #[test]
    fn a_log_in_xes_is_read_back() {
        let traces = xes::read(written(Format::Xes).as_bytes()).unwrap();
        assert_eq!((traces.len(), traces[0].case.as_deref()), (1, Some("case,1")));
        let [event] = traces[0].events.as_slice() else { panic!("{traces:?}") };
        assert_eq!(event.activity, "Ask \"why\", then <wait> & see");
        assert_eq!((event.at_ms, event.resource.as_deref()), (Some(1_767_603_600_000), Some("Clerks")));
    }

    #[test]
    fn a_row_of_the_table_has_all_three_times() {
        let table = written(Format::Csv);
        assert_eq!(
            table.lines().nth(1),
            Some(
                "\"case,1\",\"Ask \"\"why\"\", then <wait> & see\",2026-01-05T08:00:00.000Z,2026-01-05T08:01:00.500Z,\
                 2026-01-05T09:00:00.000Z,Clerks"
            )
        );
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let mut calendar = Calendar::default();
        let noted = [0, -1, 951_782_400_000, 1_709_164_800_123, 4_102_444_799_999, -62_135_596_800_000];
        // Times of one day, of the next and of the one before it: the date is kept and changes.
        let close = (0..300).map(|step| 1_767_571_200_000 + (step % 3 - 1) * DAY_MS + step * 997);
        for at_ms in noted.into_iter().chain(close) {
            let mut text = String::new();
            calendar.push_time(&mut text, at_ms);
            assert_eq!(xes::timestamp_ms(&text), Some(at_ms), "{text}");
        }
    }
}
