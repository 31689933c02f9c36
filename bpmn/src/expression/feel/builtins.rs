//! The built-in functions of FEEL, by group.

mod boolean;
mod context;
mod conversion;
mod date;
mod interval;
mod list;
mod number;
mod text;

use super::evaluate::Evaluator;
use super::value::FeelValue;
use crate::expression::ExpressionError;

/// What a built-in gives back.
type Evaluated = Result<FeelValue, ExpressionError>;

/// A built-in function.
#[derive(Debug)]
pub(in crate::expression) struct Builtin {
    pub(super) name: &'static str,
    pub(super) signatures: &'static [Signature],
    pub(super) run: fn(&Evaluator<'_>, &[FeelValue]) -> Evaluated,
}

/// Parameter names in order; `?` at the end marks one that may be left out, `*` one that repeats.
#[derive(Debug)]
pub(in crate::expression) struct Signature(&'static [&'static str]);

impl Signature {
    /// The parameter names.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|name| name.trim_end_matches(['?', '*']))
    }

    /// The names of parameters that cannot be left out.
    pub(super) fn required(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter(|name| !name.ends_with(['?', '*'])).copied()
    }

    /// Whether it takes so many arguments.
    pub(super) fn takes(&self, count: usize) -> bool {
        let repeats = self.0.iter().any(|name| name.ends_with('*'));
        count >= self.required().count() && (repeats || count <= self.0.len())
    }
}

impl Builtin {
    /// How it is called, for messages.
    pub(super) fn usage(&self) -> String {
        let forms: Vec<String> = self
            .signatures
            .iter()
            .map(|signature| format!("{}({})", self.name, signature.0.join(", ")))
            .collect();
        forms.join(" or ")
    }
}

const fn builtin(
    name: &'static str,
    signatures: &'static [Signature],
    run: fn(&Evaluator<'_>, &[FeelValue]) -> Evaluated,
) -> Builtin {
    Builtin { name, signatures, run }
}

const fn takes(parameters: &'static [&'static str]) -> Signature {
    Signature(parameters)
}

const GROUPS: [&[Builtin]; 8] = [
    boolean::FUNCTIONS,
    context::FUNCTIONS,
    conversion::FUNCTIONS,
    date::FUNCTIONS,
    interval::FUNCTIONS,
    list::FUNCTIONS,
    number::FUNCTIONS,
    text::FUNCTIONS,
];

/// All built-ins.
pub(super) fn all() -> impl Iterator<Item = &'static Builtin> {
    GROUPS.iter().flat_map(|group| group.iter())
}

/// The built-in of this name.
pub(super) fn find(name: &str) -> Option<&'static Builtin> {
    all().find(|builtin| builtin.name == name)
}

/// The names that have spaces, also of those that are refused.
pub(super) fn spaced_names() -> impl Iterator<Item = &'static str> {
    all().map(|builtin| builtin.name).filter(|name| name.contains(' ')).chain(["random number"])
}

/// An argument; null where it is left out.
fn argument(arguments: &[FeelValue], place: usize) -> &FeelValue {
    arguments.get(place).unwrap_or(&FeelValue::Null)
}

/// The items of a single list argument, or the arguments themselves.
fn spread(arguments: &[FeelValue]) -> &[FeelValue] {
    match arguments {
        [FeelValue::List(list)] => list.items(),
        _ => arguments,
    }
}

/// Null where a condition of the function does not hold.
fn or_null(value: Option<FeelValue>) -> Evaluated {
    Ok(value.unwrap_or(FeelValue::Null))
}
