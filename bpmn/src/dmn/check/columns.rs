//! The inputs of a table as finitely many samples: the constants its cells compare with, one value between each two
//! neighbours and one beyond both ends. All other inputs fare as one of these.

use std::cmp::Ordering;

use super::Sample;
use super::search::Rules;
use crate::dmn::model::Table;
use crate::expression::{Computed, Expression, Limits, ValueType};

/// An input with its samples. Columns over the same expression are one.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) label: String,
    pub(super) samples: Vec<Sample>,
}

impl Column {
    /// The first sample that all these rules pass.
    pub(super) fn shared(&self, rules: &[usize]) -> Option<usize> {
        self.samples.iter().position(|sample| rules.iter().all(|rule| sample.passing.has(*rule)))
    }
}

/// A cell that compares with more than constants.
pub(super) struct Unclear {
    pub(super) rule: usize,
    pub(super) column: String,
}

/// The columns of a table.
pub(super) fn columns(table: &Table) -> Result<Vec<Column>, Unclear> {
    let limits = Limits::at(0);
    let mut seen: Vec<&str> = Vec::new();
    let mut columns = Vec::new();
    for clause in &table.inputs {
        let source = clause.expression.source();
        if seen.contains(&source) {
            continue;
        }
        seen.push(source);
        let same: Vec<usize> = table
            .inputs
            .iter()
            .enumerate()
            .filter(|(_, other)| other.expression.source() == source)
            .map(|(place, _)| place)
            .collect();
        let mut constants: Vec<Computed> = Vec::new();
        let mut add = |test: &Expression| {
            let found = test.constants(limits)?;
            let is_clear = !found.is_empty();
            constants.extend(found);
            is_clear.then_some(())
        };
        for (place, rule) in table.rules.iter().enumerate() {
            for test in same.iter().filter_map(|column| rule.tests[*column].as_ref()) {
                add(test).ok_or_else(|| Unclear { rule: place, column: clause.label.clone() })?;
            }
        }
        // Allowed values by more than constants restrict nothing here.
        let allowed = clause.allowed.as_ref().filter(|allowed| add(allowed).is_some());
        let mut values = samples(constants, clause.value_type);
        values.retain(|value| match (value, allowed) {
            (Some(value), Some(allowed)) => allowed.accepts(value, &(), &mut Limits::at(0)).unwrap_or(false),
            _ => true,
        });
        let samples = values
            .into_iter()
            .map(|value| {
                let mut passing = Rules::none(table.rules.len());
                for (place, rule) in table.rules.iter().enumerate() {
                    let passes = same.iter().all(|column| match (&rule.tests[*column], &value) {
                        (Some(test), Some(value)) => {
                            test.accepts(value, &(), &mut Limits::at(0)).unwrap_or(false)
                        }
                        _ => true,
                    });
                    if passes {
                        passing.add(place);
                    }
                }
                Sample { value, passing }
            })
            .collect();
        columns.push(Column { label: clause.label.clone(), samples });
    }
    Ok(columns)
}

/// The constants in order with what lies between them; one sample that stands for any input where there are none.
fn samples(mut constants: Vec<Computed>, value_type: Option<ValueType>) -> Vec<Option<Computed>> {
    if value_type == Some(ValueType::Boolean) {
        return vec![Some(Computed::from(true)), Some(Computed::from(false))];
    }
    constants.sort_by(|a, b| a.compare(b).unwrap_or(Ordering::Equal));
    constants.dedup_by(|a, b| a.equals(b));
    let Some(first) = constants.first() else { return vec![None] };
    if first.type_name() == "boolean" {
        return vec![Some(Computed::from(true)), Some(Computed::from(false))];
    }
    let mut samples: Vec<Option<Computed>> = Vec::with_capacity(2 * constants.len() + 1);
    if constants.iter().all(Computed::is_text) {
        samples.extend(constants.iter().cloned().map(Some));
        let other = (0..=constants.len())
            .map(|number| if number == 0 { "other".to_owned() } else { format!("other {number}") })
            .map(|text| Computed::from(text.as_str()))
            .find(|text| !constants.iter().any(|constant| constant.equals(text)));
        samples.extend(other.map(Some));
        return samples;
    }
    let whole = value_type == Some(ValueType::Integer);
    samples.extend(Computed::between(None, Some(first), whole).map(Some));
    for (place, constant) in constants.iter().enumerate() {
        samples.push(Some(constant.clone()));
        let next = constants.get(place + 1);
        samples.extend(Computed::between(Some(constant), next, whole).map(Some));
    }
    samples
}
