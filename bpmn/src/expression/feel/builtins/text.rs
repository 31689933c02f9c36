//! Texts. Lengths and places count characters, from 1.
//!
//! Patterns are those of the `regex` crate: linear in the text, without look-around and back-references; one it does
//! not know gives null.

use regex::{Regex, RegexBuilder};

use super::{Builtin, Evaluated, argument, builtin, or_null, takes};
use crate::expression::ExpressionError;
use crate::expression::feel::evaluate::Evaluator;
use crate::expression::feel::value::{FeelValue, display};

/// Longest text a function makes, in bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024 * 1024;

/// Largest compiled pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 1024 * 1024;

/// What compiling a pattern costs, in steps.
const PATTERN_STEPS: u64 = 500;

pub(super) const FUNCTIONS: &[Builtin] = &[
    builtin("substring", &[takes(&["string", "start position", "length?"])], substring),
    builtin("string length", &[takes(&["string"])], |evaluator, arguments| {
        texts(evaluator, arguments, |[text]| Some(FeelValue::Number(text.chars().count() as f64)))
    }),
    builtin("upper case", &[takes(&["string"])], |evaluator, arguments| {
        texts(evaluator, arguments, |[text]| Some(FeelValue::text(text.to_uppercase())))
    }),
    builtin("lower case", &[takes(&["string"])], |evaluator, arguments| {
        texts(evaluator, arguments, |[text]| Some(FeelValue::text(text.to_lowercase())))
    }),
    builtin("substring before", &[takes(&["string", "match"])], |evaluator, arguments| {
        texts(evaluator, arguments, |[text, found]| {
            Some(FeelValue::text(text.find(found).map_or("", |at| &text[..at])))
        })
    }),
    builtin("substring after", &[takes(&["string", "match"])], |evaluator, arguments| {
        texts(evaluator, arguments, |[text, found]| {
            Some(FeelValue::text(text.find(found).map_or("", |at| &text[at + found.len()..])))
        })
    }),
    builtin("contains", &[takes(&["string", "match"])], |evaluator, arguments| {
        texts(evaluator, arguments, |[text, found]| Some(FeelValue::Boolean(text.contains(found))))
    }),
    builtin("starts with", &[takes(&["string", "match"])], |evaluator, arguments| {
        texts(evaluator, arguments, |[text, found]| Some(FeelValue::Boolean(text.starts_with(found))))
    }),
    builtin("ends with", &[takes(&["string", "match"])], |evaluator, arguments| {
        texts(evaluator, arguments, |[text, found]| Some(FeelValue::Boolean(text.ends_with(found))))
    }),
    builtin("trim", &[takes(&["string"])], |evaluator, arguments| {
        texts(evaluator, arguments, |[text]| Some(FeelValue::text(text.trim())))
    }),
    builtin("is blank", &[takes(&["string"])], |evaluator, arguments| {
        texts(evaluator, arguments, |[text]| Some(FeelValue::Boolean(text.trim().is_empty())))
    }),
    builtin("to base64", &[takes(&["value"])], |evaluator, arguments| {
        texts(evaluator, arguments, |[text]| Some(FeelValue::text(base64(text.as_bytes()))))
    }),
    builtin("matches", &[takes(&["input", "pattern", "flags?"])], matches),
    builtin("replace", &[takes(&["input", "pattern", "replacement", "flags?"])], replace),
    builtin("split", &[takes(&["string", "delimiter"])], split),
    builtin("extract", &[takes(&["string", "pattern"])], extract),
    builtin("string join", &[takes(&["list", "delimiter?", "prefix?", "suffix?"])], string_join),
];

/// Runs on texts; null where an argument is none.
fn texts<const N: usize>(
    evaluator: &Evaluator<'_>,
    arguments: &[FeelValue],
    run: impl FnOnce([&str; N]) -> Option<FeelValue>,
) -> Evaluated {
    let mut found = [""; N];
    for (place, slot) in found.iter_mut().enumerate() {
        let Some(text) = argument(arguments, place).as_text() else { return Ok(FeelValue::Null) };
        evaluator.charge(text.len() as u64 / 16)?;
        *slot = text;
    }
    or_null(run(found))
}

fn substring(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let (Some(text), Some(start)) = (argument(arguments, 0).as_text(), argument(arguments, 1).as_integer())
    else {
        return Ok(FeelValue::Null);
    };
    evaluator.charge(text.len() as u64 / 16)?;
    let length = match argument(arguments, 2) {
        FeelValue::Null => usize::MAX,
        length => match length.as_integer().and_then(|length| usize::try_from(length).ok()) {
            Some(length) => length,
            None => return Ok(FeelValue::Null),
        },
    };
    let back = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
    let skipped = match start {
        0 => return Ok(FeelValue::Null),
        1.. => back - 1,
        _ => match text.chars().count().checked_sub(back) {
            Some(skipped) => skipped,
            None => return Ok(FeelValue::Null),
        },
    };
    Ok(FeelValue::text(text.chars().skip(skipped).take(length).collect::<String>()))
}

