//! Reads how a decision decides: a decision table or a literal expression; every other expression is refused.

use super::{Reader, child, children, place, said, text_of};
use crate::dmn::model::{Aggregation, HitPolicy, InputClause, Logic, OutputClause, Rule, Table};
use crate::dmn::{MAX_CELLS, MAX_COLUMNS, MAX_RULES};
use crate::error::Error;
use crate::expression::{Computed, Expression, Limits};
use crate::model::RawElement;

/// Boxed expressions of DMN 1.5 § 10.2.2 that are not evaluated.
const NOT_EVALUATED: [(&str, &str); 10] = [
    ("context", "write the context as a literal expression: { name: … }"),
    ("invocation", "call the function in a literal expression: name(…)"),
    ("functionDefinition", "make the function a business knowledge model"),
    ("relation", "write the list of contexts as a literal expression"),
    ("list", "write the list as a literal expression: [ … ]"),
    ("conditional", "write `if … then … else …` as a literal expression"),
    ("filter", "write the filter as a literal expression: list[ … ]"),
    ("for", "write `for … return …` as a literal expression"),
    ("every", "write `every … satisfies …` as a literal expression"),
    ("some", "write `some … satisfies …` as a literal expression"),
];

impl Reader<'_> {
    /// How a decision decides; `None`, with a problem noted, where that is not evaluated.
    pub(super) fn decision_logic(&mut self, decision: &RawElement) -> Option<Logic> {
        if let Some(table) = child(decision, "decisionTable") {
            return self.table(table).map(Logic::Table);
        }
        if let Some(literal) = child(decision, "literalExpression") {
            let text = text_of(literal);
            if text.is_empty() {
                self.missing(decision, "text of its literal expression");
                return None;
            }
            return self.expression(decision, literal, "literal expression", &text).map(Logic::Literal);
        }
        for (name, hint) in NOT_EVALUATED {
            if child(decision, name).is_some() {
                self.refuse(decision, format!("the boxed expression {name}"), hint);
                return None;
            }
        }
        self.missing(decision, "decision table or literal expression");
        None
    }

    fn table(&mut self, element: &RawElement) -> Option<Table> {
        let problems = self.problems.len();
        let hit_policy = self.hit_policy(element);
        let inputs: Vec<&RawElement> = children(element, "input").collect();
        let outputs: Vec<&RawElement> = children(element, "output").collect();
        let rules: Vec<&RawElement> = children(element, "rule").collect();
        if outputs.is_empty() {
            self.missing(element, "output");
        }
        let columns = inputs.len() + outputs.len();
        for (what, count, limit) in [
            ("rules in a decision table", rules.len(), MAX_RULES),
            ("columns in a decision table", columns, MAX_COLUMNS),
            ("cells in a decision table", columns * rules.len(), MAX_CELLS),
        ] {
            if count > limit {
                self.problems.push(Error::Limit { what, limit, place: place(element) });
                return None;
            }
        }
        let table = Table {
            hit_policy,
            inputs: inputs.iter().filter_map(|input| self.input(input)).collect(),
            outputs: outputs.iter().map(|output| self.output(output, outputs.len() == 1)).collect(),
            rules: rules.iter().map(|rule| self.rule(element, rule, inputs.len(), outputs.len())).collect(),
        };
        self.check_policy(element, &table);
        (self.problems.len() == problems).then_some(table)
    }

    fn hit_policy(&mut self, element: &RawElement) -> HitPolicy {
        let aggregation = match said(element, "aggregation") {
            None => None,
            Some("SUM") => Some(Aggregation::Sum),
            Some("MIN") => Some(Aggregation::Min),
            Some("MAX") => Some(Aggregation::Max),
            Some("COUNT") => Some(Aggregation::Count),
            Some(other) => {
                self.value(element, "aggregation", other, "SUM, MIN, MAX or COUNT");
                None
            }
        };
        let policy = match said(element, "hitPolicy").unwrap_or("UNIQUE") {
            "UNIQUE" => HitPolicy::Unique,
            "FIRST" => HitPolicy::First,
            "PRIORITY" => HitPolicy::Priority,
            "ANY" => HitPolicy::Any,
            "COLLECT" => HitPolicy::Collect(aggregation),
            "RULE ORDER" => HitPolicy::RuleOrder,
            "OUTPUT ORDER" => HitPolicy::OutputOrder,
            other => {
                let expected = "UNIQUE, FIRST, PRIORITY, ANY, COLLECT, RULE ORDER or OUTPUT ORDER";
                self.value(element, "hitPolicy", other, expected);
                HitPolicy::Unique
            }
        };
        if aggregation.is_some() && !matches!(policy, HitPolicy::Collect(_)) {
            let what = format!("an aggregation under hit policy {}", policy.name());
            self.refuse(element, what, "use hit policy COLLECT, or remove the aggregation");
        }
        policy
    }

    fn check_policy(&mut self, element: &RawElement, table: &Table) {
        let policy = table.hit_policy;
        if matches!(policy, HitPolicy::Priority | HitPolicy::OutputOrder)
            && table.outputs.iter().all(|output| output.ranking.is_empty())
        {
            self.missing(element, "output values, from which its hit policy takes the priorities");
        }
        if matches!(policy, HitPolicy::Collect(Some(_))) && table.outputs.len() > 1 {
            let what = format!("hit policy {} over several outputs", policy.name());
            self.refuse(element, what, "use COLLECT without aggregation, or a table for each output");
        }
    }

    fn input(&mut self, element: &RawElement) -> Option<InputClause> {
        let expression = child(element, "inputExpression");
        let text = expression.map(text_of).unwrap_or_default();
        let (Some(expression), false) = (expression, text.is_empty()) else {
            self.missing(element, "input expression");
            return None;
        };
        let parsed = self.expression(element, expression, "input expression", &text);
        let named = said(expression, "typeRef").map(|name| self.types.of(name)).unwrap_or_default();
        let allowed = self.values(element, "inputValues").or(named.allowed);
        Some(InputClause {
            label: said(element, "label").unwrap_or(&text).to_owned(),
            variable: element
                .attributes
                .iter()
                .find(|each| each.local_name == "inputVariable")
                .map(|each| each.value.trim().to_owned())
                .filter(|name| !name.is_empty()),
            expression: parsed?,
            value_type: named.value_type,
            allowed,
        })
    }

    fn output(&mut self, element: &RawElement, is_only: bool) -> OutputClause {
        let name = said(element, "name");
        if name.is_none() && !is_only {
            self.missing(element, "name, and the table has several outputs");
        }
        let named = said(element, "typeRef").map(|name| self.types.of(name)).unwrap_or_default();
        let allowed = self.values(element, "outputValues").or(named.allowed);
        let ranking = allowed.as_ref().and_then(|allowed| allowed.constants(Limits::at(0)));
        let ranking: Vec<Computed> = ranking.unwrap_or_default();
        let default = child(element, "defaultOutputEntry").and_then(|entry| {
            let text = text_of(entry);
            (!text.is_empty()).then(|| self.expression(element, entry, "default output", &text)).flatten()
        });
        OutputClause {
            name: name.unwrap_or_default().to_owned(),
            value_type: named.value_type,
            allowed,
            ranking,
            default,
        }
    }

    /// Allowed values of a column.
    fn values(&mut self, element: &RawElement, name: &'static str) -> Option<Expression> {
        let values = child(element, name)?;
        let text = text_of(values);
        if text.is_empty() || text == "-" {
            return None;
        }
        self.tests(element, values, name, &text)
    }

    fn rule(&mut self, table: &RawElement, element: &RawElement, inputs: usize, outputs: usize) -> Rule {
        let mut tests: Vec<Option<Expression>> = Vec::with_capacity(inputs);
        for entry in children(element, "inputEntry") {
            let text = text_of(entry);
            let test =
                (!text.is_empty() && text != "-").then(|| self.tests(element, entry, "input entry", &text));
            tests.push(test.flatten());
        }
        let mut values: Vec<Option<Expression>> = Vec::with_capacity(outputs);
        for entry in children(element, "outputEntry") {
            let text = text_of(entry);
            let value = (!text.is_empty() && text != "-")
                .then(|| self.expression(element, entry, "output entry", &text));
            values.push(value.flatten());
        }
        if tests.len() != inputs || values.len() != outputs {
            let found = format!("{} input and {} output entries", tests.len(), values.len());
            let owner = if element.get("id").is_some() { element } else { table };
            self.value(owner, "rule", &found, "one entry for each input and output of the table");
        }
        let annotations = children(element, "annotationEntry").map(text_of);
        let description = child(element, "description").map(RawElement::text);
        let notes: Vec<String> =
            description.into_iter().chain(annotations).filter(|it| !it.is_empty()).collect();
        Rule {
            id: element.get("id").unwrap_or_default().to_owned(),
            line: element.line.0,
            annotation: (!notes.is_empty()).then(|| notes.join("; ")),
            tests,
            outputs: values,
        }
    }

    fn value(&mut self, element: &RawElement, attribute: &str, value: &str, expected: &'static str) {
        self.problems.push(Error::Value {
            attribute: attribute.to_owned(),
            value: value.to_owned(),
            expected,
            place: place(element),
        });
    }
}
