//! Templates: the `{{variable}}` in a text, and what is wrong with a prompt before it is saved.

use std::collections::BTreeSet;

use crate::assemble::{CONTEXT_VARIABLE, fits};
use crate::prompt::{NAME_LIMIT, TEMPLATE_LIMIT_BYTES, VARIABLES_LIMIT};
use crate::{Error, Prompt};

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Goes in as it is.
    Text(&'a str),
    /// The value of this variable goes in.
    Variable(&'a str),
    /// The text of this fragment goes in.
    Fragment(&'a str),
}

/// Splits a text at its `{{variable}}`s and `{{> fragment}}`s; braces around anything but a name are text.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(open) = rest[from..].find("{{").map(|at| at + from) {
        let Some(close) = rest[open..].find("}}").map(|at| at + open) else { break };
        let name = rest[open + 2..close].trim();
        let fragment = name.strip_prefix('>').map(str::trim_start).filter(|name| is_label(name));
        let piece = match fragment {
            Some(fragment) => Some(Piece::Fragment(fragment)),
            None => is_name(name).then_some(Piece::Variable(name)),
        };
        if let Some(piece) = piece {
            if open > 0 {
                pieces.push(Piece::Text(&rest[..open]));
            }
            pieces.push(piece);
            rest = &rest[close + 2..];
            from = 0;
        } else {
            from = open + 1;
        }
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_LIMIT
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// True for names of prompts and labels: letters, digits, `-`, `_`, `.` and `/`.
pub(crate) fn is_label(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_LIMIT
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
}

/// Names of the fragments that the texts of a prompt use, each once.
pub(crate) fn fragments(prompt: &Prompt) -> BTreeSet<&str> {
    let pieces = prompt.messages.iter().flat_map(|message| pieces(&message.text));
    let named = |piece| match piece {
        Piece::Fragment(name) => Some(name),
        Piece::Text(_) | Piece::Variable(_) => None,
    };
    pieces.filter_map(named).collect()
}

/// Checks a prompt, its fragments filled in, before it is saved.
pub(crate) fn check(prompt: &Prompt) -> Result<(), Error> {
    let mut problems = Vec::new();
    if !is_label(&prompt.name) {
        problems.push("its name must be letters, digits, -, _, . and /".to_owned());
    }
    if prompt.messages.is_empty() {
        problems.push("it has no message".to_owned());
    }
    let bytes: usize = prompt.messages.iter().map(|message| message.text.len()).sum();
    if bytes > TEMPLATE_LIMIT_BYTES {
        problems.push(format!("its texts have {bytes} bytes; the limit is {TEMPLATE_LIMIT_BYTES}"));
    }
    if prompt.variables.len() > VARIABLES_LIMIT {
        problems.push(format!("it has {} variables; the limit is {VARIABLES_LIMIT}", prompt.variables.len()));
    }
    check_variables(prompt, &mut problems);
    if let Some(temperature) = prompt.parameters.temperature
        && !(0.0..=2.0).contains(&temperature)
    {
        problems.push(format!("its temperature {temperature} is not between 0 and 2"));
    }
    if let Some(schema) = &prompt.output_schema
        && let Err(error) = jsonschema::validator_for(schema)
    {
        problems.push(format!("its output schema is not a JSON Schema: {error}"));
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid { name: prompt.name.clone(), problems }) }
}

fn check_variables(prompt: &Prompt, problems: &mut Vec<String>) {
    let used: BTreeSet<&str> = prompt
        .messages
        .iter()
        .flat_map(|message| pieces(&message.text))
        .filter_map(|piece| match piece {
            Piece::Variable(name) if name != CONTEXT_VARIABLE => Some(name),
            _ => None,
        })
        .collect();
    let mut declared = BTreeSet::new();
    for variable in &prompt.variables {
        let name = variable.name.as_str();
        if !is_name(name) {
            problems
                .push(format!("variable {name:?} must be letters, digits and _, not starting with a digit"));
        }
        if name == CONTEXT_VARIABLE {
            problems
                .push("variable context is the place of retrieved items and cannot be declared".to_owned());
        }
        if !declared.insert(name) {
            problems.push(format!("variable {name} is declared twice"));
        }
        if let Some(value) = &variable.default
            && !fits(value, variable.kind)
        {
            problems.push(format!("the default of variable {name} is not of its type"));
        }
    }
    problems
        .extend(used.difference(&declared).map(|name| format!("variable {name} is used but not declared")));
    problems
        .extend(declared.difference(&used).map(|name| format!("variable {name} is declared but not used")));
}