/// The compiled pattern, from the evaluation's store where it is there.
fn pattern(
    evaluator: &Evaluator<'_>,
    pattern: &FeelValue,
    flags: &FeelValue,
) -> Result<Option<Regex>, ExpressionError> {
    let Some(pattern) = pattern.as_text() else { return Ok(None) };
    let flags = match flags {
        FeelValue::Null => "",
        FeelValue::Text(flags) if flags.chars().all(|flag| "smix".contains(flag)) => flags,
        _ => return Ok(None),
    };
    let key = format!("{flags}/{pattern}");
    let kept =
        evaluator.patterns.borrow().iter().find(|(kept, _)| *kept == key).map(|(_, regex)| regex.clone());
    if let Some(regex) = kept {
        return Ok(regex);
    }
    evaluator.charge(PATTERN_STEPS + pattern.len() as u64)?;
    let regex = RegexBuilder::new(pattern)
        .dot_matches_new_line(flags.contains('s'))
        .multi_line(flags.contains('m'))
        .case_insensitive(flags.contains('i'))
        .ignore_whitespace(flags.contains('x'))
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES)
        .build()
        .ok();
    evaluator.keep_pattern(key, regex.clone());
    Ok(regex)
}

fn matches(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let regex = pattern(evaluator, argument(arguments, 1), argument(arguments, 2))?;
    let (Some(text), Some(regex)) = (argument(arguments, 0).as_text(), regex) else {
        return Ok(FeelValue::Null);
    };
    evaluator.charge(text.len() as u64 / 4)?;
    Ok(FeelValue::Boolean(regex.is_match(text)))
}

fn replace(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let regex = pattern(evaluator, argument(arguments, 1), argument(arguments, 3))?;
    let (Some(text), Some(regex), Some(replacement)) =
        (argument(arguments, 0).as_text(), regex, argument(arguments, 2).as_text())
    else {
        return Ok(FeelValue::Null);
    };
    evaluator.charge(text.len() as u64)?;
    let replacement = braced_groups(replacement);
    let (mut out, mut last) = (String::new(), 0);
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        evaluator.charge(1 + replacement.len() as u64 / 16)?;
        out.push_str(&text[last..whole.start()]);
        captures.expand(&replacement, &mut out);
        last = whole.end();
        check_text(out.len())?;
    }
    out.push_str(&text[last..]);
    check_text(out.len())?;
    Ok(FeelValue::text(out))
}

/// `$1` as `${1}`: in FEEL the digits alone are the group, so that `$1st` is group 1 and `st`.
fn braced_groups(replacement: &str) -> String {
    let mut out = String::with_capacity(replacement.len() + 8);
    let mut chars = replacement.chars().peekable();
    while let Some(char) = chars.next() {
        out.push(char);
        if char != '$' || !chars.peek().is_some_and(char::is_ascii_digit) {
            continue;
        }
        out.push('{');
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            out.push(digit);
        }
        out.push('}');
    }
    out
}

fn split(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let regex = pattern(evaluator, argument(arguments, 1), &FeelValue::Null)?;
    let (Some(text), Some(regex)) = (argument(arguments, 0).as_text(), regex) else {
        return Ok(FeelValue::Null);
    };
    evaluator.charge(text.len() as u64)?;
    Ok(FeelValue::list(regex.split(text).map(FeelValue::text).collect()))
}

fn extract(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let regex = pattern(evaluator, argument(arguments, 1), &FeelValue::Null)?;
    let (Some(text), Some(regex)) = (argument(arguments, 0).as_text(), regex) else {
        return Ok(FeelValue::Null);
    };
    evaluator.charge(text.len() as u64)?;
    Ok(FeelValue::list(regex.find_iter(text).map(|found| FeelValue::text(found.as_str())).collect()))
}

/// Joins texts; nulls are left out.
fn string_join(evaluator: &Evaluator<'_>, arguments: &[FeelValue]) -> Evaluated {
    let single = std::slice::from_ref(argument(arguments, 0));
    let items = match argument(arguments, 0) {
        FeelValue::List(list) => list.items(),
        FeelValue::Text(_) => single,
        _ => return Ok(FeelValue::Null),
    };
    let mut extras = [""; 3];
    for (slot, extra) in extras.iter_mut().zip(arguments.iter().skip(1)) {
        match extra {
            FeelValue::Null => {}
            FeelValue::Text(text) => *slot = text,
            _ => return Ok(FeelValue::Null),
        }
    }
    let [delimiter, prefix, suffix] = extras;
    let mut out = prefix.to_owned();
    let mut first = true;
    for item in items.iter().filter(|item| !item.is_null()) {
        if !matches!(item, FeelValue::Text(_)) {
            return Ok(FeelValue::Null);
        }
        let text = display(item);
        evaluator.charge(1 + (text.len() + delimiter.len()) as u64 / 16)?;
        out.push_str(if first { "" } else { delimiter });
        out.push_str(&text);
        check_text(out.len())?;
        first = false;
    }
    out.push_str(suffix);
    check_text(out.len())?;
    Ok(FeelValue::text(out))
}

fn check_text(bytes: usize) -> Result<(), ExpressionError> {
    if bytes > MAX_TEXT_BYTES {
        return Err(ExpressionError::too_large(&format!("a text of more than {MAX_TEXT_BYTES} bytes")));
    }
    Ok(())
}

/// RFC 4648 section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group =
            (0..3).fold(0_u32, |group, at| group << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let sextet = (group >> (18 - 6 * at)) & 0x3f;
            out.push(if at <= chunk.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    out
}
