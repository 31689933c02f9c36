//! The syntax tree of FEEL, and which names it reads.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::builtins::Builtin;
use super::value::{FeelValue, Name};

/// An expression. Chains of `and`, `or`, `+` and `*` are flat, so that long ones are not deep.
#[derive(Debug)]
pub(in crate::expression) enum Ast {
    Constant(FeelValue),
    Variable(Name),
    Path(Box<Ast>, Name),
    Filter(Box<Ast>, Box<Ast>),
    Or(Vec<Ast>),
    And(Vec<Ast>),
    Compare(Comparison, Box<(Ast, Ast)>),
    /// Value, lower and upper bound, both included.
    Between(Box<(Ast, Ast, Ast)>),
    In(Box<Ast>, Vec<UnaryTest>),
    /// First term and the others, true where subtracted.
    Sum(Box<Ast>, Vec<(bool, Ast)>),
    /// First factor and the others, true where divided by.
    Product(Box<Ast>, Vec<(bool, Ast)>),
    /// Base and exponents, applied from the left.
    Power(Box<Ast>, Vec<Ast>),
    Negate(Box<Ast>),
    InstanceOf(Box<Ast>, Type),
    If(Box<(Ast, Ast, Ast)>),
    For(Box<ForLoop>),
    Quantified(Box<Quantified>),
    List(Vec<Ast>),
    Context(Vec<(Name, Ast)>),
    Range(Box<RangeNode>),
    Function(Arc<FunctionNode>),
    /// A built-in with its arguments in the order of its signature.
    Call(&'static Builtin, Vec<Ast>),
    Invoke(Box<Ast>, Arguments),
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::expression) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// One test of an input.
#[derive(Debug)]
pub(in crate::expression) enum UnaryTest {
    Compare(Comparison, Ast),
    /// Equal to the value, contained in it, or, where it mentions `?` (true), the value itself.
    Match(Ast, bool),
}

/// The tests of a DMN cell.
#[derive(Debug)]
pub(in crate::expression) enum UnaryTests {
    Any,
    OneOf(Vec<UnaryTest>),
    NoneOf(Vec<UnaryTest>),
}

/// `for … return …`.
#[derive(Debug)]
pub(in crate::expression) struct ForLoop {
    pub(super) iterators: Vec<Iterator>,
    pub(super) body: Ast,
    /// Whether the body may read `partial`.
    pub(super) uses_partial: bool,
}

/// `some … satisfies …` and `every … satisfies …`.
#[derive(Debug)]
pub(in crate::expression) struct Quantified {
    pub(super) every: bool,
    pub(super) iterators: Vec<Iterator>,
    pub(super) condition: Ast,
}

/// `x in list` or `x in 1..5`.
#[derive(Debug)]
pub(in crate::expression) struct Iterator {
    pub(super) name: Name,
    pub(super) from: Ast,
    /// The other end where it runs from one number or date to another.
    pub(super) to: Option<Ast>,
}

/// `[1..5)`.
#[derive(Debug)]
pub(in crate::expression) struct RangeNode {
    pub(super) start: Ast,
    pub(super) start_included: bool,
    pub(super) end: Ast,
    pub(super) end_included: bool,
}

/// `function(x, y) …`.
#[derive(Debug)]
pub(in crate::expression) struct FunctionNode {
    pub(super) parameters: Vec<Name>,
    pub(super) body: Ast,
    /// Names the body reads that are not its parameters.
    pub(super) free: Vec<Name>,
}

/// Arguments of a function that is only known when it runs.
#[derive(Debug)]
pub(in crate::expression) enum Arguments {
    Positional(Vec<Ast>),
    Named(Vec<(Name, Ast)>),
}

/// A type after `instance of`.
#[derive(Debug)]
pub(in crate::expression) enum Type {
    Any,
    Named(&'static str),
    List(Box<Type>),
    Range(Box<Type>),
    Context(Vec<(Name, Type)>),
    Function,
}

/// The names an expression reads.
#[derive(Default)]
pub(in crate::expression) struct FreeNames {
    /// Read for certain as variables.
    pub(super) certain: BTreeSet<Name>,
    /// Read inside a filter, where they may also be properties of the item.
    pub(super) possible: BTreeSet<Name>,
    bound: Vec<Name>,
    filters: u32,
}

impl FreeNames {
    pub(super) fn of(ast: &Ast) -> Self {
        let mut names = Self::default();
        names.visit(ast);
        names
    }

