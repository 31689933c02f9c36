//! Reads a log from a file's content: XES where it begins like XML, a table otherwise.

use super::EventLog;
use crate::error::Error;

/// Largest log, in bytes.
pub const MAX_LOG_BYTES: usize = bpmn::xes::MAX_LOG_BYTES;

/// Reads a log.
///
/// # Errors
/// `DAS-0010` where it is neither XES nor a table with a column for cases and one for activities, holds no event, or
/// exceeds a limit.
pub fn read_log(bytes: &[u8]) -> Result<EventLog, Error> {
    if bytes.len() > MAX_LOG_BYTES {
        return Err(Error::Log { why: format!("it has more than {MAX_LOG_BYTES} bytes") });
    }
    let text = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    let is_utf16 = matches!(text, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if text.starts_with(&[0x1F, 0x8B]) {
        return Err(Error::Log { why: "it is packed; unpack it first".to_owned() });
    }
    let log = if is_utf16 || first == Some(&b'<') {
        let traces = bpmn::xes::read(bytes).map_err(|error| Error::Log { why: error.to_string() })?;
        EventLog::from_traces(traces)?
    } else {
        super::read_table(text)?
    };
    if log.events() == 0 {
        return Err(Error::Log { why: "it holds no event".to_owned() });
    }
    Ok(log)
}
