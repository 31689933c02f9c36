//! Which of the rules that match count, and what they give together (DMN 1.5 § 8.2.10).
//!
//! | policy | result | no rule matches |
//! | --- | --- | --- |
//! | UNIQUE | the only match; several are an error | null |
//! | FIRST | the first match; the others are not looked at | null |
//! | PRIORITY | the match with the highest-ranked output | null |
//! | ANY | any match; different outputs are an error | null |
//! | COLLECT | a list of all, in rule order | empty list |
//! | COLLECT SUM, MIN, MAX | one value made of all | null |
//! | COLLECT COUNT | how many match | 0 |
//! | RULE ORDER | a list of all, in rule order | empty list |
//! | OUTPUT ORDER | a list of all, highest-ranked output first, equals in rule order | empty list |
//!
//! Outputs are ranked by the place of their values in the columns' allowed values, the first column first. Where no
//! rule matches and default outputs are given, the defaults are the one row that counts.

use std::cmp::Ordering;

use super::error::EvaluationError;
use super::model::{Aggregation, HitPolicy, Table};
use crate::expression::Computed;

/// A rule that matches, with its outputs; without number for the default outputs.
#[derive(Clone, Debug)]
pub(super) struct Match {
    /// Place of the rule in the table.
    pub(super) rule: Option<usize>,
    /// One value for each output.
    pub(super) outputs: Vec<Computed>,
}

/// What a table gives.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// One row, or none.
    One(Option<Match>),
    /// All rows.
    All(Vec<Match>),
    /// One value made of all rows.
    Aggregate(Computed),
}

/// Applies the policy to the rules that match, given in rule order.
pub(super) fn apply(decision: &str, table: &Table, matches: Vec<Match>) -> Result<Outcome, EvaluationError> {
    match table.hit_policy {
        HitPolicy::Unique => unique(decision, matches),
        HitPolicy::First => Ok(Outcome::One(matches.into_iter().next())),
        HitPolicy::Priority => Ok(Outcome::One(by_priority(table, matches).into_iter().next())),
        HitPolicy::Any => any(decision, matches),
        HitPolicy::Collect(None) | HitPolicy::RuleOrder => Ok(Outcome::All(matches)),
        HitPolicy::OutputOrder => Ok(Outcome::All(by_priority(table, matches))),
        HitPolicy::Collect(Some(aggregation)) => {
            aggregate(decision, aggregation, &matches).map(Outcome::Aggregate)
        }
    }
}

fn numbers(matches: &[Match]) -> Vec<usize> {
    matches.iter().filter_map(|one| one.rule).map(|rule| rule + 1).collect()
}

fn unique(decision: &str, matches: Vec<Match>) -> Result<Outcome, EvaluationError> {
    if matches.len() > 1 {
        return Err(EvaluationError::SeveralMatch {
            decision: decision.to_owned(),
            rules: numbers(&matches),
        });
    }
    Ok(Outcome::One(matches.into_iter().next()))
}

fn any(decision: &str, matches: Vec<Match>) -> Result<Outcome, EvaluationError> {
    let Some((first, rest)) = matches.split_first() else { return Ok(Outcome::One(None)) };
    let agrees = |other: &Match| first.outputs.iter().zip(&other.outputs).all(|(a, b)| a.equals(b));
    if let Some(other) = rest.iter().find(|other| !agrees(other)) {
        let rules = numbers(&[first.clone(), other.clone()]);
        return Err(EvaluationError::Disagree { decision: decision.to_owned(), rules });
    }
    Ok(Outcome::One(matches.into_iter().next()))
}

/// Sorted by the ranks of their outputs; the sort is stable, so equals stay in rule order.
fn by_priority(table: &Table, mut matches: Vec<Match>) -> Vec<Match> {
    let ranks = |one: &Match| -> Vec<usize> {
        table
            .outputs
            .iter()
            .zip(&one.outputs)
            .filter(|(clause, _)| !clause.ranking.is_empty())
            .map(|(clause, value)| {
                clause.ranking.iter().position(|ranked| ranked.equals(value)).unwrap_or(usize::MAX)
            })
            .collect()
    };
    matches.sort_by_cached_key(ranks);
    matches
}

fn aggregate(
    decision: &str,
    aggregation: Aggregation,
    matches: &[Match],
) -> Result<Computed, EvaluationError> {
    let values: Vec<(&Match, &Computed)> =
        matches.iter().filter_map(|one| Some((one, one.outputs.first()?))).collect();
    if aggregation == Aggregation::Count {
        return Ok(Computed::number(values.len() as f64));
    }
    let wrong = |one: &Match, value: &Computed, expected| EvaluationError::WrongType {
        decision: decision.to_owned(),
        what: one.rule.map_or_else(
            || "the default output".to_owned(),
            |rule| format!("the output of rule {}", rule + 1),
        ),
        value: value.display(),
        found: value.type_name(),
        expected,
    };
    let Some((_, first)) = values.first() else { return Ok(Computed::null()) };
    if aggregation == Aggregation::Sum {
        let mut sum = 0.0;
        for (one, value) in values {
            sum += value.as_number().ok_or_else(|| wrong(one, value, "number"))?;
        }
        return Ok(Computed::number(sum));
    }
    let wanted = if aggregation == Aggregation::Min { Ordering::Less } else { Ordering::Greater };
    let mut best = *first;
    for (one, value) in values {
        let order = value.compare(best).ok_or_else(|| wrong(one, value, "value that has an order"))?;
        if order == wanted {
            best = value;
        }
    }
    Ok(best.clone())
}
