//! Reads the types after `instance of` and of parameters.

use super::{Parsed, Parser};
use crate::expression::ExpressionError;
use crate::expression::feel::ast::Type;
use crate::expression::feel::lexer::TokenKind;

/// The types `instance of` knows; the second name is how [`FeelValue::type_name`] calls it.
const TYPES: [(&str, &str); 14] = [
    ("number", "number"),
    ("string", "string"),
    ("boolean", "boolean"),
    ("date and time", "date and time"),
    ("date", "date"),
    ("time", "time"),
    ("days and time duration", "days and time duration"),
    ("day-time-duration", "days and time duration"),
    ("years and months duration", "years and months duration"),
    ("year-month-duration", "years and months duration"),
    ("list", "list"),
    ("context", "context"),
    ("range", "range"),
    ("Null", "null"),
];

impl Parser {
    pub(super) fn type_name(&mut self) -> Parsed<Type> {
        let found = TYPES.iter().find_map(|(written, kind)| {
            let symbols: Vec<&str> = written.split_inclusive([' ', '-']).collect();
            self.type_words(&symbols).map(|count| (*kind, count))
        });
        let Some((kind, count)) = found else {
            let position = self.position();
            if self.take_word("Any") {
                return Ok(Type::Any);
            }
            if self.take_word("function") {
                return self.function_type();
            }
            return Err(ExpressionError::syntax("expected a type", position));
        };
        self.at += count;
        if !matches!(kind, "list" | "context" | "range") || !self.take("<") {
            return Ok(Type::Named(kind));
        }
        let of = match kind {
            "context" => self.context_type()?,
            "list" => Type::List(Box::new(self.deeper(Self::type_name)?)),
            _ => Type::Range(Box::new(self.deeper(Self::type_name)?)),
        };
        self.expect(">")?;
        Ok(of)
    }

    /// Whether these words (with the space or hyphen that follows each) stand here: the tokens they take.
    fn type_words(&self, parts: &[&str]) -> Option<usize> {
        let mut ahead = 0;
        for part in parts {
            let (word, hyphen) = part.strip_suffix('-').map_or((part.trim_end(), false), |word| (word, true));
            if !matches!(self.kind_at(ahead), TokenKind::Word(found) if found == word) {
                return None;
            }
            ahead += 1;
            if hyphen {
                if !matches!(self.kind_at(ahead), TokenKind::Symbol("-")) {
                    return None;
                }
                ahead += 1;
            }
        }
        Some(ahead)
    }

    fn context_type(&mut self) -> Parsed<Type> {
        let mut entries = Vec::new();
        loop {
            let name = self.new_name(&[":"], ":")?;
            self.expect(":")?;
            entries.push((name, self.deeper(Self::type_name)?));
            if !self.take(",") {
                return Ok(Type::Context(entries));
            }
        }
    }

    /// `function<A, B> -> C`; only that it is a function is tested.
    fn function_type(&mut self) -> Parsed<Type> {
        if self.take("<") {
            while !self.is_symbol(">") {
                self.deeper(Self::type_name)?;
                if !self.take(",") {
                    break;
                }
            }
            self.expect(">")?;
            self.expect("->")?;
            self.deeper(Self::type_name)?;
        }
        Ok(Type::Function)
    }
}
