//! Reads FEEL tokens into a syntax tree, by precedence, never deeper than [`MAX_DEPTH`].
//!
//! From loosest to tightest: `or`; `and`; comparison, `between`, `in`; `+ -`; `* /`; `**`; unary `-`;
//! `instance of`; path, filter, call. Names with spaces are recognised where they are built-ins, entries of a
//! context in the same text, or names the caller gave.

mod expression;
mod test;
mod types;

use std::sync::Arc;

use super::ast::{Ast, UnaryTests};
use super::builtins;
use super::lexer::{Token, TokenKind, tokens};
use super::value::Name;
use crate::expression::ExpressionError;

/// Deepest nesting of an expression, and longest chain of paths, filters and calls.
pub(in crate::expression) const MAX_DEPTH: usize = 64;

/// Most iterators in one `for`, `some` or `every`.
const MAX_ITERATORS: usize = 16;

type Parsed<T> = Result<T, ExpressionError>;

/// Words that cannot be variable names.
const KEYWORDS: [&str; 18] = [
    "if",
    "then",
    "else",
    "for",
    "in",
    "return",
    "some",
    "every",
    "satisfies",
    "between",
    "and",
    "or",
    "instance",
    "function",
    "true",
    "false",
    "null",
    "external",
];

/// Properties whose names have spaces.
const SPACED_PROPERTIES: [&str; 3] = ["time offset", "start included", "end included"];

pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Names bound here: entries, parameters, iterators.
    bound: Vec<Name>,
    /// Names with spaces, as their words.
    spaced: Vec<Vec<String>>,
    /// Inside the upper end of a range `[` closes it.
    closes_range: bool,
    /// Longest chain of links in what was read last, through parentheses.
    links: usize,
    /// How often a name that changes meaning was read.
    partial_reads: usize,
    input_reads: usize,
}

impl Parser {
    pub(super) fn new(text: &str, names: &[&str]) -> Parsed<Self> {
        let spaced = names.iter().filter(|name| name.contains(' ')).map(|name| words(name)).collect();
        Ok(Self {
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
            bound: names.iter().map(|name| Arc::from(*name)).collect(),
            spaced,
            closes_range: false,
            links: 0,
            partial_reads: 0,
            input_reads: 0,
        })
    }

    pub(super) fn whole_expression(mut self) -> Parsed<Ast> {
        let ast = self.expression()?;
        self.end()?;
        Ok(ast)
    }

    pub(super) fn whole_unary_tests(mut self) -> Parsed<UnaryTests> {
        if self.is_symbol("-") && matches!(self.kind_at(1), TokenKind::End) {
            return Ok(UnaryTests::Any);
        }
        if self.is_word("not") && matches!(self.kind_at(1), TokenKind::Symbol("(")) {
            self.at += 2;
            let tests = self.tests()?;
            self.expect(")")?;
            self.end()?;
            return Ok(UnaryTests::NoneOf(tests));
        }
        let tests = self.tests()?;
        self.end()?;
        Ok(UnaryTests::OneOf(tests))
    }

    // Tokens.

    fn kind(&self) -> &TokenKind {
        self.kind_at(0)
    }

