//! Stops a query from within. The engine looks at its cancellation only when it touches data, and bounds no memory; so
//! a query is rewritten before it is evaluated: where rows are joined, kept or texts grow, they pass a function of ours
//! that counts them and looks at the deadline. Where a bound is reached the function unwinds the thread of the query,
//! which ends it there and gives back what it held.
//!
//! The functions stand in filters that say nothing about the query's variables, so that the engine plans as before.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oxigraph::model::{Literal, NamedNode, Term, Variable};
use oxigraph::sparql::SparqlEvaluator;
use parking_lot::Mutex;
use spargebra::Query;
use spargebra::algebra::{
    AggregateExpression, AggregateFunction, Expression, Function, GraphPattern, OrderExpression,
};

use super::stream::Course;

/// Most rows that sorting, removing duplicates and joining keep at once.
pub const MAX_KEPT_ROWS: usize = 2_000_000;
/// Most rows that are grouped.
pub const MAX_GROUPED_ROWS: usize = 10_000_000;
/// Longest text that a function makes longer.
pub const MAX_GROWING_BYTES: usize = 64 * 1024;
/// Longest text put in the place of each match.
pub const MAX_REPLACEMENT_BYTES: usize = 1024;
/// Bytes of texts that are made longer, in one query.
pub const MAX_GROWN_BYTES: usize = 64 * 1024 * 1024;
/// Texts that are put together at once.
const MAX_JOINED_TEXTS: usize = 64;

const ALIVE: &str = "urn:procos:alive";
const KEPT: &str = "urn:procos:kept";
const GROUPED: &str = "urn:procos:grouped";
const GROWING: &str = "urn:procos:growing";
const REPLACEMENT: &str = "urn:procos:replacement";
/// A variable that no query binds: names of variables in a query hold no dot.
const UNBOUND: &str = "procos.unbound";

/// What a query has used, and why it was stopped.
#[derive(Debug)]
pub(super) struct Watch {
    course: Arc<Course>,
    kept: AtomicUsize,
    grouped: AtomicUsize,
    grown: AtomicUsize,
    reason: Mutex<Option<String>>,
}

/// What unwinds the thread of a query.
struct Stopped;

impl Watch {
    pub(super) fn new(course: Arc<Course>) -> Arc<Self> {
        Arc::new(Self {
            course,
            kept: AtomicUsize::new(0),
            grouped: AtomicUsize::new(0),
            grown: AtomicUsize::new(0),
            reason: Mutex::new(None),
        })
    }

    /// Why the query was stopped; `None` where its time was up.
    pub(super) fn reason(&self) -> Option<String> {
        self.reason.lock().clone()
    }

    fn stop(&self, why: Option<String>) -> ! {
        *self.reason.lock() = why;
        // No panic: nothing went wrong, and no hook is called.
        resume_unwind(Box::new(Stopped))
    }

    fn look(&self) {
        if self.course.is_over() {
            self.stop(None);
        }
    }

    fn count(&self, counter: &AtomicUsize, by: usize, limit: usize, what: &str) {
        self.look();
        if counter.fetch_add(by, Ordering::Relaxed).saturating_add(by) > limit {
            self.stop(Some(format!("{what} more than {limit}")));
        }
    }

    fn text(&self, term: &Term, limit: usize) {
        let Term::Literal(literal) = term else { return };
        let length = literal.value().len();
        if length > limit {
            self.stop(Some(format!("it makes a text of {length} bytes longer, at most {limit} are")));
        }
        self.count(&self.grown, length, MAX_GROWN_BYTES, "it makes longer texts, in bytes together,");
    }

    /// Makes the functions known.
    pub(super) fn over(self: &Arc<Self>, evaluator: SparqlEvaluator) -> SparqlEvaluator {
        let with = |name: &str| (NamedNode::new_unchecked(name), Arc::clone(self));
        let pass = || Some(Term::from(Literal::from(true)));
        let (alive, watch) = with(ALIVE);
        let evaluator = evaluator.with_custom_function(alive, move |_| {
            watch.look();
            pass()
        });
        let (kept, watch) = with(KEPT);
        let evaluator = evaluator.with_custom_function(kept, move |_| {
            watch.count(&watch.kept, 1, MAX_KEPT_ROWS, "it keeps rows at once,");
            pass()
        });
        let (grouped, watch) = with(GROUPED);
        let evaluator = evaluator.with_custom_function(grouped, move |_| {
            watch.count(&watch.grouped, 1, MAX_GROUPED_ROWS, "it groups rows,");
            pass()
        });
        let (growing, watch) = with(GROWING);
        let evaluator = evaluator.with_custom_function(growing, move |terms| {
            let term = terms.first()?;
            watch.text(term, MAX_GROWING_BYTES);
            Some(term.clone())
        });
        let (replacement, watch) = with(REPLACEMENT);
        evaluator.with_custom_function(replacement, move |terms| {
            let term = terms.first()?;
            watch.text(term, MAX_REPLACEMENT_BYTES);
            Some(term.clone())
        })
    }
}