    pub(super) fn of_tests(tests: &UnaryTests) -> Self {
        let mut names = Self::default();
        names.bound.push(Arc::from("?"));
        match tests {
            UnaryTests::Any => {}
            UnaryTests::OneOf(tests) | UnaryTests::NoneOf(tests) => names.visit_tests(tests),
        }
        names
    }

    /// All names a function body reads that are not its parameters.
    pub(super) fn of_body(body: &Ast, parameters: &[Name]) -> Vec<Name> {
        let mut names = Self { bound: parameters.to_vec(), ..Self::default() };
        names.visit(body);
        names.certain.into_iter().chain(names.possible).collect()
    }

    fn read(&mut self, name: &Name) {
        if self.bound.contains(name) {
            return;
        }
        let names = if self.filters > 0 { &mut self.possible } else { &mut self.certain };
        names.insert(Arc::clone(name));
    }

    fn visit_all<'a>(&mut self, parts: impl IntoIterator<Item = &'a Ast>) {
        for part in parts {
            self.visit(part);
        }
    }

    fn visit(&mut self, ast: &Ast) {
        match ast {
            Ast::Constant(_) => {}
            Ast::Variable(name) => self.read(name),
            Ast::Path(base, _) | Ast::Negate(base) | Ast::InstanceOf(base, _) => self.visit(base),
            Ast::Filter(base, condition) => {
                self.visit(base);
                self.filters += 1;
                self.bound.push(Arc::from("item"));
                self.visit(condition);
                self.bound.pop();
                self.filters -= 1;
            }
            Ast::Or(parts) | Ast::And(parts) | Ast::List(parts) | Ast::Call(_, parts) => {
                self.visit_all(parts)
            }
            Ast::Power(base, exponents) => {
                self.visit(base);
                self.visit_all(exponents);
            }
            Ast::Compare(_, pair) => self.visit_all([&pair.0, &pair.1]),
            Ast::Between(parts) | Ast::If(parts) => self.visit_all([&parts.0, &parts.1, &parts.2]),
            Ast::In(value, tests) => {
                self.visit(value);
                self.bound.push(Arc::from("?"));
                self.visit_tests(tests);
                self.bound.pop();
            }
            Ast::Sum(first, rest) | Ast::Product(first, rest) => {
                self.visit(first);
                self.visit_all(rest.iter().map(|(_, part)| part));
            }
            Ast::For(node) => self.visit_iterators(&node.iterators, &node.body, node.uses_partial),
            Ast::Quantified(node) => self.visit_iterators(&node.iterators, &node.condition, false),
            Ast::Context(entries) => {
                let outer = self.bound.len();
                for (name, entry) in entries {
                    self.visit(entry);
                    self.bound.push(Arc::clone(name));
                }
                self.bound.truncate(outer);
            }
            Ast::Range(node) => self.visit_all([&node.start, &node.end]),
            Ast::Function(node) => {
                for name in &node.free {
                    self.read(name);
                }
            }
            Ast::Invoke(function, arguments) => {
                self.visit(function);
                match arguments {
                    Arguments::Positional(parts) => self.visit_all(parts),
                    Arguments::Named(parts) => self.visit_all(parts.iter().map(|(_, part)| part)),
                }
            }
        }
    }

    fn visit_tests(&mut self, tests: &[UnaryTest]) {
        for test in tests {
            match test {
                UnaryTest::Compare(_, ast) | UnaryTest::Match(ast, _) => self.visit(ast),
            }
        }
    }

    fn visit_iterators(&mut self, iterators: &[Iterator], body: &Ast, partial: bool) {
        let outer = self.bound.len();
        for iterator in iterators {
            self.visit(&iterator.from);
            self.visit_all(&iterator.to);
            self.bound.push(Arc::clone(&iterator.name));
        }
        if partial {
            self.bound.push(Arc::from("partial"));
        }
        self.visit(body);
        self.bound.truncate(outer);
    }
}