    fn kind_at(&self, ahead: usize) -> &TokenKind {
        self.tokens.get(self.at + ahead).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn position(&self) -> usize {
        self.tokens.get(self.at).map_or(0, |token| token.start)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.kind(), TokenKind::Symbol(found) if *found == symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.kind(), TokenKind::Word(found) if found == word)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("'{symbol}'"))) }
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected(&format!("'{word}'"))) }
    }

    fn end(&self) -> Parsed<()> {
        if matches!(self.kind(), TokenKind::End) { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    fn unexpected(&self, wanted: &str) -> ExpressionError {
        let found = match self.kind() {
            TokenKind::End => "the end".to_owned(),
            TokenKind::Number(number) => format!("number {number}"),
            TokenKind::Text(_) => "a text".to_owned(),
            TokenKind::Temporal(_) => "a temporal literal".to_owned(),
            TokenKind::Word(word) | TokenKind::Quoted(word) => {
                format!("'{}'", crate::expression::error::shorten(word))
            }
            TokenKind::Symbol(symbol) => format!("'{symbol}'"),
        };
        ExpressionError::syntax(format!("expected {wanted}, found {found}"), self.position())
    }

    /// One level deeper, or refused.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(ExpressionError::too_deep(MAX_DEPTH, Some(self.position())));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Inside brackets, where a `[` is a filter again.
    fn bracketed<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.closes_range, false);
        let parsed = parse(self);
        self.closes_range = outer;
        parsed
    }

    // Names.

    /// Bytes touch: no space between this token and the next.
    fn touches(&self, at: usize) -> bool {
        match (self.tokens.get(at), self.tokens.get(at + 1)) {
            (Some(left), Some(right)) => left.end == right.start,
            _ => false,
        }
    }

    fn matches_words(&self, words: &[impl AsRef<str>]) -> bool {
        words.iter().enumerate().all(
            |(ahead, word)| matches!(self.kind_at(ahead), TokenKind::Word(found) if found == word.as_ref()),
        )
    }

    /// The longest known name with spaces that starts here: the words it takes.
    fn spaced_name(&self) -> usize {
        let TokenKind::Word(first) = self.kind() else { return 0 };
        let fixed = builtins::spaced_names().chain(SPACED_PROPERTIES);
        let fixed = fixed.filter(|name| name.starts_with(first.as_str())).map(|name| {
            let words: Vec<&str> = name.split(' ').collect();
            if self.matches_words(&words) { words.len() } else { 0 }
        });
        let known = self.spaced.iter().map(|words| if self.matches_words(words) { words.len() } else { 0 });
        fixed.chain(known).max().unwrap_or(0)
    }

    /// A name in use: one word, or a known one with spaces.
    fn name(&mut self, wanted: &str) -> Parsed<Name> {
        let name = match self.kind() {
            TokenKind::Quoted(name) => Arc::from(name.as_str()),
            TokenKind::Word(word) => {
                let count = self.spaced_name();
                if count > 1 {
                    let words: Vec<&str> = (0..count)
                        .filter_map(|ahead| match self.kind_at(ahead) {
                            TokenKind::Word(word) => Some(word.as_str()),
                            _ => None,
                        })
                        .collect();
                    let name = Arc::from(words.join(" "));
                    self.at += count;
                    return Ok(name);
                }
                Arc::from(word.as_str())
            }
            _ => return Err(self.unexpected(wanted)),
        };
        self.at += 1;
        Ok(name)
    }

    /// A name being given (entry, parameter): all words up to one of these symbols or this keyword.
    fn new_name(&mut self, stop: &[&str], keyword: &str) -> Parsed<Name> {
        let mut name = String::new();
        loop {
            match self.kind() {
                TokenKind::Text(text) | TokenKind::Quoted(text) if name.is_empty() => {
                    name.push_str(text);
                    self.at += 1;
                    break;
                }
                TokenKind::Word(word) if word != keyword || name.is_empty() => {
                    name.push_str(if name.is_empty() { "" } else { " " });
                    name.push_str(word);
                }
                // Contexts from JSON-minded people: `my-key: 1`, `part 2: …`.
                TokenKind::Symbol(symbol)
                    if !name.is_empty() && ["-", "+", "*", "/", "."].contains(symbol) =>
                {
                    name.push_str(symbol);
                }
                TokenKind::Number(number) if !name.is_empty() => {
                    name.push_str(&format!(" {number}"));
                }
                _ => break,
            }
            self.at += 1;
        }
        let stopped = matches!(self.kind(), TokenKind::Symbol(symbol) if stop.contains(symbol));
        if name.is_empty() || !(stopped || self.is_word(keyword)) {
            return Err(self.unexpected("a name"));
        }
        if name.contains(' ') {
            self.spaced.push(words(&name));
        }
        Ok(Arc::from(name))
    }
}

fn words(name: &str) -> Vec<String> {
    name.split_whitespace().map(str::to_owned).collect()
}