/// The same query, with the functions of a [`Watch`] in it.
pub(super) fn watched(query: Query) -> Query {
    match query {
        Query::Select { dataset, pattern: inner, base_iri } => {
            Query::Select { dataset, pattern: pattern(inner), base_iri }
        }
        Query::Construct { template, dataset, pattern: inner, base_iri } => {
            Query::Construct { template, dataset, pattern: pattern(inner), base_iri }
        }
        Query::Describe { dataset, pattern: inner, base_iri } => {
            Query::Describe { dataset, pattern: pattern(inner), base_iri }
        }
        Query::Ask { dataset, pattern: inner, base_iri } => {
            Query::Ask { dataset, pattern: pattern(inner), base_iri }
        }
    }
}

fn call(function: &str, arguments: Vec<Expression>) -> Expression {
    Expression::FunctionCall(Function::Custom(NamedNode::new_unchecked(function)), arguments)
}

/// Rows that pass a function. It speaks of a variable that nothing binds, or the engine would let them pass before they
/// are joined; and it stands below what chooses variables, or that one would be among them.
fn through(function: &str, inner: GraphPattern) -> GraphPattern {
    let below = |inner: Box<GraphPattern>| Box::new(through(function, *inner));
    match inner {
        GraphPattern::Project { inner, variables } => {
            GraphPattern::Project { inner: below(inner), variables }
        }
        GraphPattern::Distinct { inner } => GraphPattern::Distinct { inner: below(inner) },
        GraphPattern::Reduced { inner } => GraphPattern::Reduced { inner: below(inner) },
        GraphPattern::Slice { inner, start, length } => {
            GraphPattern::Slice { inner: below(inner), start, length }
        }
        inner => {
            let unbound = Expression::Variable(Variable::new_unchecked(UNBOUND));
            let argument = Expression::Coalesce(vec![unbound, Expression::Literal(Literal::from(true))]);
            GraphPattern::Filter { expr: call(function, vec![argument]), inner: Box::new(inner) }
        }
    }
}

/// Whether a pattern is read from the data row by row, where the engine looks at its cancellation.
fn is_plain(pattern: &GraphPattern) -> bool {
    match pattern {
        GraphPattern::Bgp { .. } | GraphPattern::Path { .. } | GraphPattern::Values { .. } => true,
        GraphPattern::Graph { inner, .. } => is_plain(inner),
        GraphPattern::Join { left, right } => is_plain(left) && is_plain(right),
        _ => false,
    }
}

/// A side of a join: what is no plain pattern may be kept as a whole.
fn side(inner: GraphPattern) -> Box<GraphPattern> {
    let is_plain = is_plain(&inner);
    let inner = pattern_within(inner);
    Box::new(if is_plain { inner } else { through(KEPT, inner) })
}

fn pattern(inner: GraphPattern) -> GraphPattern {
    match inner {
        GraphPattern::Join { .. } => through(ALIVE, pattern_within(inner)),
        inner => pattern_within(inner),
    }
}

fn boxed(inner: GraphPattern) -> Box<GraphPattern> {
    Box::new(pattern(inner))
}

fn pattern_within(inner: GraphPattern) -> GraphPattern {
    match inner {
        GraphPattern::Join { left, right } => GraphPattern::Join { left: side(*left), right: side(*right) },
        GraphPattern::LeftJoin { left, right, expression: condition } => {
            let right = match *right {
                GraphPattern::Bgp { patterns } if patterns.len() == 1 => {
                    Box::new(GraphPattern::Bgp { patterns })
                }
                right => Box::new(through(KEPT, pattern_within(right))),
            };
            let left = Box::new(through(ALIVE, pattern_within(*left)));
            let joined = GraphPattern::LeftJoin { left, right, expression: condition.map(expression) };
            through(ALIVE, joined)
        }
        GraphPattern::Lateral { left, right } => {
            through(ALIVE, GraphPattern::Lateral { left: boxed(*left), right: boxed(*right) })
        }
        GraphPattern::Minus { left, right } => GraphPattern::Minus {
            left: Box::new(through(ALIVE, pattern(*left))),
            right: Box::new(through(KEPT, pattern(*right))),
        },
        GraphPattern::Filter { expr, inner } => {
            GraphPattern::Filter { expr: expression(expr), inner: boxed(*inner) }
        }
        GraphPattern::Union { left, right } => {
            GraphPattern::Union { left: boxed(*left), right: boxed(*right) }
        }
        GraphPattern::Graph { name, inner } => GraphPattern::Graph { name, inner: boxed(*inner) },
        GraphPattern::Extend { inner, variable, expression: value } => {
            GraphPattern::Extend { inner: boxed(*inner), variable, expression: expression(value) }
        }
        GraphPattern::OrderBy { inner, expression: by } => GraphPattern::OrderBy {
            inner: Box::new(through(KEPT, pattern(*inner))),
            expression: by.into_iter().map(order).collect(),
        },
        GraphPattern::Distinct { inner } => {
            GraphPattern::Distinct { inner: Box::new(through(KEPT, pattern(*inner))) }
        }
        GraphPattern::Reduced { inner } => GraphPattern::Reduced { inner: boxed(*inner) },
        GraphPattern::Project { inner, variables } => {
            GraphPattern::Project { inner: boxed(*inner), variables }
        }
        GraphPattern::Slice { inner, start, length } => {
            GraphPattern::Slice { inner: boxed(*inner), start, length }
        }
        GraphPattern::Group { inner, variables, aggregates } => GraphPattern::Group {
            inner: Box::new(through(GROUPED, pattern(*inner))),
            variables,
            aggregates: aggregates.into_iter().map(|(name, one)| (name, aggregate(one))).collect(),
        },
        other => other,
    }
}

