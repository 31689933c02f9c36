//! Reads JUEL, never deeper than [`MAX_DEPTH`].

use serde_json::Value;

use super::{Method, Node, Operator, Part, Template};
use crate::expression::ExpressionError;
use crate::expression::feel::json_number;

/// Deepest nesting, and longest chain of properties and calls.
const MAX_DEPTH: usize = 64;

type Parsed<T> = Result<T, ExpressionError>;

/// Operators by level, loosest first; within a level longest first.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("||", Operator::Or), ("or", Operator::Or)],
    &[("&&", Operator::And), ("and", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("eq", Operator::Equal),
        ("ne", Operator::NotEqual),
    ],
    &[
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("le", Operator::LessOrEqual),
        ("ge", Operator::GreaterOrEqual),
        ("lt", Operator::Less),
        ("gt", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("%", Operator::Remainder),
        ("div", Operator::Divide),
        ("mod", Operator::Remainder),
    ],
];

/// The methods known, with how many arguments each takes.
const METHODS: [(&str, Method, usize); 13] = [
    ("size", Method::Size, 0),
    ("length", Method::Size, 0),
    ("isEmpty", Method::IsEmpty, 0),
    ("contains", Method::Contains, 1),
    ("containsKey", Method::ContainsKey, 1),
    ("get", Method::Get, 1),
    ("equals", Method::Equals, 1),
    ("toString", Method::ToText, 0),
    ("startsWith", Method::StartsWith, 1),
    ("endsWith", Method::EndsWith, 1),
    ("toLowerCase", Method::ToLowerCase, 0),
    ("toUpperCase", Method::ToUpperCase, 0),
    ("trim", Method::Trim, 0),
];

pub(super) struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    links: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, depth: 0, links: 0 }
    }

    pub(super) fn template(mut self) -> Parsed<Template> {
        let mut parts = Vec::new();
        let mut text = String::new();
        while let Some(char) = self.rest().chars().next() {
            let rest = self.rest();
            if rest.starts_with("\\${") || rest.starts_with("\\#{") {
                text.push_str(&rest[1..3]);
                self.at += 3;
            } else if rest.starts_with("${") || rest.starts_with("#{") {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                self.at += 2;
                parts.push(Part::Expression(self.expression()?));
                self.expect("}")?;
            } else {
                text.push(char);
                self.at += char.len_utf8();
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        // Around a single expression space means nothing.
        let solid = |part: &Part| !matches!(part, Part::Text(text) if text.trim().is_empty());
        let single = parts.iter().filter(|part| matches!(part, Part::Expression(_))).count() == 1;
        if single && parts.iter().filter(|part| solid(part)).count() == 1 {
            parts.retain(solid);
        }
        Ok(Template { parts })
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Takes a symbol, or a word that ends there.
    fn take(&mut self, wanted: &str) -> bool {
        self.skip_space();
        let Some(after) = self.rest().strip_prefix(wanted) else { return false };
        let is_word = wanted.starts_with(|char: char| char.is_ascii_alphabetic());
        if is_word && after.starts_with(continues_name) {
            return false;
        }
        self.at += wanted.len();
        true
    }

    fn expect(&mut self, wanted: &str) -> Parsed<()> {
        if self.take(wanted) { Ok(()) } else { Err(self.unexpected(&format!("'{wanted}'"))) }
    }

    fn unexpected(&mut self, wanted: &str) -> ExpressionError {
        self.skip_space();
        let found = self
            .rest()
            .chars()
            .next()
            .map_or("the end".to_owned(), |char| format!("'{}'", char.escape_default()));
        ExpressionError::syntax(format!("expected {wanted}, found {found}"), self.at)
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(ExpressionError::too_deep(MAX_DEPTH, Some(self.at)));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn expression(&mut self) -> Parsed<Node> {
        self.deeper(|parser| {
            let condition = parser.level(0)?;
            parser.skip_space();
            let position = parser.at;
            if !parser.take("?") {
                return Ok(condition);
            }
            let then = parser.expression()?;
            parser.expect(":")?;
            let otherwise = parser.expression()?;
            Ok(Node::Conditional(Box::new((condition, then, otherwise)), position))
        })
    }

    fn level(&mut self, level: usize) -> Parsed<Node> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let first = self.level(level + 1)?;
        let mut rest = Vec::new();
        loop {
            self.skip_space();
            let position = self.at;
            let Some((_, operator)) = operators.iter().find(|(sign, _)| self.take(sign)) else { break };
            rest.push((*operator, self.level(level + 1)?, position));
        }
        Ok(if rest.is_empty() { first } else { Node::Chain(Box::new(first), rest) })
    }

    fn unary(&mut self) -> Parsed<Node> {
        self.skip_space();
        let position = self.at;
        if self.take("!") || self.take("not") {
            return Ok(Node::Not(Box::new(self.deeper(Self::unary)?)));
        }
        if self.take("-") {
            return Ok(Node::Negate(Box::new(self.deeper(Self::unary)?), position));
        }
        if self.take("empty") {
            return Ok(Node::Empty(Box::new(self.deeper(Self::unary)?)));
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Parsed<Node> {
        let outer = std::mem::take(&mut self.links);
        let mut node = self.primary()?;
        loop {
            if self.take(".") {
                self.skip_space();
                let position = self.at;
                let name = self.name()?;
                node = if self.take("(") {
                    self.call(node, name, position)?
                } else {
                    Node::Property(Box::new(node), name.to_owned())
                };
            } else if self.take("[") {
                let index = self.expression()?;
                self.expect("]")?;
                node = Node::Index(Box::new((node, index)));
            } else {
                self.links = self.links.max(outer);
                return Ok(node);
            }
            self.links += 1;
            if self.links > MAX_DEPTH {
                return Err(ExpressionError::too_deep(MAX_DEPTH, Some(self.at)));
            }
        }
    }

    fn call(&mut self, base: Node, name: &str, position: usize) -> Parsed<Node> {
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.expression()?);
                if !self.take(",") {
                    break;
                }
            }
            self.expect(")")?;
        }
        if let (Node::Variable { name: holder, .. }, [Node::Literal(Value::String(variable))]) =
            (&base, arguments.as_slice())
            && holder == "execution"
        {
            match name {
                "getVariable" => {
                    return Ok(Node::Variable { name: variable.clone(), position, required: false });
                }
                "hasVariable" => return Ok(Node::Exists(variable.clone())),
                _ => {}
            }
        }
        match METHODS.iter().find(|(known, _, count)| *known == name && *count == arguments.len()) {
            Some((_, method, _)) => {
                Ok(Node::Method { base: Box::new(base), method: *method, arguments, position })
            }
            None => {
                let what = format!(
                    "method '{name}' with {} arguments is not allowed: there are no beans",
                    arguments.len()
                );
                Err(ExpressionError::not_allowed(&what, position))
            }
        }
    }

    fn name(&mut self) -> Parsed<&'t str> {
        let rest = self.rest();
        if !rest.starts_with(starts_name) {
            return Err(self.unexpected("a name"));
        }
        let length = rest.find(|char| !continues_name(char)).unwrap_or(rest.len());
        self.at += length;
        Ok(&rest[..length])
    }

    fn primary(&mut self) -> Parsed<Node> {
        self.skip_space();
        let position = self.at;
        let Some(char) = self.rest().chars().next() else { return Err(self.unexpected("a value")) };
        if char == '(' {
            self.at += 1;
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if char == '"' || char == '\'' {
            return self.quoted(char).map(|text| Node::Literal(Value::String(text)));
        }
        if char.is_ascii_digit() || char == '.' {
            return self.number();
        }
        let name = self.name()?;
        if self.rest().starts_with('(')
            || self.rest().starts_with(':') && self.rest()[1..].starts_with(starts_name) && self.is_call()
        {
            let what = format!("function '{name}' is not allowed: there are no beans");
            return Err(ExpressionError::not_allowed(&what, position));
        }
        Ok(match name {
            "true" => Node::Literal(Value::Bool(true)),
            "false" => Node::Literal(Value::Bool(false)),
            "null" => Node::Literal(Value::Null),
            name => Node::Variable { name: name.to_owned(), position, required: true },
        })
    }

    /// Whether `:name(` follows: a function with a prefix.
    fn is_call(&self) -> bool {
        let after = &self.rest()[1..];
        let end = after.find(|char| !continues_name(char)).unwrap_or(after.len());
        after[end..].starts_with('(')
    }

    fn quoted(&mut self, quote: char) -> Parsed<String> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((place, char)) = chars.next() {
            if char == quote {
                self.at += place + 1;
                return Ok(text);
            }
            if char == '\\' {
                let Some((_, escaped)) = chars.next() else { break };
                text.push(escaped);
            } else {
                text.push(char);
            }
        }
        Err(ExpressionError::syntax("text has no end", start))
    }

    fn number(&mut self) -> Parsed<Node> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut end = 0;
        while let Some(byte) = bytes.get(end) {
            let exponent_sign =
                matches!(byte, b'+' | b'-') && end > 0 && matches!(bytes[end - 1], b'e' | b'E');
            if !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E') || exponent_sign) {
                break;
            }
            end += 1;
        }
        let written = &rest[..end];
        let value = match written.parse::<i64>() {
            Ok(integer) => Value::from(integer),
            Err(_) => match written.parse::<f64>() {
                Ok(number) if number.is_finite() => json_number(number),
                _ => return Err(ExpressionError::syntax("not a number", self.at)),
            },
        };
        self.at += end;
        Ok(Node::Literal(value))
    }
}

fn starts_name(char: char) -> bool {
    char.is_alphabetic() || char == '_' || char == '$'
}

fn continues_name(char: char) -> bool {
    starts_name(char) || char.is_numeric()
}
