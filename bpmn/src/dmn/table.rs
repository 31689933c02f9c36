//! A decision table (DMN 1.5 § 8): inputs are evaluated once, each rule's tests from left to right, and the outputs of
//! those rules that match.

use serde_json::Value;

use super::error::EvaluationError;
use super::evaluate::{ExplainedRule, MAX_EXPLAINED_RULES, Question, shown};
use super::hit_policy::{self, Match, Outcome};
use super::model::{HitPolicy, InputClause, OutputClause, Rule, Table};
use crate::expression::{Computed, Expression, Lookup, ValueType};

/// What a table decided and why.
pub(super) struct Decided {
    pub(super) outcome: Outcome,
    pub(super) inputs: Vec<(String, Value)>,
    pub(super) rules: Vec<ExplainedRule>,
    /// How many rules matched, also beyond those explained.
    pub(super) matched: usize,
}

/// An input under the name that the column gives it, over all other variables.
struct CellView<'a> {
    name: Option<&'a str>,
    input: &'a Computed,
    outer: &'a dyn Lookup,
}

impl Lookup for CellView<'_> {
    fn lookup(&self, name: &str) -> Option<Value> {
        if self.name == Some(name) { self.input.to_json().ok() } else { self.outer.lookup(name) }
    }

    fn lookup_ref(&self, name: &str) -> Option<&Value> {
        if self.name == Some(name) { None } else { self.outer.lookup_ref(name) }
    }

    fn lookup_computed(&self, name: &str) -> Option<Computed> {
        if self.name == Some(name) { Some(self.input.clone()) } else { self.outer.lookup_computed(name) }
    }
}

/// Decides by a table.
pub(super) fn decide(question: &mut Question<'_>, table: &Table) -> Result<Decided, EvaluationError> {
    let mut inputs = Vec::with_capacity(table.inputs.len());
    for clause in &table.inputs {
        let value = question.compute(&clause.expression, || format!("the input {}", clause.label))?;
        let what = || format!("the input {}", clause.label);
        let value = question.converted(value, clause.value_type, what)?;
        question.check_allowed(&value, clause.allowed.as_ref(), what)?;
        inputs.push(value);
    }
    let mut matches: Vec<Match> = Vec::new();
    for (place, rule) in table.rules.iter().enumerate() {
        if !matches_rule(question, table, rule, place, &inputs)? {
            continue;
        }
        let outputs = outputs(question, table, place, |clause| rule.outputs[clause].as_ref())?;
        matches.push(Match { rule: Some(place), outputs });
        if table.hit_policy == HitPolicy::First {
            break;
        }
    }
    let matched = matches.len();
    let explain = |one: &Match| one.rule.map(|place| explained(&table.rules[place], place, &one.outputs));
    let rules = matches.iter().take(MAX_EXPLAINED_RULES).filter_map(explain).collect();
    if matches.is_empty() && table.outputs.iter().any(|output| output.default.is_some()) {
        let outputs = outputs(question, table, usize::MAX, |clause| table.outputs[clause].default.as_ref())?;
        matches.push(Match { rule: None, outputs });
    }
    let outcome = hit_policy::apply(question.decision, table, matches)?;
    let labels = table.inputs.iter().map(|clause| clause.label.clone());
    let inputs = labels.zip(inputs.iter().map(shown)).collect();
    Ok(Decided { outcome, inputs, rules, matched })
}

fn matches_rule(
    question: &mut Question<'_>,
    table: &Table,
    rule: &Rule,
    place: usize,
    inputs: &[Computed],
) -> Result<bool, EvaluationError> {
    let columns = table.inputs.iter().zip(inputs);
    for ((clause, input), test) in columns.zip(&rule.tests) {
        let Some(test) = test else { continue };
        if !passes(question, clause, input, test, place)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn passes(
    question: &mut Question<'_>,
    clause: &InputClause,
    input: &Computed,
    test: &Expression,
    rule: usize,
) -> Result<bool, EvaluationError> {
    let Question { decision, scope, limits, .. } = question;
    let view = CellView { name: clause.variable.as_deref(), input, outer: &*scope };
    test.accepts(input, &view, limits).map_err(|error| EvaluationError::Expression {
        decision: (*decision).to_owned(),
        place: format!("the test of {} in rule {}", clause.label, rule + 1),
        reason: format!("{} {error}", error.code()),
    })
}

/// The outputs of a rule, or the default outputs where the place is none of the table's.
fn outputs<'t>(
    question: &mut Question<'_>,
    table: &'t Table,
    place: usize,
    entry: impl Fn(usize) -> Option<&'t Expression>,
) -> Result<Vec<Computed>, EvaluationError> {
    let mut outputs = Vec::with_capacity(table.outputs.len());
    for (column, clause) in table.outputs.iter().enumerate() {
        let what = || what_output(clause, place, table);
        let value = match entry(column) {
            Some(entry) => question.compute(entry, what)?,
            None => Computed::null(),
        };
        let value = question.converted(value, clause.value_type.filter(|it| *it != ValueType::List), what)?;
        question.check_allowed(&value, clause.allowed.as_ref(), what)?;
        outputs.push(value);
    }
    Ok(outputs)
}

fn what_output(clause: &OutputClause, place: usize, table: &Table) -> String {
    let name = if clause.name.is_empty() { String::new() } else { format!(" {}", clause.name) };
    if place < table.rules.len() {
        format!("the output{name} of rule {}", place + 1)
    } else {
        format!("the default output{name}")
    }
}

fn explained(rule: &Rule, place: usize, outputs: &[Computed]) -> ExplainedRule {
    ExplainedRule {
        // A table has far fewer rules than 2^32.
        rule: u32::try_from(place + 1).unwrap_or(u32::MAX),
        id: rule.id.clone(),
        annotation: rule.annotation.clone(),
        outputs: outputs.iter().map(shown).collect(),
    }
}