fn order(by: OrderExpression) -> OrderExpression {
    match by {
        OrderExpression::Asc(by) => OrderExpression::Asc(expression(by)),
        OrderExpression::Desc(by) => OrderExpression::Desc(expression(by)),
    }
}

fn aggregate(one: AggregateExpression) -> AggregateExpression {
    match one {
        AggregateExpression::FunctionCall { name, expr, distinct } => {
            let expr = expression(expr);
            let grows = matches!(name, AggregateFunction::GroupConcat { .. });
            let expr = if grows { call(GROWING, vec![expr]) } else { expr };
            AggregateExpression::FunctionCall { name, expr, distinct }
        }
        counted => counted,
    }
}

fn expression(inner: Expression) -> Expression {
    let one = |inner: Expression| Box::new(expression(inner));
    let all = |inner: Vec<Expression>| inner.into_iter().map(expression).collect::<Vec<_>>();
    match inner {
        Expression::Or(a, b) => Expression::Or(one(*a), one(*b)),
        Expression::And(a, b) => Expression::And(one(*a), one(*b)),
        Expression::Equal(a, b) => Expression::Equal(one(*a), one(*b)),
        Expression::SameTerm(a, b) => Expression::SameTerm(one(*a), one(*b)),
        Expression::Greater(a, b) => Expression::Greater(one(*a), one(*b)),
        Expression::GreaterOrEqual(a, b) => Expression::GreaterOrEqual(one(*a), one(*b)),
        Expression::Less(a, b) => Expression::Less(one(*a), one(*b)),
        Expression::LessOrEqual(a, b) => Expression::LessOrEqual(one(*a), one(*b)),
        Expression::In(a, list) => Expression::In(one(*a), all(list)),
        Expression::Add(a, b) => Expression::Add(one(*a), one(*b)),
        Expression::Subtract(a, b) => Expression::Subtract(one(*a), one(*b)),
        Expression::Multiply(a, b) => Expression::Multiply(one(*a), one(*b)),
        Expression::Divide(a, b) => Expression::Divide(one(*a), one(*b)),
        Expression::UnaryPlus(a) => Expression::UnaryPlus(one(*a)),
        Expression::UnaryMinus(a) => Expression::UnaryMinus(one(*a)),
        Expression::Not(a) => Expression::Not(one(*a)),
        Expression::Exists(inner) => Expression::Exists(boxed(*inner)),
        Expression::If(a, b, c) => Expression::If(one(*a), one(*b), one(*c)),
        Expression::Coalesce(list) => Expression::Coalesce(all(list)),
        Expression::FunctionCall(function, arguments) => {
            Expression::FunctionCall(function.clone(), measured(&function, all(arguments)))
        }
        leaf => leaf,
    }
}

/// The arguments of a function that makes texts longer, each measured on its way.
fn measured(function: &Function, arguments: Vec<Expression>) -> Vec<Expression> {
    match function {
        Function::Concat if arguments.len() <= MAX_JOINED_TEXTS => {
            arguments.into_iter().map(|argument| call(GROWING, vec![argument])).collect()
        }
        // Longer lists are put together in parts, each of which is measured.
        Function::Concat => {
            let mut rest = arguments.into_iter().peekable();
            let mut parts = Vec::new();
            while rest.peek().is_some() {
                let part: Vec<Expression> = rest.by_ref().take(MAX_JOINED_TEXTS).collect();
                let part = measured(&Function::Concat, part);
                parts.push(call(GROWING, vec![Expression::FunctionCall(Function::Concat, part)]));
            }
            parts
        }
        Function::Replace => {
            let measure = |(at, argument): (usize, Expression)| match at {
                0 => call(GROWING, vec![argument]),
                2 => call(REPLACEMENT, vec![argument]),
                _ => argument,
            };
            arguments.into_iter().enumerate().map(measure).collect()
        }
        _ => arguments,
    }
}
