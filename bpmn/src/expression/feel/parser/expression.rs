//! Reads expressions, one function per level of precedence.

use std::sync::Arc;

use super::{KEYWORDS, MAX_DEPTH, MAX_ITERATORS, Parsed, Parser};
use crate::expression::ExpressionError;
use crate::expression::feel::ast::{
    Arguments, Ast, Comparison, ForLoop, FreeNames, FunctionNode, Iterator as IteratorNode, Quantified,
    RangeNode,
};
use crate::expression::feel::builtins::{self, Builtin};
use crate::expression::feel::lexer::TokenKind;
use crate::expression::feel::temporal;
use crate::expression::feel::value::{FeelValue, Name};

impl Parser {
    pub(super) fn expression(&mut self) -> Parsed<Ast> {
        self.deeper(Self::disjunction)
    }

    fn disjunction(&mut self) -> Parsed<Ast> {
        let first = self.conjunction()?;
        if !self.is_word("or") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take_word("or") {
            parts.push(self.conjunction()?);
        }
        Ok(Ast::Or(parts))
    }

    fn conjunction(&mut self) -> Parsed<Ast> {
        let first = self.comparison()?;
        if !self.is_word("and") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take_word("and") {
            parts.push(self.comparison()?);
        }
        Ok(Ast::And(parts))
    }

    pub(super) fn comparison_operator(&mut self) -> Option<Comparison> {
        let TokenKind::Symbol(symbol) = self.kind() else { return None };
        let operator = match *symbol {
            "=" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        };
        self.at += 1;
        if self.is_symbol("=") && operator == Comparison::Equal && self.touches(self.at - 1) {
            // `==` is what people who come from other languages write; FEEL has one sign.
            self.at -= 1;
            return None;
        }
        Some(operator)
    }

    fn comparison(&mut self) -> Parsed<Ast> {
        let left = self.arithmetic(0)?;
        let parsed = if let Some(operator) = self.comparison_operator() {
            let right = self.arithmetic(0)?;
            Ast::Compare(operator, Box::new((left, right)))
        } else if self.take_word("between") {
            let low = self.arithmetic(0)?;
            self.expect_word("and")?;
            let high = self.arithmetic(0)?;
            Ast::Between(Box::new((left, low, high)))
        } else if self.take_word("in") {
            let tests = self.tests_after_in()?;
            Ast::In(Box::new(left), tests)
        } else {
            return Ok(left);
        };
        let at = self.at;
        if self.comparison_operator().is_some() {
            self.at = at;
            return Err(self.unexpected("'and', 'or' or the end after a comparison"));
        }
        Ok(parsed)
    }

    /// Sums (level 0), products (1) and powers (2), each flat.
    pub(super) fn arithmetic(&mut self, level: u8) -> Parsed<Ast> {
        let signs: [&str; 2] = match level {
            0 => ["+", "-"],
            1 => ["*", "/"],
            _ => ["**", "**"],
        };
        let operand = |parser: &mut Self| match level {
            0 | 1 => parser.arithmetic(level + 1),
            _ => parser.unary(),
        };
        let first = operand(self)?;
        if !(self.is_symbol(signs[0]) || self.is_symbol(signs[1])) {
            return Ok(first);
        }
        let mut rest = Vec::new();
        loop {
            let second = self.is_symbol(signs[1]);
            if !second && !self.is_symbol(signs[0]) {
                break;
            }
            self.at += 1;
            rest.push((second, operand(self)?));
        }
        Ok(match level {
            0 => Ast::Sum(Box::new(first), rest),
            1 => Ast::Product(Box::new(first), rest),
            _ => Ast::Power(Box::new(first), rest.into_iter().map(|(_, exponent)| exponent).collect()),
        })
    }

    fn unary(&mut self) -> Parsed<Ast> {
        if !self.is_symbol("-") {
            return self.postfix();
        }
        self.at += 1;
        match self.deeper(Self::unary)? {
            Ast::Constant(FeelValue::Number(number)) => Ok(Ast::Constant(FeelValue::Number(-number))),
            operand => Ok(Ast::Negate(Box::new(operand))),
        }
    }

