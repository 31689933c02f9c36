//! Event logs in XES (IEEE 1849): what happened, by case, read as a stream within limits.
//!
//! Nothing is expanded or fetched; a document type declaration is refused. Of a log only the names of cases, and of
//! each event its activity, time and resource are kept. Where an activity's life cycle is recorded, only `complete`
//! counts, so that one execution is one event.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event as XmlEvent};
use quick_xml::reader::Reader;

use crate::error::{Error, Place};
use crate::xml::{MAX_ATTRIBUTES, decode};

/// Largest log, in bytes.
pub const MAX_LOG_BYTES: usize = 256 * 1024 * 1024;
/// Most events in a log.
pub const MAX_EVENTS: usize = 2_000_000;
/// Most cases in a log.
pub const MAX_TRACES: usize = 500_000;
/// Deepest nesting of elements.
pub const MAX_LOG_DEPTH: usize = 64;
/// Longest name of an activity, case or resource, in bytes.
pub const MAX_NAME_BYTES: usize = 1_000;

/// What happened in one case, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Its name (`concept:name`).
    pub case: Option<String>,
    /// Its events, in the order of the file.
    pub events: Vec<Event>,
}

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// What was done (`concept:name`).
    pub activity: String,
    /// When, milliseconds since the Unix epoch (`time:timestamp`).
    pub at_ms: Option<i64>,
    /// By whom (`org:role`, otherwise `org:group`, otherwise `org:resource`).
    pub resource: Option<String>,
}

/// Reads a log.
///
/// # Errors
/// `BPMN-0001` beyond a limit, `BPMN-0002` where it is not well-formed XML, `BPMN-0004` for a document type
/// declaration, `BPMN-0005` for an unknown encoding, `BPMN-0015` where it is no log.
pub fn read(bytes: &[u8]) -> Result<Vec<Trace>, Error> {
    if bytes.len() > MAX_LOG_BYTES {
        return Err(Error::Limit { what: "bytes", limit: MAX_LOG_BYTES, place: Place::default() });
    }
    let text = decode(bytes)?;
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_end_names = true;
    let mut log = Log { text: &text, ..Log::default() };
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match reader.read_event().map_err(|error| log.malformed(error.to_string(), at))? {
            XmlEvent::Start(start) => log.open(&start, at)?,
            XmlEvent::Empty(start) => {
                log.open(&start, at)?;
                log.close(at)?;
            }
            XmlEvent::End(_) => log.close(at)?,
            XmlEvent::DocType(_) => return Err(Error::DocumentType { place: log.place(at) }),
            XmlEvent::Eof if log.parts.is_empty() => break,
            XmlEvent::Eof => return Err(log.malformed("the file ends inside an element".to_owned(), at)),
            _ => {}
        }
    }
    if log.is_log { Ok(log.traces) } else { Err(log.no_log("it has no root element `log`", 0)) }
}

/// A time as logs write it: ISO 8601 with or without offset, a date, milliseconds or seconds since the Unix epoch.
/// Without an offset it is taken as UTC.
#[must_use]
pub fn timestamp_ms(text: &str) -> Option<i64> {
    /// Numbers below this are seconds: as milliseconds they would be in early 1970.
    const SECONDS_BELOW: i64 = 100_000_000_000;
    const FORMATS: [&str; 5] =
        ["%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M"];
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    if let Ok(number) = text.parse::<i64>() {
        return if number.abs() < SECONDS_BELOW { number.checked_mul(1_000) } else { Some(number) };
    }
    let local = text
        .parse::<DateTime>()
        .ok()
        .or_else(|| FORMATS.iter().find_map(|format| DateTime::strptime(format, text).ok()))?;
    TimeZone::UTC.to_timestamp(local).ok().map(Timestamp::as_millisecond)
}

/// What an open element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Log,
    Trace,
    Event,
    Other,
}

#[derive(Default)]
struct Log<'a> {
    text: &'a str,
    parts: Vec<Part>,
    is_log: bool,
    traces: Vec<Trace>,
    events: usize,
    trace: Trace,
    event: Draft,
}

/// An event being read.
#[derive(Default)]
struct Draft {
    activity: Option<String>,
    at_ms: Option<i64>,
    lifecycle: Option<String>,
    role: Option<String>,
    group: Option<String>,
    resource: Option<String>,
}

