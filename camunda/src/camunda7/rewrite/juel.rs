//! The part of FEEL that JUEL says as well, word by word: variables, numbers, texts, comparisons, `and`, `or`,
//! `not(…)`, arithmetic, `null`.
//!
//! Variables are read by `execution.getVariable`, which gives null where there is none, as FEEL does.

use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Nothing,
    Operand,
    Operator,
}

/// The JUEL of a FEEL expression without its `=`, or `None` where JUEL cannot say it.
pub(crate) fn from_feel(source: &str) -> Option<String> {
    let text = source.trim().trim_start_matches('=');
    let mut out = String::new();
    let mut rest = text.trim_start();
    let mut last = Last::Nothing;
    while let Some(first) = rest.chars().next() {
        let used = match first {
            '0'..='9' | '.' => number(rest, last, &mut out)?,
            '"' => string(rest, last, &mut out)?,
            'a'..='z' | 'A'..='Z' | '_' => word(rest, last, &mut out)?,
            '(' if last != Last::Operand => {
                out.push('(');
                1
            }
            ')' if last == Last::Operand => {
                out.push(')');
                1
            }
            _ => operator(rest, last, &mut out)?,
        };
        last = after(&out)?;
        rest = rest.get(used..)?.trim_start();
    }
    (last == Last::Operand && out.matches('(').count() == out.matches(')').count()).then_some(out)
}

/// Whether the last piece written stands for a value.
fn after(out: &str) -> Option<Last> {
    let last = out.chars().last()?;
    Some(if last == ' ' || last == '(' || last == '-' { Last::Operator } else { Last::Operand })
}

fn number(rest: &str, last: Last, out: &mut String) -> Option<usize> {
    if last == Last::Operand {
        return None;
    }
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let digits = rest.get(..end)?;
    digits.parse::<f64>().ok()?;
    // A range (`1..5`) and an exponent are not numbers of both languages.
    if digits.contains("..") || digits.ends_with('.') || rest[end..].starts_with(['e', 'E']) {
        return None;
    }
    if digits.starts_with('.') {
        out.push('0');
    }
    out.push_str(digits);
    Some(end)
}

fn string(rest: &str, last: Last, out: &mut String) -> Option<usize> {
    let end = rest.get(1..)?.find('"')? + 1;
    let inner = rest.get(1..end)?;
    // Escapes differ between the languages.
    if last == Last::Operand || inner.contains(['\\', '\'', '$', '#', '{', '\n']) {
        return None;
    }
    // Writing to a string cannot fail.
    let _ = write!(out, "'{inner}'");
    Some(end + 1)
}

fn word(rest: &str, last: Last, out: &mut String) -> Option<usize> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    let name = rest.get(..end)?;
    let next = rest.get(end..)?.trim_start();
    match name {
        "and" | "or" if last == Last::Operand => {
            let _ = write!(out, " {name} ");
        }
        "not" if next.starts_with('(') && last != Last::Operand => out.push_str("not "),
        "true" | "false" | "null" if last != Last::Operand => out.push_str(name),
        // Words of FEEL, calls, paths, filters and names of several words are more than JUEL can say.
        "and" | "or" | "not" | "if" | "then" | "else" | "for" | "some" | "every" | "in" | "between"
        | "return" | "satisfies" | "instance" | "function" | "item" => return None,
        _ if last == Last::Operand || next.starts_with(['(', '.', '[', '{', ':']) => return None,
        _ => {
            let name = counted(name);
            let _ = write!(out, "execution.getVariable('{name}')");
        }
    }
    Some(end)
}

/// Camunda 8's names of what a multi-instance counts are Camunda 7's with other beginnings.
fn counted(name: &str) -> String {
    match name {
        "numberOfInstances"
        | "numberOfActiveInstances"
        | "numberOfCompletedInstances"
        | "numberOfTerminatedInstances" => name.replacen("numberOf", "nrOf", 1),
        _ => name.to_owned(),
    }
}

fn operator(rest: &str, last: Last, out: &mut String) -> Option<usize> {
    const OPERATORS: [(&str, &str); 10] = [
        ("<=", " <= "),
        (">=", " >= "),
        ("!=", " != "),
        ("<", " < "),
        (">", " > "),
        ("=", " == "),
        ("+", " + "),
        ("-", " - "),
        ("*", " * "),
        ("/", " / "),
    ];
    if rest.starts_with("**") || rest.starts_with("//") || rest.starts_with("/*") {
        return None;
    }
    if last != Last::Operand {
        // A sign.
        out.push(rest.strip_prefix('-').map(|_| '-')?);
        return Some(1);
    }
    let (sign, written) = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign))?;
    out.push_str(written);
    Some(sign.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_logic_and_arithmetic_are_said_in_juel() {
        for (feel, juel) in [
            ("= a < 0.5", "execution.getVariable('a') < 0.5"),
            ("outcome = \"misses\"", "execution.getVariable('outcome') == 'misses'"),
            (
                "not(a) and b != null",
                "not (execution.getVariable('a')) and execution.getVariable('b') != null",
            ),
            ("(1 + x) * -2 >= .5", "(1 + execution.getVariable('x')) * -2 >= 0.5"),
            ("numberOfCompletedInstances = 2", "execution.getVariable('nrOfCompletedInstances') == 2"),
        ] {
            assert_eq!(from_feel(feel).as_deref(), Some(juel), "{feel}");
        }
    }

    #[test]
    fn what_juel_cannot_say_is_not_said() {
        for feel in [
            "a.b = 1",
            "items[1]",
            "count(a) > 1",
            "if a then 1 else 2",
            "x in [1..5]",
            "a ** 2",
            "a b",
            "1..5",
            "(a",
            "a)",
            "a =",
            "",
            "\"it's\" = a",
            "{a: 1}",
            "some x in y satisfies x",
        ] {
            assert_eq!(from_feel(feel), None, "{feel}");
        }
    }
}
