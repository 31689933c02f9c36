//! Turns the bytes of a file into text, or says why they are none.

use super::MAX_FILE_BYTES;
use crate::Error;

/// UTF-8 with or without byte order mark, or UTF-16 with one.
pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<String, Error> {
    let refuse = |place: String, why: String, hint: &'static str| Err(Error::Source { place, why, hint });
    if bytes.len() > MAX_FILE_BYTES {
        let why = format!("it has {} bytes, at most {MAX_FILE_BYTES} are read", bytes.len());
        return refuse(name.to_owned(), why, "split it into several systems");
    }
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(name, rest)?,
        [0xFF, 0xFE, rest @ ..] => utf16(name, rest, u16::from_le_bytes)?,
        [0xFE, 0xFF, rest @ ..] => utf16(name, rest, u16::from_be_bytes)?,
        _ => utf8(name, bytes)?,
    };
    if let Some(at) = text.find('\0') {
        let why = format!("it holds a zero byte at offset {at}: this is a binary file");
        return refuse(name.to_owned(), why, "give a text file: Markdown, CSV or plain lines");
    }
    if text.trim().is_empty() {
        return refuse(name.to_owned(), "it is empty".to_owned(), "write at least one requirement into it");
    }
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn utf8(name: &str, bytes: &[u8]) -> Result<String, Error> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let at = error.valid_up_to();
        let line = bytes.iter().take(at).filter(|b| **b == b'\n').count() + 1;
        Error::Source {
            place: format!("{name}:{line}"),
            why: format!("the bytes at offset {at} are not UTF-8 text"),
            hint: "save the file as UTF-8 text: Markdown, CSV or plain lines",
        }
    })
}

fn utf16(name: &str, bytes: &[u8], join: fn([u8; 2]) -> u16) -> Result<String, Error> {
    let units = bytes
        .chunks_exact(2)
        .map(|pair| join([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]));
    char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_| Error::Source {
        place: name.to_owned(),
        why: "it begins like UTF-16 but is not".to_owned(),
        hint: "save the file as UTF-8 text",
    })
}