impl Log<'_> {
    fn place(&self, at: usize) -> Place {
        let passed = self.text.as_bytes().get(..at).unwrap_or_default();
        let line = passed.iter().filter(|&&byte| byte == b'\n').count() + 1;
        Place::at("", u32::try_from(line).unwrap_or(u32::MAX))
    }

    fn malformed(&self, reason: String, at: usize) -> Error {
        Error::Malformed { reason, place: self.place(at) }
    }

    fn no_log(&self, reason: &str, at: usize) -> Error {
        Error::NotXes { reason: reason.to_owned(), place: self.place(at) }
    }

    fn limit(&self, what: &'static str, limit: usize, at: usize) -> Error {
        Error::Limit { what, limit, place: self.place(at) }
    }

    fn open(&mut self, start: &BytesStart<'_>, at: usize) -> Result<(), Error> {
        if self.parts.len() >= MAX_LOG_DEPTH {
            return Err(self.limit("levels of nesting", MAX_LOG_DEPTH, at));
        }
        let name = start.local_name();
        let part = match (self.parts.last(), name.as_ref()) {
            (None, "log") => {
                self.is_log = true;
                Part::Log
            }
            (None, other) => {
                return Err(self.no_log(&format!("its root element is `{other}`"), at));
            }
            (Some(Part::Log), "trace") => {
                self.trace = Trace::default();
                Part::Trace
            }
            (Some(Part::Trace), "event") => {
                self.event = Draft::default();
                Part::Event
            }
            (Some(Part::Trace | Part::Event), _) => {
                self.attribute(start, at)?;
                Part::Other
            }
            _ => Part::Other,
        };
        self.parts.push(part);
        Ok(())
    }

    /// An attribute of a trace or an event: `<string key="concept:name" value="…"/>`.
    fn attribute(&mut self, start: &BytesStart<'_>, at: usize) -> Result<(), Error> {
        let (mut key, mut value) = (None, None);
        for (index, attribute) in start.attributes().enumerate() {
            if index >= MAX_ATTRIBUTES {
                return Err(self.limit("attributes of one element", MAX_ATTRIBUTES, at));
            }
            let attribute = attribute.map_err(|error| self.malformed(error.to_string(), at))?;
            let slot = match attribute.key.as_ref() {
                "key" => &mut key,
                "value" => &mut value,
                _ => continue,
            };
            let text = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| self.malformed(error.to_string(), at))?;
            *slot = Some(text.into_owned());
        }
        let (Some(key), Some(value)) = (key, value) else { return Ok(()) };
        if value.len() > MAX_NAME_BYTES {
            // Long texts are remarks, not names.
            return Ok(());
        }
        let in_event = self.parts.last() == Some(&Part::Event);
        match (in_event, key.as_str()) {
            (false, "concept:name") => self.trace.case = Some(value),
            (true, "concept:name") => self.event.activity = Some(value),
            (true, "time:timestamp") => self.event.at_ms = timestamp_ms(&value),
            (true, "lifecycle:transition") => self.event.lifecycle = Some(value),
            (true, "org:role") => self.event.role = Some(value),
            (true, "org:group") => self.event.group = Some(value),
            (true, "org:resource") => self.event.resource = Some(value),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, at: usize) -> Result<(), Error> {
        match self.parts.pop() {
            Some(Part::Event) => {
                let draft = std::mem::take(&mut self.event);
                let counts =
                    draft.lifecycle.as_deref().is_none_or(|phase| phase.eq_ignore_ascii_case("complete"));
                let activity = draft.activity.filter(|name| !name.trim().is_empty());
                let (Some(activity), true) = (activity, counts) else { return Ok(()) };
                self.events += 1;
                if self.events > MAX_EVENTS {
                    return Err(self.limit("events", MAX_EVENTS, at));
                }
                let resource = draft.role.or(draft.group).or(draft.resource).filter(|name| !name.is_empty());
                self.trace.events.push(Event {
                    activity: activity.trim().to_owned(),
                    at_ms: draft.at_ms,
                    resource,
                });
            }
            Some(Part::Trace) => {
                if self.traces.len() >= MAX_TRACES {
                    return Err(self.limit("cases", MAX_TRACES, at));
                }
                self.traces.push(std::mem::take(&mut self.trace));
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="concept:name" value="none"/></global>
  <string key="concept:name" value="the log"/>
  <trace>
    <string key="concept:name" value="case 1"/>
    <event><string key="concept:name" value="A &amp; B"/><date key="time:timestamp" value="2011-10-01T00:38:44.546+02:00"/>
      <string key="org:resource" value="Ann"/><string key="lifecycle:transition" value="complete"/></event>
    <event><string key="concept:name" value="C"/><string key="lifecycle:transition" value="start"/></event>
    <event><string key="concept:name" value="C"><string key="concept:name" value="inner"/></string></event>
  </trace>
  <trace/>
</log>"#;

    #[test]
    fn a_log_is_read_by_case_with_completed_events_only() {
        let traces = read(LOG.as_bytes()).unwrap();
        assert_eq!(traces.len(), 2);
        assert_eq!(traces[0].case.as_deref(), Some("case 1"));
        let names: Vec<&str> = traces[0].events.iter().map(|event| event.activity.as_str()).collect();
        assert_eq!(names, ["A & B", "C"]);
        assert_eq!(traces[0].events[0].at_ms, Some(1_317_422_324_546));
        assert_eq!(traces[0].events[0].resource.as_deref(), Some("Ann"));
        assert!(traces[1].events.is_empty());
    }

    #[test]
    fn what_is_no_log_is_refused_with_the_reason() {
        let code = |text: &str| read(text.as_bytes()).unwrap_err().code();
        assert_eq!(code("<definitions/>"), "BPMN-0015");
        assert_eq!(code(""), "BPMN-0015");
        assert_eq!(code("<!DOCTYPE log [<!ENTITY a 'b'>]><log/>"), "BPMN-0004");
        assert_eq!(code("<log><trace>"), "BPMN-0002");
        assert_eq!(code("<log><trace></log>"), "BPMN-0002");
        let deep = format!("<log>{}", "<a>".repeat(MAX_LOG_DEPTH));
        assert_eq!(code(&deep), "BPMN-0001");
    }

    #[test]
    fn times_are_read_as_logs_write_them() {
        let second = Some(1_317_422_324_000);
        for text in [
            "2011-09-30T22:38:44Z",
            "2011-10-01 00:38:44+02:00",
            "2011-09-30 22:38:44",
            "2011/09/30 22:38:44",
            "30.09.2011 22:38:44",
            "1317422324",
            "1317422324000",
        ] {
            assert_eq!(timestamp_ms(text), second, "{text}");
        }
        assert_eq!(timestamp_ms("yesterday"), None);
    }
}