    /// Whether a `[` here ends the range it stands in (`]1..5[`) rather than starting a filter.
    fn bracket_closes_range(&self) -> bool {
        self.closes_range
            && match self.kind_at(1) {
                TokenKind::End => true,
                TokenKind::Symbol(symbol) => matches!(*symbol, ")" | "]" | "}" | "," | "=" | "!="),
                TokenKind::Word(word) => KEYWORDS.contains(&word.as_str()) || word == "satisfies",
                _ => false,
            }
    }

    /// A primary with its paths, filters and calls; each makes the tree one deeper.
    fn postfix(&mut self) -> Parsed<Ast> {
        let outer = std::mem::take(&mut self.links);
        let mut ast = self.primary()?;
        loop {
            if self.take(".") {
                let name = self.name("a property name")?;
                ast = Ast::Path(Box::new(ast), name);
            } else if !self.bracket_closes_range() && self.take("[") {
                let condition = self.bracketed(Self::expression)?;
                self.expect("]")?;
                ast = Ast::Filter(Box::new(ast), Box::new(condition));
            } else if self.is_symbol("(") && matches!(ast, Ast::Path(..) | Ast::Invoke(..) | Ast::Function(_))
            {
                let arguments = self.arguments()?;
                ast = Ast::Invoke(Box::new(ast), arguments);
            } else if self.is_word("instance") && matches!(self.kind_at(1), TokenKind::Word(of) if of == "of")
            {
                self.at += 2;
                ast = Ast::InstanceOf(Box::new(ast), self.deeper(Self::type_name)?);
            } else {
                self.links = self.links.max(outer);
                return Ok(ast);
            }
            self.links += 1;
            if self.links > MAX_DEPTH {
                return Err(ExpressionError::too_deep(MAX_DEPTH, Some(self.position())));
            }
        }
    }

    fn primary(&mut self) -> Parsed<Ast> {
        let position = self.position();
        match self.kind().clone() {
            TokenKind::Number(number) => {
                self.at += 1;
                Ok(Ast::Constant(FeelValue::Number(number)))
            }
            TokenKind::Text(text) => {
                self.at += 1;
                Ok(Ast::Constant(FeelValue::text(text)))
            }
            TokenKind::Temporal(text) => {
                self.at += 1;
                temporal::parse_literal(&text)
                    .map(Ast::Constant)
                    .ok_or_else(|| ExpressionError::syntax("not a date, time or duration", position))
            }
            TokenKind::Quoted(_) => self.name("a name").map(Ast::Variable),
            TokenKind::Word(word) => self.word(&word),
            TokenKind::Symbol("(") => self.parenthesis(),
            TokenKind::Symbol("[") => self.list_or_range(),
            TokenKind::Symbol("]") => {
                self.at += 1;
                let start = self.bracketed(Self::expression)?;
                self.expect("..")?;
                self.range_end(start, false)
            }
            TokenKind::Symbol("{") => self.context(),
            TokenKind::Symbol("?") => {
                self.at += 1;
                self.input_reads += 1;
                Ok(Ast::Variable(Arc::from("?")))
            }
            TokenKind::Symbol(_) | TokenKind::End => Err(self.unexpected("a value")),
        }
    }

    fn word(&mut self, word: &str) -> Parsed<Ast> {
        match word {
            "true" | "false" => {
                self.at += 1;
                Ok(Ast::Constant(FeelValue::Boolean(word == "true")))
            }
            "null" => {
                self.at += 1;
                Ok(Ast::Constant(FeelValue::Null))
            }
            "if" => self.conditional(),
            "for" => self.for_loop(),
            "some" | "every" => self.quantified(word == "every"),
            "function" => self.function(),
            _ if KEYWORDS.contains(&word) => Err(self.unexpected("a value")),
            _ => self.variable_or_call(),
        }
    }

