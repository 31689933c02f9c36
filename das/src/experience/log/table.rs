//! Reads a log from a table: a row an event, with a column each for case and activity, and mostly one for the time.
//!
//! The separator and the columns are found by themselves: columns by the names that tools give them.

use bpmn::xes::{Event, MAX_EVENTS, MAX_NAME_BYTES, Trace, timestamp_ms};
use indexmap::IndexMap;

use super::EventLog;
use crate::error::Error;

const CASE: [&str; 12] = [
    "case:concept:name",
    "case id",
    "caseid",
    "case",
    "case number",
    "trace id",
    "trace",
    "instance",
    "process instance",
    "order id",
    "ticket",
    "id",
];
const ACTIVITY: [&str; 12] = [
    "concept:name",
    "activity",
    "activity name",
    "activityname",
    "task",
    "task name",
    "event",
    "event name",
    "step",
    "action",
    "operation",
    "name",
];
const TIME: [&str; 13] = [
    "time:timestamp",
    "complete timestamp",
    "completed",
    "end time",
    "end timestamp",
    "end",
    "timestamp",
    "time",
    "datetime",
    "date",
    "start timestamp",
    "start time",
    "start",
];
const RESOURCE: [&str; 7] = ["org:role", "role", "org:group", "org:resource", "resource", "user", "actor"];

/// Reads a table with a header line; fields are separated by comma, semicolon, tab or bar.
///
/// # Errors
/// `DAS-0010` where the columns for case and activity are not found, a row cannot be read, or there are too many.
pub fn read_table(bytes: &[u8]) -> Result<EventLog, Error> {
    let text = String::from_utf8_lossy(bytes);
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: &u8| header.bytes().filter(|byte| byte == separator).count();
    let separator = b",;\t|".iter().copied().max_by_key(count).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers: Vec<String> =
        reader.headers().map_err(|error| fail(&error))?.iter().map(plain_header).collect();
    let case = column(&headers, &CASE, None).ok_or_else(|| missing("cases", "case", &headers))?;
    let activity =
        column(&headers, &ACTIVITY, Some(case)).ok_or_else(|| missing("activities", "activity", &headers))?;
    let time = column(&headers, &TIME, Some(case)).filter(|&at| at != activity);
    let resource = column(&headers, &RESOURCE, Some(case)).filter(|&at| at != activity);
    let mut cases: IndexMap<String, Vec<Event>> = IndexMap::new();
    for (number, record) in reader.records().enumerate() {
        if number >= MAX_EVENTS {
            return Err(Error::Log { why: format!("it has more than {MAX_EVENTS} rows") });
        }
        let record = record.map_err(|error| fail(&error))?;
        let field = |at: usize| record.get(at).map(str::trim).filter(|text| !text.is_empty());
        let (Some(case), Some(activity)) = (field(case), field(activity)) else { continue };
        if activity.len() > MAX_NAME_BYTES || case.len() > MAX_NAME_BYTES {
            let why =
                format!("row {}: a name is longer than {MAX_NAME_BYTES} bytes", number.saturating_add(2));
            return Err(Error::Log { why });
        }
        cases.entry(case.to_owned()).or_default().push(Event {
            activity: activity.to_owned(),
            at_ms: time.and_then(field).and_then(timestamp_ms),
            resource: resource.and_then(field).map(str::to_owned),
        });
    }
    let traces = cases.into_iter().map(|(case, mut events)| {
        // Rows without a time keep their place: then the order of the file is all there is.
        if events.iter().all(|event| event.at_ms.is_some()) {
            events.sort_by_key(|event| event.at_ms);
        }
        Trace { case: Some(case), events }
    });
    EventLog::from_traces(traces.collect())
}

/// A header without what tools put around it.
fn plain_header(header: &str) -> String {
    header
        .trim_matches(|c: char| c == '"' || c == '\u{feff}' || c.is_whitespace())
        .replace(['_', '-'], " ")
        .to_lowercase()
}

/// The column that bears one of the names, the first name first.
fn column(headers: &[String], names: &[&str], other_than: Option<usize>) -> Option<usize> {
    let find =
        |name: &&str| headers.iter().position(|header| header == name).filter(|at| Some(*at) != other_than);
    names.iter().find_map(find)
}

fn missing(what: &str, name: &str, headers: &[String]) -> Error {
    let is_shown = |c: &char| !c.is_control() && *c != char::REPLACEMENT_CHARACTER;
    let shown: String = headers.join(", ").chars().filter(is_shown).take(200).collect();
    Error::Log { why: format!("no column for {what} (called '{name}') among: {shown}") }
}

fn fail(error: &csv::Error) -> Error {
    Error::Log { why: error.to_string() }
}
