//! Reads unary tests, after `in` and in DMN cells.

use super::{Parsed, Parser};
use crate::expression::feel::ast::UnaryTest;

impl Parser {
    pub(super) fn tests_after_in(&mut self) -> Parsed<Vec<UnaryTest>> {
        if !self.is_symbol("(") {
            return Ok(vec![self.test()?]);
        }
        let position = self.at;
        self.at += 1;
        let tests = self.bracketed(Self::tests)?;
        if self.is_symbol("..") {
            self.at = position;
            return Ok(vec![self.test()?]);
        }
        self.expect(")")?;
        Ok(tests)
    }

    pub(super) fn tests(&mut self) -> Parsed<Vec<UnaryTest>> {
        let mut tests = vec![self.test()?];
        while self.take(",") {
            tests.push(self.test()?);
        }
        Ok(tests)
    }

    fn test(&mut self) -> Parsed<UnaryTest> {
        if let Some(operator) = self.comparison_operator() {
            return Ok(UnaryTest::Compare(operator, self.deeper(|parser| parser.arithmetic(0))?));
        }
        let reads = self.input_reads;
        let ast = self.expression()?;
        Ok(UnaryTest::Match(ast, self.input_reads > reads))
    }
}