    fn conditional(&mut self) -> Parsed<Ast> {
        self.at += 1;
        let condition = self.bracketed(Self::expression)?;
        self.expect_word("then")?;
        let then = self.bracketed(Self::expression)?;
        self.expect_word("else")?;
        let otherwise = self.expression()?;
        Ok(Ast::If(Box::new((condition, then, otherwise))))
    }

    fn iterators(&mut self) -> Parsed<Vec<IteratorNode>> {
        let mut iterators = Vec::new();
        loop {
            if iterators.len() >= MAX_ITERATORS {
                return Err(ExpressionError::too_deep(MAX_ITERATORS, Some(self.position())));
            }
            let name = self.new_name(&[], "in")?;
            self.expect_word("in")?;
            let from = self.bracketed(Self::expression)?;
            let to = if self.take("..") { Some(self.bracketed(Self::expression)?) } else { None };
            self.bound.push(Arc::clone(&name));
            iterators.push(IteratorNode { name, from, to });
            if !self.take(",") {
                return Ok(iterators);
            }
        }
    }

    fn for_loop(&mut self) -> Parsed<Ast> {
        self.at += 1;
        let outer = self.bound.len();
        let iterators = self.iterators()?;
        self.expect_word("return")?;
        let reads = self.partial_reads;
        let body = self.expression()?;
        self.bound.truncate(outer);
        let uses_partial = self.partial_reads > reads;
        Ok(Ast::For(Box::new(ForLoop { iterators, body, uses_partial })))
    }

    fn quantified(&mut self, every: bool) -> Parsed<Ast> {
        self.at += 1;
        let outer = self.bound.len();
        let iterators = self.iterators()?;
        self.expect_word("satisfies")?;
        let condition = self.expression()?;
        self.bound.truncate(outer);
        Ok(Ast::Quantified(Box::new(Quantified { every, iterators, condition })))
    }

    fn function(&mut self) -> Parsed<Ast> {
        self.at += 1;
        self.expect("(")?;
        let outer = self.bound.len();
        let mut parameters = Vec::new();
        while !self.is_symbol(")") {
            let name = self.new_name(&[",", ")", ":"], ")")?;
            if self.take(":") {
                self.deeper(Self::type_name)?;
            }
            self.bound.push(Arc::clone(&name));
            parameters.push(name);
            if !self.take(",") {
                break;
            }
        }
        self.expect(")")?;
        if self.is_word("external") {
            let what = "external functions are not allowed: an expression runs no code of others";
            return Err(ExpressionError::not_allowed(what, self.position()));
        }
        let body = self.expression()?;
        self.bound.truncate(outer);
        let free = FreeNames::of_body(&body, &parameters);
        Ok(Ast::Function(Arc::new(FunctionNode { parameters, body, free })))
    }

    fn variable_or_call(&mut self) -> Parsed<Ast> {
        let position = self.position();
        let name = self.name("a name")?;
        if !self.is_symbol("(") {
            self.partial_reads += usize::from(&*name == "partial");
            return Ok(Ast::Variable(name));
        }
        if self.bound.contains(&name) {
            let arguments = self.arguments()?;
            return Ok(Ast::Invoke(Box::new(Ast::Variable(name)), arguments));
        }
        if matches!(&*name, "random number" | "uuid") {
            let what = format!("'{name}' is not allowed: the same step must always give the same result");
            return Err(ExpressionError::not_allowed(&what, position));
        }
        let builtin =
            builtins::find(&name).ok_or_else(|| ExpressionError::unknown_function(&name, position))?;
        let arguments = self.arguments()?;
        let arguments = arrange(builtin, arguments, position)?;
        Ok(Ast::Call(builtin, arguments))
    }

    fn arguments(&mut self) -> Parsed<Arguments> {
        self.expect("(")?;
        let arguments = self.bracketed(|parser| {
            if parser.is_named_argument() {
                let mut named = Vec::new();
                loop {
                    let name = parser.new_name(&[":"], ":")?;
                    parser.expect(":")?;
                    named.push((name, parser.expression()?));
                    if !parser.take(",") {
                        return Ok(Arguments::Named(named));
                    }
                }
            }
            let mut positional = Vec::new();
            while !parser.is_symbol(")") {
                positional.push(parser.expression()?);
                if !parser.take(",") {
                    break;
                }
            }
            Ok(Arguments::Positional(positional))
        })?;
        self.expect(")")?;
        Ok(arguments)
    }

