//! The canonical form of JSON that hashes are computed over.

use std::fmt::Write;

use serde_json::Value;

/// Writes `value` as JSON with object keys sorted by code point and no white space.
///
/// Two values that are equal as JSON objects give the same text whatever order their keys were inserted in, so
/// the text can be hashed (after RFC 8785, without its number rules: numbers are written as serde_json does).
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

/// Writes a text as JSON.
pub(crate) fn write_text(text: &str, out: &mut String) {
    if text.bytes().any(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        // A text always serialises.
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
        return;
    }
    // Nothing else is escaped, and most texts are names.
    out.push('"');
    out.push_str(text);
    out.push('"');
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (place, (key, inner)) in entries.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write_value(inner, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Value::String(text) => write_text(text, out),
        // Writing to a text does not fail.
        Value::Null | Value::Bool(_) | Value::Number(_) => _ = write!(out, "{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_written_as_serde_json_writes_it() {
        let all = (0..0x300).filter_map(char::from_u32).map(String::from);
        for text in
            all.chain(["plain".to_owned(), "a \"b\" \\ c\n".to_owned(), "\u{1f600}\u{2028}".to_owned()])
        {
            let mut out = String::new();
            write_text(&text, &mut out);
            assert_eq!(out, serde_json::to_string(&text).unwrap());
        }
    }
}
