//! Arrays as PostgreSQL reads them: many values of one column in one text.

use std::fmt::Write;

use sea_orm::Value;

/// The type of an array's elements, told by one of them: values of a column have one type, also those that are null.
pub(crate) fn element_type(value: &Value) -> &'static str {
    match value {
        Value::BigInt(_) => "bigint",
        Value::Double(_) => "double precision",
        _ => "text",
    }
}

/// `{1,NULL,"a \"text\""}`.
pub(crate) fn literal<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    let mut out = String::from("{");
    for value in values {
        separate(&mut out);
        // Writing to a text does not fail.
        let _ = match value {
            Value::BigInt(Some(number)) => write!(out, "{number}"),
            Value::Double(Some(number)) => write!(out, "{number}"),
            Value::String(Some(text)) => {
                quote(text, &mut out);
                Ok(())
            }
            _ => write!(out, "NULL"),
        };
    }
    out.push('}');
    out
}

/// `{1,2,3}`.
pub(crate) fn of_numbers(numbers: impl Iterator<Item = i64>) -> String {
    let mut out = String::from("{");
    for number in numbers {
        separate(&mut out);
        // Writing to a text does not fail.
        let _ = write!(out, "{number}");
    }
    out.push('}');
    out
}

fn separate(out: &mut String) {
    if out.len() > 1 {
        out.push(',');
    }
}

/// In quotes, so that no text is taken for NULL, for a separator or for white space that does not count.
fn quote(text: &str, out: &mut String) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut rest = text;
    while let Some(place) = rest.find(['"', '\\']) {
        let (plain, special) = rest.split_at(place);
        out.push_str(plain);
        out.push('\\');
        out.push_str(&special[..1]);
        rest = &special[1..];
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statements::{int, int_or_null, real, text, text_or_null};

    #[test]
    fn texts_are_quoted_and_what_is_missing_is_null() {
        let texts = [text("a"), text_or_null(None), text("NULL"), text(r#"{"k":"a\b"},ü"#), text("")];
        let written = r#"{"a",NULL,"NULL","{\"k\":\"a\\b\"},ü",""}"#;
        assert_eq!(literal(texts.iter()), written);
        assert_eq!(literal([int(-1), int_or_null(None)].iter()), "{-1,NULL}");
        assert_eq!(literal([real(0.1), real(-2.0)].iter()), "{0.1,-2}");
        assert_eq!(of_numbers([i64::MIN, 7].into_iter()), "{-9223372036854775808,7}");
    }
}