    /// Words and then a colon.
    fn is_named_argument(&self) -> bool {
        let words = (0..).take_while(|ahead| matches!(self.kind_at(*ahead), TokenKind::Word(_))).count();
        words > 0 && matches!(self.kind_at(words), TokenKind::Symbol(":"))
    }

    fn parenthesis(&mut self) -> Parsed<Ast> {
        self.at += 1;
        let inner = self.bracketed(Self::expression)?;
        if self.take("..") {
            return self.range_end(inner, false);
        }
        self.expect(")")?;
        Ok(inner)
    }

    fn list_or_range(&mut self) -> Parsed<Ast> {
        self.at += 1;
        if self.take("]") {
            return Ok(Ast::List(Vec::new()));
        }
        let first = self.bracketed(Self::expression)?;
        if self.take("..") {
            return self.range_end(first, true);
        }
        let mut items = vec![first];
        while self.take(",") {
            items.push(self.bracketed(Self::expression)?);
        }
        self.expect("]")?;
        Ok(Ast::List(items))
    }

    /// The rest of a range, after its `..`.
    fn range_end(&mut self, start: Ast, start_included: bool) -> Parsed<Ast> {
        let outer = std::mem::replace(&mut self.closes_range, true);
        let end = self.deeper(|parser| parser.arithmetic(0));
        self.closes_range = outer;
        let end = end?;
        let end_included = self.is_symbol("]");
        if !(end_included || self.is_symbol(")") || self.is_symbol("[")) {
            return Err(self.unexpected("']', ')' or '[' at the end of the range"));
        }
        self.at += 1;
        Ok(Ast::Range(Box::new(RangeNode { start, start_included, end, end_included })))
    }

    fn context(&mut self) -> Parsed<Ast> {
        self.at += 1;
        let outer = self.bound.len();
        let mut entries = Vec::new();
        while !self.is_symbol("}") {
            let name = self.new_name(&[":"], ":")?;
            self.expect(":")?;
            let value = self.bracketed(Self::expression)?;
            self.bound.push(Arc::clone(&name));
            entries.push((name, value));
            if !self.take(",") {
                break;
            }
        }
        self.expect("}")?;
        self.bound.truncate(outer);
        Ok(Ast::Context(entries))
    }
}

/// The arguments in the order of the signature they fit, left-out ones null.
fn arrange(builtin: &'static Builtin, arguments: Arguments, position: usize) -> Parsed<Vec<Ast>> {
    match arguments {
        Arguments::Positional(parts) => {
            if builtin.signatures.iter().any(|signature| signature.takes(parts.len())) {
                return Ok(parts);
            }
            let why = format!("does not take {} arguments: {}", parts.len(), builtin.usage());
            Err(ExpressionError::arguments(builtin.name, &why, position))
        }
        Arguments::Named(parts) => {
            let fits = |signature: &&builtins::Signature| {
                parts.iter().all(|(name, _)| signature.names().any(|known| known == &**name))
                    && signature.required().all(|known| parts.iter().any(|(name, _)| &**name == known))
            };
            let Some(signature) = builtin.signatures.iter().find(fits) else {
                let why = format!("has no parameters of these names: {}", builtin.usage());
                return Err(ExpressionError::arguments(builtin.name, &why, position));
            };
            let mut parts: Vec<(Name, Option<Ast>)> =
                parts.into_iter().map(|(name, part)| (name, Some(part))).collect();
            let mut ordered: Vec<Ast> = Vec::new();
            for known in signature.names() {
                let part =
                    parts.iter_mut().find(|(name, _)| &**name == known).and_then(|(_, part)| part.take());
                ordered.push(part.unwrap_or(Ast::Constant(FeelValue::Null)));
            }
            Ok(ordered)
        }
    }
}
