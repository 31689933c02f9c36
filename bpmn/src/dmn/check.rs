//! Looks decision tables over before they decide: rules that overlap, inputs that no rule matches, rules that can
//! never count. Each with an example, where the cells compare with constants.
//!
//! | finding | under | how |
//! | --- | --- | --- |
//! | overlap | UNIQUE; ANY with different outputs | two rules share an input in every column |
//! | gap | policies of one rule without default outputs | a search over the inputs for one that no rule matches |
//! | dead rule | all; FIRST also where an earlier rule takes all it would match | by columns |

mod columns;
mod search;

use super::model::{HitPolicy, Logic, Model, Table};
use crate::check::{Finding, Severity};
use columns::{Column, columns};
use search::Rules;

/// Tables with more rules are not compared.
const MAX_COMPARED_RULES: usize = 1_000;
/// Overlaps reported for one table.
const MAX_OVERLAPS: usize = 10;

/// All findings about the decisions of a file, in document order, the worst first.
#[must_use]
pub fn check(model: &Model) -> Vec<Finding> {
    let mut findings = Vec::new();
    for decision in &model.decisions {
        if let Logic::Table(table) = &decision.logic {
            Tables { decision: &decision.id, line: decision.line, table }.check(&mut findings);
        }
    }
    findings.sort_by(|a, b| a.severity.cmp(&b.severity).then(a.line.cmp(&b.line)));
    findings
}

/// A table under examination.
struct Tables<'a> {
    decision: &'a str,
    line: u32,
    table: &'a Table,
}

impl Tables<'_> {
    fn finding(
        &self,
        code: &'static str,
        severity: Severity,
        line: u32,
        message: String,
        hint: &'static str,
    ) -> Finding {
        let element = Some(self.decision.to_owned());
        Finding { code, severity, element, line, message, hint, path: Vec::new() }
    }

    fn check(&self, findings: &mut Vec<Finding>) {
        if self.table.rules.len() > MAX_COMPARED_RULES {
            let message = format!(
                "the {} rules of decision {} are not compared: at most {MAX_COMPARED_RULES} are",
                self.table.rules.len(),
                self.decision
            );
            let hint = "split the table if you want overlaps and gaps to be found";
            findings.push(self.finding("DMN-0304", Severity::Hint, self.line, message, hint));
            return;
        }
        let columns = match columns(self.table) {
            Ok(columns) => columns,
            Err(unclear) => {
                let message = format!(
                    "the rules of decision {} are not compared: rule {} tests {} by more than constants",
                    self.decision,
                    unclear.rule + 1,
                    unclear.column
                );
                let hint =
                    "nothing to do where that is meant: overlaps and gaps show when the decision is made";
                findings.push(self.finding("DMN-0304", Severity::Hint, self.line, message, hint));
                return;
            }
        };
        self.overlaps(&columns, findings);
        self.gap(&columns, findings);
        self.dead(&columns, findings);
    }

    fn overlaps(&self, columns: &[Column], findings: &mut Vec<Finding>) {
        let policy = self.table.hit_policy;
        let rules = &self.table.rules;
        let says = |rule: usize| -> Vec<Option<&str>> {
            rules[rule].outputs.iter().map(|output| output.as_ref().map(|it| it.source())).collect()
        };
        let severity = match policy {
            HitPolicy::Unique => Severity::Error,
            HitPolicy::Any => Severity::Warning,
            _ => return,
        };
        let mut found = 0;
        for (earlier, later) in search::overlaps(columns, rules.len()) {
            if policy == HitPolicy::Any && says(earlier) == says(later) {
                continue;
            }
            found += 1;
            if found > MAX_OVERLAPS {
                return;
            }
            let both = |column: &Column| column.shared(&[earlier, later]);
            let message = format!(
                "rules {} and {} of decision {} overlap: both match {}",
                earlier + 1,
                later + 1,
                self.decision,
                example(columns, both)
            );
            let hint = "make the tests exclude each other, or choose another hit policy such as FIRST";
            findings.push(self.finding("DMN-0301", severity, rules[later].line, message, hint));
        }
    }

    fn gap(&self, columns: &[Column], findings: &mut Vec<Finding>) {
        let has_default = self.table.outputs.iter().any(|output| output.default.is_some());
        if self.table.hit_policy.is_multiple() || has_default {
            return;
        }
        if let Some(choice) = search::gap(columns, self.table.rules.len()) {
            let mut choice = choice.into_iter();
            let message = format!(
                "no rule of decision {} matches {}: the result is null then",
                self.decision,
                example(columns, |_| choice.next())
            );
            let hint = "add a rule, or give the outputs default values";
            findings.push(self.finding("DMN-0302", Severity::Warning, self.line, message, hint));
        }
    }

    fn dead(&self, columns: &[Column], findings: &mut Vec<Finding>) {
        for (place, rule) in self.table.rules.iter().enumerate() {
            let never = columns.iter().find(|column| column.shared(&[place]).is_none());
            let message = if let Some(column) = never {
                format!(
                    "rule {} of decision {} never matches: no {} passes its test",
                    place + 1,
                    self.decision,
                    column.label
                )
            } else if self.table.hit_policy == HitPolicy::First
                && let Some(earlier) = (0..place).find(|earlier| search::covers(columns, *earlier, place))
            {
                let earlier = earlier + 1;
                let place = place + 1;
                format!(
                    "rule {place} of decision {} never counts: rule {earlier} matches all it would",
                    self.decision
                )
            } else {
                continue;
            };
            let hint = "remove the rule, or put it before the one that hides it";
            findings.push(self.finding("DMN-0303", Severity::Warning, rule.line, message, hint));
        }
    }
}

/// One input as an example: `amount = 5, rating = "A"`.
fn example(columns: &[Column], mut choose: impl FnMut(&Column) -> Option<usize>) -> String {
    let mut parts = Vec::with_capacity(columns.len());
    for column in columns {
        let Some(value) = choose(column).and_then(|place| column.samples.get(place)) else { continue };
        parts.push(match &value.value {
            Some(value) => format!("{} = {}", column.label, value.display()),
            None => format!("any {}", column.label),
        });
    }
    if parts.is_empty() { "any input".to_owned() } else { parts.join(", ") }
}

/// The rules that pass for one input of a column.
#[derive(Clone, Debug)]
struct Sample {
    /// The input; `None` stands for any.
    value: Option<crate::expression::Computed>,
    passing: Rules,
}
